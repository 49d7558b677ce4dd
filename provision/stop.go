package provision

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mihu-go/mihu"
)

// stopper decides when a run may begin nothing else, and remembers why.
type stopper struct {
	ctx         context.Context
	stop        <-chan struct{} // the caller's; nil: never
	maxFailures int             // 0: any number

	over chan struct{} // closed when nothing else may begin

	mu       sync.Mutex
	reason   error // why nothing else may begin
	fatal    error // takes precedence over reason
	failures int
	undone   bool // an item was not begun, or not finished
}

func newStopper(ctx context.Context, stop <-chan struct{}, maxFailures int) *stopper {
	return &stopper{ctx: ctx, stop: stop, maxFailures: maxFailures, over: make(chan struct{})}
}

// end lets nothing else begin. The first reason is the one that counts.
func (s *stopper) end(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == nil {
		s.reason = reason
		close(s.over)
	}
}

// abort is end with an error that takes precedence over every other reason.
func (s *stopper) abort(err error) {
	s.mu.Lock()
	s.fatal = err
	s.mu.Unlock()
	s.end(err)
}

// aborted returns the error of abort, nil if it was not called.
func (s *stopper) aborted() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fatal
}

// ended reports whether nothing else may begin.
func (s *stopper) ended() bool {
	select {
	case <-s.over:
		return true
	case <-s.ctx.Done():
		s.end(s.contextError())
		return true
	case <-s.stop:
		s.end(ErrStopped)
		return true
	default:
		return false
	}
}

func (s *stopper) contextError() error { return contextError(s.ctx) }

func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(err, cause) {
		return fmt.Errorf("provision: %w", err)
	}
	return fmt.Errorf("provision: %w: %w", err, cause)
}

// leaveUndone records that an item was not done.
func (s *stopper) leaveUndone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undone = true
}

// fail counts a failure. It ends the run if there are too many, or if the API refused the token. An
// error that is not from the API does not tell about the token.
func (s *stopper) fail(err error, fromAPI bool) {
	s.mu.Lock()
	s.failures++
	failures := s.failures
	s.mu.Unlock()
	switch {
	case fromAPI && errors.Is(err, mihu.ErrUnauthorized):
		s.end(fmt.Errorf("provision: the API refused the token: %w", err))
	case failures == s.maxFailures:
		s.end(fmt.Errorf("%w: %d", ErrTooManyFailures, failures))
	}
}

// failed returns the number of failures.
func (s *stopper) failed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures
}

// err returns the error of the run itself.
func (s *stopper) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fatal != nil:
		return s.fatal
	case s.ctx.Err() != nil:
		return s.contextError()
	case !s.undone && (errors.Is(s.reason, ErrStopped) || errors.Is(s.reason, ErrTooManyFailures)):
		return nil // it came too late to leave anything undone
	}
	return s.reason
}
