package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu"
)

// tracked is a trunk whose entry in the state is kept while it is changed: fields are marked before
// a request, and recorded or restored after it. The methods of nil do nothing.
type tracked struct {
	state  *State
	before StateEntry // as it was
	had    bool       // there was an entry
	entry  StateEntry // as it is stored, if began is set
	began  bool
	marked fieldSet
}

// track reads what is remembered of a trunk. A nil State tracks nothing.
func (s *State) track(ctx context.Context, id mihu.TrunkID) (*tracked, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // nil does nothing
	}
	entry, had, err := s.Entry(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("provision: state: %w", err)
	}
	t := &tracked{state: s, before: entry, had: had, entry: entry}
	t.entry.Trunk = id
	return t, nil
}

// isOf reports whether the entry is about the trunk of the number with that UUID.
func (t *tracked) isOf(numberUUID string) bool {
	return t != nil && t.had && numberUUID != "" && strings.EqualFold(t.before.PhoneNumberUUID, numberUUID)
}

// differing returns which fields of a request were not sent with the same values.
func (t *tracked) differing(req *mihu.TrunkCreateRequest, numberUUID string) fieldSet {
	differ := fieldsOf(req)
	if !t.isOf(numberUUID) {
		return differ
	}
	for f := range differ.all {
		if t.before.Sent.digests[f] == t.state.key.digest(req.TrunkID, f, f.valueOf(req)) {
			differ &^= 1 << f
		}
	}
	return differ
}

// mark marks the fields that a request may change, durably. With fresh, what was remembered is about
// an earlier trunk, and is discarded.
func (t *tracked) mark(ctx context.Context, fields fieldSet, fresh bool) error {
	if t == nil || t.began && fields&^t.marked == 0 {
		return nil
	}
	if fresh && !t.began {
		t.entry = StateEntry{Trunk: t.entry.Trunk}
	}
	t.entry.Sent.doubt(fields)
	if err := t.state.put(ctx, t.entry); err != nil {
		return notMarked(err)
	}
	t.began, t.marked = true, t.marked|fields
	return nil
}

// stateError is the error of a state that cannot be written. It ends a run.
type stateError struct{ err error }

func (e *stateError) Error() string { return "provision: state: " + e.err.Error() }

func (e *stateError) Unwrap() error { return e.err }

func notMarked(err error) error {
	return fmt.Errorf("provision: not sent, since the state cannot be written: %w", &stateError{err})
}

// applied records that fields have the values that were sent; "" was cleared. A change that was made
// is recorded even if the context has ended since.
func (t *tracked) applied(ctx context.Context, at Reading, fields fieldSet, values func(sentField) string) error {
	if t == nil {
		return nil
	}
	t.entry.AgentUUID = strings.ToLower(at.AgentUUID)
	if at.PhoneNumberUUID != "" {
		t.entry.PhoneNumberUUID = at.PhoneNumberUUID
	}
	for f := range fields.all {
		t.entry.Sent.digests[f] = notSent
		if value := values(f); value != "" {
			t.entry.Sent.digests[f] = t.state.key.digest(t.entry.Trunk, f, value)
		}
	}
	if err := t.state.put(context.WithoutCancel(ctx), t.entry); err != nil {
		return fmt.Errorf("provision: done, but not recorded in the state, so it is sent again: %w", &stateError{err})
	}
	return nil
}

// refused restores the entry after a request that has changed nothing.
func (t *tracked) refused(ctx context.Context) error {
	switch {
	case t == nil || !t.began:
		return nil
	case t.had:
		return t.wrap(t.state.put(context.WithoutCancel(ctx), t.before))
	}
	return t.wrap(t.state.store.Delete(context.WithoutCancel(ctx), t.entry.Trunk))
}

// removed removes the entry of a trunk that was deleted.
func (t *tracked) removed(ctx context.Context) error {
	if t == nil || !t.had && !t.began {
		return nil
	}
	return t.wrap(t.state.Forget(context.WithoutCancel(ctx), t.entry.Trunk))
}

func (t *tracked) wrap(err error) error {
	if err == nil {
		return nil
	}
	return &stateError{err}
}

// changedNothing reports whether the error of a change says that nothing was changed.
func changedNothing(err error) bool {
	return !errors.Is(err, mihu.ErrOutcomeUnknown) && mihu.IsRefusal(err)
}
