package main

import (
	"strings"
	"testing"

	"github.com/mihu-go/mihu/examples/internal/exampletest"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"validation error in this package": "correct the request",
		"validation error of the API":      "correct the request",
		"unauthorized":                     "stop, and get a new token",
		"forbidden":                        "stop, and ask for the permission",
		"not found":                        "the number or the trunk does not exist",
		"conflict":                         "the number or the agent is in use",
		"rate limited for longer than the client waits": "pause all calls for 5m0s",
		"server error":                   "try later",
		"HTML page of a proxy":           "try later",
		"HTML page of another site":      "not the API",
		"404 page of another site":       "not the API",
		"connection lost during a read":  "no response",
		"connection lost during a write": "may have been applied: ",
		"server error during a write":    "may have been applied: ",
		"deadline":                       "the deadline of this call has passed",
		"canceled during a read":         "the program is stopping",
		"canceled during a write":        "may have been applied: ",
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			callErr, err := s.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := advice(callErr); !strings.HasPrefix(got, want[s.name]) || want[s.name] == "" {
				t.Errorf("%v: advice = %q, want prefix %q", callErr, got, want[s.name])
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
		t.Errorf("printed %d errors, want %d:\n%s", n, len(scenarios), printed)
	}
}
