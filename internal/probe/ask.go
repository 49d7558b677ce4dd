package probe

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// excluded returns why a question is not asked in this probe.
func (r *run) excluded(q *question, rest []question) string {
	needed := 0
	for i := range rest {
		if !rest[i].optional && !rest[i].whatsApp && r.has(rest[i].needs) {
			needed += rest[i].size()
		}
	}
	if missing := r.missingTargets(q); missing != "" {
		return missing
	}
	switch {
	case (q.optional || q.whatsApp) && !r.affordable(r.estimate(needed+len(q.steps))):
		return RequestLimit
	case !r.affordable(1):
		return RequestLimit
	}
	return ""
}

// estimate returns how many requests so many steps may take, as those before have.
func (r *run) estimate(steps int) int {
	sent := r.wire.count - r.preflight
	return (steps*max(sent, r.planned) + max(r.planned, 1) - 1) / max(r.planned, 1)
}

// affordable reports whether questions may send so many requests.
func (r *run) affordable(requests int) bool {
	return r.wire.count-r.preflight+requests+r.reserve() <= r.MaxRequests
}

// reserve returns how many requests are kept for the clean-up.
func (r *run) reserve() (requests int) {
	absent := 1
	if s := r.past.unknown.status; s != 0 && r.past.unknown.uncertain() {
		absent = 2 + controlsOf(&r.past.unknown)
	}
	for _, n := range r.numbers() {
		requests += absent + 1
		if r.world[n] != unbound {
			requests += removal
		}
	}
	return requests
}

// ask brings the numbers into the state that a question begins with, and sends its requests.
func (r *run) ask(ctx context.Context, q *question) ([]answer, error) {
	for _, given := range q.given {
		if err := r.bring(ctx, given); err != nil {
			return nil, err
		}
	}
	if q.checked {
		s := channelsOf(number1)
		if _, err := r.sure(ctx, &s); err != nil {
			return nil, err
		}
		if r.world[number1] != agent1 {
			return nil, &stopError{stopChanged}
		}
	}
	r.controlled = nil
	answers := make([]answer, len(q.steps))
	for i := range q.steps {
		s := &q.steps[i]
		if (s.accepted || s.poll) && !answers[0].accepted() || !r.has(s.find) {
			continue
		}
		a, err := r.perform(ctx, s)
		if err != nil {
			return answers, err
		}
		answers[i] = a
	}
	return answers, nil
}

// has reports whether the probe was given all of these roles.
func (r *run) has(roles []role) bool {
	return !slices.ContainsFunc(roles, func(each role) bool { return r.wire.values[each] == "" })
}

// perform sends a request of a question, and makes sure that its response is about it.
func (r *run) perform(ctx context.Context, s *step) (answer, error) {
	switch {
	case s.poll:
		return r.poll(ctx, s)
	case s.find != nil:
		return r.find(ctx, s)
	case s.soon:
		return r.glance(ctx, s)
	case s.control && r.controlled != nil:
		r.controlled.step = s
		return *r.controlled, r.learn(nil, r.controlled)
	case s.later:
		if err := r.sleep(ctx, 1100*time.Millisecond); err != nil {
			return answer{}, err
		}
	}
	return r.sure(ctx, s)
}

// bring registers, assigns or removes a trunk, unless the number has the agent.
func (r *run) bring(ctx context.Context, to binding) error {
	number, agent := to.number, to.agent
	if agent == anyAgent {
		agent = map[role]role{number1: agent1, number2: agent2}[number]
		if r.world[number] != unbound {
			return nil
		}
	}
	if r.wire.values[number] == "" || agent != unbound && r.wire.values[agent] == "" || r.world[number] == agent {
		return nil
	}
	s := put(number, agent)
	switch {
	case agent == unbound:
		s = remove(number)
	case r.world[number] == unbound:
		s = post(number, agent)
	}
	a, err := r.sure(ctx, &s)
	if err == nil && !a.accepted() {
		err = &stopError{stopSetUp}
	}
	return err
}

