package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// named adds agents with these names and returns their UUIDs.
func (f *fake) named(names ...string) (uuids []string) {
	for i, name := range names {
		uuid := fmt.Sprintf("d0000000-0000-4000-8000-%012d", i+1)
		require.NoError(f.t, f.AddAgentWithUUID(uuid, name))
		uuids = append(uuids, uuid)
	}
	return uuids
}

// TestAgentByName: every command takes the name of an agent, which costs one list, or a UUID, which
// costs no request more.
func TestAgentByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args     []string
		requests int // with a UUID
	}{
		"create":         {[]string{"create", number(5)}, 1},
		"create dry run": {[]string{"create", number(5), "--dry-run"}, 1},
		"ensure":         {[]string{"ensure", number(1)}, 2},
		"assign":         {[]string{"assign", number(1)}, 2}, // the log has the agent before
		"list":           {[]string{"list"}, 1},
		"numbers":        {[]string{"numbers"}, 1},
		"export":         {[]string{"export"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, byName := range []bool{true, false} {
				f := newFake(t)
				f.trunk(1)
				uuid := f.named("Front desk")[0]
				agent, requests := uuid, c.requests
				if byName {
					agent, requests = "Front desk", c.requests+1
				}
				got := f.run(append(c.args, "--agent", agent)...)
				require.Equal(t, exitDone, got.code, got.stderr)
				require.Equal(t, requests, f.RequestCount())
				if c.args[0] == "create" && len(c.args) == 2 {
					trunk, ok := f.Trunk(mihu.TrunkID{PhoneNumber: number(5), Channel: mihu.ChannelCall})
					require.True(t, ok)
					require.Equal(t, uuid, trunk.AgentUUID)
				}
			}
		})
	}
}

// TestAgentNotFound: a name that does not identify one agent changes nothing, and the agents that
// were probably meant are shown.
func TestAgentNotFound(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	uuids := f.named("Front desk", "Twin", "Twin")
	f.file("names.csv", "phone_number,channel,agent\n"+number(1)+",call,Front dsk\n"+number(2)+",call,Twin\n"+number(3)+",call,Depot\n")
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"create", number(1), "--agent", "Front dsk"}, []string{"no agent has this name", "did you mean", "Front desk  " + uuids[0] + "  active"}},
		{[]string{"ensure", number(1), "--agent", "front desk"}, []string{"no agent has this name", "Front desk  " + uuids[0]}},
		{[]string{"assign", number(1), "--agent", "Twin"}, []string{"2 agents have this name", "Twin  " + uuids[1], "Twin  " + uuids[2]}},
		{[]string{"list", "--agent", "Depot"}, []string{"no agent has this name", `"trunkctl agents" lists`}},
		{[]string{"import", "DIR/names.csv", "--agent", "Depot", "--yes"}, []string{"--agent: no agent has this name"}},
	} {
		got := f.run(c.args...)
		require.Equal(t, exitUsage, got.code, got.stderr)
		for _, want := range c.want {
			require.Contains(t, got.stderr, want)
		}
	}
	got := f.run("import", "DIR/names.csv", "--yes")
	require.Equal(t, exitInput, got.code, got.stderr)
	require.Contains(t, got.stderr, `names.csv:2:19: agent: no agent has this name; did you mean "Front desk"?`)
	require.Contains(t, got.stderr, "names.csv:3:19: agent: ambiguous: 2 agents have this name; use the UUID of one: "+uuids[1]+", "+uuids[2])
	require.Contains(t, got.stderr, "names.csv:4:19: agent: no agent has this name\n")
	f.requireReadsOnly()
}

func (f *fake) requireReadsOnly() {
	f.t.Helper()
	for _, request := range f.Requests() {
		require.Equal(f.t, http.MethodGet, request.Method)
	}
}

