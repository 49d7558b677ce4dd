package main

import (
	"context"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// clearFlags clear fields whose flags cannot be passed empty.
type clearFlags struct{ port, username, password bool }

func (a *app) updateCommand() *cobra.Command {
	var trunk trunkFlags
	var remove clearFlags
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "update NUMBER",
		Short: "Change the settings of a trunk",
		Long: `Change name, direction, SIP credentials or settings of a trunk. Fields without a flag are left
unchanged. An empty value clears a field: --gateway "", --secondary-gateway "", --settings '{}'. The
effect of --name "" is not documented by the API. --settings replaces all settings. The API does not
return any of these fields.`,
		Example: `  trunkctl update +12025550123 --name "Front desk" --clear-port
  trunkctl update +12025550123 --gateway "" --settings '{}'
  trunkctl update +12025550123 --sip-password-file - < password`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			req, err := a.updateRequest(cmd.Context(), cmd, &trunk, remove)
			if err != nil {
				return err
			}
			return a.update(cmd.Context(), trunkID(args[0], trunk.channel), req, dryRun)
		},
	}
	addChannel(cmd, &trunk.channel)
	trunk.addSettings(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&remove.port, "clear-port", false, "clear the SIP port")
	flags.BoolVar(&remove.username, "clear-sip-username", false, "clear the SIP username")
	flags.BoolVar(&remove.password, "clear-sip-password", false, "clear the SIP password")
	cmd.MarkFlagsMutuallyExclusive("port", "clear-port")
	for _, source := range []string{"file", "env"} {
		cmd.MarkFlagsMutuallyExclusive("sip-username-"+source, "clear-sip-username")
		cmd.MarkFlagsMutuallyExclusive("sip-password-"+source, "clear-sip-password")
	}
	cmd.MarkFlagsMutuallyExclusive("sip-prompt", "clear-sip-username")
	cmd.MarkFlagsMutuallyExclusive("sip-prompt", "clear-sip-password")
	addDryRun(cmd, &dryRun)
	addYes(cmd, &a.yes)
	a.addState(cmd)
	return cmd
}

// updateRequest returns a request with the fields that flags set, and no others.
func (a *app) updateRequest(ctx context.Context, cmd *cobra.Command, f *trunkFlags, remove clearFlags) (*mihu.TrunkUpdateRequest, error) {
	given := func(flag, value string) *string {
		if !cmd.Flags().Changed(flag) {
			return nil
		}
		return &value
	}
	if err := f.checkValues(); err != nil {
		return nil, err
	}
	settings, err := a.settings(f)
	if err != nil {
		return nil, err
	}
	username, password, err := a.sipSecrets(ctx, &f.secrets)
	if err != nil {
		return nil, err
	}
	req := &mihu.TrunkUpdateRequest{Name: given("name", f.name), AdditionalSettings: settings}
	if cmd.Flags().Changed("direction") {
		req.Direction = new(mihu.Direction(f.direction))
	}
	sip := mihu.SIPUpdate{
		Gateway:          given("gateway", f.gateway),
		SecondaryGateway: given("secondary-gateway", f.secondaryGateway),
		Username:         secretChange(username, remove.username),
		Password:         secretChange(password, remove.password),
	}
	switch {
	case remove.port:
		sip.Port = mihu.ClearPort()
	case cmd.Flags().Changed("port"):
		sip.Port = mihu.SetPort(f.port)
	}
	if sip != (mihu.SIPUpdate{}) {
		req.SIP = &sip
	}
	return req, nil
}

// secretChange returns nil to leave a credential unchanged, "" to clear it, or its new value.
func secretChange(secret string, remove bool) *string {
	if secret == "" && !remove {
		return nil
	}
	return &secret
}

func (a *app) update(ctx context.Context, id mihu.TrunkID, req *mihu.TrunkUpdateRequest, dryRun bool) error {
	if len(sends(req)) == 0 {
		return &usageError{problem: "nothing to update: no flag sets a field", see: "trunkctl update --help"}
	}
	if err := req.Validate(id); err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	if dryRun {
		current, err := a.look(ctx, w, id)
		if err != nil {
			return err
		}
		plan := changeOf(provision.Updated, id, current)
		plan.Sends = sends(req)
		var refused error
		if !isTrunk(current, id.Channel) {
			refused = cannot(&plan, noSuchTrunk, mihu.ErrNotFound)
		}
		return a.printPlanned(w, plan, refused)
	}
	if err := a.confirmProduction(ctx, w, "Update the trunk of "+id.PhoneNumber+" in "+w.name+"?"); err != nil {
		return err
	}
	a.startRecord(ctx, w)
	var meta mihu.Response
	snap, err := a.track(ctx, w, provision.StateChange{Trunk: id, Update: req}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		return w.client.Trunks.Update(ctx, id, req, mihu.WithResponse(&meta))
	})
	a.recorder.change(ctx, logged{
		id: id, action: provision.Updated, after: bindingOf(snap, id.Channel), fields: sends(req), err: err, requestID: meta.RequestID,
	})
	if err != nil {
		return err
	}
	a.note("updated %v in %s", id, w.name)
	done := changeOf(provision.Updated, id, snap)
	done.Sends = sends(req)
	return a.printChange(done)
}
