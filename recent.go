package mihu

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	defaultReadLag = 5 * time.Second
	// The waits before a read is repeated: they double from the first to the longest.
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

// recentWrite is what a trunk was made to be.
type recentWrite struct {
	agent string // "" if the trunk was deleted
	at    time.Time
	place int // in the ring
}

func (r *recentWrites) init(lag time.Duration) {
	orDefault(&lag, defaultReadLag)
	r.lag = max(lag, 0)
}

// wrote keeps what a trunk is after a write that was proven; agent is "" for a trunk that was
// deleted.
func (r *recentWrites) wrote(id TrunkID, agent string) {
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
	r.writes[id] = recentWrite{agent, time.Now(), r.next}
	r.next = (r.next + 1) % maxRecent
}

// forget is for a write with an unknown outcome: what the trunk is now is anybody's guess.
func (r *recentWrites) forget(id TrunkID) {
	if r.lag == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.writes, withPlus(id))
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
		if binding.Bound != (w.agent != "") || binding.Bound && !strings.EqualFold(binding.AgentUUID, w.agent) {
			left = max(left, r.lag-time.Since(w.at))
		}
	}
	return left
}

// reread waits before a read is repeated, and reports whether it is. left is how much longer a read
// may lag; wait is the next wait.
func reread(ctx context.Context, left time.Duration, wait *time.Duration) bool {
	if *wait == 0 {
		*wait = firstReread
	}
	next := min(*wait, left)
	*wait = min(2**wait, longestReread)
	return left > 0 && !pastDeadline(ctx, next) && sleep(ctx, next) == nil
}
