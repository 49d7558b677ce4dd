package mihuredis_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	unavailable = "Redis is unavailable"
	available   = "Redis is available again"
)

// A Redis that is killed or stops responding is noticed within the timeout of a round trip. The process
// then uses its own share until Redis is available again. Both are logged once.
func TestRedisBecomesUnavailableAndAvailable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		stop    func(*server)
		restart func(*server)
	}{
		{"killed", (*server).kill, (*server).start},
		{"frozen", (*server).freeze, (*server).thaw},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			log := new(records)
			limiter := newLimiter(t, s, "outage", 200, mihuredis.WithLogger(log.logger()), mihuredis.WithShare(0.2))
			assert.InDelta(t, 100, len(takeFor(t, 500*time.Millisecond, 4, limiter)), 7)

			tt.stop(s)
			start := time.Now()
			require.NoError(t, limiter.Wait(t.Context()))
			assert.Less(t, time.Since(start), 400*time.Millisecond)
			all := takeFor(t, 2*time.Second, 4, limiter)
			assert.InDelta(t, 40*2, len(all), 20, "with a delay for each time that Redis is tried")
			assert.LessOrEqual(t, all.busiest(time.Second), 40+2+1)
			assert.Equal(t, 1, log.count(unavailable), log)
			assert.Zero(t, log.count(available), log)

			tt.restart(s)
			require.Eventually(t, func() bool {
				assert.NoError(t, limiter.Wait(t.Context()))
				return log.count(available) == 1
			}, 10*time.Second, time.Millisecond)
			all = takeFor(t, time.Second, 4, limiter)
			assert.GreaterOrEqual(t, len(all), 150, "more than its share")
			assert.LessOrEqual(t, all.busiest(time.Second), 210)
			assert.Equal(t, 2, log.count("level="), log)
		})
	}
}

// New and Wait return no error if Redis was never available.
func TestRedisNeverAvailable(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	s.kill()
	log := new(records)
	limiter := newLimiter(t, s, "never", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, waitFor(t, limiter, time.Second))
	assert.InDelta(t, 25, len(takeFor(t, time.Second, 2, limiter)), 12)
	assert.Equal(t, 1, log.count(unavailable), log)
	assert.Equal(t, 1, log.count("no response within 250ms"), log)
}

// An error reply counts as no response: the limiter continues without Redis.
func TestRedisRefusesCommands(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := new(records)
	limiter := newLimiter(t, s, "refuses", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, s.client().ACLSetUser(t.Context(), "default", "-eval", "-evalsha").Err())
	require.NoError(t, waitFor(t, limiter, time.Second))
	assert.Equal(t, 1, log.count("NOPERM"), log)
}

// The end of the caller's own context is no sign that Redis is unavailable.
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

// A process that was suspended during a round trip does not take Redis for unavailable: its own share
// would be added to what the others use.
func TestSuspensionIsNoOutage(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client, log := s.client(), new(records)
	var once, always atomic.Bool
	client.AddHook(before(func() {
		if always.Load() || once.CompareAndSwap(true, false) {
			time.Sleep(300 * time.Millisecond) // as if suspended for longer than the timeout of a round trip
		}
	}))
	limiter, err := mihuredis.New(client, "suspended", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, err)
	for range 3 { // the first waits for a connection, the others for places
		once.Store(true)
		require.NoError(t, limiter.Wait(t.Context()))
	}
	once.Store(true)
	limiter.Pause(t.Context(), time.Second)
	_, pause := limiter.Keys()
	assert.Equal(t, int64(1), client.Exists(t.Context(), pause).Val(), "the pause is written")
	assert.Empty(t, log.String())

	always.Store(true)
	require.NoError(t, limiter.Wait(t.Context()))
	assert.Equal(t, 1, log.count(unavailable), "after two round trips")
}

// A pause while Redis is unavailable holds for that limiter, and for the others as soon as Redis is
// available again.
func TestPauseWhileRedisIsUnavailable(t *testing.T) {
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
