package provision

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
)

// ErrLimit means that a run or a plan would change more than its limits allow. The error is a
// [*LimitError].
var ErrLimit = errors.New("provision: limit exceeded")

// Limits bound what may be changed at once. One column that has moved by a row puts every number on
// another agent, a file that has lost half of its rows deletes half of the trunks, and a column that
// has lost its values clears them: a limit stops each before anything is sent.
//
// The defaults depend on how many trunks there are, T: those that the state manages or those of the
// rows, whichever are more. Up to five changes of a kind are always allowed.
type Limits struct {
	// MaxDelete is the maximum number of deletions. nil means 10, or 5 % of T if that is less.
	MaxDelete *int
	// MaxAssign is the maximum number of trunks that are moved to another agent. nil means 50, or
	// 10 % of T if that is less.
	MaxAssign *int
	// MaxClear is the maximum number of trunks of which at least one field is cleared. A trunk that is
	// moved too counts for both. nil means 10, or 5 % of T if that is less.
	MaxClear *int
}

const (
	alwaysAllowed        = 5
	defaultMaxDelete     = 10
	defaultMaxAssign     = 50
	defaultMaxClear      = 10
	deletePercent        = 5
	assignPercent        = 10
	clearPercent         = 5
	hundredPercent   int = 100
)

// LimitError reports that more would be changed than the limits allow. Nothing was changed. It
// matches [ErrLimit].
type LimitError struct {
	// Action is [Delete], [Assign], or [Update] for trunks of which fields are cleared.
	Action Action
	// Count is how many changes of the kind there would be, and Max how many are allowed.
	Count, Max int
}

// Error returns the two numbers. If the input is right, set a limit of Count.
func (e *LimitError) Error() string {
	what := fmt.Sprintf("delete %d trunks", e.Count)
	switch e.Action {
	case Assign:
		what = fmt.Sprintf("move %d trunks to other agents", e.Count)
	case Update:
		what = fmt.Sprintf("clear fields of %d trunks", e.Count)
	default:
	}
	return fmt.Sprintf("provision: nothing was changed: this would %s, and the limit is %d", what, e.Max)
}

// Is reports whether target is ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// Check returns a [*LimitError] if there are too many changes, and nil if there are not. trunks is T.
// A nil *Limits has the defaults.
func (l *Limits) Check(deletes, assigns, clears, trunks int) error {
	if l == nil {
		l = new(Limits)
	}
	if limit := allowed(l.MaxDelete, defaultMaxDelete, deletePercent, trunks); deletes > limit {
		return &LimitError{Action: Delete, Count: deletes, Max: limit}
	}
	if limit := allowed(l.MaxAssign, defaultMaxAssign, assignPercent, trunks); assigns > limit {
		return &LimitError{Action: Assign, Count: assigns, Max: limit}
	}
	if limit := allowed(l.MaxClear, defaultMaxClear, clearPercent, trunks); clears > limit {
		return &LimitError{Action: Update, Count: clears, Max: limit}
	}
	return nil
}

// allowed returns how many changes of a kind are allowed.
func allowed(chosen *int, most, percent, trunks int) int {
	if chosen != nil {
		return *chosen
	}
	share := (trunks*percent + hundredPercent - 1) / hundredPercent // rounded up
	return max(alwaysAllowed, min(most, share))
}

func (l *Limits) violations() []mihu.FieldViolation {
	var violations []mihu.FieldViolation
	add := func(field string, limit *int) {
		if limit != nil && *limit < 0 {
			violations = append(violations, mihu.FieldViolation{Field: field, Value: strconv.Itoa(*limit), Problem: "negative; want 0 or more"})
		}
	}
	if l != nil {
		add("max delete", l.MaxDelete)
		add("max assign", l.MaxAssign)
		add("max clear", l.MaxClear)
	}
	return violations
}

// limitViolations returns what is wrong with the limits of a run.
func (e *engine) limitViolations() []mihu.FieldViolation {
	violations := e.opts.Limits.violations()
	switch {
	case e.opts.Limits == nil || !e.mode.records() || e.sync != nil:
	case e.source == nil:
		violations = append(violations, mihu.FieldViolation{Field: "limits", Problem: "not possible for a stream, the items of which are not known before; use Source.Run"})
	case e.opts.Lookup == LookupEach:
		violations = append(violations, mihu.FieldViolation{Field: "limits", Problem: "not possible with LookupEach, which looks only when an item is sent"})
	}
	return violations
}

// lookUp returns what is known of a trunk, with retries.
func (e *engine) lookUp(key trunkKey) (found Reading, err error) {
	err = e.retry(func() (err error) { found, err = e.world.get(e.ctx, key); return err })
	return found, err
}

// limit counts what a run of a source would assign, before anything is sent.
func (e *engine) limit() error {
	if e.opts.Limits == nil || e.sync != nil || !e.mode.records() {
		return nil
	}
	assigns, trunks, index := 0, 0, -1
	var refused error
	for item, err := range e.items {
		if err != nil {
			return err
		}
		index++
		key, ok := keyOf(item.Trunk.TrunkID)
		repeats, _ := e.duplicates.check(&item, index)
		if e.ended() {
			return nil
		}
		if !ok || repeats || e.opts.Journal != nil && e.opts.Journal.has(index) {
			continue
		}
		found, err := e.lookUp(key)
		switch {
		case mihu.IsRefusal(err), errors.Is(err, mihu.ErrUnauthorized):
			assigns++ // it may move; that it does not is not known
			refused = err
			continue
		case err != nil:
			return fmt.Errorf("provision: nothing was changed: to count what would be moved, %s is looked up: %w", item.Trunk.TrunkID, err)
		case !found.Exists:
			continue
		}
		trunks++
		if !strings.EqualFold(found.AgentUUID, item.Trunk.AgentUUID) {
			assigns++
		}
	}
	err := e.opts.Limits.Check(0, assigns, 0, trunks)
	if err != nil && errors.Is(refused, mihu.ErrUnauthorized) {
		return fmt.Errorf("provision: the API refused the token: %w", refused)
	}
	return err
}
