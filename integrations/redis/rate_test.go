package mihuredis_test

import (
	"context"
	"slices"
	"testing"
	"time"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// All processes together stay below rate and burst in every second, the first included, come close to the
// rate, and share it evenly.
func TestProcessesShareOneRate(t *testing.T) {
	const seconds = 4
	crew := startWorkers(t, startServer(t), 3, 8, 200, seconds*time.Second)
	var all grants
	shares := crew.wait()
	for _, share := range shares {
		all = append(all, share...)
	}
	slices.SortFunc(all, time.Time.Compare)
	t.Logf("%d in %d s, at most %d in a second", len(all), seconds, all.busiest(time.Second))
	assert.LessOrEqual(t, all.busiest(time.Second), 210)
	assert.GreaterOrEqual(t, len(all), 200*seconds*95/100)
	for _, share := range shares {
		assert.InDelta(t, len(all)/3, len(share), float64(len(all))/10)
	}
}

// A process that was suspended does not use all of its places at once when it resumes.
func TestSuspendedProcess(t *testing.T) {
	crew := startWorkers(t, startServer(t), 3, 8, 200, 3*time.Second)
	for range 4 {
		time.Sleep(300 * time.Millisecond) // the workers' time is real
		crew.signal(0, stopSignal)
		time.Sleep(300 * time.Millisecond)
		crew.signal(0, continueSignal)
	}
	all := slices.Concat(crew.wait()...)
	slices.SortFunc(all, time.Time.Compare)
	t.Logf("%d in 3 s, at most %d in a second", len(all), all.busiest(time.Second))
	assert.LessOrEqual(t, all.busiest(time.Second), 210)
	assert.GreaterOrEqual(t, len(all), 500, "the others use most of the rest")
}

// If there are more limiters than places in the queue, some are refused, and the rate is still used.
func TestMoreLimitersThanPlaces(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := s.client()
	limiters := make([]*mihuredis.Limiter, 60)
	for i := range limiters {
		var err error
		limiters[i], err = mihuredis.New(client, "crowd", 20, mihuredis.WithPeriod(500*time.Millisecond), mihuredis.WithBurst(4))
		require.NoError(t, err)
	}
	all := takeFor(t, 3*time.Second, 1, limiters...)
	t.Logf("%d in 3 s, at most %d in half a second", len(all), all.busiest(500*time.Millisecond))
	assert.LessOrEqual(t, all.busiest(500*time.Millisecond), 24)
	assert.GreaterOrEqual(t, len(all), 90)
}

// Limiters with different keys do not share a rate.
func TestKeysAreSeparate(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	one, other := newLimiter(t, s, "one", 100), newLimiter(t, s, "other", 100)
	one.Pause(t.Context(), time.Minute)
	all := takeFor(t, time.Second, 4, other)
	assert.InDelta(t, 95, len(all), 10)
	assert.Error(t, waitFor(t, one, time.Second))
}

// After an idle time half of the burst goes at once, and the rest at the pace of the rate.
func TestBurst(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		opts    []mihuredis.Option
		rate    int
		period  time.Duration
		atOnce  int
		busiest int
	}{
		{"default", nil, 100, time.Second, 3, 105},
		{"smallest", []mihuredis.Option{mihuredis.WithBurst(1)}, 100, time.Second, 1, 101},
		{"large", []mihuredis.Option{mihuredis.WithBurst(60)}, 100, time.Second, 30, 160},
		{"slow", nil, 4, time.Second, 1, 5},
		{"another period", []mihuredis.Option{mihuredis.WithPeriod(200 * time.Millisecond)}, 20, 200 * time.Millisecond, 1, 21},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limiter := newLimiter(t, startServer(t), "burst", tt.rate, tt.opts...)
			all := takeFor(t, 1500*time.Millisecond, 40, limiter)
			pace := tt.period / time.Duration(tt.rate)
			assert.LessOrEqual(t, all.busiest(tt.period), tt.busiest)
			assert.LessOrEqual(t, all.busiest(pace/2), tt.atOnce+1)
			if pace > 2*time.Millisecond {
				assert.GreaterOrEqual(t, all.busiest(pace), tt.atOnce)
			}
			assert.GreaterOrEqual(t, len(all), int(1500*time.Millisecond/pace)*75/100, "a busy machine costs the smallest burst the most")
		})
	}
}

// A round trip of 10 ms delays requests, but costs little of the rate.
func TestDistantRedis(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	client := s.client()
	client.AddHook(before(func() { time.Sleep(10 * time.Millisecond) }))
	limiter, err := mihuredis.New(client, "distant", 200)
	require.NoError(t, err)
	require.NoError(t, limiter.Wait(t.Context())) // connects, and has Redis read the script
	all := takeFor(t, 2*time.Second, 32, limiter)
	t.Logf("%d in 2 s, at most %d in a second", len(all), all.busiest(time.Second))
	assert.LessOrEqual(t, all.busiest(time.Second), 210)
	assert.GreaterOrEqual(t, len(all), 360)
}

// before is a hook that is called before each command.
type before func()

func (b before) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b before) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		b()
		return next(ctx, cmd)
	}
}

func (b before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		b()
		return next(ctx, cmds)
	}
}

// Both keys are in one slot of a cluster.
func TestCluster(t *testing.T) {
	t.Parallel()
	s := startCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.addr}, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	log := new(records)
	limiter, err := mihuredis.New(client, "cluster", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, err)
	require.NoError(t, limiter.Wait(t.Context()))
	limiter.Pause(t.Context(), time.Minute)
	other, err := mihuredis.New(client, "cluster", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, err)
	assert.Error(t, waitFor(t, other, time.Second))
	assert.Empty(t, log.String())
}

// If Redis's clock was set back, or somebody else wrote to the key, nobody waits for that: the queue starts
// over.
func TestQueueReachesTooFar(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := new(records)
	limiter := newLimiter(t, s, "clock", 100, mihuredis.WithLogger(log.logger()))
	require.NoError(t, limiter.Wait(t.Context()))
	queue, _ := limiter.Keys()
	reach, err := s.client().Get(t.Context(), queue).Float64()
	require.NoError(t, err)
	require.NoError(t, s.client().Set(t.Context(), queue, reach+3600, 0).Err())
	require.NoError(t, waitFor(t, limiter, 5*time.Second))
	assert.Equal(t, 1, log.count("starts over"))
	require.NoError(t, waitFor(t, limiter, 5*time.Second))
	assert.Equal(t, 1, log.count("level="))
}

// Redis receives only a hash of the key, and both keys expire.
func TestRedisContents(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	limiter := newLimiter(t, s, "pl4nted-token +12345678901", 100)
	require.NoError(t, limiter.Wait(t.Context()))
	limiter.Pause(t.Context(), time.Minute)
	held := s.contents()
	assert.NotContains(t, held, "pl4nted")
	assert.NotContains(t, held, "12345678901")
	queue, pause := limiter.Keys()
	assert.Regexp(t, `^rate:mihu:\{[0-9a-f]{24}\}$`, queue)
	assert.Regexp(t, `^pause:mihu:\{[0-9a-f]{24}\}$`, pause)
	client := s.client()
	size, err := client.DBSize(t.Context()).Result()
	require.NoError(t, err)
	assert.EqualValues(t, 2, size)
	assert.Contains(t, held, queue)
	assert.Contains(t, held, pause)
	assert.InDelta(t, 1, client.TTL(t.Context(), queue).Val().Seconds(), 1)
	assert.InDelta(t, 60, client.PTTL(t.Context(), pause).Val().Seconds(), 1)
}
