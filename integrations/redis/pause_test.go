package mihuredis_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/mihu-go/mihu"
	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func waitFor(t *testing.T, limiter *mihuredis.Limiter, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return limiter.Wait(ctx)
}

// A pause of one limiter holds back all, also those that have places already, and ends for all.
func TestPauseIsShared(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	first := newLimiter(t, s, "pause", 200)
	others := []*mihuredis.Limiter{first, newLimiter(t, s, "pause", 200), newLimiter(t, s, "pause", 200)}
	var paused time.Time
	timer := time.AfterFunc(500*time.Millisecond, func() {
		paused = time.Now()
		first.Pause(context.Background(), 10*time.Millisecond)
		first.Pause(context.Background(), time.Second)
		first.Pause(context.Background(), 20*time.Millisecond) // does not end the longer one
	})
	defer timer.Stop()
	all := takeFor(t, 2*time.Second, 4, others...)
	var before, during, after int
	for _, at := range all {
		switch {
		case at.Before(paused.Add(150 * time.Millisecond)):
			before++
		case at.Before(paused.Add(time.Second)):
			during++
		default:
			after++
		}
	}
	assert.NotZero(t, before)
	assert.Zero(t, during)
	assert.GreaterOrEqual(t, after, 60, "0.5 s less the margin of 50 ms")
	assert.LessOrEqual(t, all.busiest(time.Second), 210)
}

// If a pause ends after the deadline, Wait returns an error at once.
func TestPausePastTheDeadline(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	one, other := newLimiter(t, s, "pause", 200), newLimiter(t, s, "pause", 200)
	one.Pause(t.Context(), time.Hour)
	for name, limiter := range map[string]*mihuredis.Limiter{"its own": one, "of another": other} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			err := waitFor(t, limiter, 10*time.Second)
			assert.Less(t, time.Since(start), 5*time.Second)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, mihu.ErrRateLimited)
			timeout, ok := errors.AsType[net.Error](err)
			assert.False(t, ok && !timeout.Timeout())
			assert.ErrorContains(t, err, "pauses all of them for another ")
		})
	}
	_, pause := one.Keys()
	left := s.client().PTTL(t.Context(), pause).Val()
	assert.InDelta(t, 300, left.Seconds(), 2, "WithMaxPause bounds it")
}

// Pauses of no duration, and limiters not created by New.
func TestPauseWithoutDurationOrLimiter(t *testing.T) {
	t.Parallel()
	limiter := newLimiter(t, startServer(t), "pause", 200)
	limiter.Pause(t.Context(), 0)
	limiter.Pause(t.Context(), -time.Second)
	require.NoError(t, waitFor(t, limiter, time.Second))

	var none *mihuredis.Limiter
	none.Pause(t.Context(), time.Second)
	new(mihuredis.Limiter).Pause(t.Context(), time.Second)
	require.ErrorContains(t, none.Wait(t.Context()), "not created by New")
	require.ErrorContains(t, new(mihuredis.Limiter).Wait(t.Context()), "not created by New")
}

// Wait ends with its context: in the queue, at its head, and before it.
func TestCanceledContext(t *testing.T) {
	t.Parallel()
	limiter := newLimiter(t, startServer(t), "cancel", 1, mihuredis.WithPeriod(time.Minute))
	require.NoError(t, limiter.Wait(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for range 5 {
		go func() { ended <- limiter.Wait(ctx) }()
	}
	time.AfterFunc(100*time.Millisecond, cancel)
	<-ctx.Done()
	canceled := time.Now()
	for range 5 {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	assert.Less(t, time.Since(canceled), 200*time.Millisecond)
	require.ErrorIs(t, limiter.Wait(ctx), context.Canceled)

	start := time.Now()
	err := waitFor(t, limiter, 10*time.Second)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, mihu.ErrRateLimited)
	require.ErrorContains(t, err, "the next request is due in 59")
	assert.Less(t, time.Since(start), 5*time.Second, "it returns at once")
}
