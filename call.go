package mihu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/mihu-go/mihu/internal/redact"
)

// Do sends a request to any endpoint of the API, with the authentication, the errors and the
// handling of answers that every method of this package has, and repeats it by the same rules. It
// decodes the "data" of the answer into what data points to; nil ignores it and accepts an empty
// answer. A request that is not acceptable is a *ValidationError and is not sent.
func (c *Client) Do(ctx context.Context, req *Request, data any, opts ...CallOption) error {
	x, err := c.exchange(ctx, req, data, opts)
	if err != nil {
		return err
	}
	return x.finish(x.run())
}

// exchange prepares a call: everything that can be refused is refused here.
func (c *Client) exchange(ctx context.Context, req *Request, data any, opts []CallOption) (*exchange, error) {
	if req == nil {
		return nil, nilRequest("do")
	}
	op := req.op
	if op == "" {
		op = clipPlain(req.Method + " " + req.Path)
	}
	if c == nil || c.core == nil {
		return nil, (violations{{Field: "client", Problem: "not made by New"}}).err(op)
	}
	x := &exchange{core: c.core, ctx: ctx, op: op, method: req.Method, path: req.Path, advice: req.advice, into: data, blankData: req.blankData}
	found := &x.found
	if ctx == nil {
		found.add("context", "", "nil; use context.Background() where there is none")
	}
	if v := reflect.ValueOf(data); data != nil && v.Kind() != reflect.Pointer {
		found.add("data", "", fmt.Sprintf("want a pointer to decode into, or nil, got %T", data))
	} else if data != nil && v.IsNil() {
		found.add("data", "", fmt.Sprintf("want a pointer to decode into, or nil without a type, got a nil %T", data))
	}
	switch req.Method {
	case http.MethodGet:
		x.replayable = true
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		x.replayable, x.write = true, true
	case http.MethodPost:
		x.replayable, x.write = req.Idempotent, true
	default:
		found.add("method", redact.Clip(req.Method), "want GET, POST, PUT, PATCH or DELETE")
	}
	target := req.target(found)
	query := encodeQuery(req.Query, found)
	if req.Body != nil {
		body, problem := encode(req.Body)
		if problem != "" {
			found.add("body", "", problem)
		}
		x.body = body
	}
	for _, opt := range opts {
		if opt != nil {
			opt.applyCall(&x.callConfig)
		}
	}
	if err := found.err(op); err != nil {
		return nil, err
	}
	x.url = x.at(target, query)
	x.watched(req)
	return x, nil
}

// exchange is one call: its requests, and what came of them. go-retryablehttp runs its attempts,
// and asks it as the transport to send each one, as the response handler to read each answer, and
// as the policy whether there is to be another.
type exchange struct {
	*core
	callConfig
	http       http.Client
	attempter  retryablehttp.Client
	request    retryablehttp.Request
	ctx        context.Context
	op         string
	method     string
	path       string
	url        url.URL
	body       []byte
	advice     string
	watch      *watch // nil without hooks
	into       any
	replayable bool
	write      bool

	stubborn bool // repeat every failure that leaves something open, and more often
	settled  bool

	fresh     bool // bearer was asked for after a 401 and has not been sent yet
	renewed   bool // the source was asked once more
	answered  bool // the attempt had an answer
	done      bool // an answer was a success
	waiting   bool // another attempt was decided on
	lastOpen  bool // failed is one of open
	missed    bool // an attempt failed on an unknown host
	blankData bool // as in Request
	way       way  // of the attempt, as httptrace tells it
	attempts  int
	beside    int      // requests that were sent to settle this one
	bearer    *bearer  // of the last attempt
	secrets   []string // what was sent before beside it, and an answer may repeat
	started   time.Time
	timed     context.Context // the context of the attempt, with its own time
	cancel    context.CancelFunc
	trace     httptrace.ClientTrace
	failed    error   // of the last attempt
	open      []error // failures that leave open whether the request was carried out
	answer    Response
}

