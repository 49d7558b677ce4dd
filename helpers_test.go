package mihu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// Values that most tests share.
const (
	baseURL      = "https://acme.mihu.ai/api/v1"
	token        = "planted-t0ken-9f8e7d6c"
	number       = "+12345678901"
	maskedNumber = "+1234•••8901"
	numberUUID   = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	agentUUID    = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
)

// The trunks of most tests.
var (
	frontDesk     = mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
	whatsAppTrunk = mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelWhatsApp}
)

// snapshotJSON is the documented response to a request that changes or reads a number's channels.
const snapshotJSON = `{"success": true, "message": "Updated", "data": {
	"phone_number_uuid": "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b", "number": "+12345678901", "is_external": true, "source": "external",
	"channels": {
		"call": {"capable": true, "enabled": true, "channel_limit": 10, "whitelisted_destinations": ["US"],
			"bound": true, "agent_uuid": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "agent_name": "Ada"},
		"sms": {"capable": false, "enabled": false, "channel_limit": null, "whitelisted_destinations": [],
			"bound": false, "agent_uuid": null, "agent_name": null},
		"whatsapp": {"bound": true, "agent_uuid": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "agent_name": "Ada"},
		"inbound": {"enabled": true, "channel_limit": 10}}}}`

const deletedJSON = `{"success": true, "message": "Trunk deleted"}`

// pageJSON is a list of one page, whose pagination says that it is the last.
const pageJSON = `{"success": true, "data": {
	"items": [{"phone_number_uuid": "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b", "number": "+12345678901"}],
	"pagination": {"current_page": 1, "per_page": 50, "total": 1, "last_page": 1, "from": 1, "to": 1, "has_more": false}}}`

// operation is a method of the client, called with valid arguments.
type operation struct {
	name string
	// write reports whether the method changes something.
	write bool
	// success is the body of a successful response.
	success string
	call    func(context.Context, *mihu.Client, ...mihu.CallOption) error
}

// operations returns every method of the client that sends requests.
func operations() []operation {
	return []operation{
		{"trunks.create", true, snapshotJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			_, err := c.Trunks.Create(ctx, createRequest(agentUUID), opts...)
			return err
		}},
		{"trunks.update", true, snapshotJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			_, err := c.Trunks.Update(ctx, frontDesk, rename, opts...)
			return err
		}},
		{"trunks.assign", true, snapshotJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			_, err := c.Trunks.Assign(ctx, frontDesk, agentUUID, opts...)
			return err
		}},
		{"trunks.delete", true, deletedJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			return c.Trunks.Delete(ctx, frontDesk, opts...)
		}},
		{"trunks.list", false, pageJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			_, err := c.Trunks.List(ctx, nil, opts...)
			return err
		}},
		{"trunks.list", false, pageJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			var last error
			for _, err := range c.Trunks.All(ctx, nil, opts...) {
				last = err
			}
			return last
		}},
		{"channels.get", false, snapshotJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			_, err := c.Channels.Get(ctx, numberUUID, opts...)
			return err
		}},
		{"channels.get_by_number", false, snapshotJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			_, err := c.Channels.GetByNumber(ctx, number, opts...)
			return err
		}},
		{"GET /phone-numbers/rates", false, pageJSON, func(ctx context.Context, c *mihu.Client, opts ...mihu.CallOption) error {
			return c.Do(ctx, &mihu.Request{Method: http.MethodGet, Path: "/phone-numbers/rates"}, nil, opts...)
		}},
	}
}

// rename is a valid update.
var rename = &mihu.TrunkUpdateRequest{Name: new("Reception")}

// newClient returns a client of the workspace acme that sends its requests through a transport.
func newClient(t *testing.T, transport http.RoundTripper, opts ...mihu.Option) *mihu.Client {
	t.Helper()
	opts = append([]mihu.Option{mihu.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	client, err := mihu.New("acme", token, opts...)
	require.NoError(t, err)
	return client
}

// sent is a request as the client sent it.
type sent struct {
	Method, Path, Query, Body string
	Header                    http.Header
	At                        time.Time
}

func record(t *testing.T, req *http.Request) sent {
	t.Helper()
	s := sent{
		Method: req.Method, Path: strings.TrimPrefix(req.URL.EscapedPath(), "/api/v1"), Query: req.URL.RawQuery,
		Header: req.Header.Clone(), At: time.Now(),
	}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if !assert.NoError(t, err) {
			return s
		}
		s.Body = string(body)
	}
	return s
}

// endpoint returns a client that can reach one endpoint, and where the request to it is recorded.
// The endpoint responds with 200 and the body.
func endpoint(t *testing.T, method, path, body string) (*mihu.Client, *sent) {
	t.Helper()
	return endpointWith(t, method, path, httpmock.NewStringResponder(http.StatusOK, body))
}

func endpointWith(t *testing.T, method, path string, respond httpmock.Responder) (*mihu.Client, *sent) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	got := new(sent)
	mock.RegisterResponder(method, baseURL+path, func(req *http.Request) (*http.Response, error) {
		*got = record(t, req)
		return respond(req)
	})
	return newClient(t, mock), got
}

