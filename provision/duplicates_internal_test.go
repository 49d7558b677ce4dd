package provision

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu"
)

// A trunk takes little memory while a file is opened: a hundred thousand of them take a few
// megabytes.
func TestSeenTrunksTakeLittleMemory(t *testing.T) {
	const n = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	seen := newSeenTrunks()
	for i := range n {
		item := Item{Line: i + 1, Trunk: mihu.TrunkCreateRequest{TrunkID: mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1202%07d", i), Channel: mihu.ChannelCall}}}
		_, again, _ := seen.add(&item, item.Line)
		assert.False(t, again)
	}
	each := float64(heap()-before) / n
	t.Logf("%.1f bytes a trunk", each)
	assert.Less(t, each, 64.0)
	runtime.KeepAlive(seen)
}

func TestSeenTrunksAreExact(t *testing.T) {
	t.Parallel()
	seen := newSeenTrunks()
	for i, c := range []struct {
		number  string
		channel mihu.Channel
		name    string
		first   int // 0: this is the first
		same    bool
	}{
		{"+999999999999999", mihu.ChannelCall, "a", 0, false},
		{"+999999999999998", mihu.ChannelCall, "b", 0, false},
		{"+999999999999999", mihu.ChannelWhatsApp, "c", 0, false},
		{"+999999999999999", mihu.ChannelCall, "a", 1, true},
		{"+999999999999999", mihu.ChannelCall, "d", 1, false},
		{"+999999999999999", mihu.ChannelWhatsApp, "d", 3, false},
	} {
		item := Item{Trunk: mihu.TrunkCreateRequest{TrunkID: mihu.TrunkID{PhoneNumber: c.number, Channel: c.channel}, Name: c.name}}
		first, again, same := seen.add(&item, i+1)
		assert.Equal(t, c.first, first, "item %d", i+1)
		assert.Equal(t, c.first > 0, again, "item %d", i+1)
		assert.Equal(t, c.same, same, "item %d", i+1)
	}
}

func TestLineNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		lines     []int
		stretches int
	}{
		{"nothing", nil, 0},
		{"no lines", []int{0, 0, 0}, 1},
		{"a line each", []int{2, 3, 4, 5}, 1},
		{"blank lines, and rows of several", []int{2, 3, 7, 8, 12}, 3},
		{"several inputs", []int{2, 3, 2, 3, 0, 0, 1}, 4},
		{"the same line always", []int{1, 1, 1}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var numbers lineNumbers
			for index, line := range c.lines {
				numbers.add(index, line)
			}
			for index, line := range c.lines {
				assert.Equal(t, line, numbers.of(index), "item %d", index)
			}
			assert.Len(t, numbers.stretches, c.stretches)
		})
	}
	assert.Zero(t, new(lineNumbers).of(5))
}
