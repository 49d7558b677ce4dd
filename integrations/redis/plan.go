package mihuredis

import (
	"math/rand/v2"
	"time"

	"github.com/go-redis/redis_rate/v10"
)

const (
	batchTime = 50 * time.Millisecond // of the rate: what a process asks for at once
	aheadTime = time.Second           // of the rate: what all processes together can reserve
	leastSeat = 4                     // places that can be reserved, however slow the rate is
)

// plan is how a rate is kept. Redis grants a place in the queue well before it is due, so its burst
// is that of the queue: what may go at once, and what may be reserved ahead. A process that is granted
// a place waits until it is due.
type plan struct {
	limit    redis_rate.Limit
	interval time.Duration // between two places
	atOnce   time.Duration // what may go at once, as time of the rate
	slack    time.Duration // how long after it was due a place is still good
	batch    int           // places that a process asks for at once
	farthest time.Duration // a place further ahead than this cannot be
}

// plan splits the burst: with places one interval apart, n of which may go at once, and each used less
// than (burst-n+1) intervals late, there are at most rate+burst in any period.
func (c *config) plan() plan {
	interval := c.pace()
	atOnce := (c.burst + 1) / 2
	ahead := max(int(aheadTime/interval), leastSeat)
	whole := time.Duration(atOnce+ahead) * interval
	return plan{
		limit:    redis_rate.Limit{Rate: c.rate, Burst: atOnce + ahead, Period: c.period},
		interval: interval,
		atOnce:   time.Duration(atOnce) * interval,
		slack:    time.Duration(c.burst-atOnce+1) * interval,
		batch:    max(1, min(int(batchTime/interval), ahead/2)),
		farthest: whole + time.Minute,
	}
}

// slot is a place in the queue: when the request may go, and when it no longer may.
type slot struct{ due, end time.Time }

// append adds the granted places. The answer tells how far ahead of Redis's time the last one is; the
// others are an interval apart before it.
func (p *plan) append(slots []slot, c *clock, a answer) []slot {
	last := a.resetAfter - p.atOnce
	for i := a.granted - 1; i >= 0; i-- {
		slots = append(slots, c.slot(a.redis+max(last-time.Duration(i)*p.interval, 0), p.slack))
	}
	return slots
}

// spread keeps those who were refused together from asking together.
func (p *plan) spread(retryAfter time.Duration) time.Duration {
	return max(retryAfter, p.interval) + rand.N(retryAfter/4+p.interval) //nolint:gosec // spread, not a secret
}