// mustNotSend returns a client that fails the test if it sends a request.
func mustNotSend(t *testing.T, opts ...mihu.Option) *mihu.Client {
	t.Helper()
	return newClient(t, transportFunc(func(req *http.Request) (*http.Response, error) {
		assert.Fail(t, "sent", "%s %s", req.Method, req.URL)
		return nil, errLost
	}), opts...)
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// wire is a transport in memory that records its requests. It plays one step per request, and the
// last step for all further requests. It reports its connections through httptrace, as net/http's
// transport does, unless withoutTrace is set.
type wire struct {
	t            *testing.T
	steps        []step
	withoutTrace bool

	mu   sync.Mutex
	sent []sent
}

func newWire(t *testing.T, steps ...step) *wire {
	t.Helper()
	return &wire{t: t, steps: steps}
}

// step is the fate of one request. If dial is set, the request gets no connection and is never
// sent.
type step struct {
	dial func(*http.Request) error
	then func(*http.Request) (*http.Response, error)
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	got := record(w.t, req)
	w.mu.Lock()
	w.sent = append(w.sent, got)
	s := w.steps[min(len(w.sent), len(w.steps))-1]
	w.mu.Unlock()
	trace := httptrace.ContextClientTrace(req.Context())
	if w.withoutTrace || trace == nil {
		trace = new(httptrace.ClientTrace)
	}
	if trace.GetConn != nil {
		trace.GetConn(req.URL.Host)
	}
	if s.dial != nil {
		return nil, s.dial(req)
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	unread := req.WithContext(req.Context())
	unread.Body = io.NopCloser(strings.NewReader(got.Body))
	resp, err := s.then(unread)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// Sent returns the requests so far.
func (w *wire) Sent() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent)
}

// Attempts returns the number of requests so far.
func (w *wire) Attempts() int { return len(w.Sent()) }

// Waits returns the times between the requests.
func (w *wire) Waits() []time.Duration {
	var waits []time.Duration
	all := w.Sent()
	for i := range len(all) - 1 {
		waits = append(waits, all[i+1].At.Sub(all[i].At))
	}
	return waits
}

// respondWith responds with a status, a body and headers, given as pairs of name and value.
func respondWith(status int, body string, header ...string) step {
	return step{then: func(*http.Request) (*http.Response, error) { return response(status, body, header...), nil }}
}

func response(status int, body string, header ...string) *http.Response {
	resp := httpmock.NewStringResponse(status, body)
	resp.ContentLength = int64(len(body))
	for pair := range slices.Chunk(header, 2) {
		resp.Header.Set(pair[0], pair[1])
	}
	return resp
}

// ok responds with a snapshot.
func ok() step { return respondWith(http.StatusOK, snapshotJSON) }

// apiError responds with an error of the documented shape.
func apiError(status int, header ...string) step {
	return respondWith(status, fmt.Sprintf(`{"success": false, "message": "Refused", "error": {"code": "CODE_%d"}}`, status), header...)
}

// lost breaks the connection after the request was sent.
func lost() step {
	return step{then: func(*http.Request) (*http.Response, error) { return nil, errLost }}
}

// neverSent fails before there is a connection.
func neverSent(err error) step { return step{dial: func(*http.Request) error { return err }} }

// The errors of requests that were lost, or never sent.
var (
	errLost        = errors.New("connection lost")
	errRefusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errNoSuchHost  = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "acme.mihu.ai", IsNotFound: true}}
)

// hangs does not respond before the attempt is abandoned.
func hangs() step {
	return step{then: func(req *http.Request) (*http.Response, error) { return nil, blockUntilDone(req) }}
}

// dialHangs gets no connection before the attempt is abandoned.
func dialHangs() step { return step{dial: blockUntilDone} }

func blockUntilDone(req *http.Request) error {
	<-req.Context().Done()
	return context.Cause(req.Context())
}

// cutShort responds with a body that ends with an error.
func cutShort(status int, body string) step {
	return step{then: func(*http.Request) (*http.Response, error) {
		resp := response(status, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), failingReader{io.ErrUnexpectedEOF}))
		resp.ContentLength = -1
		return resp, nil
	}}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// withoutRetries turns retries off.
var withoutRetries = mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1})

