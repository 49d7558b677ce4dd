package mihu

import (
	"context"
	"net/http"
	"time"
)

// Hooks are functions that a client calls when a call, each of its attempts and each of its waits
// begins and ends, for metrics and traces. Each may be nil.
//
// A call is one operation with all its retries, such as a Create. A request that is refused with a
// *ValidationError is not a call, since nothing is sent. Trunks.Ensure makes several calls, and
// Trunks.All makes one for each page. The requests that reconcile a Create, or verify another
// write, are calls of their own within that call, see [CallInfo].
//
// Hooks are called by the goroutine that makes the call (with Prefetch, by the one that fetches the
// page), which waits for them, and concurrently for concurrent calls. They must be fast and safe
// for concurrent use. A panic of a hook reaches the caller. Everything that was begun is ended
// once, before the call returns. The values that hooks receive hold no token, SIP credential,
// query, path argument or phone number. Their errors are those that the caller gets, and are as
// safe to print.
type Hooks struct {
	// CallStart is called when a call begins. The context that it returns replaces the context of
	// everything within the call, and is passed to CallEnd. It must be derived from ctx; nil keeps
	// ctx.
	CallStart func(ctx context.Context, call CallInfo) context.Context
	// CallEnd is called when a call ends, with the context of its CallStart.
	CallEnd func(ctx context.Context, call CallInfo, result CallResult)
	// AttemptStart is called before a request is sent, after all waits. The context that it returns
	// replaces that of this request, as for CallStart; the transport sees it too. Headers that it
	// adds to the empty map are sent, and override those of [WithHeader]. Headers that WithHeader
	// refuses, such as Authorization, are not sent. Use this to propagate a trace context
	// (traceparent).
	AttemptStart func(ctx context.Context, attempt AttemptInfo, header http.Header) context.Context
	// AttemptEnd is called when the response was read or the request has failed, with the context
	// of its AttemptStart.
	AttemptEnd func(ctx context.Context, attempt AttemptInfo, result AttemptResult)
	// WaitStart is called when a call begins to wait, between its requests or before the first. The
	// context is the call's.
	WaitStart func(ctx context.Context, wait WaitInfo)
	// WaitEnd is called when a wait ends.
	WaitEnd func(ctx context.Context, wait WaitInfo, result WaitResult)
}

// CallInfo describes a call to [Hooks]. All its fields are fit for metric attributes. For
// [Client.Do] that holds only if the arguments of the path are in PathArgs.
type CallInfo struct {
	// Op is the operation: one of the Op constants, or for Client.Do the method and path template.
	Op string
	// Method is the HTTP method.
	Method string
	// Path is the template of the path below the base URL, such as
	// "/phone-numbers/{uuid}/channels".
	Path string
	// Host and Port are those of the base URL. Port is never 0.
	Host string
	Port int
	// Reconciling reports whether the call is part of a write whose response was lost or does not
	// prove it: Op is OpTrunksCreateRead, OpTrunksCreateUpdate, OpTrunksUpdateRead,
	// OpTrunksAssignRead or OpTrunksDeleteRead. Its requests are counted in its own result and in
	// that of the write.
	Reconciling bool
}

// CallResult is the end of a call.
type CallResult struct {
	// StatusCode is the HTTP status of the last response; 0 if there was none.
	StatusCode int
	// RequestID is that of the last response, as in [APIError]; "" if there is none.
	RequestID string
	// Attempts counts the requests that were sent, including those that failed to connect. It is 0
	// if nothing was sent.
	Attempts int
	// Reconciled is as in [Response].
	Reconciled bool
	// OutcomeUnknown reports whether the call failed and may have changed something. Err then
	// matches ErrOutcomeUnknown, unless Reconciling is set.
	OutcomeUnknown bool
	// Duration is that of the call, including its waits.
	Duration time.Duration
	// Err is what the call returns; nil is a success.
	Err error
}

// AttemptInfo describes one request of a call.
type AttemptInfo struct {
	// Call is the call that the request belongs to.
	Call CallInfo
	// Number counts the requests of the call from 1, without those of calls within it.
	Number int
}

// AttemptResult is the end of one request.
type AttemptResult struct {
	// StatusCode is the HTTP status; 0 if there was no response.
	StatusCode int
	// RequestID is as in [APIError].
	RequestID string
	// Proto is the protocol of the response, such as "HTTP/2.0"; "" if there was none.
	Proto string
	// RequestSize and ResponseSize are the bytes of the bodies, decompressed, as far as they were
	// read.
	RequestSize, ResponseSize int
	// Duration is that of the request, from its connection to the end of its response.
	Duration time.Duration
	// Err is an *APIError or a *TransportError; nil is a success. Another attempt may follow.
	Err error
}

// WaitReason is why a call waits. It is an open set.
type WaitReason string

// The reasons to wait.
const (
	// WaitBackoff is the wait before a retry.
	WaitBackoff WaitReason = "backoff"
	// WaitRetryAfter is the wait before a retry, for as long as the server asked.
	WaitRetryAfter WaitReason = "retry_after"
	// WaitPause is the pause of the whole client after a 429 to another request.
	WaitPause WaitReason = "pause"
	// WaitLimiter is the wait for the limiter of [WithLimiter] or [WithCallLimiter]. It is reported
	// for every request and limiter, even if the limiter does not delay the request.
	WaitLimiter WaitReason = "limiter"
)

// WaitInfo describes a wait within a call.
type WaitInfo struct {
	// Call is the call that waits.
	Call CallInfo
	// Attempt is the number of the request that follows the wait.
	Attempt int
	// Reason is why the call waits.
	Reason WaitReason
	// Planned is how long the wait will be; 0 for WaitLimiter, whose length is not known.
	Planned time.Duration
}

// WaitResult is the end of a wait.
type WaitResult struct {
	// Duration is how long the wait was.
	Duration time.Duration
	// Interrupted reports whether the request will not be sent: the context ended, or the limiter
	// returned an error.
	Interrupted bool
}
