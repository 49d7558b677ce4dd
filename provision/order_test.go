package provision_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// What is to become of items that wait for the agents of each other. There is a trunk for every
// pair of has, of a number and its agent; the items want the pairs of wants, in that order. What is
// done is "created" and so on; "busy 3" is an agent that number 3 keeps, and "cycle 1 2" one of
// these numbers.
var orders = []struct {
	name        string
	has, wants  [][2]int
	done        []string
	leavesHolds [][2]int // how it is in the end, where it is not as it was wanted
}{
	{
		name: "a chain of five, in the worst order",
		has:  [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}, wants: [][2]int{{1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}},
		done: []string{"assigned", "assigned", "assigned", "assigned", "assigned"},
	},
	{
		name: "a chain of five, in the best order",
		has:  [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}, wants: [][2]int{{5, 6}, {4, 5}, {3, 4}, {2, 3}, {1, 2}},
		done: []string{"assigned", "assigned", "assigned", "assigned", "assigned"},
	},
	{
		name: "a new number takes an agent that is freed later",
		has:  [][2]int{{1, 1}}, wants: [][2]int{{2, 1}, {1, 2}},
		done: []string{"created", "assigned"},
	},
	{
		name: "two swap", has: [][2]int{{1, 1}, {2, 2}}, wants: [][2]int{{1, 2}, {2, 1}},
		done:        []string{"cycle 1 2", "cycle 1 2"},
		leavesHolds: [][2]int{{1, 1}, {2, 2}},
	},
	{
		name: "three in a ring", has: [][2]int{{1, 1}, {2, 2}, {3, 3}}, wants: [][2]int{{3, 1}, {1, 2}, {2, 3}},
		done:        []string{"cycle 3 1 2", "cycle 3 1 2", "cycle 3 1 2"},
		leavesHolds: [][2]int{{1, 1}, {2, 2}, {3, 3}},
	},
	{
		name: "two rings, and a chain that is none of them",
		has:  [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}}, wants: [][2]int{{1, 2}, {3, 4}, {5, 6}, {2, 1}, {4, 3}, {6, 7}},
		done:        []string{"cycle 1 2", "cycle 3 4", "assigned", "cycle 1 2", "cycle 3 4", "assigned"},
		leavesHolds: [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 6}, {6, 7}},
	},
	{
		name: "a chain into a ring",
		has:  [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}}, wants: [][2]int{{4, 3}, {3, 1}, {1, 2}, {2, 1}},
		done:        []string{"busy 3", "busy 1", "busy 2", "shared 2"},
		leavesHolds: [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}},
	},
	{
		name: "the holder is not in the input",
		has:  [][2]int{{1, 1}, {9, 9}}, wants: [][2]int{{1, 9}, {2, 1}},
		done:        []string{"busy 9", "busy 1"},
		leavesHolds: [][2]int{{1, 1}, {9, 9}},
	},
	{
		name: "the holder is in the input, and stays",
		has:  [][2]int{{1, 1}, {2, 2}}, wants: [][2]int{{1, 2}, {2, 2}},
		done:        []string{"busy 2", "shared 1"},
		leavesHolds: [][2]int{{1, 1}, {2, 2}},
	},
	{
		name: "two want the agent that a third frees: the first has it",
		has:  [][2]int{{1, 1}, {2, 2}, {3, 3}}, wants: [][2]int{{1, 3}, {2, 3}, {3, 4}},
		done:        []string{"assigned", "shared 1", "assigned"},
		leavesHolds: [][2]int{{1, 3}, {2, 2}, {3, 4}},
	},
	{
		name: "a long ring",
		has:  [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 7}, {8, 8}},
		wants: [][2]int{
			{1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 1},
		},
		done:        slices.Repeat([]string{"cycle 1 2 3 4 5 6 7 8"}, 8),
		leavesHolds: [][2]int{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 7}, {8, 8}},
	},
}

