package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// TestManPages: every command and topic has a page with all of its flags, which groff formats
// without a warning if it is installed.
func TestManPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := invocation{args: []string{"man", dir}}.run(t)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Regexp(t, `wrote \d\d pages to `, got.stderr)
	a := &app{environment: environment{stdout: io.Discard, stderr: io.Discard}, console: term.NewConsole(io.Discard, false)}
	pages := 0
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Name() == "help" {
			return
		}
		pages++
		path := filepath.Join(dir, manName(cmd)+".1")
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden {
				require.Contains(t, string(content), `\fB\-\-`+strings.ReplaceAll(flag.Name, "-", `\-`)+`\fR`, path)
			}
		})
		requireFormats(t, path)
		for _, child := range cmd.Commands() {
			check(child)
		}
	}
	check(a.rootCommand())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, pages)
	require.Equal(t, exitUsage, invocation{args: []string{"man", filepath.Join(dir, "none")}}.run(t).code)
}

func requireFormats(t *testing.T, path string) {
	t.Helper()
	groff, err := exec.LookPath("groff")
	if err != nil {
		return
	}
	out, err := exec.CommandContext(t.Context(), groff, "-man", "-ww", "-Tutf8", "-z", path).CombinedOutput()
	require.NoError(t, err)
	require.Empty(t, string(out), path)
}
