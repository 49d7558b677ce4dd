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
	item     *Item
	req      *mihu.TrunkCreateRequest
	state    *tracked
	found    Reading  // what was known of the trunk
	clear    fieldSet // fields to clear
	outcome  unknownOutcome
	response mihu.Response
	done     effect
}

// prepare looks up the credentials of the item and its entry in the state, which nobody else changes
// until free is called.
func (a *attempt) prepare() (free func(), err error) {
	if a.req, err = resolve(a.ctx, *a.item, a.opts.Secrets); err != nil {
		return nil, err
	}
	if a.opts.State == nil {
		return func() {}, nil
	}
	trunk, _ := keyOf(a.req.TrunkID)
	if free, err = a.opts.State.lock(a.ctx, trunk); err != nil {
		return nil, err
	}
	if a.state, err = a.opts.State.track(a.ctx, a.req.TrunkID); err != nil {
		free()
	}
	return free, err
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
		if isFatal(a.ctx, err) || mihu.IsRefusal(err) || a.sync != nil {
			return err
		}
		return errLook
	}
	a.found = found
	var send fieldSet
	send, a.clear = a.toSend(a.state, a.item, a.req, found)
	needs := needOf(a.req, found, send|a.clear != 0)
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
		if err := a.assign(send | a.clear); err != nil {
			return err
		}
	}
	if send|a.clear == 0 {
		return nil
	}
	return a.update(send)
}

// toSend returns which of the fields that cannot be read back are to be sent to an existing trunk,
// and which are to be cleared there.
func (e *engine) toSend(state *tracked, item *Item, req *mihu.TrunkCreateRequest, found Reading) (send, clears fieldSet) {
	send = state.differing(req, found.PhoneNumberUUID)
	if e.opts.Resend {
		send = fieldsOf(req)
	}
	return send, state.set(found.PhoneNumberUUID) & item.blank &^ fieldsOf(req)
}

// begins marks what a request may change in the state, and notes that it is sent.
func (a *attempt) begins(action mihu.Action, fields fieldSet) error {
	if err := a.sync.approves(a.item, a.req); err != nil {
		return err
	}
	if err := a.state.mark(a.ctx, fields, action != mihu.ActionUpdated); err != nil {
		a.end(err)
		return err
	}
	a.done.tried = true
	if rank(action) > rank(a.done.begun.Action) {
		a.done.begun = mihu.EnsureResult{Action: action, PreviousAgentUUID: a.found.AgentUUID}
	}
	return nil
}

// create creates a trunk that is not there as far as is known. If the API refuses it, it looks
// whether the trunk is there after all.
func (a *attempt) create() error {
	fields := fieldsOf(a.req)
	if err := a.begins(mihu.ActionCreated, fields); err != nil {
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
	if err := a.begins(mihu.ActionAssigned, fields); err != nil {
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
	if err := a.begins(mihu.ActionUpdated, fields|a.clear); err != nil {
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
	if isGone(err) {
		return errLook
	}
	return err
}

// ensure looks at the trunk and does what is left.
func (a *attempt) ensure() (*mihu.EnsureResult, error) {
	if there, err := a.asPlanned(); err != nil {
		return &mihu.EnsureResult{Snapshot: there}, err
	}
	fields := fieldsOf(a.req)
	if err := a.begins("", fields); err != nil { // what Ensure begins is not known
		return new(mihu.EnsureResult), err
	}
	did, err := a.client.Trunks.Ensure(a.ctx, a.req, a.calls(&a.response)...)
	if did.Action != mihu.ActionUnchanged {
		a.done.sent |= fields
	}
	a.add(did)
	if err != nil || did.Action == mihu.ActionCreated {
		return did, err
	}
	if _, a.clear = a.toSend(a.state, a.item, a.req, Reading{PhoneNumberUUID: did.Snapshot.PhoneNumberUUID}); a.clear != 0 {
		err = a.update(0)
	}
	return did, err
}

// asPlanned looks, before a retry of a planned change, whether the trunk is as the plan found it, or
// as the change makes it. Ensure would also undo what somebody else has done meanwhile, and make again
// what he has deleted.
func (a *attempt) asPlanned() (*mihu.ChannelSnapshot, error) {
	if a.sync == nil {
		return nil, nil //nolint:nilnil // nothing is planned
	}
	there, err := a.client.Channels.GetByNumber(a.ctx, a.req.PhoneNumber, a.call...)
	if err != nil && !isGone(err) {
		return nil, err
	}
	is, bound := "", false
	if there != nil {
		at := there.Binding(a.req.Channel)
		is, bound = at.AgentUUID, at.Bound
	}
	switch {
	case bound && strings.EqualFold(is, a.req.AgentUUID), bound == a.found.Exists && strings.EqualFold(is, a.found.AgentUUID):
		return there, nil
	}
	return there, fmt.Errorf("%w: %s: not sent again: somebody else has changed it; make the plan again", ErrPlanStale, a.req.TrunkID)
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
	case !changedNothing(err):
	case a.done.ensured.Action == "":
		failed = a.state.refused(a.ctx)
	case a.done.ensured.Action == mihu.ActionAssigned:
		failed = a.state.moved(a.ctx, a.evidence())
	}
	if failed != nil {
		a.done.err = failed
		if err != nil {
			a.done.err = fmt.Errorf("%w; %w", err, failed)
		}
		a.end(failed)
	}
}

// evidence returns what the last response shows.
func (a *attempt) evidence() evidence {
	now := evidence{a.req.AgentUUID, a.found.PhoneNumberUUID}
	if snap := a.done.ensured.Snapshot; snap != nil {
		now.numberUUID = cmp.Or(snap.PhoneNumberUUID, now.numberUUID)
	}
	return now
}

// rememberDone records an item that was done, or found done.
func (a *attempt) rememberDone() error {
	if a.state == nil {
		return nil
	}
	now := a.evidence()
	a.state.acknowledge(a.req)
	switch {
	case a.state.began:
	case a.sync == nil && !a.state.had: // only a plan takes over what it finds
		return nil
	default:
		return a.state.found(a.ctx, now)
	}
	if a.done.ensured.Action == mihu.ActionCreated {
		a.state.renewed()
	}
	return a.state.applied(a.ctx, now, func(f sentField) string { return f.valueOf(a.req) })
}
