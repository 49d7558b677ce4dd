package mihu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Limiter keeps a client below a rate. Wait blocks until one more request may be sent, or returns
// an error. *rate.Limiter of golang.org/x/time is one.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Pauser is a [Limiter] that is notified of every pause, so that one client's 429 can delay all
// clients that share it. Pause is called after a 429 with Retry-After, before the wait for the
// retry, with the duration for which the client itself pauses: above 0, and at most MaxRetryAfter.
// It is called concurrently, must return soon and before the context ends, and does not itself
// wait.
type Pauser interface {
	Limiter
	Pause(ctx context.Context, d time.Duration)
}

// orNoLimiter turns a nil pointer in the interface into nil, which is what its owner meant.
func orNoLimiter(limiter Limiter) Limiter {
	if v := reflect.ValueOf(limiter); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return limiter
}

// limiterError turns a limiter's refusal to wait past the deadline into context.DeadlineExceeded.
// Only the text of the error of golang.org/x/time/rate tells that.
func limiterError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("limiter: %w", contextError(ctx))
	case strings.Contains(err.Error(), "exceed context deadline"):
		return fmt.Errorf("limiter: %w: %w", context.DeadlineExceeded, err)
	}
	return fmt.Errorf("limiter: %w", err)
}

// budget is a token bucket: a retry takes one, a success returns half of one.
type budget struct {
	mu        sync.Mutex
	unlimited bool
	capacity  float64
	left      float64
}

func (b *budget) init(capacity int) {
	b.unlimited, b.capacity, b.left = capacity < 0, float64(capacity), float64(capacity)
}

func (b *budget) take() bool {
	if b.unlimited {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// earn returns what a success is worth.
func (b *budget) earn() { b.add(0.5) }

// giveBack returns what was taken for a request that did not fail.
func (b *budget) giveBack() { b.add(1) }

func (b *budget) add(share float64) {
	if b.unlimited {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+share, b.capacity)
}

var errBudgetExhausted = errors.New("retry budget exhausted")

// gate delays every attempt of a client until the time that a 429 asked for.
type gate struct {
	mu    sync.Mutex
	open  time.Time
	asked time.Time // until when the server asked to wait, which may be later
}

// closeFor closes the gate for d. asked is what the server asked for.
func (g *gate) closeFor(d, asked time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if until := now.Add(d); until.After(g.open) {
		g.open = until
	}
	if until := now.Add(asked); until.After(g.asked) {
		g.asked = until
	}
}

// wait returns when the gate is open. Callers that waited pass over a tenth of their wait, not all
// at once. If the gate stays closed past the deadline, wait returns an error at once.
func (g *gate) wait(ctx context.Context, w *watch) error {
	for {
		g.mu.Lock()
		open, asked := g.open, g.asked
		g.mu.Unlock()
		left := time.Until(open)
		if left <= 0 {
			return nil
		}
		wait := left + rand.N(left/10+1)
		if pastDeadline(ctx, wait) {
			return &pausedError{left, time.Until(asked)}
		}
		if err := w.sleep(ctx, WaitPause, wait); err != nil {
			return err
		}
	}
}

// pausedError reports that a request was not sent, because an earlier 429 asked the client to wait
// past the context's deadline. left is how much longer the client pauses, at most MaxRetryAfter;
// asked is how much longer the server asked to wait.
type pausedError struct{ left, asked time.Duration }

func (e *pausedError) Error() string {
	asked, left := e.remaining().Round(time.Millisecond), e.left.Round(time.Millisecond)
	text := "not sent: an earlier response (429) asked this client to wait another " + asked.String()
	if asked != left {
		text += "; it pauses for " + left.String() + " of that"
	}
	return text + ", which is past the context's deadline"
}

// remaining is how much longer the server asked to wait.
func (e *pausedError) remaining() time.Duration { return max(e.left, e.asked) }

// Timeout is true: there is no time left for this call.
func (e *pausedError) Timeout() bool { return true }

func (e *pausedError) Is(target error) bool {
	return target == ErrRateLimited || target == context.DeadlineExceeded
}

// pastDeadline reports whether the context ends before the wait does.
func pastDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= wait
}

// sleep waits, or returns the context's error if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return contextError(ctx)
	case <-timer.C:
		return nil
	}
}
