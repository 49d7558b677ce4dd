package provision

import (
	"context"
	"iter"

	"github.com/mihu-go/mihu"
)

const (
	defaultWorkers = 8
	maxWorkers     = 1024
)

// Options are the options of [Run] and [Plan]. The zero value of each is its default.
type Options struct {
	// Workers is the number of items in progress at the same time, 1 to 1024. 0 means 8. [Plan]
	// uses one.
	Workers int
	// Limiter limits every request, retries included, in addition to the client's own limiter. nil
	// means no limit.
	Limiter mihu.Limiter
	// MaxFailures ends the run with [ErrTooManyFailures] after that many items have failed. Items
	// in progress are finished, no other item is begun. 0 means no limit.
	MaxFailures int
	// Journal records which items are finished, so that a later run can resume. nil means none.
	// [Plan] only reads it.
	Journal *Journal
	// Secrets looks up the credentials that items name. If it is nil, an item that names some
	// fails.
	Secrets Secrets
	// Stop, once closed, ends the run with [ErrStopped] after the items in progress are finished.
	// It may be the Done channel of signal.NotifyContext. After that, only attempts with an unknown
	// outcome are retried. nil means never.
	Stop <-chan struct{}
	// Progress is called before each result is yielded, and when an item begins to wait, one call
	// at a time, from the goroutine of the loop. It must return soon. nil means no calls.
	Progress func(Progress)
}

// Run creates the trunk of each item, or updates it to match, as [mihu.TrunksService.Ensure] does.
// It works on several items at the same time and yields one result per item as items complete. With
// one worker the results are in the order of the stream, except for items that wait. Nothing is
// sent for an invalid item, or for one that repeats an earlier item.
//
// # Retries
//
// A transient error is retried up to twice: an unknown outcome, a server error, a rate limit, a
// lost connection. See [mihu.IsTransient]. Before a retry Run waits for up to a second, or for as
// long as the API asks, a minute at most. Ensure is idempotent, so the retry finds out what
// happened. An outcome that was unknown once stays unknown until it is found out: if the retry
// fails, even with a refusal, the error matches [mihu.ErrOutcomeUnknown], unless the API shows that
// the trunk is not on the item's agent.
//
// # Agents that serve another number
//
// An agent serves one number per channel. If the agent of an item serves another number, the item
// waits for the end of the stream, because other items, even later ones, may free the agent. Then
// the workspace is listed once, and items are tried as their agents become free. Of several items
// that want one agent, the first in the input gets it. If nothing frees the agent, the item fails
// with an [*AgentBusyError]. Items that wait for each other fail with a [*CycleError]. Whatever
// else the API refuses in the same way, such as an unknown agent, waits too, and fails with its own
// error in the end.
//
// # Errors
//
// An error of the run itself is yielded once, last, with a zero result: the context's error,
// [ErrStopped], [ErrTooManyFailures], [ErrOtherInput], an error of the stream or of the journal, or
// [mihu.ErrUnauthorized], because no other item would succeed with a refused token. Invalid options
// are a [*mihu.ValidationError] before anything is done. Failed items are not an error of the run.
//
// # Lifetime
//
// Nothing happens before the loop begins, and each loop over the iterator is a run of its own. The
// client, the journal and whatever the stream reads belong to the caller, who closes them after the
// loop.
//
// A goroutine of the run takes items from the stream. A stream that blocks must end by itself when
// the run ends. If the loop is left early, items in progress are finished and recorded in the
// journal before Run returns. If the context ends, requests in flight are canceled: their items
// fail, and may have been applied. No goroutine outlives the loop. An item that was not begun, or
// that waits when a run ends early, has no result.
//
// Memory grows with the number of workers, by some 30 bytes per item, and by whole items for those
// that wait. For the items of a [Source], [Source.Run] takes less.
func Run(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) { newRun(ctx, client, items, opts, newComparison()).run(yield) }
}

func newRun(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options, duplicates duplicates) *engine {
	e := newEngine(ctx, client, items, opts, duplicates)
	e.mode = &live{workspace: e.workspace, stopper: e.stopper, secrets: opts.Secrets}
	return e
}
