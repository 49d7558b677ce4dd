package mihu_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// ask sends one request of a method to an endpoint of its own.
func doRequest(ctx context.Context, client *mihu.Client, method string, opts ...mihu.CallOption) error {
	return client.Do(ctx, &mihu.Request{Method: method, Path: "/x", Body: map[string]any{"a": 1}}, new(map[string]any), opts...)
}

// What is repeated, and what may have been carried out, by the table of the package documentation,
// row by row.
func TestThePolicy(t *testing.T) {
	t.Parallel()
	const never, once, always = 1, 2, 4
	page := func(status int) step { return respondWith(status, "<html>") }
	huge := step{then: func(*http.Request) (*http.Response, error) {
		resp := response(http.StatusOK, "")
		resp.ContentLength = 1 << 40
		return resp, nil
	}}
	tests := []struct {
		attempt             string
		step                step
		read, write, post   int
		perhapsItWasChanged bool
	}{
		{"never sent: refused", neverSent(errRefusedDial), always, always, always, false},
		{"never sent: no answer to the dial", neverSent(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), always, always, always, false},
		{"never sent: no handshake", neverSent(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), always, always, always, false},
		{"never sent: name server away", neverSent(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), always, always, always, false},
		{"never sent: host name unknown", neverSent(errNoSuchHost), once, once, once, false},
		{"unknown authority", neverSent(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), never, never, never, false},
		{"unknown authority, by itself", neverSent(x509.UnknownAuthorityError{}), never, never, never, false},
		{"another host's certificate", neverSent(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}), never, never, never, false},
		{"expired certificate", neverSent(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}), never, never, never, false},
		{"encrypted hello refused", neverSent(&tls.ECHRejectionError{}), never, never, never, false},
		{"connection lost", lost(), always, always, never, true},
		{"attempt timed out", hangs(), always, always, never, true},
		{"2xx cut short", cutShort(http.StatusOK, `{"success": true, "da`), always, always, never, true},
		{"2xx too large", huge, never, never, never, true},
		{"2xx not JSON", page(http.StatusOK), never, never, never, true},
		{"2xx empty", respondWith(http.StatusCreated, ""), never, never, never, true},
		{"2xx without data", respondWith(http.StatusOK, `{"success": true}`), never, never, never, true},
		{"429", apiError(429), always, always, always, false},
		{"429 as a page", page(429), always, always, always, false},
		{"429 cut short", cutShort(429, `{`), always, always, always, false},
		{"401", apiError(401), never, never, never, false},
		{"502", apiError(502), always, always, never, true},
		{"502 as a page", page(502), always, always, never, true},
		{"503", apiError(503), always, always, never, true},
		{"503 cut short", cutShort(503, `{`), always, always, never, true},
		{"504", apiError(504), always, always, never, true},
		{"500", apiError(500), never, never, never, true},
		{"408", apiError(408), never, never, never, true},
		{"501", apiError(501), never, never, never, true},
		{"507", apiError(507), never, never, never, true},
		{"599", apiError(599), never, never, never, true},
		{"400", apiError(400), never, never, never, false},
		{"403", apiError(403), never, never, never, false},
		{"404", apiError(404), never, never, never, false},
		{"404 cut short", cutShort(404, `{`), never, never, never, false},
		{"409", apiError(409), never, never, never, false},
		{"413 as a page", page(413), never, never, never, false},
		{"418", apiError(418), never, never, never, false},
		{"422", apiError(422), never, never, never, false},
		{"2xx that says no", respondWith(http.StatusOK, `{"success": false}`), never, never, never, false},
		{"302", respondWith(http.StatusFound, "", "Location", "/x"), never, never, never, false},
	}
	for _, tt := range tests {
		for method, want := range map[string]int{
			http.MethodGet: tt.read, http.MethodPut: tt.write, http.MethodPatch: tt.write, http.MethodDelete: tt.write, http.MethodPost: tt.post,
		} {
			t.Run(tt.attempt+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					assertPolicy(t, tt.step, method, false, want, tt.perhapsItWasChanged && method != http.MethodGet)
				})
			})
		}
		t.Run(tt.attempt+", replayable POST", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				assertPolicy(t, tt.step, http.MethodPost, true, tt.write, tt.perhapsItWasChanged)
			})
		})
	}
}

