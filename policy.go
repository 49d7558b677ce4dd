package mihu

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryPolicy sets how often and after what wait a failed request is retried. Which failures are
// retried at all is fixed, see the package documentation. The zero value of every field is its
// default.
type RetryPolicy struct {
	// MaxAttempts is the maximum number of times that a request is sent, including the first. 0 is
	// 4; 1 turns retries off. A Create that is reconciled sends at most this many POSTs, each
	// followed by a read of the channels, and finally a PATCH. Each read, and the PATCH, is tried
	// up to twice as often. Bound the total time with the context.
	MaxAttempts int
	// BaseDelay is the upper bound of the wait before the first retry. The bound doubles with every
	// retry, and the wait is a random part of it (exponential backoff with full jitter). 0 is 200
	// ms.
	BaseDelay time.Duration
	// RateLimitDelay replaces BaseDelay after a 429. 0 is 1 s.
	RateLimitDelay time.Duration
	// MaxDelay is where the doubling ends. It also bounds BaseDelay and RateLimitDelay. 0 is 8 s.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for. If the server asks for more, the
	// call ends at once with its response; use [RetryAfter] to read the wait. It also bounds how
	// long one 429 pauses the client: after a 429 with a longer Retry-After, the next call waits
	// for MaxRetryAfter and up to a tenth more, unless its deadline comes first. 0 is 60 s.
	MaxRetryAfter time.Duration
	// Budget is the maximum number of retries that all calls of the client can spend while nothing
	// succeeds, so that a server that is down is not flooded. Every two successes return one. If it
	// is exhausted, the last failure is returned. A read that finds out the result of a write counts
	// as a retry unless the server answers it, even with what was there before the write. 0 is 1000;
	// a negative number sets no limit.
	Budget int
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	orDefault(&p.MaxAttempts, 4)
	orDefault(&p.BaseDelay, 200*time.Millisecond)
	orDefault(&p.RateLimitDelay, time.Second)
	orDefault(&p.MaxDelay, 8*time.Second)
	orDefault(&p.MaxRetryAfter, 60*time.Second)
	orDefault(&p.Budget, 1000)
	return p
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// failure is why an attempt did not succeed: a row of the table in the package documentation.
type failure int

const (
	failedNeverSent failure = iota
	failedUnknownHost
	failedUntrusted
	failedLost
	failedCutShort
	failedUnproven
	failedWithoutData
	failedRateLimited
	failedUnauthorized
	failedGateway
	failedServer
	failedRefused
	failedByCaller
	numFailures
)

// String returns the failure as the package documentation names it.
func (f failure) String() string {
	return [numFailures]string{
		failedNeverSent:    "never sent: dial, TLS handshake",
		failedUnknownHost:  "never sent: unknown host name",
		failedUntrusted:    "certificate not trusted",
		failedLost:         "connection lost, attempt timed out",
		failedCutShort:     "2xx cut short",
		failedUnproven:     "2xx too large, not JSON, no evidence",
		failedWithoutData:  "2xx success without data",
		failedRateLimited:  "429",
		failedUnauthorized: "401",
		failedGateway:      "502, 503, 504",
		failedServer:       "500, 408, 499, other 5xx",
		failedRefused:      "any other response",
		failedByCaller:     "the caller's context ended",
	}[f]
}

// column is the kind of a request: a column of the table.
type column int

const (
	columnReads      column = iota // GET
	columnWrites                   // PUT, PATCH and DELETE, and a POST that is marked Idempotent
	columnPosts                    // POST
	columnReconciles               // the requests that reconcile a Create
	numColumns
)

// verdict is a cell of the table: how often a request is retried after a failure.
type verdict int

const (
	never verdict = iota
	once
	always
	withNewToken
)

func (v verdict) String() string {
	return [...]string{never: "never", once: "once", always: "always", withNewToken: "new token"}[v]
}

// applied is the last column of the table: whether the change may have been made in spite of the
// failure.
type applied int

const (
	notApplied applied = iota
	maybeApplied
	appliedIfSent
)

func (a applied) String() string {
	return [...]string{notApplied: "no", maybeApplied: "maybe", appliedIfSent: "maybe, if sent"}[a]
}

// rule is a row of the table.
type rule struct {
	retry   [numColumns]verdict
	applied applied
}

// rule returns the row of the failure. These rows are the whole policy; a test compares them with
// the package documentation and the README.
func (f failure) rule() rule {
	switch f {
	case failedNeverSent, failedRateLimited:
		return rule{retry: [numColumns]verdict{always, always, always, always}}
	case failedUnknownHost:
		return rule{retry: [numColumns]verdict{once, once, once, once}}
	case failedLost, failedCutShort, failedGateway:
		return rule{retry: [numColumns]verdict{always, always, never, always}, applied: maybeApplied}
	case failedUnauthorized:
		return rule{retry: [numColumns]verdict{withNewToken, withNewToken, withNewToken, withNewToken}}
	case failedWithoutData:
		return rule{applied: maybeApplied}
	case failedUnproven, failedServer:
		return rule{retry: [numColumns]verdict{never, never, never, always}, applied: maybeApplied}
	case failedByCaller:
		return rule{applied: appliedIfSent}
	case failedUntrusted, failedRefused, numFailures:
	}
	return rule{}
}

// history is what the policy knows of a call: its column and its attempts so far.
type history struct {
	column   column
	attempts int
	seen     [numFailures]bool
}

// decision is what follows a failed attempt.
type decision int

const (
	giveUp decision = iota
	retry
	renewToken
)

// next decides what follows the failure of the last attempt in the history. It is pure: the budget,
// the context's deadline and the token source, which can each still prevent a retry, are the
// call's.
func (p RetryPolicy) next(h *history, failed failure, retryAfter time.Duration) decision {
	allowed := failed.rule().retry[h.column]
	seen := h.seen[failed]
	h.seen[failed] = true
	switch {
	case h.attempts >= p.maxAttempts(h.column):
		return giveUp
	case allowed == withNewToken && !seen:
		return renewToken
	case retryAfter > p.MaxRetryAfter:
		return giveUp
	case allowed == always, allowed == once && !seen:
		return retry
	}
	return giveUp
}

// maxAttempts is higher for what reconciles a Create: giving up there leaves an unknown outcome.
func (p RetryPolicy) maxAttempts(c column) int {
	if c == columnReconciles && p.MaxAttempts > 1 {
		return 2 * p.MaxAttempts
	}
	return p.MaxAttempts
}

// delay is the wait before the next attempt: a random part of a bound that doubles, and at least
// retryAfter.
func (p RetryPolicy) delay(attempt int, failed failure, retryAfter time.Duration) time.Duration {
	base := p.BaseDelay
	if failed == failedRateLimited {
		base = p.RateLimitDelay
	}
	bound := min(base, p.MaxDelay)
	for range attempt - 1 {
		if bound > p.MaxDelay/2 {
			bound = p.MaxDelay
			break
		}
		bound *= 2
	}
	return max(rand.N(max(bound, 1)), retryAfter)
}

// classify returns the failure of an attempt. sent is false if there was no connection, so that the
// server cannot have seen the request.
func classify(err error, sent bool) failure {
	if api, ok := errors.AsType[*APIError](err); ok {
		return classifyResponse(api)
	}
	if isUntrusted(err) {
		return failedUntrusted
	}
	if sent {
		return failedLost
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return failedUnknownHost
	}
	return failedNeverSent
}

// statusClientClosed is nginx's status of a request whose connection closed before the response. It
// does not tell what became of the request.
const statusClientClosed = 499

func classifyResponse(err *APIError) failure {
	switch status := err.StatusCode; {
	case status == http.StatusTooManyRequests:
		return failedRateLimited
	case status == http.StatusUnauthorized:
		return failedUnauthorized
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return failedGateway
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == statusClientClosed:
		return failedServer
	case status < 300 && errors.Is(err, errCutShort):
		return failedCutShort
	case status < 300 && errors.Is(err, errAcknowledged):
		return failedWithoutData
	case status < 300 && errors.Is(err, ErrMalformedResponse):
		return failedUnproven
	}
	return failedRefused
}

// isUntrusted reports whether the server's certificate was not accepted, which no retry mends.
func isUntrusted(err error) bool {
	for _, target := range []any{
		new(*tls.CertificateVerificationError), new(x509.UnknownAuthorityError), new(x509.HostnameError),
		new(x509.CertificateInvalidError), new(*tls.ECHRejectionError),
	} {
		if errors.As(err, target) {
			return true
		}
	}
	return false
}

// isDialError reports whether there was no connection, for transports that do not report through
// httptrace.
func isDialError(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// maxParsedRetryAfter bounds what a Retry-After header is read as, so that no sum of times
// overflows.
const maxParsedRetryAfter = 365 * 24 * time.Hour

// parseRetryAfter reads both forms of the header: seconds, and a date in any of HTTP's formats. It
// returns 0 if the header is missing, unreadable or in the past.
func parseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds > 0) { // not for NaN either
			return 0
		}
		return time.Duration(min(seconds, maxParsedRetryAfter.Seconds()) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxParsedRetryAfter)
	}
	return 0
}

// retryAfterForm returns the form of a Retry-After: "seconds", "fraction", "date", "other" or "none".
func retryAfterForm(value string) string {
	value = strings.TrimSpace(value)
	if _, err := strconv.ParseUint(value, 10, 64); err == nil {
		return "seconds"
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return "fraction"
	}
	if _, err := http.ParseTime(value); err == nil {
		return "date"
	}
	if value == "" {
		return "none"
	}
	return "other"
}
