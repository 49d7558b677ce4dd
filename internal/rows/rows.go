// Package rows reads tables as people and programs write them: CSV as spreadsheets save it, and
// JSON lines. It knows where every cell is, reports everything that is wrong with a file instead of
// the first error alone, and holds one row at a time. What the rows mean is for its caller.
package rows

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Format is the format of a file of rows.
type Format string

// The formats.
const (
	Auto Format = ""      // by the file's content
	CSV  Format = "csv"   // the first row names the columns
	JSON Format = "jsonl" // one object per line
)

// Place is a place in a file. Line and Column start at 1; Column counts the characters of the line.
// In a workbook, Line is the row, Column counts its cells, and Cell is the name of the cell.
type Place struct {
	Line, Column int
	Cell         string
}

// after returns the place behind a text that begins here.
func (p Place) after(text []byte) Place {
	for len(text) > 0 {
		i := bytes.IndexAny(text, "\r\n")
		if i < 0 {
			p.Column += utf8.RuneCount(text)
			return p
		}
		if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			i++
		}
		p.Line, p.Column, text = p.Line+1, 1, text[i+1:]
	}
	return p
}

// placeIn returns the place of a byte of a text.
func placeIn(text []byte, offset int) Place { return Place{Line: 1, Column: 1}.after(text[:offset]) }

// Violation returns what is wrong at the place.
func (p Place) Violation(field, value, problem string) Violation {
	return Violation{Line: p.Line, Column: p.Column, Cell: p.Cell, Field: field, Value: value, Problem: problem}
}

// Violation is one thing that is wrong with a file. It holds no secret, and numbers only masked.
type Violation struct {
	Line, Column int
	Cell         string
	// Field is the column or key by its name in the file's format, "" if it belongs to none that is
	// known.
	Field string
	// Value is what is there, "" if it could be a secret.
	Value string
	// Problem says what is wrong and what to do.
	Problem string
	// Unknown are the columns that the violation is about, if it is that they are unknown.
	Unknown []UnknownColumn
}

// UnknownColumn is a column whose name is not known.
type UnknownColumn struct {
	// Name is the name as it is in the file.
	Name string
	// Field is the field that such a column usually holds, "" if that is not known.
	Field string
}

