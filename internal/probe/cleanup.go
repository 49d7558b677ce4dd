package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Left is a trunk that may be left.
type Left struct{ Number, Channel, Why string }

// LeftError is the end of a probe that may have left trunks.
type LeftError struct{ Left []Left }

func (e *LeftError) Error() string {
	return fmt.Sprintf("probe: %d trunks may be left", len(e.Left))
}

// cleaner removes what a probe has registered. It reads before and after each deletion, and deletes
// only a trunk of an agent that the journal has.
type cleaner struct {
	wire     *wire
	targets  []target
	agents   []string
	visible  time.Time // from when on reads show the last change, as far as that was measured
	settled  time.Time // from when on reads show everything
	final    time.Time // from when on nothing is waited for
	lag      time.Duration
	interval time.Duration
	removed  int
	unknown  *answer // what the channels of a free number get; nil is not known
	last     shown
}

// shown is the last read of the clean-up. It shows all channels of a number.
type shown struct {
	number string
	answer answer
	change int // the last change before it
}

// cleaner returns what removes the trunks of this run.
func (r *run) cleaner() *cleaner {
	c := &cleaner{wire: r.wire, lag: r.lag(), interval: r.Interval, agents: append(slices.Clone(r.Agents), r.wire.values[nobody], string(malformed))}
	switch r.past.lag {
	case -1:
		c.lag = unknownLag
	case len(samples):
		c.lag = r.Late
	}
	for i := range r.past.answers {
		if a := &r.past.answers[i]; c.unknown == nil && a.step.path == channelsPath && a.outcome() == r.past.observed["channels.unknown"] {
			c.unknown = a
		}
	}
	if r.wire.changes == 0 {
		return c
	}
	c.visible = r.wire.changed.Add(min(c.lag, unknownLag))
	c.settled, c.final = r.wire.changed.Add(c.lag), r.wire.changed.Add(r.Late)
	if late := r.wire.lost.Add(r.Late); !r.wire.lost.IsZero() && late.After(c.settled) {
		c.settled = late
	}
	for _, number := range r.Numbers {
		c.targets = append(c.targets, target{number, callChannel})
		if r.WhatsApp {
			c.targets = append(c.targets, target{number, whatsAppChannel})
		}
	}
	return c
}

// ErrNothingToClean is returned if there is no journal.
var ErrNothingToClean = errors.New("there is nothing to clean")

// Clean removes what a probe has left whose journal is there. Of the options, it uses the token, the
// transport, the times and the user agent. The error is a [LeftError] if something may still be left.
func Clean(ctx context.Context, file *File, options Options) (removed int, err error) {
	header, changes, err := file.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNothingToClean
	}
	if err != nil {
		return 0, err
	}
	if len(changes) == 0 {
		return 0, file.End()
	}
	options.Journal = file
	if removed, err = cleanAfter(ctx, options, &header, changes); err != nil {
		return removed, errors.Join(err, file.Close())
	}
	return removed, file.End()
}

// cleanAfter removes what a probe has left that made these changes.
func cleanAfter(ctx context.Context, options Options, header *Header, changes []Change) (removed int, err error) {
	if header.BaseURL != strings.TrimSuffix(options.BaseURL, "/") {
		return 0, fmt.Errorf("%w: it is that of another address", ErrJournalUnreadable)
	}
	options.Numbers, options.Agents, options.WhatsApp = header.Numbers, header.Agents, true
	c, err := newCleaner(options, header, changes)
	if err != nil {
		return 0, err
	}
	if left := c.clean(ctx); len(left) > 0 {
		return c.removed, &LeftError{left}
	}
	return c.removed, nil
}

