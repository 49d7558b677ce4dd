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
	firstRetry = 500 * time.Millisecond
	maxRetry   = 5 * time.Second
)

// outage is a time without Redis. The zero value means that Redis is available.
type outage struct {
	since time.Time
	delay time.Duration // between two attempts to reach Redis
	until time.Time     // when the next attempt is due
}

func (o *outage) on() bool { return !o.since.IsZero() }

// left returns how long not to try Redis.
func (o *outage) left() time.Duration {
	if !o.on() {
		return 0
	}
	return time.Until(o.until)
}

// localShare limits this process while Redis is unavailable.
func (c *config) localShare() *rate.Limiter {
	perSecond := float64(c.rate) * c.share / c.period.Seconds()
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(float64(c.burst)*c.share)))
}

// reserveLocally reserves one place of the process's own share.
func (l *Limiter) reserveLocally() {
	due := time.Now().Add(l.local.Reserve().Delay())
	l.slots = append(l.slots, slot{due, due.Add(l.slack)})
}

// failed notes that a round trip failed. It returns the error of the caller's context if that ended;
// otherwise Redis is unavailable, and the caller continues without it.
func (l *Limiter) failed(ctx context.Context, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if pastDeadline(ctx, 0) { // the connection may notice before the context does
		return context.DeadlineExceeded
	}
	l.outage.delay = min(2*l.outage.delay, maxRetry)
	if !l.outage.on() {
		l.outage = outage{since: time.Now(), delay: firstRetry}
		l.slots = nil // Redis may grant these places again when it is back
		l.pause.setLocal(true)
		if errors.Is(cause, context.DeadlineExceeded) {
			cause = fmt.Errorf("no response within %v: %w", l.timeout, cause)
		}
		l.logger.LogAttrs(ctx, slog.LevelWarn, "mihuredis: Redis is unavailable, limiting this process to its share of the rate",
			slog.String("key", l.store.pauseKey), slog.Float64("share", l.share), slog.String("error", cause.Error()))
	}
	l.outage.until = time.Now().Add(l.outage.delay + rand.N(l.outage.delay/4)) //nolint:gosec // spread, not a secret
	return nil
}

// succeeded notes that Redis responded, and that an outage is over.
func (l *Limiter) succeeded(ctx context.Context) {
	l.checked = time.Now()
	if !l.outage.on() {
		return
	}
	l.logger.LogAttrs(ctx, slog.LevelInfo, "mihuredis: Redis is available again, using the shared rate",
		slog.String("key", l.store.pauseKey), slog.Duration("outage", time.Since(l.outage.since)))
	l.outage = outage{}
	l.pause.setLocal(false)
}
