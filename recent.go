package mihu

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	defaultReadLag = 5 * time.Second
	// The waits between reads that contradict a write: they double from the first to the longest.
	firstReread   = 50 * time.Millisecond
	longestReread = time.Second
	// maxRecent bounds how many writes are kept.
	maxRecent = 4096
)

// recentWrites are the bindings that a client has written within the last seconds. A backend whose
// reads lag behind its writes must not make the client decide on what was there before.
type recentWrites struct {
	lag    time.Duration // 0 or less keeps nothing
	mu     sync.Mutex
	writes map[TrunkID]recentWrite
	order  []TrunkID // of the writes, in a ring
	next   int       // place in the ring
}

// recentWrite is the binding of a trunk after a write.
type recentWrite struct {
	agent   string // "" if the trunk was deleted
	unknown bool   // the outcome is unknown
	at      time.Time
	place   int // in the ring
}

func (r *recentWrites) init(lag time.Duration) {
	orDefault(&lag, defaultReadLag)
	r.lag = max(lag, 0)
}

// wrote keeps the agent of a trunk after a write that was proven; agent is "" if the trunk was
// deleted.
func (r *recentWrites) wrote(id TrunkID, agent string) { r.keep(id, recentWrite{agent: agent}) }

// doubt is for a write with an unknown outcome. A read shows what became of it only after the lag.
func (r *recentWrites) doubt(id TrunkID) { r.keep(id, recentWrite{unknown: true}) }

func (r *recentWrites) keep(id TrunkID, w recentWrite) {
	if r.lag == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writes == nil {
		r.writes = make(map[TrunkID]recentWrite)
	}
	id = withPlus(id)
	if len(r.order) < maxRecent {
		r.order = append(r.order, id)
	} else {
		if oldest := r.order[r.next]; r.writes[oldest].place == r.next {
			delete(r.writes, oldest)
		}
		r.order[r.next] = id
	}
	w.at, w.place = time.Now(), r.next
	r.writes[id] = w
	r.next = (r.next + 1) % maxRecent
}

func withPlus(id TrunkID) TrunkID {
	if !strings.HasPrefix(id.PhoneNumber, "+") {
		id.PhoneNumber = "+" + id.PhoneNumber
	}
	return id
}

// contradicted returns how much longer a read may lag behind a write that it contradicts; 0 if it
// contradicts none. A nil snapshot is a number that is not found.
func (r *recentWrites) contradicted(number string, snap *ChannelSnapshot) time.Duration {
	if r.lag == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.writes) == 0 {
		return 0
	}
	var left time.Duration
	for _, channel := range [...]Channel{ChannelCall, ChannelWhatsApp} {
		w, ok := r.writes[withPlus(TrunkID{number, channel})]
		if !ok {
			continue
		}
		var binding Binding
		if snap != nil {
			binding = snap.Binding(channel)
		}
		if w.unknown || binding.Bound != (w.agent != "") || binding.Bound && !strings.EqualFold(binding.AgentUUID, w.agent) {
			left = max(left, r.lag-time.Since(w.at))
		}
	}
	return left
}

// reread waits and then reports true if a read is to be tried again. left is how much longer a read
// may lag; wait is the next wait, which it doubles. It reports false, without a wait, if nothing is
// left or the context ends first.
func reread(ctx context.Context, left time.Duration, wait *time.Duration) bool {
	if *wait == 0 {
		*wait = firstReread
	}
	next := min(*wait, left)
	*wait = min(2**wait, longestReread)
	return left > 0 && !pastDeadline(ctx, next) && sleep(ctx, next) == nil
}
