package mihu_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// The zero value of an option restores the default, even after an earlier option of the same kind.
func TestZeroOptionsAreDefaults(t *testing.T) {
	t.Parallel()
	t.Run("base URL", func(t *testing.T) {
		t.Parallel()
		client, err := mihu.New("acme", token, mihu.WithBaseURL("https://proxy.example.com"), mihu.WithBaseURL(""))
		require.NoError(t, err)
		assert.Equal(t, baseURL, client.BaseURL())
	})
	t.Run("HTTP client", func(t *testing.T) {
		t.Parallel()
		srv := mihutest.NewServer(t)
		client := srv.Client(t, mihu.WithHTTPClient(&http.Client{Transport: newWire(t, lost())}), mihu.WithHTTPClient(nil))
		_, err := client.Trunks.List(t.Context(), nil)
		require.NoError(t, err)
	})
	t.Run("retry policy", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			wire := newWire(t, lost())
			_, err := newClient(t, wire, withoutRetries, mihu.WithRetryPolicy(mihu.RetryPolicy{})).Trunks.List(t.Context(), nil)
			require.ErrorIs(t, err, errLost)
			assert.Equal(t, 4, wire.Attempts())
		})
	})
	t.Run("attempt timeout", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			client := newClient(t, newWire(t, hangs()), withoutRetries, mihu.WithAttemptTimeout(time.Second), mihu.WithAttemptTimeout(0))
			_, err := client.Trunks.List(t.Context(), nil)
			require.Error(t, err)
			assert.Equal(t, 30*time.Second, time.Since(start))
		})
	})
	t.Run("logger", func(t *testing.T) {
		t.Parallel()
		var records logbook
		client := newClient(t, newWire(t, ok()), mihu.WithLogger(records.logger()), mihu.WithLogger(nil))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
		assert.Empty(t, records.String())
	})
	t.Run("user agent", func(t *testing.T) {
		t.Parallel()
		wire := newWire(t, ok())
		_, err := newClient(t, wire, mihu.WithUserAgent("x/1"), mihu.WithUserAgent("")).Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
		assert.Equal(t, "mihu-go/"+mihu.Version+" ("+runtime.Version()+")", wire.Sent()[0].Header.Get("User-Agent"))
	})
	t.Run("limiter", func(t *testing.T) {
		t.Parallel()
		client := newClient(t, newWire(t, ok()), mihu.WithLimiter(limiterFunc(func(context.Context) error { return errLost })), mihu.WithLimiter(nil))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
	})
	t.Run("nil pointer as limiter", func(t *testing.T) {
		t.Parallel()
		client := newClient(t, newWire(t, ok()), mihu.WithLimiter((*pointerLimiter)(nil)))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
	})
	t.Run("token source", func(t *testing.T) {
		t.Parallel()
		wire := newWire(t, ok())
		_, err := newClient(t, wire, mihu.WithTokenSource(tokens("other")), mihu.WithTokenSource(nil)).Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
		assert.Equal(t, "Bearer "+token, wire.Sent()[0].Header.Get("Authorization"))
	})
	t.Run("nil token function", func(t *testing.T) {
		t.Parallel()
		client := newClient(t, newWire(t, ok()), mihu.WithTokenSource(mihu.TokenFunc(nil)))
		_, err := client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
	})
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	wire := newWire(t, ok())
	_, err := newClient(t, wire, mihu.WithUserAgent("acme-sync/1.4")).Channels.Get(t.Context(), numberUUID)
	require.NoError(t, err)
	assert.Equal(t, "mihu-go/"+mihu.Version+" ("+runtime.Version()+") acme-sync/1.4", wire.Sent()[0].Header.Get("User-Agent"))
}

// The caller's http.Client is copied: the client does not change it, and later changes to it have
// no effect.
func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	wire := newWire(t, respondWith(http.StatusFound, "", "Location", "/elsewhere"))
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	httpClient := &http.Client{Transport: wire, Jar: jar, Timeout: time.Minute}
	before := *httpClient
	client, err := mihu.New("acme", token, mihu.WithHTTPClient(httpClient))
	require.NoError(t, err)
	assert.Equal(t, before, *httpClient, "changed by New")

	httpClient.Transport = transportFunc(func(*http.Request) (*http.Response, error) { return nil, errLost })
	_, err = client.Trunks.List(t.Context(), nil)
	require.ErrorIs(t, err, mihu.ErrRedirect, "a later change of the http.Client has no effect")
	assert.Nil(t, httpClient.CheckRedirect, "changed by a call")
	assert.Equal(t, 1, wire.Attempts())
}

// Every attempt has the cookies of the jar once, however many attempts there were before.
func TestCookieJar(t *testing.T) {
	t.Parallel()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	base, err := url.Parse(baseURL)
	require.NoError(t, err)
	jar.SetCookies(base, []*http.Cookie{{Name: "session", Value: "1", Secure: true}})
	synctest.Test(t, func(t *testing.T) {
		wire := newWire(t, apiError(http.StatusBadGateway), apiError(http.StatusBadGateway), ok())
		client, err := mihu.New("acme", token, mihu.WithHTTPClient(&http.Client{Transport: wire, Jar: jar}))
		require.NoError(t, err)
		_, err = client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
		require.Equal(t, 3, wire.Attempts())
		for _, got := range wire.Sent() {
			assert.Equal(t, []string{"session=1"}, got.Header["Cookie"])
		}
	})
}
