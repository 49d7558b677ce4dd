package provision

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strconv"

	"github.com/mihu-go/mihu"
)

const (
	defaultWorkers = 8
	mostWorkers    = 1024
)

// Options are those of [Run] and [Plan]. The zero value of each is its default.
type Options struct {
	// Workers is how many items are worked on at once, 1 to 1024; 0 means 8. [Plan] works alone.
	Workers int
	// Limiter is asked before every request, repetitions included, beside the limiter that the
	// client may have. nil: no limit.
	Limiter mihu.Limiter
	// MaxFailures ends the run, with [ErrTooManyFailures], once as many items have failed: what
	// has begun is finished, nothing else is begun. 0: no number of failures ends it.
	MaxFailures int
	// Journal remembers what is finished, so that a run can be continued; nil: nothing does. [Plan]
	// reads it only.
	Journal *Journal
	// Secrets looks up the credentials that items name; nil: an item that names some fails.
	Secrets Secrets
	// Stop, once closed, ends the run with [ErrStopped] after what has begun is finished, such as the
	// Done of a signal.NotifyContext. What failed in passing is not tried again then, unless its
	// outcome is unknown. nil: never.
	Stop <-chan struct{}
	// Progress is told of every result before it is yielded, and when an item begins to wait: by the
	// goroutine of the loop, one call at a time. It has to return soon. nil: nobody is told.
	Progress func(Progress)
}

// Action is what was done about an item, or what [Plan] says would be.
type Action string

// The actions.
const (
	// Created: there was no trunk.
	Created Action = "created"
	// Assigned: the trunk answered to another agent. What else the item holds was sent as well.
	Assigned Action = "assigned"
	// Updated: the trunk answered to the agent already; what of the item cannot be read back was sent.
	Updated Action = "updated"
	// Unchanged: the trunk answered to the agent already, and the item holds nothing to send.
	Unchanged Action = "unchanged"
	// Duplicate: an item before this one says the same; nothing was sent for this one.
	Duplicate Action = "duplicate"
	// Resumed: the journal says that an earlier run finished the item; nothing was sent.
	Resumed Action = "resumed"
	// Failed: Result.Err says why, and Result.Ensured what was done before that.
	Failed Action = "failed"
)

func actionOf(done *mihu.EnsureResult, err error) Action {
	if err != nil {
		return Failed
	}
	return Action(done.Action)
}

// Result is what became of one item. It prints without SIP credentials, and with the number masked.
type Result struct {
	// Item is the item as it was given.
	Item Item
	// Index is its place in the stream, from 0.
	Index int
	// Action says what was done.
	Action Action
	// Ensured has the trunk's snapshot, and for a failed item what was done before it failed; nil
	// where nothing was asked or sent. Of [Plan] it has no snapshot.
	Ensured *mihu.EnsureResult
	// Err is why the item failed, and nil where it has not: the errors of Ensure, [*DuplicateError],
	// [*CycleError], [*AgentBusyError], [*mihu.ValidationError] for an item that was not sent, an error
	// of Secrets, or one of the journal, where the item was done and could not be recorded.
	Err error
}

// LogValue shows the result without SIP username and password.
func (r Result) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("index", r.Index), slog.String("action", string(r.Action)), slog.Any("item", r.Item)}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// String is what LogValue shows.
func (r Result) String() string {
	text := "Result{index:" + strconv.Itoa(r.Index) + " action:" + string(r.Action) + " " + r.Item.String()
	if r.Err != nil {
		text += " error:" + strconv.Quote(r.Err.Error())
	}
	return text + "}"
}

// Format prints String under every verb.
func (r Result) Format(f fmt.State, verb rune) { format(f, verb, r.String()) }

// Progress is how far a run is; of how many items, a [Source] says by its Len.
type Progress struct {
	// Done counts the results so far; Failed, Resumed and Duplicate are part of it.
	Done, Failed, Resumed, Duplicate int
	// Waiting counts the items that wait for an agent that another item of the run frees.
	Waiting int
}

// add counts what the loop is told.
func (p *Progress) add(o *outcome) {
	p.Waiting += o.waiting
	if !o.isResult() {
		return
	}
	p.Done++
	switch o.Action {
	case Failed:
		p.Failed++
	case Resumed:
		p.Resumed++
	case Duplicate:
		p.Duplicate++
	default:
	}
}

// Run makes every trunk be what its item says, several at once, and yields a result per item as it
// completes; with one worker, in the order of the stream but for those that wait. Nothing is sent for
// an item that is not acceptable, and nothing twice for items that say the same.
//
// What stays open, or fails in passing, is tried up to twice more: an outcome that is unknown, a
// server error, a rate limit, no answer. Before that it waits for up to a second, or as long as the API
// asks, a minute at most. Ensure is safe to repeat, and so finds out what happened.
//
// An agent serves one number a channel. An item whose agent serves another number is put aside until the
// stream has ended, since other items may free the agent, also later ones. Then the workspace is
// listed once, and items are tried again as their agents come free; of those that want the same
// agent, the first in the input has it. What wants an agent that nothing frees fails with an
// [*AgentBusyError], and items that wait for each other with a [*CycleError]. Whatever the API refuses
// in the same way waits with them, such as an unknown agent, and keeps its own error in the end.
//
// The error of the run itself is yielded last and once, with a zero result: the context's, [ErrStopped],
// [ErrTooManyFailures], [ErrOtherInput], that of the stream, of the journal, or of a token that is
// refused ([mihu.ErrUnauthorized]), which ends the run since no other item would do better. Options that
// cannot be used are a [*mihu.ValidationError] before anything is done. Items that have failed are no
// error of the run.
//
// Nothing happens before the loop begins, and each loop over what Run returns is a run of its own. The
// client, the journal and whatever the stream reads stay the caller's, who closes them after the loop.
//
// Items are taken from the stream in a goroutine of the run's own; a stream that blocks has to end by
// itself when the run is to. Leaving the loop lets finish what has begun, which is recorded in the
// journal, and then returns. The end of the context ends everything at once: items that were under way
// fail, and may have been done. No goroutine outlives the loop. An item that was not begun, or
// that waits when a run ends before its time, has no result.
//
// Memory grows with the number of workers, by some 30 bytes per item, and by whole items for those
// that wait. For the items of a [Source], [Source.Run] does the same with less.
func Run(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) { newRun(ctx, client, items, opts).run(yield) }
}

func newRun(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) *engine {
	e := newEngine("run", ctx, client, items, opts)
	e.records = true
	e.attempt = e.ensure
	e.bindings = e.listed
	return e
}
