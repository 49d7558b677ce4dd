package mihuredis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"
)

const (
	validFor   = 100 * time.Millisecond // how long a request may rely on what Redis last said about pauses
	pauseCheck = time.Second            // the longest wait within a pause before it is checked again
)

var _ mihu.Pauser = (*Limiter)(nil)

// Limiter limits a client to a rate that it shares with all limiters of the same key and Redis. It is
// safe for concurrent use by any number of clients and needs no closing. [New] creates one; the zero
// value returns an error from Wait.
type Limiter struct {
	config
	plan
	store store
	pause pause

	turn    chan struct{} // full while a goroutine has the turn
	waiting atomic.Int64  // goroutines that wait for the turn or have it

	// The rest belongs to the goroutine that has the turn.
	slots    []slot    // places in the shared queue
	taken    time.Time // when the last place was taken
	clock    clock     // Redis's
	maxBatch int       // places to reserve at once, at most
	checked  time.Time // when Redis last said whether there is a pause
	outage   outage
	local    *rate.Limiter
	warned   pauseWarnings
}

// New creates a limiter for so many requests per second, or per [WithPeriod], that all limiters of
// the same key share: at least 1, and at most one in 10 µs. All of them should have the same rate, period
// and burst. The key is any text but ""; Redis receives a hash of it. New sends nothing: it returns no
// error if Redis is unavailable.
//
// The client is a *redis.Client, *redis.ClusterClient or *redis.Ring with ContextTimeoutEnabled, without
// which it would not obey [WithTimeout]. It stays the caller's, who closes it. If an argument or option is
// invalid, the error lists all that are.
func New(client redis.UniversalClient, key string, requests int, opts ...Option) (*Limiter, error) {
	cfg, err := newConfig(requests, opts)
	if key == "" {
		err = errors.Join(errors.New("key: empty; want a name that all processes that share the rate use"), err)
	}
	if err = errors.Join(checkClient(client), err); err != nil {
		return nil, fmt.Errorf("mihuredis: %w", err)
	}
	l := &Limiter{config: cfg, plan: cfg.plan(), turn: make(chan struct{}, 1)}
	l.store = newStore(client, key, l.plan, cfg.timeout)
	l.maxBatch = l.batch
	l.local = cfg.localShare()
	return l, nil
}

func checkClient(client redis.UniversalClient) error {
	if v := reflect.ValueOf(client); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return errors.New("client: nil; want a client of go-redis")
	}
	obeys := true
	switch c := client.(type) {
	case *redis.Client:
		obeys = c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		obeys = c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		obeys = c.Options().ContextTimeoutEnabled
	}
	if !obeys {
		return errors.New("client: ContextTimeoutEnabled is not set; set it, so that no request waits long for an unavailable Redis")
	}
	return nil
}

// Keys returns the names of the two keys in Redis, for access lists and for inspection: until when the
// rate is taken, and the pause. An operator can pause all processes with
// SET <pause> 1 PX <milliseconds>. Without an expiry the pause lasts until the key is deleted. On a nil
// Limiter both are "".
func (l *Limiter) Keys() (queue, pause string) {
	if l == nil {
		return "", ""
	}
	return l.store.rateKey(), l.store.pauseKey
}

// Wait returns when one more request may be sent.
//
// It returns the context's error when the context ends. If it would have to wait past the context's
// deadline, it returns at once with an error that matches context.DeadlineExceeded, and also
// [mihu.ErrRateLimited] if a pause is the reason. It returns no other error: while Redis is unavailable,
// Wait uses the process's own share of the rate. A round trip to Redis that has begun ends first, so Wait
// may return up to [WithTimeout] after the context was canceled.
func (l *Limiter) Wait(ctx context.Context) error {
	_, err := l.grant(ctx)
	return err
}

// grant is Wait, and returns when the request took its place. On a busy machine Wait may return later:
// the system runs something else in between.
func (l *Limiter) grant(ctx context.Context) (at time.Time, err error) {
	if l == nil || l.turn == nil {
		return at, errors.New("mihuredis: limiter: not created by New")
	}
	if err := ctx.Err(); err != nil {
		return at, err
	}
	if left := l.pause.left(); left > 0 && pastDeadline(ctx, left) {
		return at, &tooLateError{left, true}
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return at, ctx.Err()
	}
	for {
		wait, err := l.next(ctx)
		if err != nil || wait == 0 {
			return l.taken, err
		}
		if err := sleep(ctx, wait); err != nil {
			return at, err
		}
	}
}

// next takes the next place in the queue. It returns 0 if the request may be sent now, and otherwise after
// which time to call it again, which is before the deadline.
func (l *Limiter) next(ctx context.Context) (time.Duration, error) {
	reserved := false
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if left := l.pause.left(); left > 0 {
			if wait, err := l.sitOut(ctx, left); err != nil || wait > 0 {
				return wait, err
			}
			continue
		}
		now := time.Now()
		l.dropLate(now)
		if len(l.slots) == 0 || !reserved && l.runningLow() {
			reserved = true
			wait, err := l.reserve(ctx)
			if err != nil {
				return 0, err
			}
			if len(l.slots) == 0 && wait > 0 {
				return inTime(ctx, wait, false)
			}
			continue // there may be a pause now
		}
		if wait := l.slots[0].due.Sub(now); wait > 0 {
			return inTime(ctx, wait, false)
		}
		if !l.outage.on() && time.Since(l.checked) > validFor {
			if err := l.checkPause(ctx); err != nil {
				return 0, err
			}
			continue
		}
		l.slots, l.taken = l.slots[1:], now
		return 0, nil
	}
}

