package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sentSettings returns the bodies of the changes of settings since the last call.
func (f *fake) sentSettings() (bodies []string) {
	for _, request := range f.Requests() {
		if request.Method == http.MethodPatch {
			bodies = append(bodies, string(request.Body))
		}
	}
	f.ResetRequests()
	return bodies
}

// TestLimits: a flag that is not given is not sent.
func TestLimits(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	for args, want := range map[string]string{
		"--limit 5":                                `{"channel_settings":{"voice":{"channel_limit":5}}}`,
		"--destinations it,FR":                     `{"channel_settings":{"voice":{"whitelisted_destinations":["IT","FR"]}}}`,
		"--channel sms --enable":                   `{"channel_settings":{"sms":{"enabled":true}}}`,
		"--channel inbound --disable --limit 2":    `{"channel_settings":{"inbound":{"enabled":false,"channel_limit":2}}}`,
		"--no-destinations --zero-limit --yes":     `{"channel_settings":{"voice":{"channel_limit":0,"whitelisted_destinations":[]}}}`,
		"--channel sms --no-destinations --yes":    `{"channel_settings":{"sms":{"whitelisted_destinations":[]}}}`,
		"--channel inbound --zero-limit -y -o csv": `{"channel_settings":{"inbound":{"channel_limit":0}}}`,
	} {
		got := f.run(append([]string{"limits", number(1)}, strings.Fields(args)...)...)
		require.Equal(t, exitDone, got.code, got.stderr)
		bodies := f.sentSettings()
		require.Len(t, bodies, 1, args)
		require.JSONEq(t, want, bodies[0])
	}
	got := f.run("limits", number(1), "-o", "json")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stdout, `"channel": "inbound"`)
	require.Empty(t, f.sentSettings())
}

// TestLimitsRefused: what may lift a limit has a flag of its own, and is confirmed.
func TestLimitsRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	for args, want := range map[string]string{
		"--limit 0":                                 "use --zero-limit",
		"--limit -1":                                "--limit: want 1 or more",
		"--destinations=":                           "use --no-destinations",
		"--destinations Italy":                      "--destinations: want two letters",
		"--zero-limit":                              "cannot prompt: standard input is not a terminal; nothing was sent",
		"--no-destinations":                         "cannot prompt: standard input is not a terminal; nothing was sent",
		"--channel inbound --destinations IT":       "--channel inbound has no destinations",
		"--channel whatsapp --limit 1":              "--channel: want call, sms or inbound",
		"--channel whatsapp":                        "--channel: want call, sms or inbound",
		"--limit 1 --zero-limit":                    "zero-limit",
		"--enable --disable":                        "disable",
		"--no-destinations --destinations IT --yes": "no-destinations",
	} {
		got := f.run(append([]string{"limits", number(1)}, strings.Fields(args)...)...)
		require.Equal(t, exitUsage, got.code, "%s: %s", args, got.stderr)
		require.Contains(t, got.stderr, want, args)
		require.Empty(t, f.sentSettings(), args)
	}
	got := f.run("limits", number(1), "--no-destinations", "--dry-run")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Empty(t, f.sentSettings())
}

// TestLimitsRecorded: a change of settings is in the log, without values.
func TestLimitsRecorded(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	config := filepath.Join(f.dir, "config")
	for _, args := range [][]string{{"limits", number(1), "--limit", "7"}, {"log", "show", "last", "-o", "json"}} {
		got := invocation{args: args, env: f.env(), config: config}.run(t)
		require.Equal(t, exitDone, got.code, got.stderr)
		if args[0] == "log" {
			require.Contains(t, got.stdout, `"call.channel_limit"`)
			require.Contains(t, got.stdout, number(1))
		}
	}
}