// way is how far an attempt has come.
type way struct{ atomic.Uint32 }

const (
	untraced  = iota // nothing is known: not every transport reports through httptrace
	traced           // it looks for a connection
	connected        // it had one
)

// run sends the request until an answer, or the policy, ends the call. Its error is that of the
// last attempt; finish makes the call's of it.
func (x *exchange) run() error {
	x.waiting, x.failed = false, nil
	x.http = http.Client{Transport: x, Jar: x.jar, CheckRedirect: useLastResponse}
	x.attempter = retryablehttp.Client{
		HTTPClient:   &x.http,
		RetryMax:     math.MaxInt,
		CheckRetry:   x.checkRetry,
		Backoff:      waitMin,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		// Every attempt has headers of its own: those of the last one may still be read, and a jar adds
		// its cookies to them.
		PrepareRetry: func(req *http.Request) error { req.Header = http.Header{}; return nil },
	}
	req := x.blank.WithContext(x.ctx)
	req.Method, req.URL, req.Header = x.method, &x.url, http.Header{}
	x.request = retryablehttp.Request{Request: req}
	if x.body != nil {
		if err := x.request.SetBody(x.body); err != nil {
			return x.transportError(err)
		}
	}
	x.request.SetResponseHandler(x.read)
	_, err := x.attempter.Do(&x.request) //nolint:bodyclose // read closes it
	switch {
	case x.done:
		x.budget.earn()
		return nil
	case x.waiting:
		x.interrupted()
	case x.failed == nil:
		x.failed = x.transportError(err)
	}
	return x.failed
}

// interrupted is the end of the context before the next attempt.
func (x *exchange) interrupted() {
	x.watch.waitEnds(x.ctx, true)
	x.failed = x.after(x.transportError(contextError(x.ctx)))
}

// after keeps what the last attempt said beside what ended the call after it.
func (x *exchange) after(failed *TransportError) *TransportError {
	failed.Last = x.failed
	return failed
}

// waitMin is the backoff of the attempter, whose RetryWaitMin is set before every wait.
func waitMin(wait, _ time.Duration, _ int, _ *http.Response) time.Duration { return wait }

func useLastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// finish turns the end of the attempts into the error of the call, fills in the metadata and tells
// the hooks.
func (x *exchange) finish(err error) error {
	err = x.conclude(err)
	x.callEnds(err)
	return err
}

func (x *exchange) conclude(err error) error {
	if x.response != nil {
		*x.response = x.answer
		x.response.Attempts = x.attempts + x.beside
		x.response.Reconciled = x.settled
		if x.answer.StatusCode != 0 {
			hide := x.redactor()
			x.response.RequestID = hide.ID(x.answer.RequestID)
			x.response.Body = hide.Body(x.answer.Body)
		}
	}
	if err == nil || len(x.open) == 0 {
		return err
	}
	causes := x.open
	if ended, ok := errors.AsType[*TransportError](err); ok && slices.Contains(causes, ended.Last) {
		ended.Last = nil // it is one of the causes already
	}
	if !slices.Contains(causes, err) {
		causes = append(causes, err)
	}
	advice := x.advice
	if advice == "" {
		advice = "read the resource to find out whether it was changed"
	}
	return &UnknownOutcomeError{Op: x.op, Causes: causes, Advice: advice}
}

