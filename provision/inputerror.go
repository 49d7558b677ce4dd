package provision

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
)

// ErrInputChanged says that the file holds something else than when it was opened. [Source.Items] yields it, and
// no item after it.
var ErrInputChanged = errors.New("provision: input changed")

const (
	mostFaults = 1000 // that an InputError lists
	mostShown  = 10   // that its text shows
)

// InputViolation is one thing that is wrong with an input. It holds no secret, and numbers only masked.
type InputViolation struct {
	// Line and Column are where it begins, from 1. Column counts the characters of the line, for CSV and JSON
	// lines alike; a byte order mark is none.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Field is the column or key by its name in the file's format, such as "sip_port" or "sip.port"; "" where the
	// fault is not of one that is known.
	Field string `json:"field,omitempty"`
	// Value is what is there, masked where it is a number, "" where it could be a secret.
	Value string `json:"value,omitempty"`
	// Problem says what is wrong and what to do.
	Problem string `json:"problem"`
}

// String returns the violation as one line, with its place.
func (v InputViolation) String() string {
	return fmt.Sprintf("line %d, column %d: %s", v.Line, v.Column, v.Text())
}

// Text returns the violation without its place: field, value and problem.
func (v InputViolation) Text() string {
	about := v.Field
	if v.Value != "" {
		about = strings.TrimSpace(about + ` "` + v.Value + `"`)
	}
	if about == "" {
		return v.Problem
	}
	return about + ": " + v.Problem
}

// InputError is an input that has faults. It lists them in the order of the file, at most 1000 of them, for a
// program that prints them one by one. It matches [mihu.ErrInvalid].
type InputError struct {
	// Name is the path that was opened, or "input" for what was spooled; of numbers what [NumberOptions] calls it.
	Name string
	// Faults has at least one entry.
	Violations []InputViolation
	// More counts the faults beyond those listed.
	More int
}

// Error is one line that shows the first ten faults and counts the rest.
func (e *InputError) Error() string {
	all := len(e.Violations) + e.More
	shown := e.Violations[:min(mostShown, len(e.Violations))]
	lines := make([]string, len(shown), len(shown)+1)
	for i, fault := range shown {
		lines[i] = fault.String()
	}
	if rest := all - len(shown); rest > 0 {
		lines = append(lines, "and "+strconv.Itoa(rest)+" more")
	}
	count := strconv.Itoa(all) + " faults"
	if all == 1 {
		count = "a fault"
	}
	return "provision: " + e.Name + " has " + count + ": " + strings.Join(lines, "; ")
}

// Is matches [mihu.ErrInvalid].
func (e *InputError) Is(target error) bool { return target == mihu.ErrInvalid }

func (e *InputError) add(faults ...InputViolation) {
	take := min(len(faults), mostFaults-len(e.Violations))
	e.Violations = append(e.Violations, faults[:take]...)
	e.More += len(faults) - take
}

// place is where something begins in an input.
type place struct{ line, column int }

func (p place) fault(name, value, problem string) InputViolation {
	return InputViolation{Line: p.line, Column: p.column, Field: name, Value: value, Problem: problem}
}

func sortFaults(faults []InputViolation) {
	slices.SortStableFunc(faults, func(a, b InputViolation) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
