package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// look reads the channels of a number for a plan. It returns nil if the workspace does not have the
// number.
func (a *app) look(ctx context.Context, w *workspace, id mihu.TrunkID) (*mihu.ChannelSnapshot, error) {
	snap, err := w.client.Channels.GetByNumber(ctx, id.PhoneNumber)
	if errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse) {
		return nil, nil //nolint:nilnil // absence is a valid result
	}
	return snap, err
}

const noSuchTrunk = "no such trunk"

// cannot marks a plan as one that the API would refuse, and returns the error to end with.
func cannot(plan *change, why string, kind error) error {
	plan.Action, plan.Error, plan.Sends = provision.Failed, why, nil
	return &expectedRefusal{fmt.Sprintf("%v: %s", plan.id(), why), kind}
}

// expectedRefusal is a refusal that a plan expects. It wraps the error that the API's would wrap.
type expectedRefusal struct {
	problem string
	kind    error
}

func (e *expectedRefusal) Error() string { return e.problem }
func (e *expectedRefusal) Unwrap() error { return e.kind }

// isTrunk reports whether there is a trunk on a channel.
func isTrunk(snap *mihu.ChannelSnapshot, channel mihu.Channel) bool {
	return snap != nil && snap.External() && snap.Binding(channel).Bound
}
