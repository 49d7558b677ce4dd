package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/require"
)

// TestLoginAdvice: login never advises to run login.
func TestLoginAdvice(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for name, test := range map[string]struct {
		stdin, token string
		args         []string
		code         int
		want         string
	}{
		"no terminal": {"", "", []string{"login"}, exitUsage, "pass it with --token-file FILE, - for standard input"},
		"refused":     {"7|another", "", []string{"login", "--token-file", "-"}, exitRefused, "the token was not stored; it was refused"},
		"overridden":  {secretToken, secretToken, []string{"login", "--token-file", "-"}, exitDone, "MIHU_API_TOKEN is set and takes precedence"},
		"stored":      {secretToken, "", []string{"login", "--token-file", "-"}, exitDone, "stored the token for "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{mihu.EnvBaseURL: f.URL(), mihu.EnvToken: test.token}
			got := invocation{args: test.args, stdin: test.stdin, env: env}.run(t)
			require.Equal(t, test.code, got.code, got.stderr)
			require.Contains(t, got.stderr, test.want)
			require.NotContains(t, got.stderr, "run \"trunkctl login\"")
			require.Equal(t, test.token != "", strings.Contains(got.stderr, "takes precedence"))
		})
	}
}

// TestNoHome: without a home directory, the advice is how to pass a token.
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
		stateDir:  func() (string, error) { return "", errors.New("$HOME is not defined") },
	})
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr.String(), "no directory for tokens: $HOME is not defined")
	require.Contains(t, stderr.String(), "pass the token in MIHU_API_TOKEN or with --token-file")
}
