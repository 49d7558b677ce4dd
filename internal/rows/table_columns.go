package rows

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

// records are the records of a file that has columns.
type records interface {
	// Header returns the record that names the columns; nil is the end of the file.
	Header(known func(name string) bool) (*Record, error)
	// Next returns the next record; nil is the end of the file.
	Next() (*Record, error)
}

// readRecords reads the rows of a file that has columns.
func (t *Table) readRecords(r records, each func(*Row) bool) error {
	header, err := r.Header(func(name string) bool { return t.column(name) >= Ignored || t.synonym(name) != "" })
	if err != nil {
		return err
	}
	row := t.newRow(CSV)
	columns, violations := t.header(header, row.Missing)
	if len(violations) > 0 && !each(unreadable(CSV, violations...)) || columns == nil {
		return nil
	}
	before, after := padding(header)
	if t.Raw {
		for _, c := range header.Cells {
			row.Names = append(row.Names, ColumnName(c.Text))
		}
	}
	for {
		record, err := r.Next()
		if err != nil || record == nil {
			return err
		}
		if !record.Blank && !each(row.fill(record, columns, before, after)) {
			return nil
		}
	}
}

// header returns what each column holds, and what is wrong with their names; nil if no row can be
// read. It marks the required fields that are missing.
func (t *Table) header(header *Record, missing []bool) (columns []int, violations []Violation) {
	switch {
	case header == nil:
		return nil, []Violation{Place{Line: 1, Column: 1}.Violation("", "", "has no rows; the first row must name the columns, such as "+t.required())}
	case header.Broken != nil:
		return nil, []Violation{*header.Broken}
	}
	for _, c := range header.Cells {
		if c.Problem != "" {
			return nil, []Violation{c.Bad.Violation("", "", c.Problem)}
		}
		columns = append(columns, t.column(c.Text))
	}
	if !slices.ContainsFunc(columns, func(column int) bool { return column >= unread || t.Raw && column == Ignored }) {
		return nil, []Violation{t.noNames(header)}
	}
	seen := make([]int, len(t.Fields))
	for i, column := range columns {
		c := header.Cells[i]
		switch {
		case column == unknown:
			violations = append(violations, t.unknownColumn(c))
		case column >= 0 && seen[column] > 0:
			problem := DuplicateColumn(seen[column])
			if ColumnName(c.Text) != ColumnName(header.Cells[seen[column]-1].Text) {
				problem = fmt.Sprintf("holds the same field as column number %d; map one of the two to another, or ignore it", seen[column])
			}
			violations = append(violations, c.At.Violation(t.Fields[column].Column(), "", problem))
			columns[i] = Ignored
		case column >= 0:
			seen[column] = i + 1
		}
	}
	violations = append(violations, t.unused(header)...)
	for _, f := range t.Required {
		instead, ok := t.Instead[f]
		if seen[f] == 0 && (!ok || seen[instead] == 0) {
			missing[f] = true
			violations = append(violations, header.At.Violation(t.Fields[f].Column(), "", "required column is missing"))
		}
	}
	Sort(violations)
	return columns, violations
}

// unknownColumn returns the violation of a column whose name is not known.
func (t *Table) unknownColumn(c Cell) Violation {
	name := Trim(c.Text)
	v := c.At.Violation("", redact.Text(redact.Clip(name)), "")
	field := t.synonym(name)
	v.Unknown = []UnknownColumn{{name, field}}
	switch hidden := Hidden(name); {
	case hidden != "":
		v.Problem = "unknown column; its name has " + hidden + ", which cannot be seen; remove it"
	case field != "":
		v.Problem = "unknown column; did you mean " + field + "? If not, ignore it by name; if so, map it: " + redact.Clip(name) + "=" + field
	default:
		v.Problem = "unknown column" + t.didYouMean(ColumnName(name), t.Columns())
	}
	return v
}

