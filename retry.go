package mihu

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RetryPolicy says how often and after what time a failed request is repeated. Which failures are
// repeated at all is fixed, see the package documentation. The zero value of every field is its
// default.
type RetryPolicy struct {
	// MaxAttempts is how often a request is sent, the first time included. 0 is 4; 1 repeats
	// nothing. A Create that has to be settled sends at most so many POSTs, each followed by a
	// reading of the channels, and a PATCH in the end; these two are sent up to twice as often.
	// Bound the time of it all with the context.
	MaxAttempts int
	// BaseDelay bounds the wait before the first repetition; the bound doubles with each one, and
	// the wait is a random part of it. 0 is 200 ms.
	BaseDelay time.Duration
	// RateLimitDelay takes the place of BaseDelay after 429. 0 is 1 s.
	RateLimitDelay time.Duration
	// MaxDelay is where doubling ends, and bounds BaseDelay and RateLimitDelay too. 0 is 8 s.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for; above it the call ends at once
	// with the server's answer, in which APIError.RetryAfter says when to come back. It also bounds
	// how long one 429 pauses the client. 0 is 60 s.
	MaxRetryAfter time.Duration
	// Budget is how many repetitions the client as a whole can spend while nothing succeeds, so
	// that a dead server is not hammered; two successes earn one back. 0 is 1000, a negative number
	// sets no limit.
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

func (p RetryPolicy) check(found *violations) {
	if p.MaxAttempts < 0 {
		found.add("retry policy MaxAttempts", strconv.Itoa(p.MaxAttempts), "want 1 or more, or 0 for the default")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"BaseDelay", p.BaseDelay}, {"RateLimitDelay", p.RateLimitDelay}, {"MaxDelay", p.MaxDelay}, {"MaxRetryAfter", p.MaxRetryAfter}} {
		if d.value < 0 {
			found.add("retry policy "+d.name, d.value.String(), "negative; want a duration, or 0 for the default")
		}
	}
}

// failure is what became of an attempt that did not succeed.
type failure int

const (
	failedNeverSent failure = iota
	failedUnknownHost
	failedUntrusted
	failedLost
	failedCutShort
	failedUnreadable
	failedRateLimited
	failedUnauthorized
	failedGateway
	failedServer
	failedRefused
	failedByCaller
)

// rule is a row of the policy. A failure whose outcome is open may have been carried out.
type rule struct {
	reads, writes, posts repeat
	open                 bool
}

type repeat int

const (
	never repeat = iota
	once
	always
	ifTokenDiffers
)

// rules is the whole policy; the package documentation has it word for word. Writes are PUT,
// PATCH and DELETE, whose repetition changes nothing that the first has not.
func (f failure) rule() rule {
	switch f {
	case failedNeverSent:
		return rule{reads: always, writes: always, posts: always}
	case failedUnknownHost:
		return rule{reads: once, writes: once, posts: once}
	case failedLost, failedCutShort, failedGateway:
		return rule{reads: always, writes: always, posts: never, open: true}
	case failedRateLimited:
		return rule{reads: always, writes: always, posts: always}
	case failedUnauthorized:
		return rule{reads: ifTokenDiffers, writes: ifTokenDiffers, posts: ifTokenDiffers}
	case failedUnreadable, failedServer:
		return rule{open: true}
	case failedUntrusted, failedRefused, failedByCaller:
	}
	return rule{}
}

// classify names what became of an attempt. sent is false where no connection was had, so that
// the server cannot have seen the request.
func classify(err error, sent bool) failure {
	if api, ok := errors.AsType[*APIError](err); ok {
		switch status := api.StatusCode; {
		case status == http.StatusTooManyRequests:
			return failedRateLimited
		case status == http.StatusUnauthorized:
			return failedUnauthorized
		case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
			return failedGateway
		case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
			return failedServer
		case status < 300 && errors.Is(err, errCutShort):
			return failedCutShort
		case status < 300 && errors.Is(err, ErrMalformedResponse):
			return failedUnreadable
		}
		return failedRefused
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

// isUntrusted finds a server that is not who it should be, which no repetition mends.
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

// isDialError finds a failure before there was a connection, for transports that report nothing
// through httptrace.
func isDialError(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// delay is the wait before the next attempt: a random part of a bound that doubles, and never
// less than what the server asked for.
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

// parseRetryAfter reads both forms of the header, seconds and a date in any of HTTP's formats. 0
// is for a header that is missing, not readable, or in the past.
func parseRetryAfter(value string, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour // so that nothing overflows on its way
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds > 0) { // nor NaN
			return 0
		}
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), most)
	}
	return 0
}

// budget is a token bucket: repetitions take, successes give back half.
type budget struct {
	mu        sync.Mutex
	unlimited bool
	most      float64
	left      float64
}

func (b *budget) init(most int) {
	b.unlimited, b.most, b.left = most < 0, float64(most), float64(most)
}

func (b *budget) take() bool {
	if b.unlimited {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (b *budget) earn() {
	const share = 0.5
	if b.unlimited {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+share, b.most)
}

// gate holds back every attempt of a client until the time that a 429 named.
type gate struct {
	mu   sync.Mutex
	open time.Time
}

func (g *gate) closeFor(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.open) {
		g.open = until
	}
}

// wait returns when the gate is open. Those who waited are let through over a tenth of their wait,
// not all at once. A gate that stays closed past the deadline is an error at once.
func (g *gate) wait(ctx context.Context, w *watch) error {
	for {
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		left := time.Until(open)
		if left <= 0 {
			return nil
		}
		wait := left + rand.N(left/10+1)
		if pastDeadline(ctx, wait) {
			return &pausedError{left}
		}
		if err := w.sleep(ctx, WaitPause, wait); err != nil {
			return err
		}
	}
}

// pause holds back the client, and all who share a limiter with it that can do the same.
func (x *exchange) pause(d time.Duration) {
	x.gate.closeFor(d)
	for _, limiter := range [...]Limiter{x.limiter, x.callLimiter} {
		if pauser, ok := limiter.(Pauser); ok {
			pauser.Pause(x.ctx, d)
		}
	}
}

// pausedError is a call that was not sent because an earlier 429 asked the client to wait.
type pausedError struct{ left time.Duration }

func (e *pausedError) Error() string {
	return "not sent: an earlier answer (429) asked this client to wait another " + e.left.Round(time.Millisecond).String() +
		", which is past the context's deadline"
}

// Timeout is true: there is no time left for this call.
func (e *pausedError) Timeout() bool { return true }

func (e *pausedError) Is(target error) bool {
	return target == ErrRateLimited || target == context.DeadlineExceeded
}

func pastDeadline(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= wait
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return contextError(ctx)
	case <-timer.C:
		return nil
	}
}
