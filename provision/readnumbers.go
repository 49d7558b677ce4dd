package provision

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mihu-go/mihu/internal/redact"
	"github.com/mihu-go/mihu/internal/rows"
)

// NumberOptions are the options of [ReadNumbers]. The zero value of each is its default.
type NumberOptions struct {
	// Name is the name of the input in an [InputError], such as the path of its file; "" means
	// "input".
	Name string
	// Column is the name of the column of a CSV file that has the numbers. Case does not matter,
	// nor do the characters between the words of a name. "" means that the input is a list: one
	// number per line, and nothing else.
	Column string
	// Map says which column of a CSV file has the numbers, if Column is "": the one that holds
	// phone_number, or is called so. Its other columns are not read and may be missing.
	Map ColumnMap
	// CountryCodes are the country codes whose numbers may be without a plus. The default is none.
	CountryCodes CountryCodes
	// Counts is incremented for every number that had no plus and got one, by country code, unless it
	// is nil. A number that is there twice counts twice.
	Counts map[string]int
}

// ReadNumbers reads phone numbers from a list that has one per line, or from one column of a CSV
// file. It returns each number once, in E.164 and in the order of the input. Numbers may be written
// in every way that [NormalizeNumber] accepts. Empty lines and rows are skipped.
//
// It reads all of r. For a column it uses a temporary file, as [Spool] does. If anything is wrong,
// it returns no number, and an [*InputError] with every violation and its place. An input without a
// number is an error, and so is a row that has values in other columns only. An error of r can be
// found with errors.Is.
func ReadNumbers(r io.Reader, opts NumberOptions) (numbers []string, err error) {
	if r == nil {
		return nil, noReader()
	}
	isList := opts.Column == "" && len(opts.Map) == 0
	list, err := newNumberList(opts, !isList)
	switch {
	case err != nil:
	case isList:
		err = list.read(rows.NewLines(noSeeker{r}, io.Discard), func(l *rows.Lines) error { return list.readList(l, r) })
	default:
		err = list.readSpooled(r)
	}
	if err != nil {
		return nil, err
	}
	return list.numbers, nil
}