var sentinels = map[string]error{
	"ErrUnauthorized": mihu.ErrUnauthorized, "ErrForbidden": mihu.ErrForbidden, "ErrNotFound": mihu.ErrNotFound,
	"ErrConflict": mihu.ErrConflict, "ErrInvalid": mihu.ErrInvalid, "ErrRateLimited": mihu.ErrRateLimited,
	"ErrServer": mihu.ErrServer, "ErrMalformedResponse": mihu.ErrMalformedResponse, "ErrRedirect": mihu.ErrRedirect,
	"ErrOutcomeUnknown": mihu.ErrOutcomeUnknown,
}

// assertMatches asserts that an error matches the sentinels in want and no others.
func assertMatches(t *testing.T, err error, want ...error) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(sentinels)) {
		assert.Equal(t, slices.Contains(want, sentinels[name]), errors.Is(err, sentinels[name]), "%s: %v", name, err)
	}
}

// requireViolations requires a *ValidationError whose violations are of these fields, in this
// order.
func requireViolations(t *testing.T, err error, op string, fields ...string) *mihu.ValidationError {
	t.Helper()
	var invalid *mihu.ValidationError
	require.ErrorAs(t, err, &invalid)
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.Equal(t, op, invalid.Op)
	var got []string
	for _, violation := range invalid.Violations {
		got = append(got, violation.Field)
	}
	require.Equal(t, fields, got, "%v", err)
	return invalid
}

func requireAPIError(t *testing.T, err error) *mihu.APIError {
	t.Helper()
	var api *mihu.APIError
	require.ErrorAs(t, err, &api)
	return api
}

func requireTransportError(t *testing.T, err error) *mihu.TransportError {
	t.Helper()
	var transport *mihu.TransportError
	require.ErrorAs(t, err, &transport)
	return transport
}

func requireUnknownOutcome(t *testing.T, err error) *mihu.UnknownOutcomeError {
	t.Helper()
	var outcome *mihu.UnknownOutcomeError
	require.ErrorAs(t, err, &outcome)
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
	return outcome
}

// logbook collects what a logger writes.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Lines returns the records, one line each.
func (l *logbook) Lines() []string {
	return strings.FieldsFunc(l.String(), func(r rune) bool { return r == '\n' })
}

// logger returns a logger that writes to the logbook at every level, without times.
func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// doRequest sends a request with a method to an endpoint that the package has no method for.
func doRequest(ctx context.Context, client *mihu.Client, method string, opts ...mihu.CallOption) error {
	return client.Do(ctx, &mihu.Request{Method: method, Path: "/x", Body: map[string]any{"a": 1}}, new(map[string]any), opts...)
}

// fastRetries retries almost without waits.
var fastRetries = mihu.WithRetryPolicy(mihu.RetryPolicy{
	BaseDelay: time.Millisecond, MaxDelay: 2 * time.Millisecond, RateLimitDelay: time.Millisecond,
})

// createRequest sets everything that cannot be read back.
func createRequest(agent string) *mihu.TrunkCreateRequest {
	return &mihu.TrunkCreateRequest{
		TrunkID: frontDesk, AgentUUID: agent, Name: "Front desk", Direction: mihu.DirectionInbound,
		SIP: &mihu.SIPCredentials{
			Gateway: "sip.example.com", Port: 5061, Username: "alice", Password: "s3cret", SecondaryGateway: "sip2.example.com",
		},
		AdditionalSettings: map[string]any{"ani_format": "e164"},
	}
}

// requestLines returns the requests that the server received, such as "POST trunks 201".
func requestLines(srv *mihutest.Server) []string {
	var lines []string
	for _, r := range srv.Requests() {
		lines = append(lines, strings.Replace(r.String(), " /phone-numbers/", " ", 1))
	}
	return lines
}

func onPost(f mihutest.Fault) mihutest.Fault {
	f.On.Method, f.On.Path = http.MethodPost, "/phone-numbers/trunks"
	return f
}

func onGet(f mihutest.Fault) mihutest.Fault {
	f.On.Method, f.On.Path = http.MethodGet, "/phone-numbers/channels"
	return f
}

func onPatch(f mihutest.Fault) mihutest.Fault {
	f.On.Method, f.On.Path = http.MethodPatch, "/phone-numbers/trunks"
	return f
}

func assertStored(t *testing.T, srv *mihutest.Server, agent string) {
	t.Helper()
	require.Len(t, srv.Trunks(), 1)
	stored, ok := srv.Trunk(frontDesk)
	require.True(t, ok)
	want := createRequest(agent)
	assert.True(t, strings.EqualFold(agent, stored.AgentUUID))
	assert.Equal(t, want.Name, stored.Name)
	assert.Equal(t, want.Direction, stored.Direction)
	assert.Equal(t, *want.SIP, stored.SIP)
	assert.Equal(t, want.AdditionalSettings, stored.AdditionalSettings)
}
