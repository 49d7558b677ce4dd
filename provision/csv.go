package provision

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

// mostCells bounds a record; spreadsheets have 16384 columns, and some write them all.
const mostCells = 20_000

// records reads the records of a CSV file. It is not encoding/csv because that ends at the first quote that
// is out of place, knows no line end but LF, bounds nothing, and counts in bytes: here all rows are looked at,
// and people have to find the places.
type records struct {
	*lines
	delimiter byte
	text      []byte // of all cells of the record
	cells     []rawCell
}

// rawCell is a cell as it was read; its text ends at end, where that of the next begins.
type rawCell struct {
	at, bad place // bad is where it is not UTF-8, or has a NUL byte
	end     int
	problem string // that bad is the place of
}

// cell is a cell, or a value of JSON, by its field.
type cell struct {
	at, bad       place
	text, problem string
	there         bool
}

// next reads a record into cells. A record that cannot be told apart is a fault, and the line after the one
// where that begins is taken for the next record's. false is the end of the file.
func (r *records) next() (there bool, at place, faults []InputViolation, err error) {
	if there, err = r.lines.next(); !there || err != nil {
		return false, place{}, nil, err
	}
	r.text, r.cells = r.text[:0], r.cells[:0]
	c := cursor{records: r, at: place{r.number, 1}}
	at = c.at
	for !r.long {
		if len(r.cells) == mostCells {
			return true, at, []InputViolation{at.fault("", "", fmt.Sprintf("has more than %d fields", mostCells))}, nil
		}
		r.cells = append(r.cells, rawCell{at: c.at})
		var fault *InputViolation
		if c.peek() == '"' {
			fault, err = c.quoted()
		} else {
			fault = c.bare()
		}
		if err != nil {
			return false, at, nil, err
		}
		if fault != nil {
			return true, at, []InputViolation{*fault}, nil
		}
		r.cells[len(r.cells)-1].end = len(r.text)
		if c.ended() {
			return true, at, nil, nil
		}
		c.step() // over the delimiter
	}
	return true, at, []InputViolation{at.fault("", "", tooLong)}, nil
}

// cursor goes through the characters of a record.
type cursor struct {
	*records
	at place
	i  int // in the line
}

func (c *cursor) ended() bool { return c.i >= len(c.line) }

// peek is the next byte; at the end of the line it is a line end, which no line holds.
func (c *cursor) peek() byte {
	if c.ended() {
		return '\n'
	}
	return c.line[c.i]
}

// step goes past a character and gives its bytes.
func (c *cursor) step() []byte {
	_, size := utf8.DecodeRune(c.line[c.i:])
	char := c.line[c.i : c.i+size]
	c.i += size
	c.at.column++
	return char
}

// take adds a character to the cell.
func (c *cursor) take() {
	at := c.at
	char := c.step()
	cell := &c.cells[len(c.cells)-1]
	switch {
	case cell.problem != "":
	case char[0] == 0:
		cell.bad, cell.problem = at, hasNUL
	case len(char) == 1 && char[0] >= utf8.RuneSelf:
		cell.bad, cell.problem = at, notUTF8
	}
	c.text = append(c.text, char...)
}

// bare reads a cell that is not in quotes.
func (c *cursor) bare() *InputViolation {
	for !c.ended() && c.peek() != c.delimiter {
		if c.peek() == '"' {
			return new(c.at.fault("", "", "a quote inside a field that does not begin with one; put the field in quotes and write each quote in it twice"))
		}
		c.take()
	}
	return nil
}

// quoted reads a cell that is in quotes, over several lines where it has to.
func (c *cursor) quoted() (*InputViolation, error) {
	open := c.at
	after := c.mark // where to go on if this quote should not have been there
	c.step()
	for {
		switch {
		case c.ended():
			there, err := c.lines.next()
			if err != nil {
				return nil, err
			}
			if !there || c.long || len(c.text)+len(c.line) > mostBytes {
				return new(open.fault("", "", "a quote that is not closed")), c.back(after)
			}
			c.text = append(c.text, '\n')
			c.i, c.at = 0, place{c.number, 1}
		case c.peek() != '"':
			c.take()
		default:
			quote := c.at
			c.step()
			switch {
			case c.peek() == '"':
				c.take()
			case c.ended() || c.peek() == c.delimiter:
				return nil, nil //nolint:nilnil // neither a fault nor an error
			case quote.line == open.line:
				return new(quote.fault("", "", "a quote inside a field in quotes; write it twice")), nil
			default:
				problem := fmt.Sprintf("a quote that is not closed: the next one, in line %d, column %d, does not end a field", quote.line, quote.column)
				return new(open.fault("", "", problem)), c.back(after)
			}
		}
	}
}

// blank tells a record of nothing but delimiters.
func (r *records) blank() bool {
	return len(bytes.TrimFunc(r.text, isInvisible)) == 0
}

// content is the text of all cells.
func (r *records) content() []string {
	all := string(r.text)
	out := make([]string, len(r.cells))
	begin := 0
	for i, c := range r.cells {
		out[i] = all[begin:c.end]
		begin = c.end
	}
	return out
}

// delimiters in the order of preference.
const delimiters = ",;\t"

