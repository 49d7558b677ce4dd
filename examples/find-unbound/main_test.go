package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/exampletest"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	frontDesk = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	nightDesk = "8d1f5f0e-6f5c-4a53-9f0e-2b6f4f3c9a10"
)

// realServer plays a real workspace: one number for each agent, and one on WhatsApp only.
func realServer(t *testing.T) *mihutest.Server {
	t.Helper()
	server := mihutest.NewServer(t)
	trunk := func(number string, channel mihu.Channel, agent string) mihutest.Trunk {
		return mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: number, Channel: channel}, AgentUUID: agent}
	}
	err := errors.Join(
		server.AddAgentWithUUID(frontDesk, "Front desk"),
		server.AddAgentWithUUID(nightDesk, "Night desk"),
		server.AddTrunk(trunk("+12025550101", mihu.ChannelCall, frontDesk)),
		server.AddTrunk(trunk("+12025550102", mihu.ChannelCall, nightDesk)),
		server.AddTrunk(trunk("+12025550103", mihu.ChannelWhatsApp, nightDesk)),
	)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func planFile(t *testing.T, plan string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "plan.csv")
	if err := os.WriteFile(name, []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFakeServer(t *testing.T) {
	t.Parallel()
	printed, err := exampletest.Run(t.Context(), t, run, nil, "")
	if err != nil {
		t.Error(err)
	}
	exampletest.Golden(t, "fake.golden", printed)
}

func TestUnbound(t *testing.T) {
	t.Parallel()
	printed, err := exampletest.Run(t.Context(), t, run, realServer(t), "")
	if err != nil {
		t.Error(err)
	}
	exampletest.Golden(t, "unbound.golden", printed)
}

func TestPlan(t *testing.T) {
	t.Parallel()
	plan := planFile(t, "+12025550101, "+strings.ToUpper(frontDesk)+"\n+12025550102, "+frontDesk+"\n+12025550103, "+nightDesk+"\n+12025550104, "+nightDesk+"\n")
	printed, err := exampletest.Run(t.Context(), t, run, realServer(t), "", "-plan", plan, "-full")
	if err != nil {
		t.Error(err)
	}
	exampletest.Golden(t, "plan.golden", printed)
}

// TestIncompleteList checks that an incomplete list is an error.
func TestIncompleteList(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	if err := server.Inject(mihutest.Fault{Status: http.StatusForbidden}); err != nil {
		t.Fatal(err)
	}
	printed, err := exampletest.Run(t.Context(), t, run, server, "")
	if !errors.Is(err, mihu.ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
	}
	if strings.Contains(printed, "numbers read") {
		t.Errorf("an incomplete list has a summary:\n%s", printed)
	}
}

func TestInvalidPlan(t *testing.T) {
	t.Parallel()
	server := realServer(t)
	for name, file := range map[string]string{
		"no such file": filepath.Join(t.TempDir(), "none.csv"),
		"one column":   planFile(t, "+12025550101\n"),
	} {
		if _, err := exampletest.Run(t.Context(), t, run, server, "", "-plan", file); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	if n := server.RequestCount(); n != 0 {
		t.Errorf("sent %d requests, want none", n)
	}
}