// dropLate discards the places that were due too long ago: a request that used one now would come too
// close to the next ones.
func (l *Limiter) dropLate(now time.Time) {
	for len(l.slots) > 0 && !now.Before(l.slots[0].end) {
		l.slots = l.slots[1:]
	}
}

// runningLow reports whether to reserve while there are places left, so that the time of the round trip is
// not lost. A slow Redis would make the places that are left late.
func (l *Limiter) runningLow() bool {
	low := min(l.batch, int(l.waiting.Load())) / 2
	return len(l.slots) <= low && l.wanted() > 0 && !l.outage.on() && l.clock.width() < l.slack/2
}

// wanted is how many more places the waiting goroutines need.
func (l *Limiter) wanted() int { return min(l.maxBatch, int(l.waiting.Load())-len(l.slots)) }

// sitOut waits for the end of a pause, and returns now and then: a pause that could not be written to
// Redis is written as soon as Redis may be tried.
func (l *Limiter) sitOut(ctx context.Context, left time.Duration) (time.Duration, error) {
	wait, err := inTime(ctx, left, true)
	wait = min(wait, pauseCheck)
	if err != nil || !l.pause.unshared() {
		return wait, err
	}
	if left := l.outage.left(); left > 0 {
		return min(wait, left), nil
	}
	if err := l.writePause(ctx); err != nil {
		return 0, l.failed(ctx, err)
	}
	l.succeeded(ctx)
	return 0, nil
}

// reserve adds slots, from Redis or from the process's own share, or returns when to try again.
func (l *Limiter) reserve(ctx context.Context) (time.Duration, error) {
	if l.outage.left() > 0 {
		l.reserveLocally()
		return 0, nil
	}
	if l.checked.IsZero() {
		// Connecting takes time, in which places would become late.
		return 0, l.checkPause(ctx)
	}
	r, err := l.store.reserve(ctx, l.wanted())
	if err != nil {
		return 0, l.failed(ctx, err)
	}
	l.learn(ctx, r.state)
	if r.removed {
		return 0, nil
	}
	if r.granted > 0 {
		l.slots = l.append(l.slots, &l.clock, r)
		l.maxBatch = min(l.maxBatch+1, l.batch)
		return 0, nil
	}
	// The queue is full. Small reservations get in first and keep it fair.
	l.maxBatch = max(l.maxBatch/2, 1)
	return l.spread(r.retryAfter), nil
}

func (l *Limiter) checkPause(ctx context.Context) error {
	state, err := l.store.readState(ctx)
	if err != nil {
		return l.failed(ctx, err)
	}
	l.learn(ctx, state)
	return nil
}

// learn takes over what Redis returned, and warns of what cannot be right.
func (l *Limiter) learn(ctx context.Context, s state) {
	l.succeeded(ctx)
	if s.removed {
		// Redis's clock was set back, or somebody else wrote to the key. Nobody should wait hours for that.
		l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: the rate in Redis was no number, or taken for longer than it can be; it starts over",
			slog.String("key", l.store.rateKey()))
	}
	if moved := l.clock.learn(s.reading); moved.Abs() > tolerance {
		l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: Redis's clock was set", slog.Duration("by", moved))
	}
	l.learnPause(ctx, s)
}

// pauseWarnings is which warnings about the present pause were logged.
type pauseWarnings struct{ endless, long bool }

func (l *Limiter) learnPause(ctx context.Context, s state) {
	long := s.pause > l.maxPause+pauseMargin
	switch {
	case s.endless && !l.warned.endless:
		l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: the pause in Redis does not expire; all processes pause until the key is deleted",
			slog.String("key", l.store.pauseKey))
	case long && !l.warned.long:
		l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: the pause in Redis is longer than the maximum pause; delete the key to end it",
			slog.String("key", l.store.pauseKey), slog.Duration("left", s.pause), slog.Duration("maximum", l.maxPause))
	}
	l.warned = pauseWarnings{endless: s.endless, long: long}
	if s.endless {
		s.pause = pauseCheck // and then it is read again
	}
	l.pause.learn(s.pause)
}

// tooLateError means that a request was not sent because its time is past the context's deadline.
type tooLateError struct {
	wait   time.Duration
	paused bool
}

func (e *tooLateError) Error() string {
	wait := e.wait.Round(time.Millisecond).String()
	if e.paused {
		return "mihuredis: a 429 response to one of the clients pauses all of them for another " + wait + ", which is past the context's deadline"
	}
	return "mihuredis: the next request is due in " + wait + ", which is past the context's deadline"
}

// Timeout returns true: there is no time left for this request.
func (e *tooLateError) Timeout() bool { return true }

func (e *tooLateError) Is(target error) bool {
	return target == context.DeadlineExceeded || e.paused && target == mihu.ErrRateLimited
}

func inTime(ctx context.Context, wait time.Duration, paused bool) (time.Duration, error) {
	if pastDeadline(ctx, wait) {
		return 0, &tooLateError{wait, paused}
	}
	return wait, nil
}

func pastDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= wait
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
