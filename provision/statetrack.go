package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu"
)

// StateChange is a change of one trunk, for [State.Track]. Exactly one of Create, Update, AgentUUID
// and Delete is set.
type StateChange struct {
	// Trunk is the trunk.
	Trunk mihu.TrunkID
	// Create is the request of Create or Ensure.
	Create *mihu.TrunkCreateRequest
	// Update is the request of Update.
	Update *mihu.TrunkUpdateRequest
	// AgentUUID is the agent of Assign.
	AgentUUID string
	// Delete reports that the trunk is deleted.
	Delete bool
	// Rotates reports that Update sets a new password that the caller's files may not have yet. The
	// password that was sent before is then not sent again if a file still has it.
	Rotates bool
}

// Track keeps the state of a trunk that send changes. It marks what may change, durably, calls send,
// and records what its result proves. It returns what send returns. If the trunk cannot be marked,
// send is not called. If the result cannot be recorded, that error is joined to the error of send:
// the change is made then, and is sent again by the next run.
//
// After an error that is no refusal, see [mihu.IsRefusal], the marks stay. send returns no snapshot
// for a deletion; ErrNotFound counts as a success of it. An update, an assignment or a deletion of a
// trunk that the state does not have is sent and not recorded. Changes of one trunk wait for each
// other.
func (s *State) Track(ctx context.Context, change StateChange, send func(context.Context) (*mihu.ChannelSnapshot, error)) (*mihu.ChannelSnapshot, error) {
	if s == nil {
		return send(ctx)
	}
	key, ok := keyOf(change.Trunk)
	if !ok {
		return nil, invalid("state", mihu.FieldViolation{Field: "trunk", Value: change.Trunk.String(), Problem: "not a number in E.164 on call or whatsapp"})
	}
	free, err := s.lock(ctx, key)
	if err != nil {
		return nil, err
	}
	defer free()
	t, err := s.track(ctx, change.Trunk)
	switch {
	case err != nil:
		return nil, err
	case !t.had && change.Create == nil:
		return send(ctx)
	}
	if change.Rotates {
		t.rotates()
	}
	fields := change.fields()
	if change.Delete { // the agent stays, so that a later prune can do what was cut short
		fields = t.entry.Sent.set()
	}
	if err := t.mark(ctx, fields, change.Update == nil && !change.Delete); err != nil {
		return nil, err
	}
	snap, err := send(ctx)
	if failed := t.record(ctx, change, snap, err); failed != nil {
		return snap, errors.Join(err, failed)
	}
	return snap, err
}

// fields returns the fields that the change sends and that cannot be read back.
func (c StateChange) fields() fieldSet {
	switch {
	case c.Create != nil:
		return fieldsOf(c.Create)
	case c.Update != nil:
		set, _ := valuesOf(c.Update)
		return set
	}
	return 0
}

// value returns the text of a field that the change sends.
func (c StateChange) value(f sentField) string {
	if c.Create != nil {
		return f.valueOf(c.Create)
	}
	_, values := valuesOf(c.Update)
	return values[f]
}

// tracked is a trunk whose entry in the state is kept while it is changed: fields are marked before
// a request, and recorded or restored after it. The methods of nil do nothing.
type tracked struct {
	state  *State
	before StateEntry // as it was
	had    bool       // there was an entry
	entry  StateEntry // as it is stored, if began is set
	began  bool
	marked fieldSet
	// rotation is set while a new password is sent that files may not have.
	rotation bool
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

// isOf reports whether the entry is about the trunk of the number with that UUID. An API that sends
// no UUID shows no difference.
func (t *tracked) isOf(numberUUID string) bool {
	return t != nil && t.had && strings.EqualFold(t.before.PhoneNumberUUID, numberUUID)
}

// isOfAnother reports whether the entry is about an earlier trunk. If one of the UUIDs is not known,
// it may be about this one.
func (t *tracked) isOfAnother(numberUUID string) bool {
	return t.had && t.before.PhoneNumberUUID != "" && numberUUID != "" && !t.isOf(numberUUID)
}

// differing returns which fields of a request were not sent with the same values.
func (t *tracked) differing(req *mihu.TrunkCreateRequest, numberUUID string) fieldSet {
	differ := fieldsOf(req)
	if !t.isOf(numberUUID) {
		return differ
	}
	for f := range differ.all {
		digest := t.state.key.digest(req.TrunkID, f, f.valueOf(req))
		if t.before.Sent.digests[f] == digest || f == sentPassword && t.before.Sent.rotatedFrom == digest {
			differ &^= 1 << f
		}
	}
	return differ
}

// set returns the fields that have a value, or may have one, as far as is known.
func (t *tracked) set(numberUUID string) fieldSet {
	if t == nil || t.isOfAnother(numberUUID) {
		return 0
	}
	return t.before.Sent.set()
}

// mark marks the fields that a request may change, durably, and with moves its agent too.
func (t *tracked) mark(ctx context.Context, fields fieldSet, moves bool) error {
	if t == nil || t.began && fields&^t.marked == 0 && (!moves || t.entry.AgentUUID == "") {
		return nil
	}
	t.entry.Sent.doubt(fields)
	if moves {
		t.entry.AgentUUID = ""
	}
	if err := t.state.put(ctx, t.entry); err != nil {
		return notMarked(err)
	}
	t.began, t.marked = true, t.marked|fields
	return nil
}

// rotates notes that the password is about to be replaced, and that files may still have the one that
// was sent before.
func (t *tracked) rotates() {
	if sent := t.before.Sent; sent.rotatedFrom == notSent && sent.digests[sentPassword] >= firstDigest {
		t.entry.Sent.rotatedFrom = sent.digests[sentPassword]
	}
	t.rotation = true
}

// acknowledge notes that the file of a request has the password of the last rotation.
func (t *tracked) acknowledge(req *mihu.TrunkCreateRequest) {
	if t == nil || t.entry.Sent.rotatedFrom == notSent {
		return
	}
	if t.entry.Sent.digests[sentPassword] == t.state.key.digest(req.TrunkID, sentPassword, sentPassword.valueOf(req)) {
		t.entry.Sent.rotatedFrom = notSent
	}
}

// stateError is the error of a state that cannot be written. It ends a run.
type stateError struct{ err error }

func (e *stateError) Error() string { return "provision: state: " + e.err.Error() }

func (e *stateError) Unwrap() error { return e.err }

func notMarked(err error) error {
	return fmt.Errorf("provision: not sent, since the state cannot be written: %w", &stateError{err})
}

func notRecorded(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("provision: the outcome is not recorded in the state, so that what was sent is sent again: %w", &stateError{err})
}

// record records what became of a change.
func (t *tracked) record(ctx context.Context, change StateChange, snap *mihu.ChannelSnapshot, err error) error {
	switch {
	case change.Delete && (err == nil || isGone(err)):
		return t.removed(ctx)
	case err == nil && snap != nil:
		// Which of Create and Ensure was called, and what it found, is not known. What was sent to an
		// earlier trunk may not have been sent to this one.
		if others := t.entry.Sent.set() &^ t.marked; change.Create != nil {
			t.entry.Sent.doubt(others)
		}
		return t.applied(ctx, evidence{snap.Binding(change.Trunk.Channel).AgentUUID, snap.PhoneNumberUUID}, change.value)
	case err != nil && changedNothing(err):
		return t.refused(ctx)
	}
	return nil
}

// isGone reports whether the API says that there is no such trunk.
func isGone(err error) bool {
	return errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse) && !errors.Is(err, mihu.ErrOutcomeUnknown)
}

