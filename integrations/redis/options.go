package mihuredis

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	defaultPeriod   = time.Second
	defaultShare    = 0.25
	defaultTimeout  = 250 * time.Millisecond
	defaultMaxPause = 5 * time.Minute

	minPeriod = 100 * time.Millisecond
	minBurst  = 5 * time.Millisecond  // of the rate: what a program can time
	minPace   = 10 * time.Microsecond // between two requests: what Redis can time
)

// Option configures a limiter; see [New]. The order of options does not matter, but of several of one
// kind the last takes precedence. The zero value of every option is its default. A nil Option is ignored.
type Option interface{ apply(c *config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	rate     int
	period   time.Duration
	burst    int
	share    float64
	timeout  time.Duration
	maxPause time.Duration
	logger   *slog.Logger
}

// WithPeriod sets the time that the rate is for: at least 100 ms. 0 means the default, 1 second.
func WithPeriod(d time.Duration) Option { return option(func(c *config) { c.period = d }) }

// WithBurst sets how many requests above the rate any period may have, whenever it begins. With a rate
// of 200 and a burst of 10, all processes together send at most 210 requests in any second, the first
// included. Half of the burst may go at once after an idle time; the other half makes up for goroutines
// that wake up late. The burst must be worth at least 5 ms of the rate and must not exceed the rate. 0
// means the default, a twentieth of the rate and at least 1.
func WithBurst(n int) Option { return option(func(c *config) { c.burst = n }) }

// WithShare sets the part of the rate that this process may use while Redis is unavailable: above 0 and
// at most 1. With n processes use 1/n. 0 means the default, 0.25, which keeps up to four processes below
// the rate.
func WithShare(part float64) Option { return option(func(c *config) { c.share = part }) }

// WithTimeout bounds every round trip to Redis; one that takes longer has failed. 0 means the default,
// 250 ms.
func WithTimeout(d time.Duration) Option { return option(func(c *config) { c.timeout = d }) }

// WithMaxPause bounds how long one 429 response pauses all processes: at least 1 ms. 0 means the
// default, 5 minutes. The client that received the 429 also bounds it, by MaxRetryAfter of its
// [mihu.RetryPolicy].
func WithMaxPause(d time.Duration) Option { return option(func(c *config) { c.maxPause = d }) }

// WithLogger sets the logger. The limiter logs at Warn when Redis becomes unavailable and when it finds
// something in Redis that cannot be right, and at Info when Redis is available again. nil means the
// default: nothing is logged.
func WithLogger(logger *slog.Logger) Option { return option(func(c *config) { c.logger = logger }) }

func newConfig(rate int, opts []Option) (config, error) {
	c := config{rate: rate}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&c)
		}
	}
	orDefault(&c.period, defaultPeriod)
	orDefault(&c.burst, max(1, rate/20))
	orDefault(&c.share, defaultShare)
	orDefault(&c.timeout, defaultTimeout)
	orDefault(&c.maxPause, defaultMaxPause)
	orDefault(&c.logger, slog.New(slog.DiscardHandler))
	err := c.check()
	return c, err
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *config) check() error {
	var found []error
	bad := func(format string, args ...any) { found = append(found, fmt.Errorf(format, args...)) }
	if c.rate < 1 {
		bad("rate %d: want at least 1", c.rate)
	}
	if c.period < minPeriod {
		bad("period %v: want at least %v, or 0 for the default", c.period, minPeriod)
	}
	if c.burst < 1 {
		bad("burst %d: want at least 1, or 0 for the default", c.burst)
	}
	if len(found) == 0 {
		switch pace := c.pace(); {
		case pace < minPace:
			bad("rate %d per %v: want at most one request in %v", c.rate, c.period, minPace)
		case time.Duration(c.burst) < (minBurst+pace-1)/pace:
			bad("burst %d: want at least %d, which is %v of the rate", c.burst, (minBurst+pace-1)/pace, minBurst)
		}
		if c.burst > c.rate {
			bad("burst %d: want at most the rate, %d", c.burst, c.rate)
		}
	}
	if !(c.share > 0 && c.share <= 1) { // nor NaN
		bad("share %v: want above 0 and at most 1, or 0 for the default", c.share)
	}
	if c.timeout < 0 {
		bad("timeout %v: negative; want a positive duration, or 0 for the default", c.timeout)
	}
	if c.maxPause < time.Millisecond {
		bad("maximum pause %v: want at least 1ms, or 0 for the default", c.maxPause)
	}
	return errors.Join(found...)
}

// pace is the time between two requests at the full rate.
func (c *config) pace() time.Duration { return c.period / time.Duration(c.rate) }