func assertPolicy(t *testing.T, s step, method string, replayable bool, attempts int, open bool) {
	t.Helper()
	wire := newWire(t, s)
	err := newClient(t, wire).Do(t.Context(), &mihu.Request{
		Method: method, Path: "/x", Body: map[string]any{"a": 1}, Idempotent: replayable,
	}, new(map[string]any))
	require.Error(t, err)
	assert.Equal(t, attempts, wire.Attempts(), "%v", err)
	for _, got := range wire.Sent() {
		assert.Equal(t, `{"a":1}`, got.Body, "every attempt is the same request")
	}
	assert.Equal(t, open, errors.Is(err, mihu.ErrOutcomeUnknown), "%v", err)
	if open {
		assert.Len(t, requireUnknownOutcome(t, err).Causes, attempts)
	}
}

// A failure that a repetition mends is no failure.
func TestRepetitionsSucceed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := newWire(t, neverSent(errRefusedDial), apiError(503), cutShort(200, `{`), ok())
		var resp mihu.Response
		snap, err := newClient(t, wire).Trunks.Update(t.Context(), frontDesk, rename, mihu.WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, number, snap.Number)
		assert.Equal(t, 4, resp.Attempts)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
	})
}

// The wait is a random part of a bound that doubles and ends at MaxDelay.
func TestWaits(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name   string
		step   step
		policy mihu.RetryPolicy
		bounds []time.Duration
	}{
		{"default", apiError(503), mihu.RetryPolicy{MaxAttempts: 8}, []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 8000 * ms}},
		{"lost connections", lost(), mihu.RetryPolicy{MaxAttempts: 3}, []time.Duration{200 * ms, 400 * ms}},
		{"429", apiError(429), mihu.RetryPolicy{MaxAttempts: 6}, []time.Duration{1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 8000 * ms}},
		{"other delays", apiError(503), mihu.RetryPolicy{BaseDelay: 30 * ms, MaxDelay: 50 * ms}, []time.Duration{30 * ms, 50 * ms, 50 * ms}},
		{"another delay after 429", apiError(429), mihu.RetryPolicy{RateLimitDelay: 30 * ms}, []time.Duration{30 * ms, 60 * ms, 120 * ms}},
		{"a base above the most", apiError(503), mihu.RetryPolicy{BaseDelay: time.Hour, MaxDelay: 50 * ms}, []time.Duration{50 * ms, 50 * ms, 50 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const rounds = 200
				tt.policy.Budget = -1
				shortest, longest := make([]time.Duration, len(tt.bounds)), make([]time.Duration, len(tt.bounds))
				for round := range rounds {
					wire := newWire(t, tt.step)
					require.Error(t, doRequest(t.Context(), newClient(t, wire, mihu.WithRetryPolicy(tt.policy)), http.MethodGet))
					waits := wire.Waits()
					require.Len(t, waits, len(tt.bounds))
					for i, wait := range waits {
						longest[i] = max(longest[i], wait)
						if round == 0 || wait < shortest[i] {
							shortest[i] = wait
						}
					}
				}
				for i, bound := range tt.bounds {
					assert.LessOrEqual(t, longest[i], bound, "wait %d", i+1)
					assert.Greater(t, longest[i], bound*8/10, "wait %d uses the whole of its bound", i+1)
					assert.Less(t, shortest[i], bound*2/10, "wait %d uses the whole of its bound", i+1)
				}
			})
		})
	}
}

// A delay that no clock can hold is as long as may be, and no panic.
func TestWaitsBeyondMeasure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := mihu.RetryPolicy{MaxAttempts: 60, BaseDelay: time.Second, MaxDelay: math.MaxInt64}
		ctx, cancel := context.WithTimeout(t.Context(), 100*365*24*time.Hour)
		defer cancel()
		assert.NotPanics(t, func() {
			require.Error(t, doRequest(ctx, newClient(t, newWire(t, apiError(503)), mihu.WithRetryPolicy(policy)), http.MethodGet))
		})
	})
}

