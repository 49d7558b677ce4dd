package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestClosedOutput: a list whose reader goes away, as head does, ends without a message.
func TestClosedOutput(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for n := range 300 {
		f.trunk(n)
	}
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	cmd := f.process("list", "-o", "csv")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = writer, &stderr
	exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
	require.True(t, ok)
	require.Equal(t, exitClosed, exit.ExitCode())
	require.Empty(t, stderr.String())
	require.NoError(t, writer.Close())
}

// TestFullDisk: output that cannot be written is an error.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return // this system has no such device
	}
	defer func() { _ = full.Close() }()
	f := newFake(t)
	f.trunk(1)
	for _, args := range [][]string{
		{"list"},
		{"list", "-o", "json"},
		{"list", "-o", "yaml"},
		{"list", "-o", "csv"},
		{"export"},
		{"version"},
		{"doctor"},
		{},
		{"--help"},
		{"list", "--help"},
		{"help"},
		{"help", "files"},
		{"completion", "bash"},
	} {
		cmd := f.process(args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
		require.True(t, ok, "%v", args)
		require.Equal(t, exitFailed, exit.ExitCode(), "%v", args)
		require.Equal(t, 1, strings.Count(stderr.String(), "no space left"), stderr.String())
	}
}