// unsent is an attempt that this client itself held back.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// RoundTrip sends one attempt, after what must come before it: the gate, the limiter, the token.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	x.watch.waitEnds(x.ctx, x.ctx.Err() != nil)
	if err := x.ready(); err != nil {
		return nil, unsent{err}
	}
	x.attempts++
	x.started = time.Now()
	x.way.Store(untraced)
	x.answered = false
	x.timed = x.attemptStarts()
	if x.timeout > 0 {
		x.timed, x.cancel = context.WithTimeoutCause(x.timed, x.timeout, x.late)
	}
	ctx := x.timed
	if x.write {
		if x.trace.GetConn == nil { // set once: what is left of an earlier attempt may still read it
			x.trace.GetConn = func(string) { x.way.CompareAndSwap(untraced, traced) }
			x.trace.GotConn = func(httptrace.GotConnInfo) { x.way.Store(connected) }
		}
		ctx = httptrace.WithClientTrace(ctx, &x.trace)
	}
	x.addHeaders(req.Header)
	resp, err := x.transport.RoundTrip(req.WithContext(ctx))
	if err == nil && resp != nil && resp.StatusCode/100 == 3 {
		// http.Client would look at the target, and fail on one that it cannot parse.
		resp.Header = resp.Header.Clone()
		rename(resp.Header, "Location", hiddenLocation)
	}
	return resp, err
}

// hiddenLocation keeps the target of a redirect where http.Client does not look for it.
const hiddenLocation = "location"

func rename(header http.Header, from, to string) {
	if values, ok := header[from]; ok {
		header[to] = values
		delete(header, from)
	}
}

func (x *exchange) ready() error {
	if x.ctx.Err() != nil {
		return contextError(x.ctx)
	}
	if err := x.gate.wait(x.ctx, x.watch); err != nil {
		return err
	}
	for _, limiter := range [...]Limiter{x.limiter, x.callLimiter} {
		if limiter == nil {
			continue
		}
		x.watch.waitStarts(x.ctx, WaitLimiter, 0)
		err := limiter.Wait(x.ctx)
		x.watch.waitEnds(x.ctx, err != nil)
		if err != nil {
			return limiterError(x.ctx, err)
		}
	}
	if !x.fresh {
		token, err := x.freshToken(x.ctx, "")
		if err != nil {
			return err
		}
		x.useToken(token)
	}
	x.fresh = false
	return nil
}

func (x *exchange) useToken(token string) {
	if x.bearer != nil && x.bearer.token != token {
		x.secrets = append(x.secrets, x.bearer.token)
	}
	x.bearer = x.core.bearer(token)
}

// limiterError makes a limiter's refusal to wait past the deadline what it is. The error of
// golang.org/x/time/rate says so in its text alone.
func limiterError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("limiter: %w", contextError(ctx))
	case strings.Contains(err.Error(), "exceed context deadline"):
		return fmt.Errorf("limiter: %w: %w", context.DeadlineExceeded, err)
	}
	return fmt.Errorf("limiter: %w", err)
}

// addHeaders adds to what http.Client set, such as a jar's cookies.
func (x *exchange) addHeaders(header http.Header) {
	maps.Copy(header, x.header)
	x.watch.addHeaders(header)
	header["Authorization"] = x.bearer.header
	if header["Accept"] == nil {
		header["Accept"] = acceptJSON
	}
	if header["User-Agent"] == nil {
		header["User-Agent"] = x.userAgent
	}
	if x.body != nil {
		header["Content-Type"] = acceptJSON
	}
}

var acceptJSON = []string{"application/json"}

// read reads an answer. Anything but a success is an error, which checkRetry then judges.
func (x *exchange) read(resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	rename(resp.Header, hiddenLocation, "Location")
	body, err := readAnswer(resp.Body, resp.ContentLength)
	x.answer = Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: body}
	x.answer.RequestID = requestID(resp.Header)
	x.answered = true
	if x.watch != nil {
		x.watch.proto = resp.Proto
	}
	success := resp.StatusCode/100 == 2
	if err != nil && success && x.timed.Err() != nil {
		return err // too late, which is another thing than cut short
	}
	if err != nil && !errors.Is(err, ErrMalformedResponse) {
		err = fmt.Errorf("%w: %w", errCutShort, x.named(err))
	}
	if success {
		if err == nil {
			err = decodeAnswer(body, x.into, x.blankData)
		}
		if err == nil {
			x.done = true
			x.endAttempt(nil)
			return nil
		}
	}
	return x.apiError(resp, body, err)
}