// Retry-After is the least that is waited.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const least = 0 // anything up to the ordinary bound
	in := func(d time.Duration, layout string) string { return time.Now().Add(d).UTC().Format(layout) }
	tests := []struct {
		name  string
		value func() string
		want  time.Duration
	}{
		{"seconds", func() string { return "3" }, 3 * time.Second},
		{"with spaces", func() string { return " 3 " }, 3 * time.Second},
		{"with a fraction", func() string { return "1.5" }, 1500 * time.Millisecond},
		{"as long as may be", func() string { return "60" }, time.Minute},
		{"a date", func() string { return in(7*time.Second, http.TimeFormat) }, 7 * time.Second},
		{"a date of RFC 850", func() string { return in(7*time.Second, "Monday, 02-Jan-06 15:04:05 GMT") }, 7 * time.Second},
		{"a date of asctime", func() string { return in(7*time.Second, time.ANSIC) }, 7 * time.Second},
		{"a date in the past", func() string { return in(-time.Hour, http.TimeFormat) }, least},
		{"zero", func() string { return "0" }, least},
		{"negative", func() string { return "-5" }, least},
		{"garbage", func() string { return "soon" }, least},
		{"not a number", func() string { return "NaN" }, least},
		{"nothing", func() string { return "" }, least},
	}
	for _, tt := range tests {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(status, " ", tt.name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					wire := newWire(t, apiError(status, "Retry-After", tt.value()), ok())
					var resp mihu.Response
					_, err := newClient(t, wire).Channels.Get(t.Context(), numberUUID, mihu.WithResponse(&resp))
					require.NoError(t, err)
					require.Len(t, wire.Waits(), 1)
					if tt.want == least {
						assert.LessOrEqual(t, wire.Waits()[0], time.Second)
						return
					}
					assert.Equal(t, tt.want, wire.Waits()[0])
				})
			})
		}
	}
}

// A Retry-After above MaxRetryAfter is not waited for: the answer is returned at once and says when
// to come back. After 429 the client pauses for MaxRetryAfter.
func TestRetryAfterThatIsTooLong(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	tests := []struct {
		value string
		most  time.Duration
		want  time.Duration
		pause time.Duration
	}{
		{"61", 0, 61 * time.Second, time.Minute},
		{"86400", 0, 24 * time.Hour, time.Minute},
		{"6", 5 * time.Second, 6 * time.Second, 5 * time.Second},
		{"9223372037", 0, year, time.Minute},
		{"99999999999999999999999", 0, year, time.Minute},
		{"1e300", 0, year, time.Minute},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 0, year, time.Minute},
	}
	for _, tt := range tests {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(status, " ", tt.value), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					wire := newWire(t, apiError(status, "Retry-After", tt.value), ok())
					client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxRetryAfter: tt.most}))
					_, err := client.Channels.Get(t.Context(), numberUUID)
					assert.Equal(t, tt.want, requireAPIError(t, err).RetryAfter)
					assert.Equal(t, 1, wire.Attempts())
					assert.Zero(t, time.Since(start))

					_, err = client.Channels.Get(t.Context(), numberUUID)
					require.NoError(t, err)
					if status == 429 {
						assert.GreaterOrEqual(t, time.Since(start), tt.pause)
						assert.LessOrEqual(t, time.Since(start), tt.pause*11/10)
					} else {
						assert.Zero(t, time.Since(start))
					}
				})
			})
		}
	}
}

// No wait goes past the deadline of the caller: the last failure is returned while there is time
// left to do something about it.
func TestNoWaitPastTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		wire := newWire(t, apiError(503, "Retry-After", "4"))
		_, err := newClient(t, wire).Channels.Get(ctx, numberUUID)
		assert.Equal(t, 3, wire.Attempts(), "at 0, 4 and 8 seconds")
		assert.Equal(t, 8*time.Second, time.Since(start))
		assertMatches(t, err, mihu.ErrServer)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3, requireAPIError(t, err).Attempts)
	})
}

// A context that ends during a wait ends the call at once; its error and the last answer's are both
// there to be matched.
func TestContextEndsDuringTheWait(t *testing.T) {
	t.Parallel()
	errLeft := errors.New("the user left")
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{http.MethodGet, http.MethodPatch} {
			start := time.Now()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(3*time.Second, func() { cancel(errLeft) })
			wire := newWire(t, apiError(503, "Retry-After", "10"))
			err := doRequest(ctx, newClient(t, wire), method)
			assert.Equal(t, 3*time.Second, time.Since(start))
			assert.Equal(t, 1, wire.Attempts())
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errLeft)
			require.ErrorIs(t, err, mihu.ErrServer)
			assert.Equal(t, 503, requireAPIError(t, err).StatusCode)
			assert.Equal(t, method == http.MethodPatch, errors.Is(err, mihu.ErrOutcomeUnknown))
			if method == http.MethodGet {
				assert.EqualError(t, err, "mihu: GET /x: context canceled: the user left; before that: 503 CODE_503: Refused (retry after 10s)")
				assert.Equal(t, 1, requireTransportError(t, err).Attempts)
			} else {
				assert.Equal(t, 1, strings.Count(err.Error(), "CODE_503"), "said once: %v", err)
			}
			cancel(nil)
		}
	})
}

