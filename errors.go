package mihu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of failure, for errors.Is. An error of this package may match several. A validation
// error of the API and one that this package found before sending both match ErrInvalid. An update
// whose response was lost matches ErrOutcomeUnknown and the kinds of its causes.
var (
	// ErrUnauthorized: the token is missing, wrong, expired or revoked (401).
	ErrUnauthorized = errors.New("mihu: unauthorized")
	// ErrForbidden: the token does not permit this (403).
	ErrForbidden = errors.New("mihu: forbidden")
	// ErrNotFound: no such trunk, number or endpoint (404). If the response is a proxy's page, the
	// error matches ErrMalformedResponse too.
	ErrNotFound = errors.New("mihu: not found")
	// ErrConflict: the number or the agent is taken (409). The API does not document this status;
	// it may respond with one that matches ErrInvalid instead, see also [WithConflictStatuses].
	ErrConflict = errors.New("mihu: conflict")
	// ErrAmbiguous: several agents have the name. The error is an *AgentLookupError, which lists
	// them.
	ErrAmbiguous = errors.New("mihu: ambiguous")
	// ErrInvalid: the request is invalid, either for the API (400, 422) or for this package, which
	// returns a *ValidationError and sends nothing.
	ErrInvalid = errors.New("mihu: invalid")
	// ErrRateLimited: too many requests (429). Use [RetryAfter] to read how long to wait.
	ErrRateLimited = errors.New("mihu: rate limited")
	// ErrServer: the API or a proxy in front of it failed (500 and above).
	ErrServer = errors.New("mihu: server error")
	// ErrMalformedResponse: the response was cut short, too large or not JSON, lacks the data that
	// it should have, contradicts the request, or is a 304; or a list ended before what its pages
	// reported.
	ErrMalformedResponse = errors.New("mihu: malformed response")
	// ErrRedirect: the response was a redirect. Redirects are never followed: that would send the
	// token to another place and turn a write into a read.
	ErrRedirect = errors.New("mihu: redirected")
	// ErrOutcomeUnknown: a change may or may not have been made. The error is an
	// *UnknownOutcomeError; its Advice is how to find out. Check for it first: such an error
	// matches the kinds of its causes too.
	ErrOutcomeUnknown = errors.New("mihu: outcome unknown")
)

// APIError reports a response of the API, or of a proxy in front of it, that is not a success: a
// status other than 2xx, "success": false under any status, or a success that cannot be read or
// does not prove what was requested.
//
// Its text fields come from the server, without the request's token, SIP username and password, and
// with phone numbers masked. Decide on the sentinels, StatusCode and Code, never on Message, which
// the API documents as meant for people.
type APIError struct {
	// Op is the operation: one of the Op constants, or for Client.Do the method and path template.
	Op string
	// Method and Path are those of the request. Path is the template, without its arguments.
	Method, Path string
	// StatusCode is the HTTP status.
	StatusCode int
	// Code is the API's own code, such as "INVALID_AUTH_TOKEN" or "purchase_limit_reached"; "" if
	// it sends none. Two codes are documented for 401, and no others.
	Code string
	// Message and Details are for people; "" if the API sends none.
	Message, Details string
	// FieldErrors has the messages by field of the request, for at most 100 fields; nil if the API
	// names none.
	FieldErrors map[string][]string
	// RequestID is that of X-Request-Id or a header like it, which the API does not document; "" if
	// there is none.
	RequestID string
	// RetryAfter is how long the server asked to wait, by its Retry-After header; 0 if it did not.
	RetryAfter time.Duration
	// Attempts counts the requests that were sent for this call, including that of this response.
	Attempts int
	// Body is the start of the body as it was received, at most 64 KiB, without the request's
	// secrets, and with unmasked phone numbers. It is never printed.
	Body []byte `json:"-"`
	// Err is why the response could not be read, or ErrRedirect; nil for an error that the API
	// reported.
	Err error `json:"-"`

	conflict bool // by WithConflictStatuses
}

