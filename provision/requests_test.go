package provision_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// file returns a source with a row for every pair of a number and its agent.
func file(t *testing.T, pairs ...[2]int) *provision.Source {
	t.Helper()
	var b strings.Builder
	b.WriteString(header)
	for _, pair := range pairs {
		fmt.Fprintf(&b, "%s,call,%s\n", trunk(pair[0]).PhoneNumber, agent(pair[1]))
	}
	source, err := spool(t, b.String(), provision.ReadOptions{})
	require.NoError(t, err)
	return source
}

// same returns n pairs of a number and the agent of the same number.
func same(from, n int) [][2]int {
	var pairs [][2]int
	for i := range n {
		pairs = append(pairs, [2]int{from + i, from + i})
	}
	return pairs
}

// add adds a trunk to the server for every pair.
func add(t *testing.T, srv *mihutest.Server, pairs ...[2]int) {
	t.Helper()
	for _, pair := range pairs {
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(pair[0]), AgentUUID: agent(pair[1])}))
	}
}

// chain returns the pairs of n trunks that each want the agent of the next, in the worst order.
func chain(n int) [][2]int {
	var pairs [][2]int
	for i := range n {
		pairs = append(pairs, [2]int{i, i + 1})
	}
	return pairs
}

// How many requests a run and a dry run of a file take.
func TestRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		has, wants  [][2]int
		edit        func(*provision.Options)
		plan        int
		reads       int // of a run, before its first write
		writes      int
		action      provision.Action
		maxRequests int // of a run
	}{
		{name: "2,000 rows, unchanged", has: same(0, 2000), wants: same(0, 2000), plan: 10, reads: 10, action: provision.Unchanged, maxRequests: 10},
		{name: "2,000 rows, all new", wants: same(0, 2000), plan: 1, reads: 1, writes: 2000, action: provision.Created, maxRequests: 2001},
		{name: "2,000 new rows beside 2,000 numbers", has: same(5000, 2000), wants: same(0, 2000), plan: 10, reads: 10, writes: 2000, action: provision.Created, maxRequests: 2010},
		{name: "300 moves in a chain", has: same(0, 300), wants: chain(300), plan: 2, reads: 2, writes: 300, action: provision.Assigned, maxRequests: 302},
		{name: "5 new rows of 10,000 numbers", has: same(5000, 10_000), wants: same(0, 5), plan: 50 + 1, reads: 6, writes: 5, action: provision.Created, maxRequests: 11},
		{
			name: "5 new rows of 10,000 numbers, rows only", has: same(5000, 10_000), wants: same(0, 5), plan: 6, reads: 6, writes: 5,
			edit: func(o *provision.Options) { o.Lookup = provision.LookupRows }, action: provision.Created, maxRequests: 11,
		},
		{name: "5 rows of 10,000 numbers, unchanged", has: same(0, 10_000), wants: same(9000, 5), plan: 6, reads: 6, action: provision.Unchanged, maxRequests: 6},
		{name: "5 moves in a chain, of 10,000 numbers", has: same(0, 10_000), wants: [][2]int{{9000, 9001}, {9001, 9002}, {9002, 20_000}}, plan: 50 + 1, reads: 4, writes: 3, action: provision.Assigned, maxRequests: 7},
		{
			name: "5 rows, and the whole list", has: same(0, 1000), wants: same(900, 5), plan: 5, reads: 5,
			edit: func(o *provision.Options) { o.Lookup = provision.LookupList }, action: provision.Unchanged, maxRequests: 5,
		},
		{
			name: "5 rows, each read", has: same(0, 1000), wants: same(900, 5), plan: 5, reads: 5,
			edit: func(o *provision.Options) { o.Lookup = provision.LookupEach }, action: provision.Unchanged, maxRequests: 5,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			add(t, srv, test.has...)
			source, client := file(t, test.wants...), srv.Client(t)
			var opts provision.Options
			if test.edit != nil {
				test.edit(&opts)
			}
			srv.ResetRequests()
			planned, err := collect(t, source.Plan(t.Context(), client, opts))
			require.NoError(t, err)
			assert.Equal(t, test.plan, srv.RequestCount(), "of the plan")
			srv.ResetRequests()
			results, err := collect(t, source.Run(t.Context(), client, opts))
			require.NoError(t, err)
			assert.LessOrEqual(t, srv.RequestCount(), test.maxRequests)
			reads, writes := 0, 0
			for _, req := range srv.Requests() {
				assert.Less(t, req.Status, 500)
				assert.False(t, req.Method != http.MethodGet && req.Status >= 400, "%s", req)
				if req.Method == http.MethodGet {
					assert.Zero(t, writes, "everything is read before the first write")
					reads++
				} else {
					writes++
				}
			}
			assert.Equal(t, test.reads, reads, "reads")
			assert.Equal(t, test.writes, writes, "writes")
			assert.Equal(t, slices.Repeat([]provision.Action{test.action}, len(test.wants)), actions(results))
			assert.Equal(t, verbs(results), actions(planned))
			held := map[mihu.TrunkID]string{}
			for _, is := range srv.Trunks() {
				held[is.ID] = is.AgentUUID
			}
			for _, pair := range test.wants {
				assert.Equal(t, agent(pair[1]), held[trunk(pair[0])])
			}
		})
	}
}

