package main

import (
	"strings"
	"testing"

	"github.com/mihu-go/mihu/examples/internal/exampletest"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"validation, by this package": "correct the request",
		"validation, by the API":      "correct the request",
		"unauthorized":                "stop, and get a new token",
		"forbidden":                   "stop, and ask for the permission",
		"not found":                   "there is no such number or trunk",
		"conflict":                    "the number or the agent is taken",
		"rate limited, for longer than this package waits": "put this and all other work off for 5m0s",
		"server error":                 "try later",
		"the page of a proxy":          "try later",
		"the page of another site":     "that was not the API",
		"the 404 page of another site": "that was not the API",
		"connection lost, on a read":   "no answer",
		"connection lost, on a change": "it may have been carried out: ",
		"server error, on a change":    "it may have been carried out: ",
		"deadline":                     "the time for this call is over",
		"canceled":                     "the program is ending",
		"canceled, on a change":        "it may have been carried out: ",
	}
	for _, s := range scenarios {
		t.Run(s.kind, func(t *testing.T) {
			t.Parallel()
			provoked, err := s.provoke(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := advice(provoked); !strings.HasPrefix(got, want[s.kind]) || want[s.kind] == "" {
				t.Errorf("%v: the advice is %q, want %q", provoked, got, want[s.kind])
			}
		})
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	printed, err := exampletest.Run(t.Context(), t, run, nil, "")
	if err != nil {
		t.Error(err)
	}
	if n := strings.Count(printed, "-> "); n != len(scenarios) {
		t.Errorf("%d errors were printed, want %d:\n%s", n, len(scenarios), printed)
	}
}
