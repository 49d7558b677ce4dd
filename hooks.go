package mihu

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Hooks are functions that a client calls as it works, for metrics and traces: as a call begins and
// ends, as each of its attempts does, and as it waits. Each may be nil.
//
// A call is one operation, such as a Create with all its repetitions. A request that is refused with
// a *ValidationError is none, since nothing is sent. Trunks.Ensure is several calls, and so is
// Trunks.All: one for each page. The requests that settle a Create are calls of their own within
// that Create, see [CallInfo].
//
// Hooks are called by the goroutine that makes the call (with Prefetch, that of the page), which
// waits for them, and for many calls at the same time. They must be fast and safe for concurrent use. What one panics with reaches the
// caller. Whatever was begun is ended, once, before the call returns. What they are given
// holds no token, SIP credential, query or argument of a path, and no phone number; errors are those
// that the caller gets, and print as safely.
type Hooks struct {
	// CallStart begins a call. What it returns takes the place of the context for everything within
	// the call, and for CallEnd. It must come from the given one, and nil leaves that in place.
	CallStart func(ctx context.Context, call CallInfo) context.Context
	// CallEnd ends a call, with the context of its CallStart.
	CallEnd func(ctx context.Context, call CallInfo, result CallResult)
	// AttemptStart begins one request of a call, after all waits. What it returns takes the place of
	// the context for this request, as for CallStart; the transport sees it too. Headers that it adds
	// to the given map, which is empty, are sent, over those of [WithHeader]; those that WithHeader
	// refuses, such as Authorization, are not. A context is passed on in this way (traceparent).
	AttemptStart func(ctx context.Context, attempt AttemptInfo, header http.Header) context.Context
	// AttemptEnd ends one request, when its answer was read or it has failed, with the context of its
	// AttemptStart.
	AttemptEnd func(ctx context.Context, attempt AttemptInfo, result AttemptResult)
	// WaitStart begins a wait within a call, between its requests or before the first. The context is
	// the call's.
	WaitStart func(ctx context.Context, wait WaitInfo)
	// WaitEnd ends a wait.
	WaitEnd func(ctx context.Context, wait WaitInfo, result WaitResult)
}

// CallInfo is a call, as [Hooks] are told of it. All of it is fit for the attributes of metrics; of
// [Client.Do] only where the arguments of a path are in PathArgs.
type CallInfo struct {
	// Op is the operation, as in [APIError].
	Op string
	// Method is the HTTP method.
	Method string
	// Path is the template of the path below the base URL, such as "/phone-numbers/{uuid}/channels".
	Path string
	// Host and Port are of the base URL; Port is never 0.
	Host string
	Port int
	// Reconciling says that the call finds out or completes what became of a Create, which it is a part
	// of: Op is "trunks.create.read" or "trunks.create.update". Its requests are counted both in its
	// own result and in that of the Create.
	Reconciling bool
}

// CallResult is the end of a call.
type CallResult struct {
	// StatusCode is the HTTP status of the last answer; 0 where none came.
	StatusCode int
	// RequestID is of the last answer, as in [APIError]; "" where there is none.
	RequestID string
	// Attempts counts the requests that were sent, or tried to be; 0 where the call was held back.
	Attempts int
	// Reconciled is as in [Response].
	Reconciled bool
	// OutcomeUnknown says that the call may or may not have changed something. Except where Reconciling is set,
	// Err then matches ErrOutcomeUnknown.
	OutcomeUnknown bool
	// Duration is that of the call, with its waits.
	Duration time.Duration
	// Err is what the call returns; nil is a success.
	Err error
}

// AttemptInfo is one request of a call.
type AttemptInfo struct {
	// Call is the call that it is made for.
	Call CallInfo
	// Number counts the requests of the call from 1 on, without those of calls within it.
	Number int
}

