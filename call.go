package mihu

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mihu-go/mihu/internal/redact"
)

// Do sends a request to any endpoint of the API, with the authentication, retries, error types and
// response decoding of every other method. It decodes the "data" of the response into what data
// points to. If the response has no data, or data of another type, Do returns an error that matches
// ErrMalformedResponse and leaves what data points to unchanged. If data is nil, a success is an
// empty response or one with "success": true; its data is ignored. An invalid request returns a
// *ValidationError and is not sent.
func (c *Client) Do(ctx context.Context, req *Request, data any, opts ...CallOption) error {
	if req == nil {
		return nilRequest("do")
	}
	return c.do(ctx, req.spec(), data, opts)
}

// do makes a call: it is the one way from every method to the wire and back.
func (c *Client) do(ctx context.Context, s *spec, data any, opts []CallOption) error {
	call, err := c.newCall(ctx, s, data, opts)
	if err != nil {
		return err
	}
	return call.finish(call.run())
}

// call is one operation: what is sent, its attempts one after the other, and what came of them. It
// is used by one goroutine.
type call struct {
	core  *core
	opts  callConfig
	ctx   context.Context
	spec  *spec
	url   url.URL
	body  []byte
	into  any
	watch *watch // nil without hooks

	request loopRequest

	history   history
	attempt   *attempt      // the last one; nil if the call ended before it was sent
	responded *attempt      // the last one with a response
	retry     *plannedRetry // nil unless another attempt was decided on
	bearer    *bearer       // of the last attempt
	secrets   []string      // sent earlier or elsewhere, and possibly quoted by a response
	err       error         // of the last attempt, or why there was none
	ambiguous []error       // failures that may have been applied

	reconciliation *reconciliation // nil unless this is a write that is reconciled or verified
}

// plannedRetry is what the next attempt waits for.
type plannedRetry struct {
	wait   time.Duration
	reason WaitReason // "" for no wait
	token  string     // "" to ask the token source
}

// newCall refuses everything that can be refused, encodes the request and starts the hooks.
func (c *Client) newCall(ctx context.Context, s *spec, into any, opts []CallOption) (*call, error) {
	if c == nil || c.core == nil {
		return nil, (violations{{Field: "client", Problem: "not made by New"}}).err(s.op)
	}
	x := &call{core: c.core, ctx: ctx, spec: s, into: into}
	found := &x.opts.found
	found.callContext(ctx)
	found.destination(into)
	found.method(s.method)
	target := s.target(found)
	query := encodeQuery(s.query, found)
	if s.body != nil {
		body, problem := encode(s.body)
		if problem != "" {
			found.add("body", "", problem)
		}
		x.body = body
	}
	for _, opt := range opts {
		if opt != nil {
			opt.applyCall(&x.opts)
		}
	}
	if err := found.err(s.op); err != nil {
		return nil, err
	}
	x.url = c.core.at(target, query)
	x.history.column = s.columnOf()
	x.watch, x.ctx = watchCall(ctx, c.core.hooks, x.info())
	return x, nil
}

// info describes the call to hooks.
func (c *call) info() CallInfo {
	if len(c.core.hooks) == 0 {
		return CallInfo{}
	}
	return CallInfo{
		Op: c.spec.op, Method: c.spec.method, Path: clipPlain(c.spec.path), Host: c.core.host, Port: c.core.port,
		Reconciling: c.history.column == columnReconciles,
	}
}

// writes reports whether the request changes something.
func (c *call) writes() bool { return c.spec.method != http.MethodGet }

// run sends the request until a success or the policy ends the call. It returns the error of the
// last attempt; finish turns that into the error of the call.
func (c *call) run() error {
	c.err, c.retry = nil, nil
	c.core.loop.run(c)
	if c.err == nil {
		c.core.budget.earn()
	}
	return c.err
}

// attemptOnce sends one attempt, after everything that must come before it. The loop gets a
// response without content if there was one: the call has read all of it.
func (c *call) attemptOnce(req *http.Request) (*http.Response, error) {
	c.attempt = nil
	if err := c.ready(); err != nil {
		c.holdBack(err)
		return nil, err
	}
	c.history.attempts++
	a := &attempt{call: c, number: c.history.attempts, started: time.Now()}
	c.attempt = a
	a.send(req)
	a.end()
	if a.response == nil {
		return nil, a.err
	}
	c.responded = a
	return a.bare(), nil
}

