//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPipes: a signal ends a command that waits for a named pipe, and passwords are not written to one.
func TestPipes(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"token":    {"list", "--token-file", "pipe"},
		"password": {"create", number(1), "--agent", uuidOf(1), "--sip-password-file", "pipe"},
		"settings": {"create", number(1), "--agent", uuidOf(1), "--settings-file", "pipe"},
		"numbers":  {"rotate", "--file", "passwords", "--from", "pipe", "--yes"},
		"secrets":  {"import", "numbers.csv", "--secrets", "pipe", "--yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			f.rows(1)
			pipe := filepath.Join(f.dir, "pipe")
			require.NoError(t, syscall.Mkfifo(pipe, 0o600))
			cmd := f.process(args...)
			require.NoError(t, cmd.Start())
			writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until the command opens it
			require.NoError(t, err)
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			require.Error(t, cmd.Wait())
			require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
			require.NoError(t, writer.Close())
			require.Zero(t, f.RequestCount())
		})
	}
	f := newFake(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(f.dir, "pipe"), 0o600))
	got := f.run("rotate", "--file", "DIR/pipe", number(1), "--yes")
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "not a regular file")
}
