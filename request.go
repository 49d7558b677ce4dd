package mihu

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/mihu-go/mihu/internal/redact"
)

// Request is a request to any endpoint of the API, for [Client.Do].
type Request struct {
	// Method is GET, POST, PUT, PATCH or DELETE.
	Method string
	// Path is relative to the base URL, such as "/phone-numbers/{uuid}/channels". A segment in
	// braces stands for the argument of that name.
	Path string
	// PathArgs are the arguments of Path. They are escaped. Arguments that could change the
	// endpoint are refused: "", ".", "..", and any with a slash, a backslash or a control
	// character.
	PathArgs map[string]string
	// Query is a struct with `url` tags, as go-querystring reads them, or url.Values; nil is none.
	Query any
	// Body is sent as JSON, as encoding/json writes it; nil is none. A body of null is refused.
	Body any
	// Idempotent allows a POST to be retried like the other methods, also after a failure that may
	// have been applied. Set it only if applying the request twice does no harm. The other methods
	// ignore it.
	Idempotent bool
}

// spec returns the request as the pipeline takes it.
func (r *Request) spec() *spec {
	s := &spec{op: clipPlain(r.Method + " " + r.Path), method: r.Method, path: r.Path, args: r.PathArgs, query: r.Query, body: r.Body}
	if r.Method == http.MethodPost && r.Idempotent {
		s.column = columnWrites
	}
	return s
}

// spec is a request before it is checked and encoded: of a method of this package, or of
// [Client.Do].
type spec struct {
	op           string
	method, path string // path is a template
	args         map[string]string
	query, body  any
	// column is the column of the retry table; columnReads means that of the method.
	column column
	// expect is what a snapshot in the response has to show.
	expect expectation
	// done returns why a success is not evidence that a change is made that no snapshot shows; nil
	// for no such check.
	done func(status int, body []byte) error
	// advice says how to find out the result of the request if its outcome is unknown; "" for
	// general advice.
	advice string
}

func (s *spec) columnOf() column {
	switch {
	case s.column != columnReads:
		return s.column
	case s.method == http.MethodGet:
		return columnReads
	case s.method == http.MethodPost:
		return columnPosts
	}
	return columnWrites
}

// Response is the metadata of a call, filled in by [WithResponse]. After an error it describes the
// last response; if there was none, only Attempts can be set. It prints without headers and body.
type Response struct {
	// StatusCode is the HTTP status.
	StatusCode int
	// Header has the headers of the response.
	Header http.Header
	// RequestID is as in [APIError].
	RequestID string
	// Attempts counts the requests that were sent for the call.
	Attempts int
	// Reconciled reports whether the call read the number's channels because its own response was
	// lost or did not prove the change, see [TrunksService.Create]. The call's error reports
	// whether it succeeded. If Reconciled is set, the other fields may describe the response to
	// such a read or to the PATCH after it, and Attempts counts these requests too.
	Reconciled bool
	// Body is the body as it was received, decompressed. The request's secrets are removed from it.
	Body []byte
}

// LogValue shows the response without headers and body.
func (r Response) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("status", r.StatusCode), slog.String("request_id", r.RequestID),
		slog.Int("attempts", r.Attempts), slog.Bool("reconciled", r.Reconciled), slog.Int("bytes", len(r.Body)))
}

// Format prints what LogValue shows, under every verb.
func (r Response) Format(f fmt.State, verb rune) { formatGroup(f, verb, "Response", r) }

// CallOption changes one call. Make one with the functions below.
type CallOption interface{ applyCall(c *callConfig) }

type callOption func(*callConfig)

func (o callOption) applyCall(c *callConfig) { o(c) }

type callConfig struct {
	found        violations
	response     *Response
	header       http.Header
	unreconciled bool
	limiter      Limiter
}

// WithResponse fills in the metadata of the call when it ends. nil is ignored.
func WithResponse(into *Response) CallOption {
	return callOption(func(c *callConfig) { c.response = into })
}

// WithHeader sets a header of the call's requests. Headers that this package or net/http sets are
// refused, such as Authorization. So is Idempotency-Key: the API does not document it, and it would
// make net/http retry a POST on its own.
func WithHeader(name, value string) CallOption {
	return callOption(func(c *callConfig) {
		name = http.CanonicalHeaderKey(name)
		if problem := headerProblem(name, value); problem != "" {
			c.found.add("header "+redact.Quote(name), "", problem)
			return
		}
		if c.header == nil {
			c.header = make(http.Header)
		}
		c.header.Set(name, value)
	})
}

// WithCallLimiter waits for a limiter before every attempt of the call, and of the requests that
// reconcile or verify it, after the client's own limiter of [WithLimiter]. If the limiter returns
// an error, the call ends and nothing is sent. nil is the default: no limit but the client's.
func WithCallLimiter(limiter Limiter) CallOption {
	limiter = orNoLimiter(limiter)
	return callOption(func(c *callConfig) { c.limiter = limiter })
}
