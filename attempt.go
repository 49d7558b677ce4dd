package mihu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mihu-go/mihu/internal/redact"
)

// attempt is one request of a call, and its response or failure. Every attempt has a trace of its
// own, so that a late callback of one says nothing of another.
type attempt struct {
	call       *call
	number     int
	started    time.Time
	ctx        context.Context // ends with the attempt timeout
	trace      httptrace.ClientTrace
	reached    atomic.Int32 // how far the attempt got, a reach
	received   Response
	response   *Response // received; nil if there was none
	proto      string
	shownID    *string // the request ID without secrets, once it was needed
	err        error   // an *APIError or a *TransportError; nil is a success
	failure    failure
	retryAfter time.Duration
	ambiguous  bool // the attempt failed and may have been applied
}

// How far an attempt got.
const (
	reachUnknown    int32 = iota // not every transport reports through httptrace
	reachDialing                 // it asked for a connection
	reachConnection              // it had one, and the server may have seen the request
)

// send sends the request, reads the response and classifies a failure.
func (a *attempt) send(req *http.Request) {
	c := a.call
	a.ctx = c.watch.attemptStarts(c.ctx, a.number)
	if c.core.timeout > 0 {
		var cancel context.CancelFunc
		a.ctx, cancel = context.WithTimeoutCause(a.ctx, c.core.timeout, c.core.late)
		defer cancel()
	}
	ctx := a.ctx
	if c.writes() {
		a.trace.GetConn = func(string) { a.reached.CompareAndSwap(reachUnknown, reachDialing) }
		a.trace.GotConn = func(httptrace.GotConnInfo) { a.reached.Store(reachConnection) }
		ctx = httptrace.WithClientTrace(ctx, &a.trace)
	}
	a.addHeaders(req.Header)
	resp, err := c.core.transport.RoundTrip(req.WithContext(ctx))
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		a.fail(err)
	case resp == nil:
		a.fail(fmt.Errorf("the transport (%T) returned neither a response nor an error", c.core.transport))
	default:
		a.read(resp)
	}
}

var acceptJSON = []string{"application/json"}

// addHeaders adds to what the loop set, such as a jar's cookies.
func (a *attempt) addHeaders(header http.Header) {
	c := a.call
	maps.Copy(header, c.opts.header)
	c.watch.addHeaders(header)
	header["Authorization"] = c.bearer.header
	if header["Accept"] == nil {
		header["Accept"] = acceptJSON
	}
	if header["User-Agent"] == nil {
		header["User-Agent"] = c.core.userAgent
	}
	if c.body != nil {
		header["Content-Type"] = acceptJSON
	}
}

// read reads a response. Anything but a success is an error.
func (a *attempt) read(resp *http.Response) {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readBody(resp.Body, resp.ContentLength)
	a.received = Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: body, RequestID: requestID(resp.Header)}
	a.response = &a.received
	a.proto = resp.Proto
	success := resp.StatusCode/100 == 2
	if err != nil && success && a.ctx.Err() != nil {
		a.fail(err) // the attempt timed out; the response is not cut short
		return
	}
	if err != nil && !errors.Is(err, ErrMalformedResponse) {
		err = fmt.Errorf("%w: %w", errCutShort, a.named(err))
	}
	if err == nil && success {
		err = a.decode(resp, body)
	}
	if success && err == nil {
		return
	}
	api := a.apiError(resp, body, err)
	a.failed(api, classifyResponse(api))
	a.retryAfter = api.RetryAfter
}

// decode reads a success, and checks that it is evidence of what the operation asked for.
func (a *attempt) decode(resp *http.Response, body []byte) error {
	c := a.call
	if len(body) == 0 && resp.StatusCode != http.StatusNoContent && endsWithItsConnection(resp) {
		return errCutShort // perhaps all of it
	}
	err := decodeResponse(body, c.into)
	if done := c.spec.done; done != nil && (err == nil || errors.Is(err, errAcknowledged)) {
		if undone := done(resp.StatusCode, body); undone != nil {
			return undone
		}
	}
	if err != nil {
		return err
	}
	if t, ok := c.into.(*snapshotTarget); ok {
		return c.spec.expect.check(&t.snap)
	}
	return nil
}

// fail is the end of an attempt without a complete response.
func (a *attempt) fail(err error) {
	c := a.call
	cause := withoutURL(err)
	failed := failedByCaller
	if c.ctx.Err() == nil {
		failed = classify(cause, c.writes() && a.sent() || !c.writes() && !isDialError(cause))
	}
	a.failed(c.transportError(a.named(cause)), failed)
}

func (a *attempt) failed(err error, failed failure) {
	a.err, a.failure = err, failed
	if !a.call.writes() {
		return
	}
	switch failed.rule().applied {
	case maybeApplied:
		a.ambiguous = true
	case appliedIfSent:
		a.ambiguous = a.sent()
	case notApplied:
	}
}

// withoutURL removes what net/http puts around an error: the URL, with the number in it.
func withoutURL(err error) error {
	for {
		wrapped, ok := err.(*url.Error) //nolint:errorlint // only the outermost, one after the other
		if !ok || wrapped.Err == nil {
			return err
		}
		err = wrapped.Err
	}
}

// sent reports whether the server may have seen the attempt. If a transport reports nothing, it
// may.
func (a *attempt) sent() bool { return a.reached.Load() != reachDialing }

// named returns the end of the caller's context, or of the attempt's time, under its own name,
// whatever the transport made of it.
func (a *attempt) named(cause error) error {
	if a.call.ctx.Err() != nil {
		return contextError(a.call.ctx)
	}
	if a.ctx.Err() == nil {
		return cause
	}
	return a.call.core.late
}