// Error returns what failed, how, and with which request ID, without the body, secrets or unmasked
// phone numbers.
func (e *APIError) Error() string {
	const maxText = 4096 // for what a server can make longer
	var b strings.Builder
	b.WriteString("mihu: " + e.Op + ": " + strconv.Itoa(e.StatusCode))
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	} else if text := http.StatusText(e.StatusCode); text != "" {
		b.WriteString(" " + text)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Details != "" && e.Details != e.Message {
		b.WriteString(": " + e.Details)
	}
	for _, field := range slices.Sorted(maps.Keys(e.FieldErrors)) {
		before := "; " + field + ": "
		for _, message := range e.FieldErrors[field] {
			if b.Len() < maxText {
				b.WriteString(before + message)
				before = ", "
			}
		}
	}
	if e.Err != nil {
		b.WriteString(": " + strings.TrimPrefix(e.Err.Error(), "mihu: "))
	}
	var notes []string
	if e.RequestID != "" {
		notes = append(notes, "request "+e.RequestID)
	}
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if e.RetryAfter > 0 {
		notes = append(notes, "retry after "+e.RetryAfter.String())
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return b.String()
}

// Is matches the sentinels of this package by status, and ErrUnauthorized also by the two codes
// that the API documents for it. "success": false under a 2xx matches ErrInvalid if it names a
// field, and otherwise none. A refusal that [WithConflictStatuses] makes a conflict matches ErrConflict
// and nothing else.
func (e *APIError) Is(target error) bool {
	status := e.StatusCode
	if e.conflict {
		return target == ErrConflict
	}
	switch target {
	case ErrUnauthorized:
		return status == http.StatusUnauthorized || e.Code == "MISSING_AUTH_TOKEN" || e.Code == "INVALID_AUTH_TOKEN"
	case ErrForbidden:
		return status == http.StatusForbidden
	case ErrNotFound:
		return status == http.StatusNotFound
	case ErrConflict:
		return status == http.StatusConflict
	case ErrInvalid:
		return status == http.StatusBadRequest || status == http.StatusUnprocessableEntity ||
			status/100 == 2 && e.FieldErrors != nil // "success": false
	case ErrRateLimited:
		return status == http.StatusTooManyRequests
	case ErrServer:
		return status >= http.StatusInternalServerError
	}
	return false
}

// Unwrap returns Err.
func (e *APIError) Unwrap() error { return e.Err }

// LogValue is the error as a group, without its body.
func (e *APIError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("error", e.Error()), slog.String("op", e.Op), slog.Int("status", e.StatusCode),
		slog.Int("attempts", e.Attempts),
	}
	if e.Code != "" {
		attrs = append(attrs, slog.String("code", e.Code))
	}
	if e.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", e.RequestID))
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	return slog.GroupValue(attrs...)
}

// Format prints the text of Error under every verb, so that no dump shows the body.
func (e *APIError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// TransportError reports that a call ended without a response: there was no connection, it was
// lost, time ran out, or the context ended. It also reports that nothing was sent, because the
// limiter or the token source failed, or because an earlier 429 has paused the client past the
// deadline. A write that returns a TransportError was not applied; if it may have been applied, the
// error is an *UnknownOutcomeError that wraps it.
//
// The cause can be matched with errors.Is and errors.As: context.Canceled, *net.OpError,
// *tls.CertificateVerificationError and so on. Its text holds no URL, but may have the local and
// remote IP addresses and ports of the connection.
type TransportError struct {
	// Op is the operation, such as "trunks.create".
	Op string
	// Method and Path are those of the request. Path is the template, without its arguments.
	Method, Path string
	// Attempts counts the requests that were sent, including those that failed to connect.
	Attempts int
	// Err is the cause.
	Err error
	// RetryAfter is how much longer the server asked to wait, if an earlier 429 paused this client
	// until after the context's deadline; otherwise 0.
	RetryAfter time.Duration
	// Last is the failure of the last attempt, if the call ended while it waited to retry;
	// otherwise nil. It can be matched too.
	Last error
}

// Error returns what failed and why.
func (e *TransportError) Error() string {
	text := "mihu: " + e.Op + ": no response"
	if e.Err != nil {
		text = "mihu: " + e.Op + ": " + e.Err.Error()
	}
	if e.Last != nil {
		text += "; before that: " + strings.TrimPrefix(e.Last.Error(), "mihu: "+e.Op+": ")
	} else if e.Attempts > 1 {
		text += " (" + strconv.Itoa(e.Attempts) + " attempts)"
	}
	return text
}

// Unwrap returns the cause, and the failure of the last attempt.
func (e *TransportError) Unwrap() []error {
	if e.Last == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Last}
}

