package provision

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"
)

// freshFor is how long a plan may wait for its approval. After that it is made again, and compared.
const freshFor = time.Minute

// StalePlanError reports that a plan is not the one that was expected. Nothing was changed. It
// matches [ErrPlanStale].
type StalePlanError struct {
	// Expected is the ID of the approved plan, and ID that of the plan that would be applied
	// now.
	Expected, ID string
	// Finished reports whether the expected plan was applied before.
	Finished bool
}

// Error says which of the two it is, and what to do.
func (e *StalePlanError) Error() string {
	if e.Finished {
		return "provision: nothing was changed: plan " + plain(e.Expected) + " was applied before; make a new plan"
	}
	return fmt.Sprintf("provision: nothing was changed: the plan is %s now, and %s was expected: the input, its credentials or the workspace have changed since; look at the new plan and approve that", plain(e.ID), plain(e.Expected))
}

// Is reports whether target is ErrPlanStale.
func (e *StalePlanError) Is(target error) bool { return target == ErrPlanStale }

// expect compares the plan with the one that was approved.
func (r *Reconciliation) expect() error {
	if r.opts.Expect == "" {
		return nil
	}
	stale := &StalePlanError{Expected: r.opts.Expect, ID: r.ID()}
	if r.opts.JournalDir == "" {
		if !strings.EqualFold(r.opts.Expect, r.ID()) {
			return stale
		}
		return nil
	}
	journal, err := readPlanJournal(r.opts.JournalDir, r.opts.Expect, r.key)
	switch {
	case err != nil:
		return err
	case journal.finished:
		stale.Finished = true
		return stale
	case strings.EqualFold(r.opts.Expect, r.ID()):
	case !journal.begun || !journal.contains(r.changes, uuidOf(r.opts.SpareAgent)):
		return stale
	}
	r.journal = journal
	return nil
}

// isFresh reports whether the plan can be applied without another look. That is so once, for a
// minute.
func (r *Reconciliation) isFresh() bool { return !r.begun && time.Since(r.made) <= freshFor }

// Run carries the plan out, and yields one result for each row and each deletion, as they complete.
// It sends nothing that the plan does not have: a row that needs anything else by now fails with
// [ErrPlanStale].
//
// Trunks that no row names are deleted first if they hold an agent that a row wants, and otherwise
// last, if nothing has failed. Each is read once more before, and not deleted if it has changed. The
// result of a deletion has the action [Deleted] and the index -1.
//
// If the plan is older than a minute, or was run before, Run makes it again before, and yields a [*StalePlanError] if
// it has changed. Errors are those of [Run], and [*LimitError] before anything is sent.
func (r *Reconciliation) Run(ctx context.Context) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if err := r.begin(ctx); err != nil {
			yield(Result{}, err)
			return
		}
		e := newEngine(ctx, r.client, r.source.itemsAndBlanks(r.valued), r.opts.Options, r.source.repeats).from(r.source)
		e.mode = &live{engine: e}
		e.world, e.planID = r.world.again(), r.ID()
		e.sync = &syncing{key: r.key, scope: r.opts.Scope, prunes: r.opts.Prune, changes: r.changes}
		failed, goesOn := false, true
		e.run(func(result Result, err error) bool {
			failed = failed || err != nil || result.Err != nil
			goesOn = yield(result, err)
			return goesOn
		})
		if failed || !goesOn || r.journal == nil {
			return
		}
		if err := r.journal.finish(); err != nil {
			yield(Result{}, err)
		}
	}
}

// begin does what comes before the first change.
func (r *Reconciliation) begin(ctx context.Context) error {
	if err := r.CheckLimits(); err != nil {
		return err
	}
	if !r.isFresh() {
		again := &Reconciliation{client: r.client, source: r.source, opts: r.opts, key: r.key, valued: r.valued}
		if err := again.plan(ctx); err != nil {
			return err
		}
		if again.sum != r.sum {
			return &StalePlanError{Expected: r.ID(), ID: again.ID()}
		}
		r.world, r.made = again.world, again.made
	}
	r.begun = true
	if r.journal == nil {
		return nil
	}
	return r.journal.begin(r.changes)
}
