package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// look reads the channels of a number for a plan; nil where the workspace does not have the number.
func (a *app) look(ctx context.Context, w *workspace, id mihu.TrunkID) (*mihu.ChannelSnapshot, error) {
	snap, err := w.client.Channels.GetByNumber(ctx, id.PhoneNumber)
	if errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse) {
		return nil, nil //nolint:nilnil // not there is an answer
	}
	return snap, err
}

// cannot turns a plan into one that would be refused, and gives the error to end with.
func cannot(plan *change, why string, kind error) error {
	plan.Action, plan.Error, plan.Sends = provision.Failed, why, nil
	return &refusalAhead{fmt.Sprintf("%v: %s", plan.id(), why), kind}
}

// refusalAhead is a refusal that a plan foresees, of the kind that the API's would be.
type refusalAhead struct {
	problem string
	kind    error
}

func (e *refusalAhead) Error() string { return e.problem }
func (e *refusalAhead) Unwrap() error { return e.kind }

// isTrunk says that there is a trunk on a channel.
func isTrunk(snap *mihu.ChannelSnapshot, channel mihu.Channel) bool {
	return snap != nil && snap.External() && snap.Binding(channel).Bound
}