// Sort sorts violations by their places.
func Sort(violations []Violation) {
	slices.SortStableFunc(violations, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Kind is the JSON type of a field.
type Kind int

// The kinds.
const (
	String Kind = iota
	Number
	Object
)

// Field is what a column of a CSV file, or a key of a JSON object, may hold.
type Field struct {
	// Key is the key in JSON. "sip.port" is the key "port" of the object "sip", and the column
	// "sip_port" of a CSV file.
	Key  string
	Kind Kind
	// ColumnOnly means that the field is no key in JSON, and is not named to people who misspell one.
	ColumnOnly bool
}

// Column returns the name of the field's column in a CSV file.
func (f Field) Column() string { return strings.ReplaceAll(f.Key, ".", "_") }

// Table describes the rows of a file.
type Table struct {
	// Fields are the fields that are read. Everything else refers to them by their index.
	Fields []Field
	// Required are the fields that every row must have.
	Required []int
	// Instead maps a required field to one that takes its place in a row that has it.
	Instead map[int]int
	// Unread names columns and keys that are known and not read.
	Unread []string
	// Ignore names columns and keys that the caller does not want to be read; "" means columns
	// without a name. Any other name that is not known is a violation.
	Ignore []string
	// Closed means that no name can be ignored.
	Closed bool
	// Map says what columns hold, by ColumnName of their names: the index of a field, or Ignored. It
	// takes precedence over the names of the fields.
	Map map[string]int
	// Synonym returns the field that a column usually holds if it has a name that is not known; ""
	// if that is not known. It may be nil.
	Synonym func(name string) string
	// Raw means that the caller wants the cells of all columns, and that it may fill in fields for
	// which there is no column.
	Raw bool
}

// Row is one row of a file. It is overwritten by the next row.
type Row struct {
	Format Format
	// At is where the row begins. End is the place behind the last cell of a CSV row, and of the
	// closing brace of an object.
	At, End Place
	// Cells are the cells by field.
	Cells []Cell
	// Missing marks the required fields for which a CSV file has no column. That was reported with
	// the header.
	Missing []bool
	// PaddedBefore and PaddedAfter report whether a CSV file sets its cells apart with blanks: every
	// cell behind a delimiter begins with one, or every cell before a delimiter ends with one, in
	// the header and in this row. Empty cells need none.
	PaddedBefore, PaddedAfter bool
	// Unended marks a row of CSV behind which there is no line end, which may be a part of a row.
	Unended bool
	// Unreadable marks a row, or a header, that has no usable cells. It has violations alone.
	Unreadable bool
	// Violations are what is wrong with the row, apart from the problems of its cells.
	Violations []Violation

	// Names are the names of all columns, as ColumnName writes them, and Raw are their cells, if
	// Table.Raw is set. A row of JSON has none.
	Names []string
	Raw   []Cell

	objects []string // the keys of the objects that hold fields
}

// Cell is a cell of a CSV file, or a value of a JSON object.
type Cell struct {
	At Place
	// Present reports whether the row has the cell.
	Present bool
	Text    string
	// Shown is Text as a person sees it in the file: in JSON, an x for every escape.
	Shown string
	// Problem is why Text cannot be used, "" if it can, and Bad is where the problem is.
	Problem string
	Bad     Place
}

// Read calls each with every row of a file, and with its header if something is wrong with that,
// until each returns false. Everything that is read is copied to copyTo, in the order of the file.
// It returns the format of the file. The error is one of reading the file.
func (t *Table) Read(file io.ReadSeeker, copyTo io.Writer, format Format, each func(*Row) bool) (Format, error) {
	l := NewLines(file, copyTo)
	beginning, problem, err := l.Start()
	if err != nil {
		return format, err
	}
	if problem != "" {
		each(unreadable(format, Place{Line: 1, Column: 1}.Violation("", "", problem)))
		return format, nil
	}
	if format == Auto {
		format = CSV
		if text := bytes.TrimLeft(beginning, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			format = JSON
		}
	}
	switch {
	case format != JSON:
		return format, t.readRecords(NewRecords(l), each)
	case len(t.Map) > 0:
		each(unreadable(format, Place{Line: 1, Column: 1}.Violation("", "", "JSON lines, whose keys cannot be mapped; a map is for columns")))
		return format, nil
	}
	return format, t.readJSON(l, each)
}

// ReadCells is Read for the cells that a CellWriter has written.
func (t *Table) ReadCells(file io.Reader, copyTo io.Writer, each func(*Row) bool) error {
	return t.readRecords(NewCellRecords(io.TeeReader(file, copyTo)), each)
}

func unreadable(format Format, violations ...Violation) *Row {
	return &Row{Format: format, Unreadable: true, Violations: violations}
}

// newRow returns a row that is used for one row of the file after the other.
func (t *Table) newRow(format Format) *Row {
	return &Row{
		Format: format, Cells: make([]Cell, len(t.Fields)), Missing: make([]bool, len(t.Fields)), objects: t.objects(),
	}
}

// reset makes the row ready for the next one of the file.
func (r *Row) reset(at, end Place) {
	r.At, r.End, r.Violations = at, end, nil
	clear(r.Cells)
}

// required names the columns of the required fields, or some columns if none is required.
func (t *Table) required() string {
	if len(t.Required) == 0 {
		return strings.Join(t.Columns()[:min(3, len(t.Fields))], ",")
	}
	var columns []string
	for _, f := range t.Required {
		columns = append(columns, t.Fields[f].Column())
	}
	return strings.Join(columns, ",")
}
