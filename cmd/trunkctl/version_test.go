package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVersion: --version prints what the command version prints, in every format.
func TestVersion(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "json", "csv", "yaml"} {
		want := invocation{args: []string{"version", "-o", format}}.run(t)
		require.Equal(t, exitDone, want.code)
		require.Contains(t, want.stdout, version())
		require.Equal(t, want, invocation{args: []string{"--version", "-o", format}}.run(t))
	}
}
