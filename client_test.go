package mihu_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
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