// A row costs one request for what cannot be read back, and one to be moved.
func TestRequestsOfARow(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, same(0, 3)...)
	named := func(item provision.Item) provision.Item {
		item.Trunk.Name, item.Trunk.Direction = "Front desk", mihu.DirectionInbound
		item.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "u", Password: "p", SecondaryGateway: "b.example.com"}
		item.Trunk.AdditionalSettings = map[string]any{"ani_format": "e164"}
		return item
	}
	results, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, named(want(0, 0)), named(want(1, 11)), want(2, 12)), provision.Options{Workers: 1}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Updated, provision.Assigned, provision.Assigned}, actions(results))
	var flow []string
	for _, req := range srv.Requests() {
		flow = append(flow, req.String())
	}
	assert.Equal(t, []string{
		"GET /phone-numbers/trunks 200", "PATCH /phone-numbers/trunks 200",
		"PUT /phone-numbers/trunks/assign 200", "PATCH /phone-numbers/trunks 200", "PUT /phone-numbers/trunks/assign 200",
	}, flow)
	for i, agentOf := range []int{0, 11} {
		is, _ := srv.Trunk(trunk(i))
		wants := named(want(i, agentOf)).Trunk
		assert.Equal(t, wants.AgentUUID, is.AgentUUID)
		assert.Equal(t, wants.Name, is.Name)
		assert.Equal(t, wants.Direction, is.Direction)
		assert.Equal(t, *wants.SIP, is.SIP)
		assert.Equal(t, wants.AdditionalSettings, is.AdditionalSettings)
		assert.Equal(t, provision.KnownWritten, results[i].Known)
	}
}

// A spare agent breaks cycles, one after the other, with one more request for each.
func TestSpareAgent(t *testing.T) {
	t.Parallel()
	const spare = 7777
	for name, test := range map[string]struct {
		has, wants [][2]int
		assigns    int
		spared     []bool
		fails      bool
	}{
		"swap": {has: same(1, 2), wants: [][2]int{{1, 2}, {2, 1}}, assigns: 3, spared: []bool{true, false}},
		"two swaps and a ring of three": {
			has: same(1, 7), wants: [][2]int{{1, 2}, {2, 1}, {3, 4}, {4, 3}, {5, 6}, {6, 7}, {7, 5}}, assigns: 3 + 3 + 4,
			spared: []bool{true, false, true, false, true, false, false},
		},
		"the spare agent is taken": {has: [][2]int{{1, 1}, {2, 2}, {9, spare}}, wants: [][2]int{{1, 2}, {2, 1}}, fails: true},
	} {
		for _, lookup := range []provision.Lookup{provision.LookupAuto, provision.LookupEach} {
			t.Run(fmt.Sprintf("%s, %q", name, lookup), func(t *testing.T) {
				t.Parallel()
				srv := newServer(t)
				add(t, srv, test.has...)
				source, client := file(t, test.wants...), srv.Client(t)
				opts := provision.Options{SpareAgent: agent(spare), Workers: 3, Lookup: lookup}
				srv.ResetRequests()
				planned, err := collect(t, source.Plan(t.Context(), client, opts))
				require.NoError(t, err)
				srv.ResetRequests()
				results, err := collect(t, source.Run(t.Context(), client, opts))
				require.NoError(t, err)
				assigns, refused := 0, 0
				for _, req := range srv.Requests() {
					if req.Method == http.MethodPut && req.Status == http.StatusOK {
						assigns++
					}
					if req.Status >= 400 {
						refused++
					}
				}
				assert.Equal(t, test.assigns, assigns)
				if lookup == provision.LookupAuto {
					assert.Zero(t, refused)
					assert.Equal(t, 1+test.assigns, srv.RequestCount(), "one page")
				}
				for i, result := range results {
					if test.fails {
						_, isCycle := errors.AsType[*provision.CycleError](result.Err)
						assert.True(t, isCycle)
						_, isCycle = errors.AsType[*provision.CycleError](planned[i].Err)
						assert.True(t, isCycle)
						continue
					}
					require.NoError(t, result.Err)
					is, _ := srv.Trunk(result.Item.Trunk.TrunkID)
					assert.Equal(t, agent(test.wants[i][1]), is.AgentUUID)
					for _, r := range []provision.Result{result, planned[i]} {
						assert.Equal(t, provision.Assign, r.Action.Planned())
						assert.Equal(t, test.spared[i], r.Spare)
						assert.Equal(t, agent(test.has[i][1]), r.Ensured.PreviousAgentUUID)
					}
				}
			})
		}
	}
}

