package rows

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxCells bounds a record. Spreadsheets have 16384 columns, and some write them all.
const maxCells = 20_000

// Records reads the records of a CSV file. It is not encoding/csv because that stops at the first
// quote that is out of place, knows no line end but LF, bounds nothing, and counts columns in
// bytes. Here all records are read, and people have to find the places.
type Records struct {
	lines     *Lines
	delimiter byte
	text      []byte // of all cells of the record
	ends      []int  // of the cells in text
	record    Record
}

// Record is one record of a CSV file. It is overwritten by the next.
type Record struct {
	// At is where the record begins, and End where it ends.
	At, End Place
	Cells   []Cell
	// Broken is why the record cannot be split into cells; nil if it can.
	Broken *Violation
	// Blank reports whether the record is nothing but delimiters and invisible characters.
	Blank bool
	// Empty reports whether the record is an empty line.
	Empty bool
	// Unended reports whether the file ends behind the record, without a line end.
	Unended bool
}

// NewRecords reads records from lines. Call Header first, which finds out what separates the cells.
func NewRecords(lines *Lines) *Records { return &Records{lines: lines, delimiter: delimiters[0]} }

// Next reads a record; nil is the end of the file. After a record that cannot be split into cells,
// it continues with the line after the one in which that record begins.
func (r *Records) Next() (*Record, error) {
	there, err := r.lines.Next()
	if err != nil || !there {
		return nil, err
	}
	r.text, r.ends = r.text[:0], r.ends[:0]
	r.record = Record{At: r.lines.At(0), Cells: r.record.Cells[:0]}
	if r.record.Broken, err = r.split(); err != nil {
		return nil, err
	}
	r.record.End = r.lines.At(len(r.lines.line))
	r.record.Unended = r.lines.unended
	r.record.Blank = r.record.Broken == nil && len(bytes.TrimFunc(r.text, IsInvisible)) == 0
	r.record.Empty = r.record.Blank && len(r.text) == 0 && len(r.record.Cells) == 1 && len(r.lines.line) == 0
	all, begin := string(r.text), 0
	for i, end := range r.ends {
		r.record.Cells[i].Text = all[begin:end]
		r.record.Cells[i].Shown = all[begin:end]
		begin = end
	}
	return &r.record, nil
}

// split splits the record that begins with the current line into cells.
func (r *Records) split() (*Violation, error) {
	c := cursor{Records: r, at: r.record.At}
	for {
		switch {
		case r.lines.tooLong:
			return new(r.record.At.Violation("", "", tooLong)), nil
		case len(r.record.Cells) == maxCells:
			return new(r.record.At.Violation("", "", fmt.Sprintf("has more than %d fields", maxCells))), nil
		}
		r.record.Cells = append(r.record.Cells, Cell{At: c.at, Present: true})
		var broken *Violation
		var err error
		if c.peek() == '"' {
			broken, err = c.quoted()
		} else {
			broken = c.bare()
		}
		if broken != nil || err != nil {
			return broken, err
		}
		r.ends = append(r.ends, len(r.text))
		if c.ended() {
			return nil, nil //nolint:nilnil // neither a violation nor an error
		}
		c.step() // over the delimiter
	}
}

// cursor goes through the characters of a record.
type cursor struct {
	*Records
	at Place
	i  int // in the line
}

func (c *cursor) ended() bool { return c.i >= len(c.lines.line) }

// peek returns the next byte. At the end of the line it is a line end, which no line contains.
func (c *cursor) peek() byte {
	if c.ended() {
		return '\n'
	}
	return c.lines.line[c.i]
}

// step goes past a character and returns its bytes.
func (c *cursor) step() []byte {
	line := c.lines.line
	_, size := utf8.DecodeRune(line[c.i:])
	char := line[c.i : c.i+size]
	c.i += size
	c.at.Column++
	return char
}

// take adds a character to the cell.
func (c *cursor) take() {
	at := c.at
	char := c.step()
	cell := &c.record.Cells[len(c.record.Cells)-1]
	switch {
	case cell.Problem != "":
	case char[0] == 0:
		cell.Bad, cell.Problem = at, hasNUL
	case len(char) == 1 && char[0] >= utf8.RuneSelf:
		cell.Bad, cell.Problem = at, notUTF8
	}
	c.text = append(c.text, char...)
}

// bare reads a cell that is not in quotes.
func (c *cursor) bare() *Violation {
	begin := len(c.text)
	for !c.ended() && c.peek() != c.delimiter {
		if c.peek() == '"' {
			if len(bytes.TrimSpace(c.text[begin:])) == 0 {
				return new(c.at.Violation("", "", "blank before a quote; remove the blank, or put the whole field in quotes and double each quote in it"))
			}
			return new(c.at.Violation("", "", "quote in an unquoted field; put the whole field in quotes and double each quote in it"))
		}
		c.take()
	}
	return nil
}