// Items that wait do so because the list shows who has their agents, or because the API has refused
// them.
func TestOrders(t *testing.T) {
	t.Parallel()
	for _, test := range orders {
		for _, status := range []int{0, 409, 422} { // what the API says of an agent that is busy is not documented
			t.Run(fmt.Sprintf("%s, %d", test.name, status), func(t *testing.T) {
				opts := provision.Options{Workers: 1}
				if status != 0 {
					opts.Lookup = provision.LookupEach
				}
				t.Parallel()
				srv := newServer(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true, AgentBusyStatus: status}))
				for _, pair := range test.has {
					require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(pair[0]), AgentUUID: agent(pair[1])}))
				}
				var items []provision.Item
				wanted := map[mihu.TrunkID]string{}
				for _, pair := range test.wants {
					items = append(items, want(pair[0], pair[1]))
					wanted[trunk(pair[0])] = agent(pair[1])
				}
				if test.leavesHolds != nil {
					clear(wanted)
					for _, pair := range test.leavesHolds {
						wanted[trunk(pair[0])] = agent(pair[1])
					}
				}
				client := srv.Client(t)
				var last provision.Progress
				planned, err := collect(t, provision.Plan(t.Context(), client, stream(nil, items...), provision.Options{Progress: func(p provision.Progress) { last = p }}))
				require.NoError(t, err)
				var plan []string
				for _, action := range test.done {
					plan = append(plan, string(provision.Action(action).Planned()))
				}
				assert.Equal(t, plan, done(planned))
				assert.Zero(t, last.Waiting)
				for _, req := range srv.Requests() {
					assert.Equal(t, "GET /phone-numbers/trunks 200", req.String(), "a plan only lists")
				}

				// One worker sees the items in their order, so that more wait than need to.
				mostWaiting := 0
				opts.Progress = func(p provision.Progress) { last, mostWaiting = p, max(mostWaiting, p.Waiting) }
				results, err := collect(t, provision.Run(t.Context(), client, stream(nil, items...), opts))
				require.NoError(t, err)
				assert.Equal(t, test.done, done(results))
				assert.Equal(t, len(items), last.Done)
				assert.Zero(t, last.Waiting)
				if test.name != "a chain of five, in the best order" {
					assert.Positive(t, mostWaiting)
				}
				holds := map[mihu.TrunkID]string{}
				for _, held := range srv.Trunks() {
					holds[held.ID] = held.AgentUUID
				}
				assert.Equal(t, wanted, holds)
				for i, result := range results {
					if _, shared := errors.AsType[*provision.SharedAgentError](result.Err); shared {
						require.ErrorIs(t, result.Err, mihu.ErrInvalid)
						assert.Nil(t, result.Ensured)
					} else if result.Err != nil {
						require.ErrorIs(t, result.Err, mihu.ErrConflict)
						assert.NotContains(t, result.Err.Error(), trunk(i).PhoneNumber)
						if busy, ok := errors.AsType[*provision.AgentBusyError](result.Err); ok {
							assert.Equal(t, items[i].Trunk.AgentUUID, busy.AgentUUID)
							assert.Equal(t, status != 0, busy.Err != nil, "what the API said is kept")
						}
					}
				}
				for _, req := range srv.Requests() {
					assert.False(t, status == 0 && req.Status >= 400, "nothing is sent that would be refused: %s", req)
				}
			})
		}
	}
}

// done returns what was done, in the words of the table.
func done(results []provision.Result) []string {
	var all []string
	for _, result := range results {
		line := string(result.Action)
		if busy, ok := errors.AsType[*provision.AgentBusyError](result.Err); ok {
			line = "busy " + short(busy.Holder)
		}
		if shared, ok := errors.AsType[*provision.SharedAgentError](result.Err); ok {
			line = fmt.Sprintf("shared %d", shared.FirstIndex+1)
		}
		if cycle, ok := errors.AsType[*provision.CycleError](result.Err); ok {
			words := []string{"cycle"}
			for i, swap := range cycle.Swaps {
				words = append(words, short(swap.Trunk))
				if next := cycle.Swaps[(i+1)%len(cycle.Swaps)]; next.AgentUUID != swap.WantedUUID {
					words = append(words, "which is not the agent of the next:")
				}
			}
			line = strings.Join(words, " ")
		}
		all = append(all, line)
	}
	return all
}

