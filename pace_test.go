package mihu_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// A Pauser is notified of every 429 with Retry-After, with the duration for which the client itself
// pauses, and of nothing else.
func TestPauser(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		step step
		want []time.Duration
	}{
		{"seconds", apiError(429, "Retry-After", "7"), []time.Duration{7 * time.Second}},
		{"above MaxRetryAfter", apiError(429, "Retry-After", "61"), []time.Duration{time.Minute}},
		{"no Retry-After", apiError(429), nil},
		{"another status", apiError(503, "Retry-After", "7"), nil},
		{"success", ok(), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var ofClient, ofCall pausingLimiter
				client := newClient(t, newWire(t, tt.step, ok()), mihu.WithLimiter(&ofClient))
				_, _ = client.Channels.GetByNumber(t.Context(), number, mihu.WithCallLimiter(&ofCall))
				for _, limiter := range []pausingLimiter{ofClient, ofCall} {
					assert.Equal(t, tt.want, limiter.paused)
					for _, at := range limiter.pausedAt {
						assert.Equal(t, start, at, "before the wait")
					}
				}
			})
		})
	}
}

// pausingLimiter is a Pauser that records its pauses.
type pausingLimiter struct {
	paused   []time.Duration
	pausedAt []time.Time
}

func (*pausingLimiter) Wait(context.Context) error { return nil }

func (l *pausingLimiter) Pause(_ context.Context, d time.Duration) {
	l.paused, l.pausedAt = append(l.paused, d), append(l.pausedAt, time.Now())
}

// A 429 with Retry-After pauses every call of the client. After the pause the calls are sent spread
// over a tenth of their wait.
func TestPauseOfTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		wire := newWire(t, apiError(429, "Retry-After", "10"), ok())
		client := newClient(t, wire)
		var group sync.WaitGroup
		group.Go(func() { assert.NoError(t, doRequest(t.Context(), client, http.MethodPost)) })
		synctest.Wait()
		for range 20 {
			group.Go(func() { assert.NoError(t, doRequest(t.Context(), client, http.MethodGet)) })
		}
		synctest.Wait()
		assert.Equal(t, 1, wire.Attempts(), "all other calls wait")

		soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := doRequest(soon, client, http.MethodDelete)
		assert.Zero(t, time.Since(start), "the pause ends after the deadline, so the call fails at once")
		assertMatches(t, err, mihu.ErrRateLimited)
		// require would end the test while the other calls still wait.
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "not sent: an earlier response (429) asked this client to wait another 10")
		if paused, ok := errors.AsType[*mihu.TransportError](err); assert.True(t, ok) {
			assert.InDelta(t, 10.5, paused.RetryAfter.Seconds(), 0.5)
			assert.True(t, paused.Timeout())
		}

		canceled, stop := context.WithCancelCause(t.Context())
		group.Go(func() {
			err := doRequest(canceled, client, http.MethodDelete)
			assert.ErrorIs(t, err, errLost)
			assertMatches(t, err)
			assert.Equal(t, time.Second, time.Since(start))
		})
		time.Sleep(time.Second)
		stop(errLost)

		group.Wait()
		times := map[time.Duration]bool{}
		for _, got := range wire.Sent()[1:] {
			assert.GreaterOrEqual(t, got.At.Sub(start), 10*time.Second)
			assert.LessOrEqual(t, got.At.Sub(start), 11*time.Second)
			times[got.At.Sub(start)] = true
		}
		assert.Equal(t, 22, wire.Attempts())
		assert.Greater(t, len(times), 5, "they are not all sent at once")
	})
}

// The client pauses even if the call that received the 429 has ended.
func TestPauseOutlivesTheCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := newClient(t, newWire(t, apiError(429, "Retry-After", "10"), ok()), withoutRetries)
		require.ErrorIs(t, doRequest(t.Context(), client, http.MethodPost), mihu.ErrRateLimited)
		assert.Zero(t, time.Since(start))
		require.NoError(t, doRequest(t.Context(), client, http.MethodPost))
		assert.GreaterOrEqual(t, time.Since(start), 10*time.Second)
	})
}

func TestResponsesThatDoNotPause(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{
		"429 without Retry-After": apiError(429), "503 with Retry-After": apiError(503, "Retry-After", "10"), "422 with Retry-After": apiError(422, "Retry-After", "10"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				client := newClient(t, newWire(t, s, ok()), withoutRetries)
				require.Error(t, doRequest(t.Context(), client, http.MethodGet))
				require.NoError(t, doRequest(t.Context(), client, http.MethodGet))
				assert.Zero(t, time.Since(start))
			})
		})
	}
}

