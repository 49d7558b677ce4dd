package probe

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// lag is how late reads may be, as far as it was measured.
func (r *run) lag() time.Duration {
	if r.past.lag < 1 {
		return 0
	}
	return samples[min(r.past.lag, len(samples)-1)]
}

// poll repeats a read until it shows the last change, and measures how late it is.
func (r *run) poll(ctx context.Context, s *step) (a answer, err error) {
	changed := r.wire.changed
	for i := max(0, r.past.lag-1); i < len(samples); i++ {
		if err := r.sleep(ctx, time.Until(changed.Add(samples[i]))); err != nil {
			return a, err
		}
		began := time.Now() // a read that has to be made sure of ends later
		if a, err = r.glance(ctx, s); err != nil {
			return a, err
		}
		if r.world[s.number] == s.until {
			a.shown = true
			r.past.lag = max(r.past.lag, sampleOf(began.Sub(changed)))
			return a, nil
		}
	}
	if r.past.lag < 0 {
		r.past.lag = len(samples)
	}
	return a, nil
}

// glance reads a number that may not show the last change yet. What an unknown number gets is known by
// then.
func (r *run) glance(ctx context.Context, s *step) (answer, error) {
	if s.until == unbound || !strings.HasPrefix(r.past.observed["channels.unknown"], "refused ") {
		return r.sure(ctx, s)
	}
	a, err := r.send(ctx, s)
	switch {
	case err != nil || !a.uncertain():
		err = r.learn(err, &a)
		return a, err
	case a.outcome() == r.past.observed["channels.unknown"]:
		r.world[s.number] = unbound
		return a, nil
	}
	return a, &stopError{stopUnsure}
}

// sampleOf returns the sample by which a read was sent. Clocks and timers are not exact.
func sampleOf(after time.Duration) int {
	i := 0
	for i < len(samples)-1 && after > samples[i]+50*time.Millisecond {
		i++
	}
	return i
}

// samples are the times after a write at which reads look for it.
var samples = [...]time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second, 6 * time.Second, 10 * time.Second}

func readLag(p *past, _ []answer) (observed, missing string) {
	switch {
	case p.lag < 0:
		return "", "not observable: nothing was written"
	case p.lag == 0:
		return "at once", ""
	case p.lag == len(samples):
		return fmt.Sprintf("not within %v", samples[len(samples)-1]), ""
	}
	return fmt.Sprintf("within %v", samples[p.lag]), ""
}
