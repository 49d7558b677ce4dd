package mihu

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// loop sends the attempts of every call of a client. It is the only place that knows
// go-retryablehttp, which rewinds the body and goes round. All else is the call's, which both its
// transport and its policy find in the context: what to wait for before an attempt, how to send it,
// and whether another one follows.
type loop struct {
	client retryablehttp.Client
	// received stands for every response without cookies; nobody changes it.
	received *http.Response
}

// loopRequest is what the loop needs of a call. It is part of the call, so that it is not allocated beside
// it.
type loopRequest struct {
	retryablehttp.Request
	ctx callContext
}

// callContext is a context that carries a call.
type callContext struct {
	context.Context
	call *call
}

type callKey struct{}

func (c *callContext) Value(key any) any {
	if key == (callKey{}) {
		return c.call
	}
	return c.Context.Value(key)
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

func newLoop(jar http.CookieJar) *loop {
	return &loop{received: &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, client: retryablehttp.Client{
		HTTPClient: &http.Client{Transport: sender{}, Jar: jar},
		RetryMax:   math.MaxInt,
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) { return callOf(ctx).again(), nil },
		// The wait comes before the next attempt, in call.ready: Backoff receives no context, and a
		// wait here could not notify the hooks.
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		// Every attempt has headers of its own: the transport may still read those of the one
		// before, and a jar adds its cookies to them.
		PrepareRetry: func(req *http.Request) error { req.Header = http.Header{}; return nil },
	}}
}

// sender is the transport under the loop. It has no CloseIdleConnections, which the loop would call
// after every failure: that would close the connections of all other calls too.
type sender struct{}

func (sender) RoundTrip(req *http.Request) (*http.Response, error) {
	return callOf(req.Context()).attemptOnce(req)
}

// run sends the attempts of the call, one after the other, until its policy or a success ends it.
func (l *loop) run(c *call) {
	c.request.ctx = callContext{c.ctx, c}
	req := &c.request.Request
	*req = retryablehttp.Request{Request: c.core.blank.WithContext(&c.request.ctx)}
	req.Method, req.URL, req.Header = c.spec.method, &c.url, http.Header{}
	if c.body != nil {
		if err := req.SetBody(c.body); err != nil {
			c.holdBack(err)
			return
		}
	}
	resp, err := l.client.Do(req)
	if err == nil {
		_ = resp.Body.Close() // the attempt has read all of it
	}
	if c.retry != nil { // the context ended between two attempts
		c.interrupted()
	} else if c.err == nil && err != nil {
		c.holdBack(err)
	}
}
