package mihu_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

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
			`level=DEBUG msg="mihu: attempt" ` + op + ` attempt=2 duration=0s status=429 request_id=abc rate_headers=Retry-After retry_after_form=seconds error=` + rateLimitedErr,
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
	t.Run("a 429 tells how it tells its limit, without values", func(t *testing.T) {
		t.Parallel()
		for value, form := range map[string]string{
			"": "none", "3": "seconds", "1.5": "fraction", "Sat, 01 Jan 2000 00:00:02 GMT": "date", "soon": "other",
		} {
			synctest.Test(t, func(t *testing.T) {
				var records logbook
				headers := []string{"X-RateLimit-Remaining", "31337", "X-RateLimit-Limit", "31338", "Server", "x"}
				if value != "" {
					headers = append(headers, "Retry-After", value)
				}
				client := newClient(t, newWire(t, apiError(429, headers...), ok()), mihu.WithLogger(records.logger()))
				require.NoError(t, doRequest(t.Context(), client, http.MethodGet))
				first := records.Lines()[0]
				assert.Contains(t, first, "retry_after_form="+form)
				assert.Contains(t, first, "X-Ratelimit-Limit X-Ratelimit-Remaining\"")
				assert.NotContains(t, first, "3133")
				assert.NotContains(t, first, "Server")
			})
		}
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
