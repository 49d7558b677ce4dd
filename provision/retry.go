package provision

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mihu-go/mihu"
)

const (
	// maxRetries is the number of retries of an item, apart from the client's retries of each
	// request.
	maxRetries = 2
	// backoffBase bounds the wait before the first retry. It doubles for the next.
	backoffBase = 500 * time.Millisecond
	// maxBackoff is the longest wait that the server may ask for.
	maxBackoff = time.Minute
)

// retry calls attempt until it succeeds, fails with an error that is not transient, or has been
// retried twice.
func (s *stopper) retry(attempt func() error) error {
	for retries := 0; ; retries++ {
		err := attempt()
		if err == nil || retries == maxRetries || !mihu.IsTransient(err) || !s.backOff(retries, err) {
			return err
		}
	}
}

// unknownOutcome remembers over several attempts that one of them may have been applied. What was
// unknown once stays unknown until something finds it out.
type unknownOutcome struct{ err error }

// keep returns the error of an attempt. If an earlier attempt may have been applied, a later refusal
// does not say that it was not: then the error matches [mihu.ErrOutcomeUnknown] too, unless undone
// reports that the API shows the earlier one was not applied. undone may be nil.
func (o *unknownOutcome) keep(err error, undone func() bool) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		o.err = cmp.Or(o.err, err)
		return err
	case o.err == nil:
		return err
	case undone != nil && !mihu.IsTransient(err) && undone():
		o.err = nil
		return err
	}
	return fmt.Errorf("%w; the next attempt failed: %w", o.err, err)
}

// backOff waits before a retry. It returns false if there must be none. A run that ends waits only
// for a retry that finds out an unknown outcome.
func (s *stopper) backOff(retries int, err error) bool {
	ceiling := backoffBase << retries
	wait := ceiling/2 + rand.N(ceiling/2) //nolint:gosec // nobody gains by guessing it
	retryAfter, _ := mihu.RetryAfter(err)
	wait = max(wait, retryAfter)
	if wait > maxBackoff {
		return false
	}
	over, stop := s.over, s.stop
	if errors.Is(err, mihu.ErrOutcomeUnknown) {
		over, stop = nil, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	case <-over:
	case <-stop:
		s.end(ErrStopped)
	}
	s.leaveUndone()
	return false
}
