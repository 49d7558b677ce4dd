package main

import (
	"io"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestFitHelp: wrapped help has the same words and fits the terminal, except for examples.
func TestFitHelp(t *testing.T) {
	t.Parallel()
	help := func(width int) map[string]string {
		a := &app{environment: environment{stdout: io.Discard, stderr: io.Discard}, console: term.NewConsole(io.Discard, false)}
		root := a.rootCommand()
		term.FitHelp(root, width)
		texts := map[string]string{}
		var collect func(*cobra.Command)
		collect = func(command *cobra.Command) {
			require.Contains(t, command.UsageString(), command.Example, "examples stay whole")
			_, after, _ := strings.Cut(command.UsageString(), "\nFlags:")
			texts[command.CommandPath()] = command.Long + "\n" + after
			for _, child := range command.Commands() {
				collect(child)
			}
		}
		collect(root)
		return texts
	}
	whole := help(0)
	require.Greater(t, len(whole), 15)
	for _, width := range []int{70, 80, 120} {
		for path, text := range help(width) {
			require.Equal(t, strings.Fields(whole[path]), strings.Fields(text), path)
			for line := range strings.Lines(text) {
				if len(strings.Fields(line)) == 1 {
					continue // a word is not broken
				}
				require.LessOrEqual(t, term.TextWidth(strings.TrimRight(line, " \n")), width, "%s at %d:\n%s", path, width, line)
			}
		}
	}
}
