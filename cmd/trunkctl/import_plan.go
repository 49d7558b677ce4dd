package main

import (
	"cmp"
	"context"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/provision"
)

// planImport prints what an import would do. It makes no changes.
func (a *app) planImport(ctx context.Context, w *workspace, source *provision.Source, options provision.Options, f *importFlags) error {
	if path, _ := f.journalPath(); f.resume && files.Exists(path) {
		journal, err := provision.OpenJournal(path, a.inputOf(w, source))
		if err != nil {
			return a.journalError(path, err)
		}
		defer func() { _ = journal.Close() }()
		options.Journal = journal
	}
	out := a.changes(true, resultColumns())
	var counts tally
	for result, err := range source.Plan(ctx, w.client, options) {
		if err != nil {
			return cmp.Or(out.end(), err)
		}
		counts.add(result.Action)
		if out.plan != nil && !f.all && !isShown(result.Action) {
			continue
		}
		if err := out.add(changeOfResult(result)); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	a.notePlan(w, &counts)
	existing := counts.counts[provision.Assign] + counts.counts[provision.Update] + counts.counts[provision.Unchanged]
	if err := f.limits.Check(0, counts.counts[provision.Assign], 0, existing); err != nil {
		return limitError(err)
	}
	if failed := counts.failed(); failed > 0 {
		return &partialError{failed: failed, problem: counted(failed, "item") + " would fail", told: true, advice: "these items would fail; the others would be applied"}
	}
	return nil
}

// isShown reports whether a plan shows a row that has this action. Others are only counted.
func isShown(action provision.Action) bool {
	switch action.Planned() {
	case provision.Create, provision.Assign, provision.Update, provision.Delete, provision.Failed:
		return true
	default:
		return false
	}
}
