package mihu_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

func TestNewSetsTheBaseURL(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 63)
	tests := []struct {
		name      string
		workspace string
		opts      []mihu.Option
		want      string
	}{
		{"workspace", "acme", nil, "https://acme.mihu.ai/api/v1"},
		{"digits and dashes", "4-acme-2", nil, "https://4-acme-2.mihu.ai/api/v1"},
		{"the longest label", longest, nil, "https://" + longest + ".mihu.ai/api/v1"},
		{
			"a base URL without a workspace", "",
			[]mihu.Option{mihu.WithBaseURL("https://acme.mindhunters.ai/api/v1")},
			"https://acme.mindhunters.ai/api/v1",
		},
		{
			"a base URL overrides the workspace", "acme",
			[]mihu.Option{mihu.WithBaseURL("https://proxy.example.com:8443/mihu")},
			"https://proxy.example.com:8443/mihu",
		},
		{
			"a trailing slash is removed", "",
			[]mihu.Option{mihu.WithBaseURL("https://acme.mihu.ai/api/v1/")},
			"https://acme.mihu.ai/api/v1",
		},
		{"a workspace in capital letters", "ACME", nil, "https://acme.mihu.ai/api/v1"},
		{
			"a host in capital letters", "",
			[]mihu.Option{mihu.WithBaseURL("HTTPS://Acme.Mihu.AI/API/v1/")},
			"https://acme.mihu.ai/API/v1",
		},
		{"loopback by name", "", []mihu.Option{mihu.WithBaseURL("http://localhost:8080")}, "http://localhost:8080"},
		{"loopback IPv4", "", []mihu.Option{mihu.WithBaseURL("http://127.0.0.2:1/v")}, "http://127.0.0.2:1/v"},
		{"loopback IPv6", "", []mihu.Option{mihu.WithBaseURL("http://[::1]:1")}, "http://[::1]:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := mihu.New(tt.workspace, token, tt.opts...)
			require.NoError(t, err)
			assert.Equal(t, tt.want, client.BaseURL())
		})
	}
}

