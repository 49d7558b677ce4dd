package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/config"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestWorkspaces compares the commands of the config with a golden file.
func TestWorkspaces(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var got strings.Builder
	for _, line := range []string{
		"workspace list",
		"workspace list -o json",
		"workspace show",
		"workspace add acme",
		"workspace add live beta --production --rate 10/s",
		"workspace add proxy --base-url https://proxy.example.com/api/v1",
		"workspace add beta",
		"workspace add acme other",
		"workspace add acme --replace --rate 1/m",
		"workspace add odd --base-url https://odd.example.com/api/v1 --conflict-status 403,423",
		"workspace add bad --conflict-status 401",
		"workspace add bad/name",
		"workspace add other acme.mihu.ai",
		"workspace add other x --base-url https://proxy.example.com/api/v1",
		"workspace add other --workspace acme",
		"workspace add",
		"workspace use proxy",
		"workspace use nosuch",
		"workspace rename proxy edge",
		"workspace rename edge live",
		"workspace rename edge -",
		"workspace list",
		"workspace list -o csv",
		"workspace show",
		"workspace show --workspace live",
		"workspace show --workspace gamma -o json",
		"workspace show --base-url https://beta.mihu.ai/api/v1",
		"workspace show --demo",
		"workspace remove edge",
		"workspace remove edge",
		"workspace show",
		"workspace lst",
	} {
		args := strings.Fields(line)
		f.session(&got, args, invocation{args: args, config: f.dir}.run(t))
	}
	for _, variable := range []string{"MIHU_WORKSPACE=acme", "MIHU_TENANT=gamma", "MIHU_BASE_URL=https://delta.mihu.ai/api/v1"} {
		name, value, _ := strings.Cut(variable, "=")
		env := map[string]string{name: value, mihu.EnvToken: secretToken}
		args := []string{"workspace", "use", "live"}
		f.session(&got, args, invocation{args: args, config: f.dir, env: env}.run(t))
		args = []string{"workspace", "show"}
		f.session(&got, args, invocation{args: args, config: f.dir, env: env}.run(t))
	}
	golden(t, "workspaces", got.String())
	require.NotContains(t, f.read("trunkctl/config.json"), secretToken)
}

// TestLoginSelects: after a login, a fresh environment uses that workspace and its token.
func TestLoginSelects(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	dir := t.TempDir()
	run := func(stdin string, args ...string) outcome {
		return invocation{args: args, stdin: stdin, config: dir}.run(t)
	}
	require.Equal(t, exitUsage, run("", "list").code, "no workspace is selected")
	got := run(secretToken, "login", "--base-url", f.URL(), "--token-file", "-")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stderr, "the current workspace is 127.0.0.1-")
	listed := run("", "list")
	require.Equal(t, exitDone, listed.code, listed.stderr)
	require.Contains(t, listed.stdout, number(1))
	require.Contains(t, run("", "workspace", "show").stdout, "selected by  the current workspace of the config\n")
	content, err := os.ReadFile(filepath.Join(dir, "trunkctl", "config.json"))
	require.NoError(t, err)
	require.NotContains(t, string(content), secretToken)

	again := run(secretToken, "login", "--token-file", "-")
	require.Equal(t, exitDone, again.code, again.stderr)
	cfg, err := config.File{Dir: func() (string, error) { return dir, nil }}.Read()
	require.NoError(t, err)
	require.Len(t, cfg.Workspaces, 1, "a second login does not add another one")
}

// production marks the fake workspace as a production workspace named live.
func (f *fake) production() {
	err := config.File{Dir: func() (string, error) { return f.dir, nil }}.Change(f.t.Context(), func(c *config.Config) error {
		c.Workspaces = []config.Workspace{{Name: "live", Address: f.URL(), Production: true}}
		return nil
	})
	require.NoError(f.t, err)
}

// changing lists a command line for each command that changes something.
func changing() [][]string {
	return [][]string{
		{"create", number(2), "--agent", agent2},
		{"update", number(1), "--name", "x"},
		{"assign", number(1), "--agent", uuidOf(1)},
		{"ensure", number(1), "--agent", uuidOf(2)},
		{"import", "numbers.csv"},
		{"rotate", "--file", "passwords", "--all"},
		{"delete", number(1)},
	}
}

// TestProduction: every command that changes a production workspace wants its name, typed or in
// --workspace beside --yes. Reading and dry runs do not.
func TestProduction(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.trunk(1)
	f.production()
	f.file("numbers.csv", "phone_number,channel,agent_uuid\n"+number(3)+",call,"+agent3+"\n")
	run := func(args ...string) outcome {
		for i := range args {
			if args[i] == "numbers.csv" || args[i] == "passwords" {
				args[i] = filepath.Join(f.dir, args[i])
			}
		}
		return invocation{args: args, env: f.env(), config: f.dir}.run(t)
	}
	require.Equal(t, exitDone, run("list").code)
	for _, args := range changing() {
		got := run(append(args, "--dry-run")...)
		require.Equal(t, exitDone, got.code, "%v: %s", args, got.stderr)
	}
	f.ResetRequests()
	for _, args := range changing() {
		got := run(args...)
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.stderr, "add --workspace live --yes")
		got = run(append(args, "--yes")...)
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.stderr, "live is a production workspace, and --yes does not name it; nothing was sent")
	}
	for _, request := range f.Requests() {
		require.Equal(t, "GET", request.Method, "nothing was changed")
	}
	for _, args := range changing() {
		got := run(append(args, "--yes", "--workspace", "live")...)
		require.Equal(t, exitDone, got.code, "%v: %s", args, got.stderr)
		require.Contains(t, got.stderr, "live", args)
	}
}

// TestTypedName: at a terminal, the name of a production workspace has to be typed.
func TestTypedName(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.trunk(1)
	f.production()
	f.file("numbers.csv", "phone_number,channel,agent_uuid\n"+number(3)+",call,"+agent3+"\n")
	for _, args := range changing() {
		for _, reply := range []string{"yes", "live"} {
			term := startTerminal(t, f.process(args...), pty.Winsize{Rows: 24, Cols: 80})
			term.waitFor("live is a production workspace. Type its name to continue: ")
			term.send(reply + "\r")
			if reply == "live" {
				require.NoError(t, term.cmd.Wait(), "its data has whole numbers")
				term.read.Wait()
				continue
			}
			require.Equal(t, exitUsage, term.end(), term.shown())
			require.Contains(t, term.shown(), "not confirmed; nothing was sent")
		}
	}
}

// TestConflictStatusOfWorkspace: a refusal of which the config says that it is a conflict is one.
func TestConflictStatusOfWorkspace(t *testing.T) {
	t.Parallel()
	f := newFake(t, mihutest.WithRules(mihutest.Rules{DuplicateStatus: http.StatusForbidden}))
	f.trunk(1)
	f.agent(3)
	create := []string{"create", number(1), "--agent", agent3, "--workspace", "odd"}
	env := map[string]string{mihu.EnvToken: secretToken}
	for _, test := range []struct{ flags, advice string }{
		{"", "the token lacks the permission"}, {"--conflict-status=403", "shows which agent answers"},
	} {
		add := []string{"workspace", "add", "odd", "--base-url", f.URL(), "--replace"}
		if test.flags != "" {
			add = append(add, test.flags)
		}
		require.Zero(t, invocation{args: add, config: f.dir}.run(t).code)
		got := invocation{args: create, config: f.dir, env: env}.run(t)
		require.Equal(t, exitRefused, got.code, got.stderr)
		require.Contains(t, got.stderr, test.advice)
	}
}
