package mihuredis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// at is a reading whose question was sent after a time and answered later, by a Redis whose clock is
// ahead and was read in between.
func at(start time.Time, asked, way, back, ahead time.Duration) reading {
	sent := start.Add(asked)
	return reading{sent, sent.Add(way + back), asked + way + ahead}
}

func TestClock(t *testing.T) {
	t.Parallel()
	const slack = 30 * time.Millisecond
	start := time.Now()
	var c clock
	c.learn(at(start, 0, 90*time.Millisecond, 10*time.Millisecond, time.Hour))
	assert.Equal(t, 100*time.Millisecond, c.width())

	// The fastest answer counts, and one that is slow, whichever way it was slow on, does no harm.
	c.learn(at(start, time.Second, time.Millisecond, time.Millisecond, time.Hour))
	assert.Equal(t, 2*time.Millisecond, c.width())
	for _, slow := range []reading{
		at(start, 2*time.Second, 200*time.Millisecond, 0, time.Hour),
		at(start, 3*time.Second, 0, 200*time.Millisecond, time.Hour),
	} {
		c.learn(slow)
		assert.Less(t, c.width(), 4*time.Millisecond, "and what the clocks may have parted in a second or two")
		due := c.slot(time.Hour+10*time.Second, slack)
		assert.False(t, due.due.Before(start.Add(10*time.Second)), "never early")
		assert.False(t, due.end.After(start.Add(10*time.Second+slack)), "never late")
	}

	// A clock that was set is believed at once.
	c.learn(at(start, 4*time.Second, time.Millisecond, time.Millisecond, 2*time.Hour))
	assert.Equal(t, 2*time.Millisecond, c.width())
	assert.WithinDuration(t, start.Add(10*time.Second), c.slot(2*time.Hour+10*time.Second, slack).due, 2*time.Millisecond)

	// Where every answer takes longer than the slack, half of the slack is left.
	c = clock{}
	c.learn(at(start, 0, 50*time.Millisecond, 50*time.Millisecond, time.Hour))
	due := c.slot(time.Hour+10*time.Second, slack)
	assert.Equal(t, slack/2, due.end.Sub(due.due))
	assert.WithinDuration(t, start.Add(10*time.Second), due.due, slack/2)
}
