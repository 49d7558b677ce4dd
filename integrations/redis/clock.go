package mihuredis

import "time"

// drift is that two clocks part by one in so many at most.
const drift = 5000

// clock knows Redis's time. Places are due by that time, and are kept well however long the answer was
// on its way that granted them. Every answer bounds how far the two clocks are apart: Redis wrote its
// time after the question was sent, and before the answer was read. The zero value knows nothing.
type clock struct {
	start     time.Time
	low, high time.Duration // Redis's time, as time since 1970, less that of this process since start
	known     time.Duration
}

// reading is Redis's time, and this process's before and after.
type reading struct {
	asked, read time.Time
	redis       time.Duration
}

func (c *clock) learn(r reading) {
	if c.start.IsZero() {
		c.start = r.asked
	}
	asked, read := r.asked.Sub(c.start), r.read.Sub(c.start)
	low, high := r.redis-read, r.redis-asked
	parted := (read - c.known) / drift
	if before := c.width(); before > 0 && low <= c.high+parted && high >= c.low-parted {
		low, high = max(low, c.low-parted), min(high, c.high+parted)
	} // otherwise it is the first, or one of the clocks was set
	c.low, c.high, c.known = low, high, read
}

// width is the doubt that is left, no more than the fastest answer took.
func (c *clock) width() time.Duration { return c.high - c.low }

// slot is a place at a time of Redis: not before it by any doubt, nor later than the slack. Where the
// doubt is too large for that, Redis is taken to be as far away on the way there as on the way back.
func (c *clock) slot(redis, slack time.Duration) slot {
	doubt := min(c.width(), slack/2)
	due := c.start.Add(redis - (c.low+c.high)/2 + doubt/2)
	return slot{due, due.Add(slack - doubt)}
}
