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
)

// NumberOptions are those of [ReadNumbers]. The zero value of each is its default.
type NumberOptions struct {
	// Name is what an [InputError] calls the input, such as the path of its file; "input" by default.
	Name string
	// Column names the column of a CSV file that has the numbers; capitals do not matter, nor what stands between the
	// words of a name. By default the input is a list: one number a line, and nothing else.
	Column string
}

// ReadNumbers reads phone numbers alone: from a list that has one a line, or from one column of a CSV file, whatever
// its other columns are. It gives each number once, in E.164 and in the order of the input. They may be set out as in
// the files that [Open] reads, and a country code is never guessed. Empty lines and rows are nothing.
//
// It reads all of r; where a column is named, by way of a temporary file as that of [Spool]. If anything is wrong, it
// gives no number, and the error is an [*InputError] that names the line and column of each fault. No number at all is
// one, and so is a row that has other values only. An error of r can be found with errors.Is.
func ReadNumbers(r io.Reader, opts NumberOptions) (numbers []string, err error) {
	if r == nil {
		return nil, errNoReader
	}
	list := &numberList{
		field: plain(trim(opts.Column)),
		found: &InputError{Name: cmp.Or(opts.Name, "input")},
		seen:  make(map[string]bool),
	}
	if opts.Column == "" {
		err = list.read(newLines(onlyOnce{r}, io.Discard), list.fromLines)
	} else {
		err = list.readSpooled(r, columnName(opts.Column))
	}
	if err != nil {
		return nil, err
	}
	return list.numbers, nil
}

// onlyOnce is an input that nothing goes back in.
type onlyOnce struct{ io.Reader }

func (onlyOnce) Seek(int64, int) (int64, error) { return 0, errors.ErrUnsupported }

// numberList is what was read of a list of numbers.
type numberList struct {
	field   string // what faults call the column
	found   *InputError
	numbers []string
	seen    map[string]bool
}

func (n *numberList) readSpooled(r io.Reader, name string) (err error) {
	s, err := spool(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	file := io.NewSectionReader(s.file, 0, s.size)
	return n.read(newLines(file, io.Discard), func(l *lines) error { return n.fromColumn(l, name) })
}

// read has all of the input looked at.
func (n *numberList) read(l *lines, each func(*lines) error) error {
	_, problem, err := l.start()
	if err == nil && problem == "" {
		err = each(l)
	}
	switch {
	case err != nil:
		return fmt.Errorf("provision: reading %s: %w", n.found.Name, err)
	case problem != "":
		n.found.add(place{1, 1}.fault("", "", problem))
	case len(n.numbers) == 0 && len(n.found.Violations) == 0:
		n.found.add(place{1, 1}.fault("", "", "has no numbers"))
	}
	if len(n.found.Violations) > 0 {
		return n.found
	}
	return nil
}

// add takes in a number that is at some place.
func (n *numberList) add(at place, number, text, problem string) {
	switch {
	case problem != "":
		n.found.add(at.fault(n.field, redact.BadNumber(text), problem))
	case !n.seen[number]:
		n.seen[number] = true
		n.numbers = append(n.numbers, number)
	}
}

// fromLines reads a number a line.
func (n *numberList) fromLines(l *lines) error {
	for first := true; ; {
		there, err := l.next()
		if err != nil || !there {
			return err
		}
		begin := bytes.IndexFunc(l.line, func(r rune) bool { return !isInvisible(r) })
		problem, offset := l.unreadable()
		switch {
		case problem != "":
			n.found.add(place{l.number, column(l.line, offset)}.fault("", "", problem))
		case begin < 0:
			continue
		case !n.line(place{l.number, column(l.line, begin)}, trim(string(l.line)), first):
			return nil
		}
		first = false
	}
}

// line takes in a line of a list; false says that no other is worth reading.
func (n *numberList) line(at place, text string, first bool) bool {
	number, problem := cleanNumber(unquoted(text))
	delimited := problem != "" && hasDelimiter(text)
	switch {
	case first && problem != "" && isHeader(text):
		n.found.add(at.fault("", "", "names columns, as the first row of a CSV file does; say which column has the numbers"))
		return !delimited
	case delimited:
		n.found.add(at.fault("", "", "has more than one value; want one number a line, or a CSV file whose first row names the columns, and one of these"))
	default:
		n.add(at, number, text, problem)
	}
	return true
}

// unquoted is a text without the quotes that some programs put around every value.
func unquoted(text string) string {
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			return inner
		}
	}
	return text
}

