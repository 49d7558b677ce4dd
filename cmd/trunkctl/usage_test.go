package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStrayArguments has an argument where none belongs be refused, and not be shown: it may be a number.
func TestStrayArguments(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, args := range [][]string{
		{number(1)},
		{"list", number(1)},
		{"export", number(1)},
		{"login", number(1)},
		{"doctor", number(1)},
		{"version", number(1)},
		{"create", number(1), number(2)},
		{"import", number(1), number(2)},
	} {
		got := f.run(args...) // which looks at what is printed
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.stderr, "--help", args)
	}
	require.Zero(t, f.RequestCount())
	require.Contains(t, f.run("crate").stderr, `unknown command "crate"; did you mean create?`)
}