func short(id mihu.TrunkID) string {
	return strings.TrimLeft(strings.TrimPrefix(id.PhoneNumber, "+1234"), "0")
}

// Many workers come to the same end as one.
func TestOrdersWithManyWorkers(t *testing.T) {
	t.Parallel()
	const n = 200
	srv := newServer(t)
	var items []provision.Item
	for i := range n {
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(i), AgentUUID: agent(i)}))
		items = append(items, want(i, i+1)) // every number takes the agent of the next
	}
	results, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, items...), provision.Options{Workers: 16}))
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([]provision.Action{provision.Assigned}, n), actions(results))
	for i, held := range srv.Trunks() {
		assert.Equal(t, agent(i+1), held.AgentUUID)
	}
}

func TestOtherRefusalsKeepTheirError(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada, eve := srv.AddAgent("Ada"), srv.AddAgent("Eve")
	_, err := srv.AddPurchasedNumber(trunk(1).PhoneNumber)
	require.NoError(t, err)
	_, err = srv.AddPurchasedNumber(trunk(5).PhoneNumber)
	require.NoError(t, err)
	require.NoError(t, srv.BindPurchased(trunk(5).PhoneNumber, mihu.ChannelCall, eve))
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(4), AgentUUID: ada}))
	wants := func(number int, uuid string) provision.Item {
		item := want(number, 0)
		item.Trunk.AgentUUID = uuid
		return item
	}
	items := []provision.Item{
		wants(0, agent(7)),            // there is no such agent
		wants(1, srv.AddAgent("Joe")), // a purchased number, not bound
		wants(2, eve),                 // serves a purchased number
		wants(5, srv.AddAgent("Zoe")), // a purchased number, bound to another agent: that cannot change
	}
	waited := 0
	opts := provision.Options{Progress: func(p provision.Progress) { waited = max(waited, p.Waiting) }}
	results, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, items...), opts))
	require.NoError(t, err)
	require.Len(t, results, len(items))
	assert.Equal(t, 3, waited)
	moves, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, wants(4, eve)), opts)) // so here, where there is a trunk
	require.NoError(t, err)
	waited++
	results = slices.Insert(results, 3, moves...)
	assert.Equal(t, 4, waited, "all but the last, of which it is known")

	require.ErrorIs(t, results[0].Err, mihu.ErrInvalid)
	assert.Contains(t, results[0].Err.Error(), "AGENT_NOT_FOUND")
	assert.Contains(t, results[1].Err.Error(), "PHONE_NUMBER_PURCHASED")
	for _, i := range []int{2, 3} {
		busy, ok := errors.AsType[*provision.AgentBusyError](results[i].Err)
		require.True(t, ok, "%v", results[i].Err)
		assert.Zero(t, busy.Holder)
		assert.Equal(t, results[i].Item.Trunk.TrunkID, busy.Trunk)
		assert.Contains(t, busy.Error(), "AGENT_BUSY")
		assert.Contains(t, busy.Error(), "purchased")
	}
	_, ok := errors.AsType[*mihu.ConflictError](results[4].Err)
	assert.True(t, ok, "%v", results[4].Err)
}

func TestTextsOfOrders(t *testing.T) {
	t.Parallel()
	ring := func(n int) *provision.CycleError {
		e := new(provision.CycleError)
		for i := range n {
			e.Swaps = append(e.Swaps, provision.Swap{Trunk: trunk(1000 * i), AgentUUID: agent(i), WantedUUID: agent((i + 1) % n)})
		}
		return e
	}
	assert.Equal(t, "provision: 3 trunks wait for each other's agents: assign +1234•••0000/call to a spare agent, then"+
		" +1234•••2000/call to "+agent(0)+", +1234•••1000/call to "+agent(2)+", +1234•••0000/call to "+agent(1), ring(3).Error())
	assert.Equal(t, "provision: 0 trunks wait for each other's agents", ring(0).Error())
	assert.Contains(t, ring(6).Error(), "+1234•••0000/call to "+agent(1))
	long := ring(10).Error()
	assert.Contains(t, long, ", the 4 in between in the same way, and finally +1234•••0000/call to "+agent(1))
	assert.NotContains(t, long, agent(5)+",")
}