// TestImportNames: a file with names costs the pages of the list of agents more than one with UUIDs.
func TestImportNames(t *testing.T) {
	t.Parallel()
	const rows, agents = 300, 300
	names := make([]string, agents)
	for i := range names {
		names[i] = fmt.Sprintf("Desk %d", i)
	}
	content := func(column string, agents []string) string {
		var b strings.Builder
		b.WriteString("phone_number,channel," + column + "\n")
		for i := range rows {
			fmt.Fprintf(&b, "%s,call,%s\n", number(i), agents[i])
		}
		return b.String()
	}
	count := map[string]int{}
	for _, how := range []string{"uuids", "names", "standard input"} {
		f := newFake(t)
		uuids := f.named(names...)
		var got outcome
		switch how {
		case "uuids":
			f.file("in.csv", content("agent_uuid", uuids))
			got = f.run("import", "DIR/in.csv", "--yes", "--workers", "1")
		case "names":
			f.file("in.csv", content("agent", names))
			got = f.run("import", "DIR/in.csv", "--yes", "--workers", "1")
		default:
			got = f.runWith(content("agent", names), "import", "-", "--journal", "DIR/journal", "--yes", "--workers", "1")
		}
		require.Equal(t, exitDone, got.code, got.stderr)
		require.Len(t, f.Trunks(), rows)
		for i, trunk := range f.Trunks() {
			require.Equal(t, uuids[i], trunk.AgentUUID)
		}
		count[how] = f.RequestCount()
	}
	const pages = 2 // of 200 agents
	require.Equal(t, count["uuids"]+pages, count["names"])
	require.Equal(t, count["uuids"]+pages, count["standard input"])
}

// TestResumeRenamed: a journal is refused if a name has become another agent's.
func TestResumeRenamed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	uuids := f.named("Front desk", "Sales")
	f.file("in.csv", "phone_number,channel,agent\n"+number(1)+",call,Front desk\n"+number(2)+",call,Sales\n")
	require.NoError(t, f.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodPost}, Status: http.StatusForbidden}))
	got := f.run("import", "DIR/in.csv", "--yes", "--workers", "1")
	require.Equal(t, exitPartial, got.code, got.stderr)
	require.NoError(t, f.AddAgentWithUUID(uuids[0], "Sales"))
	require.NoError(t, f.AddAgentWithUUID(uuids[1], "Front desk"))
	f.ResetRequests()
	got = f.run("import", "DIR/in.csv", "--yes", "--resume", "--force")
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "is the journal of another input")
	f.requireReadsOnly()
	require.NoError(t, f.AddAgentWithUUID(uuids[0], "Front desk"))
	require.NoError(t, f.AddAgentWithUUID(uuids[1], "Sales"))
	got = f.run("import", "DIR/in.csv", "--yes", "--resume", "--force")
	require.Equal(t, exitDone, got.code, got.stderr)
}

// TestWithoutAgents: an API without a list of agents leaves everything else working.
func TestWithoutAgents(t *testing.T) {
	t.Parallel()
	for status, why := range map[int]string{
		http.StatusNotFound: "the API has no list of agents (404)", http.StatusForbidden: "the token may not list agents (403)",
	} {
		f := newFake(t)
		uuid := f.named("Front desk")[0]
		f.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
			if strings.HasSuffix(r.Path, "/agents") {
				return &mihutest.Fault{Status: status}
			}
			return nil
		})
		f.file("uuids.csv", "phone_number,channel,agent_uuid\n"+number(2)+",whatsapp,"+uuid+"\n")
		f.file("names.csv", "phone_number,channel,agent\n"+number(2)+",whatsapp,Front desk\n")
		for _, args := range [][]string{
			{"create", number(1), "--agent", uuid}, {"list", "--agent", uuid}, {"numbers"}, {"import", "DIR/uuids.csv", "--yes"}, {"limits", number(1)},
		} {
			got := f.run(args...)
			require.Equal(t, exitDone, got.code, got.stderr)
		}
		for _, args := range [][]string{
			{"agents"}, {"create", number(1), "--agent", "Front desk"}, {"list", "--agent", "Front desk"}, {"import", "DIR/names.csv", "--yes"},
		} {
			got := f.run(args...)
			require.Equal(t, exitRefused, got.code, got.stderr)
			lines := strings.Split(strings.TrimSpace(got.stderr), "\n")
			require.Contains(t, lines[len(lines)-1], why)
			if args[0] != "agents" {
				require.Len(t, lines, 1)
			}
		}
	}
}

// TestFirstTrunk: from a token to a first trunk, with what the program prints alone.
func TestFirstTrunk(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	uuid := f.named("Front desk")[0]
	env, config := map[string]string{mihu.EnvBaseURL: f.URL()}, t.TempDir()
	step := func(stdin string, args ...string) string {
		got := invocation{args: args, stdin: stdin, env: env, config: config}.run(t)
		require.Equal(t, exitDone, got.code, got.stderr)
		return got.stdout
	}
	step(secretToken+"\n", "login", "--token-file", "-")
	require.Contains(t, step("", "agents"), "Front desk  "+uuid)
	require.Contains(t, step("", "create", number(1), "--agent", "Front desk", "--dry-run"), "Front desk")
	step("", "create", number(1), "--agent", "Front desk")
	require.Contains(t, step("", "list", "--agent", "Front desk"), "Front desk  "+number(1)+"  call")
}
