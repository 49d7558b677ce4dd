package rows

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mihu-go/mihu/internal/redact"
)

const wantLines = "; want one object per line, as jq -c writes it"

// readJSON reads the rows of a file of JSON lines.
func (t *Table) readJSON(l *Lines, each func(*Row) bool) error {
	row := t.newRow(JSON)
	for first := true; ; {
		there, err := l.Next()
		if err != nil || !there {
			return err
		}
		text := bytes.Trim(l.line, " \t")
		if len(text) == 0 {
			continue
		}
		if first && (text[0] == '[' || string(text) == "{") {
			problem := "a JSON array" + wantLines
			if text[0] == '{' {
				problem = "an object that spans several lines" + wantLines
			}
			each(unreadable(JSON, l.At(0).Violation("", "", problem)))
			return nil
		}
		first = false
		next := row
		if problem, at := lineProblem(l); problem != "" {
			next = unreadable(JSON, at.Violation("", "", problem))
		} else {
			row.reset(l.At(skip(l.line, 0, ' ')), l.At(len(bytes.TrimRight(l.line, " \t"))-1))
			t.object(row, l.line, 0, len(l.line), "")
		}
		if !each(next) {
			return nil
		}
	}
}

// lineProblem returns why a line is no object, and the place; "" if it is one.
func lineProblem(l *Lines) (problem string, at Place) {
	if problem, at := l.Unreadable(); problem != "" {
		return problem, at
	}
	if offset := syntaxError(l.line); offset >= 0 {
		return "invalid JSON from here on" + wantLines, l.At(offset)
	}
	text := bytes.TrimLeft(l.line, " \t")
	if kind := kindOf(text); kind != "an object" {
		return kind + wantLines, l.At(len(l.line) - len(text))
	}
	return "", Place{}
}

// object reads the members of the object line[begin:end] into the row. The prefix is that of its
// keys.
func (t *Table) object(r *Row, line []byte, begin, end int, prefix string) {
	// Columns are counted from the place before: a hostile line has a hundred thousand members.
	counted, here := begin, placeIn(line, begin)
	here.Line += r.At.Line - 1 // the text is the line, or begins it
	at := func(offset int) Place {
		here = here.after(line[counted : begin+offset])
		counted = begin + offset
		return here
	}
	all, err := members(line[begin:end])
	if err != nil {
		r.Violations = append(r.Violations, at(0).Violation("", "", "invalid JSON"+wantLines))
		return
	}
	seen := make(map[string]bool)
	for _, m := range all {
		key := prefix + m.key
		f := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Key == key && !f.ColumnOnly })
		isObject := slices.Contains(r.objects, key)
		known := ""
		if f >= 0 || isObject {
			known = key
		}
		switch {
		case seen[m.key]:
			r.Violations = append(r.Violations, at(m.keyAt).Violation(known, "", duplicateKey))
		case slices.Contains(t.Ignore, key), slices.Contains(t.Unread, key):
		case f >= 0:
			text, problem := valueText(t.Fields[f].Kind, m.value)
			there := at(m.at)
			r.Cells[f] = Cell{At: there, Bad: there, Text: text, Shown: shown(text, m.value), Problem: problem, Present: true}
		case m.value[0] == 'n':
			r.Violations = append(r.Violations, at(m.at).Violation(known, "", isNull))
		case isObject && m.value[0] == '{':
			t.object(r, line, begin+m.at, begin+m.at+len(m.value), key+".")
		case isObject:
			r.Violations = append(r.Violations, at(m.at).Violation(key, "", "is "+kindOf(m.value)+"; want an object"))
		default:
			r.Violations = append(r.Violations, at(m.keyAt).Violation("", shownKey(key), "unknown key"+t.didYouMean(key, t.keys())))
		}
		seen[m.key] = true
	}
}

// shownKey returns a key if it looks like one, and may be shown.
func shownKey(key string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. "
	if strings.Trim(key, letters) != "" {
		return ""
	}
	return redact.Text(redact.Clip(key))
}

// shown returns the text of a JSON string with an x for each of its escapes.
func shown(text string, value []byte) string {
	if value[0] != '"' || bytes.IndexByte(value, '\\') < 0 {
		return text
	}
	value = value[1 : len(value)-1]
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			out = append(out, value[i])
			continue
		}
		out = append(out, 'x')
		if i++; value[i] == 'u' {
			i += 4
		}
	}
	return string(out)
}

const isNull = "null; omit the key instead"

// valueText returns the text of a value as a CSV cell would have it, or what is wrong with the
// value.
func valueText(want Kind, value json.RawMessage) (text, problem string) {
	kind := kindOf(value)
	switch {
	case kind == "null":
		return "", isNull
	case want == Object && kind != "an object":
		return "", "is " + kind + "; want an object"
	case want == Number && kind != "a number":
		return "", "is " + kind + "; want a number, without quotes"
	case want != String:
		return string(value), ""
	case kind != "a string":
		return "", "is " + kind + "; want a string, in quotes"
	case loneSurrogate(value) >= 0:
		return "", surrogate
	}
	_ = json.Unmarshal(value, &text) // it is a valid string
	return text, ""
}
