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

	leastPeriod = 100 * time.Millisecond
	leastBurst  = 5 * time.Millisecond  // of the rate: what a program can time
	leastPace   = 10 * time.Microsecond // between two requests: what Redis can time
)

// Option changes a limiter as it is made. The order of options does not matter, except that the
// last of a kind wins. The zero value of every option is its default.
type Option func(*config)

type config struct {
	rate     int
	period   time.Duration
	burst    int
	share    float64
	timeout  time.Duration
	maxPause time.Duration
	logger   *slog.Logger
}

// WithPeriod says what time the rate is for, 100 ms at least. 0 is the default, a second.
func WithPeriod(d time.Duration) Option { return func(c *config) { c.period = d } }

// WithBurst says how many requests more than the rate there may be in any one period, the first
// included, wherever it begins: with a rate of 200 and a burst of 10, all processes together let no
// more than 210 requests go in any second. Half of it is what may go at once after a rest, the
// other half makes up for goroutines that wake late. It must be worth 5 ms of the rate, and no more
// than the rate. 0 is the default, a twentieth of the rate, and at least 1.
func WithBurst(n int) Option { return func(c *config) { c.burst = n } }

// WithShare says what part of the rate this process may use while Redis is away, above 0 and up to
// 1. 0 is the default, 0.25, which keeps up to four processes below the rate; with n processes it
// is best 1/n.
func WithShare(part float64) Option { return func(c *config) { c.share = part } }

// WithTimeout bounds every question to Redis; one that takes longer has failed. 0 is the default,
// 250 ms.
func WithTimeout(d time.Duration) Option { return func(c *config) { c.timeout = d } }

// WithMaxPause bounds how long one 429 pauses all processes. 0 is the default, 5 minutes. The client
// that was answered 429 bounds it too, by MaxRetryAfter of its [mihu.RetryPolicy].
func WithMaxPause(d time.Duration) Option { return func(c *config) { c.maxPause = d } }

// WithLogger logs one Warn record when Redis goes away, one Info record when it is back, and one
// Warn record when what Redis holds cannot be right. nil is the default: nothing is logged.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

func newConfig(rate int, opts []Option) (config, error) {
	c := config{rate: rate}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
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
		bad("rate %d: want 1 or more", c.rate)
	}
	if c.period < leastPeriod {
		bad("period %v: want %v or more, or 0 for the default", c.period, leastPeriod)
	}
	if c.burst < 1 {
		bad("burst %d: want 1 or more, or 0 for the default", c.burst)
	}
	if len(found) == 0 {
		switch pace := c.pace(); {
		case pace < leastPace:
			bad("rate %d per %v: want at most one request in %v", c.rate, c.period, leastPace)
		case time.Duration(c.burst) < (leastBurst+pace-1)/pace:
			bad("burst %d: want %d or more, which is %v of the rate", c.burst, (leastBurst+pace-1)/pace, leastBurst)
		}
		if c.burst > c.rate {
			bad("burst %d: want no more than the rate, %d", c.burst, c.rate)
		}
	}
	if !(c.share > 0 && c.share <= 1) { // nor NaN
		bad("share %v: want more than 0 and up to 1, or 0 for the default", c.share)
	}
	if c.timeout < 0 {
		bad("timeout %v: negative; want a duration, or 0 for the default", c.timeout)
	}
	if c.maxPause < time.Millisecond {
		bad("maximal pause %v: want 1ms or more, or 0 for the default", c.maxPause)
	}
	return errors.Join(found...)
}

// pace is the time between two requests at the full rate.
func (c *config) pace() time.Duration { return c.period / time.Duration(c.rate) }