// hasDelimiter tells a line of several values from one number that has a comma in it.
func hasDelimiter(text string) bool {
	return strings.ContainsAny(text, delimiters) && !scientific.MatchString(text) && !decimalZero.MatchString(text)
}

// isHeader tells names from a number that is wrong: they have letters, and no more digits than names have.
func isHeader(text string) bool {
	const most = 3
	isNumber := func(part string) bool {
		digits := 0
		for _, r := range part {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		return digits > most
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(delimiters, r) })
	return strings.ContainsFunc(text, unicode.IsLetter) && !slices.ContainsFunc(parts, isNumber)
}

// fromColumn reads the column of a name, as columnName writes it.
func (n *numberList) fromColumn(l *lines, name string) error {
	r := &records{lines: l}
	there, at, faults, err := r.first([]string{name})
	n.found.add(faults...)
	if err != nil || !there || len(faults) > 0 {
		return err
	}
	columns, index := len(r.cells), n.header(r, at, name)
	if index < 0 {
		return nil
	}
	for {
		there, _, faults, err := r.next()
		if err != nil || !there {
			return err
		}
		n.found.add(faults...)
		if len(faults) == 0 && !r.blank() {
			n.row(r, columns, index)
		}
	}
}

// header finds the column; what is negative is none.
func (n *numberList) header(r *records, at place, name string) (index int) {
	index = -1
	texts := r.content()
	for i, c := range r.cells {
		switch {
		case c.problem != "":
			n.found.add(c.bad.fault("", "", c.problem))
			return -1
		case name == "" || columnName(texts[i]) != name:
		case index >= 0:
			n.found.add(c.at.fault(n.field, "", sameColumn(index+1)))
		default:
			index = i
		}
	}
	if index < 0 {
		n.found.add(at.fault(n.field, "", fmt.Sprintf("there is no such column in the first row, which has %d", len(texts))+otherColumns(texts, name)))
	}
	return index
}

// otherColumns says which columns there are. A row that names none of those that are known may be one of
// values, with secrets in it: of that it shows what is nearly the name alone.
func otherColumns(texts []string, name string) string {
	const most = 20
	known := slices.ContainsFunc(texts, func(text string) bool { return columnField(text, nil) >= colReason })
	var shown []string
	for _, text := range texts {
		if trim(text) != "" && (known || isNearly(columnName(text), name)) {
			shown = append(shown, redact.Text(redact.Quote(trim(text))))
		}
	}
	if rest := len(shown) - most; rest > 0 {
		shown = append(shown[:most], strconv.Itoa(rest)+" more")
	}
	switch {
	case len(shown) == 0:
		return ""
	case !known:
		return "; did you mean " + strings.Join(shown, " or ") + "?"
	}
	return ": " + strings.Join(shown, ", ")
}

// isNearly tells a name that is mistyped, or a part of the other.
func isNearly(column, name string) bool {
	d := distance(column, name)
	return d < 4 && d < len(name)/2 || len(name) > 2 && strings.Contains(column, name)
}

// row takes in the number of a record.
func (n *numberList) row(r *records, columns, index int) {
	texts := r.content()
	for i := columns; i < len(texts); i++ {
		if trim(texts[i]) != "" { // which value belongs to which column cannot be told any more
			n.found.add(r.cells[i].at.fault("", "", noColumn(columns)))
			return
		}
	}
	const empty = "empty; want E.164 such as +12345678901"
	if index >= len(texts) {
		n.found.add(place{r.number, column(r.line, len(r.line))}.fault(n.field, "", empty))
		return
	}
	c, text := r.cells[index], texts[index]
	switch {
	case c.problem != "":
		n.found.add(c.bad.fault(n.field, "", c.problem))
	case trim(text) == "":
		n.found.add(c.at.fault(n.field, "", empty))
	default:
		number, problem := cleanNumber(text)
		n.add(c.at, number, text, problem)
	}
}
