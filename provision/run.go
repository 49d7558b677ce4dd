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
	// Lookup decides how trunks are looked up. The default, LookupAuto, sends as few requests as
	// possible.
	Lookup Lookup
	// AllowSharedAgents is for an API that lets an agent serve several numbers on a channel. By
	// default, items that want the agent of another item are refused before they are sent, and
	// items whose agent serves another number wait until it is free.
	AllowSharedAgents bool
	// SpareAgent is the UUID of an agent that serves no number. Items that want to swap agents are
	// done with its help, one cycle at a time: a trunk is assigned to it until its own agent is
	// free. If the run ends in between, the next run does the rest. It helps only on a channel on
	// which it serves no number, as far as is known. "" means none: such items fail with a
	// [*CycleError].
	SpareAgent string
	// State remembers what was sent of the fields that cannot be read back, so that only what differs
	// is sent. [Plan] only reads it. It must belong to the client's workspace. nil means none: these
	// fields are sent every time.
	State *State
	// Resend sends all fields of every item, whatever the state remembers, since somebody else may
	// have changed them.
	Resend bool
	// Limits bound how many trunks a run of a [Source] may move to other agents. They are counted
	// before anything is sent, and a run beyond them ends with a [*LimitError]. They need a Lookup
	// other than LookupEach. nil means no limits. [Plan] does not use them.
	Limits *Limits
	// Audit is called for every change that was tried, once its outcome is known and before the
	// item's result is yielded, one call at a time, from the goroutine of the loop. It must return
	// soon. nil means no calls. [Plan] does not call it.
	Audit func(AuditRecord)
	// Progress is called before each result is yielded, and when an item begins to wait, one call
	// at a time, from the goroutine of the loop. It must return soon. nil means no calls.
	Progress func(Progress)
}

// Lookup is how [Run] and [Plan] look up trunks.
type Lookup string

// The ways to look up trunks.
const (
	// LookupAuto lists the workspace or reads the numbers of items, whichever takes fewer requests;
	// see [Reader]. A plan lists the whole workspace if an item needs an agent, because only the
	// list shows which number has it.
	LookupAuto Lookup = ""
	// LookupRows is LookupAuto, but a plan assumes that an agent is free if no number that was
	// looked up has it. For a few rows of a large workspace that takes at most one request more
	// than there are rows.
	LookupRows Lookup = "rows"
	// LookupList lists the whole workspace before anything is sent, so that it is known who has
	// each agent.
	LookupList Lookup = "list"
	// LookupEach reads the number of every item when it is attempted, as
	// [mihu.TrunksService.Ensure] does. It costs one more request for each item, and sees changes
	// that others make meanwhile.
	LookupEach Lookup = "each"
)

// Run creates the trunk of each item, or updates it to match. It works on several items at the same
// time and yields one result per item as items complete. With one worker the results are in the
// order of the stream, except for items that wait. Nothing is sent for an invalid item, or for one
// that repeats an earlier item.
//
// # Requests
//
// Run looks up trunks in the list of the workspace, or reads their numbers singly if that takes
// fewer requests; see [Options.Lookup]. Then an item costs what it changes: one request to create a
// trunk, to move it to another agent, or to send what cannot be read back (name, direction, SIP
// credentials and settings), two to move it and send that, and none if nothing is left to do. With
// [Options.State], what was sent before is not sent again. If a
// trunk turns out to be other than the list showed it, because the list lags or somebody else
// changes the workspace, [mihu.TrunksService.Ensure] looks and does what is left. A trunk that the
// list shows as the item wants it counts as unchanged: [LookupEach] reads it.
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
// An agent serves one number per channel. An item that wants the agent of an earlier item fails
// with a [*SharedAgentError], and nothing is sent for it. Items of a stream are not known
// beforehand, so the earlier item is done; [Source.Run] refuses the whole file instead.
//
// If the agent of an item serves another number, as far as is known, nothing is sent. The item
// waits for the end of the stream, because other items, even later ones, may free the agent. Then
// items are tried as their agents become free. If nothing frees the agent, the item fails with an
// [*AgentBusyError]. Items that wait for each other fail with a [*CycleError], unless
// [Options.SpareAgent] helps.
//
// Until the workspace is listed, Run does not know who has an agent, and sends the request. What
// the API then refuses waits too, and for such items the workspace is listed at the end of the
// stream. Whatever else the API refuses in the same way, such as an unknown agent, waits as well,
// and fails with its own error in the end.
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
// Memory grows with the number of workers, by some 40 bytes per item, by some 30 bytes per trunk of
// the workspace if it is listed, and by whole items for those that wait. For the items of a
// [Source], [Source.Run] takes less.
func Run(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		newRun(ctx, client, items, opts, newComparison(opts.AllowSharedAgents)).run(yield)
	}
}

func newRun(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options, duplicates duplicates) *engine {
	e := newEngine(ctx, client, items, opts, duplicates)
	e.mode = &live{engine: e}
	return e
}
