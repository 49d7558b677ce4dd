package xlsx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mihu-go/mihu/provision"
)

// Rows are the rows of a sheet that have a value.
type Rows struct {
	book          *Book
	part          *part
	sheet         string // as in the name of a cell
	isHidden      bool
	row           int  // the number of the last row
	ended         bool // the cells of the sheet are read
	cells         []provision.RawCell
	width         int // cells of the first row, which names the columns
	last          int // the last row that was returned
	hidden        []int
	hiddenColumns [][2]int // ranges, from 1
	bytes         int64    // of all texts
}

// open opens the rows of a sheet.
func (b *Book) open(s *sheet) (*Rows, error) {
	if err := b.readStrings(); err != nil {
		return nil, err
	}
	p, err := b.openPart(s.file, maxSheet)
	if err != nil {
		return nil, err
	}
	return &Rows{book: b, part: p, sheet: quoted(s.name), isHidden: s.hidden}, nil
}

// quoted returns the name of a sheet as it stands before the name of a cell.
func quoted(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' }) {
		return "'" + strings.ReplaceAll(name, "'", "''") + "'"
	}
	return name
}

// Close closes the sheet.
func (r *Rows) Close() { r.part.close() }

// Sheet returns the name of the sheet, as it stands in the name of a cell.
func (r *Rows) Sheet() string { return r.sheet }

// HiddenSheet reports whether the sheet is hidden.
func (r *Rows) HiddenSheet() bool { return r.isHidden }

// Hidden returns the numbers of the rows that are hidden, of those that were read.
func (r *Rows) Hidden() []int { return r.hidden }

// HiddenColumns returns the letters of the columns that are hidden, of those that have names.
func (r *Rows) HiddenColumns() (letters []string) {
	for column := range r.width {
		if slices.ContainsFunc(r.hiddenColumns, func(c [2]int) bool { return c[0] <= column+1 && column < c[1] }) {
			letters = append(letters, columnName(column))
		}
	}
	return letters
}

// readColumn notes which columns are hidden. Numbers that are wrong match no column.
func (r *Rows) readColumn(start *xml.StartElement) {
	first, _ := strconv.Atoi(attr(start, "min"))
	last, _ := strconv.Atoi(attr(start, "max"))
	if isTrue(attr(start, "hidden")) && len(r.hiddenColumns) < maxColumns {
		r.hiddenColumns = append(r.hiddenColumns, [2]int{first, last})
	}
}