// newCleaner returns what removes the trunks of an earlier run.
func newCleaner(options Options, header *Header, changes []Change) (*cleaner, error) {
	o, err := options.complete()
	if err != nil {
		return nil, err
	}
	w, err := newWire(o, header.Nobody)
	if err != nil {
		return nil, err
	}
	c := &cleaner{wire: w, lag: unknownLag, interval: o.Interval, agents: append(slices.Clone(header.Agents), header.Nobody, string(malformed))}
	c.final = time.Now()
	answered := map[int]bool{}
	for _, change := range slices.Backward(changes) {
		w.changes = max(w.changes, change.N)
		if change.Status != 0 {
			answered[change.N] = change.Status < http.StatusInternalServerError
			continue
		}
		settled := change.Time.Add(c.lag)
		if !answered[change.N] {
			settled = change.Time.Add(o.Late)
		}
		if latest := c.final.Add(o.Late); settled.After(latest) { // the clock was set back
			settled = latest
		}
		if settled.After(c.settled) {
			c.settled = settled
		}
		if t := (target{change.Number, change.Channel}); t.number != "" && !slices.Contains(c.targets, t) {
			c.targets = append(c.targets, t)
		}
	}
	for _, change := range changes {
		switch {
		case change.Status != 0: // of a response
		case accepted(changes, change.N):
			w.ledger.note(&change)
		case !answered[change.N] || unsure(changes, change.N):
			w.ledger.doubt(&change)
		}
	}
	for _, number := range header.Numbers { // a body that names nothing may have been applied to one
		if t := (target{number, callChannel}); !slices.Contains(c.targets, t) {
			c.targets = append(c.targets, t)
		}
	}
	return c, nil
}

// accepted reports whether a change got a success.
func accepted(changes []Change, n int) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.N == n && c.Status >= 200 && c.Status < 300 })
}

// unsure reports whether a change got a response that may be about something else.
func unsure(changes []Change, n int) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.N == n && (&answer{status: c.Status}).uncertain() })
}

// clean removes all trunks and returns what may be left. A journal that cannot be written does not keep
// it from that.
func (c *cleaner) clean(ctx context.Context) (left []Left) {
	record := c.wire.record
	c.wire.record = func(change Change) error {
		_ = record(change)
		if recorded := c.wire.options.Recorded; recorded != nil {
			recorded(change)
		}
		return nil
	}
	slices.SortStableFunc(c.targets, func(a, b target) int { return strings.Compare(a.number+a.channel, b.number+b.channel) })
	for _, t := range c.targets {
		if why := c.cleanOne(ctx, t); why != "" {
			left = append(left, Left{t.number, t.channel, why})
		}
	}
	return left
}

// maxRounds bounds how often a trunk is deleted that comes back, and tries a request that fails.
const maxRounds = 6

// interrupted is why a trunk may be left whose deletion no read has shown.
const interrupted = "the clean-up was interrupted"

// cleanOne removes one trunk. It returns why it may be left; "" means that it is not.
func (c *cleaner) cleanOne(ctx context.Context, t target) string {
	for round := range maxRounds {
		agent, err := c.agent(ctx, t, round == 0)
		if ctx.Err() != nil {
			return interrupted
		}
		if err != nil {
			return "it could not be read: " + err.Error()
		}
		switch {
		case agent == "":
			if again, err := c.expect(ctx, t); err != nil {
				return interrupted
			} else if again {
				continue
			}
			if c.wire.ledger.unsure(t) {
				return "it was accepted, and no read has shown it"
			}
			return ""
		case !slices.ContainsFunc(c.agents, func(ours string) bool { return strings.EqualFold(ours, agent) }):
			return "" // it is not the probe's
		}
		err = c.remove(ctx, t)
		if ctx.Err() != nil {
			return interrupted
		}
		if err != nil {
			return "it could not be deleted: " + err.Error()
		}
	}
	return "reads still show it, or do not show whether it is there"
}

// expect waits if a trunk that a read does not show may still appear. It reports whether it has to be
// read again.
func (c *cleaner) expect(ctx context.Context, t target) (again bool, err error) {
	until := c.settled
	if c.wire.ledger.unsure(t) && c.final.After(until) {
		until = c.final
	}
	switch {
	case time.Now().Before(until):
		return true, wait(ctx, nil, time.Until(until))
	case c.wire.ledger.expects(t):
		return true, wait(ctx, nil, time.Second)
	}
	return false, nil
}

