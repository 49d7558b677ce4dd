package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) deleteCommand() *cobra.Command {
	var channel string
	var dryRun, yes bool
	cmd := &cobra.Command{
		Use:   "delete NUMBER...",
		Short: "Delete trunks",
		Long: `Delete the trunks of these numbers on one channel, one after the other, after confirmation. If one
fails, the others are still deleted.`,
		Example: `  trunkctl delete +12025550123
  trunkctl delete +12025550123 +12025550124 --channel whatsapp --yes`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkChannel(channel); err != nil {
				return err
			}
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
	a.addState(cmd)
	return cmd
}

func (a *app) delete(ctx context.Context, ids []mihu.TrunkID, dryRun, yes bool) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	if !dryRun {
		if err := a.confirm(ctx, w, yes, deleteQuestion(w, ids)); err != nil {
			return err
		}
	}
	if !dryRun {
		a.startRecord(ctx, w)
	}
	tried, errs, err := a.deleteEach(ctx, w, ids, dryRun)
	if err != nil {
		return err
	}
	if dryRun {
		a.notePlan(w, &tally{counts: map[provision.Action]int{provision.Delete: tried - len(errs), provision.Failed: len(errs)}})
	}
	switch {
	case ctx.Err() != nil && len(ids) > 1 && (tried < len(ids) || len(errs) > 0):
		stopped := fmt.Errorf("interrupted after %d of %s", tried, counted(len(ids), "trunk"))
		return &advisedError{withUnknown(stopped, failures(errs).unknown), "run it again with the numbers that are not shown as deleted"}
	case len(errs) == 0:
		return nil
	case len(ids) == 1:
		return a.toldInData(errs[0])
	}
	end := failures(errs)
	end.told = dryRun // the plan ends with the counts
	return end
}

// maxNamed is the number of trunks that a prompt names one by one.
const maxNamed = 10

// deleteQuestion names the trunks, and what cannot be undone. Numbers are whole: who has to confirm
// them has typed them.
func deleteQuestion(w *workspace, ids []mihu.TrunkID) string {
	named := make([]string, 0, min(len(ids), maxNamed))
	for _, id := range ids[:min(len(ids), maxNamed)] {
		named = append(named, id.PhoneNumber)
	}
	numbers := strings.Join(named, ", ")
	if more := len(ids) - len(named); more > 0 {
		numbers += fmt.Sprintf(" and %d more", more)
	}
	what := "trunk"
	if len(ids) > 1 {
		what = counted(len(ids), "trunk")
	}
	lost := "Name and settings"
	if ids[0].Channel == mihu.ChannelCall {
		lost = "SIP credentials, name and settings"
	}
	return fmt.Sprintf("%s are lost: the API does not return them.\nDelete %s %s (%s) in %s?", lost, what, numbers, ids[0].Channel, w.name)
}

// deleteEach deletes trunks until the context ends. It returns how many it tried, and the errors of
// those that failed; err is an error of the output.
func (a *app) deleteEach(ctx context.Context, w *workspace, ids []mihu.TrunkID, dryRun bool) (tried int, errs []error, err error) {
	out := a.changes(dryRun, resultColumns())
	for _, id := range ids {
		tried++
		done, err := a.deleteOne(ctx, w, id, dryRun)
		if err != nil {
			errs = append(errs, err)
			if len(ids) > 1 && !a.showsErrors() {
				a.printErr(fmt.Sprintf("%v: %s", id, trimTrunk(plainText(err), id)))
			}
		}
		if err := out.add(done); err != nil {
			return tried, errs, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return tried, errs, out.end()
}

func (a *app) deleteOne(ctx context.Context, w *workspace, id mihu.TrunkID, dryRun bool) (change, error) {
	done := change{Action: provision.Deleted, PhoneNumber: id.PhoneNumber, Channel: id.Channel}
	var err error
	if dryRun {
		var current *mihu.ChannelSnapshot
		if current, err = a.look(ctx, w, id); err == nil && !isTrunk(current, id.Channel) {
			err = cannot(&done, noSuchTrunk, mihu.ErrNotFound)
		} else if err == nil {
			done.setBinding(current.Binding(id.Channel))
		}
	} else if err = a.deleteRecorded(ctx, w, id); err == nil {
		a.note("deleted %v in %s", id, w.name)
	}
	if err != nil && done.Error == "" {
		done.Action, done.Error = provision.Failed, plainText(err)
	}
	return done, err
}

// deleteRecorded deletes a trunk and records it.
func (a *app) deleteRecorded(ctx context.Context, w *workspace, id mihu.TrunkID) error {
	var meta mihu.Response
	before := a.bindingBefore(ctx, w, id)
	_, err := a.track(ctx, w, provision.StateChange{Trunk: id, Delete: true}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		return nil, w.client.Trunks.Delete(ctx, id, mihu.WithResponse(&meta))
	})
	a.recorder.change(ctx, logged{id: id, action: provision.Deleted, before: before, read: true, after: unbound(), err: err, requestID: meta.RequestID})
	return err
}
