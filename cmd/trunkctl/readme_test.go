package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const walkThrough = "<!-- walk-through -->\n```console\n"

// TestReadme runs the walk-through of README.md and compares its output.
func TestReadme(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("README.md")
	require.NoError(t, err)
	self, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	bin, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "trunkctl"),
		[]byte("#!/bin/sh\n"+asTrunkctl+"=1 exec '"+self+"' \"$@\"\n"), 0o700))
	parts := strings.Split(string(content), walkThrough)
	require.Greater(t, len(parts), 4)
	var got strings.Builder
	got.WriteString(parts[0])
	for _, part := range parts[1:] {
		block, rest, found := strings.Cut(part, "```\n")
		require.True(t, found)
		got.WriteString(walkThrough)
		for _, command := range commandsOf(block) {
			cmd := exec.CommandContext(t.Context(), "bash", "-c", "exec 2>&1\n"+command)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir}
			out, err := cmd.Output()
			require.NoError(t, err, "%s\n%s", command, out)
			got.WriteString("$ " + command + "\n" + regexp.MustCompile(`in \d+s`).ReplaceAllString(string(out), "in 1s"))
		}
		got.WriteString("```\n" + rest)
	}
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(got.String()), 0o600))
		return
	}
	require.Equal(t, string(content), got.String())
}

// commandsOf returns the lines that begin with a dollar sign, with those that a backslash
// continues.
func commandsOf(block string) (commands []string) {
	continued := false
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		command, is := strings.CutPrefix(line, "$ ")
		switch {
		case continued:
			commands[len(commands)-1] += "\n" + line
		case is:
			commands = append(commands, command)
		default:
			continue
		}
		continued = strings.HasSuffix(line, `\`)
	}
	return commands
}
