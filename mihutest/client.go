package mihutest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"

	"github.com/mihu-go/mihu"
)

// Client returns a client of the server for a test. It fails the test if an option is invalid, and
// closes the client's idle connections when the test ends. [Server.NewClient] does the same for
// programs that are not tests.
func (s *Server) Client(tb TB, opts ...mihu.Option) *mihu.Client {
	tb.Helper()
	client, err := s.NewClient(opts...)
	if err != nil {
		tb.Fatalf("mihutest: %v", err)
		return nil
	}
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

// NewClient returns a client of the server that uses the server's URL and its current token. A
// client that was created before SetToken keeps the old token. Its [mihu.WithMaxReadLag] is the
// server's Rules.MaxReadLag, which is ReadLag if unset, and off if both are 0. The options override
// these defaults. It returns the errors of [mihu.New].
func (s *Server) NewClient(opts ...mihu.Option) (*mihu.Client, error) {
	token := s.Token()
	base := []mihu.Option{
		mihu.WithBaseURL(s.url),
		// The token is an option and not an argument, so that an option can override it.
		mihu.WithTokenSource(mihu.TokenFunc(func(context.Context) (string, error) { return token, nil })),
		// Reads lag only if the rules say so. A test that changes the state behind the client's back does not
		// make the client wait for a read that agrees with its own write.
		mihu.WithMaxReadLag(cmp.Or(s.rules.MaxReadLag, -1)),
	}
	if s.cert != nil || s.http == nil {
		base = append(base, mihu.WithHTTPClient(s.HTTPClient()))
	}
	return mihu.New("", "", append(base, opts...)...)
}

// HTTPClient returns a new HTTP client that sends every request to this server, whatever the host
// in its URL, and that trusts the server's certificate. With [WithTLS], the certificate is valid
// for the loopback interface, *.mihu.ai and *.mindhunters.ai, so a client can use the URL of its
// workspace instead of the server's URL. [Server.Close] closes its connections.
func (s *Server) HTTPClient() *http.Client {
	if s.http == nil {
		return &http.Client{Transport: memoryTransport{s}}
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", s.address)
		},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
	}
	if s.cert != nil {
		pool := x509.NewCertPool()
		pool.AddCert(s.cert)
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return &http.Client{Transport: transport}
}
