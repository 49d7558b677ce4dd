package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

const (
	wantLines = "; want one object a line, as jq -c writes it"
	surrogate = "has half of a surrogate pair, which would be changed on its way"
)

// jsonLines reads the lines and gives each to emit, until that says false.
func (p *parser) jsonLines(l *lines, emit func(Item, []InputViolation) bool) error {
	for first := true; ; {
		there, err := l.next()
		if err != nil || !there {
			return err
		}
		text := bytes.Trim(l.line, " \t")
		if len(text) == 0 {
			continue
		}
		at := place{l.number, 1}
		if first && (text[0] == '[' || string(text) == "{") {
			problem := "a JSON array" + wantLines
			if text[0] == '{' {
				problem = "an object that goes over several lines" + wantLines
			}
			emit(Item{}, []InputViolation{at.fault("", "", problem)})
			return nil
		}
		first = false
		item, faults := Item{}, []InputViolation(nil)
		if problem, offset := lineProblem(l); problem != "" {
			faults = append(faults, place{l.number, column(l.line, offset)}.fault("", "", problem))
		} else {
			item, faults = p.jsonRow(l)
		}
		if !emit(item, faults) {
			return nil
		}
	}
}

// lineProblem says why a line is not an object at all.
func lineProblem(l *lines) (problem string, offset int) {
	if problem, offset := l.unreadable(); problem != "" {
		return problem, offset
	}
	if at := syntaxError(l.line); at >= 0 {
		return "not JSON from here on" + wantLines, at
	}
	if kind := kindOf(bytes.TrimLeft(l.line, " \t")); kind != "an object" {
		return kind + wantLines, len(l.line) - len(bytes.TrimLeft(l.line, " \t"))
	}
	return "", 0
}

// syntaxError is where a text is not JSON, and -1 where it is.
func syntaxError(text []byte) int {
	var all json.RawMessage
	err := json.Unmarshal(text, &all)
	if err == nil {
		return -1
	}
	at := 0
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = int(syntax.Offset)
	}
	if at > 0 && !unfinished(text) {
		at-- // it counts the character that is wrong
	}
	return min(at, len(text))
}

// unfinished tells JSON that only has to go on.
func unfinished(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var all json.RawMessage
	return errors.Is(decoder.Decode(&all), io.ErrUnexpectedEOF)
}

// kindOf says what a JSON value is, by its first character.
func kindOf(value []byte) string {
	switch value[0] {
	case '"':
		return "a text"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	}
	return "a number"
}

// member is a member of an object, and where its key and its value begin.
type member struct {
	key       string
	keyAt, at int
	value     json.RawMessage
}

// members gives the members of what is known to be an object.
func members(object []byte) (all []member, err error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	_, err = decoder.Token() // the brace
	for err == nil && decoder.More() {
		m := member{keyAt: skip(object, int(decoder.InputOffset()), ',')}
		var key json.Token
		if key, err = decoder.Token(); err == nil {
			m.key, _ = key.(string)
			m.at = skip(object, int(decoder.InputOffset()), ':')
			err = decoder.Decode(&m.value)
		}
		all = append(all, m)
	}
	return all, err
}

// skip goes past the space and the one character that stand before a token.
func skip(text []byte, at int, char byte) int {
	for at < len(text) && (text[at] == char || strings.IndexByte(" \t\r\n", text[at]) >= 0) {
		at++
	}
	return at
}

// jsonRow makes an item of a line that is an object.
func (p *parser) jsonRow(l *lines) (Item, []InputViolation) {
	at := place{l.number, column(l.line, skip(l.line, 0, ' '))}
	r := &row{at: at, end: place{l.number, column(l.line, len(bytes.TrimRight(l.line, " \t"))-1)}}
	p.object(r, l.line, 0, len(l.line), "")
	return p.item(r)
}