func (a *attempt) apiError(resp *http.Response, body []byte, cause error) *APIError {
	c := a.call
	hide := c.redactor()
	e := &APIError{
		Op: c.spec.op, Method: c.spec.method, Path: c.spec.path, StatusCode: resp.StatusCode, Attempts: a.number,
		RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), serverTime(resp.Header)), RequestID: hide.ID(a.response.RequestID),
		conflict: c.isConflict(resp.StatusCode),
	}
	if resp.StatusCode/100 != 2 || errors.Is(cause, errRefused) {
		cause = e.explain(body, cause, hide)
	} else if found, err := decodeProblem(body); err == nil {
		e.Message = hide.Text(found.message) // what a success says that is none
	}
	if errors.Is(cause, ErrMalformedResponse) {
		// A type's own decoding may quote in its text what it could not read.
		cause = &cleaned{cause, hide.Text(cause.Error() + " " + contentNote(resp.Header, len(body)))}
	}
	switch {
	case resp.StatusCode == http.StatusNotModified:
		cause = errNotModified
	case resp.StatusCode/100 == 3:
		cause = fmt.Errorf("%w to %s, not followed; check the base URL", ErrRedirect, hide.Text(redirectTarget(resp.Header)))
	}
	e.Err = cause
	e.Body = hide.Body(body)
	e.Body = e.Body[:min(len(e.Body), maxKept):min(len(e.Body), maxKept)]
	return e
}

// isConflict reports whether the caller knows that a refusal is a conflict. A 404 to an Assign is about
// the trunk.
func (c *call) isConflict(status int) bool {
	known := c.spec.op == OpTrunksCreate || c.spec.op == OpTrunksAssign && status != http.StatusNotFound
	return known && slices.Contains(c.core.conflicts, status)
}

// serverTime returns the server's own time, to which a date in its Retry-After refers: its clock
// may differ from ours. It returns our time if the response has none.
func serverTime(header http.Header) time.Time {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

// explain fills in what the body says about the failure, and returns why it could not be read, or
// nil.
func (e *APIError) explain(body []byte, cause error, hide *redact.Redactor) error {
	found, unreadable := decodeProblem(body)
	e.Code, e.Message, e.Details = hide.Code(found.code), hide.Text(found.message), hide.Text(found.details)
	for field, messages := range found.fields {
		if e.FieldErrors == nil {
			e.FieldErrors = make(map[string][]string, len(found.fields))
		}
		name := hide.Text(field)
		for _, message := range messages {
			e.FieldErrors[name] = append(e.FieldErrors[name], hide.Text(message))
		}
	}
	if cause == nil || errors.Is(cause, errRefused) && found.message+found.code != "" {
		return unreadable
	}
	return cause
}

// requestID returns the ID of the response, without the request's secrets.
func (a *attempt) requestID() string {
	if a.shownID == nil {
		id := a.response.RequestID
		if id != "" {
			id = a.call.redactor().ID(id)
		}
		a.shownID = &id
	}
	return *a.shownID
}

// end notifies the hooks and logs the attempt.
func (a *attempt) end() {
	c := a.call
	if c.watch.wantsAttemptEnd() {
		c.watch.attemptEnds(a.result())
	}
	log := c.core.log
	if log == nil || !log.Enabled(c.ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("op", c.spec.op), slog.String("method", c.spec.method), slog.Int("attempt", a.number),
		slog.Duration("duration", time.Since(a.started)),
	}
	if a.response != nil {
		attrs = append(attrs, slog.Int("status", a.response.StatusCode), slog.String("request_id", a.requestID()))
		if a.response.StatusCode == http.StatusTooManyRequests {
			attrs = append(attrs, rateLimitAttrs(a.response.Header, c.redactor())...)
		}
	}
	if a.err != nil {
		attrs = append(attrs, slog.String("error", a.err.Error()))
	}
	log.LogAttrs(c.ctx, slog.LevelDebug, "mihu: attempt", attrs...)
}

// rateLimitAttrs describes how a 429 tells its limit: the names of its headers and the form of
// Retry-After, without values. The API documents neither.
func rateLimitAttrs(header http.Header, hide *redact.Redactor) []slog.Attr {
	const maxNames = 8
	var names []string
	for name := range header {
		if plain := strings.ToLower(strings.ReplaceAll(name, "-", "")); strings.Contains(plain, "ratelimit") || plain == "retryafter" {
			names = append(names, hide.Text(redact.Clip(name)))
		}
	}
	slices.Sort(names)
	return []slog.Attr{
		slog.String("rate_headers", strings.Join(names[:min(len(names), maxNames)], " ")),
		slog.String("retry_after_form", retryAfterForm(header.Get("Retry-After"))),
	}
}

// result describes the attempt to hooks.
func (a *attempt) result() AttemptResult {
	result := AttemptResult{RequestSize: len(a.call.body), Duration: time.Since(a.started), Err: a.err}
	if a.response != nil {
		result.StatusCode, result.RequestID, result.Proto = a.response.StatusCode, a.requestID(), a.proto
		result.ResponseSize = len(a.response.Body)
	}
	return result
}

// bare returns the response as the loop sees it: its cookies are for the jar, all else was read. Its
// status is never that of a redirect, which the loop's http.Client would look into.
func (a *attempt) bare() *http.Response {
	cookies := a.response.Header["Set-Cookie"]
	if cookies == nil {
		return a.call.core.loop.received
	}
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Header: http.Header{"Set-Cookie": cookies}}
}
