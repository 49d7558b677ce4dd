package mihu_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
)

const updateResponse = `{"success":true,"message":"Updated","data":{"phone_number_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a",` +
	`"number":"+12345678901","is_external":true,"source":"external","channels":{"call":{"capable":true,"enabled":true,` +
	`"channel_limit":10,"whitelisted_destinations":["US"],"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a",` +
	`"agent_name":"Ada"},"sms":{"capable":false,"enabled":false,"channel_limit":null,"whitelisted_destinations":[],"bound":false,` +
	`"agent_uuid":null,"agent_name":null},"whatsapp":{"bound":false,"agent_uuid":null,"agent_name":null},` +
	`"inbound":{"enabled":true,"channel_limit":10}}}}`

// instantClient returns an http.Client that responds at once, without a socket.
func instantClient(body string) *http.Client {
	return &http.Client{Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	})}
}

// The allocations of a call do not depend on the machine. The bounds are tight, so that an addition to
// every call fails the test. Raise them only for a reason.
func TestAllocationsOfACall(t *testing.T) {
	if raceEnabled {
		return // the race detector allocates too
	}
	update := &mihu.TrunkUpdateRequest{Name: new("Reception"), SIP: &mihu.SIPUpdate{Password: new("n3w"), SecondaryGateway: new("")}}
	var items []string
	for i := range 200 {
		items = append(items, fmt.Sprintf(`{"number":"+1%010d","country_code":"US","is_external":true,"source":"external",`+
			`"bindings":{"call":{"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","agent_name":"Ada"}}}`, i))
	}
	page := `{"success":true,"data":{"items":[` + strings.Join(items, ",") + `],"pagination":{"current_page":1,"last_page":1}}}`
	plain := testing.AllocsPerRun(20, func() {
		var into struct{ Data mihu.Page[mihu.PhoneNumber] }
		if err := json.Unmarshal([]byte(page), &into); err != nil {
			t.Error(err)
		}
	})
	tests := []struct {
		name    string
		body    string
		maximum float64
		call    func(context.Context, *mihu.Client) error
	}{
		{"update", updateResponse, 58, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.Update(ctx, frontDesk, update)
			return err
		}},
		{"channels by number", updateResponse, 58, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Channels.GetByNumber(ctx, frontDesk.PhoneNumber)
			return err
		}},
		{"a page of 200 numbers", page, plain + 40, func(ctx context.Context, c *mihu.Client) error {
			_, err := c.Trunks.List(ctx, nil)
			return err
		}},
	}
	for _, test := range tests {
		client, err := mihu.New("acme", token, mihu.WithHTTPClient(instantClient(test.body)))
		require.NoError(t, err)
		got := testing.AllocsPerRun(200, func() {
			if err := test.call(context.Background(), client); err != nil {
				t.Error(err)
			}
		})
		t.Logf("%s: %.0f allocations, at most %.0f", test.name, got, test.maximum)
		assert.LessOrEqual(t, got, test.maximum, test.name)
	}
}

// countConnections starts a server and returns a client of it, and the number of connections that the
// client has opened.
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
