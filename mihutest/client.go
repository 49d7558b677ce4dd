package mihutest

import (
	"context"

	"github.com/mihu-go/mihu"
)

// NewClient is a client of the server, with its URL and the token that it accepts now: a client
// made before SetToken keeps the old token. Options come after those that make it so, and win
// over them. It fails where mihu.New does.
func (s *Server) NewClient(opts ...mihu.Option) (*mihu.Client, error) {
	token := s.Token()
	base := []mihu.Option{
		mihu.WithBaseURL(s.url),
		// The token is an option and not an argument, so that an option can replace it.
		mihu.WithTokenSource(mihu.TokenFunc(func(context.Context) (string, error) { return token, nil })),
	}
	if s.cert != nil {
		base = append(base, mihu.WithHTTPClient(s.HTTPClient()))
	}
	return mihu.New("", "", append(base, opts...)...)
}

// Client is NewClient for a test: it fails the test where there is an error, and closes the
// client's idle connections when the test ends.
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
