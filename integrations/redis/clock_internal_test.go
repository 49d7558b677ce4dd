package mihuredis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// at is a reading sent after some time since start. There and back are how long it took before and after
// Redis, whose clock is ahead, read its clock.
func at(start time.Time, after, there, back, ahead time.Duration) reading {
	sent := start.Add(after)
	return reading{sent, sent.Add(there + back), after + there + ahead}
}

func TestClock(t *testing.T) {
	t.Parallel()
	const slack = 30 * time.Millisecond
	start := time.Now()
	var c clock
	assert.Zero(t, c.learn(at(start, 0, 90*time.Millisecond, 10*time.Millisecond, time.Hour)), "the first reading sets it")
	assert.Equal(t, 100*time.Millisecond, c.width())

	// The fastest response counts, and a slow one, whichever direction was slow, does no harm.
	assert.Zero(t, c.learn(at(start, time.Second, time.Millisecond, time.Millisecond, time.Hour)))
	assert.Equal(t, 2*time.Millisecond, c.width())
	for _, slow := range []reading{
		at(start, 2*time.Second, 200*time.Millisecond, 0, time.Hour),
		at(start, 3*time.Second, 0, 200*time.Millisecond, time.Hour),
	} {
		assert.Zero(t, c.learn(slow))
		assert.Less(t, c.width(), 4*time.Millisecond, "plus what the clocks may have drifted in a second or two")
		due := c.slot(time.Hour+10*time.Second, slack)
		assert.False(t, due.due.Before(start.Add(10*time.Second)), "never early")
		assert.False(t, due.end.After(start.Add(10*time.Second+slack)), "never late")
	}

	// A clock that was set is believed at once, and the move is returned.
	assert.InDelta(t, time.Hour, c.learn(at(start, 4*time.Second, time.Millisecond, time.Millisecond, 2*time.Hour)), float64(time.Second))
	assert.Equal(t, 2*time.Millisecond, c.width())
	assert.WithinDuration(t, start.Add(10*time.Second), c.slot(2*time.Hour+10*time.Second, slack).due, 2*time.Millisecond)

	// If every response takes longer than the slack, half of the slack is left.
	c = clock{}
	c.learn(at(start, 0, 50*time.Millisecond, 50*time.Millisecond, time.Hour))
	due := c.slot(time.Hour+10*time.Second, slack)
	assert.Equal(t, slack/2, due.end.Sub(due.due))
	assert.WithinDuration(t, start.Add(10*time.Second), due.due, slack/2)
}