// evidence is what a response shows of a trunk; "" is not known.
type evidence struct{ agentUUID, numberUUID string }

// shown notes what a response shows. A UUID in another form than the API's counts as not known, since
// it cannot be compared with what is kept of a list.
func (t *tracked) shown(now evidence) {
	t.entry.AgentUUID, t.entry.Managed = uuidText(uuidOf(now.agentUUID)), true
	t.entry.PhoneNumberUUID = cmp.Or(uuidText(uuidOf(now.numberUUID)), t.entry.PhoneNumberUUID)
}

// renewed notes that a response shows another trunk than the one that was remembered: what was sent
// to that one does not count.
func (t *tracked) renewed() {
	if t == nil {
		return
	}
	for f := range (allSentFields &^ t.marked).all {
		t.entry.Sent.digests[f] = notSent
	}
	t.entry.Sent.rotatedFrom = notSent
}

// applied records that the marked fields have the values that were sent; "" was cleared. A change
// that was made is recorded even if the context has ended since.
func (t *tracked) applied(ctx context.Context, now evidence, value func(sentField) string) error {
	if t == nil {
		return nil
	}
	if t.isOfAnother(now.numberUUID) {
		t.renewed()
	}
	t.shown(now)
	if t.marked.has(sentPassword) && !t.rotation {
		t.entry.Sent.rotatedFrom = notSent
	}
	for f := range t.marked.all {
		t.entry.Sent.digests[f] = notSent
		if text := value(f); text != "" {
			t.entry.Sent.digests[f] = t.state.key.digest(t.entry.Trunk, f, text)
		}
	}
	return notRecorded(t.state.put(context.WithoutCancel(ctx), t.entry))
}

// found records a trunk that was found as it should be, so that it is managed.
func (t *tracked) found(ctx context.Context, now evidence) error {
	if t == nil {
		return nil
	}
	if t.isOfAnother(now.numberUUID) {
		t.renewed()
	}
	t.shown(now)
	if t.had && t.entry == t.before {
		return nil
	}
	return notRecorded(t.state.putLater(context.WithoutCancel(ctx), t.entry))
}

// moved records that the trunk was moved, and that nothing else was changed.
func (t *tracked) moved(ctx context.Context, now evidence) error {
	if t == nil {
		return nil
	}
	t.entry.Sent = t.before.Sent
	t.marked = 0
	return t.applied(ctx, now, nil)
}

// refused restores the entry after a request that has changed nothing.
func (t *tracked) refused(ctx context.Context) error {
	switch {
	case t == nil || !t.began:
		return nil
	case t.had:
		return notRecorded(t.state.put(context.WithoutCancel(ctx), t.before))
	}
	return notRecorded(t.state.remove(context.WithoutCancel(ctx), t.entry.Trunk))
}

// removed removes the entry of a trunk that was deleted.
func (t *tracked) removed(ctx context.Context) error {
	if t == nil || !t.had && !t.began {
		return nil
	}
	return notRecorded(t.state.remove(context.WithoutCancel(ctx), t.entry.Trunk))
}

// changedNothing reports whether the error of a change says that nothing was changed.
func changedNothing(err error) bool {
	return !errors.Is(err, mihu.ErrOutcomeUnknown) && mihu.IsRefusal(err)
}
