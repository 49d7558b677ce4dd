package mihutest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultToken is the token of a server that was started without [WithToken].
	DefaultToken = "mihutest-token"

	basePath            = "/api/v1"
	defaultRequestLimit = 10_000
	// closeWait is how long Close waits for a function of InjectFunc that does not return.
	closeWait = 2 * time.Second
)

// TB is the part of [testing.TB] that this package needs. *testing.T, *testing.B and *testing.F
// implement it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Server is an in-process fake server of the Mihu API. Create one with [NewServer] in a test and
// with [Start] in other programs. It is safe for concurrent use. Its zero value is not usable.
type Server struct {
	address  string
	url      string
	cert     *x509.Certificate // nil without TLS
	latency  time.Duration
	rules    Rules
	routes   map[string]map[string]endpoint
	http     *http.Server    // nil with an in-memory transport
	ctx      context.Context // ends when Close begins; the parent of every request's context
	cancel   context.CancelFunc
	closing  sync.Once
	work     sync.WaitGroup // the accept loop, connections and requests
	requests atomic.Int64   // for X-Request-Id

	mu     sync.Mutex // guards token and closed
	token  string
	closed bool

	state  *state
	record *recorder
	faults faults
}

// NewServer starts a server for a test and closes it when the test ends. It fails the test if an
// option is invalid or the server cannot listen. [Start] does the same for programs that are not
// tests.
func NewServer(tb TB, opts ...Option) *Server {
	tb.Helper()
	s, err := Start(opts...)
	if err != nil {
		tb.Fatalf("%v", err)
		return nil
	}
	tb.Cleanup(s.Close)
	return s
}

// Start starts a server on a free port of the loopback interface, or without a port if
// [WithInMemoryTransport] is set. The caller must close it. It returns an error if an option is
// invalid or the server cannot listen.
func Start(opts ...Option) (*Server, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("mihutest: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		latency: c.latency,
		rules:   c.rules,
		token:   c.token,
		ctx:     ctx,
		cancel:  cancel,
		state:   newState(c.rules),
		record:  &recorder{limit: c.requestLimit},
	}
	s.routes = s.endpoints()
	if c.inMemory {
		s.url = memoryURL
		return s, nil
	}
	if err := s.listen(c.tls); err != nil {
		cancel()
		return nil, fmt.Errorf("mihutest: %w", err)
	}
	return s, nil
}

// listen opens the port and serves it.
func (s *Server) listen(withTLS bool) error {
	var config net.ListenConfig
	listener, err := config.Listen(s.ctx, "tcp", "127.0.0.1:0")
	if err != nil { // a machine without IPv4
		listener, err = config.Listen(s.ctx, "tcp", "[::1]:0")
	}
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	s.url = "http://" + s.address + basePath
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:         s.connState,
	}
	serve := s.http.Serve
	if withTLS {
		if s.http.TLSConfig, s.cert, err = newTLS(); err != nil {
			return errors.Join(err, listener.Close())
		}
		s.url = "https://" + s.address + basePath
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	s.work.Go(func() { _ = serve(listener) }) // always ends with http.ErrServerClosed
	return nil
}

// Close stops the server. It closes open connections, ends injected delays at once and waits for
// the server's goroutines to end. Requests in flight get no response. Calling Close again has no
// effect. The state and the requests of the server can still be read afterwards.
//
// If a function given to [Server.InjectFunc] does not return, Close returns after two seconds.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.cancel()
		if s.http != nil {
			_ = s.http.Close() // an error of the listener, which nothing uses any more
		}
		done := make(chan struct{})
		go func() {
			s.work.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(closeWait):
		}
	})
}

// begin registers a request with s.work; false means that the server is closed. Close relies on
// no request beginning after it has started to wait.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// connState counts connections. The accept loop, which is counted itself, calls it for a new
// connection. So the count cannot rise from 0 while Close waits.
func (s *Server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed:
		s.work.Done()
	default:
	}
}

// URL returns the base URL of the server, with the path /api/v1 and without a trailing slash. Pass
// it to mihu.WithBaseURL, or as MIHU_BASE_URL to another process. With [WithInMemoryTransport], only
// the server's own clients can use it.
func (s *Server) URL() string { return s.url }

// Token returns the token that the server accepts. Pass it to mihu.New, or as MIHU_API_TOKEN to
// another process.
func (s *Server) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// SetToken replaces the token: the server responds with 401 to the old one from now on. If token
// is empty, it responds with 401 to every request, as if the token had been revoked.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// String returns the type and the base URL of the server.
func (s *Server) String() string { return "mihutest.Server(" + s.url + ")" }

// Format prints String, whatever the verb: the token and the trunks do not appear.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns String.
func (s *Server) LogValue() slog.Value { return slog.StringValue(s.String()) }
