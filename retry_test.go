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

// doRequest sends a request with a method to an endpoint that the package has no method for.
func doRequest(ctx context.Context, client *mihu.Client, method string, opts ...mihu.CallOption) error {
	return client.Do(ctx, &mihu.Request{Method: method, Path: "/x", Body: map[string]any{"a": 1}}, new(map[string]any), opts...)
}

// TestRetryPolicyTable checks every row of the table in the package documentation: how often a request
// is sent, and whether the outcome is unknown.
func TestRetryPolicyTable(t *testing.T) {
	t.Parallel()
	const never, once, always = 1, 2, 4
	html := func(status int) step { return respondWith(status, "<html>") }
	huge := step{then: func(*http.Request) (*http.Response, error) {
		resp := response(http.StatusOK, "")
		resp.ContentLength = 1 << 40
		return resp, nil
	}}
	tests := []struct {
		attempt           string
		step              step
		read, write, post int
		maybeApplied      bool
	}{
		{"never sent: connection refused", neverSent(errRefusedDial), always, always, always, false},
		{"never sent: dial timed out", neverSent(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), always, always, always, false},
		{"never sent: TLS handshake failed", neverSent(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), always, always, always, false},
		{"never sent: name server failed", neverSent(&net.DNSError{Err: "server misbehaving", IsTemporary: true}), always, always, always, false},
		{"never sent: host name unknown", neverSent(errNoSuchHost), once, once, once, false},
		{"unknown authority", neverSent(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), never, never, never, false},
		{"unknown authority, unwrapped", neverSent(x509.UnknownAuthorityError{}), never, never, never, false},
		{"another host's certificate", neverSent(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}), never, never, never, false},
		{"expired certificate", neverSent(x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}), never, never, never, false},
		{"encrypted client hello rejected", neverSent(&tls.ECHRejectionError{}), never, never, never, false},
		{"connection lost", lost(), always, always, never, true},
		{"attempt timed out", hangs(), always, always, never, true},
		{"2xx cut short", cutShort(http.StatusOK, `{"success": true, "da`), always, always, never, true},
		{"2xx too large", huge, never, never, never, true},
		{"2xx not JSON", html(http.StatusOK), never, never, never, true},
		{"2xx empty", respondWith(http.StatusCreated, ""), never, never, never, true},
		{"2xx without data", respondWith(http.StatusOK, `{"success": true}`), never, never, never, true},
		{"429", apiError(429), always, always, always, false},
		{"429 as HTML", html(429), always, always, always, false},
		{"429 cut short", cutShort(429, `{`), always, always, always, false},
		{"401", apiError(401), never, never, never, false},
		{"502", apiError(502), always, always, never, true},
		{"502 as HTML", html(502), always, always, never, true},
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
		{"413 as HTML", html(413), never, never, never, false},
		{"418", apiError(418), never, never, never, false},
		{"422", apiError(422), never, never, never, false},
		{"2xx with success false", respondWith(http.StatusOK, `{"success": false}`), never, never, never, false},
		{"302", respondWith(http.StatusFound, "", "Location", "/x"), never, never, never, false},
	}
	for _, tt := range tests {
		for method, want := range map[string]int{
			http.MethodGet: tt.read, http.MethodPut: tt.write, http.MethodPatch: tt.write, http.MethodDelete: tt.write, http.MethodPost: tt.post,
		} {
			t.Run(tt.attempt+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					assertPolicy(t, tt.step, method, false, want, tt.maybeApplied && method != http.MethodGet)
				})
			})
		}
		t.Run(tt.attempt+", idempotent POST", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				assertPolicy(t, tt.step, http.MethodPost, true, tt.write, tt.maybeApplied)
			})
		})
	}
}

func assertPolicy(t *testing.T, s step, method string, idempotent bool, attempts int, outcomeUnknown bool) {
	t.Helper()
	wire := newWire(t, s)
	err := newClient(t, wire).Do(t.Context(), &mihu.Request{
		Method: method, Path: "/x", Body: map[string]any{"a": 1}, Idempotent: idempotent,
	}, new(map[string]any))
	require.Error(t, err)
	assert.Equal(t, attempts, wire.Attempts(), "%v", err)
	for _, got := range wire.Sent() {
		assert.Equal(t, `{"a":1}`, got.Body, "every attempt sends the same body")
	}
	assert.Equal(t, outcomeUnknown, errors.Is(err, mihu.ErrOutcomeUnknown), "%v", err)
	if outcomeUnknown {
		assert.Len(t, requireUnknownOutcome(t, err).Causes, attempts)
	}
}

