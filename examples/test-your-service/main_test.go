package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/examples/internal/example"
	"github.com/mihu-go/mihu/examples/internal/exampletest"
)

func TestRunFakeServer(t *testing.T) {
	t.Parallel()
	printed, err := exampletest.Run(t.Context(), t, run, nil, "")
	if err != nil {
		t.Error(err)
	}
	for _, line := range []string{"before: answered by Agent 1\n", "after:  answered by Night desk\n"} {
		if !strings.Contains(printed, line) {
			t.Errorf("no %q in\n%s", line, printed)
		}
	}
}

func TestRunRealWorkspace(t *testing.T) {
	t.Parallel()
	_, server, day, night := newRota(t)
	args := []string{"-number", trunkID.PhoneNumber, "-to-agent", night}
	if _, err := exampletest.Run(t.Context(), t, run, server, "", args...); !errors.Is(err, example.ErrNotConfirmed) {
		t.Errorf("got %v, want ErrNotConfirmed", err)
	}
	wantAgent(t, server, day)
	if _, err := exampletest.Run(t.Context(), t, run, server, "", append(args, "-yes")...); err != nil {
		t.Error(err)
	}
	wantAgent(t, server, night)
}
