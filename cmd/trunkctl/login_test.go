package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/require"
)

// TestLoginSaysWhatToDo has login not send people in a circle.
func TestLoginSaysWhatToDo(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for name, test := range map[string]struct {
		stdin, token string
		args         []string
		code         int
		says         string
	}{
		"no terminal":       {"", "", []string{"login"}, exitUsage, "give it in a file with --token-file, - for the standard input"},
		"refused":           {"7|another", "", []string{"login", "--token-file", "-"}, exitRefused, "the token was not kept; it was refused"},
		"hidden by another": {secretToken, secretToken, []string{"login", "--token-file", "-"}, exitDone, "MIHU_API_TOKEN is set and goes before it"},
		"kept":              {secretToken, "", []string{"login", "--token-file", "-"}, exitDone, "is kept in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{mihu.EnvBaseURL: f.URL(), mihu.EnvToken: test.token}
			got := invocation{args: test.args, stdin: test.stdin, env: env}.run(t)
			require.Equal(t, test.code, got.code, got.stderr)
			require.Contains(t, got.stderr, test.says)
			require.NotContains(t, got.stderr, "run \"trunkctl login\"")
			require.Equal(t, test.token != "", strings.Contains(got.stderr, "goes before it"))
		})
	}
}

// TestNoHome has somebody without a home be told how to do without a token that is kept.
func TestNoHome(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var stdout, stderr strings.Builder
	code := run(t.Context(), environment{
		args:      []string{"list"},
		stdin:     strings.NewReader(""),
		stdout:    &stdout,
		stderr:    &stderr,
		getenv:    func(name string) string { return map[string]string{mihu.EnvBaseURL: f.URL()}[name] },
		configDir: func() (string, error) { return "", errors.New("$HOME is not defined") },
	})
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr.String(), "there is no place for tokens: $HOME is not defined")
	require.Contains(t, stderr.String(), "give the token in MIHU_API_TOKEN or with --token-file")
}