// A call whose last attempt succeeds returns no error.
func TestRetrySucceeds(t *testing.T) {
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

// The wait is a random part of a bound that doubles with every retry, up to MaxDelay.
func TestBackoff(t *testing.T) {
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
		{"BaseDelay and MaxDelay", apiError(503), mihu.RetryPolicy{BaseDelay: 30 * ms, MaxDelay: 50 * ms}, []time.Duration{30 * ms, 50 * ms, 50 * ms}},
		{"RateLimitDelay", apiError(429), mihu.RetryPolicy{RateLimitDelay: 30 * ms}, []time.Duration{30 * ms, 60 * ms, 120 * ms}},
		{"a BaseDelay above MaxDelay", apiError(503), mihu.RetryPolicy{BaseDelay: time.Hour, MaxDelay: 50 * ms}, []time.Duration{50 * ms, 50 * ms, 50 * ms}},
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
					assert.Greater(t, longest[i], bound*8/10, "wait %d is spread over its whole bound", i+1)
					assert.Less(t, shortest[i], bound*2/10, "wait %d is spread over its whole bound", i+1)
				}
			})
		})
	}
}

// Delays that would overflow a time.Duration do not panic.
func TestBackoffDoesNotOverflow(t *testing.T) {
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

// The wait is at least as long as Retry-After.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const ignored = 0 // the wait is the usual backoff
	in := func(d time.Duration, layout string) string { return time.Now().Add(d).UTC().Format(layout) }
	tests := []struct {
		name  string
		value func() string
		want  time.Duration
	}{
		{"seconds", func() string { return "3" }, 3 * time.Second},
		{"seconds with spaces", func() string { return " 3 " }, 3 * time.Second},
		{"seconds with a fraction", func() string { return "1.5" }, 1500 * time.Millisecond},
		{"the maximum", func() string { return "60" }, time.Minute},
		{"a date", func() string { return in(7*time.Second, http.TimeFormat) }, 7 * time.Second},
		{"a date as in RFC 850", func() string { return in(7*time.Second, "Monday, 02-Jan-06 15:04:05 GMT") }, 7 * time.Second},
		{"a date as of asctime", func() string { return in(7*time.Second, time.ANSIC) }, 7 * time.Second},
		{"a date in the past", func() string { return in(-time.Hour, http.TimeFormat) }, ignored},
		{"zero", func() string { return "0" }, ignored},
		{"negative", func() string { return "-5" }, ignored},
		{"garbage", func() string { return "soon" }, ignored},
		{"not a number", func() string { return "NaN" }, ignored},
		{"empty", func() string { return "" }, ignored},
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
					if tt.want == ignored {
						assert.LessOrEqual(t, wire.Waits()[0], time.Second)
						return
					}
					assert.Equal(t, tt.want, wire.Waits()[0])
				})
			})
		}
	}
}

// If Retry-After is above MaxRetryAfter, the call returns the response's error at once, with the wait
// that the server asked for. After a 429, the client pauses for MaxRetryAfter.
func TestRetryAfterAboveTheMaximum(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	tests := []struct {
		value         string
		maxRetryAfter time.Duration // 0 is the default
		want          time.Duration
		pause         time.Duration
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
					client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxRetryAfter: tt.maxRetryAfter}))
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

// No wait passes the context's deadline. The call returns the last failure instead, and the caller has
// time left to handle it.
func TestNoWaitPastTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		wire := newWire(t, apiError(503, "Retry-After", "4"))
		_, err := newClient(t, wire).Channels.Get(ctx, numberUUID)
		assert.Equal(t, 3, wire.Attempts(), "sent after 0, 4 and 8 seconds")
		assert.Equal(t, 8*time.Second, time.Since(start))
		assertMatches(t, err, mihu.ErrServer)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3, requireAPIError(t, err).Attempts)
	})
}

// A context that ends during a wait ends the call at once. The error matches the context's error and
// that of the last response.
func TestContextEndsDuringTheWait(t *testing.T) {
	t.Parallel()
	errUserLeft := errors.New("the user left")
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{http.MethodGet, http.MethodPatch} {
			start := time.Now()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(3*time.Second, func() { cancel(errUserLeft) })
			wire := newWire(t, apiError(503, "Retry-After", "10"))
			err := doRequest(ctx, newClient(t, wire), method)
			assert.Equal(t, 3*time.Second, time.Since(start))
			assert.Equal(t, 1, wire.Attempts())
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errUserLeft)
			require.ErrorIs(t, err, mihu.ErrServer)
			assert.Equal(t, 503, requireAPIError(t, err).StatusCode)
			assert.Equal(t, method == http.MethodPatch, errors.Is(err, mihu.ErrOutcomeUnknown))
			if method == http.MethodGet {
				assert.EqualError(t, err, "mihu: GET /x: context canceled: the user left; before that: 503 CODE_503: Refused (retry after 10s)")
				assert.Equal(t, 1, requireTransportError(t, err).Attempts)
			} else {
				assert.Equal(t, 1, strings.Count(err.Error(), "CODE_503"), "the cause is printed once: %v", err)
			}
			cancel(nil)
		}
	})
}