// AttemptResult is the end of one request.
type AttemptResult struct {
	// StatusCode is the HTTP status; 0 where no answer came.
	StatusCode int
	// RequestID is as in [APIError].
	RequestID string
	// Proto is the protocol of the answer, such as "HTTP/2.0"; "" where none came.
	Proto string
	// RequestSize and ResponseSize are the bytes of the bodies, unpacked, as far as they were read.
	RequestSize, ResponseSize int
	// Duration is that of the request, from its connection to the end of its answer.
	Duration time.Duration
	// Err is an *APIError or a *TransportError; nil is a success. Another attempt may follow.
	Err error
}

// WaitReason is why a call waits. More may be added.
type WaitReason string

// The reasons to wait.
const (
	// WaitBackoff is the wait before a repetition.
	WaitBackoff WaitReason = "backoff"
	// WaitRetryAfter is such a wait, of the length that the server asked for.
	WaitRetryAfter WaitReason = "retry_after"
	// WaitPause is the pause of the whole client after a 429 that another request got.
	WaitPause WaitReason = "pause"
	// WaitLimiter is the wait for the limiter of [WithLimiter] or of [WithCallLimiter]. It is told for
	// every request and limiter, also where it lets the request pass at once.
	WaitLimiter WaitReason = "limiter"
)

// WaitInfo is a wait within a call.
type WaitInfo struct {
	// Call is the call that waits.
	Call CallInfo
	// Attempt is the number of the request that is waited for.
	Attempt int
	// Reason is why.
	Reason WaitReason
	// Planned is how long the wait will be; 0 for WaitLimiter, which does not tell.
	Planned time.Duration
}

// WaitResult is the end of a wait.
type WaitResult struct {
	// Duration is how long it was.
	Duration time.Duration
	// Interrupted says that the request will not be sent: the context has ended or the limiter has
	// refused.
	Interrupted bool
}

// WithHooks calls functions of yours as calls, attempts and waits begin and end. Unlike other options
// it may be given several times and adds to those before: what begins is told to them in order, what
// ends in the opposite order, and each is given the context that the ones before have returned. The
// default is none, which costs nothing.
func WithHooks(hooks Hooks) Option {
	return option(func(c *config) { c.hooks = append(c.hooks, hooks) })
}

// watch tells the hooks of one call. nil is a call without hooks.
type watch struct {
	hooks   []Hooks
	call    CallInfo
	attempt AttemptInfo
	wait    WaitInfo // without a reason, none is under way

	began, waitBegan time.Time
	attemptCtx       context.Context
	header           http.Header // what the hooks have added to the attempt
	proto            string
	rawID, id        string // the request id, as it came and without secrets
}

// hooksServer is the server that hooks are told.
func hooksServer(base string) (host string, port int) {
	u, err := url.Parse(base)
	if err != nil {
		return "", 0
	}
	switch {
	case u.Port() != "":
		port, _ = strconv.Atoi(u.Port())
	case u.Scheme == "http":
		port = 80
	default:
		port = 443
	}
	return u.Hostname(), port
}

// watched begins the call.
func (x *exchange) watched(req *Request) {
	if len(x.hooks) == 0 {
		return
	}
	path := x.path
	if req.op == "" {
		path = clipPlain(path)
	}
	w := &watch{hooks: x.hooks, began: time.Now()}
	w.call = CallInfo{Op: x.op, Method: x.method, Path: path, Host: x.host, Port: x.port, Reconciling: req.settling}
	x.watch = w
	for i := range w.hooks {
		if start := w.hooks[i].CallStart; start != nil {
			x.ctx = derived(x.ctx, start(x.ctx, w.call)) //nolint:fatcontext // each is given the context of those before it
		}
	}
}

func derived(from, ctx context.Context) context.Context {
	if ctx == nil {
		return from
	}
	return ctx
}

// callEnds ends the call, with the error that it returns.
func (x *exchange) callEnds(err error) {
	w := x.watch
	if w == nil || !slices.ContainsFunc(w.hooks, func(h Hooks) bool { return h.CallEnd != nil }) {
		return
	}
	result := CallResult{
		StatusCode: x.answer.StatusCode, RequestID: x.shownID(), Attempts: x.attempts + x.beside, Reconciled: x.settled,
		OutcomeUnknown: err != nil && (len(x.open) > 0 || errors.Is(err, ErrOutcomeUnknown)), Duration: time.Since(w.began), Err: err,
	}
	for _, hooks := range slices.Backward(w.hooks) {
		if hooks.CallEnd != nil {
			hooks.CallEnd(x.ctx, w.call, result)
		}
	}
}