// Input that could redirect the token, through the URL or a header, is rejected. The error contains
// neither the token nor anything that may be one.
func TestNewRejectsInvalidInput(t *testing.T) {
	t.Parallel()
	base := func(url string) []mihu.Option { return []mihu.Option{mihu.WithBaseURL(url)} }
	policy := func(p mihu.RetryPolicy) []mihu.Option { return []mihu.Option{mihu.WithRetryPolicy(p)} }
	agent := func(suffix string) []mihu.Option { return []mihu.Option{mihu.WithUserAgent(suffix)} }
	tests := []struct {
		name, workspace, token string
		opts                   []mihu.Option
		field, errText         string
	}{
		{"no workspace", "", token, nil, "workspace", "empty"},
		{"a path in the workspace", "evil.com/", token, nil, "workspace", `'.' at position 5`},
		{"two labels", "a.b", token, nil, "workspace", `'.' at position 2`},
		{"a fragment in the workspace", "acme#", token, nil, "workspace", `'#' at position 5`},
		{"a user in the workspace", "evil@acme", token, nil, "workspace", `'@' at position 5`},
		{"a port in the workspace", "acme:80", token, nil, "workspace", `':' at position 5`},
		{"a workspace of 64 characters", strings.Repeat("a", 64), token, nil, "workspace", "longer than the 63"},
		{"a leading dash", "-acme", token, nil, "workspace", `'-' at position 1`},
		{"a trailing dash", "acme-", token, nil, "workspace", `'-' at position 5`},
		{"a lone dash", "-", token, nil, "workspace", `'-' at position 1`},
		{"letters beyond ASCII", "acmé", token, nil, "workspace", `'é' at position 4`},
		{"a letter that folds to ASCII", "\u212aiwi", token, nil, "workspace", "at position 1"},
		{"a line end in the workspace", "acme\r\nHost: evil", token, nil, "workspace", `'\r' at position 5`},
		{"the token in place of the workspace", "12|" + token, token, nil, "workspace", `'|' at position 3`},

		{"no token", "acme", "", nil, "token", "empty"},
		{"a space in the token", "acme", "to ken-sec", nil, "token", "at position 3"},
		{"a line end after the token", "acme", token + "\n", nil, "token", "was it read with its line end?"},
		{"a header in the token", "acme", token + "\r\nX-Evil: 1", nil, "token", "at position 23"},
		{"a control character in the token", "acme", "tok\x00en", nil, "token", "at position 4"},
		{"a token beyond ASCII", "acme", "tokén", nil, "token", "at position 4"},
		{
			"a token and a token source", "acme", token,
			[]mihu.Option{mihu.WithTokenSource(tokens(token))},
			"token", "not both",
		},

		{"a base URL without TLS", "", token, base("http://acme.mihu.ai/api/v1"), "base URL", "want https"},
		{"a host that looks like loopback", "", token, base("http://localhost.evil.com"), "base URL", "want https"},
		{"another scheme", "", token, base("ftp://acme.mihu.ai"), "base URL", "want https"},
		{"no scheme", "", token, base("acme.mihu.ai/api/v1"), "base URL", "no host"},
		{"no host", "", token, base("https:///api/v1"), "base URL", "no host"},
		{"a port and no host", "", token, base("https://:443/api/v1"), "base URL", "no host"},
		{"credentials", "", token, base("https://alice:pl4nted@acme.mihu.ai"), "base URL", "must not have credentials"},
		{"credentials without a scheme", "", token, base("alice:pl4nted@acme.mihu.ai/api"), "base URL", ""},
		{"credentials without slashes", "", token, base("https:alice:pl4nted@acme.mihu.ai"), "base URL", ""},
		{"credentials and a bad port", "", token, base("https://alice:pl4nted@acme:port"), "base URL", "not a URL"},
		{"the token as base URL", "", token, base(token), "base URL", "no host"},
		{"a query", "", token, base("https://acme.mihu.ai/api?x=pl4nted"), "base URL", "query"},
		{"an empty query", "", token, base("https://acme.mihu.ai/api?"), "base URL", "query"},
		{"a fragment", "", token, base("https://acme.mihu.ai/api#x"), "base URL", "fragment"},
		{"an empty fragment", "", token, base("https://acme.mihu.ai/api#"), "base URL", "fragment"},
		{"dot segments", "", token, base("https://acme.mihu.ai/api/../x"), "base URL", "segment"},
		{"escaped dot segments", "", token, base("https://acme.mihu.ai/api/%2e%2e/x"), "base URL", "segment"},
		{"a control character", "", token, base("https://acme.mihu.ai/\x7f"), "base URL", "not a URL"},
		{"garbage", "", token, base("https://%zz"), "base URL", "not a URL"},
		{"an invalid workspace beside a base URL", "a.b", token, base("https://acme.mihu.ai"), "workspace", "position 2"},

		{"negative attempts", "acme", token, policy(mihu.RetryPolicy{MaxAttempts: -1}), "retry policy MaxAttempts", "want 1 or more"},
		{"negative BaseDelay", "acme", token, policy(mihu.RetryPolicy{BaseDelay: -1}), "retry policy BaseDelay", "negative"},
		{"negative RateLimitDelay", "acme", token, policy(mihu.RetryPolicy{RateLimitDelay: -1}), "retry policy RateLimitDelay", "negative"},
		{"negative MaxDelay", "acme", token, policy(mihu.RetryPolicy{MaxDelay: -1}), "retry policy MaxDelay", "negative"},
		{"negative MaxRetryAfter", "acme", token, policy(mihu.RetryPolicy{MaxRetryAfter: -1}), "retry policy MaxRetryAfter", "negative"},

		{"a header in the user agent", "acme", token, agent("acme/1\r\nX-Evil: 1"), "user agent", "printable ASCII"},
		{"a user agent beyond ASCII", "acme", token, agent("acmé/1"), "user agent", "printable ASCII"},
		{"a user agent that is not UTF-8", "acme", token, agent("acme\xff/1"), "user agent", "printable ASCII"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := mihu.New(tt.workspace, tt.token, tt.opts...)
			assert.Nil(t, client)
			invalid := requireViolations(t, err, "new", tt.field)
			assert.Contains(t, invalid.Violations[0].Problem, tt.errText)
			for _, secret := range []string{token, "pl4nted", "ken-sec"} {
				assert.NotContains(t, err.Error(), secret)
			}
			assert.NotContains(t, err.Error(), "\r")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestNewReportsEveryViolation(t *testing.T) {
	t.Parallel()
	_, err := mihu.New("a.b", "",
		mihu.WithUserAgent("\n"),
		nil,
		mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: -1, MaxDelay: -time.Second}),
		mihu.WithBaseURL("http://acme.mihu.ai"))
	requireViolations(t, err, "new",
		"user agent", "retry policy MaxAttempts", "retry policy MaxDelay", "base URL", "workspace", "token")
	assert.EqualError(t, err, `mihu: new: not sent: user agent "\n": want printable ASCII; `+
		`retry policy MaxAttempts "-1": want 1 or more, or 0 for the default; `+
		`retry policy MaxDelay "-1s": negative; want a duration, or 0 for the default; `+
		`base URL "http://acme.mihu.ai": want https, or http to a loopback address, since the token is sent there; `+
		`workspace: '.' at position 2 is not allowed; want one DNS label such as "acme"; `+
		`token: empty; create one in the workspace's settings`)
}

func TestNewFromEnv(t *testing.T) {
	tests := []struct {
		name                   string
		workspace, token, base string
		opts                   []mihu.Option
		want                   string
	}{
		{"workspace and token", "acme", token, "", nil, "https://acme.mihu.ai/api/v1"},
		{"a base URL without a workspace", "", token, "https://proxy.example.com/mihu", nil, "https://proxy.example.com/mihu"},
		{"a base URL overrides the workspace", "acme", token, "https://proxy.example.com/mihu", nil, "https://proxy.example.com/mihu"},
		{
			"an option overrides a variable", "", token, "https://proxy.example.com/mihu",
			[]mihu.Option{nil, mihu.WithBaseURL("https://other.example.com")},
			"https://other.example.com",
		},
		{
			"a base URL as an option, without a workspace", "", token, "",
			[]mihu.Option{mihu.WithBaseURL("https://other.example.com")},
			"https://other.example.com",
		},
		{
			"a token source without a token", "acme", "", "",
			[]mihu.Option{mihu.WithTokenSource(tokens(token))},
			"https://acme.mihu.ai/api/v1",
		},
		{
			"a token source overrides the token", "acme", "another", "",
			[]mihu.Option{mihu.WithTokenSource(tokens(token))},
			"https://acme.mihu.ai/api/v1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(mihu.EnvTenant, tt.workspace)
			t.Setenv(mihu.EnvToken, tt.token)
			t.Setenv(mihu.EnvBaseURL, tt.base)
			wire := newWire(t, respondWith(http.StatusOK, deletedJSON))
			client, err := mihu.NewFromEnv(append(tt.opts, mihu.WithHTTPClient(&http.Client{Transport: wire}))...)
			require.NoError(t, err)
			assert.Equal(t, tt.want, client.BaseURL())
			require.NoError(t, client.Trunks.Delete(t.Context(), frontDesk))
			assert.Equal(t, "Bearer "+token, wire.Sent()[0].Header.Get("Authorization"))
		})
	}
}