func TestContextEndsDuringTheRequest(t *testing.T) {
	t.Parallel()
	errUserLeft := errors.New("the user left")
	tests := []struct {
		name string
		step step
		// maybeApplied reports whether a write may have been applied.
		maybeApplied bool
	}{
		{"before the connection", dialHangs(), false},
		{"before the response", hangs(), true},
		{"within the response", drips(http.StatusOK), true},
		{"within an error", drips(http.StatusServiceUnavailable), true},
		{"within a refusal", drips(http.StatusForbidden), false},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			t.Run(tt.name+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					time.AfterFunc(3*time.Second, func() { cancel(errUserLeft) })
					wire := newWire(t, tt.step)
					err := doRequest(ctx, newClient(t, wire), method)
					assert.Equal(t, 3*time.Second, time.Since(start))
					assert.Equal(t, 1, wire.Attempts())
					require.ErrorIs(t, err, errUserLeft)
					assert.Equal(t, tt.maybeApplied && method != http.MethodGet, errors.Is(err, mihu.ErrOutcomeUnknown), "%v", err)
				})
			})
		}
	}
}

// drips responds with a body that never ends.
func drips(status int) step {
	return step{then: func(req *http.Request) (*http.Response, error) {
		resp := response(status, "")
		resp.Body, resp.ContentLength = io.NopCloser(drippingBody{req}), -1
		return resp, nil
	}}
}

type drippingBody struct{ req *http.Request }

func (d drippingBody) Read(p []byte) (int, error) {
	select {
	case <-d.req.Context().Done():
		return 0, context.Cause(d.req.Context())
	case <-time.After(time.Second):
		return copy(p, " "), nil
	}
}

// If the context has ended before the call, nothing is sent.
func TestContextEndedBeforeTheCall(t *testing.T) {
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

// The error distinguishes the attempt timeout from the caller's deadline.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	t.Run("attempt timeout", func(t *testing.T) {
		t.Parallel()
		for name, s := range map[string]step{"no connection": dialHangs(), "no response": hangs(), "half a response": drips(http.StatusOK)} {
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
	t.Run("attempt timeout within an error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, err := newClient(t, newWire(t, drips(http.StatusServiceUnavailable)), withoutRetries, mihu.WithAttemptTimeout(5*time.Second)).
				Channels.Get(t.Context(), numberUUID)
			assertMatches(t, err, mihu.ErrServer, mihu.ErrMalformedResponse)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		})
	})
	t.Run("attempt timeout that the transport reports as another error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			otherError := step{then: func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, errors.New("net/http: request canceled")
			}}
			_, err := newClient(t, newWire(t, otherError), withoutRetries, mihu.WithAttemptTimeout(5*time.Second)).Channels.Get(t.Context(), numberUUID)
			assert.EqualError(t, err, "mihu: channels.get: no response within the attempt timeout of 5s")
			assert.True(t, requireTransportError(t, err).Timeout())
		})
	})
	t.Run("caller's deadline", func(t *testing.T) {
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
	t.Run("timeout of a stage of the transport", func(t *testing.T) {
		t.Parallel()
		dialer := &net.Dialer{Deadline: time.Now().Add(-time.Hour)}
		client := newClient(t, &http.Transport{DialContext: dialer.DialContext}, withoutRetries, mihu.WithBaseURL("http://127.0.0.1:1"))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		var dial *net.OpError
		require.ErrorAs(t, err, &dial, "the error names the stage that took too long")
		assert.NotContains(t, err.Error(), "attempt timeout")
	})
}

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
					for _, at := range limiter.at {
						assert.Equal(t, start, at, "before the wait")
					}
				}
			})
		})
	}
}

type pausingLimiter struct {
	paused []time.Duration
	at     []time.Time
}

func (*pausingLimiter) Wait(context.Context) error { return nil }

