package mihuredis_test

import (
	"context"
	"testing"
	"time"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	away = "Redis is away"
	back = "Redis is back"
)

// A Redis that is killed, or that no longer answers, is noticed within the time of a question. Then
// the process keeps to its share until Redis is back. Both are said once.
func TestRedisGoesAwayAndComesBack(t *testing.T) {
	tests := []struct {
		name     string
		leave    func(*server)
		comeBack func(*server)
	}{
		{"killed", (*server).kill, (*server).start},
		{"frozen", (*server).freeze, (*server).thaw},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t)
			log := new(records)
			limiter := newLimiter(t, s, "away", 200, mihuredis.WithLogger(log.logger()), mihuredis.WithShare(0.2))
			assert.InDelta(t, 100, len(takeFor(t, 500*time.Millisecond, 4, limiter)), 7)

			tt.leave(s)
			start := time.Now()
			require.NoError(t, limiter.Wait(t.Context()))
			assert.Less(t, time.Since(start), 400*time.Millisecond)
			all := takeFor(t, 2*time.Second, 4, limiter)
			assert.InDelta(t, 40*2, len(all), 20, "with a pause for each time that Redis is asked")
			assert.LessOrEqual(t, all.most(time.Second), 40+2+1)
			assert.Equal(t, 1, log.count(away), log)
			assert.Zero(t, log.count(back), log)

			tt.comeBack(s)
			require.Eventually(t, func() bool {
				assert.NoError(t, limiter.Wait(t.Context()))
				return log.count(back) == 1
			}, 10*time.Second, time.Millisecond)
			all = takeFor(t, time.Second, 4, limiter)
			assert.GreaterOrEqual(t, len(all), 150, "more than its share")
			assert.LessOrEqual(t, all.most(time.Second), 210)
			assert.Equal(t, 2, log.count("level="), log)
		})
	}
}

// A Redis that was never there is no error of New, and not one of Wait.
func TestRedisThatWasNeverThere(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.kill()
	log := new(records)
	limiter := newLimiter(t, s, "never", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, waitFor(t, limiter, time.Second))
	assert.InDelta(t, 25, len(takeFor(t, time.Second, 2, limiter)), 12)
	assert.Equal(t, 1, log.count(away), log)
	assert.Equal(t, 1, log.count("no answer within 250ms"), log)
}

// An answer that is an error is no answer: the limiter goes on without Redis.
func TestRedisThatRefuses(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := new(records)
	limiter := newLimiter(t, s, "refuses", 100, mihuredis.WithLogger(log.logger()))
	queue, _ := limiter.Keys()
	require.NoError(t, s.client().LPush(t.Context(), queue, "not a number").Err())
	require.NoError(t, waitFor(t, limiter, time.Second))
	assert.Equal(t, 1, log.count("WRONGTYPE"), log)
}

// The end of the caller's own context says nothing about Redis.
func TestShortDeadlineIsNoOutage(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := new(records)
	limiter := newLimiter(t, s, "short", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, limiter.Wait(t.Context()))
	s.freeze()
	for range 3 {
		require.ErrorIs(t, waitFor(t, limiter, 20*time.Millisecond), context.DeadlineExceeded)
	}
	s.thaw()
	require.NoError(t, limiter.Wait(t.Context()))
	assert.Empty(t, log.String())
}

// A pause while Redis is away holds for the limiter that was told of it, and for the others as soon
// as Redis is back.
func TestPauseWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	one, other := newLimiter(t, s, "alone", 100), newLimiter(t, s, "alone", 100)
	require.NoError(t, one.Wait(t.Context()))
	s.kill()
	require.NoError(t, one.Wait(t.Context()))
	one.Pause(t.Context(), 20*time.Second)
	require.Error(t, waitFor(t, one, time.Second))
	require.NoError(t, waitFor(t, other, time.Second))

	s.start()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- one.Wait(ctx) }()
	require.Eventually(t, func() bool { return waitFor(t, other, time.Second) != nil }, 10*time.Second, 10*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