// ReadNumberRows is [ReadNumbers] for the rows of r, of which the first names the columns. Without a
// Column and a Map, the numbers are in the column phone_number.
func ReadNumberRows(r RowReader, opts NumberOptions) (numbers []string, err error) {
	list, err := newNumberList(opts, true)
	if err != nil {
		return nil, err
	}
	s, err := spoolRows(r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := list.readColumn(rows.NewCellRecords(io.NewSectionReader(s.file, 0, s.size))); err != nil {
		return nil, fmt.Errorf("provision: reading %s: %w", list.found.Name, err)
	}
	if err := list.verdict(); err != nil {
		return nil, err
	}
	return list.numbers, nil
}

func newNumberList(opts NumberOptions, hasColumns bool) (*numberList, error) {
	list := &numberList{
		field: plain(rows.Trim(opts.Column)), name: rows.ColumnName(opts.Column),
		found: &InputError{Name: cmp.Or(opts.Name, "input")},
		seen:  make(map[string]bool),
		codes: opts.CountryCodes, counts: opts.Counts,
	}
	fields, err := opts.Map.fields(nil)
	if err != nil {
		return nil, err
	}
	if err := opts.CountryCodes.validate(); err != nil {
		return nil, err
	}
	if hasColumns && opts.Column == "" {
		list.field, list.name = fieldPhoneNumber.key(), fieldPhoneNumber.key()
		for name, held := range fields {
			if held == int(fieldPhoneNumber) {
				list.mapped = append(list.mapped, name)
			}
		}
	}
	return list, nil
}

// noSeeker is an input that can be read only once.
type noSeeker struct{ io.Reader }

func (noSeeker) Seek(int64, int) (int64, error) { return 0, errors.ErrUnsupported }

// numberList collects the numbers of an input.
type numberList struct {
	field   string   // the name of the column in violations
	name    string   // of the column, as rows.ColumnName writes it
	mapped  []string // the names that the map has for it
	codes   CountryCodes
	counts  map[string]int // nil: not counted
	found   *InputError
	numbers []string
	seen    map[string]bool
}

func (n *numberList) readSpooled(r io.Reader) (err error) {
	s, err := spool(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	file := io.NewSectionReader(s.file, 0, s.size)
	return n.read(rows.NewLines(file, io.Discard), func(l *rows.Lines) error { return n.readColumn(rows.NewRecords(l)) })
}

// read reads all of the input with readAll.
func (n *numberList) read(l *rows.Lines, readAll func(*rows.Lines) error) error {
	_, problem, err := l.Start()
	if err == nil && problem == "" {
		err = readAll(l)
	}
	switch {
	case err != nil:
		return fmt.Errorf("provision: reading %s: %w", n.found.Name, err)
	case problem != "":
		n.found.add(beginning.Violation("", "", problem))
	}
	return n.verdict()
}

// verdict returns what is wrong with the input.
func (n *numberList) verdict() error {
	if len(n.numbers) == 0 && len(n.found.Violations) == 0 {
		n.found.add(beginning.Violation("", "", "has no numbers"))
	}
	if len(n.found.Violations) > 0 {
		return n.found
	}
	return nil
}

// add adds a number, or the problem of the text that should be one.
func (n *numberList) add(at rows.Place, text, number, code, problem string) {
	if problem != "" {
		n.found.add(at.Violation(n.field, redact.BadNumber(text), problem))
		return
	}
	if code != "" && n.counts != nil {
		n.counts[code]++
	}
	if !n.seen[number] {
		n.seen[number] = true
		n.numbers = append(n.numbers, number)
	}
}

// readList reads one number per line. A last line without a line end may be a part of a number, if
// the file is still being written.
func (n *numberList) readList(l *rows.Lines, r io.Reader) error {
	if err := n.readLines(l); err != nil || !l.Unended() {
		return err
	}
	if file, ok := r.(regularFile); ok {
		growing, err := becomesLonger(file)
		if err != nil {
			return err
		}
		if growing {
			n.found.add(l.At(len(l.Text())).Violation("", "", stillWritten))
		}
	}
	return nil
}

// readLines reads one number per line.
func (n *numberList) readLines(l *rows.Lines) error {
	for first := true; ; {
		there, err := l.Next()
		if err != nil || !there {
			return err
		}
		begin := bytes.IndexFunc(l.Text(), func(r rune) bool { return !rows.IsInvisible(r) })
		problem, at := l.Unreadable()
		switch {
		case problem != "":
			n.found.add(at.Violation("", "", problem))
		case begin < 0:
			continue
		case !n.addLine(l.At(begin), rows.Trim(string(l.Text())), first):
			return nil
		}
		first = false
	}
}

// addLine adds the number of a line. It returns false if no other line is worth reading.
func (n *numberList) addLine(at rows.Place, text string, first bool) bool {
	number, code, problem := n.codes.parse(unquoted(text))
	delimited := problem != "" && hasDelimiter(text)
	switch {
	case first && problem != "" && isHeader(text):
		n.found.add(at.Violation("", "", "names columns, as the first row of a CSV file does; name the column that has the numbers"))
		return !delimited
	case delimited:
		n.found.add(at.Violation("", "", "has more than one value; want one number per line, or a CSV file with a header and the name of a column"))
	default:
		n.add(at, text, number, code, problem)
	}
	return true
}

// unquoted removes the quotes that some programs put around every value.
func unquoted(text string) string {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			return inner
		}
	}
	return text
}

// hasDelimiter reports whether a line has several values, and not one number with a comma in it.
func hasDelimiter(text string) bool {
	return strings.ContainsFunc(text, rows.IsDelimiter) && !scientific.MatchString(text) && !decimalZero.MatchString(text)
}