func (x *exchange) apiError(resp *http.Response, body []byte, cause error) *APIError {
	hide := x.redactor()
	e := &APIError{
		Op: x.op, Method: x.method, Path: x.path, StatusCode: resp.StatusCode, Attempts: x.attempts,
		RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	e.RequestID = hide.ID(x.answer.RequestID)
	refused := errors.Is(cause, errRefused)
	if resp.StatusCode/100 != 2 || refused {
		found, problem := decodeProblem(body)
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
		if cause == nil || refused && found.message+found.code != "" {
			cause = problem
		}
	}
	if errors.Is(cause, ErrMalformedResponse) {
		// What a type's own decoding says may repeat what it could not read.
		cause = &cleaned{cause, hide.Text(cause.Error() + " " + contentNote(resp.Header, len(body)))}
	}
	if resp.StatusCode/100 == 3 {
		cause = fmt.Errorf("%w to %s, not followed; check the base URL", ErrRedirect, hide.Text(redirectTarget(resp.Header)))
	}
	e.Err = cause
	e.Body = hide.Body(body)
	e.Body = e.Body[:min(len(e.Body), maxKept):min(len(e.Body), maxKept)]
	return e
}

// checkRetry is asked after every attempt, and once more after its answer was read.
func (x *exchange) checkRetry(_ context.Context, _ *http.Response, err error) (bool, error) {
	x.waiting = false
	if err == nil {
		return false, nil
	}
	var retryAfter time.Duration
	var failed failure
	api, answered := err.(*APIError) //nolint:errorlint // it comes from read as it is
	if answered {
		x.failed, retryAfter = api, api.RetryAfter
		failed = classify(api, true)
	} else {
		cause := withoutURL(err)
		if held, ok := errors.AsType[unsent](cause); ok {
			x.failed, x.lastOpen = x.after(x.transportError(held.error)), false
			return false, nil
		}
		failed = x.classifyTransport(cause)
		x.failed = x.transportError(x.named(cause))
	}
	x.lastOpen = x.write && x.isOpen(failed)
	if x.lastOpen {
		x.open = append(x.open, x.failed)
	}
	x.endAttempt(x.failed)
	x.waiting = x.again(failed, retryAfter)
	return x.waiting, nil
}

// withoutURL takes off what net/http puts around an error, with the URL and the number in it.
func withoutURL(err error) error {
	for {
		wrapped, ok := err.(*url.Error) //nolint:errorlint // only the outermost, one after the other
		if !ok || wrapped.Err == nil {
			return err
		}
		err = wrapped.Err
	}
}

func (x *exchange) isOpen(failed failure) bool {
	return failed.rule().open || failed == failedByCaller && x.sent()
}

// classifyTransport judges an attempt without an answer.
func (x *exchange) classifyTransport(cause error) failure {
	if x.ctx.Err() != nil {
		return failedByCaller
	}
	return classify(cause, x.write && x.sent() || !x.write && !isDialError(cause))
}

// sent says whether the server may have seen the attempt. A transport that reports nothing gets
// the benefit of no doubt.
func (x *exchange) sent() bool {
	if x.way.Load() == untraced {
		return x.attempts > 0
	}
	return x.way.Load() == connected
}

// named gives the end of a context or of an attempt's time its own name, whatever the transport
// made of it.
func (x *exchange) named(cause error) error {
	if x.ctx.Err() != nil {
		return contextError(x.ctx)
	}
	if x.timed.Err() == nil {
		return cause
	}
	return x.late
}

// again decides on another attempt, and how long to wait for it.
func (x *exchange) again(failed failure, retryAfter time.Duration) bool {
	rule := failed.rule()
	allowed := rule.posts
	switch {
	case !x.write:
		allowed = rule.reads
	case x.replayable:
		allowed = rule.writes
	}
	most := x.policy.MaxAttempts
	if x.stubborn {
		if most > 1 {
			most *= 2
		}
		if rule.open {
			allowed = always
		}
	}
	if allowed == ifTokenDiffers {
		return x.renewToken(most)
	}
	if allowed == never || allowed == once && x.missed {
		return false
	}
	x.missed = x.missed || failed == failedUnknownHost
	if x.ctx.Err() != nil {
		x.interrupted()
		return false
	}
	if failed == failedRateLimited && retryAfter > 0 {
		x.pause(min(retryAfter, x.policy.MaxRetryAfter))
	}
	if retryAfter > x.policy.MaxRetryAfter {
		return false
	}
	wait := x.policy.delay(x.attempts, failed, retryAfter)
	if x.attempts >= most || pastDeadline(x.ctx, wait) {
		return false
	}
	if !x.budget.take() {
		if x.log != nil {
			x.log.LogAttrs(x.ctx, slog.LevelWarn, "mihu: not repeating, the budget of repetitions is spent",
				slog.String("op", x.op), slog.Int("attempt", x.attempts))
		}
		return false
	}
	x.repeatAfter(wait)
	x.watch.waitStarts(x.ctx, waitReason(wait, retryAfter), wait)
	return true
}

func (x *exchange) repeatAfter(wait time.Duration) {
	x.attempter.RetryWaitMin = wait
	if x.log != nil {
		x.log.LogAttrs(x.ctx, slog.LevelWarn, "mihu: repeating", slog.String("op", x.op), slog.String("method", x.method),
			slog.Int("attempt", x.attempts), slog.Duration("wait", wait), slog.String("error", x.failed.Error()))
	}
}

// renewToken asks the source once for another token than the one that was refused.
func (x *exchange) renewToken(most int) bool {
	if x.renewed || x.attempts >= most || x.ctx.Err() != nil {
		return false
	}
	x.renewed = true
	refused := x.bearer.token
	token, err := x.freshToken(x.ctx, refused)
	if err != nil {
		x.failed = x.after(x.transportError(err))
		return false
	}
	if token == refused {
		return false
	}
	x.useToken(token)
	x.fresh = true
	x.repeatAfter(0)
	return true
}

// endAttempt frees what the attempt held, logs it and tells the hooks.
func (x *exchange) endAttempt(failed error) {
	x.attemptEnds(failed)
	if x.cancel != nil {
		x.cancel()
		x.cancel = nil
	}
	if x.log == nil || !x.log.Enabled(x.ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("op", x.op), slog.String("method", x.method), slog.Int("attempt", x.attempts),
		slog.Duration("duration", time.Since(x.started)),
	}
	if x.answered {
		attrs = append(attrs, slog.Int("status", x.answer.StatusCode), slog.String("request_id", x.redactor().ID(x.answer.RequestID)))
	}
	if failed != nil {
		attrs = append(attrs, slog.String("error", failed.Error()))
	}
	x.log.LogAttrs(x.ctx, slog.LevelDebug, "mihu: attempt", attrs...)
}

// cleaned is an error whose text had to be changed.
type cleaned struct {
	error
	text string
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.error }

// transportError hides what a transport's words may repeat, such as an answer that is not HTTP.
func (x *exchange) transportError(cause error) *TransportError {
	if text := x.redactor().Text(cause.Error()); text != cause.Error() {
		cause = &cleaned{cause, text}
	}
	failed := &TransportError{Op: x.op, Method: x.method, Path: x.path, Attempts: x.attempts, Err: cause}
	if paused, ok := errors.AsType[*pausedError](cause); ok {
		failed.RetryAfter = paused.left
	}
	return failed
}

// redactor knows every secret of the call; it is made only where it is needed.
func (x *exchange) redactor() *redact.Redactor {
	r := redact.New(x.body, x.secrets...)
	if x.bearer != nil {
		r.Add(x.bearer.token)
	}
	r.CollectAll(x.header)
	if x.watch != nil {
		r.CollectAll(x.watch.header)
	}
	if values, err := url.ParseQuery(x.url.RawQuery); err == nil {
		r.CollectAll(values)
	}
	return r
}
