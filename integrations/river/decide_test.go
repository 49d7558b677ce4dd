package mihuriver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	args := func(agent byte) Args {
		trunk := mihu.TrunkID{PhoneNumber: "+12025550101", Channel: mihu.ChannelCall}
		made, err := newArgs(provision.Item{Trunk: mihu.TrunkCreateRequest{
			TrunkID: trunk, AgentUUID: string(agent) + "c90c3cc-0d44-4b50-8888-8dd25736052a",
		}}, nil)
		require.NoError(t, err)
		return made
	}
	a, b := args('1'), args('2')
	for _, c := range []struct {
		name   string
		newest current
		items  []Args
		insert []Args
		join   []int64
	}{
		{"no job", current{}, []Args{a}, []Args{a}, nil},
		{"the same unfinished job of another batch", current{id: 7, key: a.key(), open: true}, []Args{a, a}, nil, []int64{7}},
		{"the same unfinished job of this batch", current{id: 7, key: a.key(), open: true, inBatch: true}, []Args{a}, nil, nil},
		{"the same finished job", current{id: 7, key: a.key()}, []Args{a}, []Args{a}, nil},
		{"another unfinished job", current{id: 7, key: b.key(), open: true}, []Args{a}, []Args{a}, nil},
		{"there and back", current{id: 7, key: a.key(), open: true}, []Args{a, b, b, a}, []Args{b, a}, []int64{7}},
		{"a job without a key", current{id: 7, open: true}, []Args{a}, []Args{a}, nil},
	} {
		newest := map[mihu.TrunkID]current{}
		if c.newest.id != 0 {
			newest[a.Trunk.TrunkID] = c.newest
		}
		assert.Equal(t, decision{c.insert, c.join}, decide(c.items, newest), c.name)
	}
}