func TestNewFromEnvRejectsInvalidInput(t *testing.T) {
	tests := []struct {
		name                   string
		workspace, token, base string
		opts                   []mihu.Option
		fields                 []string
	}{
		{"nothing set", "", "", "", nil, []string{"MIHU_TENANT", "MIHU_API_TOKEN"}},
		{"no workspace", "", token, "", nil, []string{"MIHU_TENANT"}},
		{"no token", "acme", "", "", nil, []string{"MIHU_API_TOKEN"}},
		{"a base URL and no token", "", "", "https://proxy.example.com", nil, []string{"MIHU_API_TOKEN"}},
		{"an invalid workspace", "evil.com/", token, "", nil, []string{"MIHU_TENANT"}},
		{"an invalid base URL", "", token, "http://evil.com", nil, []string{"base URL"}},
		{
			"a missing variable and an invalid option", "", token, "",
			[]mihu.Option{mihu.WithUserAgent("\n")},
			[]string{"user agent", "MIHU_TENANT"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(mihu.EnvTenant, tt.workspace)
			t.Setenv(mihu.EnvToken, tt.token)
			t.Setenv(mihu.EnvBaseURL, tt.base)
			client, err := mihu.NewFromEnv(tt.opts...)
			assert.Nil(t, client)
			invalid := requireViolations(t, err, "new", tt.fields...)
			for _, violation := range invalid.Violations {
				if strings.HasPrefix(violation.Field, "MIHU_") && !strings.HasPrefix(tt.workspace, "evil") {
					assert.Contains(t, violation.Problem, "not set")
				}
			}
			assert.NotContains(t, err.Error(), token)
		})
	}
}