func TestContextEndsDuringTheRequest(t *testing.T) {
	t.Parallel()
	errLeft := errors.New("the user left")
	tests := []struct {
		name string
		step step
		// open says that a write may have been carried out.
		open bool
	}{
		{"before there is a connection", dialHangs(), false},
		{"before there is an answer", hangs(), true},
		{"before the answer is whole", drips(http.StatusOK), true},
		{"before an error is whole", drips(http.StatusServiceUnavailable), true},
		{"before a refusal is whole", drips(http.StatusForbidden), false},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			t.Run(tt.name+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					time.AfterFunc(3*time.Second, func() { cancel(errLeft) })
					wire := newWire(t, tt.step)
					err := doRequest(ctx, newClient(t, wire), method)
					assert.Equal(t, 3*time.Second, time.Since(start))
					assert.Equal(t, 1, wire.Attempts())
					require.ErrorIs(t, err, errLeft)
					assert.Equal(t, tt.open && method != http.MethodGet, errors.Is(err, mihu.ErrOutcomeUnknown), "%v", err)
				})
			})
		}
	}
}

// drips is an answer that begins, and whose body never ends by itself.
func drips(status int) step {
	return step{then: func(req *http.Request) (*http.Response, error) {
		resp := response(status, "")
		resp.Body, resp.ContentLength = io.NopCloser(dripping{req}), -1
		return resp, nil
	}}
}

type dripping struct{ req *http.Request }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-d.req.Context().Done():
		return 0, context.Cause(d.req.Context())
	case <-time.After(time.Second):
		return copy(p, " "), nil
	}
}

// A request that the context ends before it is sent has changed nothing.
func TestContextThatHasEnded(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errLost)
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	for _, op := range operations() {
		err := op.call(ended, mustNotSend(t))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errLost)
		assertMatches(t, err)
		assert.EqualError(t, err, "mihu: "+op.name+": context canceled: connection lost")

		err = op.call(late, mustNotSend(t))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assertMatches(t, err)
		assert.True(t, requireTransportError(t, err).Timeout())
	}
}

// The time of an attempt and the time of the caller are told apart.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	t.Run("the attempt's", func(t *testing.T) {
		t.Parallel()
		for name, s := range map[string]step{"no connection": dialHangs(), "no answer": hangs(), "half an answer": drips(http.StatusOK)} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					_, err := newClient(t, newWire(t, s), withoutRetries, mihu.WithAttemptTimeout(5*time.Second)).Channels.Get(t.Context(), numberUUID)
					assert.EqualError(t, err, "mihu: channels.get: no response within the attempt timeout of 5s")
					assert.True(t, requireTransportError(t, err).Timeout())
					require.NotErrorIs(t, err, context.DeadlineExceeded)
					var timeout net.Error
					require.ErrorAs(t, err, &timeout)
					assert.True(t, timeout.Timeout())
					assert.Equal(t, 5*time.Second, time.Since(start))
				})
			})
		}
	})
	t.Run("the attempt's, in the middle of an error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, err := newClient(t, newWire(t, drips(http.StatusServiceUnavailable)), withoutRetries, mihu.WithAttemptTimeout(5*time.Second)).
				Channels.Get(t.Context(), numberUUID)
			assertMatches(t, err, mihu.ErrServer, mihu.ErrMalformedResponse)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		})
	})
	t.Run("the attempt's, of a transport that makes something else of it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			odd := step{then: func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, errors.New("net/http: request canceled")
			}}
			_, err := newClient(t, newWire(t, odd), withoutRetries, mihu.WithAttemptTimeout(5*time.Second)).Channels.Get(t.Context(), numberUUID)
			assert.EqualError(t, err, "mihu: channels.get: no response within the attempt timeout of 5s")
			assert.True(t, requireTransportError(t, err).Timeout())
		})
	})
	t.Run("the caller's", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := newClient(t, newWire(t, hangs())).Channels.Get(ctx, numberUUID)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualError(t, err, "mihu: channels.get: context deadline exceeded")
			assert.True(t, requireTransportError(t, err).Timeout())
			assert.Equal(t, 5*time.Second, time.Since(start))
		})
	})
	t.Run("that of a stage of the transport", func(t *testing.T) {
		t.Parallel()
		dialer := &net.Dialer{Deadline: time.Now().Add(-time.Hour)}
		client := newClient(t, &http.Transport{DialContext: dialer.DialContext}, withoutRetries, mihu.WithBaseURL("http://127.0.0.1:1"))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		var dial *net.OpError
		require.ErrorAs(t, err, &dial, "the error names the stage that took too long")
		assert.NotContains(t, err.Error(), "attempt timeout")
	})
}

