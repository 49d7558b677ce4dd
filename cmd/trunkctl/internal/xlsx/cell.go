package xlsx

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
)

// cell is a cell as it stands in the file.
type cell struct {
	kind, style string
	value       []byte // of its element v
	inline      string // of its element is
	hasValue    bool
	formula     bool
}

// readCell reads the elements of the cell that was begun last.
func (p *part) readCell(c *cell) error {
	inValue := false
	for end := p.depth - 1; p.depth > end; {
		token, err := p.next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				c.formula = true
				if err := p.skip(); err != nil {
					return err
				}
			case "v":
				inValue, c.hasValue = true, true
			case "is":
				text, err := p.richText(nil)
				if err != nil {
					return err
				}
				c.inline, c.hasValue = string(text), true
			}
		case xml.EndElement:
			inValue = false
		case xml.CharData:
			if inValue {
				c.value = append(c.value, t...)
			}
			if len(c.value) > maxToken {
				return wrong("the workbook has a cell of more than %d MB"+orCSV, maxToken>>20)
			}
		}
	}
	return nil
}

// value returns the text of a cell, or why it has none that can be used.
func (b *Book) value(c *cell) (text, problem string) {
	if c.formula && !c.hasValue {
		return "", "a formula without a value; open the workbook, let it calculate, and save it again"
	}
	switch c.kind {
	case "s":
		return b.sharedText(string(c.value))
	case "inlineStr":
		return c.inline, ""
	case "str":
		return unescape(string(c.value)), ""
	case "", "n":
		return b.number(c)
	case "b":
		return "", "a truth value; format the cell as text and enter the value again"
	case "d":
		return "", isDate
	case "e":
		return "", "an error of the spreadsheet, such as #N/A; correct its formula"
	}
	return "", "of a kind that is not known; format the cell as text and enter the value again"
}

// sharedText returns the text that a cell refers to.
func (b *Book) sharedText(index string) (text, problem string) {
	i, err := strconv.Atoi(strings.TrimSpace(index))
	if err == nil {
		if text, ok := b.shared.at(i); ok {
			return text, ""
		}
	}
	return "", "a text that the workbook does not have; it is damaged: open it and save it again"
}

// number returns a whole number, which a workbook may store in any form, such as 1.2025550123E10.
func (b *Book) number(c *cell) (text, problem string) {
	const exact = 1e15 // spreadsheets keep 15 digits
	written := strings.TrimSpace(string(c.value))
	if written == "" {
		return "", ""
	}
	format, ok := b.format(c.style)
	n, err := strconv.ParseFloat(written, 64)
	switch {
	case err != nil || strings.Trim(written, "0123456789+-.eE") != "":
		return "", "not a number, although the workbook says so; it is damaged: open it and save it again"
	case !ok:
		return "", noFormat
	case format.problem != "":
		return "", format.problem
	case n != math.Trunc(n):
		return "", "a decimal number; format the cell as text and enter the value again"
	case math.Abs(n) >= exact:
		return "", "a number of more than 15 digits, of which a spreadsheet keeps 15; format the cell as text and enter the value again"
	}
	text = strconv.FormatInt(int64(n), 10)
	if len(strings.TrimPrefix(text, "-")) < format.zeros && format.zeros > 1 {
		return "", "a number that is shown with zeros before it, which it does not have; format the cell as text and enter the value again"
	}
	return text, ""
}

// format returns the format of a style, and whether there is such a style.
func (b *Book) format(style string) (f numberFormat, ok bool) {
	i, err := strconv.Atoi(style)
	switch {
	case style == "", style == "0" && len(b.formats) == 0:
		if len(b.formats) > 0 {
			f = b.formats[0]
		}
		return f, true
	case err != nil || i < 0 || i >= len(b.formats):
		return f, false
	}
	return b.formats[i], true
}
