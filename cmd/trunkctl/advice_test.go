package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// refusingAddress returns a loopback address at which nothing listens.
func refusingAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	return address
}

// TestRefusedLoopback: if nothing listens at a loopback address, no firewall is to blame.
func TestRefusedLoopback(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	env := f.env("MIHU_BASE_URL=http://" + refusingAddress(t) + "/api/v1")
	for _, args := range [][]string{{"doctor"}, {"channels", number(1), "--timeout", "1s"}} {
		got := invocation{args: args, env: env}.run(t)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.stdout+got.stderr, "nothing listens at this address of this machine: start the server, or correct --base-url")
		require.NotContains(t, got.stdout+got.stderr, "firewall")
		require.NotContains(t, got.stdout+got.stderr, "PROXY")
	}
}

// throughProxy returns a transport with a proxy for all addresses, and no retries' wait.
func throughProxy(proxy string) http.RoundTripper {
	return &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: proxy}, nil }}
}

// TestProxyAdvice: a proxy that cannot be reached, or wants a password, is named.
func TestProxyAdvice(t *testing.T) {
	t.Parallel()
	wantsPassword := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(wantsPassword.Close)
	for name, proxy := range map[string]string{"refuses": refusingAddress(t), "wants a password": wantsPassword.Listener.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"MIHU_TENANT": "acme", "MIHU_API_TOKEN": secretToken}
			got := invocation{args: []string{"channels", number(1), "--timeout", "1s"}, env: env, transport: throughProxy(proxy)}.run(t)
			require.Equal(t, exitFailed, got.code, got.stderr)
			require.Contains(t, got.stderr, "the proxy cannot be used: check HTTPS_PROXY and NO_PROXY", got.stderr)
		})
	}
}

// TestNoTLS: a server that does not speak TLS is an error of the address.
func TestNoTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	env := map[string]string{"MIHU_TENANT": "acme", "MIHU_API_TOKEN": secretToken}
	got := invocation{args: []string{"channels", number(1), "--timeout", "1s"}, env: env, transport: transport}.run(t)
	require.Equal(t, exitFailed, got.code, got.stderr)
	require.Contains(t, got.stderr, "the server does not speak TLS at this address: check --base-url")
}

// TestNoLibraryTexts: what the command-line library says is rewritten.
func TestNoLibraryTexts(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for want, args := range map[string][]string{
		"want NUMBER; got 0 arguments":                {"create", "--agent", agent1},
		"want NUMBER...; got 0 arguments":             {"delete"},
		"want FILE; got 2 arguments":                  {"import", "a", "b"},
		"--agent is required":                         {"assign", number(1)},
		"--all and --from cannot be combined":         {"rotate", "--file", "x", "--all", "--from", "y"},
		"--rate: no value; want N/s":                  {"list", "--rate"},
		"--output: no value; want FORMAT":             {"list", "-o"},
		"unknown flag: -x\n":                          {"list", "-x" + secretPassword},
		"unknown flag: --json; use -o json":           {"list", "--json"},
		"unknown flag: --agnet; use --agent":          {"list", "--agnet", agent1},
		"json, csv, yaml; did you mean yaml?":         {"list", "-o", "yml"},
		"unknown flag: --tenant; use --workspace":     {"list", "--tenant=x"},
		"unknown flag: --verbose; use --debug":        {"list", "--verbose"},
		"unknown flag: --work; use --workspace":       {"list", "--work", "acme"},
		"unknown flag: --nothing-like-it\n":           {"list", "--nothing-like-it"},
		"SHELL: want one of bash":                     {"completion"},
		"use --version, or --debug to log requests\n": {"-v"},
	} {
		got := f.run(args...)
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.stderr, want, args)
		require.NotRegexp(t, `arg\(s\)|flag\(s\)|in the group|shorthand`, got.stderr)
	}
}
