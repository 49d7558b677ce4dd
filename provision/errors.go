package provision

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
)

// The ends of a run, and what a journal refuses, for errors.Is.
var (
	// ErrStopped: [Options.Stop] was closed before all items were done.
	ErrStopped = errors.New("provision: stopped")
	// ErrTooManyFailures: [Options.MaxFailures] was reached before all items were done.
	ErrTooManyFailures = errors.New("provision: too many failures")
	// ErrOtherInput: the journal belongs to another input.
	ErrOtherInput = errors.New("provision: journal of another input")
	// ErrJournalInUse: another process, another Journal or another run uses the file.
	ErrJournalInUse = errors.New("provision: journal in use")
	// ErrJournalDamaged: a line of the journal before its last does not match its checksum.
	ErrJournalDamaged = errors.New("provision: journal damaged")
)

// DuplicateError is of an item that wants another thing of a trunk than an item before it. It
// matches [mihu.ErrInvalid]. Nothing was sent for the item.
type DuplicateError struct {
	// Trunk is what both are about.
	Trunk mihu.TrunkID `json:"-"`
	// FirstIndex and FirstLine are of the item before; FirstLine is 0 where it has none.
	FirstIndex, FirstLine int
}

// Error says which trunk it is, and where it was named first.
func (e *DuplicateError) Error() string {
	where := "item " + strconv.Itoa(e.FirstIndex+1)
	if e.FirstLine > 0 {
		where = "line " + strconv.Itoa(e.FirstLine)
	}
	return "provision: not sent: " + e.Trunk.String() + " is wanted otherwise in " + where + "; leave one of the two"
}

// Is matches mihu.ErrInvalid.
func (e *DuplicateError) Is(target error) bool { return target == mihu.ErrInvalid }

// LogValue is Error.
func (e *DuplicateError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints Error under every verb.
func (e *DuplicateError) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// Swap is one trunk of a [CycleError].
type Swap struct {
	// Trunk answers to AgentUUID and is to answer to WantedUUID.
	Trunk                 mihu.TrunkID `json:"-"`
	AgentUUID, WantedUUID string
}

// CycleError is of items that want to swap agents. An agent serves one number a channel, so that no
// order of single moves does it. The text says the order that works with a spare agent. It matches
// [mihu.ErrConflict].
type CycleError struct {
	// Swaps are the trunks of the cycle, from the one whose item came first: each waits for the agent
	// of the next, and the last for that of the first. Every item of the cycle has the same.
	Swaps []Swap
}

// Error names the trunks, and the order that works with a spare agent.
func (e *CycleError) Error() string {
	const shown = 5 // of the trunks of a cycle that can be as long as the input
	var b strings.Builder
	fmt.Fprintf(&b, "provision: %d trunks wait for each other's agents", len(e.Swaps))
	if len(e.Swaps) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, ": assign %s to a spare agent, then", e.Swaps[0].Trunk)
	for i := range e.Swaps {
		if left := len(e.Swaps) - 1 - i; i == shown && left > 1 {
			fmt.Fprintf(&b, " in the same way the %d between, and at last %s to %s", left, e.Swaps[0].Trunk, e.Swaps[0].WantedUUID)
			break
		}
		swap := e.Swaps[(len(e.Swaps)-1-i)%len(e.Swaps)]
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s to %s", swap.Trunk, plain(swap.WantedUUID))
	}
	return b.String()
}

// Is matches mihu.ErrConflict.
func (e *CycleError) Is(target error) bool { return target == mihu.ErrConflict }

// LogValue is Error.
func (e *CycleError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints Error under every verb.
func (e *CycleError) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// AgentBusyError is of an item whose agent serves another number on the channel, which no item of
// the run moves, or none could. It matches [mihu.ErrConflict], and what the API said.
type AgentBusyError struct {
	// Trunk is the item's, AgentUUID the agent that it wants, Holder the trunk that has it; Holder is zero
	// where it could not be found out, as with a number of the purchased inventory.
	Trunk     mihu.TrunkID `json:"-"`
	AgentUUID string
	Holder    mihu.TrunkID `json:"-"`
	// Err is what the API said; nil where it was not asked, as by [Plan].
	Err error
}

// Error says which agent is meant, and who has it.
func (e *AgentBusyError) Error() string {
	holder := "a number that is not among the workspace's trunks, such as a purchased one"
	if e.Holder != (mihu.TrunkID{}) {
		holder = e.Holder.String()
	}
	text := "provision: " + e.Trunk.String() + " cannot have agent " + plain(e.AgentUUID) + ", which serves " + holder +
		"; move or delete that first, or name another agent"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is matches mihu.ErrConflict.
func (e *AgentBusyError) Is(target error) bool { return target == mihu.ErrConflict }

// Unwrap is Err.
func (e *AgentBusyError) Unwrap() error { return e.Err }

// LogValue is Error.
func (e *AgentBusyError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints Error under every verb.
func (e *AgentBusyError) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// invalid is a refusal of what cannot be used, before anything is sent.
func invalid(op string, faults ...mihu.FieldViolation) error {
	return &mihu.ValidationError{Op: "provision." + op, Violations: faults}
}

// plain bounds what is shown of a text that another wrote, and masks numbers in it.
func plain(s string) string { return redact.Text(redact.OneLine(s, 64)) }

// format prints a text that is safe to show under any verb.
func format(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}
