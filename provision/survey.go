package provision

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/rows"
)

// survey reads the rows of the source before anything is sent for them: what they ask about, and
// whether two of them want one agent on one channel.
type survey struct {
	source   *Source
	ended    func() bool
	finished func(index int) bool // whether an earlier run has finished the row
	shared   bool                 // rows may want one agent
	spare    string               // the agent that breaks cycles, or ""
}

// wish is the agent of a row, as a hash.
type wish struct {
	agent uint64
	index uint32
}

// rows returns what the rows ask about. ok is false if the run has ended.
func (s *survey) rows() (asks *expectation, ok bool, err error) {
	asks = &expectation{seed: maphash.MakeSeed()}
	wishes := make([]wish, 0, s.source.count)
	asks.trunks = make([]trunkKey, 0, s.source.count)
	index := -1
	for item, err := range s.source.Items() {
		if err != nil {
			return nil, false, err
		}
		if index++; s.ended() {
			return nil, false, nil
		}
		if repeats, _ := s.source.repeats.check(&item, index); repeats {
			continue
		}
		if agent, ok := agentOf(item.Trunk.AgentUUID, item.Trunk.Channel); ok {
			wishes = append(wishes, wish{hashAgent(asks.seed, agent), short(index)})
		}
		if trunk, ok := keyOf(item.Trunk.TrunkID); ok && !s.finished(index) {
			asks.trunks = append(asks.trunks, trunk)
		}
	}
	slices.Sort(asks.trunks)
	slices.SortFunc(wishes, func(a, b wish) int { return cmp.Or(cmp.Compare(a.agent, b.agent), cmp.Compare(a.index, b.index)) })
	if !s.shared {
		if err := s.checkShared(asks.seed, wishes); err != nil {
			return nil, false, err
		}
	}
	asks.agents = make([]uint64, 0, len(wishes)+2)
	for _, w := range wishes {
		asks.agents = append(asks.agents, w.agent)
	}
	for _, channel := range [...]mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
		if agent, ok := agentOf(s.spare, channel); ok {
			asks.agents = append(asks.agents, hashAgent(asks.seed, agent))
		}
	}
	slices.Sort(asks.agents)
	return asks, true, nil
}

// checkShared returns an error if two rows want one agent. wishes are in the order of agents.
func (s *survey) checkShared(seed maphash.Seed, wishes []wish) error {
	first := map[uint64]uint32{} // the first row of every agent that several rows want
	for i := 1; i < len(wishes); i++ {
		if before := wishes[i-1]; before.agent == wishes[i].agent {
			if _, known := first[before.agent]; !known {
				first[before.agent] = before.index
			}
		}
	}
	if len(first) == 0 {
		return nil
	}
	found := &InputError{Name: cmp.Or(s.source.name, "input")}
	index, lines := -1, map[uint64]int{}
	for item, err := range s.source.Items() {
		if err != nil {
			return err
		}
		index++
		agent, ok := agentOf(item.Trunk.AgentUUID, item.Trunk.Channel)
		hash := hashAgent(seed, agent)
		at, wanted := first[hash]
		repeats, _ := s.source.repeats.check(&item, index)
		switch {
		case !ok || !wanted || repeats:
		case at == short(index):
			lines[hash] = item.Line
		default:
			found.add(rows.Violation{
				Line: item.Line, Column: 1, Field: "agent_uuid", Value: strings.ToLower(item.Trunk.AgentUUID),
				Problem: "line " + strconv.Itoa(lines[hash]) + " wants this agent on " + string(item.Trunk.Channel) +
					" too, and an agent serves one number per channel; use another agent",
			})
		}
	}
	return found
}
