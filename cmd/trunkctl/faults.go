package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/mihu-go/mihu/provision"
)

// faultRecord is a fault of a file.
type faultRecord struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Field   string `json:"field"`
	Value   string `json:"value"`
	Problem string `json:"problem"`
}

func (f faultRecord) cells() []string {
	return []string{strconv.Itoa(f.Line), strconv.Itoa(f.Column), f.Field, f.Value, f.Problem}
}

// showFaults prints the faults of a file: for people as compilers do, so that editors find them.
func (a *app) showFaults(file string, err error) error {
	faults, ok := errors.AsType[*provision.InputError](err)
	if !ok {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return &usageError{problem: err.Error()}
		}
		return err
	}
	if a.global.output != formatTable {
		out := a.records([]column{{name: "line"}, {name: "column"}, {name: "field"}, {name: "value"}, {name: "problem"}})
		for _, fault := range faults.Violations {
			if err := out.add(faultRecord(fault)); err != nil {
				return err
			}
		}
		if err := out.end(); err != nil {
			return err
		}
	} else {
		for _, fault := range faults.Violations {
			a.tell(printable(fmt.Sprintf("%s:%d:%d: %s", file, fault.Line, fault.Column, fault.Text())))
		}
	}
	more := ""
	if faults.More > 0 {
		more = fmt.Sprintf(", of which the first %d are shown", len(faults.Violations))
	}
	return &inputError{fmt.Sprintf("%s in %s%s; nothing was sent", counted(len(faults.Violations)+faults.More, "fault"), file, more)}
}
