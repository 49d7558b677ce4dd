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

// The errors of a run and of a journal, for errors.Is.
var (
	// ErrStopped means that Stop was closed before all items were done.
	ErrStopped = errors.New("provision: stopped")
	// ErrTooManyFailures means that MaxFailures was reached before all items were done.
	ErrTooManyFailures = errors.New("provision: too many failures")
	// ErrOtherInput means that the journal belongs to another input.
	ErrOtherInput = errors.New("provision: journal of another input")
	// ErrJournalInUse means that another process, another Journal or another run uses the file.
	ErrJournalInUse = errors.New("provision: journal in use")
	// ErrJournalDamaged means that a line of the journal, other than its last, does not match its
	// checksum.
	ErrJournalDamaged = errors.New("provision: journal damaged")
)

// DuplicateError is the error of an item that asks for something else of a trunk than an earlier
// item. It matches [mihu.ErrInvalid]. Nothing was sent for the item.
type DuplicateError struct {
	// Trunk is the trunk of both items.
	Trunk mihu.TrunkID `json:"-"`
	// FirstIndex and FirstLine are those of the earlier item. FirstLine is 0 if it has none.
	FirstIndex, FirstLine int
}

// Error returns the trunk, and the place of the earlier item.
func (e *DuplicateError) Error() string {
	where := "item " + strconv.Itoa(e.FirstIndex+1)
	if e.FirstLine > 0 {
		where = "line " + strconv.Itoa(e.FirstLine)
	}
	return "provision: not sent: " + e.Trunk.String() + " has different content in " + where + "; keep one of the two"
}

// Is reports whether target is [mihu.ErrInvalid].
func (e *DuplicateError) Is(target error) bool { return target == mihu.ErrInvalid }

// LogValue returns the text of Error.
func (e *DuplicateError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints Error for every verb.
func (e *DuplicateError) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// Swap is one trunk of a [CycleError].
type Swap struct {
	// Trunk has the agent AgentUUID and wants WantedUUID.
	Trunk                 mihu.TrunkID `json:"-"`
	AgentUUID, WantedUUID string
}

// CycleError is the error of items that want to swap agents. An agent serves one number per
// channel, so no order of assignments works. The text has an order that works with a spare agent.
// It matches [mihu.ErrConflict].
type CycleError struct {
	// Swaps are the trunks of the cycle, from the one whose item came first. Each waits for the
	// agent of the next, and the last for that of the first. All items of the cycle have the same
	// Swaps.
	Swaps []Swap
}

// Error returns the trunks, in an order of assignments that works with a spare agent.
func (e *CycleError) Error() string {
	const shown = 5 // trunks of a cycle, which can be as long as the input
	var b strings.Builder
	fmt.Fprintf(&b, "provision: %d trunks wait for each other's agents", len(e.Swaps))
	if len(e.Swaps) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, ": assign %s to a spare agent, then", e.Swaps[0].Trunk)
	for i := range e.Swaps {
		if left := len(e.Swaps) - 1 - i; i == shown && left > 1 {
			fmt.Fprintf(&b, ", the %d in between in the same way, and finally %s to %s", left, e.Swaps[0].Trunk, e.Swaps[0].WantedUUID)
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

// Is reports whether target is [mihu.ErrConflict].
func (e *CycleError) Is(target error) bool { return target == mihu.ErrConflict }

// LogValue returns the text of Error.
func (e *CycleError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints Error for every verb.
func (e *CycleError) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// AgentBusyError is the error of an item whose agent serves another number on the channel, if no
// item of the run frees the agent. It matches [mihu.ErrConflict], and the API's error.
type AgentBusyError struct {
	// Trunk is the item's trunk, AgentUUID the agent that it wants, and Holder the trunk that has
	// the agent. Holder is zero if it is not known. It may be a number of the purchased inventory.
	Trunk     mihu.TrunkID `json:"-"`
	AgentUUID string
	Holder    mihu.TrunkID `json:"-"`
	// Err is the API's error; nil if no request was made, as for [Plan].
	Err error
}

// Error returns the agent, and the trunk that has it.
func (e *AgentBusyError) Error() string {
	holder := "a number that is not among the workspace's trunks, such as a purchased one"
	if e.Holder != (mihu.TrunkID{}) {
		holder = e.Holder.String()
	}
	text := "provision: " + e.Trunk.String() + " cannot have agent " + plain(e.AgentUUID) + ", which serves " + holder +
		"; assign another agent to that number or delete its trunk first, or use another agent"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is [mihu.ErrConflict].
func (e *AgentBusyError) Is(target error) bool { return target == mihu.ErrConflict }

// Unwrap returns Err.
func (e *AgentBusyError) Unwrap() error { return e.Err }

// LogValue returns the text of Error.
func (e *AgentBusyError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Format prints Error for every verb.
func (e *AgentBusyError) Format(f fmt.State, verb rune) { format(f, verb, e.Error()) }

// invalid returns the error of arguments that cannot be used.
func invalid(op string, violations ...mihu.FieldViolation) error {
	return &mihu.ValidationError{Op: "provision." + op, Violations: violations}
}

// plain shortens a text of somebody else to one line, and masks numbers in it.
func plain(s string) string { return redact.Text(redact.OneLine(s, 64)) }

// format prints a text that is safe to show, for any verb.
func format(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}
