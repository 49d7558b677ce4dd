package mihuredis

import "time"

// drift is how slowly two clocks drift apart: at most by one part in so many.
const drift = 5000

// clock knows Redis's time. Places are due by that time, and stay exact however long the response that
// granted them took. Every response bounds how far the two clocks are apart: Redis read its clock after
// the command was sent and before the response was received. The zero value knows nothing.
type clock struct {
	start     time.Time
	low, high time.Duration // Redis's time since 1970, less this process's time since start
	updated   time.Duration // when, since start
}

// reading is Redis's time since 1970, and this process's time before and after.
type reading struct {
	sent, received time.Time
	redis          time.Duration
}

// learn narrows the bounds. If the reading contradicts them, one of the clocks was set: learn then
// believes the reading and returns by how much Redis's clock moved; otherwise it returns 0.
func (c *clock) learn(r reading) (moved time.Duration) {
	first := c.start.IsZero()
	if first {
		c.start = r.sent
	}
	sent, received := r.sent.Sub(c.start), r.received.Sub(c.start)
	low, high := r.redis-received, r.redis-sent
	drifted := (received - c.updated) / drift
	switch before := c.width(); {
	case before > 0 && low <= c.high+drifted && high >= c.low-drifted:
		low, high = max(low, c.low-drifted), min(high, c.high+drifted)
	case !first:
		moved = (low+high)/2 - (c.low+c.high)/2
	}
	c.low, c.high, c.updated = low, high, received
	return moved
}

// width is the remaining uncertainty, at most the time of the fastest round trip.
func (c *clock) width() time.Duration { return c.high - c.low }

// slot is the place at a time of Redis's clock: never due too early, and never good for longer than the
// slack. If the uncertainty is too large for that, both directions are assumed to take equally long.
func (c *clock) slot(redis, slack time.Duration) slot {
	doubt := min(c.width(), slack/2)
	due := c.start.Add(redis - (c.low+c.high)/2 + doubt/2)
	return slot{due, due.Add(slack - doubt)}
}
