package mihutest

import (
	"errors"
	"fmt"
	"time"
)

// Option configures a server before it starts. The order of options does not matter. If two
// options set the same thing, the last one wins.
type Option interface {
	apply(c *config) error
}

type option func(*config) error

func (o option) apply(c *config) error { return o(c) }

// config is what the options set.
type config struct {
	token        string
	rules        Rules
	latency      time.Duration
	requestLimit int
	tls          bool
	inMemory     bool
}

// newConfig applies the options to the defaults. It returns the errors of all options, joined.
func newConfig(opts []Option) (*config, error) {
	rules, err := Rules{}.complete()
	c := &config{token: DefaultToken, rules: rules, requestLimit: defaultRequestLimit}
	for _, opt := range opts {
		err = errors.Join(err, opt.apply(c))
	}
	if c.tls && c.inMemory {
		err = errors.Join(err, errors.New("WithTLS and WithInMemoryTransport exclude each other"))
	}
	return c, err
}

// WithToken sets the token that the server accepts. The default is [DefaultToken]. An empty token
// is an error.
func WithToken(token string) Option {
	return option(func(c *config) error {
		if token == "" {
			return errors.New("WithToken: the token is empty")
		}
		c.token = token
		return nil
	})
}

// WithRules sets what the contract leaves open; see [Rules]. An impossible rule is an error.
func WithRules(rules Rules) Option {
	return option(func(c *config) (err error) {
		c.rules, err = rules.complete()
		return err
	})
}

// WithLatency delays every request before it is handled, as a network would. The delay ends early
// if the client cancels the request or the server is closed. The default is 0. A negative duration
// is an error.
func WithLatency(d time.Duration) Option {
	return option(func(c *config) error {
		if d < 0 {
			return fmt.Errorf("WithLatency: %v is negative", d)
		}
		c.latency = d
		return nil
	})
}

// WithRequestLimit sets the maximum number of requests that [Server.Requests] keeps. The oldest
// are discarded first. The default is 10,000; 0 keeps none. A negative number is an error.
func WithRequestLimit(n int) Option {
	return option(func(c *config) error {
		if n < 0 {
			return fmt.Errorf("WithRequestLimit: %d is negative", n)
		}
		c.requestLimit = n
		return nil
	})
}

// WithTLS serves HTTPS with a certificate made for this server, and HTTP/2 to clients that support
// it. [Server.Client], [Server.NewClient] and [Server.HTTPClient] trust the certificate.
func WithTLS() Option {
	return option(func(c *config) error {
		c.tls = true
		return nil
	})
}

// WithInMemoryTransport starts the server without a listener. Its clients pass their requests to the
// server without a network: those of [Server.Client], [Server.NewClient] and [Server.HTTPClient].
// Create the server inside a bubble of testing/synctest to use the bubble's clock; see the package
// documentation. It cannot be combined with WithTLS.
func WithInMemoryTransport() Option {
	return option(func(c *config) error {
		c.inMemory = true
		return nil
	})
}
