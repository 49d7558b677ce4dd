package mihu_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// hookRecorder records the calls of hooks, one line each, indented by their depth.
type hookRecorder struct {
	mu    sync.Mutex
	lines []string
	calls []mihu.CallResult
	seen  []any // the values that the hooks received
}

type depthKey struct{}

func (w *hookRecorder) note(ctx context.Context, seen any, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	depth, _ := ctx.Value(depthKey{}).(int)
	w.lines = append(w.lines, strings.Repeat("  ", depth)+fmt.Sprintf(format, args...))
	w.seen = append(w.seen, seen)
}

func (w *hookRecorder) hooks() mihu.Hooks {
	deeper := func(ctx context.Context) context.Context {
		depth, _ := ctx.Value(depthKey{}).(int)
		return context.WithValue(ctx, depthKey{}, depth+1)
	}
	return mihu.Hooks{
		CallStart: func(ctx context.Context, call mihu.CallInfo) context.Context {
			reconciling := map[bool]string{true: ", reconciling"}
			w.note(ctx, call, "%s%s", call.Op, reconciling[call.Reconciling])
			return deeper(ctx)
		},
		CallEnd: func(ctx context.Context, call mihu.CallInfo, result mihu.CallResult) {
			w.note(ctx, call, "ends: %s", describe(result.StatusCode, result.Err))
			w.note(ctx, result, "%d attempts, reconciled %t, outcome unknown %t", result.Attempts, result.Reconciled, result.OutcomeUnknown)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.calls = append(w.calls, result)
		},
		AttemptStart: func(ctx context.Context, attempt mihu.AttemptInfo, _ http.Header) context.Context {
			w.note(ctx, attempt, "attempt %d", attempt.Number)
			return deeper(ctx)
		},
		AttemptEnd: func(ctx context.Context, attempt mihu.AttemptInfo, result mihu.AttemptResult) {
			w.note(ctx, attempt, "ends: %s", describe(result.StatusCode, result.Err))
			w.note(ctx, result, "")
			w.lines = w.lines[:len(w.lines)-1]
		},
		WaitStart: func(ctx context.Context, wait mihu.WaitInfo) {
			w.note(ctx, wait, "waits for attempt %d: %s", wait.Attempt, wait.Reason)
		},
		WaitEnd: func(ctx context.Context, wait mihu.WaitInfo, result mihu.WaitResult) {
			w.note(ctx, wait, "has waited: interrupted %t", result.Interrupted)
			w.note(ctx, result, "")
			w.lines = w.lines[:len(w.lines)-1]
		},
	}
}

func describe(status int, err error) string {
	switch {
	case err == nil:
		return strconv.Itoa(status)
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		return fmt.Sprint(status, " outcome unknown")
	case errors.Is(err, context.Canceled):
		return fmt.Sprint(status, " canceled")
	case errors.Is(err, mihu.ErrConflict):
		return fmt.Sprint(status, " conflict")
	}
	if _, ok := errors.AsType[*mihu.TransportError](err); ok {
		return fmt.Sprint(status, " no response")
	}
	return fmt.Sprint(status, " error")
}