// step returns a request about a target.
func (c *cleaner) step(method, path, name string, t target) step {
	s := step{method: method, path: path, number: number1, fields: []field{{name, t.number}}}
	if method == http.MethodDelete {
		s.fields = append(s.fields, field{"channel", t.channel})
		s.channel = t.channel
	}
	for r, value := range c.wire.values {
		if value == t.number {
			s.number = r
		}
	}
	return s
}

// read reads the channels of a number. again allows the last read, if nothing has changed since.
func (c *cleaner) read(ctx context.Context, t target, again bool) (a answer, err error) {
	if again && c.last.number == t.number && c.last.change == c.wire.changes {
		return c.last.answer, nil
	}
	if err := wait(ctx, nil, time.Until(c.visible)); err != nil {
		return a, err
	}
	s := c.step(http.MethodGet, channelsPath, "number", t)
	if a, err = c.try(ctx, &s); err == nil {
		c.last = shown{t.number, a, c.wire.changes}
	}
	return a, err
}

// agent returns the agent of a trunk as it is read; "" means that there is no trunk.
func (c *cleaner) agent(ctx context.Context, t target, again bool) (string, error) {
	a, err := c.read(ctx, t, again)
	if err != nil {
		return "", err
	}
	data, _ := a.data()
	object, _ := data.(map[string]any)
	channels, isObject := object["channels"].(map[string]any)
	number, _ := object["number"].(string)
	switch {
	case a.refused():
		if a.uncertain() { // try has made sure of it
			c.wire.ledger.read(t, "")
		}
		return "", nil
	case !a.accepted() || !isObject || digits(number) != digits(t.number):
		return "", fmt.Errorf("the response with status %d has no channels", a.status)
	}
	channel, _ := channels[t.channel].(map[string]any)
	agent, _ := channel["agent_uuid"].(string)
	if agent == "" && agentOf(channel, nil) != unbound {
		return "", errors.New("the response does not show its agent")
	}
	return agent, nil
}

// remove deletes a trunk, and waits until a read can show it.
func (c *cleaner) remove(ctx context.Context, t target) error {
	s := c.step(http.MethodDelete, trunksPath, "phone_number", t)
	a, err := c.try(ctx, &s)
	if err == nil && a.accepted() {
		c.removed++
	}
	if _, lost := errors.AsType[*lostError](err); lost {
		err = nil // a read decides
	}
	if err == nil {
		err = wait(ctx, nil, c.lag)
	}
	return err
}

// try sends a request, and sends it again if the token, the rate limit or the server may have failed.
// A refusal that stays, and after which a control read succeeds, is one. So is that of a read which is
// known to be about a free number: a proxy that knows no path answers 404 as well.
func (c *cleaner) try(ctx context.Context, s *step) (a answer, err error) {
	pause, before := time.Duration(0), 0
	for range maxRounds {
		if err := wait(ctx, nil, max(pause, time.Until(c.wire.last.Add(c.interval)))); err != nil {
			return a, err
		}
		a, err = c.wire.send(ctx, s, unbound)
		uncertain := a.uncertain() || s.path == channelsPath && a.refused() && !c.isFree(&a)
		switch {
		case err != nil && s.changes():
			return a, err
		case err == nil && (!uncertain || a.status == before):
			return a, nil
		case err == nil && a.status < http.StatusInternalServerError && c.works(ctx, controlsOf(&a)):
			before, pause = a.status, 0
			continue
		}
		pause, before = max(2*pause, time.Second), 0
	}
	if err == nil {
		err = fmt.Errorf("the API responds with %d", a.status)
	}
	return a, err
}

// isFree reports whether a refusal is the one that a free number got when the probe asked for it.
func (c *cleaner) isFree(a *answer) bool {
	return c.unknown != nil && a.status == c.unknown.status && reflect.DeepEqual(a.evidence(), c.unknown.evidence())
}

// works reports whether a read that works as a rule works so many times now.
func (c *cleaner) works(ctx context.Context, times int) bool {
	for range times {
		if wait(ctx, nil, time.Until(c.wire.last.Add(c.interval))) != nil {
			return false
		}
		s := listAgents()
		if a, err := c.wire.send(ctx, &s, unbound); err != nil || !a.accepted() {
			return false
		}
	}
	return true
}