// isHeader reports whether a line has names and not a wrong number: names have letters, and few
// digits.
func isHeader(text string) bool {
	const maxDigits = 3
	isNumber := func(part string) bool {
		digits := 0
		for _, r := range part {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		return digits > maxDigits
	}
	parts := strings.FieldsFunc(text, rows.IsDelimiter)
	return strings.ContainsFunc(text, unicode.IsLetter) && !slices.ContainsFunc(parts, isNumber)
}

// columnRecords are the records of a file that has columns.
type columnRecords interface {
	Header(known func(name string) bool) (*rows.Record, error)
	Next() (*rows.Record, error)
}

// isColumn reports whether a column has the numbers, by its name.
func (n *numberList) isColumn(name string) bool {
	name = rows.ColumnName(name)
	return name != "" && (name == n.name && len(n.mapped) == 0 || slices.Contains(n.mapped, name))
}

// readColumn reads the column that has the numbers.
func (n *numberList) readColumn(r columnRecords) error {
	table := trunkTable()
	header, err := r.Header(func(column string) bool { return n.isColumn(column) || table.Knows(column) })
	if err != nil || header == nil {
		return err
	}
	if header.Broken != nil {
		n.found.add(*header.Broken)
		return nil
	}
	columns, index := len(header.Cells), n.findColumn(table, header)
	if index < 0 {
		return nil
	}
	for {
		record, err := r.Next()
		switch {
		case err != nil || record == nil:
			return err
		case record.Broken != nil:
			n.found.add(*record.Broken)
		case !record.Blank:
			n.addRecord(record, columns, index)
		}
	}
}

// findColumn returns the index of the column, or -1 if there is none.
func (n *numberList) findColumn(table *rows.Table, header *rows.Record) int {
	index := -1
	for i, c := range header.Cells {
		switch {
		case c.Problem != "":
			n.found.add(c.Bad.Violation("", "", c.Problem))
			return -1
		case !n.isColumn(c.Text):
		case index >= 0:
			n.found.add(c.At.Violation(n.field, "", rows.DuplicateColumn(index+1)))
		default:
			index = i
		}
	}
	if index < 0 {
		problem := fmt.Sprintf("no such column in the first row, which has %d", len(header.Cells)) + otherColumns(table, header, cmp.Or(strings.Join(n.mapped, " "), n.name))
		n.found.add(header.At.Violation(n.field, "", problem))
	}
	return index
}

// otherColumns lists the columns that there are. If none of the known ones is among them, the row
// may be one of values, with secrets in it: then only what is nearly the name is shown.
func otherColumns(table *rows.Table, header *rows.Record, name string) string {
	const maxColumns = 20
	known := slices.ContainsFunc(header.Cells, func(c rows.Cell) bool { return table.Knows(c.Text) })
	var shown []string
	for _, c := range header.Cells {
		if text := rows.Trim(c.Text); text != "" && (known || isNearly(rows.ColumnName(text), name)) {
			shown = append(shown, redact.Text(redact.Quote(text)))
		}
	}
	if rest := len(shown) - maxColumns; rest > 0 {
		shown = append(shown[:maxColumns], strconv.Itoa(rest)+" more")
	}
	switch {
	case len(shown) == 0:
		return ""
	case !known:
		return "; did you mean " + strings.Join(shown, " or ") + "?"
	}
	return ": " + strings.Join(shown, ", ")
}

// isNearly reports whether a name is mistyped, or a part of the column's.
func isNearly(column, name string) bool {
	d := rows.Distance(column, name)
	return d < 4 && d < len(name)/2 || len(name) > 2 && strings.Contains(column, name)
}

// addRecord adds the number of a record.
func (n *numberList) addRecord(record *rows.Record, columns, index int) {
	for i := columns; i < len(record.Cells); i++ {
		if c := record.Cells[i]; rows.Trim(c.Text) != "" {
			n.found.add(c.At.Violation("", "", rows.ValueWithoutColumn(columns)))
			return
		}
	}
	const empty = "empty; " + wantE164
	if index >= len(record.Cells) {
		n.found.add(record.End.Violation(n.field, "", empty))
		return
	}
	switch c := record.Cells[index]; {
	case c.Problem != "":
		n.found.add(c.Bad.Violation(n.field, "", c.Problem))
	case rows.Trim(c.Text) == "":
		n.found.add(c.At.Violation(n.field, "", empty))
	default:
		number, code, problem := n.codes.parse(c.Text)
		n.add(c.At, c.Text, number, code, problem)
	}
}
