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
	knownFor = 100 * time.Millisecond // how old the last word from Redis on pauses may be when a request is let go
	lookUp   = time.Second            // the longest that a pause is waited for at a stretch
)

var _ mihu.Pauser = (*Limiter)(nil)

// Limiter keeps a client below a rate that it shares with all limiters of the same key and Redis. It
// is safe for concurrent use, by any number of clients, and needs no closing. Make one with [New].
type Limiter struct {
	config
	plan
	store store
	pause pause

	turn    chan struct{} // full while somebody has the turn
	waiting atomic.Int64  // goroutines that want it

	// The rest belongs to whoever has the turn.
	slots []slot    // places in the common queue
	clock clock     // Redis's
	most  int       // places to ask for at once
	known time.Time // when Redis last said whether there is a pause
	away  outage
	local *rate.Limiter
}

// New makes a limiter of at most so many requests per second, or per [WithPeriod], that all who name the same
// key share: 1 at least, and at most one in 10 µs. All of them should name the same rate, period and burst.
// The key is any text but ""; Redis sees a hash of it. New asks Redis nothing, and a Redis that is away
// is no error.
//
// The client is the caller's, who closes it. It needs ContextTimeoutEnabled, without which it would
// not obey the time for a question, and may be a *redis.Client, *redis.ClusterClient or *redis.Ring.
// All that is not usable is an error, which names every fault.
func New(client redis.UniversalClient, key string, most int, opts ...Option) (*Limiter, error) {
	cfg, err := newConfig(most, opts)
	if key == "" {
		err = errors.Join(errors.New("key: empty; want a name that all who share the rate use"), err)
	}
	if err = errors.Join(checkClient(client), err); err != nil {
		return nil, fmt.Errorf("mihuredis: %w", err)
	}
	l := &Limiter{config: cfg, plan: cfg.plan(), turn: make(chan struct{}, 1)}
	l.store = newStore(client, key, l.limit, cfg.timeout)
	l.most = l.batch
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
		return errors.New("client: ContextTimeoutEnabled is not set; set it, so that no request waits long for a Redis that is away")
	}
	return nil
}

// Keys are the names of the two keys in Redis, for access lists and for a look at them: up to when
// the rate is taken, and the pause. An operator can pause all processes with
// SET <pause> 1 PX <milliseconds>.
func (l *Limiter) Keys() (queue, pause string) {
	if l == nil {
		return "", ""
	}
	return l.store.rateKey(), l.store.pauseKey
}

