package provision

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu"
)

// attempt is what a run does for one item, retries included.
type attempt struct {
	*live
	req      *mihu.TrunkCreateRequest
	state    *tracked
	found    Reading  // what was known of the trunk
	clear    fieldSet // fields to clear
	outcome  unknownOutcome
	response mihu.Response
	done     effect
}

// prepare looks up the credentials of the item and its entry in the state.
func (a *attempt) prepare(item *Item) (err error) {
	if a.req, err = resolve(a.ctx, *item, a.opts.Secrets); err != nil {
		return err
	}
	a.state, err = a.opts.State.track(a.ctx, a.req.TrunkID)
	return err
}

// errLook means that a trunk is not as the list, or an earlier read, has shown it.
var errLook = errors.New("provision: look")

// direct does what is left to do according to what is known of the trunk. It returns errLook if
// Ensure has to look.
func (a *attempt) direct() error {
	trunk, _ := keyOf(a.req.TrunkID)
	agent, _ := agentOf(a.req.AgentUUID, a.req.Channel)
	found, err := a.world.get(a.ctx, trunk)
	if err != nil {
		if isFatal(a.ctx, err) || mihu.IsRefusal(err) {
			return err
		}
		return errLook
	}
	a.found = found
	send := a.toSend(a.state, a.req, found)
	needs := needOf(a.req, found, send != 0)
	switch {
	case needs == needsLook:
		return errLook
	case needs == needsNothing:
		a.done.ensured.Action, a.done.known = mihu.ActionUnchanged, found.Known
		return nil
	case needs != needsUpdate && a.isHeld(trunk, agent):
		a.done.known = found.Known
		return errHeld
	case needs == needsTrunk:
		return a.create()
	case needs == needsAgent:
		if err := a.assign(send); err != nil {
			return err
		}
	}
	if send == 0 {
		return nil
	}
	return a.update(send)
}

// toSend returns the fields that cannot be read back and are to be sent to an existing trunk.
func (e *engine) toSend(state *tracked, req *mihu.TrunkCreateRequest, found Reading) fieldSet {
	if e.opts.Resend {
		return fieldsOf(req)
	}
	return state.differing(req, found.PhoneNumberUUID)
}

// begins marks what a request may change in the state, and notes that it is sent.
func (a *attempt) begins(fields fieldSet, fresh bool) error {
	if err := a.state.mark(a.ctx, fields, fresh); err != nil {
		a.end(err)
		return err
	}
	a.done.tried = true
	return nil
}

// create creates a trunk that is not there as far as is known. If the API refuses it, it looks
// whether the trunk is there after all.
func (a *attempt) create() error {
	fields := fieldsOf(a.req)
	if err := a.begins(fields, true); err != nil {
		return err
	}
	a.done.sent |= fields
	snap, err := a.client.Trunks.Create(a.ctx, a.req, a.calls(&a.response)...)
	if err == nil {
		a.add(&mihu.EnsureResult{Snapshot: snap, Action: mihu.ActionCreated})
		return nil
	}
	if errors.Is(err, mihu.ErrOutcomeUnknown) || !errors.Is(err, mihu.ErrConflict) && !errors.Is(err, mihu.ErrInvalid) {
		return err
	}
	found, readErr := a.client.Channels.GetByNumber(a.ctx, a.req.PhoneNumber, a.call...)
	if readErr == nil && found.Binding(a.req.Channel).Bound {
		return errLook
	}
	return err
}

// assign moves an existing trunk to the agent of the item. fields will be sent after that.
func (a *attempt) assign(fields fieldSet) error {
	if err := a.begins(fields, !a.state.isOf(a.found.PhoneNumberUUID)); err != nil {
		return err
	}
	snap, err := a.client.Trunks.Assign(a.ctx, a.req.TrunkID, a.req.AgentUUID, a.calls(&a.response)...)
	if err != nil {
		return lookIfGone(err)
	}
	a.add(&mihu.EnsureResult{Snapshot: snap, Action: mihu.ActionAssigned, PreviousAgentUUID: a.found.AgentUUID})
	return nil
}

