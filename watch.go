package mihu

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// watch calls the hooks of one call. Its methods do nothing on nil, which is a call without hooks.
type watch struct {
	hooks     []Hooks
	call      CallInfo
	attempt   AttemptInfo
	wait      WaitInfo // without a Reason, no wait is in progress
	began     time.Time
	waitBegan time.Time
	// attemptCtx and header are the context and the headers that the hooks gave to the attempt.
	attemptCtx context.Context
	header     http.Header
}

// serverOf returns the host and port of a base URL, as hooks receive them.
func serverOf(base string) (host string, port int) {
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

// watchCall starts a call and returns its context. Without hooks the watch is nil.
func watchCall(ctx context.Context, hooks []Hooks, call CallInfo) (*watch, context.Context) {
	if len(hooks) == 0 {
		return nil, ctx
	}
	w := &watch{hooks: hooks, call: call, began: time.Now()}
	for i := range w.hooks {
		if start := w.hooks[i].CallStart; start != nil {
			ctx = derived(ctx, start(ctx, w.call)) //nolint:fatcontext // each hook receives the context of those before it
		}
	}
	return w, ctx
}

// derived keeps the context if a hook returned none.
func derived(from, ctx context.Context) context.Context {
	if ctx == nil {
		return from
	}
	return ctx
}

// wantsCallEnd reports whether a hook needs the result of the call.
func (w *watch) wantsCallEnd() bool {
	return w != nil && slices.ContainsFunc(w.hooks, func(h Hooks) bool { return h.CallEnd != nil })
}

func (w *watch) callEnds(ctx context.Context, result CallResult) {
	result.Duration = time.Since(w.began)
	for _, hooks := range slices.Backward(w.hooks) {
		if hooks.CallEnd != nil {
			hooks.CallEnd(ctx, w.call, result)
		}
	}
}

// attemptStarts starts an attempt and returns its context.
func (w *watch) attemptStarts(ctx context.Context, number int) context.Context {
	if w == nil {
		return ctx
	}
	w.attempt = AttemptInfo{Call: w.call, Number: number}
	w.attemptCtx, w.header = ctx, nil
	for i := range w.hooks {
		if start := w.hooks[i].AttemptStart; start != nil {
			if w.header == nil {
				w.header = http.Header{}
			}
			w.attemptCtx = derived(w.attemptCtx, start(w.attemptCtx, w.attempt, w.header)) //nolint:fatcontext // each hook receives the context of those before it
		}
	}
	return w.attemptCtx
}

// addHeaders adds the headers of the hooks, without those that are not theirs to set.
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

// wantsAttemptEnd reports whether a hook needs the result of an attempt.
func (w *watch) wantsAttemptEnd() bool {
	return w != nil && slices.ContainsFunc(w.hooks, func(h Hooks) bool { return h.AttemptEnd != nil })
}

func (w *watch) attemptEnds(result AttemptResult) {
	for _, hooks := range slices.Backward(w.hooks) {
		if hooks.AttemptEnd != nil {
			hooks.AttemptEnd(w.attemptCtx, w.attempt, result)
		}
	}
}

// waitStarts starts a wait for the next attempt.
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

// waitEnds ends the wait that is in progress, if one is.
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

// sleep waits and notifies the hooks.
func (w *watch) sleep(ctx context.Context, reason WaitReason, d time.Duration) error {
	w.waitStarts(ctx, reason, d)
	err := sleep(ctx, d)
	w.waitEnds(ctx, err != nil)
	return err
}