// Two rows that want one agent on one channel are refused before anything is sent.
func TestSharedAgents(t *testing.T) {
	t.Parallel()
	text := header +
		"+12345678901,call," + agent1 + "\n" +
		"+12345678901,whatsapp," + agent1 + "\n" + // another channel
		"+12345678902,call," + agent2 + "\n" +
		"+12345678902,call," + agent2 + "\n" + // the same trunk
		"+12345678903,call," + strings.ToUpper(agent1) + "\n" +
		"+12345678904,call," + agent1 + "\n"
	source, err := spool(t, text, provision.ReadOptions{})
	require.NoError(t, err)
	srv := newServer(t)
	client := srv.Client(t)
	for _, run := range []iter.Seq2[provision.Result, error]{
		source.Run(t.Context(), client, provision.Options{}), source.Plan(t.Context(), client, provision.Options{}),
		source.Run(t.Context(), client, provision.Options{Lookup: provision.LookupEach}),
	} {
		results, err := collect(t, run)
		require.ErrorIs(t, err, mihu.ErrInvalid)
		input, ok := errors.AsType[*provision.InputError](err)
		require.True(t, ok)
		assert.Empty(t, results)
		require.Len(t, input.Violations, 2)
		assert.Equal(t, "line 6, column 1: agent_uuid \""+agent1+"\": line 2 wants this agent on call too, and an agent serves one number per channel; use another agent",
			input.Violations[0].String())
		assert.Equal(t, 7, input.Violations[1].Line)
		assert.Equal(t, err, source.CheckAgents())
	}
	require.NoError(t, file(t, same(0, 3)...).CheckAgents())
	assert.Zero(t, srv.RequestCount())

	for _, run := range []func(context.Context, *mihu.Client, iter.Seq2[provision.Item, error], provision.Options) iter.Seq2[provision.Result, error]{provision.Plan, provision.Run} {
		results, err := collect(t, run(t.Context(), client, source.Items(), provision.Options{}))
		require.NoError(t, err)
		assert.Equal(t, []provision.Action{
			provision.Create, provision.Create, provision.Create, provision.Duplicate, provision.Failed, provision.Failed,
		}, verbs(results), "the items of a stream are not known before")
		shared, ok := errors.AsType[*provision.SharedAgentError](results[4].Err)
		require.True(t, ok)
		assert.Equal(t, 2, shared.FirstLine)
		assert.Zero(t, shared.FirstIndex)
		require.EqualError(t, shared, "provision: not sent: +1234•••8903/call wants agent "+strings.ToUpper(agent1)+
			", as does line 2; an agent serves one number per channel, use another agent")
		require.ErrorIs(t, shared, mihu.ErrInvalid)
	}
	planned, err := collect(t, source.Plan(t.Context(), client, provision.Options{AllowSharedAgents: true}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{
		provision.Unchanged, provision.Unchanged, provision.Unchanged, provision.Duplicate, provision.Create, provision.Create,
	}, actions(planned))
}
