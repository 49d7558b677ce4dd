package main

import (
	"context"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) assignCommand() *cobra.Command {
	var channel, agent string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "assign NUMBER",
		Short: "Move a trunk to another agent",
		Long: `Move a trunk to another agent on the same channel. SIP credentials and settings are kept. An agent
serves one number per channel, so the new agent must not have one there.`,
		Example:           `  trunkctl assign +12025550123 --agent "Night line"`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkChannel(channel); err != nil {
				return err
			}
			return a.assign(cmd.Context(), trunkID(args[0], channel), agent, dryRun)
		},
	}
	addChannel(cmd, &channel)
	addAgent(cmd, &agent, "the new agent, by `NAME` or UUID")
	_ = cmd.MarkFlagRequired("agent")
	addDryRun(cmd, &dryRun)
	addYes(cmd, &a.yes)
	a.addState(cmd)
	return cmd
}

func (a *app) assign(ctx context.Context, id mihu.TrunkID, agent string, dryRun bool) error {
	// A create request has the same rules for these fields.
	if err := (&mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: checkedAgent(agent)}).Validate(); err != nil {
		return err
	}
	w, err := a.openFor(ctx, &agent)
	if err != nil {
		return err
	}
	if dryRun {
		current, err := a.look(ctx, w, id)
		if err != nil {
			return err
		}
		plan := change{Action: provision.Assigned, PhoneNumber: id.PhoneNumber, Channel: id.Channel, AgentUUID: agent}
		var refused error
		switch {
		case !isTrunk(current, id.Channel):
			refused = cannot(&plan, noSuchTrunk, mihu.ErrNotFound)
		case strings.EqualFold(current.Binding(id.Channel).AgentUUID, agent):
			plan.Action = provision.Unchanged
		default:
			plan.PreviousAgentUUID = current.Binding(id.Channel).AgentUUID
			a.names.add(plan.PreviousAgentUUID, current.Binding(id.Channel).AgentName)
		}
		return a.printPlanned(w, plan, refused)
	}
	if err := a.confirmProduction(ctx, w, "Assign the trunk of "+id.PhoneNumber+" in "+w.name+" to another agent?"); err != nil {
		return err
	}
	a.startRecord(ctx, w)
	var meta mihu.Response
	before := a.bindingBefore(ctx, w, id)
	snap, err := a.track(ctx, w, provision.StateChange{Trunk: id, AgentUUID: agent}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		return w.client.Trunks.Assign(ctx, id, agent, mihu.WithResponse(&meta))
	})
	a.recorder.change(ctx, logged{
		id: id, action: provision.Assigned, before: before, read: true, after: bindingOf(snap, id.Channel), err: err, requestID: meta.RequestID,
	})
	if err != nil {
		return err
	}
	a.note("assigned %v in %s", id, w.name)
	return a.printChange(changeOf(provision.Assigned, id, snap))
}
