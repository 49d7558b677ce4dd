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
	// closeWait bounds Close where a function given to InjectFunc does not return.
	closeWait = 2 * time.Second
)

// TB is the part of [testing.TB] that this package needs. *testing.T, *testing.B and *testing.F
// have it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Server is a Mihu that lives in the process. It is made by [NewServer] or [Start] and safe for
// concurrent use. Its zero value is not usable.
type Server struct {
	address  string
	url      string
	cert     *x509.Certificate // nil without TLS
	latency  time.Duration
	rules    Rules
	routes   map[string]map[string]endpoint
	http     *http.Server
	ctx      context.Context // ends when Close begins; every request's context comes of it
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

type config struct {
	token        string
	rules        Rules
	latency      time.Duration
	requestLimit int
	tls          bool
}

// Option changes a server before it starts. Options do not depend on their order; of two of the
// same kind the last one wins.
type Option func(*config) error

// WithToken sets the token that the server accepts; the default is [DefaultToken]. An empty
// token is an error.
func WithToken(token string) Option {
	return func(c *config) error {
		if token == "" {
			return errors.New("WithToken: the token is empty")
		}
		c.token = token
		return nil
	}
}

// WithRules sets what the contract leaves open; see [Rules]. Rules that are not possible are an
// error.
func WithRules(rules Rules) Option {
	return func(c *config) (err error) {
		c.rules, err = rules.complete()
		return err
	}
}

// WithLatency makes every request wait before it is handled, as a network would. The wait ends
// early when the client goes away or the server is closed. The default is 0; a negative duration
// is an error.
func WithLatency(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("WithLatency: %v is negative", d)
		}
		c.latency = d
		return nil
	}
}

// WithRequestLimit sets how many requests [Server.Requests] keeps, the newest ones. The default
// is 10,000; 0 keeps none, and a negative number is an error.
func WithRequestLimit(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return fmt.Errorf("WithRequestLimit: %d is negative", n)
		}
		c.requestLimit = n
		return nil
	}
}

// WithTLS serves HTTPS with a certificate made for this server, and HTTP/2 to clients that ask
// for it. [Server.Client], [Server.NewClient] and [Server.HTTPClient] trust the certificate.
func WithTLS() Option {
	return func(c *config) error {
		c.tls = true
		return nil
	}
}

// NewServer starts a server for a test and closes it when the test ends. It fails the test where
// an option is wrong or the server cannot listen.
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

// Start starts a server on a free port of the loopback interface, for programs that are not
// tests; the caller closes it. It fails where an option is wrong or the server cannot listen.
func Start(opts ...Option) (*Server, error) {
	rules, err := Rules{}.complete()
	c := config{token: DefaultToken, rules: rules, requestLimit: defaultRequestLimit}
	for _, opt := range opts {
		err = errors.Join(err, opt(&c))
	}
	if err != nil {
		return nil, fmt.Errorf("mihutest: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := listen(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("mihutest: %w", err)
	}
	s := &Server{
		address: listener.Addr().String(),
		latency: c.latency,
		rules:   c.rules,
		token:   c.token,
		ctx:     ctx,
		cancel:  cancel,
		state:   newState(c.rules),
		record:  &recorder{limit: c.requestLimit},
	}
	s.url = "http://" + s.address + basePath
	s.routes = s.endpoints()
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:         s.connState,
	}
	serve := s.http.Serve
	if c.tls {
		if s.http.TLSConfig, s.cert, err = newTLS(); err != nil {
			cancel()
			return nil, errors.Join(fmt.Errorf("mihutest: %w", err), listener.Close())
		}
		s.url = "https://" + s.address + basePath
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	s.work.Go(func() { _ = serve(listener) }) // always ends with http.ErrServerClosed
	return s, nil
}

func listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil { // a machine without IPv4
		l, err = config.Listen(ctx, "tcp", "[::1]:0")
	}
	return l, err
}

// Close stops the server: it cuts open connections, ends injected delays at once and waits for
// what the server runs to end. Requests that were being handled get no answer. Closing twice is
// the same as closing once. What the server holds can still be read afterwards.
//
// A function given to [Server.InjectFunc] that does not return holds Close up for two seconds,
// not for ever.
func (s *Server) Close() {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.cancel()
		_ = s.http.Close() // an error of the listener: there is nobody left to serve
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

// begin counts a request in; false means that the server is closed. Close counts on it that no
// request begins after it has started to wait.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// connState counts connections. It is called for a new one by the accept loop, which is counted
// itself, so that the count cannot rise from 0 while Close waits.
func (s *Server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed:
		s.work.Done()
	default:
	}
}

// URL is the whole base URL of the server, with the path /api/v1 and without a slash at the end:
// what mihu.WithBaseURL takes, and MIHU_BASE_URL for a program in a process of its own.
func (s *Server) URL() string { return s.url }

// Token is the token that the server accepts, for mihu.New or MIHU_API_TOKEN.
func (s *Server) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// SetToken replaces the token: from now on the old one is answered 401. With an empty token
// every request is answered 401, as after a revocation.
func (s *Server) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// String names the server and its base URL.
func (s *Server) String() string { return "mihutest.Server(" + s.url + ")" }

// Format prints String, whatever the verb: the token and the trunks do not appear.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s *Server) LogValue() slog.Value { return slog.StringValue(s.String()) }

type connKey struct{}

// cut closes the connection of a request so that its client sees a reset: on HTTP/1.1 this
// request gets no answer, on HTTP/2 no request of the connection does.
func cut(ctx context.Context) {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS would say goodbye first
		conn = c.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // reset instead of an orderly end
	}
	if conn != nil {
		_ = conn.Close()
	}
}

// wait waits for d; false means that the client went away or that the server was closed.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
