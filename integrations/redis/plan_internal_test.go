package mihuredis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// With a rate of 200, 5 places are due at once, the next ones 5 ms apart, and each may be used for 30 ms
// less the uncertainty of the clock: 205 and less than 30 ms of the rate are at most 210.
func TestPlan(t *testing.T) {
	t.Parallel()
	p := (&config{rate: 200, period: time.Second, burst: 10}).plan()
	var c clock
	now := time.Now()
	c.learn(reading{now, now.Add(2 * time.Millisecond), time.Hour})
	slots := p.append(nil, &c, reservation{state: state{reading: reading{redis: time.Hour}}, granted: 7, resetAfter: 35 * time.Millisecond})
	var after []time.Duration
	for _, slot := range slots {
		after = append(after, slot.due.Sub(now)-2*time.Millisecond)
		assert.Equal(t, 28*time.Millisecond, slot.end.Sub(slot.due))
	}
	assert.Equal(t, []time.Duration{0, 0, 0, 0, 0, 5 * time.Millisecond, 10 * time.Millisecond}, after)
	assert.Equal(t, 10, p.batch)
}

// A place that is too late is discarded.
func TestLatePlaces(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := &Limiter{slots: []slot{{now.Add(-2), now.Add(-1)}, {now.Add(-1), now}, {now, now.Add(1)}}}
	l.dropLate(now)
	assert.Equal(t, []slot{{now, now.Add(1)}}, l.slots)
}