func (l *pausingLimiter) Pause(_ context.Context, d time.Duration) {
	l.paused, l.at = append(l.paused, d), append(l.at, time.Now())
}

// A 429 with Retry-After pauses every call of the client. After the pause the calls are sent spread over
// a tenth of their wait.
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

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for maxAttempts, want := range map[int]int{0: 4, 1: 1, 2: 2, 7: 7} {
		t.Run(strconv.Itoa(maxAttempts), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, apiError(503))
				client := newClient(t, wire, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: maxAttempts}))
				err := doRequest(t.Context(), client, http.MethodGet)
				assert.Equal(t, want, wire.Attempts())
				assert.Equal(t, want, requireAPIError(t, err).Attempts)
			})
		})
	}
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

// scriptedTokens is a token source that returns its tokens in turn, and then an error. It records its
// calls and the rejected tokens.
type scriptedTokens struct {
	tokens   []string
	fail     error
	calls    int
	rejected []string
}

func (s *scriptedTokens) Refresh(ctx context.Context, rejected string) (string, error) {
	s.rejected = append(s.rejected, rejected)
	return s.Token(ctx)
}

func (s *scriptedTokens) Token(context.Context) (string, error) {
	s.calls++
	if s.calls > len(s.tokens) {
		return "", s.fail
	}
	return s.tokens[s.calls-1], nil
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	errVault := errors.New("the vault is sealed")
	tests := []struct {
		name     string
		steps    []step
		tokens   []string
		sent     []string
		rejected []string
		want     []error // nil is success
	}{
		{"is called before every attempt", []step{apiError(503), apiError(429), ok()}, []string{"a", "b", "c"}, []string{"a", "b", "c"}, nil, nil},
		{"is called again after its token is rejected", []step{apiError(401), ok()}, []string{"a", "b"}, []string{"a", "b"}, []string{"a"}, nil},
		{"is called again only once", []step{apiError(401)}, []string{"a", "b", "c"}, []string{"a", "b"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{"returns the rejected token again", []step{apiError(401)}, []string{"a", "a", "b"}, []string{"a"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{
			"is called before every later attempt too",
			[]step{apiError(401), apiError(503), ok()},
			[]string{"a", "b", "b"},
			[]string{"a", "b", "b"},
			[]string{"a"},
			nil,
		},
		{
			"returned another token before the rejection",
			[]step{apiError(503), apiError(401), ok()},
			[]string{"a", "b", "c"},
			[]string{"a", "b", "c"},
			[]string{"b"},
			nil,
		},
		{"fails", []step{ok()}, nil, nil, nil, []error{}},
		{"fails after a rejected token", []step{apiError(401)}, []string{"a"}, []string{"a"}, []string{"a"}, []error{mihu.ErrUnauthorized}},
		{"fails after another failure", []step{apiError(429)}, []string{"a"}, []string{"a"}, nil, []error{mihu.ErrRateLimited}},
	}
	for _, tt := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(method+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source := &scriptedTokens{tokens: tt.tokens, fail: errVault}
					wire := newWire(t, tt.steps...)
					client, err := mihu.New("acme", "", mihu.WithTokenSource(source), mihu.WithHTTPClient(&http.Client{Transport: wire}))
					require.NoError(t, err)
					err = client.Do(t.Context(), &mihu.Request{Method: method, Path: "/x", Idempotent: true}, nil)
					var sent []string
					for _, got := range wire.Sent() {
						sent = append(sent, strings.TrimPrefix(got.Header.Get("Authorization"), "Bearer "))
					}
					assert.Equal(t, tt.sent, sent)
					assert.Equal(t, tt.rejected, source.rejected)
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

// A POST whose token was rejected was not applied, and is retried with another token.
func TestPostIsRetriedWithAnotherToken(t *testing.T) {
	t.Parallel()
	wire := newWire(t, apiError(401), ok())
	client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}))
	require.NoError(t, err)
	_, err = client.Trunks.Create(t.Context(), createRequest(agentUUID))
	require.NoError(t, err)
	require.Equal(t, 2, wire.Attempts())
	assert.Equal(t, wire.Sent()[0].Body, wire.Sent()[1].Body)
}

// MaxAttempts bounds the attempts with another token too.
func TestMaxAttemptsBoundsTokenRenewal(t *testing.T) {
	t.Parallel()
	wire := newWire(t, apiError(401), ok())
	client, err := mihu.New("acme", "", mihu.WithTokenSource(tokens("a", "b")), mihu.WithHTTPClient(&http.Client{Transport: wire}), withoutRetries)
	require.NoError(t, err)
	err = doRequest(t.Context(), client, http.MethodGet)
	assert.Equal(t, 1, wire.Attempts())
	require.ErrorIs(t, err, mihu.ErrUnauthorized)
}

// An invalid token of a source is an error that does not contain the token.
func TestTokenSourceWithAnInvalidToken(t *testing.T) {
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

// Causes are the ambiguous failures, in order, and the failure that ended the call.
func TestUnknownOutcomeError(t *testing.T) {
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
			unknown := requireUnknownOutcome(t, err)
			assert.Equal(t, op.name, unknown.Op)
			assert.Equal(t, advice[op.name], unknown.Advice)
			require.Len(t, unknown.Causes, 3, "an attempt that was never sent is not ambiguous")
			require.ErrorIs(t, err, errLost)
			assertMatches(t, err, mihu.ErrOutcomeUnknown, mihu.ErrServer, mihu.ErrInvalid)
			assert.EqualError(t, err, "mihu: "+op.name+": outcome unknown: connection lost; "+
				"then: 502 CODE_502: Refused (request abc, 3 attempts); then: 422 CODE_422: Refused (4 attempts); "+advice[op.name])
		}
	})
	synctest.Test(t, func(t *testing.T) {
		err := doRequest(t.Context(), newClient(t, newWire(t, lost())), http.MethodPost)
		unknown := requireUnknownOutcome(t, err)
		assert.Len(t, unknown.Causes, 1)
		assert.EqualError(t, err, "mihu: POST /x: outcome unknown: connection lost; "+other)
	})
}

// If a transport does not report through httptrace, a write counts as sent: its error alone does not
// show whether it was. A read is retried by what the error shows.
func TestTransportWithoutTrace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method   string
		err      error
		attempts int
		unknown  bool
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
				wire.withoutTrace = true
				err := doRequest(t.Context(), newClient(t, wire), tt.method)
				require.ErrorIs(t, err, tt.err)
				assert.Equal(t, tt.attempts, wire.Attempts())
				assert.Equal(t, tt.unknown, errors.Is(err, mihu.ErrOutcomeUnknown))
			})
		})
	}
}

