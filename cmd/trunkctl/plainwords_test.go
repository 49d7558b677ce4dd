package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlainWords: errors of the standard library are printed without the names of its functions.
func TestPlainWords(t *testing.T) {
	t.Parallel()
	address := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}
	host := &net.DNSError{Err: "no such host", Name: "acme.test", Server: "192.0.2.53:53", IsNotFound: true}
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	var syntax *json.SyntaxError
	require.ErrorAs(t, json.Unmarshal([]byte("<html>"), new(any)), &syntax)
	for want, err := range map[string]error{
		"cannot connect to 192.0.2.1:443: connection refused":                     refused,
		"the proxy: cannot connect to 192.0.2.1:443: connection refused":          &net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused},
		"no such host: acme.test":                                                 &net.OpError{Op: "dial", Net: "tcp", Err: host},
		"the address of acme.test cannot be looked up: server misbehaving":        &net.DNSError{Err: "server misbehaving", Name: "acme.test", Server: "x"},
		"lost the connection to 192.0.2.1:443: connection reset by peer":          &net.OpError{Op: "read", Net: "tcp", Addr: address, Err: os.NewSyscallError("read", syscall.ECONNRESET)},
		"/a/b: no such file or directory":                                         &fs.PathError{Op: "open", Path: "/a/b", Err: syscall.ENOENT},
		"malformed response: not JSON":                                            fmt.Errorf("malformed response: not JSON: %w", syntax),
		"trunks.list: cannot connect to 192.0.2.1:443: connection refused; twice": fmt.Errorf("trunks.list: %w; twice", refused),
		"one of ours": errors.New("one of ours"),
	} {
		require.Equal(t, want, plainText(err))
	}
}

// TestUntrustedCertificate: a certificate that cannot be trusted is printed in plain words too.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	env := map[string]string{"MIHU_TENANT": "acme", "MIHU_API_TOKEN": secretToken}
	got := invocation{args: []string{"channels", number(1)}, env: env, transport: transport}.run(t)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "the certificate of the server cannot be trusted: ")
	require.NotRegexp(t, `x509|tls:`, got.stderr)
}

// TestNoTemporaryNames: an error names the file that was asked for.
func TestNoTemporaryNames(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	path := filepath.Join(f.dir, "none", "trunks.csv")
	got := f.run("export", "--file", path)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "trunkctl: "+path+": no such file or directory\n")
}