// update sends what cannot be read back to an existing trunk. If the response shows another agent,
// somebody has moved the trunk.
func (a *attempt) update(fields fieldSet) error {
	if err := a.begins(fields, !a.state.isOf(a.found.PhoneNumberUUID)); err != nil {
		return err
	}
	a.done.sent |= fields | a.clear
	snap, err := a.client.Trunks.Update(a.ctx, a.req.TrunkID, updateOf(a.req, fields, a.clear), a.calls(&a.response)...)
	if err != nil {
		return lookIfGone(err)
	}
	if !strings.EqualFold(snap.Binding(a.req.Channel).AgentUUID, a.req.AgentUUID) {
		return errLook
	}
	a.add(&mihu.EnsureResult{Snapshot: snap, Action: mihu.ActionUpdated})
	return nil
}

// lookIfGone returns errLook if the trunk is not there.
func lookIfGone(err error) error {
	if errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse) && !errors.Is(err, mihu.ErrOutcomeUnknown) {
		return errLook
	}
	return err
}

// ensure looks at the trunk and does what is left.
func (a *attempt) ensure() (*mihu.EnsureResult, error) {
	fields := fieldsOf(a.req)
	if err := a.begins(fields, false); err != nil {
		return new(mihu.EnsureResult), err
	}
	did, err := a.client.Trunks.Ensure(a.ctx, a.req, a.calls(&a.response)...)
	if did.Action != mihu.ActionUnchanged {
		a.done.sent |= fields
	}
	a.add(did)
	return did, err
}

// add adds what a request did to what those before it did.
func (a *attempt) add(did *mihu.EnsureResult) {
	all := a.done.ensured
	if did.Snapshot != nil {
		all.Snapshot = did.Snapshot
	}
	all.PreviousAgentUUID = cmp.Or(all.PreviousAgentUUID, did.PreviousAgentUUID)
	if rank(did.Action) > rank(all.Action) {
		all.Action = did.Action
	}
	switch did.Action {
	case mihu.ActionCreated, mihu.ActionAssigned:
		a.done.known = KnownWritten
		if a.world != nil {
			trunk, _ := keyOf(a.req.TrunkID)
			before, ok := agentOf(did.PreviousAgentUUID, a.req.Channel)
			if !ok {
				before = agentKey{}
			}
			agent, _ := agentOf(a.req.AgentUUID, a.req.Channel)
			a.world.moved(trunk, before, agent)
		}
	case mihu.ActionUpdated:
		a.done.known = KnownWritten
	case mihu.ActionUnchanged:
		a.done.known = cmp.Or(a.done.known, KnownRead)
	}
}

// remember records in the state what became of the item.
func (a *attempt) remember() {
	a.done.requestID = a.response.RequestID
	err := a.done.err
	var failed error
	switch {
	case err == nil:
		failed = a.rememberDone()
	case changedNothing(err) && a.done.ensured.Action == "":
		if lost := a.state.refused(a.ctx); lost != nil {
			failed = fmt.Errorf("%w; %w", err, lost)
		}
	}
	if failed != nil {
		a.done.err = failed
		a.end(failed)
	}
}

// rememberDone records an item that was done. What was known and found unchanged needs no record.
func (a *attempt) rememberDone() error {
	if a.state == nil || !a.state.began {
		return nil
	}
	at := a.found
	if snap := a.done.ensured.Snapshot; snap != nil {
		at.PhoneNumberUUID = snap.PhoneNumberUUID
	}
	at.AgentUUID = a.req.AgentUUID
	return a.state.applied(a.ctx, at, a.state.marked, func(f sentField) string {
		if a.clear.has(f) {
			return ""
		}
		return f.valueOf(a.req)
	})
}
