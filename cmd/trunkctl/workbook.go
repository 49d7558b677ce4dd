package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/xlsx"
	"github.com/mihu-go/mihu/provision"
)

// formatWorkbook is the --format of Excel workbooks, which package provision does not know.
const formatWorkbook = "xlsx"

// isWorkbook reports whether a file is a workbook, by its beginning, and returns to its beginning.
func isWorkbook(file io.ReadSeeker) (bool, error) {
	beginning := make([]byte, 8)
	n, err := io.ReadFull(file, beginning)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return xlsx.IsWorkbook(beginning[:n]), err
}

// fileIsWorkbook reports whether the file at a path is a workbook. If there is none, whoever opens it
// reports that.
func fileIsWorkbook(path string) (bool, error) {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return false, nil
	}
	defer func() { _ = file.Close() }()
	return isWorkbook(file)
}

// checkWorkbook refuses flags that do not fit a file. format is the value of --format.
func (f *fileFlags) checkWorkbook(name, format string, is bool) error {
	switch {
	case is && format != "" && format != formatWorkbook:
		return usagef("--format %s: %s is a workbook", format, name)
	case !is && format == formatWorkbook:
		return usagef("--format %s: %s is not a workbook", format, name)
	case !is && f.sheet != "":
		return usagef("--sheet: %s is not a workbook", name)
	}
	return nil
}

// readWorkbook calls read with the rows of a workbook. It returns the rows, which are read, or the error
// of read, or why the workbook cannot be read. name is what messages call the workbook.
func readWorkbook(name string, file *os.File, f *fileFlags, read func(provision.RowReader) error) (*xlsx.Rows, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	book, err := xlsx.Open(file, info.Size())
	if err != nil {
		return nil, workbookError(name, err)
	}
	rows, err := book.Rows(f.sheet)
	if err != nil {
		return nil, workbookError(name, err)
	}
	defer rows.Close()
	if err := read(rows); err != nil {
		return nil, workbookError(name, err)
	}
	return rows, nil
}

// workbookError turns an error of a workbook into one with an exit code and advice.
func workbookError(name string, err error) error {
	if wrong, ok := errors.AsType[*xlsx.Error](err); ok {
		return &provision.InputError{Name: name, Violations: []provision.InputViolation{
			{Line: max(wrong.Row, 1), Column: max(wrong.Column, 1), Cell: wrong.Cell, Problem: wrong.Problem},
		}}
	}
	sheets, ok := errors.AsType[*xlsx.SheetsError](err)
	if !ok {
		return err
	}
	const maxShown = 10
	var flags []string
	for _, sheet := range sheets.Sheets[:min(len(sheets.Sheets), maxShown)] {
		flags = append(flags, term.ShellLine("--sheet", sheet))
	}
	if more := len(sheets.Sheets) - len(flags); more > 0 {
		flags = append(flags, fmt.Sprintf("or one of %d more", more))
	}
	return &usageError{problem: name + ": " + sheets.Problem, advice: "name one of them: " + strings.Join(flags, ", ")}
}

// noteHidden prints what a person does not see in a workbook although it is read.
func (a *app) noteHidden(rows *xlsx.Rows) {
	if rows.HiddenSheet() {
		a.note("sheet %s is hidden, and is read", rows.Sheet())
	}
	if hidden := rows.HiddenColumns(); len(hidden) > 0 {
		a.note("sheet %s: hidden columns are read too: %s", rows.Sheet(), strings.Join(hidden, ", "))
	}
	if hidden := rows.Hidden(); len(hidden) > 0 {
		a.note("sheet %s: hidden rows are read too: %s", rows.Sheet(), ranges(hidden))
	}
}

// ranges returns sorted numbers as people write them, such as 2, 5-7; only the first ranges.
func ranges(numbers []int) string {
	const maxShown = 10
	var parts []string
	for i := 0; i < len(numbers); {
		end := i
		for end+1 < len(numbers) && numbers[end+1] == numbers[end]+1 {
			end++
		}
		part := strconv.Itoa(numbers[i])
		if end > i {
			part += fmt.Sprintf("-%d", numbers[end])
		}
		if len(parts) == maxShown {
			return strings.Join(parts, ", ") + ", and more"
		}
		parts = append(parts, part)
		i = end + 1
	}
	return strings.Join(parts, ", ")
}