func TestHooks(t *testing.T) {
	t.Parallel()
	getByNumber := func(ctx context.Context, c *mihu.Client) error {
		_, err := c.Channels.GetByNumber(ctx, number)
		return err
	}
	noLimit := limiterFunc(func(context.Context) error { return nil })
	create := func(opts ...mihu.CallOption) func(context.Context, *mihu.Client) error {
		return func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Create(ctx, createRequest(agentUUID), opts...)
			return err
		}
	}
	tests := []struct {
		name  string
		opts  []mihu.Option
		steps []step
		call  func(context.Context, *mihu.Client) error
		want  []string
	}{
		{"success", nil, []step{ok()}, getByNumber, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 200",
			"  ends: 200",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"a retry", nil, []step{apiError(503), ok()}, getByNumber, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 503 error",
			"  waits for attempt 2: backoff",
			"  has waited: interrupted false",
			"  attempt 2",
			"    ends: 200",
			"  ends: 200",
			"  2 attempts, reconciled false, outcome unknown false",
		}},
		// The call that received the 429 waits for Retry-After. The client's pause holds back another
		// call, a second later.
		{"a 429 with Retry-After", nil, []step{apiError(429, "Retry-After", "30"), ok()}, func(ctx context.Context, c *mihu.Client) error {
			time.AfterFunc(time.Second, func() { assert.NoError(t, getByNumber(context.WithValue(ctx, depthKey{}, 9), c)) })
			return getByNumber(ctx, c)
		}, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 429 error",
			"  waits for attempt 2: retry_after",
			"                  channels.get_by_number",
			"                    waits for attempt 1: pause",
			"  has waited: interrupted false",
			"  attempt 2",
			"    ends: 200",
			"  ends: 200",
			"  2 attempts, reconciled false, outcome unknown false",
			"                    has waited: interrupted false",
			"                    attempt 1",
			"                      ends: 200",
			"                    ends: 200",
			"                    1 attempts, reconciled false, outcome unknown false",
		}},
		{"a renewed token", nil, []step{apiError(401), ok()}, getByNumber, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 401 error",
			"  attempt 2",
			"    ends: 200",
			"  ends: 200",
			"  2 attempts, reconciled false, outcome unknown false",
		}},
		{"no connection", []mihu.Option{withoutRetries}, []step{neverSent(errRefusedDial)}, getByNumber, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 0 no response",
			"  ends: 0 no response",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"a response that is cut short", []mihu.Option{withoutRetries}, []step{cutShort(200, `{"succ`)}, getByNumber, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 200 error",
			"  ends: 200 error",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"a limiter", []mihu.Option{mihu.WithLimiter(noLimit)}, []step{ok()}, getByNumber, []string{
			"channels.get_by_number",
			"  waits for attempt 1: limiter",
			"  has waited: interrupted false",
			"  attempt 1",
			"    ends: 200",
			"  ends: 200",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"limiters of the client and of the call", []mihu.Option{mihu.WithLimiter(noLimit)}, []step{ok()}, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Channels.GetByNumber(ctx, number, mihu.WithCallLimiter(noLimit))
			return err
		}, []string{
			"channels.get_by_number",
			"  waits for attempt 1: limiter",
			"  has waited: interrupted false",
			"  waits for attempt 1: limiter",
			"  has waited: interrupted false",
			"  attempt 1",
			"    ends: 200",
			"  ends: 200",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"a limiter that returns an error", []mihu.Option{mihu.WithLimiter(limiterFunc(func(context.Context) error { return errLost }))}, nil, getByNumber, []string{
			"channels.get_by_number",
			"  waits for attempt 1: limiter",
			"  has waited: interrupted true",
			"  ends: 0 no response",
			"  0 attempts, reconciled false, outcome unknown false",
		}},
		{"canceled during a wait", nil, []step{apiError(503, "Retry-After", "10")}, func(ctx context.Context, c *mihu.Client) error {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Second, cancel)
			return getByNumber(ctx, c)
		}, []string{
			"channels.get_by_number",
			"  attempt 1",
			"    ends: 503 error",
			"  waits for attempt 2: retry_after",
			"  has waited: interrupted true",
			"  ends: 503 canceled",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"canceled during a request", nil, []step{hangs()}, func(ctx context.Context, c *mihu.Client) error {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(5*time.Second, cancel)
			return c.Trunks.Delete(ctx, frontDesk)
		}, []string{
			"trunks.delete",
			"  attempt 1",
			"    ends: 0 canceled",
			"  ends: 0 outcome unknown",
			"  1 attempts, reconciled false, outcome unknown true",
		}},
		{"an invalid argument", nil, nil, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Channels.GetByNumber(ctx, "12")
			return err
		}, nil},
		{"an invalid option", nil, nil, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Channels.GetByNumber(ctx, number, mihu.WithHeader("Authorization", "x"))
			return err
		}, nil},
		{"a write with an unknown outcome", []mihu.Option{withoutRetries}, []step{lost()}, func(ctx context.Context, c *mihu.Client) error {
			return c.Trunks.Delete(ctx, frontDesk)
		}, []string{
			"trunks.delete",
			"  attempt 1",
			"    ends: 0 no response",
			"  ends: 0 outcome unknown",
			"  1 attempts, reconciled false, outcome unknown true",
		}},
		{"a Delete that an earlier attempt applied", nil, []step{lost(), apiError(404)}, func(ctx context.Context, c *mihu.Client) error {
			return c.Trunks.Delete(ctx, frontDesk)
		}, []string{
			"trunks.delete",
			"  attempt 1",
			"    ends: 0 no response",
			"  waits for attempt 2: backoff",
			"  has waited: interrupted false",
			"  attempt 2",
			"    ends: 404 error",
			"  ends: 404",
			"  2 attempts, reconciled false, outcome unknown false",
		}},
		{"a reconciled Create", nil, []step{lost(), apiError(503), ok(), ok()}, create(), []string{
			"trunks.create",
			"  attempt 1",
			"    ends: 0 no response",
			"  trunks.create.read, reconciling",
			"    attempt 1",
			"      ends: 503 error",
			"    waits for attempt 2: backoff",
			"    has waited: interrupted false",
			"    attempt 2",
			"      ends: 200",
			"    ends: 200",
			"    2 attempts, reconciled false, outcome unknown false",
			"  trunks.create.update, reconciling",
			"    attempt 1",
			"      ends: 200",
			"    ends: 200",
			"    1 attempts, reconciled false, outcome unknown false",
			"  ends: 200",
			"  4 attempts, reconciled true, outcome unknown false",
		}},
		{"a Create that is sent again", nil, []step{lost(), apiError(404), respondWith(201, snapshotJSON)}, create(), []string{
			"trunks.create",
			"  attempt 1",
			"    ends: 0 no response",
			"  trunks.create.read, reconciling",
			"    attempt 1",
			"      ends: 404 error",
			"    ends: 404 error",
			"    1 attempts, reconciled false, outcome unknown false",
			"  waits for attempt 2: backoff",
			"  has waited: interrupted false",
			"  attempt 2",
			"    ends: 201",
			"  ends: 201",
			"  3 attempts, reconciled true, outcome unknown false",
		}},
		{"a Create whose PATCH fails", []mihu.Option{withoutRetries}, []step{lost(), ok(), lost()}, create(), []string{
			"trunks.create",
			"  attempt 1",
			"    ends: 0 no response",
			"  trunks.create.read, reconciling",
			"    attempt 1",
			"      ends: 200",
			"    ends: 200",
			"    1 attempts, reconciled false, outcome unknown false",
			"  trunks.create.update, reconciling",
			"    attempt 1",
			"      ends: 0 no response",
			"    ends: 0 no response",
			"    1 attempts, reconciled false, outcome unknown true",
			"  ends: 200 outcome unknown",
			"  3 attempts, reconciled true, outcome unknown true",
		}},
		{"a Create without reconciliation", nil, []step{lost()}, create(mihu.WithoutReconciliation()), []string{
			"trunks.create",
			"  attempt 1",
			"    ends: 0 no response",
			"  ends: 0 outcome unknown",
			"  1 attempts, reconciled false, outcome unknown true",
		}},
		{"any endpoint", nil, []step{ok()}, func(ctx context.Context, c *mihu.Client) error {
			return c.Do(ctx, &mihu.Request{
				Method: http.MethodGet, Path: "/phone-numbers/{uuid}/rates", PathArgs: map[string]string{"uuid": numberUUID},
			}, nil)
		}, []string{
			"GET /phone-numbers/{uuid}/rates",
			"  attempt 1",
			"    ends: 200",
			"  ends: 200",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
		{"every page is a call", nil, []step{
			respondWith(200, strings.Replace(pageJSON, `"last_page": 1`, `"last_page": 2, "page": 1`, 1)),
			respondWith(200, strings.NewReplacer(`"current_page": 1`, `"current_page": 2`, "+12345678901", "+12345678902").Replace(pageJSON)),
		}, func(ctx context.Context, c *mihu.Client) error {
			for _, err := range c.Trunks.All(ctx, nil) {
				if err != nil {
					return err
				}
			}
			return nil
		}, []string{
			"trunks.list",
			"  attempt 1",
			"    ends: 200",
			"  ends: 200",
			"  1 attempts, reconciled false, outcome unknown false",
			"trunks.list",
			"  attempt 1",
			"    ends: 200",
			"  ends: 200",
			"  1 attempts, reconciled false, outcome unknown false",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				recorded := new(hookRecorder)
				opts := append([]mihu.Option{}, mihu.WithBaseURL(baseURL), mihu.WithHooks(recorded.hooks()),
					mihu.WithHTTPClient(&http.Client{Transport: newWire(t, test.steps...)}), mihu.WithTokenSource(renewing{}))
				opts = append(opts, test.opts...)
				client, err := mihu.New("", "", opts...)
				require.NoError(t, err)
				err = test.call(t.Context(), client)
				time.Sleep(time.Hour)
				synctest.Wait()
				assert.Equal(t, test.want, recorded.lines)
				if len(recorded.calls) > 0 && !strings.HasPrefix(test.name, "every page") {
					assert.Equal(t, err, recorded.calls[len(recorded.calls)-1].Err, "the hook receives the error that the call returns")
				}
			})
		})
	}
}

