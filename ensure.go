package mihu

import (
	"cmp"
	"context"
	"errors"
	"strings"
)

// Action is what a change did to a trunk. It is an open set: package provision has more.
type Action string

// The actions of [TrunksService.Ensure].
const (
	// ActionCreated: there was no trunk, and it was created.
	ActionCreated Action = "created"
	// ActionAssigned: the trunk was on another agent and was moved. If the request has a name,
	// direction, SIP credentials or settings, they were sent too.
	ActionAssigned Action = "assigned"
	// ActionUpdated: name, direction, SIP credentials or settings were sent to an existing trunk.
	// The API does not read them back, so whether that changed anything is not known.
	ActionUpdated Action = "updated"
	// ActionUnchanged: the trunk was on the agent, and the request has nothing else to send.
	ActionUnchanged Action = "unchanged"
)

// EnsureResult is what [TrunksService.Ensure] found and did. Its zero value is that of an Ensure
// that read nothing and did nothing.
type EnsureResult struct {
	// Snapshot has the number's channels after the last change. After an error it has the channels
	// as they were last read; nil if they were not read.
	Snapshot *ChannelSnapshot
	// Action is what was done. After an error it is what was done before the error; "" if nothing
	// was.
	Action Action
	// PreviousAgentUUID is the agent that the trunk was moved from; "" if it was not moved.
	PreviousAgentUUID string
}

// Ensure creates the trunk, or updates it to match the request (an upsert). It creates the trunk if
// there is none, moves it with Assign if it is on another agent, and sends to an existing trunk
// what cannot be read back. Fields that the request omits are left unchanged. Ensure is idempotent,
// and safe under concurrent callers. Its result is never nil: after an error it has what was done
// before the error.
//
// The API does not read back name, direction, SIP credentials and settings, so Ensure sends them
// every time. Ensure decides by reading. If a read contradicts what this client wrote within the
// last seconds, Ensure reads again, see [WithMaxReadLag]. It assumes that a read sees the earlier
// writes of other programs, which the API does not document.
//
// An agent serves one number per channel. If the agent serves another number, Ensure returns
// ErrConflict or ErrInvalid, whichever the API responds with; move that number first. A purchased
// number is a *ConflictError. The other errors are those of the calls that Ensure makes. Options
// apply to each of these calls: a lost [TrunksService.Create] is reconciled, unless
// [WithoutReconciliation] turns that off, and [WithResponse] describes the last of the calls.
//
// API: GET /phone-numbers/channels, then POST, PUT assign and PATCH /phone-numbers/trunks as
// needed.
func (s TrunksService) Ensure(ctx context.Context, req *TrunkCreateRequest, opts ...CallOption) (*EnsureResult, error) {
	const op = OpTrunksEnsure
	done := new(EnsureResult)
	if req == nil {
		return done, nilRequest(op)
	}
	if err := req.check(op); err != nil {
		return done, err
	}
	found, err := s.find(ctx, req, opts)
	if err != nil {
		return done, err
	}
	if found == nil {
		if found, err = s.createOrFind(ctx, req, done, opts); err != nil || done.Action == ActionCreated {
			return done, err
		}
	}
	done.Snapshot = found
	if isPurchased(found) {
		return done, &ConflictError{Op: op, Trunk: req.TrunkID, AgentUUID: found.Binding(req.Channel).AgentUUID, Purchased: true}
	}
	return done, s.match(ctx, req, done, opts)
}

// createOrFind creates the trunk. If the API refuses it because another caller was first, it
// returns the channels that it then finds.
func (s TrunksService) createOrFind(ctx context.Context, req *TrunkCreateRequest, done *EnsureResult, opts []CallOption) (*ChannelSnapshot, error) {
	snap, err := s.Create(ctx, req, opts...)
	if err == nil {
		done.Snapshot, done.Action = snap, ActionCreated
		return snap, nil
	}
	if errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrInvalid) {
		return nil, err
	}
	found, lookErr := s.find(ctx, req, opts)
	if lookErr != nil || found == nil {
		return nil, err
	}
	return found, nil
}

// match moves an existing trunk to the agent if it is on another, and sends what cannot be read
// back.
func (s TrunksService) match(ctx context.Context, req *TrunkCreateRequest, done *EnsureResult, opts []CallOption) error {
	if binding := done.Snapshot.Binding(req.Channel); !strings.EqualFold(binding.AgentUUID, req.AgentUUID) {
		snap, err := s.Assign(ctx, req.TrunkID, req.AgentUUID, opts...)
		if err != nil {
			return err
		}
		done.Snapshot, done.Action, done.PreviousAgentUUID = snap, ActionAssigned, binding.AgentUUID
	}
	update := req.update()
	if update.isEmpty() {
		done.Action = cmp.Or(done.Action, ActionUnchanged)
		return nil
	}
	snap, err := s.update(ctx, req.TrunkID, req.AgentUUID, update, opts)
	if err != nil {
		return err
	}
	done.Snapshot, done.Action = snap, cmp.Or(done.Action, ActionUpdated)
	return nil
}

// find returns the channels of the number if it is bound on the channel, and nil if it is not.
func (s TrunksService) find(ctx context.Context, req *TrunkCreateRequest, opts []CallOption) (*ChannelSnapshot, error) {
	found, err := s.client.channelsOf(ctx, OpChannelsGetByNumber, req.TrunkID, opts)
	switch {
	case isGone(err):
		return nil, nil //nolint:nilnil // not bound is no error
	case err != nil:
		return nil, err
	case !found.Binding(req.Channel).Bound:
		return nil, nil //nolint:nilnil // not bound is no error
	}
	return found, nil
}