// quoted reads a cell that is in quotes. It may span several lines.
func (c *cursor) quoted() (*Violation, error) {
	open := c.at
	after := c.lines.mark // where to continue if this quote is out of place
	c.step()
	for {
		switch {
		case c.ended():
			there, err := c.lines.Next()
			if err != nil {
				return nil, err
			}
			if !there || c.lines.tooLong || len(c.text)+len(c.lines.line) > maxBytes {
				return new(open.Violation("", "", "unclosed quote")), c.lines.goBack(after)
			}
			c.text = append(c.text, '\n')
			c.i, c.at = 0, c.lines.At(0)
		case c.peek() != '"':
			c.take()
		default:
			quote := c.at
			c.step()
			switch {
			case c.peek() == '"':
				c.take()
			case c.ended() || c.peek() == c.delimiter:
				return nil, nil //nolint:nilnil // neither a violation nor an error
			case quote.Line == open.Line:
				problem := "quote in a quoted field; double it"
				if c.peek() == ' ' || c.peek() == '\t' {
					problem += ", or remove the blank behind it"
				}
				return new(quote.Violation("", "", problem)), nil
			default:
				problem := fmt.Sprintf("unclosed quote: the next one, in line %d, column %d, does not end a field", quote.Line, quote.Column)
				return new(open.Violation("", "", problem)), c.lines.goBack(after)
			}
		}
	}
}

// delimiters in the order of preference.
const delimiters = ",;\t"

// IsDelimiter reports whether a character may separate the cells of a record.
func IsDelimiter(r rune) bool { return strings.ContainsRune(delimiters, r) }

// Header finds out what separates the cells, and reads the first record that is not blank, which
// names the columns; nil is the end of the file. The delimiter is the one that yields the most
// names that are known.
func (r *Records) Header(known func(name string) bool) (*Record, error) {
	separated := false
	for {
		there, err := r.lines.Next()
		if err != nil || !there {
			return nil, err
		}
		if delimiter, found := separatorLine(r.lines.line); found && !separated {
			r.delimiter, separated = delimiter, true
			continue
		}
		if len(bytes.Trim(r.lines.line, delimiters+" ")) > 0 {
			break
		}
	}
	held := []pendingLine{r.lines.hold()}
	if !separated {
		text, more, err := r.wholeHeader()
		if err != nil {
			return nil, err
		}
		r.delimiter = delimiterOf(text, known)
		held = append(held, more...)
	}
	r.lines.again(held)
	return r.Next()
}

// wholeHeader returns the text of the header, which may have line ends in quotes, and its lines
// after the first. If a quote is not closed, the text is the first line.
func (r *Records) wholeHeader() (text []byte, more []pendingLine, err error) {
	const maxLines = 1000
	first := bytes.Clone(r.lines.line)
	text = bytes.Clone(first)
	for bytes.Count(text, []byte(`"`))%2 != 0 {
		there, err := r.lines.Next()
		if err != nil {
			return nil, nil, err
		}
		if !there {
			return first, more, nil
		}
		more = append(more, r.lines.hold())
		text = append(append(text, '\n'), r.lines.line...)
		if len(text) > maxBytes || len(more) == maxLines {
			return first, more, nil
		}
	}
	return text, more, nil
}

// delimiterOf finds the delimiter of a header.
func delimiterOf(header []byte, known func(name string) bool) byte {
	best, highest := delimiters[0], [2]int{}
	for _, delimiter := range []byte(delimiters) {
		quoted := false
		parts := strings.FieldsFunc(string(header), func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return !quoted && r == rune(delimiter)
		})
		names := 0
		for _, part := range parts {
			if known(strings.Trim(part, `"`)) {
				names++
			}
		}
		if score := [2]int{names, len(parts)}; slices.Compare(score[:], highest[:]) > 0 {
			best, highest = delimiter, score
		}
	}
	return best
}

// separatorLine returns the delimiter of a line such as sep=; which a spreadsheet writes for
// itself.
func separatorLine(line []byte) (delimiter byte, found bool) {
	line = bytes.Trim(line, `"`)
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && strings.IndexByte(delimiters+"|", line[4]) >= 0 {
		return line[4], true
	}
	return 0, false
}

// ValueWithoutColumn returns the problem of a value beyond the columns that the header names. Which
// value belongs to which column is not known then.
func ValueWithoutColumn(named int) string {
	return fmt.Sprintf("value without a column: the header names %d; is a delimiter or a quote out of place?", named)
}

// DuplicateColumn returns the problem of a column that has the name of an earlier one.
func DuplicateColumn(first int) string {
	return fmt.Sprintf("same name as column number %d", first)
}
