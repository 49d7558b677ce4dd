package rows

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

// readCSV reads the rows of a CSV file.
func (t *Table) readCSV(l *Lines, each func(*Row) bool) error {
	r := NewRecords(l)
	header, err := r.Header(func(name string) bool { return t.column(name) >= ignored })
	if err != nil {
		return err
	}
	row := t.newRow(CSV)
	columns, violations := t.header(header, row.Missing)
	if len(violations) > 0 && !each(unreadable(CSV, violations...)) || columns == nil {
		return nil
	}
	before, after := padding(header)
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
		return nil, []Violation{Place{1, 1}.Violation("", "", "has no rows; the first row must name the columns, such as "+t.required())}
	case header.Broken != nil:
		return nil, []Violation{*header.Broken}
	}
	for _, c := range header.Cells {
		if c.Problem != "" {
			return nil, []Violation{c.Bad.Violation("", "", c.Problem)}
		}
		columns = append(columns, t.column(c.Text))
	}
	if !slices.ContainsFunc(columns, func(column int) bool { return column >= unread }) {
		// It may be a row, with secrets in it.
		return nil, []Violation{header.At.Violation("", "", "the first row must name the columns, such as "+t.required())}
	}
	seen := make([]int, len(t.Fields))
	for i, column := range columns {
		c := header.Cells[i]
		switch {
		case column == unknown:
			problem := "unknown column" + t.didYouMean(ColumnName(c.Text), t.columns())
			if hidden := Hidden(Trim(c.Text)); hidden != "" {
				problem = "unknown column; its name has " + hidden + ", which cannot be seen; remove it"
			}
			violations = append(violations, c.At.Violation("", redact.Text(redact.Clip(Trim(c.Text))), problem))
		case column >= 0 && seen[column] > 0:
			violations = append(violations, c.At.Violation(t.Fields[column].Column(), "", DuplicateColumn(seen[column])))
			columns[i] = ignored
		case column >= 0:
			seen[column] = i + 1
		}
	}
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

// fill makes the row that of a record.
func (r *Row) fill(record *Record, columns []int, before, after bool) *Row {
	if record.Broken != nil {
		return unreadable(CSV, *record.Broken)
	}
	r.reset(record.At, record.End)
	r.Unended = record.Unended
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