// object takes in the members of the object that is line[begin:end]; prefix is what its keys are under.
func (p *parser) object(r *row, line []byte, begin, end int, prefix string) {
	// Counted on from the place before, since a hostile line has a hundred thousand of them.
	counted, here := begin, place{r.at.line, column(line, begin)}
	at := func(offset int) place {
		here.column += utf8.RuneCount(line[counted : begin+offset])
		counted = begin + offset
		return here
	}
	all, err := members(line[begin:end])
	if err != nil {
		r.faults = append(r.faults, at(0).fault("", "", "not JSON"+wantLines))
		return
	}
	seen := make(map[string]bool)
	for _, m := range all {
		key := prefix + m.key
		f := field(slices.Index(names[:], key))
		switch {
		case seen[m.key]:
			r.faults = append(r.faults, at(m.keyAt).fault(knownKey(f, key), "", "the same key twice"))
		case slices.Contains(p.keys, key), key == reasonName, key == sourceLineName:
		case m.value[0] == 'n':
			r.faults = append(r.faults, at(m.at).fault(knownKey(f, key), "", "null; leave the key out"))
			r.markFaulty(f)
		case key == "sip":
			if m.value[0] != '{' {
				r.faults = append(r.faults, at(m.at).fault(key, "", "is "+kindOf(m.value)+"; want an object"))
				break
			}
			p.object(r, line, begin+m.at, begin+m.at+len(m.value), "sip.")
		case f < 0:
			r.faults = append(r.faults, at(m.keyAt).fault("", shownKey(key), "unknown key"+didYouMean(key, keyNames())+"; a key that is not for this may be ignored by name"))
		default:
			text, problem := valueText(f, m.value)
			there := at(m.at)
			r.cells[f] = cell{at: there, bad: there, text: text, problem: problem, there: true}
		}
		seen[m.key] = true
	}
}

func (r *row) markFaulty(f field) {
	if f >= 0 {
		r.faulty[f] = true
	}
}

func knownKey(f field, key string) string {
	if f >= 0 || key == "sip" {
		return key
	}
	return ""
}

// shownKey shows a key that looks like one.
func shownKey(key string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. "
	if strings.Trim(key, letters) != "" {
		return ""
	}
	return redact.Text(redact.Clip(key))
}

func keyNames() []string { return append(names[:len(names):len(names)], "sip") }

// valueText is the text of a value, as a cell would have it, or what is wrong with it.
func valueText(f field, value json.RawMessage) (text, problem string) {
	kind := kindOf(value)
	switch f {
	default:
	case colAdditionalSettings:
		if kind != "an object" {
			return "", "is " + kind + "; want an object"
		}
		return string(value), ""
	case colSIPPort:
		if kind != "a number" {
			return "", "is " + kind + "; want a number, without quotes"
		}
		return string(value), ""
	}
	if kind != "a text" {
		return "", "is " + kind + "; want a text, in quotes"
	}
	if loneSurrogate(value) >= 0 {
		return "", surrogate
	}
	_ = json.Unmarshal(value, &text) // the line is JSON, and this a text
	return text, ""
}

// readSettings reads an object without losing any of it: no key twice, no digit of a number.
func readSettings(text []byte) (settings map[string]any, at int, problem string) {
	if at := syntaxError(text); at >= 0 {
		return nil, at, "not a JSON object"
	}
	if kind := kindOf(text); kind != "an object" {
		return nil, 0, "is " + kind + "; want a JSON object"
	}
	if at := sameKey(text); at >= 0 {
		return nil, at, "the same key twice"
	}
	if at := loneSurrogate(text); at >= 0 {
		return nil, at, surrogate
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&settings) != nil {
		return nil, 0, "not a JSON object"
	}
	return settings, 0, ""
}

// sameKey is where a key stands for the second time in an object, at any depth; -1: nowhere.
func sameKey(text []byte) int {
	type level struct {
		keys  map[string]bool // nil for an array
		value bool            // the next is the value of a key
	}
	var stack []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		at := skip(text, int(decoder.InputOffset()), ',')
		token, err := decoder.Token()
		if err != nil {
			return -1
		}
		var top *level
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if top != nil && top.keys != nil {
			if key, ok := token.(string); ok && !top.value {
				if top.keys[key] {
					return at
				}
				top.keys[key], top.value = true, true
				continue
			}
			top.value = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: make(map[string]bool)})
		case json.Delim('['):
			stack = append(stack, level{})
		}
	}
}

// loneSurrogate is where JSON has an escape that is half a character, which decoding would replace; -1: nowhere.
func loneSurrogate(text []byte) int {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if isSurrogate(text[i:], "89ab") && len(text) > i+6 && isSurrogate(text[i+6:], "cdef") {
			i += 11
			continue
		}
		if isSurrogate(text[i:], "89abcdef") {
			return i
		}
		i++ // what is escaped
	}
	return -1
}

// isSurrogate tells an escape \uD...; second has what may come after the D.
func isSurrogate(text []byte, second string) bool {
	return len(text) >= 6 && text[0] == '\\' && text[1] == 'u' && text[2]|0x20 == 'd' &&
		strings.IndexByte(second, text[3]|0x20) >= 0
}
