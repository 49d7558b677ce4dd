package mihu

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-querystring/query"

	"github.com/mihu-go/mihu/internal/redact"
)

// target returns the path with its arguments filled in.
func (s *spec) target(found *violations) string {
	if len(s.args) == 0 && isPlainPath(s.path) {
		return s.path
	}
	path, rooted := strings.CutPrefix(s.path, "/")
	plain, names := rooted, map[string]bool(nil)
	for segment := range strings.SplitSeq(path, "/") {
		name, isArg := argName(segment)
		if !isArg {
			plain = plain && isPlainSegment(segment)
			continue
		}
		arg, ok := s.args[name]
		if problem := argProblem(arg); !ok {
			found.add("path argument "+redact.Quote(name), "", "missing")
		} else if problem != "" {
			found.add("path argument "+redact.Quote(name), "", problem)
		}
		if names == nil {
			names = make(map[string]bool, 1)
		}
		names[name] = true
	}
	if !plain {
		found.add("path", "", `want a path relative to the base URL, such as "/phone-numbers/{uuid}/channels", without query, fragment, empty and dot segments`)
	}
	if len(names) != len(s.args) {
		for _, name := range slices.Sorted(maps.Keys(s.args)) {
			if !names[name] {
				found.add("path argument "+redact.Quote(name), "", "the path has no such segment; an argument takes a whole segment, such as /a/{name}/b")
			}
		}
	}
	if names == nil {
		return s.path
	}
	return s.fill(path)
}

// fill escapes the arguments into the path.
func (s *spec) fill(path string) string {
	var filled strings.Builder
	for segment := range strings.SplitSeq(path, "/") {
		if name, isArg := argName(segment); isArg {
			segment = url.PathEscape(s.args[name])
		}
		filled.WriteString("/" + segment)
	}
	return filled.String()
}

func argName(segment string) (string, bool) {
	name, opens := strings.CutPrefix(segment, "{")
	name, closes := strings.CutSuffix(name, "}")
	return name, opens && closes && name != ""
}

// isPlainPath reports whether the path has no arguments and needs no escaping, as most have.
func isPlainPath(path string) bool {
	rest, rooted := strings.CutPrefix(path, "/")
	for rooted {
		segment, after, more := strings.Cut(rest, "/")
		if !isPlainSegment(segment) {
			return false
		}
		if rest = after; !more {
			return true
		}
	}
	return false
}

// isPlainSegment reports whether the segment needs no escaping.
func isPlainSegment(segment string) bool {
	for i := range len(segment) {
		if c := segment[i]; !isLetter(rune(c)) && !isDigit(rune(c)) && c != '-' && c != '_' && c != '.' && c != '~' {
			return false
		}
	}
	return segment != "" && segment != "." && segment != ".."
}

// encodeQuery returns the query string of a struct with url tags or of url.Values.
func encodeQuery(q any, found *violations) string {
	var values url.Values
	switch q := q.(type) {
	case nil:
		return ""
	case url.Values:
		values = q
	default:
		var err error
		if values, err = query.Values(q); err != nil {
			found.add("query", "", fmt.Sprintf("want a struct with url tags or url.Values, got %T", q))
		}
	}
	for name, each := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(each, func(s string) bool { return !utf8.ValidString(s) }) {
			found.add("query "+redact.Quote(name), "", "not valid UTF-8")
		}
	}
	return values.Encode()
}

// encode returns a body as JSON, or why it cannot be sent.
func encode(v any) (body []byte, problem string) {
	switch v := v.(type) {
	case json.RawMessage:
		if !utf8.Valid(v) {
			return nil, "not valid UTF-8"
		}
	case []byte, io.Reader:
		return nil, fmt.Sprintf("%T would not be sent as it is; use json.RawMessage for JSON that is encoded already", v)
	}
	body, err := json.Marshal(v)
	switch err.(type) { //nolint:errorlint // what another type's own encoding returns may quote its content
	case nil:
	case *json.UnsupportedTypeError, *json.UnsupportedValueError:
		return nil, "cannot be encoded as JSON: " + err.Error()
	default:
		return nil, fmt.Sprintf("cannot be encoded as JSON (%T)", err)
	}
	if string(body) == "null" {
		return nil, "is null, which the API does not document; omit it"
	}
	if !utf8.Valid(body) || hasReplacement(body) && hasBadText(reflect.ValueOf(v)) {
		return nil, "holds text that is not valid UTF-8, and would be changed on its way"
	}
	return body, ""
}

// hasReplacement reports whether the body holds what encoding/json writes for bytes that are not
// UTF-8: the replacement character or, before Go 1.27, its escape. The caller may have sent it.
func hasReplacement(body []byte) bool {
	return bytes.Contains(body, []byte("\uFFFD")) || bytes.Contains(body, []byte(`\ufffd`))
}

// hasBadText reports whether anything that is encoded as JSON holds text that is not UTF-8.
func hasBadText(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return false // null, whatever its type would write
	}
	if bad, encodesItself := ownTextIsBad(v); encodesItself {
		return bad
	}
	switch v.Kind() {
	case reflect.String:
		return !utf8.ValidString(v.String())
	case reflect.Pointer:
		return hasBadText(v.Elem())
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		return hasBadPart(v)
	default:
		return false
	}
}

// hasBadPart is hasBadText of the parts of a struct, map, slice or array.
func hasBadPart(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			if hasBadText(field) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); { // Seq2 would link what reflection needs to call functions
			if hasBadText(entries.Key()) || hasBadText(entries.Value()) {
				return true
			}
		}
	default:
		for i := range v.Len() {
			if v.Type().Elem().Kind() != reflect.Uint8 && hasBadText(v.Index(i)) { // bytes are base64
				return true
			}
		}
	}
	return false
}

// ownTextIsBad handles types that encode themselves.
func ownTextIsBad(v reflect.Value) (bad, encodesItself bool) {
	if !v.CanInterface() {
		return false, false
	}
	switch v := v.Interface().(type) {
	case json.Marshaler:
		return false, true // its output was checked as a part of the whole
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		return err == nil && !utf8.Valid(text), true
	}
	return false, false
}
