package main

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) ensureCommand() *cobra.Command {
	return a.trunkCommand(&cobra.Command{
		Use:   "ensure NUMBER",
		Short: "Create a trunk, or update it to match the flags",
		Long: `Create the trunk, move it from another agent, or leave it with its agent. Name, direction, SIP
credentials and settings are sent with every run if they are given, because the API does not return
them. Ensure is idempotent. For many trunks see "trunkctl import".`,
		Example: `  trunkctl ensure +12025550123 --agent "Front desk" --direction inbound`,
	}, a.ensure)
}

func (a *app) ensure(ctx context.Context, req *mihu.TrunkCreateRequest, dryRun bool) error {
	w, err := a.openFor(ctx, &req.AgentUUID)
	if err != nil {
		return err
	}
	if dryRun {
		return a.planEnsure(ctx, w, req)
	}
	if err := a.confirmProduction(ctx, w, "Create or update the trunk of "+req.PhoneNumber+" in "+w.name+"?"); err != nil {
		return err
	}
	a.startRecord(ctx, w)
	var meta mihu.Response
	ensured := new(mihu.EnsureResult)
	_, err = a.track(ctx, w, provision.StateChange{Trunk: req.TrunkID, Create: req}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		var err error
		ensured, err = w.client.Trunks.Ensure(ctx, req, mihu.WithResponse(&meta))
		return ensured.Snapshot, err
	})
	if c, changed := loggedEnsure(req, ensuredAction(ensured, err), ensured, err); changed {
		c.requestID = meta.RequestID
		a.recorder.change(ctx, c)
	}
	if err != nil {
		return err
	}
	action := provision.Action(ensured.Action)
	done := changeOf(action, req.TrunkID, ensured.Snapshot)
	done.PreviousAgentUUID = ensured.PreviousAgentUUID
	if action != provision.Unchanged {
		done.Sends = sends(req)
	}
	a.note("%s %v in %s", action, req.TrunkID, w.name)
	return a.printChange(done)
}

// ensuredAction returns what an ensure has done.
func ensuredAction(ensured *mihu.EnsureResult, err error) provision.Action {
	if err != nil || ensured == nil {
		return provision.Failed
	}
	return provision.Action(ensured.Action)
}

func (a *app) planEnsure(ctx context.Context, w *workspace, req *mihu.TrunkCreateRequest) error {
	for result, err := range provision.Plan(ctx, w.client, oneItem(provision.Item{Trunk: *req}), provision.Options{Workers: 1}) {
		if err != nil {
			return err
		}
		return a.printPlanned(w, changeOfResult(result), result.Err)
	}
	return nil
}

func oneItem(item provision.Item) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) { yield(item, nil) }
}

// reasonOf returns why an item failed, without its trunk. whole leaves numbers as they are, for data,
// files of the operator's own and terminals.
func reasonOf(result provision.Result, whole bool) string {
	if busy, ok := errors.AsType[*provision.AgentBusyError](result.Err); ok && busy.Holder != (mihu.TrunkID{}) {
		holder := busy.Holder.PhoneNumber
		if !whole {
			holder = mihu.MaskNumber(holder)
		}
		return "the agent serves " + holder + "; move or delete that trunk first"
	}
	return withoutTrunk(result)
}

// withoutTrunk returns the text of an item's error without its trunk, which is printed beside it.
func withoutTrunk(result provision.Result) string {
	return trimTrunk(plainText(result.Err), result.Item.Trunk.TrunkID)
}

// trimTrunk removes a trunk at the beginning of a text.
func trimTrunk(text string, id mihu.TrunkID) string {
	return strings.TrimLeft(strings.TrimPrefix(text, id.String()), ": ")
}

// changeOfResult returns a result of package provision as data.
func changeOfResult(result provision.Result) change {
	trunk := result.Item.Trunk
	c := change{
		Action: result.Action, PhoneNumber: trunk.PhoneNumber, Channel: trunk.Channel, AgentUUID: trunk.AgentUUID, Line: result.Item.Line,
	}
	if result.Ensured != nil {
		c.PreviousAgentUUID = result.Ensured.PreviousAgentUUID
		if snap := result.Ensured.Snapshot; snap != nil && snap.Binding(trunk.Channel).AgentUUID == trunk.AgentUUID {
			c.AgentName = snap.Binding(trunk.Channel).AgentName
		}
	}
	switch result.Action.Planned() {
	case provision.Create, provision.Assign, provision.Update:
		c.Sends = result.Sent
	case provision.Failed:
		if result.Err != nil {
			c.Error = reasonOf(result, true)
		}
	default:
	}
	return c
}
