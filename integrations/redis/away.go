package mihuredis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

const (
	firstRest = 500 * time.Millisecond
	longRest  = 5 * time.Second
)

// outage is the time while Redis is away. Its zero value is that it is there.
type outage struct {
	since time.Time
	rest  time.Duration // between two questions
	until time.Time     // the end of this rest
}

func (o *outage) on() bool { return !o.since.IsZero() }

// resting is how long Redis is not to be asked.
func (o *outage) resting() time.Duration {
	if !o.on() {
		return 0
	}
	return time.Until(o.until)
}

// localShare is what this process may use while Redis is away.
func (c *config) localShare() *rate.Limiter {
	perSecond := float64(c.rate) * c.share / c.period.Seconds()
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(float64(c.burst)*c.share)))
}

// reserveLocally takes one place of the process's own share.
func (l *Limiter) reserveLocally() {
	due := time.Now().Add(l.local.Reserve().Delay())
	l.slots = append(l.slots, slot{due, due.Add(l.slack)})
}

// failed is a question without an answer. Its error is the end of the caller's context; otherwise
// Redis is away, and the caller goes on without it.
func (l *Limiter) failed(ctx context.Context, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if pastDeadline(ctx, 0) { // which the connection may notice before the context does
		return context.DeadlineExceeded
	}
	l.away.rest = min(2*l.away.rest, longRest)
	if !l.away.on() {
		l.away = outage{since: time.Now(), rest: firstRest}
		l.slots = nil // what Redis granted may be granted once more when it is back
		l.pause.setAlone(true)
		if errors.Is(cause, context.DeadlineExceeded) {
			cause = fmt.Errorf("no answer within %v: %w", l.timeout, cause)
		}
		l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: Redis is away, this process keeps to its own share of the rate",
			slog.String("key", l.store.pauseKey), slog.Float64("share", l.share), slog.String("error", cause.Error()))
	}
	l.away.until = time.Now().Add(l.away.rest + rand.N(l.away.rest/4)) //nolint:gosec // spread, not a secret
	return nil
}

// answered is an answer of Redis, which is back if it was away.
func (l *Limiter) answered(ctx context.Context) {
	l.known = time.Now()
	if !l.away.on() {
		return
	}
	l.logger.LogAttrs(ctx, slog.LevelInfo, "mihuredis: Redis is back, the common rate counts again",
		slog.String("key", l.store.pauseKey), slog.Duration("away", time.Since(l.away.since)))
	l.away = outage{}
	l.pause.setAlone(false)
}