// All calls of a client share the retry budget. It is exhausted while nothing succeeds.
func TestBudget(t *testing.T) {
	t.Parallel()
	attempts := func(t *testing.T, client *mihu.Client, wire *wire) int {
		t.Helper()
		before := wire.Attempts()
		require.Error(t, doRequest(t.Context(), client, http.MethodGet))
		return wire.Attempts() - before
	}
	t.Run("is spent by retries and earned by successes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			up := false
			wire := newWire(t, step{then: func(*http.Request) (*http.Response, error) {
				if up {
					return response(http.StatusOK, snapshotJSON), nil
				}
				return nil, errLost
			}})
			client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{Budget: 5}))
			assert.Equal(t, []int{4, 3, 1, 1}, []int{
				attempts(t, client, wire), attempts(t, client, wire), attempts(t, client, wire), attempts(t, client, wire),
			})
			for _, successes := range []int{2, 4, 100} {
				up = true
				for range successes {
					require.NoError(t, doRequest(t.Context(), client, http.MethodGet))
				}
				up = false
				got := attempts(t, client, wire)
				assert.Equal(t, 1+min(successes/2, 3), got, "after %d successes", successes)
			}
			assert.Equal(t, []int{3, 1}, []int{attempts(t, client, wire), attempts(t, client, wire)}, "successes earn no more than the initial budget")
		})
	})
	t.Run("is not spent on failures that are not retried", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, apiError(404), apiError(503, "Retry-After", "61"), apiError(503, "Retry-After", "30"), lost())
			client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{Budget: 3}))
			assert.Equal(t, 1, attempts(t, client, wire))
			assert.Equal(t, 1, attempts(t, client, wire))
			soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			require.Error(t, doRequest(soon, client, http.MethodGet))
			assert.Equal(t, 4, attempts(t, client, wire))
		})
	})
	t.Run("is 1000 by default", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, lost())
			client := newClient(t, wire)
			for range 500 {
				attempts(t, client, wire)
			}
			assert.Equal(t, 500+1000, wire.Attempts())
		})
	})
	t.Run("is unlimited if negative", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, ok(), lost())
			client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{Budget: -1}))
			require.NoError(t, doRequest(t.Context(), client, http.MethodGet))
			for range 200 {
				assert.Equal(t, 4, attempts(t, client, wire))
			}
		})
	})
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	t.Run("is called once before every attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, apiError(429), lost(), ok())
			waits := 0
			limiter := limiterFunc(func(context.Context) error {
				assert.Equal(t, waits, wire.Attempts())
				waits++
				time.Sleep(time.Hour)
				return nil
			})
			start := time.Now()
			require.NoError(t, doRequest(t.Context(), newClient(t, wire, mihu.WithLimiter(limiter)), http.MethodGet))
			assert.Equal(t, 3, waits)
			assert.GreaterOrEqual(t, time.Since(start), 3*time.Hour)
		})
	})
	t.Run("ends the call if it returns an error", func(t *testing.T) {
		t.Parallel()
		limiter := limiterFunc(func(context.Context) error { return errLost })
		for _, op := range operations() {
			err := op.call(t.Context(), mustNotSend(t, mihu.WithLimiter(limiter)))
			require.ErrorIs(t, err, errLost)
			assertMatches(t, err)
			assert.EqualError(t, err, "mihu: "+op.name+": limiter: connection lost")
			assert.Zero(t, requireTransportError(t, err).Attempts)
		}
	})
	t.Run("reports only in its text that the deadline is too near", func(t *testing.T) {
		t.Parallel()
		errRate := errors.New("rate: Wait(n=1) would exceed context deadline")
		limiter := limiterFunc(func(context.Context) error { return errRate })
		err := doRequest(t.Context(), mustNotSend(t, mihu.WithLimiter(limiter)), http.MethodGet)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errRate)
		assert.True(t, requireTransportError(t, err).Timeout())
	})
	t.Run("obeys the context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errLost) })
			limiter := limiterFunc(func(ctx context.Context) error {
				<-ctx.Done()
				return errors.New("limiter: gave up")
			})
			err := doRequest(ctx, mustNotSend(t, mihu.WithLimiter(limiter)), http.MethodGet)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errLost)
		})
	})
	t.Run("of the call follows that of the client, for reconciling requests too", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, apiError(429), lost(), ok())
			var waits []string
			limiter := func(name string) mihu.Limiter {
				return limiterFunc(func(context.Context) error { waits = append(waits, name); return nil })
			}
			client := newClient(t, wire, mihu.WithLimiter(limiter("client")))
			_, err := client.Trunks.Create(t.Context(), createRequest(agentUUID), mihu.WithCallLimiter(limiter("call")))
			require.NoError(t, err)
			assert.Equal(t, 4, wire.Attempts(), "a 429, a lost response, a read and a PATCH")
			assert.Equal(t, slices.Repeat([]string{"client", "call"}, 4), waits)

			for _, none := range []mihu.Limiter{nil, (*pointerLimiter)(nil)} {
				_, err = client.Channels.GetByNumber(t.Context(), number, mihu.WithCallLimiter(none))
				require.NoError(t, err)
			}
		})
	})
	t.Run("of the call ends the call if it returns an error", func(t *testing.T) {
		t.Parallel()
		limiter := mihu.WithCallLimiter(limiterFunc(func(context.Context) error { return errLost }))
		for _, op := range operations() {
			err := op.call(t.Context(), mustNotSend(t), limiter)
			assert.EqualError(t, err, "mihu: "+op.name+": limiter: connection lost")
		}
	})
	t.Run("ends a call before a retry, with the earlier failure as a cause", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			waits := 0
			limiter := limiterFunc(func(context.Context) error {
				if waits++; waits > 1 {
					return errLost
				}
				return nil
			})
			for _, method := range []string{http.MethodGet, http.MethodPut} {
				waits = 0
				err := doRequest(t.Context(), newClient(t, newWire(t, apiError(503)), mihu.WithLimiter(limiter)), method)
				require.ErrorIs(t, err, errLost)
				require.ErrorIs(t, err, mihu.ErrServer, method)
				assert.Equal(t, 1, requireTransportError(t, err).Attempts)
				assert.Equal(t, method == http.MethodPut, errors.Is(err, mihu.ErrOutcomeUnknown))
			}
		})
	})
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// pointerLimiter panics if it is used as a nil pointer, as most limiters do.
type pointerLimiter struct{ err error }

func (l *pointerLimiter) Wait(context.Context) error { return l.err }
