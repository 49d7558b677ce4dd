package provision

import (
	"context"
	"iter"
	"slices"

	"github.com/mihu-go/mihu"
)

// Run is [Run] for the items of the source, with less memory: which of them repeat others is known since
// it was opened, so that nothing has to be remembered of an item but four bytes in the journal.
func (s *Source) Run(ctx context.Context, client *mihu.Client, opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		e := newRun(ctx, client, s.Items(), opts)
		e.met = s.met
		e.run(yield)
	}
}

// Plan is [Plan] for the items of the source, as Run is [Run].
func (s *Source) Plan(ctx context.Context, client *mihu.Client, opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		e := newPlan(ctx, client, s.Items(), opts)
		e.met = s.met
		e.run(yield)
	}
}

// met knows of no items that contradict each other: those were faults when the source was opened.
func (s *Source) met(j *job) (again bool, err error) {
	_, again = slices.BinarySearch(s.repeats, short(j.index))
	return again, nil
}
