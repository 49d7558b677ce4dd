package mihu_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// serve starts a server with a handler, over plain HTTP or over HTTP/2, and returns a client of it.
func serve(t *testing.T, http2 bool, handler http.HandlerFunc, opts ...mihu.Option) *mihu.Client {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the tests break connections
	if http2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
		opts = append([]mihu.Option{mihu.WithHTTPClient(srv.Client())}, opts...)
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	client, err := mihu.New("", token, append([]mihu.Option{mihu.WithBaseURL(srv.URL)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// A thousand concurrent callers of one client each receive their own response.
func TestAThousandCallers(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		client := serve(t, http2, func(w http.ResponseWriter, r *http.Request) {
			switch number := r.URL.Query().Get("number"); {
			case strings.HasSuffix(number, "7"):
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, `{"success": false, "message": "No such number", "error": {"code": "N`+number[1:]+`"}}`)
			default:
				_, _ = io.WriteString(w, `{"success": true, "data": {"number": "`+number+`", "channels": {}}}`)
			}
		}, mihu.WithAttemptTimeout(10*time.Minute)) // the machine may be busy
		_, err := client.Channels.GetByNumber(t.Context(), number)
		require.NoError(t, err, "a first call opens the connection that the others share over HTTP/2")
		var group sync.WaitGroup
		for i := range 1000 {
			group.Go(func() {
				number := fmt.Sprintf("+1555%03d", i)
				var resp mihu.Response
				snap, err := client.Channels.GetByNumber(t.Context(), number, mihu.WithResponse(&resp))
				if i%10 == 7 {
					var api *mihu.APIError
					if assert.ErrorAs(t, err, &api) {
						assert.NotEmpty(t, api.Code)
						assert.Equal(t, http.StatusNotFound, resp.StatusCode)
					}
					return
				}
				if assert.NoError(t, err) {
					assert.Equal(t, number, snap.Number)
				}
			})
		}
		group.Wait()
	}
}

// If no server listens, nothing was sent: every request is retried, and no outcome is unknown.
func TestServerIsDown(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL), fastRetries)
	require.NoError(t, err)
	for _, op := range operations() {
		err := op.call(t.Context(), client)
		require.ErrorIs(t, err, syscall.ECONNREFUSED, op.name)
		assertMatches(t, err)
		assert.Equal(t, 4, requireTransportError(t, err).Attempts)
	}
}

// A server that closes the connection during a request may have applied it.
func TestServerClosesTheConnection(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		client := serve(t, http2, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fastRetries)
		for _, op := range operations() {
			err := op.call(t.Context(), client)
			require.Error(t, err)
			assert.Equal(t, op.write, errors.Is(err, mihu.ErrOutcomeUnknown), "%s: %v", op.name, err)
		}
	}
}

// A response that never ends is abandoned after the attempt timeout. The error is not the caller's
// deadline.
func TestServerDripsItsResponse(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		for _, status := range []int{http.StatusOK, http.StatusServiceUnavailable} {
			t.Run(fmt.Sprint(status, " over HTTP/2: ", http2), func(t *testing.T) {
				t.Parallel()
				client := serve(t, http2, func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(status)
					for r.Context().Err() == nil {
						_, _ = io.WriteString(w, " ")
						_ = http.NewResponseController(w).Flush()
						time.Sleep(time.Millisecond)
					}
				}, mihu.WithAttemptTimeout(100*time.Millisecond), withoutRetries)
				start := time.Now()
				_, err := client.Channels.Get(t.Context(), numberUUID)
				assert.Less(t, time.Since(start), 20*time.Second)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				if status == http.StatusOK {
					assert.EqualError(t, err, "mihu: channels.get: no response within the attempt timeout of 100ms")
					return
				}
				assertMatches(t, err, mihu.ErrServer, mihu.ErrMalformedResponse)
				assert.Contains(t, err.Error(), "no response within the attempt timeout of 100ms")
			})
		}
	}
}

// Of an endless response, no more is read than the bound and what the connection buffers.
func TestServerSendsWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		var written atomic.Int64
		client := serve(t, http2, func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 64<<10))
			for written.Load() < 1<<30 {
				n, err := w.Write(chunk)
				if err != nil {
					return
				}
				written.Add(int64(n))
			}
		}, withoutRetries)
		_, err := client.Channels.Get(t.Context(), numberUUID)
		require.ErrorIs(t, err, mihu.ErrMalformedResponse)
		assert.Less(t, written.Load(), int64(100<<20))
	}
}

