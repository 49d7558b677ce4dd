package mihu_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// The certificate must be valid for the workspace's own host name.
func TestWorkspaceOverTLS(t *testing.T) {
	t.Parallel()
	t.Run("a workspace at mihu.ai", func(t *testing.T) {
		t.Parallel()
		srv := mihutest.NewServer(t, mihutest.WithTLS(), mihutest.WithToken(token))
		client, err := mihu.New("acme", token, mihu.WithHTTPClient(srv.HTTPClient()))
		require.NoError(t, err)
		_, err = client.Trunks.List(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, srv.Requests(), 1)
		assert.Equal(t, "acme.mihu.ai", srv.Requests()[0].Host)
	})

	hosts := make(chan string, 9)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		_, _ = io.WriteString(w, pageJSON)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log the failed handshakes
	srv.StartTLS()
	t.Cleanup(srv.Close)
	t.Run("a workspace at another domain", func(t *testing.T) {
		t.Parallel()
		client, err := mihu.New("", token, mihu.WithBaseURL("https://acme.example.com/api/v1"), mihu.WithHTTPClient(srv.Client()))
		require.NoError(t, err)
		_, err = client.Trunks.List(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, "acme.example.com", <-hosts)
	})
	t.Run("a certificate for another host", func(t *testing.T) {
		t.Parallel()
		elsewhere := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
		client, err := mihu.New("", token, mihu.WithBaseURL(elsewhere), mihu.WithHTTPClient(srv.Client()))
		require.NoError(t, err)
		_, err = client.Trunks.List(t.Context(), nil)
		var untrusted *tls.CertificateVerificationError
		require.ErrorAs(t, err, &untrusted)
		assert.Equal(t, 1, requireTransportError(t, err).Attempts)
	})
	t.Run("a certificate that is not trusted", func(t *testing.T) {
		t.Parallel()
		client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL))
		require.NoError(t, err)
		t.Cleanup(client.CloseIdleConnections)
		err = client.Trunks.Delete(t.Context(), frontDesk)
		var untrusted *tls.CertificateVerificationError
		require.ErrorAs(t, err, &untrusted)
		assert.Equal(t, 1, requireTransportError(t, err).Attempts)
		assertMatches(t, err)
	})
}

// countConnections starts a server and returns a client of it, and the number of connections that
// the client has opened.
func countConnections(t *testing.T, http2 bool, handler http.HandlerFunc) (client *mihu.Client, opened *atomic.Int64) {
	t.Helper()
	opened = new(atomic.Int64)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	// An attempt that times out on a busy machine would cost a connection.
	opts := []mihu.Option{mihu.WithAttemptTimeout(10 * time.Minute)}
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
		opts = append(opts, mihu.WithHTTPClient(server.Client()))
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	client, err := mihu.New("", token, append(opts, mihu.WithBaseURL(server.URL))...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client, opened
}

func respondWhole(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, updateResponse) }

func respondInChunks(w http.ResponseWriter, _ *http.Request) {
	half := len(updateResponse) / 2
	_, _ = io.WriteString(w, updateResponse[:half])
	_ = http.NewResponseController(w).Flush()
	_, _ = io.WriteString(w, updateResponse[half:])
}

// Calls share their connections, with whole and with chunked responses. A cold start may dial up to
// twice for each caller. A pool that is flushed or too small opens a thousand.
func TestConnectionsOpened(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler http.HandlerFunc
		http2   bool
		workers int
		calls   int
		maximum int64
	}{
		{"one after the other", respondWhole, false, 1, 50, 1},
		{"one after the other, in chunks", respondInChunks, false, 1, 50, 1},
		{"64 at once", respondWhole, false, 64, 40, 256},
		{"64 at once, in chunks", respondInChunks, false, 64, 40, 256},
		{"64 at once over HTTP/2", respondWhole, true, 64, 20, 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, opened := countConnections(t, test.http2, test.handler)
			_, err := client.Channels.GetByNumber(t.Context(), number)
			require.NoError(t, err)
			var wg sync.WaitGroup
			for range test.workers {
				wg.Go(func() {
					for range test.calls {
						_, err := client.Channels.GetByNumber(t.Context(), number)
						assert.NoError(t, err)
					}
				})
			}
			wg.Wait()
			assert.LessOrEqual(t, opened.Load(), test.maximum)
		})
	}
}

// A canceled call costs its own connection and no other.
func TestConnectionsOpenedWithCanceledCalls(t *testing.T) {
	t.Parallel()
	const workers, calls, every = 16, 50, 50
	client, opened := countConnections(t, false, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "0000") {
			<-r.Context().Done()
			return
		}
		respondWhole(w, r)
	})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range calls {
				if i%every != every-1 {
					_, err := client.Channels.GetByNumber(t.Context(), number)
					assert.NoError(t, err)
					continue
				}
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				_, err := client.Channels.GetByNumber(ctx, "+12345670000")
				assert.ErrorIs(t, err, context.Canceled)
				cancel()
			}
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, opened.Load(), int64(workers+workers*calls/every+workers))
}

// A failed call keeps its connection open for the next.
func TestFailuresKeepConnections(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	statuses := []int{200, 404, 503, 429, 422, 500, 302}
	var calls atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(statuses[int(calls.Add(1))%len(statuses)])
		_, _ = io.WriteString(w, strings.Repeat(" ", 16<<10)+`{"success": false, "message": "No"}`)
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL), fastRetries)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	for range 50 {
		require.Error(t, client.Trunks.Delete(t.Context(), frontDesk))
	}
	assert.EqualValues(t, 1, connections.Load())
}