// A limiter that can pause is told of every 429 with Retry-After, for as long as the client itself
// pauses, and of nothing else.
func TestLimiterIsToldOfPauses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer step
		want   []time.Duration
	}{
		{"seconds", apiError(429, "Retry-After", "7"), []time.Duration{7 * time.Second}},
		{"above the bound", apiError(429, "Retry-After", "61"), []time.Duration{time.Minute}},
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
				client := newClient(t, newWire(t, tt.answer, ok()), mihu.WithLimiter(&ofClient))
				_, _ = client.Channels.GetByNumber(t.Context(), number, mihu.WithCallLimiter(&ofCall))
				for _, limiter := range []pausingLimiter{ofClient, ofCall} {
					assert.Equal(t, tt.want, limiter.paused)
					for _, at := range limiter.told {
						assert.Equal(t, start, at, "before the wait")
					}
				}
			})
		})
	}
}

type pausingLimiter struct {
	paused []time.Duration
	told   []time.Time
}

func (*pausingLimiter) Wait(context.Context) error { return nil }

func (l *pausingLimiter) Pause(_ context.Context, d time.Duration) {
	l.paused, l.told = append(l.paused, d), append(l.told, time.Now())
}

// One 429 with Retry-After holds back every call of the client until then, and lets them through
// over a tenth of their wait.
func TestSharedPause(t *testing.T) {
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
		assert.Equal(t, 1, wire.Attempts(), "all of them are held back")

		soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := doRequest(soon, client, http.MethodDelete)
		assert.Zero(t, time.Since(start), "the pause ends after the deadline, which is known at once")
		assertMatches(t, err, mihu.ErrRateLimited)
		// No require here: the others are still waiting.
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
		different := map[time.Duration]bool{}
		for _, got := range wire.Sent()[1:] {
			assert.GreaterOrEqual(t, got.At.Sub(start), 10*time.Second)
			assert.LessOrEqual(t, got.At.Sub(start), 11*time.Second)
			different[got.At.Sub(start)] = true
		}
		assert.Equal(t, 22, wire.Attempts())
		assert.Greater(t, len(different), 5, "they are not let through all at once")
	})
}

// The pause is for the client, whether or not the call that met it goes on.
func TestPauseByACallThatEnds(t *testing.T) {
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

func TestWhatDoesNotPauseTheClient(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]step{
		"429 without Retry-After": apiError(429), "503 with it": apiError(503, "Retry-After", "10"), "422 with it": apiError(422, "Retry-After", "10"),
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

// The budget is the client's: while nothing succeeds its calls have so many repetitions together.
func TestBudget(t *testing.T) {
	t.Parallel()
	attempts := func(t *testing.T, client *mihu.Client, wire *wire) int {
		t.Helper()
		before := wire.Attempts()
		require.Error(t, doRequest(t.Context(), client, http.MethodGet))
		return wire.Attempts() - before
	}
	t.Run("is spent, and earned by successes", func(t *testing.T) {
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
			assert.Equal(t, []int{3, 1}, []int{attempts(t, client, wire), attempts(t, client, wire)}, "no more is earned than there was")
		})
	})
	t.Run("is not spent on what is not repeated", func(t *testing.T) {
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
	t.Run("can be turned off", func(t *testing.T) {
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

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]int{0: 4, 1: 1, 2: 2, 7: 7} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, apiError(503))
				client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: most}))
				err := doRequest(t.Context(), client, http.MethodGet)
				assert.Equal(t, want, wire.Attempts())
				assert.Equal(t, want, requireAPIError(t, err).Attempts)
			})
		})
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	t.Run("is asked once before every attempt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, apiError(429), lost(), ok())
			asked := 0
			limiter := limiterFunc(func(context.Context) error {
				assert.Equal(t, asked, wire.Attempts())
				asked++
				time.Sleep(time.Hour)
				return nil
			})
			start := time.Now()
			require.NoError(t, doRequest(t.Context(), newClient(t, wire, mihu.WithLimiter(limiter)), http.MethodGet))
			assert.Equal(t, 3, asked)
			assert.GreaterOrEqual(t, time.Since(start), 3*time.Hour)
		})
	})
	t.Run("ends the call by an error, unsent", func(t *testing.T) {
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
	t.Run("says by its text alone that the deadline is too near", func(t *testing.T) {
		t.Parallel()
		text := errors.New("rate: Wait(n=1) would exceed context deadline")
		limiter := limiterFunc(func(context.Context) error { return text })
		err := doRequest(t.Context(), mustNotSend(t, mihu.WithLimiter(limiter)), http.MethodGet)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, text)
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
	t.Run("of the call comes after that of the client, and before what settles the call too", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, apiError(429), lost(), ok())
			var asked []string
			limiter := func(name string) mihu.Limiter {
				return limiterFunc(func(context.Context) error { asked = append(asked, name); return nil })
			}
			client := newClient(t, wire, mihu.WithLimiter(limiter("client")))
			_, err := client.Trunks.Create(t.Context(), createRequest(agentUUID), mihu.WithCallLimiter(limiter("call")))
			require.NoError(t, err)
			assert.Equal(t, 4, wire.Attempts(), "a 429, a lost answer, a look and the rest of the trunk")
			assert.Equal(t, slices.Repeat([]string{"client", "call"}, 4), asked)

			for _, none := range []mihu.Limiter{nil, (*pointerLimiter)(nil)} {
				_, err = client.Channels.GetByNumber(t.Context(), number, mihu.WithCallLimiter(none))
				require.NoError(t, err)
			}
		})
	})
	t.Run("of the call ends every call by an error, unsent", func(t *testing.T) {
		t.Parallel()
		limiter := mihu.WithCallLimiter(limiterFunc(func(context.Context) error { return errLost }))
		for _, op := range operations() {
			err := op.call(t.Context(), mustNotSend(t), limiter)
			assert.EqualError(t, err, "mihu: "+op.name+": limiter: connection lost")
		}
	})
	t.Run("ends a repetition, and what came before it is kept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			limiter := limiterFunc(func(context.Context) error {
				if asked++; asked > 1 {
					return errLost
				}
				return nil
			})
			for _, method := range []string{http.MethodGet, http.MethodPut} {
				asked = 0
				err := doRequest(t.Context(), newClient(t, newWire(t, apiError(503)), mihu.WithLimiter(limiter)), method)
				require.ErrorIs(t, err, errLost)
				require.ErrorIs(t, err, mihu.ErrServer, method)
				assert.Equal(t, 1, requireTransportError(t, err).Attempts)
				assert.Equal(t, method == http.MethodPut, errors.Is(err, mihu.ErrOutcomeUnknown))
			}
		})
	})
}

