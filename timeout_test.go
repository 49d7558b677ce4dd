package mihu_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// No wait passes the context's deadline. The call returns the last failure instead, and the caller
// has time left to handle it.
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

// A context that ends during a wait ends the call at once. The error matches the context's error
// and that of the last response.
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

// The Timeout of the caller's http.Client becomes the attempt timeout.
func TestTimeoutOfTheHTTPClient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts []mihu.Option
		want time.Duration
	}{
		{"is the attempt timeout", nil, 5 * time.Second},
		{"is overridden by WithAttemptTimeout", []mihu.Option{mihu.WithAttemptTimeout(2 * time.Second)}, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				httpClient := &http.Client{Transport: newWire(t, hangs()), Timeout: 5 * time.Second}
				client, err := mihu.New("acme", token, append(tt.opts, mihu.WithHTTPClient(httpClient), withoutRetries)...)
				require.NoError(t, err)
				_, err = client.Trunks.List(t.Context(), nil)
				require.EqualError(t, err, "mihu: trunks.list: no response within the attempt timeout of "+tt.want.String())
				assert.Equal(t, tt.want, time.Since(start))
			})
		})
	}
}

func TestNegativeAttemptTimeoutSetsNoBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		client := newClient(t, newWire(t, hangs()), mihu.WithAttemptTimeout(-1))
		_, err := client.Trunks.List(ctx, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1, requireTransportError(t, err).Attempts)
	})
}