// renewing is a token source that returns another token for each rejected one.
type renewing struct{}

func (renewing) Token(context.Context) (string, error) { return token, nil }

func (renewing) Refresh(_ context.Context, rejected string) (string, error) {
	return rejected + "x", nil
}

func TestValuesOfHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		recorded := new(hookRecorder)
		slow := apiError(429, "Retry-After", "7", "X-Request-Id", "req-1")
		then := slow.then
		slow.then = func(req *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			resp, err := then(req)
			resp.Proto = "HTTP/2.0"
			return resp, err
		}
		success := respondWith(200, snapshotJSON, "X-Request-Id", "req-2")
		client := newClient(t, newWire(t, slow, success), mihu.WithHooks(recorded.hooks()))
		_, err := client.Trunks.Assign(t.Context(), frontDesk, agentUUID)
		require.NoError(t, err)

		call := mihu.CallInfo{Op: "trunks.assign", Method: "PUT", Path: "/phone-numbers/trunks/assign", Host: "acme.mihu.ai", Port: 443}
		body := len(`{"phone_number":"+12345678901","channel":"call","agent_uuid":"` + agentUUID + `"}`)
		rateLimited, ok := recorded.seen[3].(mihu.AttemptResult)
		require.True(t, ok)
		assert.Equal(t, 429, requireAPIError(t, rateLimited.Err).StatusCode)
		assert.Positive(t, rateLimited.ResponseSize)
		rateLimited.Err, rateLimited.ResponseSize = nil, 0
		assert.Equal(t, mihu.AttemptResult{StatusCode: 429, RequestID: "req-1", Proto: "HTTP/2.0", RequestSize: body, Duration: 2 * time.Second}, rateLimited)
		recorded.seen = slices.Delete(recorded.seen, 3, 4)
		wait := mihu.WaitInfo{Call: call, Attempt: 2, Reason: mihu.WaitRetryAfter, Planned: 7 * time.Second}
		assert.Equal(t, []any{
			call,
			mihu.AttemptInfo{Call: call, Number: 1},
			mihu.AttemptInfo{Call: call, Number: 1},
			wait,
			wait,
			mihu.WaitResult{Duration: 7 * time.Second},
			mihu.AttemptInfo{Call: call, Number: 2},
			mihu.AttemptInfo{Call: call, Number: 2},
			mihu.AttemptResult{StatusCode: 200, RequestID: "req-2", RequestSize: body, ResponseSize: len(snapshotJSON)},
			call,
			mihu.CallResult{StatusCode: 200, RequestID: "req-2", Attempts: 2, Duration: 9 * time.Second},
		}, recorded.seen)
	})
}