// scriptedTokens is a source that keeps which tokens it was told were refused.
type scriptedTokens struct {
	give    []string
	fail    error
	asked   int
	refused []string
}

func (s *scriptedTokens) Refresh(ctx context.Context, rejected string) (string, error) {
	s.refused = append(s.refused, rejected)
	return s.Token(ctx)
}

func (s *scriptedTokens) Token(context.Context) (string, error) {
	s.asked++
	if s.asked > len(s.give) {
		return "", s.fail
	}
	return s.give[s.asked-1], nil
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	errVault := errors.New("the vault is sealed")
	tests := []struct {
		name    string
		steps   []step
		give    []string
		sent    []string
		refused []string
		want    []error // nil is success
	}{
		{"is asked before every attempt", []step{apiError(503), apiError(429), ok()}, []string{"a", "b", "c"}, []string{"a", "b", "c"}, nil, nil},
		{"is asked once more where its token is refused", []step{apiError(401), ok()}, []string{"a", "b"}, []string{"a", "b"}, []string{"a"}, nil},
		{"is not asked a third time", []step{apiError(401)}, []string{"a", "b", "c"}, []string{"a", "b"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{"has no other token", []step{apiError(401)}, []string{"a", "a", "b"}, []string{"a"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{
			"goes on after a refused token",
			[]step{apiError(401), apiError(503), ok()},
			[]string{"a", "b", "b"},
			[]string{"a", "b", "b"},
			[]string{"a"},
			nil,
		},
		{
			"may have given another token in between",
			[]step{apiError(503), apiError(401), ok()},
			[]string{"a", "b", "c"},
			[]string{"a", "b", "c"},
			[]string{"b"},
			nil,
		},
		{"fails", []step{ok()}, nil, nil, nil, []error{}},
		{"fails after a refused token", []step{apiError(401)}, []string{"a"}, []string{"a"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{"fails after another failure", []step{apiError(429)}, []string{"a"}, []string{"a"}, nil, []error{mihu.ErrRateLimited}},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(method+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source := &scriptedTokens{give: tt.give, fail: errVault}
					wire := newWire(t, tt.steps...)
					client, err := mihu.New("acme", "", mihu.WithTokenSource(source), mihu.WithHTTPClient(&http.Client{Transport: wire}))
					require.NoError(t, err)
					err = client.Do(t.Context(), &mihu.Request{Method: method, Path: "/x", Idempotent: true}, nil)
					var sent []string
					for _, got := range wire.Sent() {
						sent = append(sent, strings.TrimPrefix(got.Header.Get("Authorization"), "Bearer "))
					}
					assert.Equal(t, tt.sent, sent)
					assert.Equal(t, tt.refused, source.refused)
					if tt.want == nil {
						require.NoError(t, err)
						return
					}
					assertMatches(t, err, tt.want...)
					if strings.HasPrefix(tt.name, "fails") {
						require.ErrorIs(t, err, errVault)
						assert.Contains(t, err.Error(), "token source: the vault is sealed")
						assert.Equal(t, len(tt.sent), requireTransportError(t, err).Attempts)
					}
				})
			})
		}
	}
}

// A POST that was refused for its token was not carried out, and is repeated with another one.
func TestPostIsRepeatedWithAnotherToken(t *testing.T) {
	t.Parallel()
	wire := newWire(t, apiError(401), ok())
	client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}))
	require.NoError(t, err)
	_, err = client.Trunks.Create(t.Context(), createRequest(agentUUID))
	require.NoError(t, err)
	require.Equal(t, 2, wire.Attempts())
	assert.Equal(t, wire.Sent()[0].Body, wire.Sent()[1].Body)
}