// noNames returns the violation of a first row in which no column is known. It is shown only if it
// names columns for sure: otherwise it may be a row of values, with secrets in it.
func (t *Table) noNames(header *Record) Violation {
	const want = "the first row must name the columns, such as "
	var names []UnknownColumn
	synonyms, words, values := 0, 0, false
	for _, c := range header.Cells {
		name := Trim(c.Text)
		if name == "" {
			continue
		}
		field := t.synonym(name)
		names = append(names, UnknownColumn{name, field})
		if field != "" {
			synonyms++
		}
		if isWords(name) {
			words++
		}
		values = values || looksLikeValue(name)
	}
	v := header.At.Violation("", "", want+t.required())
	if values || synonyms == 0 && (words < 2 || words < len(names)) {
		return v
	}
	const maxShown = 20
	var shown, proposals []string
	for i, c := range names {
		if i < maxShown {
			shown = append(shown, redact.Text(redact.Quote(c.Name)))
		}
		if c.Field != "" && len(proposals) < maxShown {
			proposals = append(proposals, redact.Clip(c.Name)+"="+c.Field)
		}
	}
	if rest := len(names) - len(shown); rest > 0 {
		shown = append(shown, strconv.Itoa(rest)+" more")
	}
	v.Unknown = names
	v.Problem = want + t.required() + "; it has " + strings.Join(shown, ", ") + ", and known are " + strings.Join(t.Columns(), ", ") +
		"; map each column to the field that it holds, or ignore it by name"
	if len(proposals) > 0 {
		v.Problem += "; did you mean " + strings.Join(proposals, ", ") + "?"
	}
	return v
}

// looksLikeValue reports whether a cell of a first row holds a value rather than a name.
func looksLikeValue(cell string) bool {
	const maxDigits = 3
	digits := 0
	for _, r := range cell {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits > maxDigits || strings.Contains(cell, "@")
}

// isWords reports whether a cell of a first row has letters alone, as no number has, and few passwords.
func isWords(cell string) bool {
	return !strings.ContainsFunc(cell, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !strings.ContainsRune(" _-./:#()", r)
	})
}

// unused returns a violation for every column of the map that the header does not have.
func (t *Table) unused(header *Record) (violations []Violation) {
	for _, name := range slices.Sorted(maps.Keys(t.Map)) {
		if !slices.ContainsFunc(header.Cells, func(c Cell) bool { return ColumnName(c.Text) == name }) {
			violations = append(violations, header.At.Violation("", redact.Text(redact.Clip(name)), "the map has this column, and the file does not; correct the map"))
		}
	}
	return violations
}

// fill makes the row that of a record.
func (r *Row) fill(record *Record, columns []int, before, after bool) *Row {
	if record.Broken != nil {
		return unreadable(CSV, *record.Broken)
	}
	r.reset(record.At, record.End)
	r.Unended = record.Unended
	r.Raw = nil
	if r.Names != nil {
		r.Raw = record.Cells
	}
	r.PaddedBefore, r.PaddedAfter = before, after
	if before || after {
		b, a := padding(record)
		r.PaddedBefore, r.PaddedAfter = before && b, after && a
	}
	for i, c := range record.Cells {
		column := unnamed
		if i < len(columns) {
			column = columns[i]
		}
		switch {
		case column >= 0:
			r.Cells[column] = c
		case column == unnamed && Trim(c.Text) != "" && i < len(columns):
			return unreadable(CSV, c.At.Violation("", "", fmt.Sprintf("value in column number %d, which has no name; name it in the first row, or ignore columns without a name", i+1)))
		case column == unnamed && Trim(c.Text) != "":
			return unreadable(CSV, c.At.Violation("", "", ValueWithoutColumn(len(columns))))
		}
	}
	return r
}

// padding reports whether every cell of a record but the first begins with a blank, and whether
// every cell but the last ends with one. Empty cells do not count.
func padding(record *Record) (before, after bool) {
	last := len(record.Cells) - 1
	if last < 1 {
		return false, false
	}
	before, after = true, true
	for i, c := range record.Cells {
		if c.Text == "" {
			continue
		}
		begin, _ := utf8.DecodeRuneInString(c.Text)
		end, _ := utf8.DecodeLastRuneInString(c.Text)
		before = before && (i == 0 || unicode.IsSpace(begin))
		after = after && (i == last || unicode.IsSpace(end))
	}
	return before, after
}
