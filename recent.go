package mihu

import (
	"context"
	"fmt"
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
	agent string // "" if the trunk was deleted
	at    time.Time
	place int // in the ring
	// doubtful is a write with an unknown outcome after another one: a snapshot that shows what
	// either wrote may be the one from before.
	doubtful bool
}

// isShown reports whether a snapshot with that binding can only have been read after the write.
func (w *recentWrite) isShown(b Binding) bool {
	return !w.doubtful && b.Bound == (w.agent != "") && (!b.Bound || strings.EqualFold(b.AgentUUID, w.agent))
}

func (r *recentWrites) init(lag time.Duration) {
	orDefault(&lag, defaultReadLag)
	r.lag = max(lag, 0)
}

// wrote keeps the agent of a trunk after a write that was proven; agent is "" if the trunk was
// deleted.
func (r *recentWrites) wrote(id TrunkID, agent string) { r.keep(id, agent, true) }

// mayHaveWritten keeps what a write with an unknown outcome was to make of a trunk. Until reads
// cannot lag behind it any more, only a snapshot that shows it counts.
func (r *recentWrites) mayHaveWritten(id TrunkID, agent string) { r.keep(id, agent, false) }

func (r *recentWrites) keep(id TrunkID, agent string, proven bool) {
	if r.lag == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writes == nil {
		r.writes = make(map[TrunkID]recentWrite)
	}
	id = withPlus(id)
	w := recentWrite{agent: agent, at: time.Now(), place: r.next}
	if before, ok := r.writes[id]; ok && !proven {
		w.doubtful = time.Since(before.at) < r.lag
	}
	if len(r.order) < maxRecent {
		r.order = append(r.order, id)
	} else {
		if oldest := r.order[r.next]; r.writes[oldest].place == r.next {
			delete(r.writes, oldest)
		}
		r.order[r.next] = id
	}
	r.writes[id] = w
	r.next = (r.next + 1) % maxRecent
}

func withPlus(id TrunkID) TrunkID {
	if !strings.HasPrefix(id.PhoneNumber, "+") {
		id.PhoneNumber = "+" + id.PhoneNumber
	}
	return id
}

// contradicted returns how much longer a read that was sent at that time may lag behind a write that
// it contradicts; 0 or less if it contradicts none. A nil snapshot is a number that is not found.
func (r *recentWrites) contradicted(number string, snap *ChannelSnapshot, sent time.Time) time.Duration {
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
		if !w.isShown(binding) {
			left = max(left, r.lag-sent.Sub(w.at))
		}
	}
	return left
}

// reread waits before a read is repeated, or returns why it is not. left is how much longer a read
// may lag; wait is the next wait.
func reread(ctx context.Context, left time.Duration, wait *time.Duration) error {
	if *wait == 0 {
		*wait = firstReread
	}
	next := min(*wait, left)
	*wait = min(2**wait, longestReread)
	if pastDeadline(ctx, next) {
		return fmt.Errorf("what was read may be older than this client's last change, and %w before it could be read again", context.DeadlineExceeded)
	}
	return sleep(ctx, next)
}