// MaxAttempts bounds the requests of a call, whatever they are repeated for.
func TestAnotherTokenIsNoMoreAttempts(t *testing.T) {
	t.Parallel()
	wire := newWire(t, apiError(401), ok())
	client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}), withoutRetries)
	require.NoError(t, err)
	err = doRequest(t.Context(), client, http.MethodGet)
	assert.Equal(t, 1, wire.Attempts())
	require.ErrorIs(t, err, mihu.ErrUnauthorized)
}

// A source that gives what cannot be a token is an error that does not show it.
func TestTokenSourceThatGivesNoToken(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "pl4nted\n", "pl4nted x", "pl4nt\x00ed", "pl4nt\u00e9d"} {
		client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens(bad)), mihu.WithHTTPClient(&http.Client{Transport: newWire(t, ok())}))
		require.NoError(t, err)
		err = doRequest(t.Context(), client, http.MethodPost)
		assertMatches(t, err)
		assert.Zero(t, requireTransportError(t, err).Attempts)
		assert.Contains(t, err.Error(), "token source: the token cannot be used: ")
		assert.NotContains(t, err.Error(), "pl4nt")
	}
}

// Every ambiguous failure is a cause, in order, and so is what ended the call.
func TestOutcomeError(t *testing.T) {
	t.Parallel()
	const (
		update = "send the update again: it is idempotent, and the API does not read back what it sets"
		assign = "read the number's channels with Channels.GetByNumber to find out which agent it is on"
		remove = "send it again: if the trunk is gone, the error is ErrNotFound"
		other  = "read the resource to find out whether it was changed"
	)
	advice := map[string]string{"trunks.update": update, "trunks.assign": assign, "trunks.delete": remove}
	synctest.Test(t, func(t *testing.T) {
		for _, op := range operations() {
			if advice[op.name] == "" {
				continue
			}
			wire := newWire(t, lost(), neverSent(errRefusedDial), apiError(502, "X-Request-Id", "abc"), apiError(422))
			err := op.call(t.Context(), newClient(t, wire))
			outcome := requireUnknownOutcome(t, err)
			assert.Equal(t, op.name, outcome.Op)
			assert.Equal(t, advice[op.name], outcome.Advice)
			require.Len(t, outcome.Causes, 3, "what was never sent leaves nothing open")
			require.ErrorIs(t, err, errLost)
			assertMatches(t, err, mihu.ErrOutcomeUnknown, mihu.ErrServer, mihu.ErrInvalid)
			assert.EqualError(t, err, "mihu: "+op.name+": outcome unknown: connection lost; "+
				"then: 502 CODE_502: Refused (request abc, 3 attempts); then: 422 CODE_422: Refused (4 attempts); "+advice[op.name])
		}
	})
	synctest.Test(t, func(t *testing.T) {
		err := doRequest(t.Context(), newClient(t, newWire(t, lost())), http.MethodPost)
		outcome := requireUnknownOutcome(t, err)
		assert.Len(t, outcome.Causes, 1)
		assert.EqualError(t, err, "mihu: POST /x: outcome unknown: connection lost; "+other)
	})
}

