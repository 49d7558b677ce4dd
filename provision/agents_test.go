package provision_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	deskUUID  = "a0000000-0000-4000-8000-000000000001"
	salesUUID = "a0000000-0000-4000-8000-000000000002"
	twinUUID  = "a0000000-0000-4000-8000-000000000003"
)

func agentList(agents ...mihu.Agent) iter.Seq2[mihu.Agent, error] {
	return func(yield func(mihu.Agent, error) bool) {
		for _, agent := range agents {
			if !yield(agent, nil) {
				return
			}
		}
	}
}

func someAgents() iter.Seq2[mihu.Agent, error] {
	return agentList(mihu.Agent{UUID: deskUUID, Name: "Front desk"}, mihu.Agent{UUID: salesUUID, Name: "Sales"},
		mihu.Agent{UUID: twinUUID, Name: "Twin"}, mihu.Agent{UUID: deskUUID, Name: "Twin"})
}

func openAgents(t *testing.T, content string, agents iter.Seq2[mihu.Agent, error]) (*provision.Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	var options provision.ReadOptions
	if agents != nil {
		resolve, err := provision.AgentResolver(agents)
		require.NoError(t, err)
		options.ResolveAgent = resolve
	}
	source, err := provision.Open(path, options)
	if err == nil {
		t.Cleanup(func() { _ = source.Close() })
	}
	return source, err
}

// TestAgentNames: the field agent holds a name or a UUID, beside agent_uuid or instead of it.
func TestAgentNames(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"csv": "phone_number,channel,agent\n+12025550001,call,Front desk\n+12025550002,call," + salesUUID + "\n+12025550003,whatsapp,Sales\n",
		"both": "phone_number,channel,agent,agent_uuid\n+12025550001,call,Front desk,\n+12025550002,call,Sales," + salesUUID +
			"\n+12025550003,whatsapp,," + salesUUID + "\n",
		"json": `{"phone_number":"+12025550001","channel":"call","agent":"Front desk"}` + "\n" +
			`{"phone_number":"+12025550002","channel":"call","agent":"Sales"}` + "\n" +
			`{"phone_number":"+12025550003","channel":"whatsapp","agent_uuid":"` + salesUUID + `"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := openAgents(t, content, someAgents())
			require.NoError(t, err)
			for range 2 {
				var got []string
				for item, err := range source.Items() {
					require.NoError(t, err)
					got = append(got, item.Trunk.AgentUUID)
				}
				assert.Equal(t, []string{deskUUID, salesUUID, salesUUID}, got)
			}
		})
	}
}

// TestAgentViolations: a name that does not identify one agent is a violation with its place.
func TestAgentViolations(t *testing.T) {
	t.Parallel()
	row := func(agent string) string { return "phone_number,channel,agent\n+12025550001,call," + agent + "\n" }
	for name, c := range map[string]struct {
		content string
		agents  iter.Seq2[mihu.Agent, error]
		want    []provision.InputViolation
	}{
		"unknown": {row("Front dsk"), someAgents(), []provision.InputViolation{
			{Line: 2, Column: 19, Field: "agent", Problem: `no agent has this name; did you mean "Front desk"?`},
		}},
		"case": {row("sales"), someAgents(), []provision.InputViolation{
			{Line: 2, Column: 19, Field: "agent", Problem: `no agent has this name; did you mean "Sales"?`},
		}},
		"far": {row("Warehouse"), someAgents(), []provision.InputViolation{
			{Line: 2, Column: 19, Field: "agent", Problem: "no agent has this name"},
		}},
		"ambiguous": {row("Twin"), someAgents(), []provision.InputViolation{{
			Line: 2, Column: 19, Field: "agent", Problem: "ambiguous: 2 agents have this name; use the UUID of one: " + twinUUID + ", " + deskUUID,
		}}},
		"unreadable name": {
			row("Sales"), agentList(mihu.Agent{UUID: salesUUID, Name: "Sales"}, mihu.Agent{UUID: deskUUID, Unreadable: []string{"name"}}),
			[]provision.InputViolation{{
				Line: 2, Column: 19, Field: "agent", Problem: "the name of agent " + deskUUID + " cannot be read and may be this one; use the agent's UUID",
			}},
		},
		"no resolver": {row("Sales"), nil, []provision.InputViolation{
			{Line: 2, Column: 19, Field: "agent", Problem: "the names of agents cannot be looked up here; use the agent's UUID"},
		}},
		"contradiction": {"phone_number,channel,agent,agent_uuid\n+12025550001,call,Sales," + deskUUID + "\n", someAgents(), []provision.InputViolation{
			{Line: 2, Column: 19, Field: "agent", Problem: "another agent than that of agent_uuid; leave one of the two empty"},
		}},
		"none": {row(""), someAgents(), []provision.InputViolation{{Line: 2, Column: 19, Field: "agent_uuid", Problem: "empty; want a UUID"}}},
		"no column": {"phone_number,channel\n+12025550001,call\n", someAgents(), []provision.InputViolation{
			{Line: 1, Column: 1, Field: "agent_uuid", Problem: "required column is missing"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openAgents(t, c.content, c.agents)
			input, ok := errors.AsType[*provision.InputError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.want, input.Violations)
		})
	}
}

// TestAgentFingerprint: a journal belongs to the UUIDs, not to the names.
func TestAgentFingerprint(t *testing.T) {
	t.Parallel()
	const content = "phone_number,channel,agent\n+12025550001,call,Sales\n"
	fingerprint := func(content, uuid string) string {
		source, err := openAgents(t, content, agentList(mihu.Agent{UUID: uuid, Name: "Sales"}, mihu.Agent{UUID: twinUUID, Name: uuid}))
		require.NoError(t, err)
		return source.Fingerprint()
	}
	first := fingerprint(content, salesUUID)
	assert.Equal(t, first, fingerprint(content, salesUUID))
	assert.NotEqual(t, first, fingerprint(content, deskUUID))
	const withUUID = "phone_number,channel,agent\n+12025550001,call," + deskUUID + "\n"
	assert.Equal(t, fingerprint(withUUID, salesUUID), fingerprint(withUUID, deskUUID), "no name is looked up")
}

func TestAgentResolverError(t *testing.T) {
	t.Parallel()
	failed := errors.New("no list")
	_, err := provision.AgentResolver(func(yield func(mihu.Agent, error) bool) { yield(mihu.Agent{}, failed) })
	assert.ErrorIs(t, err, failed)
}
