package probe

import (
	"context"
	"net/http"
)

// CleanAfter is Clean with a journal in memory.
func CleanAfter(ctx context.Context, o Options, m *Memory) (int, error) {
	o.Journal = new(Memory)
	return cleanAfter(ctx, o, &m.Header, m.Changes)
}

// Mutation leaves a part of a probe out, to show that a test notices.
type Mutation string

// The parts that are left out.
const (
	NoMutation  Mutation = ""
	NoGuard     Mutation = "guard"
	NoJournal   Mutation = "journal"
	NoControl   Mutation = "control read"
	NoPreflight Mutation = "preflight"
	NoRedaction Mutation = "redaction"
)

func (m Mutation) apply(r *run) {
	switch m {
	case NoGuard:
		r.wire.guard = func(*http.Request, []byte) error { return nil }
	case NoJournal:
		r.wire.record = func(Change) error { return nil }
	case NoControl:
		r.control = func(context.Context) (bool, error) { return true, nil }
	case NoPreflight:
		r.preflightCheck = func(context.Context) error { return nil }
	case NoRedaction:
		r.wire.structure = func(a *answer) any { return a.json }
	case NoMutation:
	}
}

// RunMutated is Run without a part.
func RunMutated(ctx context.Context, o Options, m Mutation) (*Result, error) {
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	m.apply(r)
	return r.run(ctx)
}

// Stray sends a change about what is none of the probe's, as a question with a mistake would.
func Stray(ctx context.Context, o Options, m Mutation, method, number, channel, agent string) error {
	r, err := newRun(o)
	if err != nil {
		return err
	}
	m.apply(r)
	r.wire.values[number1], r.wire.values[agent1] = number, agent
	s := map[string]func() step{
		"POST":   func() step { return post(number1, agent1) },
		"PATCH":  func() step { return patch() },
		"PUT":    func() step { return put(number1, agent1) },
		"DELETE": func() step { return remove(number1) },
		"RELEASE": func() step {
			return step{method: "POST", path: "/phone-numbers/release", fields: []field{{"phone_number", number1}}}
		},
	}[method]()
	if channel != callChannel {
		s = s.on(channel)
	}
	_, err = r.wire.send(ctx, &s, agent1)
	return err
}

// Held reports whether an error is that of the guard.
func Held(err error) bool {
	_, ok := err.(*guardError) //nolint:errorlint // it is not wrapped
	return ok
}
