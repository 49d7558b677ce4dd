package provision

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/mihu-go/mihu"
)

// Action is what was done for an item, or what [Plan] reports would be done.
type Action string

// What a plan would do. Each is the verb of what a run has done.
const (
	// Create means that there is no trunk, and it would be created.
	Create Action = "create"
	// Assign means that the trunk has another agent, and would be assigned to the item's. Fields that
	// cannot be read back may be sent too.
	Assign Action = "assign"
	// Update means that the trunk has the agent, and fields that cannot be read back would be sent.
	Update Action = "update"
	// Delete means that the trunk would be deleted.
	Delete Action = "delete"
)

// What was done. A plan has Unchanged, Duplicate, Resumed and Failed too.
const (
	// Created means that there was no trunk, and it was created.
	Created Action = "created"
	// Assigned means that the trunk had another agent, and was assigned to the item's. Whatever
	// else was to be sent was sent too.
	Assigned Action = "assigned"
	// Updated means that the trunk had the agent already, and the item's fields that cannot be read
	// back were sent.
	Updated Action = "updated"
	// Deleted means that the trunk was deleted, or was not there any more.
	Deleted Action = "deleted"
	// Unchanged means that the trunk had the agent already, and nothing else was to be sent: the item
	// holds nothing else, or the state has it as sent.
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

// Planned returns the verb that a plan has for what a run has done: [Create] for [Created]. Every
// other action is returned as it is.
func (a Action) Planned() Action {
	switch a {
	case Created:
		return Create
	case Assigned:
		return Assign
	case Updated:
		return Update
	case Deleted:
		return Delete
	default:
		return a
	}
}

func actionOf(done *mihu.EnsureResult, err error) Action {
	if err != nil {
		return Failed
	}
	return Action(done.Action)
}

// effect is what became of an attempt.
type effect struct {
	ensured   *mihu.EnsureResult // nil if no request was made
	known     Known
	spare     bool              // the trunk was on the spare agent
	tried     bool              // a request that changes the trunk was begun
	begun     mihu.EnsureResult // what was begun, and the agent before it
	sent      fieldSet
	requestID string
	planned   *plannedRow // what a plan notes; nil otherwise
	err       error
}

// Result is what became of one item. It prints without SIP credentials, and with the number masked.
type Result struct {
	// Item is the item, unchanged.
	Item Item
	// Index is its position in the stream, from 0.
	Index int
	// Action is what was done. [Plan] has [Create], [Assign] and [Update] for what would be done.
	Action Action
	// Ensured has the trunk's snapshot. For a failed item it has what was done before the error. It
	// is nil if no request was made. [Plan] sets no snapshot, and the action that Ensure would
	// return.
	Ensured *mihu.EnsureResult
	// Known is how the trunk's state is known: KnownWritten after a change, KnownListed or
	// KnownRead if nothing was sent that changes anything. For [Plan], it is how the trunk was
	// looked up. It is "" if it is not known, as for most failed items, and for those that repeat
	// others.
	Known Known
	// Sent are the names of the fields that were sent and cannot be read back, or would be: "name",
	// "sip.password" and so on. nil is none.
	Sent []string
	// Spare reports whether the trunk was put on [Options.SpareAgent] in between, or would be.
	Spare   bool
	sent    fieldSet
	planned *plannedRow

	// Err is why the item failed, nil if it did not. If it matches [mihu.ErrOutcomeUnknown], the
	// change may have been applied, whatever else the error matches. It is an error of
	// [mihu.TrunksService.Ensure], a [*DuplicateError], [*SharedAgentError], [*CycleError] or
	// [*AgentBusyError], a [*mihu.ValidationError] of an item that was not sent, an error of
	// Options.Secrets, or one of the journal if the item was done and could not be recorded.
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
	audit  *AuditRecord
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