// Timeout reports whether time ran out, that of an attempt or that of the caller's context.
func (e *TransportError) Timeout() bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.Err)
	return ok && timeout.Timeout()
}

// LogValue is the error as a group.
func (e *TransportError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("error", e.Error()), slog.String("op", e.Op), slog.Int("attempts", e.Attempts))
}

// Format prints the text of Error under every verb.
func (e *TransportError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// UnknownOutcomeError reports that a change may or may not have been made: an attempt was sent, and
// neither a response nor a read proves its result. It matches ErrOutcomeUnknown and every cause.
type UnknownOutcomeError struct {
	// Op is the operation, such as "trunks.update".
	Op string
	// Causes are the failures that led here, oldest first.
	Causes []error
	// Advice is how to find out what happened.
	Advice string
}

// Error returns why the outcome is unknown, and how to find out.
func (e *UnknownOutcomeError) Error() string {
	text, before := "mihu: "+e.Op+": outcome unknown: ", ""
	for i, cause := range e.Causes {
		if cause == nil {
			continue
		}
		line := strings.TrimPrefix(strings.TrimPrefix(cause.Error(), "mihu: "), e.Op+": ")
		what, _, _ := strings.Cut(line, " (")
		if what == before {
			continue // the same as before
		}
		if i > 0 {
			text += "; then: "
		}
		text, before = text+line, what
	}
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// Is matches ErrOutcomeUnknown.
func (e *UnknownOutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns every cause.
func (e *UnknownOutcomeError) Unwrap() []error { return e.Causes }

// LogValue is the error as a group.
func (e *UnknownOutcomeError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("error", e.Error()), slog.String("op", e.Op))
}

// Format prints the text of Error under every verb.
func (e *UnknownOutcomeError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// ValidationError reports that a request was not sent, because it contradicts the API's
// documentation or because the API would ignore a part of it. It lists every violation at once and
// matches ErrInvalid.
type ValidationError struct {
	// Op is the operation, such as OpTrunksCreate, or OpNew if no client was made.
	Op string
	// Violations has at least one entry.
	Violations []FieldViolation
}

// FieldViolation is one thing that is wrong with a request. Its zero value has no meaning.
type FieldViolation struct {
	// Field is the field by its name in the API, such as "sip.port", or the argument's name.
	Field string `json:"field"`
	// Value is what was given, without quotation marks: masked if it is a phone number, shortened
	// if it is long, "" if there is none or it could hold a secret.
	Value string `json:"value,omitempty"`
	// Problem is what is wrong and what to do.
	Problem string `json:"problem"`
}

// String returns the violation as one line: field, value and problem.
func (v FieldViolation) String() string {
	if v.Value == "" {
		return v.Field + ": " + v.Problem
	}
	return v.Field + ` "` + v.Value + `": ` + v.Problem
}

// Error lists every violation.
func (e *ValidationError) Error() string {
	lines := make([]string, len(e.Violations))
	for i, violation := range e.Violations {
		lines[i] = violation.String()
	}
	return "mihu: " + e.Op + ": not sent: " + strings.Join(lines, "; ")
}

// Is matches ErrInvalid.
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// LogValue is the error as a group.
func (e *ValidationError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("error", e.Error()), slog.String("op", e.Op))
}

// Format prints the text of Error under every verb.
func (e *ValidationError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// attemptTimeout is the error of an attempt that took longer than the attempt timeout. It is not
// context.DeadlineExceeded, which means that the caller's time ran out.
type attemptTimeout time.Duration

func (t attemptTimeout) Error() string {
	return "no response within the attempt timeout of " + time.Duration(t).String()
}
func (attemptTimeout) Timeout() bool   { return true }
func (attemptTimeout) Temporary() bool { return true }

var _ net.Error = attemptTimeout(0)

// contextError returns the end of a context, with its cause if the caller set one.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// RetryAfter returns how long to wait before another try, and true, if the server asked for a wait:
// [APIError.RetryAfter], or [TransportError.RetryAfter] of a call that was not sent because of an
// earlier 429. Of several it returns the longest. It returns 0 and false if there is none.
func RetryAfter(err error) (time.Duration, bool) {
	var longest time.Duration
	switch e := err.(type) { //nolint:errorlint // the tree is walked below, so that every error counts
	case *APIError:
		longest = e.RetryAfter
	case *TransportError:
		longest = e.RetryAfter
	}
	switch e := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		inner, _ := RetryAfter(e.Unwrap())
		longest = max(longest, inner)
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			inner, _ := RetryAfter(cause)
			longest = max(longest, inner)
		}
	}
	return longest, longest > 0
}

// IsTransient reports whether the same call may succeed later without a change. These errors are
// transient:
//   - The server or the network failed, or the response was malformed.
//   - The rate limit was reached.
//   - The outcome of a change is unknown, even if the caller's context ended. Instead of a second
//     [TrunksService.Create], call [TrunksService.Ensure].
//
// These are not: a refusal, a rejected token (401), an untrusted certificate, and the end of the
// caller's own context if nothing was changed. nil is not transient.
func IsTransient(err error) bool {
	switch {
	case err == nil, errors.Is(err, ErrUnauthorized):
		return false
	case errors.Is(err, ErrOutcomeUnknown):
		return true
	case errors.Is(err, ErrConflict), errors.Is(err, ErrInvalid):
		return false
	case errors.Is(err, ErrRateLimited), errors.Is(err, ErrServer), errors.Is(err, ErrMalformedResponse):
		return true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	transport, ok := errors.AsType[*TransportError](err)
	return ok && !isUntrusted(transport.Err)
}

// IsRefusal reports whether the request itself was refused, by the API or by this package before it
// was sent, and nothing was changed. These errors are refusals:
//   - a validation error
//   - a conflict
//   - a missing permission (403)
//   - a trunk, number or agent that does not exist
//   - a name that several agents have
//   - "success": false under a 2xx
//   - any other status from 400 to 499 that the API explains
//
// These are not: a rejected token (401), a timeout (408, 499), the rate limit (429), a proxy's page, and
// an unknown outcome. nil is not a refusal.
func IsRefusal(err error) bool {
	if err == nil || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrUnauthorized) {
		return false
	}
	if _, ok := errors.AsType[*ConflictError](err); ok {
		return true // whatever made the Create look
	}
	if errors.Is(err, ErrMalformedResponse) {
		return false
	}
	for _, kind := range [...]error{ErrInvalid, ErrForbidden, ErrNotFound, ErrConflict, ErrAmbiguous} {
		if errors.Is(err, kind) {
			return true
		}
	}
	api, ok := errors.AsType[*APIError](err)
	if !ok {
		return false
	}
	switch api.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, statusClientClosed:
		return false
	}
	return api.StatusCode/100 == 2 || api.StatusCode/100 == 4
}

// isGone reports whether the API itself did not find a thing. A proxy's page under 404 is no
// evidence.
func isGone(err error) bool {
	return errors.Is(err, ErrNotFound) && !errors.Is(err, ErrMalformedResponse)
}
