package mihu

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/mihu-go/mihu/internal/redact"
)

const defaultAttemptTimeout = 30 * time.Second

// Option changes a client as it is made. The order of options does not matter, except that the
// last of a kind wins and every [WithHooks] counts. The zero value of every option is its default.
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
}

// WithBaseURL sends to another base URL, whole with its path: the older
// https://{subdomain}.mindhunters.ai/api/v1, a proxy, a test server. It must be https, or http to
// a loopback host, without credentials, query or fragment. "" is the default, the workspace's own.
func WithBaseURL(base string) Option {
	return option(func(c *config) {
		c.baseURL = ""
		if base != "" {
			c.baseURL = checkBaseURL(&c.found, base)
		}
	})
}

// WithHTTPClient sends through a client of yours. It is copied and never changed: its Transport
// and Jar are used as they are, its Timeout is the attempt timeout where [WithAttemptTimeout] is
// not given, and its CheckRedirect is not used, since redirects are never followed. nil is the
// default: a transport with its own pool, sized for many calls at once, with TLS 1.2 at least,
// HTTP/2 pings and the environment's proxy.
func WithHTTPClient(hc *http.Client) Option {
	return option(func(c *config) {
		c.httpClient = http.Client{}
		if hc != nil {
			c.httpClient = *hc
		}
	})
}

// WithRetryPolicy says how often and after what time a request is repeated. The zero policy is
// the default; see [RetryPolicy] for each of its values.
func WithRetryPolicy(policy RetryPolicy) Option {
	return option(func(c *config) {
		policy.check(&c.found)
		c.policy = policy
	})
}

// WithAttemptTimeout bounds each request of a call, from its connection to the end of its answer.
// The time of a call as a whole is the caller's, by its context. 0 is the default, 30 seconds;
// a negative duration sets no bound.
func WithAttemptTimeout(d time.Duration) Option {
	return option(func(c *config) { c.attemptTimeout = d })
}

// WithLogger logs one Debug record per attempt and one Warn record per repetition, with the
// operation, method, status, attempt, wait, duration (of type [time.Duration]) and request id: never
// headers, bodies, queries, secrets or whole phone numbers. nil is the default: nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return option(func(c *config) { c.logger = logger })
}

// WithUserAgent adds a program's own name to the User-Agent, such as "acme-sync/1.4". It is
// printable ASCII. "" is the default and adds nothing.
func WithUserAgent(suffix string) Option {
	return option(func(c *config) {
		for _, r := range suffix {
			if r < ' ' || r > '~' {
				c.found.add("user agent", redact.Clip(suffix), "want printable ASCII")
				break
			}
		}
		c.userAgent = suffix
	})
}

// Limiter keeps a client below a rate. Wait blocks until one more request may be sent, or returns
// an error. *rate.Limiter of golang.org/x/time is one.
type Limiter interface {
	Wait(ctx context.Context) error
}

// Pauser is a [Limiter] that hears of every pause: where it is shared, one client's 429 can hold
// back the others too. Pause is called after a 429 with Retry-After, before the repetition is waited
// for, with the time that the client itself pauses: above 0, MaxRetryAfter at most. It is called from
// many goroutines at once, has to return soon and before the context ends, and does not itself wait.
type Pauser interface {
	Limiter
	Pause(ctx context.Context, d time.Duration)
}

// WithLimiter asks a limiter before every attempt, so that repetitions count too. A limiter may be
// shared among clients; see [Pauser] for what more it can do then. An error of it ends the call,
// unsent. nil is the default: no limit. [WithCallLimiter] adds one to a single call.
func WithLimiter(limiter Limiter) Option {
	limiter = orNoLimiter(limiter)
	return option(func(c *config) { c.limiter = limiter })
}

// orNoLimiter takes a nil pointer for what it was meant to be.
func orNoLimiter(limiter Limiter) Limiter {
	if v := reflect.ValueOf(limiter); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return limiter
}

// WithTokenSource asks a source for the token before every attempt, in place of the token of
// [New], which is then "". nil is the default: the token of New.
func WithTokenSource(tokens TokenSource) Option {
	if f, ok := tokens.(TokenFunc); ok && f == nil {
		tokens = nil
	}
	return option(func(c *config) { c.tokens = tokens })
}

func userAgent(suffix string) string {
	agent := "mihu-go/" + Version + " (" + runtime.Version() + ")"
	if suffix = strings.TrimSpace(suffix); suffix != "" {
		agent += " " + suffix
	}
	return agent
}
