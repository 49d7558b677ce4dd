package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

const (
	duplicateKey = "duplicate key"
	surrogate    = "has half of a surrogate pair, which cannot be sent unchanged"
)

// syntaxError returns the offset at which a text is not JSON, and -1 if it is JSON.
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

// unfinished reports whether a text is the beginning of JSON.
func unfinished(text []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var all json.RawMessage
	return errors.Is(decoder.Decode(&all), io.ErrUnexpectedEOF)
}

// kindOf names the type of a JSON value by its first character.
func kindOf(value []byte) string {
	switch value[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// member is a member of an object, with the offsets of its key and its value.
type member struct {
	key       string
	keyAt, at int
	value     json.RawMessage
}

// members returns the members of a valid object.
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

// skip returns the offset of a token behind blanks and one kind of character.
func skip(text []byte, at int, char byte) int {
	for at < len(text) && (text[at] == char || strings.IndexByte(" \t\r\n", text[at]) >= 0) {
		at++
	}
	return at
}

// DecodeObject decodes a JSON object, numbers as json.Number. It refuses what decoding would
// change: a duplicate key and an unpaired surrogate. The problem is "" if there is none, and at is
// its offset.
func DecodeObject(text []byte) (object map[string]any, at int, problem string) {
	if at := syntaxError(text); at >= 0 {
		return nil, at, "not a JSON object"
	}
	if kind := kindOf(text); kind != "an object" {
		return nil, 0, "is " + kind + "; want a JSON object"
	}
	if at := sameKey(text); at >= 0 {
		return nil, at, duplicateKey
	}
	if at := loneSurrogate(text); at >= 0 {
		return nil, at, surrogate
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&object) != nil {
		return nil, 0, "not a JSON object"
	}
	return object, 0, ""
}

// sameKey returns the offset of a key that an object has twice, at any depth; -1 if there is none.
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

// loneSurrogate returns the offset of an escape that is half a character, which decoding would
// replace; -1 if there is none.
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
		i++ // past the escaped character
	}
	return -1
}

// isSurrogate reports whether a text begins with an escape \uD...; second has the digits that may
// follow the D.
func isSurrogate(text []byte, second string) bool {
	return len(text) >= 6 && text[0] == '\\' && text[1] == 'u' && text[2]|0x20 == 'd' &&
		strings.IndexByte(second, text[3]|0x20) >= 0
}
