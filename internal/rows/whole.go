package rows

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

// Text returns a whole file without a byte order mark, or why it is no text.
func Text(file []byte) (text []byte, violations []Violation) {
	first := Place{Line: 1, Column: 1}
	switch problem := notText(file); problem {
	case "":
	case utf16Text:
		return nil, []Violation{first.Violation("", "", "UTF-16 text, and not UTF-8 text; save the file as UTF-8")}
	default:
		return nil, []Violation{first.Violation("", "", problem)}
	}
	text = bytes.TrimPrefix(file, []byte("\ufeff"))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == 0:
			return nil, []Violation{placeIn(text, i).Violation("", "", "has a NUL byte; is the file UTF-16, or not text? Save it as UTF-8")}
		case r == utf8.RuneError && size == 1:
			return nil, []Violation{placeIn(text, i).Violation("", "", "not UTF-8 text; save the file as UTF-8")}
		}
		i += size
	}
	return text, nil
}

// ReadObject decodes a file that holds one JSON object.
func ReadObject(file []byte) (object map[string]any, violations []Violation) {
	text, violations := Text(file)
	if len(violations) > 0 {
		return nil, violations
	}
	begin := skip(text, 0, ' ')
	if begin == len(text) {
		return nil, []Violation{placeIn(text, begin).Violation("", "", "empty; want a JSON object")}
	}
	object, at, problem := DecodeObject(text[begin:])
	if problem != "" {
		return nil, []Violation{placeIn(text, begin+at).Violation("", "", problem)}
	}
	return object, nil
}

// ReadObjects calls each with every member of a file that holds one JSON object of objects: the key,
// its place, and the member's value as a row. It returns what is wrong with the file itself.
func (t *Table) ReadObjects(file []byte, each func(key string, at Place, row *Row)) []Violation {
	text, violations := Text(file)
	if len(violations) > 0 {
		return violations
	}
	begin := skip(text, 0, ' ')
	wrong := func(offset int, problem string) []Violation {
		return []Violation{placeIn(text, offset).Violation("", "", problem)}
	}
	switch offset := syntaxError(text); {
	case begin == len(text):
		return wrong(begin, "empty; want a JSON object")
	case offset >= 0:
		return wrong(offset, "invalid JSON from here on; want a JSON object of objects")
	case text[begin] != '{':
		return wrong(begin, "is "+kindOf(text[begin:])+"; want a JSON object")
	}
	if offset := loneSurrogate(text); offset >= 0 {
		return wrong(offset, surrogate)
	}
	all, err := members(text[begin:])
	if err != nil {
		return wrong(begin, "invalid JSON")
	}
	seen := make(map[string]bool, len(all))
	counted, here := 0, Place{Line: 1, Column: 1}
	for _, m := range all {
		here = here.after(text[counted : begin+m.keyAt])
		counted = begin + m.keyAt
		keyAt := here
		here = here.after(text[counted : begin+m.at])
		counted = begin + m.at
		switch {
		case seen[m.key]:
			violations = append(violations, keyAt.Violation("", shownKey(m.key), duplicateKey))
		case m.value[0] != '{':
			problem := "is " + kindOf(m.value) + "; want an object"
			violations = append(violations, here.Violation("", shownKey(m.key), problem))
		default:
			value := []byte(m.value)
			row := t.newRow(JSON)
			row.reset(here, here.after(value[:len(value)-1]))
			t.member(row, value)
			each(m.key, keyAt, row)
		}
		seen[m.key] = true
	}
	return violations
}

// member reads an object that begins at the row's place.
func (t *Table) member(r *Row, object []byte) {
	at := r.At
	r.At = Place{Line: 1, Column: 1}
	t.object(r, object, 0, len(object), "")
	r.At = at
	for i := range r.Cells {
		r.Cells[i].At, r.Cells[i].Bad = at.plus(r.Cells[i].At), at.plus(r.Cells[i].Bad)
	}
	for i := range r.Violations {
		v := &r.Violations[i]
		moved := at.plus(Place{Line: v.Line, Column: v.Column})
		v.Line, v.Column = moved.Line, moved.Column
	}
}

// plus returns a place of a text that begins here, from its place in the text.
func (p Place) plus(in Place) Place {
	if in.Line > 1 {
		return Place{Line: p.Line + in.Line - 1, Column: in.Column}
	}
	return Place{Line: p.Line, Column: p.Column + in.Column - 1}
}

// Line returns the only line of a file, without its end, or what is wrong with the file.
func Line(file []byte) (line string, violations []Violation) {
	text, violations := Text(file)
	if len(violations) > 0 {
		return "", violations
	}
	line = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if i := strings.IndexAny(line, "\r\n"); i >= 0 {
		return "", []Violation{placeIn(text, i).Violation("", "", "has more than one line; want one line, and nothing else")}
	}
	wrong := func(offset int, problem string) (string, []Violation) {
		return "", []Violation{placeIn(text, offset).Violation("", "", problem)}
	}
	if Trim(line) == "" {
		return wrong(0, "empty")
	}
	if what := unseen(line, Exact); what != "" {
		return wrong(0, what+"; remove it")
	}
	if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return wrong(i, "has a control character; remove it")
	}
	return line, nil
}

// ShownKey returns a key for an error, if it may be shown.
func ShownKey(key string) string { return redact.Text(redact.Clip(key)) }
