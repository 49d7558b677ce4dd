package provision

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/mihu-go/mihu"
)

// Action is what was done for an item, or what [Plan] reports would be done.
type Action string

// The actions.
const (
	// Created means that there was no trunk, and it was created.
	Created Action = "created"
	// Assigned means that the trunk had another agent, and was assigned to the item's. Whatever
	// else the item holds was sent too.
	Assigned Action = "assigned"
	// Updated means that the trunk had the agent already, and the item's fields that cannot be read
	// back were sent.
	Updated Action = "updated"
	// Unchanged means that the trunk had the agent already, and the item holds nothing else to
	// send.
	Unchanged Action = "unchanged"
	// Duplicate means that an earlier item says the same. Nothing was sent for this one.
	Duplicate Action = "duplicate"
	// Resumed means that an earlier run finished the item, according to the journal. Nothing was
	// sent.
	Resumed Action = "resumed"
	// Failed means that Result.Err has the reason, and Result.Ensured what was done before the
	// error.
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
	// Item is the item, unchanged.
	Item Item
	// Index is its position in the stream, from 0.
	Index int
	// Action is what was done.
	Action Action
	// Ensured has the trunk's snapshot. For a failed item it has what was done before the error. It
	// is nil if no request was made. [Plan] sets no snapshot.
	Ensured *mihu.EnsureResult
	// Err is why the item failed, nil if it did not. If it matches [mihu.ErrOutcomeUnknown], the
	// change may have been applied, whatever else the error matches. It is an error of [mihu.TrunksService.Ensure], a
	// [*DuplicateError], [*CycleError] or [*AgentBusyError], a [*mihu.ValidationError] of an item
	// that was not sent, an error of Options.Secrets, or one of the journal if the item was done
	// and could not be recorded.
	Err error
}

// LogValue returns the result without SIP username and password.
func (r Result) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("index", r.Index), slog.String("action", string(r.Action)), slog.Any("item", r.Item)}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// String returns what LogValue returns, as text.
func (r Result) String() string {
	text := "Result{index:" + strconv.Itoa(r.Index) + " action:" + string(r.Action) + " " + r.Item.String()
	if r.Err != nil {
		text += " error:" + strconv.Quote(r.Err.Error())
	}
	return text + "}"
}

// Format prints String for every verb.
func (r Result) Format(f fmt.State, verb rune) { format(f, verb, r.String()) }

// Progress is how far a run has come. For the total, see [Source.Len].
type Progress struct {
	// Done counts the results so far. Failed, Resumed and Duplicate are included in it.
	Done, Failed, Resumed, Duplicate int
	// Waiting counts the items that wait for an agent that another item of the run may free.
	Waiting int
}

// event is what the loop receives from producer and workers: an *outcome, or waits.
type event interface{ addTo(p *Progress) }

// waits is the event of an item that begins to wait.
type waits struct{}

func (waits) addTo(p *Progress) { p.Waiting++ }

// outcome is the event of an item that is done or has failed.
type outcome struct {
	Result
	digest uint64 // for the journal
	waited bool   // the item was on the waitlist
}

func (o *outcome) addTo(p *Progress) {
	if o.waited {
		p.Waiting--
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

// finished reports whether the item need not be done again.
func (o *outcome) finished() bool {
	switch o.Action {
	case Created, Assigned, Updated, Unchanged:
		return true
	default:
		return false
	}
}