func TestHooksReceiveHostAndPort(t *testing.T) {
	t.Parallel()
	tests := []struct {
		base, host string
		port       int
	}{
		{"https://acme.mihu.ai/api/v1", "acme.mihu.ai", 443},
		{"https://example.com:8443", "example.com", 8443},
		{"http://localhost/x", "localhost", 80},
		{"http://[::1]:8080", "::1", 8080},
	}
	for _, test := range tests {
		var got mihu.CallInfo
		client, err := mihu.New("", token, mihu.WithBaseURL(test.base), mihu.WithHTTPClient(instantClient(snapshotJSON)), mihu.WithHooks(mihu.Hooks{
			CallEnd: func(_ context.Context, call mihu.CallInfo, _ mihu.CallResult) { got = call },
		}))
		require.NoError(t, err)
		_, err = client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
		assert.Equal(t, mihu.CallInfo{
			Op: "channels.get", Method: "GET", Path: "/phone-numbers/{uuid}/channels", Host: test.host, Port: test.port,
		}, got)
	}
}

// Several hooks are nested. Each sees the context values of those before it.
func TestSeveralHooks(t *testing.T) {
	t.Parallel()
	type key string
	var lines []string
	hooks := func(name string) mihu.Option {
		seen := func(ctx context.Context, what string) {
			lines = append(lines, fmt.Sprint(name, " ", what, " ", ctx.Value(key("call")), " ", ctx.Value(key("attempt"))))
		}
		return mihu.WithHooks(mihu.Hooks{
			CallStart: func(ctx context.Context, _ mihu.CallInfo) context.Context {
				seen(ctx, "call")
				return context.WithValue(ctx, key("call"), name)
			},
			CallEnd: func(ctx context.Context, _ mihu.CallInfo, _ mihu.CallResult) { seen(ctx, "call ends") },
			AttemptStart: func(ctx context.Context, _ mihu.AttemptInfo, header http.Header) context.Context {
				seen(ctx, "attempt")
				header.Add("X-Seen", name)
				return context.WithValue(ctx, key("attempt"), name)
			},
			AttemptEnd: func(ctx context.Context, _ mihu.AttemptInfo, _ mihu.AttemptResult) { seen(ctx, "attempt ends") },
		})
	}
	nothing := mihu.WithHooks(mihu.Hooks{
		CallStart:    func(context.Context, mihu.CallInfo) context.Context { return nil },
		AttemptStart: func(context.Context, mihu.AttemptInfo, http.Header) context.Context { return nil },
	})
	var sent *http.Request
	transport := transportFunc(func(req *http.Request) (*http.Response, error) {
		sent = req
		return response(200, snapshotJSON), nil
	})
	_, err := newClient(t, transport, hooks("a"), mihu.WithHooks(mihu.Hooks{}), nothing, hooks("b")).Channels.GetByNumber(t.Context(), number)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"a call <nil> <nil>", "b call a <nil>",
		"a attempt b <nil>", "b attempt b a",
		"b attempt ends b b", "a attempt ends b b",
		"b call ends b <nil>", "a call ends b <nil>",
	}, lines)
	assert.Equal(t, []string{"a", "b"}, sent.Header["X-Seen"])
	assert.Equal(t, "b", sent.Context().Value(key("attempt")), "the transport has the context of the attempt")
}

