package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark begins files that some editors write. It is not part of the text.
const byteOrderMark = "\uFEFF"

var errNotUTF8 = errors.New("not UTF-8 text; save the file as UTF-8")

// checkText returns an error if JSON text would be changed on its way to the API: because it is not
// UTF-8, or has half of a surrogate pair.
func checkText(text []byte) error {
	if !utf8.Valid(text) {
		return errNotUTF8
	}
	if hasLoneSurrogate(text) {
		return errors.New(`has half of a surrogate pair: a \u escape from \ud800 to \udfff without its other half`)
	}
	return nil
}

func hasLoneSurrogate(text []byte) bool {
	const escapeSize = len(`\u0000`)
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return false
		}
		text = text[i:]
		switch r := escapedUnit(text); {
		case r >= 0xdc00 && r <= 0xdfff:
			return true
		case r >= 0xd800 && r <= 0xdbff:
			if low := escapedUnit(text[escapeSize:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			text = text[2*escapeSize:]
		default:
			text = text[min(2, len(text)):] // the escaped character may be a backslash
		}
	}
}

// escapedUnit returns the UTF-16 unit of the \u escape that a text begins with, or -1 if there is
// none.
func escapedUnit(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(unit)
}

// duplicateKey finds a key that occurs twice in an object of valid JSON, at any depth, and
// returns its first spelling. same returns what equal keys of a depth have in common.
func duplicateKey(text []byte, same func(depth int, key string) string) (key string, found bool) {
	return duplicateKeyIn(json.NewDecoder(bytes.NewReader(text)), 0, same)
}

func duplicateKeyIn(decoder *json.Decoder, depth int, same func(depth int, key string) string) (key string, found bool) {
	token, err := decoder.Token()
	if begin, ok := token.(json.Delim); err != nil || !ok || begin != '{' && begin != '[' {
		return "", false
	}
	seen := map[string]string{}
	for decoder.More() {
		if token == json.Delim('{') {
			name, _ := decoder.Token()
			key, _ := name.(string)
			if first, ok := seen[same(depth, key)]; ok {
				return first, true
			}
			seen[same(depth, key)] = key
		}
		if key, found := duplicateKeyIn(decoder, depth+1, same); found {
			return key, true
		}
	}
	_, _ = decoder.Token() // the end of the object or array
	return "", false
}

func sameKey(_ int, key string) string { return key }

// sameField is sameKey for names that hold the fields of a struct. Package encoding/json ignores
// the case of fields, in the sense of [unicode.SimpleFold].
func sameField(depth int, key string) string {
	if depth == 0 {
		return key
	}
	return strings.Map(func(r rune) rune {
		folded := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			folded = min(folded, next)
		}
		return folded
	}, key)
}