// Wait returns when one more request may be sent. It ends with the context, and at once where what
// it has to wait for is past the context's deadline, with an error that is context.DeadlineExceeded,
// and [mihu.ErrRateLimited] too if a pause is the reason. Nothing else is an error: while Redis is
// away, Wait keeps to the process's own share. A question to Redis that is under way is not broken
// off when the context is canceled, so that Wait may return later by [WithTimeout] at most.
func (l *Limiter) Wait(ctx context.Context) error {
	if l == nil || l.turn == nil {
		return errors.New("mihuredis: limiter: not made by New")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if left := l.pause.left(); left > 0 && pastDeadline(ctx, left) {
		return &tooLateError{left, true}
	}
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		wait, err := l.next(ctx)
		if err != nil || wait == 0 {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// next takes the next place in the queue: with 0 the request may go, otherwise it is to be asked
// again after a time, which is before the deadline.
func (l *Limiter) next(ctx context.Context) (time.Duration, error) {
	asked := false
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
		l.dropLate(time.Now())
		if len(l.slots) == 0 || !asked && l.runningLow() {
			asked = true
			wait, err := l.reserve(ctx)
			if err != nil {
				return 0, err
			}
			if len(l.slots) == 0 && wait > 0 {
				return inTime(ctx, wait, false)
			}
			continue // the answer may be a pause
		}
		if wait := time.Until(l.slots[0].due); wait > 0 {
			return inTime(ctx, wait, false)
		}
		if !l.away.on() && time.Since(l.known) > knownFor {
			if err := l.askPause(ctx); err != nil {
				return 0, err
			}
			continue
		}
		l.slots = l.slots[1:]
		return 0, nil
	}
}

// dropLate gives up the places that were due too long ago: a request that took one now would come
// too close to those that follow.
func (l *Limiter) dropLate(now time.Time) {
	for len(l.slots) > 0 && !now.Before(l.slots[0].end) {
		l.slots = l.slots[1:]
	}
}

// runningLow says that Redis is to be asked while there are places left, so that the time that it
// takes is not lost. A Redis that takes long would make the places late that are left.
func (l *Limiter) runningLow() bool {
	low := min(l.batch, int(l.waiting.Load())) / 2
	return len(l.slots) <= low && l.wanted() > 0 && !l.away.on() && l.clock.width() < l.slack/2
}

// wanted is how many more places are waited for.
func (l *Limiter) wanted() int { return min(l.most, int(l.waiting.Load())-len(l.slots)) }

// sitOut waits for the end of a pause, and looks up now and then: one that Redis could not be told of
// is told as soon as Redis may be asked.
func (l *Limiter) sitOut(ctx context.Context, left time.Duration) (time.Duration, error) {
	wait, err := inTime(ctx, left, true)
	wait = min(wait, lookUp)
	if err != nil || !l.pause.untold() {
		return wait, err
	}
	if rest := l.away.resting(); rest > 0 {
		return min(wait, rest), nil
	}
	if err := l.tellPause(ctx); err != nil {
		return 0, l.failed(ctx, err)
	}
	l.answered(ctx)
	return 0, nil
}

// reserve adds to the slots, from Redis or from the process's own share, or says when to try again.
func (l *Limiter) reserve(ctx context.Context) (time.Duration, error) {
	if l.away.resting() > 0 {
		l.reserveLocally()
		return 0, nil
	}
	if l.known.IsZero() {
		// Connecting takes time, in which places would become late.
		return 0, l.askPause(ctx)
	}
	answer, err := l.store.reserve(ctx, l.wanted())
	if err != nil {
		return 0, l.failed(ctx, err)
	}
	l.answered(ctx)
	l.clock.learn(answer.reading)
	l.pause.learn(answer.pause)
	if answer.granted > 0 {
		l.slots = l.append(l.slots, &l.clock, answer)
		l.most = min(l.most+1, l.batch)
		return 0, nil
	}
	// The queue is as long as it may be. Small orders get in first and keep it fair.
	l.most = max(l.most/2, 1)
	if answer.retryAfter > l.farthest {
		return 0, l.startAnew(ctx, answer.retryAfter)
	}
	return l.spread(answer.retryAfter), nil
}

// startAnew is for a queue that reaches further than it can: Redis's clock was set back, or somebody
// else wrote to the key. Nobody is to wait hours for that.
func (l *Limiter) startAnew(ctx context.Context, ahead time.Duration) error {
	if err := l.store.reset(ctx); err != nil {
		return l.failed(ctx, err)
	}
	l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: the rate in Redis was taken for longer than it can be, and starts anew",
		slog.String("key", l.store.rateKey()), slog.Duration("ahead", ahead))
	return nil
}

func (l *Limiter) askPause(ctx context.Context) error {
	state, err := l.store.readState(ctx)
	if err != nil {
		return l.failed(ctx, err)
	}
	l.answered(ctx)
	l.clock.learn(state.reading)
	l.pause.learn(state.pause)
	return nil
}

// tooLateError is a request that was not let go because its time is past the context's deadline.
type tooLateError struct {
	wait   time.Duration
	paused bool
}

func (e *tooLateError) Error() string {
	wait := e.wait.Round(time.Millisecond).String()
	if e.paused {
		return "mihuredis: an answer (429) to one of the clients asked all of them to wait another " + wait + ", which is past the context's deadline"
	}
	return "mihuredis: the next request is due in " + wait + ", which is past the context's deadline"
}

// Timeout is true: there is no time left for this request.
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
