package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCompletion: the installed shells accept their scripts, and completion sends no request.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := invocation{args: []string{"completion", shell}}.run(t)
		require.Equal(t, exitDone, got.code)
		require.Contains(t, got.stdout, "trunkctl")
		if program, err := exec.LookPath(shell); err == nil && shell != "powershell" {
			path := filepath.Join(t.TempDir(), "script")
			require.NoError(t, os.WriteFile(path, []byte(got.stdout), 0o600))
			out, err := exec.CommandContext(t.Context(), program, "-n", path).CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
	for line, want := range map[string]string{
		"create --channel ": "call\nwhatsapp\n:4\n",
		"list -o ":          "table\njson\ncsv\nyaml\n:4\n",
		"list ":             ":4\n",
		"import ":           ":0\n",
		"create --agent ":   ":4\n",
	} {
		args := append([]string{"__complete"}, strings.Split(line, " ")...)
		require.Equal(t, want, invocation{args: args}.run(t).stdout, line)
	}
}
