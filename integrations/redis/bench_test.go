package mihuredis_test

import (
	"context"
	"sync/atomic"
	"testing"

	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// BenchmarkWait measures a Wait that need not wait for the rate, and its round trips to Redis: one for a
// single goroutine, one for many requests of many goroutines, none while Redis is unavailable.
func BenchmarkWait(b *testing.B) {
	benchmarks := []struct {
		name       string
		goroutines int
		killed     bool
	}{
		{"one goroutine", 0, false},
		{"64 goroutines", 32, false},
		{"Redis unavailable", 0, true},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			s := startServer(b)
			client := s.client()
			var commands counter
			client.AddHook(&commands)
			limiter, err := mihuredis.New(client, "bench", 100_000, mihuredis.WithShare(1))
			require.NoError(b, err)
			require.NoError(b, limiter.Wait(b.Context()))
			if bb.killed {
				s.kill()
				require.NoError(b, limiter.Wait(b.Context()))
			}
			before := commands.roundTrips.Load()
			b.ReportAllocs()
			b.SetParallelism(max(bb.goroutines, 1))
			if bb.goroutines == 0 {
				for b.Loop() {
					if err := limiter.Wait(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := limiter.Wait(b.Context()); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportMetric(float64(commands.roundTrips.Load()-before)/float64(b.N), "round-trips/op")
		})
	}
}

// counter counts round trips to Redis.
type counter struct{ roundTrips atomic.Int64 }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.roundTrips.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.roundTrips.Add(1)
		return next(ctx, cmds)
	}
}
