package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	g.sh(g.dir, 0, "git init -q --bare origin.git && git init -q repo && mkdir repo/ci")
	// The address works only with the checkout's own config, where CI services put the credentials.
	g.sh(g.repo, 0, "git remote add origin https://git.invalid/phones.git && git config url.'"+g.dir+"/origin.git'.insteadOf https://git.invalid/phones.git")
	content, err := os.ReadFile("../../docs/sync.md")
	require.NoError(t, err)
	scripts := regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```sh\n(.*?)```\n").FindAllStringSubmatch(string(content), -1)
	require.Len(t, scripts, 4)
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
	g.sh(g.repo, 0, "sh ci/plan.sh")
	return strings.TrimSpace(g.sh(g.repo, 0, "cat plan.id"))
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
	require.Contains(t, g.sh(g.repo, exitStale, "sh ci/apply.sh "+id), "was applied before")

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

// An apply whose machine dies leaves an older state on the branch: what it has as sent is sent again.
func TestGuideOfSyncAfterAKill(t *testing.T) {
	t.Parallel()
	g := newGuide(t)
	g.agent(1)
	rows := func(name string) string {
		return "phone_number,channel,agent,name,secret_name\n" + number(1) + ",call,Agent 1," + name + ",berlin\n"
	}
	name := func() string {
		trunk, _ := g.Trunk(mihu.TrunkID{PhoneNumber: number(1), Channel: mihu.ChannelCall})
		return trunk.Name
	}
	g.write("numbers.csv", rows("First"))
	g.sh(g.repo, 0, "! sh ci/apply.sh ''")
	g.sh(g.repo, 0, "sh ci/apply.sh "+g.plan())
	g.write("numbers.csv", rows("Second"))
	id := g.plan()
	g.sh(g.repo, 0, "mkdir ../dying && printf '#!/bin/sh\\n\"%s\" \"$@\"; kill -9 $PPID\\n' '"+g.path+"/trunkctl' > ../dying/trunkctl && chmod +x ../dying/trunkctl")
	g.sh(g.repo, 0, "PATH=\"$PWD/../dying:$PATH\"; sh ci/apply.sh "+id+"; test $? = 137")
	require.Equal(t, "Second", name())

	g.write("numbers.csv", rows("First"))
	require.Contains(t, g.sh(g.repo, 0, "sh ci/plan.sh"), "everything is sent again")
	g.sh(g.repo, exitStale, "sh ci/apply.sh "+id)
	g.sh(g.repo, 0, "sh ci/apply.sh "+g.plan())
	require.Equal(t, "First", name())
	require.Empty(t, g.plan())

	// A state that somebody else has pushed meanwhile is not overwritten, and nothing is sent.
	g.write("numbers.csv", rows("Third"))
	id = g.plan()
	push := "(cd .trunkctl-state && touch other && git add other && git -c user.name=a -c user.email=a commit -qm a && " +
		"git push -q origin HEAD:refs/heads/trunkctl-state && git reset -q --hard HEAD~1)\n"
	g.write("race.sh", strings.Replace(g.read("repo/ci/apply.sh"), ": > .trunkctl-state", push+": > .trunkctl-state", 1))
	require.Contains(t, g.sh(g.repo, 1, "sh race.sh "+id), "rejected")
	require.Equal(t, "First", name())
}

// ciStep is a step of a job, in the YAML of GitHub.
type ciStep struct {
	Run, If string
	Env     map[string]string
}

// The shell of the examples for CI runs: a push that is approved, and a night with a drift.
func TestGuideOfSyncForCI(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/sync.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```\n").FindAllStringSubmatch(string(content), -1)
	require.Len(t, blocks, 2)
	var github struct {
		Jobs map[string]struct{ Steps []ciStep }
	}
	require.NoError(t, yaml.Unmarshal([]byte(blocks[0][1]), &github))
	var gitlab struct {
		Default struct {
			BeforeScript []string `yaml:"before_script"`
		}
		Plan, Apply struct{ Script []string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(blocks[1][1]), &gitlab))
	shell := func(job string, night bool) string {
		lines := []string{"set -e", "GITHUB_OUTPUT=output; touch output"}
		for _, step := range github.Jobs[job].Steps {
			require.True(t, step.If == "" || step.If == "github.event_name == 'schedule'", step.If)
			if step.If == "" || night {
				lines = append(lines, step.Run)
			}
		}
		return strings.Join(lines, "\n")
	}
	lab := func(script []string) string {
		return "set -e\n" + strings.Join(append(slices.Clone(gitlab.Default.BeforeScript), script...), "\n")
	}
	for name, ci := range map[string]struct{ plan, read, apply, night string }{
		"GitHub": {shell("plan", false), "sed -n 's/^id=/PLAN=/p' output", shell("apply", false), shell("plan", true)},
		"GitLab": {lab(gitlab.Plan.Script), "cat plan.env", lab(gitlab.Apply.Script), "CI_PIPELINE_SOURCE=schedule\n" + lab(gitlab.Plan.Script)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuide(t)
			g.agent(1)
			g.write("numbers.csv", "phone_number,channel,agent,name,secret_name\n"+number(1)+",call,Agent 1,Reception,berlin\n")
			job := func(code int, script string) string {
				return g.sh(g.repo, code, "go() { :; }; SIP_SECRETS='"+g.read("repo/secrets.json")+"'\n"+script)
			}
			require.Contains(t, job(0, ci.plan), "+ create")
			job(0, g.sh(g.repo, 0, ci.read)+ci.apply)
			require.Len(t, g.Trunks(), 1)
			job(0, ci.night)
			require.NoError(t, g.Client(t).Trunks.Delete(t.Context(), mihu.TrunkID{PhoneNumber: number(1), Channel: mihu.ChannelCall}))
			require.Contains(t, job(1, ci.night), "changed elsewhere")
		})
	}
}
