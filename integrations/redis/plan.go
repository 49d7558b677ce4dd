package mihuredis

import (
	"math/rand/v2"
	"time"

	"github.com/go-redis/redis_rate/v10"
)

const (
	batchTime = 50 * time.Millisecond // of the rate: what a process reserves at once
	aheadTime = time.Second           // of the rate: what all processes together can reserve ahead
	minAhead  = 4                     // places that can be reserved ahead, however slow the rate is
	tolerance = time.Second           // how far Redis's clock may be set back without a warning
)

// plan is how a rate is enforced. Redis grants places in the queue long before they are due, so the burst
// in Redis is that of the queue: what may go at once and what may be reserved ahead. A process that was
// granted a place waits until it is due.
type plan struct {
	limit    redis_rate.Limit
	interval time.Duration // between two places
	atOnce   time.Duration // what may go at once, as time of the rate
	slack    time.Duration // how long after it was due a place may be used
	batch    int           // places that a process reserves at once
	farthest time.Duration // the queue cannot reach further ahead than this
}

// plan splits the burst. Places are one interval apart, n of them may go at once, and each is used less
// than (burst-n+1) intervals late: that makes at most rate+burst in any period.
func (c *config) plan() plan {
	interval := c.pace()
	atOnce := (c.burst + 1) / 2
	ahead := max(int(aheadTime/interval), minAhead)
	whole := time.Duration(atOnce+ahead) * interval
	return plan{
		limit:    redis_rate.Limit{Rate: c.rate, Burst: atOnce + ahead, Period: c.period},
		interval: interval,
		atOnce:   time.Duration(atOnce) * interval,
		slack:    time.Duration(c.burst-atOnce+1) * interval,
		batch:    max(1, min(int(batchTime/interval), ahead/2)),
		farthest: whole + tolerance,
	}
}

// slot is a place in the queue: when the request may go, and until when.
type slot struct{ due, end time.Time }

// append adds the granted places. resetAfter is how far ahead of Redis's time the last one is; the others
// are before it, an interval apart.
func (p *plan) append(slots []slot, c *clock, r reservation) []slot {
	last := r.resetAfter - p.atOnce
	for i := r.granted - 1; i >= 0; i-- {
		slots = append(slots, c.slot(r.redis+max(last-time.Duration(i)*p.interval, 0), p.slack))
	}
	return slots
}

// spread keeps processes that were refused together from retrying together.
func (p *plan) spread(retryAfter time.Duration) time.Duration {
	retryAfter = max(retryAfter, 0)
	return max(retryAfter, p.interval) + rand.N(retryAfter/4+p.interval) //nolint:gosec // spread, not a secret
}
