package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/config"
	"github.com/stretchr/testify/require"
)

// shim writes a program trunkctl that is this test binary, and returns its directory.
func shim(t *testing.T) string {
	t.Helper()
	self, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	bin := t.TempDir()
	program := []byte("#!/bin/sh\n" + asTrunkctl + "=1 exec '" + self + "' \"$@\"\n")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "trunkctl"), program, 0o700))
	return bin
}

// plainBash returns bash without the package bash-completion and with the completion script, in the
// test's environment. It ends the test if there is no bash.
func (f *fake) plainBash(args ...string) *exec.Cmd {
	bash, err := exec.LookPath("bash")
	if err != nil {
		f.t.Skip("no bash on this machine")
	}
	f.file("script", invocation{args: []string{"completion", "bash"}}.run(f.t).stdout)
	cmd := f.process(args...)
	cmd.Path, cmd.Args = bash, append([]string{bash, "--norc", "--noprofile"}, args...)
	cmd.Env = append(cmd.Env, "PATH="+shim(f.t)+":/usr/bin:/bin", "INPUTRC=/dev/null", "PS1=$ ")
	return cmd
}

// TestBashCompletion: the script completes in a bash that has no bash-completion, words with "="
// and ":" and a cursor within the line included.
func TestBashCompletion(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.trunk(2)
	err := config.File{Dir: func() (string, error) { return f.dir, nil }}.Change(t.Context(), func(c *config.Config) error {
		c.Workspaces = []config.Workspace{{Name: "acme", Address: acmeBase}, {Name: "live", Address: f.URL()}}
		return nil
	})
	require.NoError(t, err)
	cache := f.process("completion", "cache")
	out, err := cache.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "completion offers 2 agents and 2 numbers of live\n", string(out))
	var script strings.Builder
	script.WriteString("source ./script\ncompopt() { :; }\n" +
		"try() { COMP_LINE=$1 COMP_POINT=$2 COMP_TYPE=9 COMP_KEY=9; shift 2; COMP_WORDS=(\"$@\"); " +
		"COMP_CWORD=${CWORD-$((${#COMP_WORDS[@]} - 1))}; __start_trunkctl; printf '%s\\n' \"${COMPREPLY[@]}\"; }\n")
	var want []string
	for _, c := range []struct {
		line  string
		words string
		want  string
	}{
		{"trunkctl ver", "trunkctl ver", "version"},
		{"trunkctl list -o ", "trunkctl list -o ''", "csv json table yaml"},
		{"trunkctl list --output=j", "trunkctl list --output = j", "json"},
		{"trunkctl list --output=", "trunkctl list --output =", "csv json table yaml"},
		{"trunkctl --workspace l", "trunkctl --workspace l", "live"},
		{"trunkctl --workspace=a", "trunkctl --workspace = a", "acme"},
		{"trunkctl --base-url http://x:1/ --workspace li", "trunkctl --base-url http : //x : 1/ --workspace li", "live"},
		{"trunkctl workspace use a", "trunkctl workspace use a", "acme"},
		{"trunkctl update +", "trunkctl update +", number(1) + " " + number(2)},
		{"trunkctl delete " + number(1) + " +", "trunkctl delete " + number(1) + " +", number(2)},
		{"trunkctl list --agent " + agent2[:35], "trunkctl list --agent " + agent2[:35], agent1 + " " + agent2},
	} {
		fmt.Fprintf(&script, "try '%s' %d %s | sed 's/ *(.*//' | sort | tr '\\n' ' '; echo\n", c.line, len(c.line), c.words)
		want = append(want, c.want)
	}
	fmt.Fprintf(&script, "CWORD=1 try 'trunkctl versio list' 12 trunkctl versio list\n")
	want = append(want, "version")
	f.file("try", script.String())
	cmd := f.plainBash("try")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	var got []string
	for line := range strings.Lines(string(output)) {
		got = append(got, strings.TrimSpace(line))
	}
	require.Equal(t, want, got)
	require.NotContains(t, f.read("script"), "_get_comp_words_by_ref")
	require.NotContains(t, f.read("script"), "_filedir\n                fi")
}

// TestBashTab: the tab key completes in an interactive bash.
func TestBashTab(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cmd := f.plainBash("-i")
	term := startTerminal(t, cmd, pty.Winsize{Rows: 24, Cols: 120})
	term.send("source ./script && echo rea''dy\n")
	term.waitFor("ready")
	term.send("trunkctl create --channel what\t")
	term.waitFor("--channel whatsapp")
	term.send("\x15exit\n")
	_ = term.end() // the exit code of the last command
}

// TestCompletionCache: completion offers what "completion cache" has fetched, of the selected
// workspace only, and sends no request.
func TestCompletionCache(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	require.Equal(t, ":4\n", f.persistent("__complete", "update", "").stdout)
	require.Equal(t, exitDone, f.persistent("completion", "cache").code)
	sent := f.RequestCount()
	require.Equal(t, number(1)+"\tAgent 1\n:4\n", f.persistent("__complete", "update", "").stdout)
	require.Equal(t, agent1+"\tAgent 1\n:4\n", f.persistent("__complete", "list", "--agent", "").stdout)
	require.Equal(t, ":4\n", f.persistent("__complete", "update", "--workspace", "other", "").stdout)
	require.Equal(t, sent, f.RequestCount())
	var names []string
	dir := filepath.Join(f.dir, "cache", "trunkctl", "completion")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		require.NotContains(t, string(content), secretToken)
		names = append(names, entry.Name())
	}
	require.Len(t, names, 1)
	require.Equal(t, exitDone, f.persistent("completion", "cache", "--remove").code)
	require.Equal(t, ":4\n", f.persistent("__complete", "update", "").stdout)

	hostile := hostileServer(t)
	require.Equal(t, exitDone, hostile.persistent("completion", "cache").code)
	require.Equal(t, ":4\n", hostile.persistent("__complete", "update", "").stdout, "only numbers are offered")
	require.Equal(t, ":4\n", hostile.persistent("__complete", "list", "--agent", "").stdout)
	require.Equal(t, exitUsage, invocation{args: []string{"completion", "cache"}, env: map[string]string{mihu.EnvToken: "x"}}.run(t).code)
}
