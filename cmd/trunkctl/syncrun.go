package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// syncRun applies a plan.
type syncRun struct {
	app      *app
	w        *workspace
	flags    *syncFlags
	total    int // rows and deletions
	counts   tally
	data     *term.Records // nil if no results are printed
	show     *term.Progress
	failures failureGroups
	start    time.Time

	stop     chan struct{}
	stopOnce sync.Once
}

func newSyncRun(a *app, w *workspace, f *syncFlags, rows int) *syncRun {
	return &syncRun{app: a, w: w, flags: f, total: rows, stop: make(chan struct{}), start: time.Now()}
}

// waiting shows how many rows wait for an agent. The plan has no progress.
func (r *syncRun) waiting(p provision.Progress) {
	if r.show != nil {
		r.show.SetWaiting(p.Waiting)
	}
}

func (r *syncRun) carryOut(ctx context.Context, plan *provision.Reconciliation) error {
	a := r.app
	if r.flags.results {
		r.data = a.records(resultColumns())
	}
	r.total += plan.Summary().Delete
	r.show = a.progress(r.total, "rows", r.w.name, r.data)
	a.interrupts.onFirst(func() {
		r.stopOnce.Do(func() { close(r.stop) })
		r.show.SetStopping()
		a.note(stoppingNote)
	})
	defer a.interrupts.onFirst(nil)
	end := r.results(ctx, plan)
	r.show.End()
	if r.data != nil {
		if err := r.data.End(); end == nil {
			end = err
		}
	}
	a.note("%s: %d of %s in %s: %s", r.w.name, r.counts.total(), counted(r.total, "row"), term.Duration(time.Since(r.start)), r.counts.done())
	r.failures.print(a, inputName(r.flags.file), "")
	return r.verdict(ctx, plan, end)
}

func (r *syncRun) results(ctx context.Context, plan *provision.Reconciliation) error {
	for result, err := range plan.Run(ctx) {
		if err != nil {
			return err
		}
		r.counts.add(result.Action)
		failed := result.Action == provision.Failed
		r.show.Step(failed, result.Action == provision.Duplicate)
		if failed {
			r.fail(result)
		}
		if r.data != nil {
			if err := r.data.Add(changeOfResult(result)); err != nil {
				return err
			}
		}
	}
	return nil
}

// fail keeps a failure for the end.
func (r *syncRun) fail(result provision.Result) {
	if errors.Is(result.Err, mihu.ErrOutcomeUnknown) {
		r.counts.unknown++
	}
	r.failures.add(result, r.app.console.Terminal())
}

// verdict returns the error that the run ends with.
func (r *syncRun) verdict(ctx context.Context, plan *provision.Reconciliation, end error) error {
	next := "run the same command again: what is done is not done again"
	if id := plan.ID(); id != "" && r.flags.expect != "" {
		next = "resume the plan with the same command: --expect " + r.flags.expect
	}
	switch {
	case errors.Is(end, provision.ErrLimit):
		return limitError(end)
	case r.app.interrupts.interrupted() && (end != nil || ctx.Err() != nil):
		stopped := fmt.Errorf("interrupted after %d of %s", r.counts.total(), counted(r.total, "row"))
		return &advisedError{withUnknown(stopped, r.counts.unknown), next}
	case errors.Is(end, provision.ErrTooManyFailures):
		return &partialError{failed: r.counts.failed(), unknown: r.counts.unknown, advice: "--max-failures is reached; " + next}
	case end != nil:
		return r.app.withAdvice(withUnknown(end, r.counts.unknown), next)
	case r.counts.failed() > 0:
		return &partialError{failed: r.counts.failed(), unknown: r.counts.unknown, advice: next, told: true}
	}
	return nil
}