// The client logs one Debug record per attempt and one Warn record per retry, and nothing else.
func TestLog(t *testing.T) {
	t.Parallel()
	const op = `op=trunks.update method=PATCH`
	const lostErr = `"mihu: trunks.update: connection lost"`
	const rateLimitedErr = `"mihu: trunks.update: 429 CODE_429: Refused (request abc, 2 attempts, retry after 7s)"`
	const unauthorizedErr = `"mihu: trunks.update: 401 CODE_401: Refused (3 attempts)"`
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
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=1 duration=0s error=` + lostErr,
			`level=WARN msg="mihu: retrying" ` + op + ` attempt=1 wait=` + wire.Waits()[0].String() + ` error=` + lostErr,
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=2 duration=0s status=429 request_id=abc error=` + rateLimitedErr,
			`level=WARN msg="mihu: retrying" ` + op + ` attempt=2 wait=7s error=` + rateLimitedErr,
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=3 duration=0s status=401 request_id="" error=` + unauthorizedErr,
			`level=WARN msg="mihu: retrying" ` + op + ` attempt=3 wait=0s error=` + unauthorizedErr,
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=4 duration=2s status=200 request_id=def`,
		}, records.Lines())
	})
	t.Run("an attempt without a response has no status", func(t *testing.T) {
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
	t.Run("an exhausted budget is a warning", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var records logbook
			client := newClient(t, newWire(t, lost()), mihu.WithLogger(records.logger()), mihu.WithRetryPolicy(mihu.RetryPolicy{Budget: 1}))
			require.Error(t, doRequest(t.Context(), client, http.MethodGet))
			require.Len(t, records.Lines(), 4)
			assert.Equal(t, `level=WARN msg="mihu: not retrying, retry budget exhausted" op="GET /x" attempt=2`, records.Lines()[3])
		})
	})
	t.Run("a request that is not sent is not logged", func(t *testing.T) {
		t.Parallel()
		var records logbook
		client := mustNotSend(t, mihu.WithLogger(records.logger()), mihu.WithLimiter(limiterFunc(func(context.Context) error { return errLost })))
		require.Error(t, doRequest(t.Context(), client, http.MethodGet))
		require.Error(t, doRequest(t.Context(), client, http.MethodGet, mihu.WithHeader("Host", "x")))
		assert.Empty(t, records.Lines())
	})
	t.Run("a logger at level Warn receives warnings only", func(t *testing.T) {
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
