package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"golang.org/x/time/rate"
)

// parseRate parses a rate such as 10/s; "" returns nil. Requests are spread evenly: the burst is 1.
func parseRate(text string) (*rate.Limiter, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no limit is valid
	}
	count, unit, found := strings.Cut(text, "/")
	per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.ParseFloat(count, 64)
	if !found {
		per = time.Second
	}
	if err != nil || !(n > 0) || n > 1e6 || per == 0 {
		return nil, usagef("--rate: want requests per second, minute or hour, such as 10/s, 600/m or 1000/h")
	}
	return rate.NewLimiter(rate.Limit(n/per.Seconds()), 1), nil
}

// pace admits waiting requests one after the other. A limiter alone would, after a moment in which
// the machine was busy, admit all requests at once whose turn came meanwhile.
type pace struct {
	limiter *rate.Limiter
	turn    chan struct{} // holds one element while nobody waits
}

// paced returns a limiter for the client, or nil if there is no limit.
func paced(limiter *rate.Limiter) mihu.Limiter {
	if limiter == nil {
		return nil
	}
	p := &pace{limiter, make(chan struct{}, 1)}
	p.turn <- struct{}{}
	return p
}

// Wait implements [mihu.Limiter].
func (p *pace) Wait(ctx context.Context) error {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { p.turn <- struct{}{} }()
	return p.limiter.Wait(ctx)
}
