package main

import (
	"context"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) createCommand() *cobra.Command {
	return a.trunkCommand(&cobra.Command{
		Use:   "create NUMBER",
		Short: "Register a number with an agent on one channel",
		Long: `Register a number that you own elsewhere with an agent on one channel. NUMBER is E.164, such as
+12025550123. The API refuses a number that already has a trunk on the channel; "trunkctl ensure"
accepts it.

If the response is lost, create reads the number's channels to find out whether the trunk exists. It
never creates a trunk twice.`,
		Example: `  trunkctl create +12025550123 --agent "Front desk"
  trunkctl create +12025550123 --agent 3c90c3cc-0d44-4b50-8888-8dd25736052a \
      --gateway sip.example.com --sip-username-env SIP_USER --sip-password-file password`,
	}, a.create)
}

func (a *app) create(ctx context.Context, req *mihu.TrunkCreateRequest, dryRun bool) error {
	w, err := a.openFor(ctx, &req.AgentUUID)
	if err != nil {
		return err
	}
	if dryRun {
		return a.planCreate(ctx, w, req)
	}
	if err := a.confirmProduction(ctx, w, "Create a trunk for "+req.PhoneNumber+" in "+w.name+"?"); err != nil {
		return err
	}
	a.startRecord(ctx, w)
	var meta mihu.Response
	snap, err := a.track(ctx, w, provision.StateChange{Trunk: req.TrunkID, Create: req}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		return w.client.Trunks.Create(ctx, req, mihu.WithResponse(&meta))
	})
	a.recorder.change(ctx, logged{
		id: req.TrunkID, action: provision.Created, before: unbound(), after: bindingOf(snap, req.Channel), fields: sends(req), err: err,
		requestID: meta.RequestID,
	})
	if err != nil {
		return err
	}
	a.note("created %v in %s", req.TrunkID, w.name)
	done := changeOf(provision.Created, req.TrunkID, snap)
	done.Sends = sends(req)
	return a.printChange(done)
}

func (a *app) planCreate(ctx context.Context, w *workspace, req *mihu.TrunkCreateRequest) error {
	current, err := a.look(ctx, w, req.TrunkID)
	if err != nil {
		return err
	}
	plan := change{
		Action: provision.Created, PhoneNumber: req.PhoneNumber, Channel: req.Channel, AgentUUID: req.AgentUUID, Sends: sends(req),
	}
	var refused error
	switch {
	case current != nil && current.Binding(req.Channel).Bound:
		holder := current.Binding(req.Channel)
		a.names.add(holder.AgentUUID, holder.AgentName)
		refused = cannot(&plan, "already bound to agent "+holder.AgentUUID, mihu.ErrConflict)
	case current != nil && !current.External():
		refused = cannot(&plan, "the number is in the purchased inventory", mihu.ErrConflict)
	}
	return a.printPlanned(w, plan, refused)
}