// tokens returns a source of the tokens in turn. It repeats the last one.
func tokens(all ...string) mihu.TokenSource {
	next := make(chan string, len(all))
	for _, each := range all {
		next <- each
	}
	return mihu.TokenFunc(func(context.Context) (string, error) {
		if len(next) == 0 {
			return all[len(all)-1], nil
		}
		return <-next, nil
	})
}

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

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// pointerLimiter panics if it is used as a nil pointer, as most limiters do.
type pointerLimiter struct{ err error }

func (l *pointerLimiter) Wait(context.Context) error { return l.err }

func TestUserAgent(t *testing.T) {
	t.Parallel()
	wire := newWire(t, ok())
	_, err := newClient(t, wire, mihu.WithUserAgent("acme-sync/1.4")).Channels.Get(t.Context(), numberUUID)
	require.NoError(t, err)
	assert.Equal(t, "mihu-go/"+mihu.Version+" ("+runtime.Version()+") acme-sync/1.4", wire.Sent()[0].Header.Get("User-Agent"))
}

// The caller's http.Client is copied: the client does not change it, and later changes to it have no
// effect.
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

// The path of the base URL is not re-encoded.
func TestBaseURLWithAPath(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"https://proxy.example.com:8443/a%20b/c%2Fd", "https://proxy.example.com:8443/a%20b/c%2Fd/"} {
		got := make(chan string, 1)
		client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
			got <- req.URL.String()
			return response(http.StatusOK, snapshotJSON), nil
		}), mihu.WithBaseURL(base))
		_, err := client.Channels.GetByNumber(t.Context(), number)
		require.NoError(t, err)
		assert.Equal(t, "https://proxy.example.com:8443/a%20b/c%2Fd/phone-numbers/channels?number=%2B12345678901", <-got)
	}
}

// A body has a length and can be read again, so that net/http can use another connection if an idle
// one turns out to be closed.
func TestBodiesCanBeReadAgain(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
			if req.Body == nil || req.Body == http.NoBody {
				return response(http.StatusOK, op.success), nil
			}
			body, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			assert.Equal(t, int64(len(body)), req.ContentLength, op.name)
			second, err := req.GetBody()
			require.NoError(t, err)
			secondBody, err := io.ReadAll(second)
			require.NoError(t, err)
			assert.Equal(t, body, secondBody, op.name)
			return response(http.StatusOK, op.success), nil
		}))
		require.NoError(t, op.call(t.Context(), client))
	}
}

func TestHeadersOfEveryRequest(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			wire := newWire(t, respondWith(http.StatusOK, op.success))
			require.NoError(t, op.call(t.Context(), newClient(t, wire)))
			got := wire.Sent()[0]
			assert.Equal(t, []string{"Bearer " + token}, got.Header["Authorization"])
			assert.Equal(t, []string{"application/json"}, got.Header["Accept"])
			assert.Empty(t, got.Header["Idempotency-Key"])
			if got.Body == "" {
				assert.Empty(t, got.Header["Content-Type"])
			} else {
				assert.Equal(t, []string{"application/json"}, got.Header["Content-Type"])
			}
		})
	}
}

