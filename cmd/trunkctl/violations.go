package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// violationRecord is an error in a file, as data.
type violationRecord struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Cell    string `json:"cell,omitempty"`
	Field   string `json:"field"`
	Value   string `json:"value"`
	Problem string `json:"problem"`
}

var violationColumns = []term.Column{{Name: "line"}, {Name: "column"}, {Name: "field"}, {Name: "value"}, {Name: "problem"}, {Name: "cell"}}

func (v violationRecord) Cells() []string {
	return []string{strconv.Itoa(v.Line), strconv.Itoa(v.Column), v.Field, v.Value, v.Problem, v.Cell}
}

// showViolations prints the errors in a file, for people in the form of a compiler, which editors
// can follow. It returns the error to end with.
func (a *app) showViolations(file string, err error) error {
	input, ok := errors.AsType[*provision.InputError](err)
	if !ok {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return &usageError{problem: plainText(err)}
		}
		return err
	}
	if err := a.printViolations(file, input.Violations); err != nil {
		return err
	}
	rest := ""
	if input.More > 0 {
		rest = fmt.Sprintf(", the first %d of them shown", len(input.Violations))
	}
	return &inputError{fmt.Sprintf("%s in %s%s; nothing was sent", counted(len(input.Violations)+input.More, "error"), file, rest)}
}

func (a *app) printViolations(file string, violations []provision.InputViolation) error {
	if a.global.output == term.FormatTable {
		for _, group := range groupViolations(violations) {
			first := group[0]
			place := fmt.Sprintf("%s:%d:%d: ", file, first.Line, first.Column)
			if first.Cell != "" {
				place = file + ": " + first.Cell + ": "
			}
			a.printErr(term.Printable(place + first.Text()))
			if len(group) > 1 {
				lines := make([]int, 0, len(group)-1)
				for _, v := range group[1:] {
					lines = append(lines, v.Line)
				}
				a.printErr("  " + sameOn(lines[:min(len(lines), maxLines)], len(lines)))
			}
		}
		return nil
	}
	out := a.records(violationColumns)
	for _, v := range violations {
		if err := out.Add(violationRecord(v)); err != nil {
			return err
		}
	}
	return out.End()
}

// groupViolations puts together what is wrong in the same way in many lines. A few are listed one by
// one.
func groupViolations(violations []provision.InputViolation) [][]provision.InputViolation {
	const few = 10
	kind := func(v provision.InputViolation) string { return v.Field + "\x00" + v.Problem }
	all := map[string][]provision.InputViolation{}
	for _, v := range violations {
		all[kind(v)] = append(all[kind(v)], v)
	}
	var groups [][]provision.InputViolation
	for _, v := range violations {
		switch group := all[kind(v)]; {
		case len(group) <= few:
			groups = append(groups, []provision.InputViolation{v})
		case group[0] == v:
			groups = append(groups, group)
		}
	}
	return groups
}
