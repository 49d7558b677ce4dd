package mihuredis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever the rate key holds, Wait neither panics nor waits for it. If the key cannot be right, the queue
// starts over with one warning.
func TestForeignValueInRateKey(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	set := func(value string) func(*redis.Client, string) error {
		return func(c *redis.Client, key string) error { return c.Set(context.Background(), key, value, 0).Err() }
	}
	tests := []struct {
		name  string
		write func(*redis.Client, string) error
		warns int
	}{
		{"milliseconds", set("1764288000000"), 1},
		{"above every duration", set("1e308"), 1},
		{"infinite", set("inf"), 1},
		{"not a number", set("nan"), 1},
		{"negative not a number", set("-nan"), 1},
		{"hexadecimal", set("0x7fffffffffffffff"), 1},
		{"text", set("taken"), 1},
		{"empty", set(""), 1},
		{"binary", set("\xff\x00"), 1},
		{"long ago", set("-1e308"), 0},
		{"negative infinite", set("-inf"), 0},
		{"zero", set("0"), 0},
		{"list", func(c *redis.Client, key string) error { return c.LPush(context.Background(), key, "1").Err() }, 1},
		{"hash", func(c *redis.Client, key string) error { return c.HSet(context.Background(), key, "a", "1").Err() }, 1},
		{"set", func(c *redis.Client, key string) error { return c.SAdd(context.Background(), key, "1").Err() }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, before := range map[string]bool{"before the first request": false, "between requests": true} {
				log := new(records)
				limiter := newLimiter(t, s, tt.name+name, 100, mihuredis.WithLogger(log.logger()))
				if before {
					require.NoError(t, limiter.Wait(t.Context()))
				}
				queue, _ := limiter.Keys()
				require.NoError(t, s.client().Del(t.Context(), queue).Err())
				require.NoError(t, tt.write(s.client(), queue))
				for range 5 {
					require.NoError(t, waitFor(t, limiter, 2*time.Second), name)
				}
				assert.Equal(t, tt.warns, log.count("starts over"), log)
				assert.Equal(t, tt.warns, log.count("level="), log)
			}
		})
	}
}

// If Redis's clock was set back by less than a minute, nobody waits for it without a warning.
func TestRedisClockSetBack(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{5 * time.Second, 55 * time.Second, time.Hour, -55 * time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			s := startServer(t)
			log := new(records)
			client := s.client()
			clock := new(skew)
			client.AddHook(clock)
			limiter, err := mihuredis.New(client, "skew", 100, mihuredis.WithLogger(log.logger()))
			require.NoError(t, err)
			require.NoError(t, limiter.Wait(t.Context()))
			queue, _ := limiter.Keys()
			reach, err := client.Get(t.Context(), queue).Float64()
			require.NoError(t, err)
			// Redis's own clock cannot be set here: the key moves instead, and the time that Redis returns.
			require.NoError(t, client.Set(t.Context(), queue, reach+by.Seconds(), 0).Err())
			clock.seconds = -int64(by.Seconds())
			for range 5 {
				require.NoError(t, waitFor(t, limiter, 2*time.Second))
			}
			assert.Equal(t, 1, log.count("Redis's clock was set"), log)
			if by > 0 {
				assert.Equal(t, 1, log.count("starts over"), log)
			}
		})
	}
}

// skew changes the time that Redis returns with the state.
type skew struct {
	before  // for DialHook
	seconds int64
}

func (k *skew) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		k.change(cmd)
		return err
	}
}

func (k *skew) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			k.change(cmd)
		}
		return err
	}
}

func (k *skew) change(cmd redis.Cmder) {
	reply, ok := cmd.(*redis.Cmd)
	if !ok {
		return
	}
	if values, err := reply.Int64Slice(); err == nil && len(values) >= 3 {
		values[1] += k.seconds
		changed := make([]any, len(values))
		for i, value := range values {
			changed[i] = value
		}
		reply.SetVal(changed)
	}
}

// An operator's pause without an expiry holds back everybody until the key is deleted, and is warned of.
// A 429 does not shorten it.
func TestPauseWithoutExpiry(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := new(records)
	one, other := newLimiter(t, s, "endless", 100, mihuredis.WithLogger(log.logger())), newLimiter(t, s, "endless", 100)
	require.NoError(t, one.Wait(t.Context()))
	_, pause := one.Keys()
	require.NoError(t, s.client().Set(t.Context(), pause, 1, 0).Err())
	time.Sleep(150 * time.Millisecond) // what one knows about pauses is valid for 100 ms
	require.ErrorIs(t, waitFor(t, one, 2500*time.Millisecond), context.DeadlineExceeded)
	other.Pause(t.Context(), 10*time.Millisecond)
	require.ErrorIs(t, waitFor(t, other, 500*time.Millisecond), context.DeadlineExceeded)
	assert.Equal(t, 1, log.count("does not expire"), log)
	assert.Equal(t, 1, log.count("level="), log)
	require.NoError(t, s.client().Del(t.Context(), pause).Err())
	require.NoError(t, waitFor(t, one, 2*time.Second), "it ends a second after the key at the latest")
}

// A pause that is longer than this process allows is obeyed, for an operator may have set it, and warned of.
func TestPauseAboveTheMaximum(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	log := new(records)
	limiter := newLimiter(t, s, "long", 100, mihuredis.WithLogger(log.logger()), mihuredis.WithMaxPause(time.Second))
	_, pause := limiter.Keys()
	require.NoError(t, s.client().Set(t.Context(), pause, 1, time.Hour).Err())
	for range 3 {
		require.ErrorIs(t, waitFor(t, limiter, 500*time.Millisecond), context.DeadlineExceeded)
	}
	assert.Equal(t, 1, log.count("longer than the maximum pause"), fmt.Sprint(log))
}