// A client never prints its token, by itself or as a part of another value.
func TestClientPrintsWithoutItsToken(t *testing.T) {
	t.Parallel()
	client, err := mihu.New("acme", token)
	require.NoError(t, err)
	type exported struct{ Client *mihu.Client }
	type unexported struct{ client *mihu.Client }
	type value struct{ client mihu.Client }
	values := map[string]any{
		"pointer": client, "value": *client, "exported field": exported{client}, "unexported field": unexported{client},
		"unexported value": value{*client}, "service": client.Trunks, "other service": client.Channels,
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			assert.NotContains(t, fmt.Sprintf(verb, v), token, "%s by %s", name, verb)
		}
		var buf bytes.Buffer
		slog.New(slog.NewTextHandler(&buf, nil)).InfoContext(t.Context(), "client", slog.Any("client", v))
		slog.New(slog.NewJSONHandler(&buf, nil)).InfoContext(t.Context(), "client", slog.Any("client", v))
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, buf.String()+string(text), token, name)
	}

	const want = "mihu.Client(https://acme.mihu.ai/api/v1)"
	assert.Equal(t, want, client.String())
	assert.Equal(t, want, fmt.Sprintf("%v", *client))
	assert.Equal(t, want, fmt.Sprintf("%#v", client))
	assert.Equal(t, "{Client:"+want+"}", fmt.Sprintf("%+v", exported{client}))
	assert.Equal(t, `"`+want+`"`, fmt.Sprintf("%q", client))
	assert.Equal(t, want, client.LogValue().String())
}

// idleCloser is a transport that counts the calls of CloseIdleConnections.
type idleCloser struct {
	http.RoundTripper
	closed int
}

func (c *idleCloser) CloseIdleConnections() { c.closed++ }

func TestCloseIdleConnections(t *testing.T) {
	t.Parallel()
	transport := &idleCloser{RoundTripper: newWire(t, apiError(http.StatusNotFound), ok())}
	client := newClient(t, transport)

	_, err := client.Channels.Get(t.Context(), numberUUID)
	require.ErrorIs(t, err, mihu.ErrNotFound)
	assert.Zero(t, transport.closed, "a failed call must not close the connections of other calls")
	client.CloseIdleConnections()
	assert.Equal(t, 1, transport.closed)

	_, err = client.Channels.Get(t.Context(), numberUUID)
	require.NoError(t, err, "the client is still usable")

	assert.NotPanics(t, newClient(t, newWire(t, ok())).CloseIdleConnections, "a transport without CloseIdleConnections")
	assert.NotPanics(t, new(mihu.Client).CloseIdleConnections)
	assert.NotPanics(t, (*mihu.Client)(nil).CloseIdleConnections)
}

// Nil and zero arguments are a *ValidationError, never a panic.
func TestNilAndZeroArguments(t *testing.T) {
	t.Parallel()
	var none context.Context
	usable := mustNotSend(t)
	for _, op := range operations() {
		requireViolations(t, op.call(t.Context(), new(mihu.Client)), op.name, "client")
		requireViolations(t, op.call(none, usable), op.name, "context")
	}

	zero, missing := new(mihu.Client), (*mihu.Client)(nil)
	requireViolations(t, missing.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, nil), "GET /x", "client")
	requireViolations(t, missing.Do(t.Context(), nil, nil), "do", "request")
	requireViolations(t, usable.Do(t.Context(), nil, nil), "do", "request")
	assert.Empty(t, zero.BaseURL())
	assert.Empty(t, missing.BaseURL())
	assert.Equal(t, "mihu.Client()", zero.String())
	assert.NotPanics(t, func() {
		_ = fmt.Sprintf("%v %+v %#v %s", missing, missing, missing, missing)
		slog.New(slog.NewJSONHandler(io.Discard, nil)).InfoContext(t.Context(), "client", slog.Any("client", missing))
	})

	_, err := usable.Trunks.Create(t.Context(), nil)
	requireViolations(t, err, "trunks.create", "request")
	_, err = usable.Trunks.Update(t.Context(), frontDesk, nil)
	requireViolations(t, err, "trunks.update", "request")

	wire := newWire(t, respondWith(http.StatusOK, pageJSON))
	_, err = newClient(t, wire).Trunks.List(t.Context(), nil, nil, mihu.WithResponse(nil))
	require.NoError(t, err, "nil options are ignored")
}

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

// A request without a body has a nil body, which is how transports recognize it.
func TestRequestWithoutBody(t *testing.T) {
	t.Parallel()
	var sent *http.Request
	client := newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		sent = req
		return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
	}))
	_, err := client.Channels.GetByNumber(t.Context(), number)
	require.ErrorIs(t, err, mihu.ErrNotFound)
	assert.Nil(t, sent.Body)
	assert.Zero(t, sent.ContentLength)
}