// sure sends a request. A response that may be about the token, the rate limit or the server counts
// only if a control read succeeds after it, and the request gets the same again.
func (r *run) sure(ctx context.Context, s *step) (answer, error) {
	if s.changes() && s.number != unbound && !r.seen[s.number] { // somebody may have taken it since the preflight
		before := channelsOf(s.number)
		if a, err := r.sure(ctx, &before); err != nil {
			return a, err
		}
	}
	a, err := r.send(ctx, s)
	if err != nil || !a.uncertain() {
		err = r.learn(err, &a)
		return a, err
	}
	if s.changes() && a.status >= http.StatusInternalServerError {
		return a, &stopError{stopUnknown}
	}
	for range controlsOf(&a) {
		ok, err := r.control(ctx)
		if err != nil {
			return answer{}, err
		}
		if !ok || a.header.Get("Retry-After") != "" {
			return answer{}, &stopError{stopUnsure}
		}
	}
	again, err := r.send(ctx, s)
	if err == nil && (again.status != a.status || again.shape() != a.shape()) {
		err = &stopError{stopUnsure}
	}
	err = r.learn(err, &again)
	return again, err
}

// controlsOf returns how many control reads a response needs. A rate limit may let every second request
// pass.
func controlsOf(a *answer) int {
	if a.status == http.StatusTooManyRequests {
		return 2
	}
	return 1
}

// controlRead reports whether a read that works as a rule works now.
func (r *run) controlRead(ctx context.Context) (bool, error) {
	s := listAgents()
	a, err := r.send(ctx, &s)
	if err == nil {
		r.controlled = &a
	}
	return err == nil && a.accepted(), err
}

// learn keeps a response that is sure, and what it shows of the numbers.
func (r *run) learn(err error, a *answer) error {
	if err != nil {
		return err
	}
	r.past.answers = append(r.past.answers, *a)
	s := a.step
	if s.path == channelsPath && a.refused() {
		r.past.unknown = *a
	}
	snap := a.snapshot()
	if snap != nil {
		_, r.past.wrapped = a.data()
		r.past.shaped = true
	}
	switch {
	case s.channel != "" || s.number == unbound || !a.accepted() && s.path != channelsPath:
	case s.path == channelsPath:
		r.seen[s.number] = true
		if snap != nil && digits(snap.number) == digits(a.number) {
			r.world[s.number] = snap.agent(callChannel)
		} else if a.refused() {
			r.world[s.number] = unbound
		}
	case s.method == http.MethodDelete:
		r.world[s.number] = unbound
	case s.method != http.MethodPatch:
		r.world[s.number] = s.agent
	}
	if r.world[number1] == stranger || r.world[number2] == stranger {
		return &stopError{stopStranger}
	}
	return nil
}

// send sends a request of a question, at its time and within the limit. A read waits until it can show
// the last change.
func (r *run) send(ctx context.Context, s *step) (answer, error) {
	cost := 1
	if s.method == http.MethodPost {
		cost += removal
	}
	if !r.affordable(cost) {
		return answer{}, limitError{}
	}
	until := r.wire.last.Add(r.Interval)
	if s.poll || s.soon {
		until = time.Time{}
	} else if !s.changes() {
		if visible := r.wire.changed.Add(r.lag()); visible.After(until) {
			until = visible
		}
	}
	if err := r.sleep(ctx, time.Until(until)); err != nil {
		return answer{}, err
	}
	return r.sendNow(ctx, s)
}

func (r *run) sendNow(ctx context.Context, s *step) (answer, error) {
	want, exists := s.agent, s.changes()
	if s.method == http.MethodPatch {
		want = r.world[s.number]
	}
	if s.method != http.MethodPost && s.number != unbound && r.world[s.number] == unbound {
		exists = false
	}
	a, err := r.wire.send(ctx, s, want)
	a.exists = exists
	return a, err
}

// sleep waits, unless the probe is to end.
func (r *run) sleep(ctx context.Context, d time.Duration) error { return wait(ctx, r.Stop, d) }
