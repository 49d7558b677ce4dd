package mihutest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// inBubble runs a test in a bubble, with a server that uses the bubble's clock.
func inBubble(t *testing.T, test func(w *world), opts ...mihutest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(newWorld(t, append(opts, mihutest.WithInMemoryTransport())...))
	})
}

func TestDelaysUseTheClockOfTheBubble(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		t := w.t
		require.NoError(t, w.Inject(mihutest.Fault{Delay: 24 * time.Hour, DelayAfter: time.Minute}))
		start := time.Now()
		got := w.send("GET", trunk, "")
		assert.Equal(t, http.StatusOK, got.status)
		assert.Equal(t, 25*time.Hour+time.Minute, time.Since(start))
		assert.Equal(t, time.Now().UTC().Format(http.TimeFormat), got.header.Get("Date"))
	}, mihutest.WithLatency(time.Hour))
}

func TestClientRetriesInABubble(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		t := w.t
		require.NoError(t, w.Inject(mihutest.Fault{On: mihutest.Match{Times: 2}, Status: http.StatusTooManyRequests, RetryAfter: "30"}))
		start := time.Now()
		_, err := w.Client(t).Trunks.List(t.Context(), nil)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
		assert.Equal(t, 3, w.RequestCount())
	})
}

func TestReconciliationInABubble(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		t := w.t
		require.NoError(t, w.Inject(mihutest.Fault{On: mihutest.Match{Method: "POST"}, Drop: true, AfterChange: true}))
		_, err := w.Client(t).Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
			TrunkID: mihu.TrunkID{PhoneNumber: n1, Channel: mihu.ChannelCall}, AgentUUID: ada,
		})
		require.NoError(t, err)
		assert.Len(t, w.Trunks(), 1)
	})
}

func TestDeadlinesInABubble(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		t := w.t
		for name, c := range map[string]struct {
			fault   mihutest.Fault
			changed bool
		}{
			"not handled": {mihutest.Fault{Delay: time.Hour}, false},
			"handled":     {mihutest.Fault{DelayAfter: time.Hour}, true},
		} {
			require.NoError(t, w.Inject(c.fault))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			start := time.Now()
			_, err := w.try(w.request(ctx, "POST", trunk, with("")))
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			assert.Equal(t, time.Minute, time.Since(start), name)
			assert.Equal(t, c.changed, len(w.Trunks()) == 1, name)
			cancel()
			w.must(map[bool]int{true: http.StatusConflict, false: http.StatusCreated}[c.changed], "POST", trunk, with(""))
			w.must(http.StatusOK, "DELETE", trunk+"?phone_number=12345678901&channel=call", "")
		}
	})
}

func TestDetachedRequestInABubble(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		t := w.t
		require.NoError(t, w.Inject(mihutest.Fault{Delay: time.Hour, Detached: true}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := w.try(w.request(ctx, "POST", trunk, with("")))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Empty(t, w.Trunks())
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Len(t, w.Trunks(), 1)
	})
}

func TestErrorsOfTheInMemoryTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithInMemoryTransport())
	require.NoError(t, w.Inject(mihutest.Fault{Drop: true}))
	_, err := w.try(w.request(t.Context(), "GET", trunk, ""))
	require.ErrorIs(t, err, syscall.ECONNRESET)

	cause := errors.New("given up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err = w.HTTPClient().Transport.RoundTrip(w.request(ctx, "POST", trunk, with(""))) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, cause)
	assert.Equal(t, 1, w.RequestCount(), "a canceled request is not sent")

	ctx, cancel = context.WithCancelCause(t.Context())
	resp, err := w.http.Do(w.request(ctx, "GET", trunk, ""))
	require.NoError(t, err)
	cancel(cause)
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, cause)
	require.NoError(t, resp.Body.Close())
	_, err = resp.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)

	head := w.send("HEAD", trunk, "")
	assert.Empty(t, head.body)
	assert.Positive(t, head.length)

	w.Close()
	_, err = w.try(w.request(t.Context(), "GET", trunk, ""))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestInMemoryTransportHasNoAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithInMemoryTransport())
	assert.True(t, strings.HasSuffix(w.URL(), ".invalid/api/v1"), w.URL())
	client, err := mihu.New("acme", w.Token(), mihu.WithHTTPClient(w.HTTPClient()))
	require.NoError(t, err)
	_, err = client.Trunks.List(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "acme.mihu.ai", w.Requests()[0].Host)

	_, err = mihutest.Start(mihutest.WithTLS(), mihutest.WithInMemoryTransport())
	require.EqualError(t, err, "mihutest: WithTLS and WithInMemoryTransport exclude each other")
}