// ReadRow returns the next row that has a value, with a cell for every column that the first row has.
// It returns io.EOF after the last one, if the sheet is complete.
func (r *Rows) ReadRow() (provision.RawRow, error) {
	for !r.ended {
		token, err := r.part.next()
		if err != nil {
			return provision.RawRow{}, r.incomplete(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "col" {
				r.readColumn(&t)
			}
			if t.Name.Local != "row" {
				continue
			}
			row, err := r.readRow(&t)
			if err != nil || len(row.Cells) > 0 {
				return row, err
			}
		case xml.EndElement:
			r.ended = t.Name.Local == "sheetData"
		}
	}
	return provision.RawRow{}, r.readRest()
}

// incomplete returns the error of a sheet that has no cells, or not all.
func (r *Rows) incomplete(err error) error {
	if errors.Is(err, io.EOF) {
		return wrong("the workbook is damaged: %s has no cells; open it and save it again", r.sheet)
	}
	return err
}

// readRow reads a row. It has no cells if it has no value.
func (r *Rows) readRow(start *xml.StartElement) (provision.RawRow, error) {
	number := r.row + 1
	if written := attr(start, "r"); written != "" {
		n, err := strconv.ParseUint(written, 10, 64)
		if err != nil || n > maxRows {
			return provision.RawRow{}, wrong("%s has a row with a number that no sheet has: %s; the last is %d", r.sheet, clip(written), maxRows)
		}
		number = int(n)
	}
	if number > maxRows {
		return provision.RawRow{}, wrong("%s has more than %d rows", r.sheet, maxRows)
	}
	if number <= r.row {
		return provision.RawRow{}, wrong("the workbook is damaged: row %d of %s comes after row %d; open it and save it again", number, r.sheet, r.row)
	}
	r.row, r.cells = number, r.cells[:0]
	for end := r.part.depth - 1; r.part.depth > end; {
		token, err := r.part.next()
		if err != nil {
			return provision.RawRow{}, err
		}
		if t, ok := token.(xml.StartElement); ok && t.Name.Local == "c" {
			if err := r.readCell(&t); err != nil {
				return provision.RawRow{}, err
			}
		}
	}
	r.trim()
	if len(r.cells) == 0 {
		return provision.RawRow{}, nil
	}
	if r.width == 0 {
		r.width = len(r.cells)
	}
	for len(r.cells) < r.width {
		r.pad()
	}
	if isTrue(attr(start, "hidden")) {
		r.hidden = append(r.hidden, number)
	}
	r.last = number
	return provision.RawRow{Line: number, Cells: r.cells}, nil
}

// trim removes the cells behind the last one that has a value.
func (r *Rows) trim() {
	for len(r.cells) > 0 {
		last := r.cells[len(r.cells)-1]
		if strings.TrimSpace(last.Text) != "" || last.Problem != "" {
			return
		}
		r.cells = r.cells[:len(r.cells)-1]
	}
}

// pad adds an empty cell.
func (r *Rows) pad() {
	r.cells = append(r.cells, provision.RawCell{Name: r.nameOf(len(r.cells), r.row)})
}

// nameOf returns the name of a cell, such as Sheet1!B7. Columns count from 0.
func (r *Rows) nameOf(column, row int) string {
	return r.sheet + "!" + columnName(column) + strconv.Itoa(row)
}

// errorAt returns the error of a cell.
func (r *Rows) errorAt(column, row int, problem string) error {
	return &Error{Cell: r.nameOf(column, row), Row: row, Column: column + 1, Problem: problem}
}

// columnName returns the letters of a column.
func columnName(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// readCell reads a cell and adds it to the row, if it has a value.
func (r *Rows) readCell(start *xml.StartElement) error {
	column, err := r.columnOf(attr(start, "r"))
	if err != nil {
		return err
	}
	c := cell{kind: attr(start, "t"), style: attr(start, "s")}
	if err := r.part.readCell(&c); err != nil {
		return err
	}
	text, problem := r.book.value(&c)
	if utf8.RuneCountInString(text) > maxCellText {
		text, problem = "", fmt.Sprintf("longer than %d characters", maxCellText)
	}
	if text == "" && problem == "" && column >= maxColumns {
		return nil // some programs write every cell that a sheet can have
	}
	if column >= maxColumns {
		return r.errorAt(column, r.row, fmt.Sprintf("has a value beyond the first %d columns%s", maxColumns, orCSV))
	}
	if r.bytes += int64(len(text)); r.bytes > maxEmitted {
		return wrong("%s has more than %d MB of text%s", r.sheet, maxEmitted>>20, orCSV)
	}
	for len(r.cells) < column {
		r.pad()
	}
	r.cells = append(r.cells, provision.RawCell{Text: text, Name: r.nameOf(column, r.row), Problem: problem})
	return nil
}

// columnOf returns the column of a cell, from 0. A cell without a name comes after the one before.
func (r *Rows) columnOf(name string) (int, error) {
	if name == "" {
		return len(r.cells), nil
	}
	column, row, ok := position(name)
	switch {
	case !ok || row != r.row:
		return 0, wrong("the workbook is damaged: %s has the cell %q in row %d; open it and save it again", r.sheet, clip(name), r.row)
	case column < len(r.cells):
		return 0, r.errorAt(column, row, "the workbook is damaged: the cell is there twice, or in the wrong place; open it and save it again")
	}
	return column, nil
}

// position returns the column, from 0, and the row of a cell by its name, such as B7.
func position(name string) (column, row int, ok bool) {
	i := 0
	for i < len(name) && i < 4 && name[i] >= 'A' && name[i] <= 'Z' {
		column = column*26 + int(name[i]-'A') + 1
		i++
	}
	row, err := strconv.Atoi(name[i:])
	return column - 1, row, i > 0 && column <= 16384 && err == nil && row > 0 && name[i] != '+'
}

// readRest reads the sheet behind its cells to the end. It returns io.EOF if the sheet is complete, and
// an error if cells of several rows are merged: all but the first have lost their values.
func (r *Rows) readRest() error {
	err := r.part.each(" mergeCell ", func(start xml.StartElement) error {
		first, last, _ := strings.Cut(attr(&start, "ref"), ":")
		column, row, ok := position(first)
		_, end, okToo := position(last)
		if !ok || !okToo || end <= row || row > r.last || column >= r.width {
			return nil
		}
		return r.errorAt(column, row, fmt.Sprintf("merged with cells down to row %d, which have no value therefore; unmerge them and fill in each row", end))
	})
	if err != nil {
		return err
	}
	return io.EOF
}
