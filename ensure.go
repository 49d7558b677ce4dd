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
	// ActionAssigned: the trunk was on another agent and was moved. Name, direction, SIP credentials and
	// settings were sent too, if the request has any.
	ActionAssigned Action = "assigned"
	// ActionUpdated: name, direction, SIP credentials or settings were sent to an existing trunk. The API does
	// not return them, so it is not known whether that changed anything.
	ActionUpdated Action = "updated"
	// ActionUnchanged: the trunk was as requested, as far as the API shows, and nothing was sent.
	ActionUnchanged Action = "unchanged"
)

// EnsureResult is what [TrunksService.Ensure] found and did.
type EnsureResult struct {
	// Snapshot has the number's channels after the last change. After an error it has the channels as
	// they were last read; nil if they were not.
	Snapshot *ChannelSnapshot
	// Action is what was done. After an error it is what was done before the error; "" if nothing was.
	Action Action
	// PreviousAgentUUID is the agent that the trunk was moved from; "" if it was not moved.
	PreviousAgentUUID string
}

// Ensure makes a trunk be what the request says, whatever there is: it creates the trunk, moves it
// from another agent with Assign, or leaves both as they are; and it sends to a trunk that was there
// what of the request cannot be read back. What the request leaves out is left as it is. It can be
// repeated for ever, and stands up to somebody else who does the same meanwhile.
//
// It cannot know what name, direction, SIP credentials and settings a trunk has, and so sends them
// every time. It cannot move a trunk to an agent that serves another number on the channel: that is
// ErrConflict or ErrInvalid, by the API's word, and the other number has to be moved first. A number
// of the purchased inventory is a *ConflictError. After an error the result says what was done
// before it; it is never nil. The errors are those of the calls that it is made of, and so is what
// [WithResponse] tells: it is of the last of them.
//
// API: GET /phone-numbers/channels, then POST, PUT assign and PATCH /phone-numbers/trunks as needed.
func (s TrunksService) Ensure(ctx context.Context, req *TrunkCreateRequest, opts ...CallOption) (*EnsureResult, error) {
	const op = OpTrunksEnsure
	done := new(EnsureResult)
	if req == nil {
		return done, nilRequest(op)
	}
	if err := req.check(op); err != nil {
		return done, err
	}
	there, err := s.find(ctx, req, opts)
	if err != nil {
		return done, err
	}
	if there == nil {
		snap, err := s.Create(ctx, req, opts...)
		if err == nil {
			done.Snapshot, done.Action = snap, ActionCreated
			return done, nil
		}
		if errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrInvalid) {
			return done, err
		}
		// Somebody else may have been first; otherwise the refusal is the answer.
		found, lookErr := s.find(ctx, req, opts)
		if lookErr != nil || found == nil {
			return done, err
		}
		there = found
	}
	done.Snapshot = there
	if !there.External() {
		return done, &ConflictError{Op: op, Trunk: req.TrunkID, AgentUUID: there.Binding(req.Channel).AgentUUID}
	}
	if binding := done.Snapshot.Binding(req.Channel); !strings.EqualFold(binding.AgentUUID, req.AgentUUID) {
		snap, err := s.Assign(ctx, req.TrunkID, req.AgentUUID, opts...)
		if err != nil {
			return done, err
		}
		done.Snapshot, done.Action, done.PreviousAgentUUID = snap, ActionAssigned, binding.AgentUUID
	}
	update := req.update()
	if update.isEmpty() {
		done.Action = cmp.Or(done.Action, ActionUnchanged)
		return done, nil
	}
	snap, err := s.Update(ctx, req.TrunkID, update, opts...)
	if err != nil {
		return done, err
	}
	done.Snapshot, done.Action = snap, cmp.Or(done.Action, ActionUpdated)
	return done, nil
}

// find gives the channels of the number where it is bound on the channel, and nil where it is not.
func (s TrunksService) find(ctx context.Context, req *TrunkCreateRequest, opts []CallOption) (*ChannelSnapshot, error) {
	found, err := s.client.Channels.GetByNumber(ctx, req.PhoneNumber, opts...)
	switch {
	case isGone(err):
		return nil, nil //nolint:nilnil // not there is an answer
	case err != nil:
		return nil, err
	case !found.Binding(req.Channel).Bound:
		return nil, nil //nolint:nilnil // not there is an answer
	}
	return found, nil
}
