package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) deleteCommand() *cobra.Command {
	var channel string
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "delete NUMBER...",
		Short: "Remove trunks",
		Long: `Remove the trunks of these numbers on one channel, one after the other. It asks first, unless
--yes is given. Where one fails the others are removed all the same.`,
		Example: `  trunkctl delete +12025550123
  trunkctl delete +12025550123 +12025550124 --channel whatsapp --yes`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := make([]mihu.TrunkID, len(args))
			for i, number := range args {
				ids[i] = trunkID(number, channel)
				if err := ids[i].Validate(); err != nil {
					return err
				}
			}
			return a.delete(cmd.Context(), ids, dryRun, yes)
		},
	}
	addChannel(cmd, &channel)
	addDryRun(cmd, &dryRun)
	addYes(cmd, &yes)
	return cmd
}

func (a *app) delete(ctx context.Context, ids []mihu.TrunkID, dryRun, yes bool) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	if !dryRun {
		// The person at the terminal has typed the numbers, and has to see which they are.
		question := fmt.Sprintf("Remove %s from %s?", counted(len(ids), "trunk"), w.client.BaseURL())
		if err := a.confirm(ctx, yes, question); err != nil {
			return err
		}
	}
	out := a.changes(dryRun, resultColumns())
	var errs []error
	tried := 0
	for _, id := range ids {
		tried++
		done, err := a.deleteOne(ctx, w, id, dryRun)
		if err != nil {
			errs = append(errs, err)
			if len(ids) > 1 {
				a.tell(fmt.Sprintf("%v: %s", id, plainText(err)))
			}
		}
		if err := out.add(done); err != nil {
			return err
		}
		if ctx.Err() != nil {
			break
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	if dryRun {
		a.note("dry run: nothing was sent that changes anything")
	}
	switch {
	case ctx.Err() != nil && len(ids) > 1 && (tried < len(ids) || len(errs) > 0):
		stopped := fmt.Errorf("interrupted after %d of %s", tried, counted(len(ids), "trunk"))
		return &advisedError{withUnknown(stopped, partly(errs).unknown), "run it again with the numbers that are not shown as deleted"}
	case len(errs) == 0:
		return nil
	case len(ids) == 1:
		return errs[0]
	}
	return partly(errs)
}

func (a *app) deleteOne(ctx context.Context, w *workspace, id mihu.TrunkID, dryRun bool) (change, error) {
	done := change{Action: deleted, PhoneNumber: id.PhoneNumber, Channel: id.Channel}
	var err error
	if dryRun {
		var there *mihu.ChannelSnapshot
		if there, err = a.look(ctx, w, id); err == nil && !isTrunk(there, id.Channel) {
			err = cannot(&done, "there is no such trunk", mihu.ErrNotFound)
		} else if err == nil {
			done.setBinding(there.Binding(id.Channel))
		}
	} else if err = w.client.Trunks.Delete(ctx, id); err == nil {
		a.note("deleted %v", id)
	}
	if err != nil && done.Error == "" {
		done.Action, done.Error = provision.Failed, plainText(err)
	}
	return done, err
}

// partly sums up the failures of a command over many items.
func partly(errs []error) *partlyError {
	end := &partlyError{failed: len(errs)}
	for _, err := range errs {
		if errors.Is(err, mihu.ErrOutcomeUnknown) {
			end.unknown++
		}
	}
	return end
}