// ready waits for all that must come before an attempt: the planned wait, the pause of the client,
// the limiters and the token.
func (c *call) ready() error {
	token := ""
	if planned := c.retry; planned != nil {
		c.retry, token = nil, planned.token
		if planned.reason != "" {
			if err := c.watch.sleep(c.ctx, planned.reason, planned.wait); err != nil {
				return err
			}
		}
	}
	if c.ctx.Err() != nil {
		return contextError(c.ctx)
	}
	if err := c.core.gate.wait(c.ctx, c.watch); err != nil {
		return err
	}
	for _, limiter := range [...]Limiter{c.core.limiter, c.opts.limiter} {
		if limiter == nil {
			continue
		}
		c.watch.waitStarts(c.ctx, WaitLimiter, 0)
		err := limiter.Wait(c.ctx)
		c.watch.waitEnds(c.ctx, err != nil)
		if err != nil {
			return limiterError(c.ctx, err)
		}
	}
	if token == "" {
		var err error
		if token, err = c.core.freshToken(c.ctx, ""); err != nil {
			return err
		}
	}
	c.useToken(token)
	return nil
}

func (c *call) useToken(token string) {
	if c.bearer != nil && c.bearer.token != token {
		c.secrets = append(c.secrets, c.bearer.token)
	}
	c.bearer = c.core.bearer(token)
}

// holdBack ends the call with an error before another attempt was sent. The last attempt's error is
// kept.
func (c *call) holdBack(err error) {
	failed := c.transportError(err)
	failed.Last = c.err
	c.err = failed
}

// interrupted ends the call with the end of its context, before another attempt.
func (c *call) interrupted() {
	c.retry = nil
	c.holdBack(contextError(c.ctx))
}

// again decides, after an attempt, whether another one follows.
func (c *call) again() bool {
	a := c.attempt
	if a == nil {
		return false // not sent
	}
	c.err = a.err
	if a.err == nil {
		return false
	}
	if a.ambiguous {
		c.ambiguous = append(c.ambiguous, a.err)
	}
	if a.failure == failedRateLimited && a.retryAfter > 0 && c.ctx.Err() == nil {
		c.pause(a.retryAfter)
	}
	switch c.core.policy.next(&c.history, a.failure, a.retryAfter) {
	case renewToken:
		return c.renewToken()
	case retry:
		return c.planRetry(a)
	case giveUp:
	}
	return false
}

// pause delays all requests of the client, and of all clients that share a limiter that is a
// Pauser.
func (c *call) pause(asked time.Duration) {
	d := min(asked, c.core.policy.MaxRetryAfter)
	c.core.gate.closeFor(d, asked)
	for _, limiter := range [...]Limiter{c.core.limiter, c.opts.limiter} {
		if pauser, ok := limiter.(Pauser); ok {
			pauser.Pause(c.ctx, d)
		}
	}
}

// planRetry plans the wait before the next attempt, if the context and the budget allow one.
func (c *call) planRetry(a *attempt) bool {
	if c.ctx.Err() != nil {
		c.interrupted()
		return false
	}
	wait := c.core.policy.delay(a.number, a.failure, a.retryAfter)
	if pastDeadline(c.ctx, wait) {
		return false
	}
	if !c.core.budget.take() {
		if log := c.core.log; log != nil {
			log.LogAttrs(c.ctx, slog.LevelWarn, "mihu: not retrying, retry budget exhausted",
				slog.String("op", c.spec.op), slog.Int("attempt", a.number))
		}
		return false
	}
	c.retry = &plannedRetry{wait: wait, reason: WaitBackoff}
	if a.retryAfter > 0 && wait == a.retryAfter {
		c.retry.reason = WaitRetryAfter
	}
	c.logRetry()
	return true
}