// shownID is the request id of the last answer, without secrets. It is kept, since finding the
// secrets of a request costs more than all else here.
func (x *exchange) shownID() string {
	w := x.watch
	if x.answer.RequestID != w.rawID {
		w.rawID, w.id = x.answer.RequestID, x.redactor().ID(x.answer.RequestID)
	}
	return w.id
}

// attemptStarts begins a request and gives its context.
func (x *exchange) attemptStarts() context.Context {
	w := x.watch
	if w == nil {
		return x.ctx
	}
	w.attempt = AttemptInfo{Call: w.call, Number: x.attempts}
	w.attemptCtx, w.header, w.proto = x.ctx, nil, ""
	for i := range w.hooks {
		if start := w.hooks[i].AttemptStart; start != nil {
			if w.header == nil {
				w.header = http.Header{}
			}
			w.attemptCtx = derived(w.attemptCtx, start(w.attemptCtx, w.attempt, w.header)) //nolint:fatcontext // each is given the context of those before it
		}
	}
	return w.attemptCtx
}

// addHeaders adds the headers of the hooks, but for those that are not theirs to set.
func (w *watch) addHeaders(to http.Header) {
	if w == nil {
		return
	}
	for name, values := range w.header {
		name = http.CanonicalHeaderKey(name)
		if !slices.ContainsFunc(values, func(value string) bool { return headerProblem(name, value) != "" }) {
			to[name] = values
		}
	}
}

// attemptEnds ends a request; failed is nil where it was a success.
func (x *exchange) attemptEnds(failed error) {
	w := x.watch
	if w == nil || !slices.ContainsFunc(w.hooks, func(h Hooks) bool { return h.AttemptEnd != nil }) {
		return
	}
	result := AttemptResult{RequestSize: len(x.body), Duration: time.Since(x.started), Err: failed}
	if x.answered {
		result.StatusCode, result.RequestID, result.Proto = x.answer.StatusCode, x.shownID(), w.proto
		result.ResponseSize = len(x.answer.Body)
	}
	for _, hooks := range slices.Backward(w.hooks) {
		if hooks.AttemptEnd != nil {
			hooks.AttemptEnd(w.attemptCtx, w.attempt, result)
		}
	}
}

// waitStarts begins a wait for the next request.
func (w *watch) waitStarts(ctx context.Context, reason WaitReason, planned time.Duration) {
	if w == nil {
		return
	}
	w.wait = WaitInfo{Call: w.call, Attempt: w.attempt.Number + 1, Reason: reason, Planned: planned}
	w.waitBegan = time.Now()
	for i := range w.hooks {
		if w.hooks[i].WaitStart != nil {
			w.hooks[i].WaitStart(ctx, w.wait)
		}
	}
}

// waitEnds ends the wait that is under way, if one is.
func (w *watch) waitEnds(ctx context.Context, interrupted bool) {
	if w == nil || w.wait.Reason == "" {
		return
	}
	result := WaitResult{Duration: time.Since(w.waitBegan), Interrupted: interrupted}
	for _, hooks := range slices.Backward(w.hooks) {
		if hooks.WaitEnd != nil {
			hooks.WaitEnd(ctx, w.wait, result)
		}
	}
	w.wait.Reason = ""
}

// sleep is a wait of which the hooks are told.
func (w *watch) sleep(ctx context.Context, reason WaitReason, d time.Duration) error {
	w.waitStarts(ctx, reason, d)
	err := sleep(ctx, d)
	w.waitEnds(ctx, err != nil)
	return err
}

func waitReason(wait, retryAfter time.Duration) WaitReason {
	if retryAfter > 0 && wait == retryAfter {
		return WaitRetryAfter
	}
	return WaitBackoff
}
