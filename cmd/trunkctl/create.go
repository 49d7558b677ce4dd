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
		Short: "Register a number on one channel of an agent",
		Long: `Register a number that you own elsewhere, in E.164 such as +12025550123, on one channel of an
agent. A number that has a trunk there already is refused; "trunkctl ensure" takes it as it is.

If the answer is lost, the number's channels are read to find out what happened; a trunk is never
made twice.`,
		Example: `  trunkctl create +12025550123 --agent 3c90c3cc-0d44-4b50-8888-8dd25736052a
  trunkctl create +12025550123 --agent 3c90c3cc-0d44-4b50-8888-8dd25736052a \
      --gateway sip.example.com --sip-username-env SIP_USER --sip-password-file password`,
	}, a.create)
}

func (a *app) create(ctx context.Context, req *mihu.TrunkCreateRequest, dryRun bool) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	if dryRun {
		return a.planCreate(ctx, w, req)
	}
	snap, err := w.client.Trunks.Create(ctx, req)
	if err != nil {
		return err
	}
	a.note("created %v", req.TrunkID)
	done := changeOf(provision.Created, req.TrunkID, snap)
	done.Sends = sends(req)
	return a.printChange(false, done)
}

func (a *app) planCreate(ctx context.Context, w *workspace, req *mihu.TrunkCreateRequest) error {
	there, err := a.look(ctx, w, req.TrunkID)
	if err != nil {
		return err
	}
	plan := change{
		Action: provision.Created, PhoneNumber: req.PhoneNumber, Channel: req.Channel, AgentUUID: req.AgentUUID, Sends: sends(req),
	}
	var refused error
	switch {
	case there != nil && there.Binding(req.Channel).Bound:
		refused = cannot(&plan, "an agent answers there already: "+there.Binding(req.Channel).AgentUUID, mihu.ErrConflict)
	case there != nil && !there.External():
		refused = cannot(&plan, "the number is in the purchased inventory", mihu.ErrConflict)
	}
	return firstError(a.printChange(true, plan), refused)
}