// renewToken asks the source for another token than the rejected one, and plans an attempt if there
// is one.
func (c *call) renewToken() bool {
	if c.ctx.Err() != nil {
		return false
	}
	rejected := c.bearer.token
	token, err := c.core.freshToken(c.ctx, rejected)
	if err != nil {
		c.holdBack(err)
		return false
	}
	if token == rejected {
		return false
	}
	c.retry = &plannedRetry{token: token}
	c.logRetry()
	return true
}

func (c *call) logRetry() {
	log := c.core.log
	if log == nil {
		return
	}
	log.LogAttrs(c.ctx, slog.LevelWarn, "mihu: retrying", slog.String("op", c.spec.op), slog.String("method", c.spec.method),
		slog.Int("attempt", c.history.attempts), slog.Duration("wait", c.retry.wait), slog.String("error", c.err.Error()))
}

// finish turns the error of the last attempt into that of the call, fills in the caller's Response
// and ends the call's hooks.
func (c *call) finish(err error) error {
	err = c.outcome(err)
	if into := c.opts.response; into != nil {
		*into = c.lastResponse()
	}
	if c.watch.wantsCallEnd() {
		c.watch.callEnds(c.ctx, c.result(err))
	}
	return err
}

// outcome returns an UnknownOutcomeError if the call failed and an attempt may have been applied.
func (c *call) outcome(err error) error {
	if err == nil || len(c.ambiguous) == 0 {
		return err
	}
	causes := c.ambiguous
	if ended, ok := errors.AsType[*TransportError](err); ok && slices.Contains(causes, ended.Last) {
		ended.Last = nil // it is one of the causes already
	}
	if !slices.Contains(causes, err) {
		causes = append(causes, err)
	}
	advice := c.spec.advice
	if advice == "" {
		advice = "read the resource to find out whether it was changed"
	}
	return &UnknownOutcomeError{Op: c.spec.op, Causes: causes, Advice: advice}
}

// requests counts what was sent for the call, including what reconciled it.
func (c *call) requests() int {
	if c.reconciliation == nil {
		return c.history.attempts
	}
	return c.history.attempts + c.reconciliation.requests
}

// lastResponse returns the metadata of the call, with that of its last response.
func (c *call) lastResponse() Response {
	var r Response
	if c.responded != nil {
		r = *c.responded.response
		r.RequestID = c.responded.requestID()
		r.Body = c.responded.call.redactor().Body(r.Body)
	}
	r.Attempts, r.Reconciled = c.requests(), c.reconciliation != nil
	return r
}

// result describes the end of the call to hooks.
func (c *call) result(err error) CallResult {
	result := CallResult{
		Attempts: c.requests(), Reconciled: c.reconciliation != nil, Err: err,
		OutcomeUnknown: err != nil && (len(c.ambiguous) > 0 || errors.Is(err, ErrOutcomeUnknown)),
	}
	if c.responded != nil {
		result.StatusCode, result.RequestID = c.responded.response.StatusCode, c.responded.requestID()
	}
	return result
}

// cleaned is an error whose text was changed to hide what it must not show.
type cleaned struct {
	error
	text string
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.error }

// transportError hides secrets that a transport's text may quote, as from a response that is not
// HTTP.
func (c *call) transportError(cause error) *TransportError {
	if text := c.redactor().Text(cause.Error()); text != cause.Error() {
		cause = &cleaned{cause, text}
	}
	failed := &TransportError{Op: c.spec.op, Method: c.spec.method, Path: c.spec.path, Attempts: c.history.attempts, Err: cause}
	if paused, ok := errors.AsType[*pausedError](cause); ok {
		failed.RetryAfter = paused.remaining()
	}
	return failed
}

// redactor knows every secret of the call. It is made only when it is needed, since that costs more
// than most of a call.
func (c *call) redactor() *redact.Redactor {
	r := redact.New(c.body, c.secrets...)
	if c.bearer != nil {
		r.Add(c.bearer.token)
	}
	r.CollectAll(c.opts.header)
	if c.watch != nil {
		r.CollectAll(c.watch.header)
	}
	if values, err := url.ParseQuery(c.url.RawQuery); err == nil {
		r.CollectAll(values)
	}
	return r
}
