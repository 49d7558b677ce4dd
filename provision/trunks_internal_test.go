package provision

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu"
)

// What is remembered of a trunk while a file is opened is small, and so a hundred thousand of them cost a few megabytes.
func TestTrunksRememberLittle(t *testing.T) {
	const n = 100_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	seen := newTrunks()
	for i := range n {
		item := Item{Line: i + 1, Trunk: mihu.TrunkCreateRequest{TrunkID: mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1202%07d", i), Channel: mihu.ChannelCall}}}
		assert.Zero(t, seen.conflict(item))
	}
	each := float64(heap()-before) / n
	t.Logf("%.1f bytes a trunk", each)
	assert.Less(t, each, 64.0)
	runtime.KeepAlive(seen)
}

func TestTrunksAreTakenExactly(t *testing.T) {
	t.Parallel()
	seen := newTrunks()
	line := 0
	conflict := func(number string, channel mihu.Channel, name string) int {
		line++
		return seen.conflict(Item{Line: line, Trunk: mihu.TrunkCreateRequest{TrunkID: mihu.TrunkID{PhoneNumber: number, Channel: channel}, Name: name}})
	}
	assert.Zero(t, conflict("+999999999999999", mihu.ChannelCall, "a"))
	assert.Zero(t, conflict("+999999999999998", mihu.ChannelCall, "b"))
	assert.Zero(t, conflict("+999999999999999", mihu.ChannelWhatsApp, "c"), "another trunk of the number")
	assert.Zero(t, conflict("+999999999999999", mihu.ChannelCall, "a"), "the same")
	assert.Equal(t, 1, conflict("+999999999999999", mihu.ChannelCall, "d"))
	assert.Equal(t, 3, conflict("+999999999999999", mihu.ChannelWhatsApp, "d"))
}