// delimiterOf tells by a header which delimiter separates the names of columns.
func delimiterOf(header []byte, ignore []string) byte {
	best, most := delimiters[0], [2]int{}
	for _, delimiter := range []byte(delimiters) {
		known, parts := 0, strings.Split(string(header), string(delimiter))
		for _, part := range parts {
			if f := columnField(strings.Trim(part, `"`), ignore); f >= colOther {
				known++
			}
		}
		if score := [2]int{known, len(parts)}; slices.Compare(score[:], most[:]) > 0 {
			best, most = delimiter, score
		}
	}
	return best
}

// separatorLine is the delimiter that a line such as sep=; names, which one spreadsheet writes for itself.
func separatorLine(line []byte) (delimiter byte, found bool) {
	line = bytes.Trim(line, `"`)
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && strings.IndexByte(delimiters+"|", line[4]) >= 0 {
		return line[4], true
	}
	return 0, false
}

// csvHeader is what the columns are of.
type csvHeader struct {
	fields []field
	absent [numFields]bool // there is no such column, and a fault that says so
}

// first reads the row that names the columns, after it has found out what separates them; false: there is none.
// ignore has names, as columnName writes them, that tell the delimiter as well as the known ones.
func (r *records) first(ignore []string) (there bool, at place, faults []InputViolation, err error) {
	separated := false
	for {
		there, err := r.lines.next()
		if err != nil || !there {
			return false, place{}, nil, err
		}
		if delimiter, found := separatorLine(r.line); found && !separated {
			r.delimiter, separated = delimiter, true
			continue
		}
		if len(bytes.Trim(r.line, delimiters+" ")) > 0 {
			break
		}
	}
	if !separated {
		r.delimiter = delimiterOf(r.line, ignore)
	}
	r.again = true
	return r.next()
}

// header reads the row that names the columns. A nil header is one that no row can be read with.
func (p *parser) header(r *records) (*csvHeader, []InputViolation, error) {
	there, at, faults, err := r.first(p.ignore)
	switch {
	case err != nil || len(faults) > 0:
		return nil, faults, err
	case !there:
		return nil, []InputViolation{place{1, 1}.fault("", "", "has no rows; the first row names the columns, such as "+p.required())}, nil
	}
	h, faults := p.columns(r, at)
	return h, faults, nil
}

// columns says what the columns are of, and what is wrong with their names.
func (p *parser) columns(r *records, at place) (h *csvHeader, faults []InputViolation) {
	h = new(csvHeader)
	texts := r.content()
	for i, c := range r.cells {
		if c.problem != "" {
			return nil, []InputViolation{c.bad.fault("", "", c.problem)}
		}
		h.fields = append(h.fields, columnField(texts[i], p.ignore))
	}
	if !slices.ContainsFunc(h.fields, func(f field) bool { return f >= colReason }) {
		// It may be a row, with secrets in it.
		return nil, []InputViolation{at.fault("", "", "the first row has to name the columns, such as "+p.required())}
	}
	var seen [numFields]int
	for i, f := range h.fields {
		c := r.cells[i].at
		switch {
		case f == colUnknown:
			problem := "unknown column" + didYouMean(columnName(texts[i]), p.columnNames())
			faults = append(faults, c.fault("", redact.Text(redact.Clip(trim(texts[i]))), problem))
		case f >= 0 && seen[f] > 0:
			faults = append(faults, c.fault(f.column(), "", sameColumn(seen[f])))
			h.fields[i] = colOther
		case f >= 0:
			seen[f] = i + 1
		}
	}
	for _, f := range p.requiredFields() {
		if seen[f] == 0 {
			h.absent[f] = true
			faults = append(faults, at.fault(f.column(), "", "there is no such column, and it is required"))
		}
	}
	sortFaults(faults)
	return h, faults
}

// csv reads the rows and gives each to emit, until that says false.
func (p *parser) csv(l *lines, emit func(Item, []InputViolation) bool) error {
	r := &records{lines: l}
	h, faults, err := p.header(r)
	if err != nil {
		return err
	}
	if len(faults) > 0 && !emit(Item{}, faults) || h == nil {
		return nil
	}
	for {
		there, at, faults, err := r.next()
		if err != nil || !there {
			return err
		}
		if len(faults) == 0 && r.blank() {
			continue
		}
		var item Item
		if len(faults) == 0 {
			item, faults = p.csvRow(r, at, h)
		}
		if !emit(item, faults) {
			return nil
		}
	}
}

// csvRow makes an item of a record.
func (p *parser) csvRow(r *records, at place, h *csvHeader) (Item, []InputViolation) {
	cells := row{at: at, end: place{r.number, column(r.line, len(r.line))}, absent: h.absent, csv: true}
	for i, text := range r.content() {
		c := r.cells[i]
		f := colUnnamed
		if i < len(h.fields) {
			f = h.fields[i]
		}
		switch {
		case f >= 0:
			cells.cells[f] = cell{at: c.at, bad: c.bad, text: text, problem: c.problem, there: true}
		case f == colUnnamed && trim(text) != "":
			// Which value belongs to which column cannot be told any more.
			return Item{}, []InputViolation{c.at.fault("", "", noColumn(len(h.fields)))}
		}
	}
	return p.item(&cells)
}

func noColumn(named int) string {
	return fmt.Sprintf("a value that no column is named for: the header names %d; is a delimiter or a quote out of place?", named)
}

func sameColumn(first int) string {
	return fmt.Sprintf("the same as column number %d of the row", first)
}