// Hooks can add headers, but not replace those that the package sets.
func TestHeadersOfHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := newWire(t, apiError(503), ok())
		client := newClient(t, wire, mihu.WithHooks(mihu.Hooks{
			AttemptStart: func(ctx context.Context, attempt mihu.AttemptInfo, header http.Header) context.Context {
				assert.Empty(t, header, "hooks must not see the token")
				header.Set("Traceparent", fmt.Sprint("attempt-", attempt.Number))
				header["x-team"] = []string{"hook"}
				header.Set("Authorization", "Bearer mine")
				header.Set("Idempotency-Key", "1")
				header.Set("X-Split", "a\r\nb")
				header["no name"] = []string{"x"}
				return ctx
			},
		}))
		_, err := client.Channels.GetByNumber(t.Context(), number, mihu.WithHeader("X-Team", "call"))
		require.NoError(t, err)
		for i, sent := range wire.Sent() {
			assert.Equal(t, fmt.Sprint("attempt-", i+1), sent.Header.Get("Traceparent"))
			assert.Equal(t, []string{"hook"}, sent.Header["X-Team"])
			assert.Equal(t, "Bearer "+token, sent.Header.Get("Authorization"))
			for _, name := range []string{"Idempotency-Key", "X-Split", "no name", "x-team"} {
				assert.NotContains(t, sent.Header, name)
			}
		}
	})
}