// The size of headers is bounded as well.
func TestServerSendsHugeHeaders(t *testing.T) {
	t.Parallel()
	client := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", strings.Repeat("a", 1<<20))
	}, withoutRetries)
	_, err := client.Channels.Get(t.Context(), numberUUID)
	requireTransportError(t, err)
	assert.Less(t, len(err.Error()), 300)
}

// A caller's transport may omit parts of a response that net/http's always sets.
func TestTransportWithIncompleteResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]*http.Response{
		"no response and no error":   nil,
		"a status only":              {StatusCode: http.StatusNotFound},
		"a redirect without headers": {StatusCode: http.StatusFound},
		"a success without a body":   {StatusCode: http.StatusOK},
	}
	for name, resp := range tests {
		client := newClient(t, transportFunc(func(*http.Request) (*http.Response, error) { return resp, nil }), withoutRetries)
		for _, op := range operations() {
			err := op.call(t.Context(), client, mihu.WithoutReconciliation(), mihu.WithResponse(new(mihu.Response)))
			if op.name != "trunks.delete" && op.name != "GET /phone-numbers/rates" || name != "a success without a body" {
				require.Error(t, err, "%s: %s", op.name, name)
			}
		}
	}
}

// closeRecorder is a body that records whether it was closed.
type closeRecorder struct {
	io.Reader
	closed atomic.Bool
}

func (c *closeRecorder) Close() error {
	c.closed.Store(true)
	return nil
}

// The body of every response is closed.
func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	broken := io.MultiReader(strings.NewReader(`{"succ`), failingReader{io.ErrUnexpectedEOF})
	tests := map[string]struct {
		status int
		length int64
		body   io.Reader
	}{
		"success":             {http.StatusOK, -1, strings.NewReader(snapshotJSON)},
		"refusal":             {http.StatusForbidden, -1, strings.NewReader(`{}`)},
		"redirect":            {http.StatusFound, -1, strings.NewReader(`<html>`)},
		"not JSON":            {http.StatusOK, -1, strings.NewReader(`<html>`)},
		"cut short":           {http.StatusOK, -1, broken},
		"too large":           {http.StatusOK, -1, zeros{}},
		"huge Content-Length": {http.StatusOK, 1 << 40, zeros{}},
	}
	for name, tt := range tests {
		body := &closeRecorder{Reader: tt.body}
		client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: tt.status, Header: http.Header{"Location": {"/x"}}, Body: body, ContentLength: tt.length, Request: req,
			}, nil
		}), withoutRetries)
		_, _ = client.Channels.Get(t.Context(), numberUUID)
		assert.True(t, body.closed.Load(), name)
	}
}

// No goroutine outlives its call. The test counts the goroutines of the process, so it does not run
// in parallel.
func TestNoGoroutineOutlivesItsCall(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("calls", func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		paths := map[string]func(w http.ResponseWriter, r *http.Request){
			"/200":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, pageJSON) },
			"/503":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
			"/drop": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"/hang": func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				select {
				case <-r.Context().Done():
				case <-hang:
				}
			},
			"/huge": func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.CopyN(w, zeros{}, 32<<20)
			},
		}
		for _, http2 := range []bool{false, true} {
			client := serve(t, http2, func(w http.ResponseWriter, r *http.Request) { paths[r.URL.Path](w, r) },
				fastRetries, mihu.WithAttemptTimeout(25*time.Millisecond))
			for path := range paths {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					_ = client.Do(t.Context(), &mihu.Request{Method: method, Path: path, Body: []string{"x"}}, nil)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
					_ = client.Do(ctx, &mihu.Request{Method: method, Path: path}, new(any))
					cancel()
				}
			}
		}
		srv := mihutest.NewServer(t)
		client := srv.Client(t)
		for _, err := range client.Trunks.All(t.Context(), nil) {
			require.NoError(t, err)
			break
		}
		for _, err := range client.Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: 4}) {
			require.NoError(t, err)
			break
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines are left of %d:\n%s", after-before, after, stacks[:runtime.Stack(stacks, true)])
	}
}
