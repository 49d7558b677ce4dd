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

// A pause of one holds back all, also those that have places already, and ends for all.
func TestPauseOfOneIsThePauseOfAll(t *testing.T) {
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
	assert.GreaterOrEqual(t, after, 60, "of 0.5 s less the 50 ms that are added for the others")
	assert.LessOrEqual(t, all.most(time.Second), 210)
}

// A pause that ends after the deadline is an error at once.
func TestPausePastTheDeadline(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	one, other := newLimiter(t, s, "pause", 200), newLimiter(t, s, "pause", 200)
	one.Pause(t.Context(), time.Hour)
	for name, limiter := range map[string]*mihuredis.Limiter{"its own": one, "another's": other} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			err := waitFor(t, limiter, 10*time.Second)
			assert.Less(t, time.Since(start), 5*time.Second)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, mihu.ErrRateLimited)
			timeout, ok := errors.AsType[net.Error](err)
			assert.False(t, ok && !timeout.Timeout())
			assert.ErrorContains(t, err, "asked all of them to wait another ")
		})
	}
	_, pause := one.Keys()
	left := s.client().PTTL(t.Context(), pause).Val()
	assert.InDelta(t, 300, left.Seconds(), 2, "WithMaxPause bounds it")
}

// Pauses that are none, and limiters that are none.
func TestPauseOfNothing(t *testing.T) {
	t.Parallel()
	limiter := newLimiter(t, startServer(t), "pause", 200)
	limiter.Pause(t.Context(), 0)
	limiter.Pause(t.Context(), -time.Second)
	require.NoError(t, waitFor(t, limiter, time.Second))

	var none *mihuredis.Limiter
	none.Pause(t.Context(), time.Second)
	new(mihuredis.Limiter).Pause(t.Context(), time.Second)
	require.ErrorContains(t, none.Wait(t.Context()), "not made by New")
	require.ErrorContains(t, new(mihuredis.Limiter).Wait(t.Context()), "not made by New")
}

// Waiting ends with the context: for those in the queue, for the one at its head, and before.
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
	assert.Less(t, time.Since(start), 5*time.Second, "it is known at once")
}
