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
)

// recentWrites are the bindings that a client has written within the last seconds. A backend whose reads lag
// behind its writes must not make the client decide on what was there before.
type recentWrites struct {
	lag    time.Duration // 0 or less keeps nothing
	mu     sync.Mutex
	writes map[TrunkID]recentWrite
	pruned time.Time // when old writes were last removed
}

// recentWrite is what a trunk was made to be.
type recentWrite struct {
	agent string // "" if the trunk was deleted
	at    time.Time
}

func (r *recentWrites) init(lag time.Duration) {
	orDefault(&lag, defaultReadLag)
	r.lag = max(lag, 0)
}

// wrote keeps what a trunk is after a write that was proven; agent is "" for a trunk that was deleted.
func (r *recentWrites) wrote(id TrunkID, agent string) {
	if r.lag == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.writes == nil {
		r.writes = make(map[TrunkID]recentWrite)
	}
	if now.Sub(r.pruned) > r.lag {
		r.pruned = now
		for id, w := range r.writes {
			if now.Sub(w.at) >= r.lag {
				delete(r.writes, id)
			}
		}
	}
	r.writes[withPlus(id)] = recentWrite{agent, now}
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
	id.PhoneNumber = "+" + strings.TrimPrefix(id.PhoneNumber, "+")
	return id
}

// contradicted returns how much longer a read may lag behind a write that it contradicts; 0 if it contradicts
// none. A nil snapshot is a number that is not found.
func (r *recentWrites) contradicted(number string, snap *ChannelSnapshot) time.Duration {
	if r.lag == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
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

// read reads the channels of a number, and again while they contradict a recent write.
func (r *recentWrites) read(ctx context.Context, number string, read func() (*ChannelSnapshot, error)) (*ChannelSnapshot, error) {
	for wait := firstReread; ; wait = min(2*wait, longestReread) {
		snap, err := read()
		found := snap
		switch {
		case isGone(err):
			found = nil
		case err != nil:
			return snap, err
		}
		left := r.contradicted(number, found)
		if left <= 0 || pastDeadline(ctx, min(wait, left)) || sleep(ctx, min(wait, left)) != nil {
			return snap, err
		}
	}
}

// until reads the channels of a number until they show what is expected, or the lag has passed since began.
// It returns the last snapshot with the error of the expectation.
func (r *recentWrites) until(ctx context.Context, began time.Time, expected func(*ChannelSnapshot) error, read func() (*ChannelSnapshot, error)) (*ChannelSnapshot, error) {
	for wait := firstReread; ; wait = min(2*wait, longestReread) {
		snap, err := read()
		if err != nil && !isGone(err) {
			return snap, err
		}
		if isGone(err) {
			snap = new(ChannelSnapshot)
		}
		unmet := expected(snap)
		left := r.lag - time.Since(began)
		if unmet == nil || left <= 0 || pastDeadline(ctx, min(wait, left)) || sleep(ctx, min(wait, left)) != nil {
			return snap, unmet
		}
	}
}
