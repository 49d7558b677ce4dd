package provision

import (
	"errors"
	"math/rand/v2"
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
func (e *engine) ensure(item *Item) (*mihu.Ensured, error) {
	req, err := resolve(e.ctx, *item, e.opts.Secrets)
	if err != nil {
		return nil, err
	}
	done := new(mihu.Ensured)
	for repetition := 0; ; repetition++ {
		did, err := e.client.Trunks.Ensure(e.ctx, req, e.call...)
		addTo(done, did)
		if err == nil || repetition == repetitions || !isPassing(err) || !e.pause(repetition, err) {
			return done, err
		}
	}
}

// addTo adds what an attempt did to what those before it did.
func addTo(done, did *mihu.Ensured) {
	if did.Snapshot != nil {
		done.Snapshot = did.Snapshot
	}
	if did.Assigned && !done.Assigned {
		done.Assigned, done.PreviousAgentUUID = true, did.PreviousAgentUUID
	}
	done.Created = done.Created || did.Created
	done.Updated = done.Updated || did.Updated
}

// isPassing says that the same may succeed in a moment, or find out what happened.
func isPassing(err error) bool {
	if errors.Is(err, mihu.ErrUnauthorized) {
		return false
	}
	if errors.Is(err, mihu.ErrOutcomeUnknown) {
		return true
	}
	if errors.Is(err, mihu.ErrConflict) || errors.Is(err, mihu.ErrInvalid) {
		return false // an answer, whatever came before it
	}
	_, unanswered := errors.AsType[*mihu.TransportError](err)
	return unanswered || errors.Is(err, mihu.ErrServer) || errors.Is(err, mihu.ErrRateLimited) || errors.Is(err, mihu.ErrMalformedResponse)
}

// pause waits before a repetition; false where there is to be none. A run that is to end waits for no other answer
// than that to what may have been done.
func (e *engine) pause(repetition int, err error) bool {
	most := pauseBase << repetition
	wait := most/2 + rand.N(most/2) //nolint:gosec // nobody gains by guessing it
	if api, ok := errors.AsType[*mihu.APIError](err); ok {
		wait = max(wait, api.RetryAfter)
	}
	if lost, ok := errors.AsType[*mihu.TransportError](err); ok {
		wait = max(wait, lost.RetryAfter)
	}
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
