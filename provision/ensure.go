package provision

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mihu-go/mihu"
)

const (
	// repetitions are those of an item, beside the client's own of each request.
	repetitions = 2
	// pauseBase bounds the wait before the first of them, and doubles for the next.
	pauseBase = 500 * time.Millisecond
	// longestPause is the longest wait that a server is granted.
	longestPause = time.Minute
)

// ensure makes the trunk be what the item says, and repeats what failed in passing.
func (e *engine) ensure(item *Item) (*mihu.EnsureResult, error) {
	req, err := resolve(e.ctx, *item, e.opts.Secrets)
	if err != nil {
		return nil, err
	}
	done := new(mihu.EnsureResult)
	for repetition := 0; ; repetition++ {
		did, err := e.client.Trunks.Ensure(e.ctx, req, e.call...)
		addTo(done, did)
		if err == nil || repetition == repetitions || !mihu.IsTransient(err) || !e.pause(repetition, err) {
			return done, err
		}
	}
}

// addTo adds what an attempt did to what those before it did.
func addTo(done, did *mihu.EnsureResult) {
	if did.Snapshot != nil {
		done.Snapshot = did.Snapshot
	}
	done.PreviousAgentUUID = cmp.Or(done.PreviousAgentUUID, did.PreviousAgentUUID)
	if rank(did.Action) > rank(done.Action) {
		done.Action = did.Action
	}
}

// rank orders actions: the action of several attempts is the one that changed the most.
func rank(action mihu.Action) int {
	return slices.Index([]mihu.Action{mihu.ActionUnchanged, mihu.ActionUpdated, mihu.ActionAssigned, mihu.ActionCreated}, action)
}

// pause waits before a repetition; false where there is to be none. A run that is to end waits for no other answer
// than that to what may have been done.
func (e *engine) pause(repetition int, err error) bool {
	most := pauseBase << repetition
	wait := most/2 + rand.N(most/2) //nolint:gosec // nobody gains by guessing it
	asked, _ := mihu.RetryAfter(err)
	wait = max(wait, asked)
	if wait > longestPause {
		return false
	}
	over, stop := e.over, e.opts.Stop
	if errors.Is(err, mihu.ErrOutcomeUnknown) {
		over, stop = nil, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.ctx.Done():
		return false
	case <-over:
	case <-stop:
		e.end(ErrStopped)
	}
	e.leaveUndone()
	return false
}
