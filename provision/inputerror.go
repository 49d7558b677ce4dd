package provision

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/rows"
)

// ErrInputChanged means that a file no longer holds what it held when it was opened. [Source.Items]
// yields it, and no item after it.
var ErrInputChanged = errors.New("provision: input changed")

const (
	maxViolations = 1000 // that an InputError lists
	maxShown      = 10   // that its text shows
)

// InputViolation is one thing that is wrong with an input. It holds no secret, and numbers only
// masked.
type InputViolation struct {
	// Line and Column are the place, from 1. Column counts the characters of the line, for CSV and
	// for JSON lines. A byte order mark is not counted.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Cell is the name of the cell that a [RowReader] has given, such as Sheet1!B7; "" if it has no
	// name. Then Line is the number of the row, and Column counts its cells.
	Cell string `json:"cell,omitempty"`
	// Field is the column or key by its name in the file's format, such as "sip_port" or
	// "sip.port"; "" if the violation belongs to no known column or key.
	Field string `json:"field,omitempty"`
	// Value is what is there: masked if it is a number, "" if it could be a secret.
	Value string `json:"value,omitempty"`
	// Problem says what is wrong and what to do.
	Problem string `json:"problem"`
}

// String returns the violation as one line, with its place.
func (v InputViolation) String() string {
	if v.Cell != "" {
		return v.Cell + ": " + v.Text()
	}
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

// InputError lists everything that is wrong with an input, in the order of the file. It matches
// [mihu.ErrInvalid].
type InputError struct {
	// Name is the path that was opened, "input" for [Spool] and [OpenRows], and [NumberOptions].Name for numbers.
	Name string
	// Violations has 1 to 1000 entries.
	Violations []InputViolation
	// More counts the violations that are not listed.
	More int
	// UnknownColumns are the columns whose names are not known, in the order of the file: what a
	// program needs to propose a [ColumnMap].
	UnknownColumns []UnknownColumn
}

// UnknownColumn is a column of a file whose name is not known.
type UnknownColumn struct {
	// Name is the name as it is in the file.
	Name string
	// Field is the field that a column with exactly this name usually holds in the exports of
	// carriers and phone systems, or [MapGatewayPort]; "" if that is not known. It is a proposal for
	// people: nothing is mapped by itself.
	Field string
}

// Error returns one line with the first ten violations and the number of the others.
func (e *InputError) Error() string {
	all := len(e.Violations) + e.More
	shown := e.Violations[:min(maxShown, len(e.Violations))]
	lines := make([]string, len(shown), len(shown)+1)
	for i, violation := range shown {
		lines[i] = violation.String()
	}
	if rest := all - len(shown); rest > 0 {
		lines = append(lines, "and "+strconv.Itoa(rest)+" more")
	}
	count := strconv.Itoa(all) + " errors"
	if all == 1 {
		count = "1 error"
	}
	return "provision: " + e.Name + " has " + count + ": " + strings.Join(lines, "; ")
}

// Is reports whether target is [mihu.ErrInvalid].
func (e *InputError) Is(target error) bool { return target == mihu.ErrInvalid }

func (e *InputError) add(violations ...rows.Violation) {
	for _, v := range violations {
		for _, c := range v.Unknown {
			e.UnknownColumns = append(e.UnknownColumns, UnknownColumn(c))
		}
		if len(e.Violations) == maxViolations {
			e.More++
			continue
		}
		e.Violations = append(e.Violations, InputViolation{
			Line: v.Line, Column: v.Column, Cell: v.Cell, Field: v.Field, Value: v.Value, Problem: v.Problem,
		})
	}
}

// beginning is the place of what is wrong with a file as a whole.
var beginning = rows.Place{Line: 1, Column: 1} // never changed
