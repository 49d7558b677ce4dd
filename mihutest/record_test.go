package mihutest_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/mihutest"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("POST", trunk, with(""), "X-Mine", "yes")
	w.send("DELETE", trunk+"?channel=call&phone_number=%2B12345678901", "")
	require.NoError(t, w.Inject(mihutest.Fault{Drop: true}))
	_, err := w.try(w.request(t.Context(), "POST", trunk, with("")))
	require.Error(t, err)
	w.send("GET", trunk, "", "Authorization", "")

	requests := w.Requests()
	require.Len(t, requests, 4)
	post := requests[0]
	assert.Equal(t, "POST", post.Method)
	assert.Equal(t, strings.TrimSuffix(strings.TrimPrefix(w.URL(), "http://"), "/api/v1"), post.Host)
	assert.Equal(t, "/phone-numbers/trunks", post.Path)
	assert.Empty(t, post.RawQuery)
	assert.Empty(t, post.Query)
	assert.Equal(t, "Bearer [redacted]", post.Header.Get("Authorization"))
	assert.Equal(t, "yes", post.Header.Get("X-Mine"))
	assert.Equal(t, with(""), string(post.Body))

	del := requests[1]
	assert.Equal(t, "channel=call&phone_number=%2B12345678901", del.RawQuery)
	assert.Equal(t, url.Values{"channel": {"call"}, "phone_number": {n1}}, del.Query)
	assert.Empty(t, del.Body)
	assert.NotContains(t, requests[3].Header, "Authorization")

	var seen []string
	for _, r := range requests {
		seen = append(seen, fmt.Sprint(r, " ", r.Changed))
	}
	assert.Equal(t, []string{
		"POST /phone-numbers/trunks 201 true",
		"DELETE /phone-numbers/trunks 200 true",
		"POST /phone-numbers/trunks 0 false",
		"GET /phone-numbers/trunks 401 false",
	}, seen)

	// Requests returns copies.
	requests[0].Body[0], requests[0].Header["X-Mine"][0], requests[1].Query["channel"][0] = 'x', "x", "x"
	again := w.Requests()
	assert.Equal(t, with(""), string(again[0].Body))
	assert.Equal(t, "yes", again[0].Header.Get("X-Mine"))
	assert.Equal(t, "call", again[1].Query.Get("channel"))

	w.ResetRequests()
	assert.Empty(t, w.Requests())
	assert.Zero(t, w.RequestCount())
	w.send("GET", trunk, "")
	assert.Len(t, w.Requests(), 1)
	assert.Equal(t, 1, w.RequestCount())
}

func TestRequestLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 1, 3, 7, 8} {
		w := newWorld(t, mihutest.WithRequestLimit(limit))
		for sent := 1; sent <= 7; sent++ {
			w.send("GET", fmt.Sprintf("%s?page=%d", trunk, sent), "")
			var got, want []string
			for _, r := range w.Requests() {
				got = append(got, r.RawQuery)
			}
			for page := max(1, sent-limit+1); page <= sent; page++ {
				want = append(want, fmt.Sprint("page=", page))
			}
			assert.Equal(t, want, got, "limit %d", limit)
			assert.Equal(t, sent, w.RequestCount())
		}
	}
}

func TestRequestsInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Inject(mihutest.Fault{DelayAfter: time.Hour}))
	go func() { _, _ = w.try(w.request(t.Context(), "POST", trunk, with(""))) }()
	require.Eventually(t, func() bool {
		requests := w.Requests()
		return len(requests) == 1 && requests[0].Changed && requests[0].Status == 0
	}, 10*time.Second, time.Millisecond)
}

func TestUnreadableBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.request(t.Context(), "GET", "", "").URL.Host)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "POST /api/v1%s HTTP/1.1\r\nHost: mihu\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", trunk)
	require.NoError(t, err)
	var resp bytes.Buffer
	_, err = resp.ReadFrom(conn)
	require.NoError(t, err)
	assert.Contains(t, resp.String(), "HTTP/1.1 400 ")
	assert.Contains(t, resp.String(), "MALFORMED_BODY")
	assert.Equal(t, http.StatusBadRequest, w.Requests()[0].Status)
}

func TestRequestPrintsWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("POST", trunk+"?number=%2B12345678901", with(`,"sip":{"password":"s3cret"}`))
	r := w.Requests()[0]
	var logs bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&logs, nil)), slog.New(slog.NewJSONHandler(&logs, nil))} {
		log.Info("", slog.Any("request", r), slog.Any("requests", []mihutest.Request{r}))
	}
	for _, text := range []string{logs.String(), fmt.Sprintf("%v %+v %#v %s %x", r, r, r, r, []mihutest.Request{r})} {
		assert.Contains(t, text, "POST /phone-numbers/trunks 422")
		assert.NotRegexp(t, "s3cret|2345678901|Bearer", text)
	}
}

// net/http would respond with 200 for a handler that returns without writing.
func TestCanceledRequestGetsNoResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.Inject(mihutest.Fault{Delay: time.Hour}))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", w.request(t.Context(), "GET", "", "").URL.Host)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprintf(conn, "GET /api/v1%s HTTP/1.1\r\nHost: mihu\r\n\r\n", trunk)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.RequestCount() == 1 }, 10*time.Second, time.Millisecond)
	half, ok := conn.(*net.TCPConn)
	require.True(t, ok)
	require.NoError(t, half.CloseWrite()) // the client is gone, but could still read a response
	var resp bytes.Buffer
	_, err = resp.ReadFrom(conn)
	require.Error(t, err, "want a reset, not an orderly end")
	assert.Empty(t, resp.String())
}
