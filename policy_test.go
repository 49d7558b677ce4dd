package mihu_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// TestRetryPolicyTable checks every row of the table in the package documentation: how often a
// request is sent, and whether the outcome is unknown.
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
		{"499", apiError(499), never, never, never, true},
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

// If Retry-After is above MaxRetryAfter, the call returns the response's error at once, with the
// wait that the server asked for. After a 429, the client pauses for MaxRetryAfter.
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