// A key in a header of a hook is redacted like one of the caller's.
func TestSecretHeaderOfHooks(t *testing.T) {
	t.Parallel()
	client := newClient(t, newWire(t, respondWith(422, `{"success": false, "message": "no such key: h00k-key"}`)), mihu.WithHooks(mihu.Hooks{
		AttemptStart: func(_ context.Context, _ mihu.AttemptInfo, header http.Header) context.Context {
			header.Set("X-Api-Key", "h00k-key")
			return nil
		},
	}))
	_, err := client.Channels.GetByNumber(t.Context(), number)
	require.ErrorContains(t, err, "no such key")
	assert.NotContains(t, err.Error(), "h00k-key")
}

// The values that hooks receive print no secret and no phone number.
func TestHooksReceiveNoSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{token, number, number[1:], "s3cret", "alice", "p4th"}
	echo := func(status int) step { // responds with everything that it received
		return step{then: func(req *http.Request) (*http.Response, error) {
			sent, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			text, err := json.Marshal(req.Header.Get("Authorization") + string(sent) + req.URL.RawQuery)
			require.NoError(t, err)
			return response(status, `{"success": false, "message": `+string(text)+`}`, "X-Request-Id", token), nil
		}}
	}
	synctest.Test(t, func(t *testing.T) {
		recorded := new(hookRecorder)
		var book logbook
		log := book.logger()
		client := newClient(t, newWire(t, apiError(429, "Retry-After", "1"), echo(503), echo(422), echo(200)), mihu.WithHooks(recorded.hooks()))
		_, err := client.Trunks.Create(t.Context(), createRequest(agentUUID))
		require.Error(t, err)
		_, err = client.Channels.GetByNumber(t.Context(), number)
		require.Error(t, err)
		err = client.Do(t.Context(), &mihu.Request{
			Method: http.MethodGet, Path: "/numbers/12345678901/{arg}", PathArgs: map[string]string{"arg": "p4th"},
		}, nil)
		require.Error(t, err)
		require.NotEmpty(t, recorded.seen)
		for _, seen := range recorded.seen {
			text := fmt.Sprintf("%v %+v %#v", seen, seen, seen)
			log.Info("seen", slog.Any("value", seen))
			for _, secret := range secrets {
				assert.NotContains(t, text, secret)
			}
		}
		for _, secret := range secrets {
			assert.NotContains(t, book.String(), secret)
		}
	})
}

// The panic of a hook reaches the caller.
func TestHookPanics(t *testing.T) {
	t.Parallel()
	client := newClient(t, transportFunc(func(*http.Request) (*http.Response, error) { return response(200, snapshotJSON), nil }), mihu.WithHooks(mihu.Hooks{
		AttemptEnd: func(context.Context, mihu.AttemptInfo, mihu.AttemptResult) { panic("hook") },
	}))
	assert.PanicsWithValue(t, "hook", func() { _, _ = client.Channels.GetByNumber(t.Context(), number) })
}

// Hooks of concurrent calls receive the context of their own call.
func TestHooksOfConcurrentCalls(t *testing.T) {
	t.Parallel()
	type key struct{}
	var seen sync.Map
	client, err := mihu.New("acme", token, mihu.WithHTTPClient(instantClient(snapshotJSON)), mihu.WithHooks(mihu.Hooks{
		AttemptEnd: func(ctx context.Context, _ mihu.AttemptInfo, _ mihu.AttemptResult) {
			seen.Store(ctx.Value(key{}), true)
		},
	}))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			_, err := client.Channels.GetByNumber(context.WithValue(t.Context(), key{}, i), number)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	for i := range 50 {
		_, ok := seen.Load(i)
		assert.True(t, ok, i)
	}
}