// A transport that reports nothing through httptrace is not believed to have sent nothing: only a
// read can be repeated by what its error says.
func TestTransportWithoutTrace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method   string
		err      error
		attempts int
		open     bool
	}{
		{http.MethodGet, errRefusedDial, 4, false},
		{http.MethodGet, errNoSuchHost, 2, false},
		{http.MethodGet, errLost, 4, false},
		{http.MethodGet, x509.UnknownAuthorityError{}, 1, false},
		{http.MethodPatch, errRefusedDial, 4, true},
		{http.MethodPost, errRefusedDial, 1, true},
		{http.MethodPost, errNoSuchHost, 1, true},
		{http.MethodPost, errLost, 1, true},
		{http.MethodPost, x509.UnknownAuthorityError{}, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, neverSent(tt.err))
				wire.bare = true
				err := doRequest(t.Context(), newClient(t, wire), tt.method)
				require.ErrorIs(t, err, tt.err)
				assert.Equal(t, tt.attempts, wire.Attempts())
				assert.Equal(t, tt.open, errors.Is(err, mihu.ErrOutcomeUnknown))
			})
		})
	}
}

// One Debug record per attempt and one Warn record per repetition, and nothing else.
func TestLog(t *testing.T) {
	t.Parallel()
	const op = `op=trunks.update method=PATCH`
	const lostText = `"mihu: trunks.update: connection lost"`
	const refusedText = `"mihu: trunks.update: 429 CODE_429: Refused (request abc, 2 attempts, retry after 7s)"`
	const deniedText = `"mihu: trunks.update: 401 CODE_401: Refused (3 attempts)"`
	slow := step{then: func(*http.Request) (*http.Response, error) {
		time.Sleep(2 * time.Second)
		return response(http.StatusOK, snapshotJSON, "X-Request-Id", "def"), nil
	}}
	synctest.Test(t, func(t *testing.T) {
		var records logbook
		wire := newWire(t, lost(), apiError(429, "Retry-After", "7", "X-Request-Id", "abc"), apiError(401), slow)
		client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "a", "a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}),
			mihu.WithLogger(records.logger()))
		require.NoError(t, err)
		_, err = client.Trunks.Update(t.Context(), frontDesk, rename)
		require.NoError(t, err)
		assert.Equal(t, []string{
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=1 duration=0s error=` + lostText,
			`level=WARN msg="mihu: retrying" ` + op + ` attempt=1 wait=` + wire.Waits()[0].String() + ` error=` + lostText,
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=2 duration=0s status=429 request_id=abc error=` + refusedText,
			`level=WARN msg="mihu: retrying" ` + op + ` attempt=2 wait=7s error=` + refusedText,
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=3 duration=0s status=401 request_id="" error=` + deniedText,
			`level=WARN msg="mihu: retrying" ` + op + ` attempt=3 wait=0s error=` + deniedText,
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=4 duration=2s status=200 request_id=def`,
		}, records.Lines())
	})
	t.Run("an attempt without an answer has no status", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var records logbook
			client := newClient(t, newWire(t, apiError(503, "X-Request-Id", "abc"), lost(), ok()), mihu.WithLogger(records.logger()))
			require.NoError(t, doRequest(t.Context(), client, http.MethodGet))
			require.Len(t, records.Lines(), 5)
			assert.Equal(t, `level=DEBUG msg="mihu: attempt" op="GET /x" method=GET attempt=2 duration=0s error="mihu: GET /x: connection lost (2 attempts)"`,
				records.Lines()[2])
		})
	})
	t.Run("a budget that is spent is a warning", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var records logbook
			client := newClient(t, newWire(t, lost()), mihu.WithLogger(records.logger()), mihu.WithRetryPolicy(mihu.RetryPolicy{Budget: 1}))
			require.Error(t, doRequest(t.Context(), client, http.MethodGet))
			require.Len(t, records.Lines(), 4)
			assert.Equal(t, `level=WARN msg="mihu: not retrying, retry budget exhausted" op="GET /x" attempt=2`, records.Lines()[3])
		})
	})
	t.Run("what is not sent is no attempt", func(t *testing.T) {
		t.Parallel()
		var records logbook
		client := mustNotSend(t, mihu.WithLogger(records.logger()), mihu.WithLimiter(limiterFunc(func(context.Context) error { return errLost })))
		require.Error(t, doRequest(t.Context(), client, http.MethodGet))
		require.Error(t, doRequest(t.Context(), client, http.MethodGet, mihu.WithHeader("Host", "x")))
		assert.Empty(t, records.Lines())
	})
	t.Run("a logger that wants warnings gets no more", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var records logbook
			logger := slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelWarn}))
			require.NoError(t, doRequest(t.Context(), newClient(t, newWire(t, lost(), ok()), mihu.WithLogger(logger)), http.MethodGet))
			require.Len(t, records.Lines(), 1)
			assert.Contains(t, records.Lines()[0], "level=WARN")
		})
	})
}
