package mihu

import (
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

const defaultAttemptTimeout = 30 * time.Second

// Option sets up a client. Make one with the functions below. The order of options does not matter:
// the last of a kind takes effect, except that the hooks of several [WithHooks] add up. The zero
// value of every argument is its default.
type Option interface{ apply(c *config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	found          violations
	baseURL        string
	httpClient     http.Client
	policy         RetryPolicy
	attemptTimeout time.Duration
	logger         *slog.Logger
	userAgent      string
	tokens         TokenSource
	limiter        Limiter
	hooks          []Hooks
	readLag        time.Duration
	conflicts      []int
}

// WithBaseURL sends to another base URL, with its path: the older
// https://{workspace}.mindhunters.ai/api/v1, a proxy, a test server. It must be https, or http to a
// loopback host, without credentials, query or fragment. "" is the default, the workspace's own.
func WithBaseURL(base string) Option {
	return option(func(c *config) {
		c.baseURL = ""
		if base != "" {
			c.baseURL = c.found.baseURL(base)
		}
	})
}

// WithHTTPClient sends through your own client. It is copied and never changed. Its Transport and
// Jar are used as they are. Its Timeout is the attempt timeout if [WithAttemptTimeout] is not
// given. Its CheckRedirect is not used, since redirects are never followed. nil is the default: a
// transport with its own pool, sized for many concurrent calls, with TLS 1.2 or later, HTTP/2 pings
// and the environment's proxy.
func WithHTTPClient(hc *http.Client) Option {
	return option(func(c *config) {
		c.httpClient = http.Client{}
		if hc != nil {
			c.httpClient = *hc
		}
	})
}

// WithRetryPolicy sets how often and after what wait a request is retried. The zero policy is the
// default; see [RetryPolicy] for each of its values.
func WithRetryPolicy(policy RetryPolicy) Option {
	return option(func(c *config) {
		c.found.retryPolicy(policy)
		c.policy = policy
	})
}

// WithAttemptTimeout sets the time limit of each attempt, from its connection to the end of its
// response. The time of the entire call is limited by its context. 0 is the default, 30 seconds; a
// negative duration sets no limit.
func WithAttemptTimeout(d time.Duration) Option {
	return option(func(c *config) { c.attemptTimeout = d })
}

// WithLogger logs one Debug record per attempt and one Warn record per retry, with op, method,
// status, attempt, wait, duration (both of type [time.Duration]) and request_id. It never logs
// values of headers, bodies, queries, secrets or unmasked phone numbers. Of a 429 it logs the names
// of the headers about the limit and the form of Retry-After, neither of which the API documents. nil
// is the default: nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return option(func(c *config) { c.logger = logger })
}

// WithUserAgent adds a program's own name to the User-Agent, such as "acme-sync/1.4". It must be
// printable ASCII. "" is the default and adds nothing.
func WithUserAgent(suffix string) Option {
	return option(func(c *config) {
		c.found.userAgent(suffix)
		c.userAgent = suffix
	})
}

// WithLimiter waits for a limiter before every attempt, so that retries count too. A limiter may be
// shared by several clients; see [Pauser] for what else it can do then. If the limiter returns an
// error, the call ends and nothing is sent. nil is the default: no limit. [WithCallLimiter] adds
// one to a single call.
func WithLimiter(limiter Limiter) Option {
	limiter = orNoLimiter(limiter)
	return option(func(c *config) { c.limiter = limiter })
}

// WithTokenSource asks a source for the token before every attempt, instead of using the token of
// [New], which must then be "". nil is the default: the token of New.
func WithTokenSource(tokens TokenSource) Option {
	if f, ok := tokens.(TokenFunc); ok && f == nil {
		tokens = nil
	}
	return option(func(c *config) { c.tokens = tokens })
}

// WithMaxReadLag sets how long the API's reads may lag behind this client's own writes. The API
// does not document how soon a read sees a write. 0 is the default, 5 seconds; a negative duration
// turns it off.
//
// If a read of a number's channels contradicts a write of this client that is younger than d, the
// client reads again, with waits from 50 ms up to 1 s. It stops when the read agrees or when the
// write is older than d; only then does it use what it read. If the context would end first, the
// call fails with context.DeadlineExceeded. After a write with an unknown outcome, a read that does
// not show it is treated in the same way.
// This applies to Trunks.Get, Channels.GetByNumber, Ensure, and the reads that reconcile or verify
// a write. It does not apply to Channels.Get and to lists.
//
// The cost: if another program changes a trunk within d after this client wrote it, a read of this
// client waits until the write is older than d, and then returns what that program wrote. With the
// default that takes up to 5 seconds and some ten requests.
//
// A write whose response does not prove it is verified by a read in any case, see
// [TrunksService.Assign]. d is how long that read may be tried again; if it is turned off, the
// client reads once. The client keeps its last 4096 writes.
func WithMaxReadLag(d time.Duration) Option {
	return option(func(c *config) { c.readLag = d })
}

// WithConflictStatuses sets further statuses with which the API refuses a trunk that exists, or an
// agent that serves another number. The API does not document them; "trunkctl probe" observes them, see
// docs/probe.md. 409 always is one. The default is no other.
//
// A refusal of Trunks.Create or Trunks.Assign with one of these statuses matches ErrConflict, and not
// ErrForbidden, ErrNotFound or ErrInvalid. Ensure and package provision then look whether the trunk
// exists, and provision waits until the agent is free; they do the same after ErrInvalid. A 404 to
// Trunks.Assign is always about the trunk.
//
// 400 to 498 are possible, except 401, 408, 425 and 429, which are about the token, the time or the
// rate. [New] returns a *ValidationError for others.
func WithConflictStatuses(statuses ...int) Option {
	return option(func(c *config) {
		c.conflicts = nil
		for _, status := range statuses {
			if status < 400 || status > 498 || slices.Contains([]int{401, 408, 425, 429}, status) {
				c.found.add("WithConflictStatuses", strconv.Itoa(status), "a refusal with it is no conflict; want 400 to 498 without 401, 408, 425 and 429")
				continue
			}
			c.conflicts = append(c.conflicts, status)
		}
	})
}

// WithHooks calls functions of yours when calls, attempts and waits begin and end. Unlike other
// options it may be given several times. Beginnings are reported to the hooks in order, ends in
// reverse order, and each hook receives the context that the ones before returned. The default is
// none, which costs nothing.
func WithHooks(hooks Hooks) Option {
	return option(func(c *config) { c.hooks = append(c.hooks, hooks) })
}

func userAgent(suffix string) string {
	agent := "mihu-go/" + Version + " (" + runtime.Version() + ")"
	if suffix = strings.TrimSpace(suffix); suffix != "" {
		agent += " " + suffix
	}
	return agent
}
