package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// guide is a copy of docs/sync.md at work: a repository with its scripts, and a remote one.
type guide struct {
	*fake
	path, repo string
}

func newGuide(t *testing.T) *guide {
	t.Helper()
	g := &guide{fake: newFake(t)}
	self, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	g.path, g.repo = filepath.Join(g.dir, "bin"), filepath.Join(g.dir, "repo")
	require.NoError(t, os.MkdirAll(g.path, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(g.path, "trunkctl"), []byte("#!/bin/sh\n"+asTrunkctl+"=1 exec '"+self+"' \"$@\"\n"), 0o700))
	g.sh(g.dir, 0, "git init -q --bare origin.git && git init -q repo && git -C repo remote add origin '"+g.dir+"/origin.git' && mkdir repo/ci")
	content, err := os.ReadFile("../../docs/sync.md")
	require.NoError(t, err)
	scripts := regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```sh\n(.*?)```\n").FindAllStringSubmatch(string(content), -1)
	require.Len(t, scripts, 3)
	for _, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(g.repo, script[1]), []byte(script[2]), 0o600))
	}
	g.write("secrets.json", `{"berlin": {"username": "`+secretUsername+`", "password": "`+secretPassword+`", "gateway": "sip.example.com"}}`)
	return g
}

func (g *guide) write(name, content string) {
	g.t.Helper()
	require.NoError(g.t, os.WriteFile(filepath.Join(g.repo, name), []byte(content), 0o600))
}

// sh runs shell code as a job of CI would, in a home of its own, and returns what it prints.
func (g *guide) sh(dir string, code int, script string) string {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "sh", "-c", "exec 2>&1\n"+script)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + g.path + ":" + os.Getenv("PATH"), "HOME=" + g.t.TempDir(), "TRUNKCTL_STATE_KEY=" + stateKeyOfTests,
		mihu.EnvBaseURL + "=" + g.URL(), mihu.EnvToken + "=" + secretToken, "GIT_CONFIG_GLOBAL=/dev/null",
	}
	out, err := cmd.Output()
	if code == 0 {
		require.NoError(g.t, err, "%s\n%s", script, out)
	}
	require.Equal(g.t, code, cmd.ProcessState.ExitCode(), "%s\n%s", script, out)
	require.NotContains(g.t, string(out), secretPassword)
	return string(out)
}

// plan runs the script that plans and returns the ID; "" if there is nothing to do.
func (g *guide) plan() string {
	g.t.Helper()
	g.sh(g.repo, 0, "sh ci/plan.sh > plan.txt")
	return strings.TrimSpace(g.sh(g.repo, 0, "sed -n 's/^plan //p' plan.txt"))
}

// The scripts of the guide, from the first plan to drift and a lost state.
func TestGuideOfSync(t *testing.T) {
	t.Parallel()
	g := newGuide(t)
	g.agent(1)
	g.agent(2)
	const header = "phone_number,channel,agent,name,secret_name\n"
	g.write("numbers.csv", header+number(1)+",call,Agent 1,Reception,berlin\n"+number(2)+",call,Agent 2,Sales,berlin\n")

	id := g.plan()
	require.NotEmpty(t, id)
	require.Empty(t, g.Trunks())
	g.sh(g.repo, 0, "sh ci/apply.sh "+id)
	require.Len(t, g.Trunks(), 2)
	require.Empty(t, g.plan())
	require.Contains(t, g.sh(g.repo, exitStale, "sh ci/apply.sh "+id), "was carried out before")

	// A row is removed, and somebody moves the other trunk by hand.
	g.write("numbers.csv", header+number(2)+",call,Agent 2,Sales,berlin\n")
	id = g.plan()
	_, err := g.Client(t).Trunks.Assign(t.Context(), mihu.TrunkID{PhoneNumber: number(2), Channel: mihu.ChannelCall}, g.agent(3))
	require.NoError(t, err)
	g.sh(g.repo, exitStale, "sh ci/apply.sh "+id)
	require.Len(t, g.Trunks(), 2)
	drift := g.sh(g.repo, 0, "sh ci/plan.sh")
	require.Contains(t, drift, "changed elsewhere: ")
	require.Contains(t, drift, "- delete ")
	g.sh(g.repo, 0, "sh ci/apply.sh "+g.plan())
	require.Len(t, g.Trunks(), 1)

	// A password changes after the approval.
	g.write("numbers.csv", header+number(2)+",call,Agent 2,Sales desk,berlin\n")
	id = g.plan()
	g.write("secrets.json", `{"berlin": {"username": "`+secretUsername+`", "password": "another-password"}}`)
	g.sh(g.repo, exitStale, "sh ci/apply.sh "+id)

	// The state is lost: everything is sent once, and nothing is deleted.
	g.sh(g.dir, 0, "git -C origin.git update-ref -d refs/heads/trunkctl-state")
	g.write("numbers.csv", header+number(5)+",call,Agent 1,Reception,berlin\n")
	g.sh(g.repo, 0, "sh ci/apply.sh "+g.plan())
	require.Len(t, g.Trunks(), 2)
}

// The examples for CI are YAML, and call the scripts.
func TestGuideOfSyncForCI(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/sync.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```\n").FindAllStringSubmatch(string(content), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		var document map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(block[1]), &document))
		require.Contains(t, block[1], "sh ci/plan.sh > plan.txt")
		require.Contains(t, block[1], "sh ci/apply.sh \"$")
	}
}
