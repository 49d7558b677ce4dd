package example_test

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

// TestOpen checks that Open never confuses a fake server with a real workspace.
func TestOpen(t *testing.T) {
	t.Parallel()
	const token = "1|of-a-test"
	for name, c := range map[string]struct {
		variables map[string]string
		fake      bool
		message   string // on standard error, or of the error
	}{
		"nothing set":         {nil, true, "fake server"},
		"workspace and token": {map[string]string{mihu.EnvTenant: "acme", mihu.EnvToken: token}, false, "Using the REAL workspace at https://acme.mihu.ai/api/v1"},
		"base and token":      {map[string]string{mihu.EnvBaseURL: "https://acme.mindhunters.ai/api/v1", mihu.EnvToken: token}, false, "Using the REAL workspace at https://acme.mindhunters.ai/api/v1"},
		"workspace alone":     {map[string]string{mihu.EnvTenant: "acme"}, false, "MIHU_API_TOKEN is not set"},
		"base alone":          {map[string]string{mihu.EnvBaseURL: "https://acme.mihu.ai/api/v1"}, false, "MIHU_API_TOKEN is not set"},
		"token alone":         {map[string]string{mihu.EnvToken: token}, false, "MIHU_TENANT is not set"},
		"invalid workspace":   {map[string]string{mihu.EnvTenant: "acme.mihu.ai", mihu.EnvToken: token}, false, "DNS label"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			workspace, err := example.Open(example.Env{
				Getenv: func(name string) string { return c.variables[name] },
				Stderr: &stderr,
			})
			message := stderr.String()
			if err != nil {
				message = err.Error()
			} else {
				t.Cleanup(workspace.Close)
				if fake := workspace.Fake != nil; fake != c.fake || workspace.MayWrite(false) != c.fake || !workspace.MayWrite(true) {
					t.Errorf("fake = %t, want %t; only a fake may be changed without -yes", fake, c.fake)
				}
			}
			if !strings.Contains(message, c.message) || strings.Contains(message, token) {
				t.Errorf("got %q, want %q", message, c.message)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		ok   bool
		help bool
	}{
		"none":         {nil, true, false},
		"a flag":       {[]string{"-yes"}, true, false},
		"help":         {[]string{"-h"}, false, true},
		"unknown flag": {[]string{"-force"}, false, false},
		"argument":     {[]string{"-yes", "now"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			flags := flag.NewFlagSet("test", flag.ContinueOnError)
			flags.Bool("yes", false, "change a real workspace")
			err := example.Env{Args: c.args, Stderr: &stderr}.Parse(flags)
			if (err == nil) != c.ok || errors.Is(err, flag.ErrHelp) != c.help {
				t.Errorf("got %v", err)
			}
			if !c.ok && !strings.Contains(stderr.String(), "change a real workspace") {
				t.Errorf("got %q, want the usage", stderr.String())
			}
		})
	}
}

func TestWho(t *testing.T) {
	t.Parallel()
	for want, binding := range map[string]mihu.Binding{
		"nobody":           {AgentName: "Front desk"},
		"Front desk":       {Bound: true, AgentName: "Front desk", AgentUUID: "u"},
		"u":                {Bound: true, AgentUUID: "u"},
		"an unnamed agent": {Bound: true},
	} {
		if got := example.Who(binding); got != want {
			t.Errorf("Who(%+v) = %q, want %q", binding, got, want)
		}
	}
}
