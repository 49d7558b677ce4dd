// Package lenient rewrites JSON so that it fits the types that it is decoded into, as far as its
// meaning is clear: "10" and 10, 1 and true, [] and {}. What is not clear is left out and reported.
package lenient

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
)

// Problem is a value that could not be read.
type Problem struct {
	// Path is the place of the value, such as "billing.monthly_fee".
	Path string
	// Want and Got name the types, without the value.
	Want, Got string
}

// Reader rewrites values. Its zero value is ready to use.
type Reader struct {
	// BadText marks the text as suspect: a string with U+FFFD stands for bytes that were not UTF-8, and is
	// not readable.
	BadText bool
	// Problems are the values that could not be read, in no order. They are nil in what was rewritten.
	Problems []Problem
}

func (r *Reader) unreadable(at, want string, v any) any {
	r.Problems = append(r.Problems, Problem{Path: strings.TrimPrefix(at, "."), Want: want, Got: kindOf(v)})
	return nil
}

// Value returns v in the form that t decodes, and nil for what cannot be read.
func (r *Reader) Value(v any, t reflect.Type, at string) any {
	if v == nil {
		return nil
	}
	if t.Kind() == reflect.Pointer && t != unmarshaler {
		return r.Value(v, t.Elem(), at)
	}
	if t == timeType {
		return r.instant(v, at)
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
		return r.own(v, t, at)
	}
	switch t.Kind() {
	case reflect.Interface:
		return v
	case reflect.Struct:
		if fields, ok := object(v); ok {
			return r.Fields(fields, t, at)
		}
	case reflect.Map:
		if fields, ok := object(v); ok {
			return r.entries(fields, t.Elem(), at)
		}
	case reflect.Slice, reflect.Array:
		if _, ok := v.(string); ok && t.Elem().Kind() == reflect.Uint8 {
			return v // base64
		}
		if items, ok := List(v); ok {
			return r.elements(items, t.Elem(), at)
		}
	default:
		if scalar, ok := scalar(v, t); ok {
			return r.checked(scalar, at)
		}
	}
	return r.unreadable(at, wanted(v, t), v)
}

// checked returns a scalar, unless it is text that was not UTF-8.
func (r *Reader) checked(v any, at string) any {
	if s, ok := v.(string); ok && r.BadText && strings.ContainsRune(s, '\uFFFD') {
		return r.unreadable(at, "text in UTF-8", v)
	}
	return v
}

// own keeps the value of a type that decodes itself, if it can.
func (r *Reader) own(v any, t reflect.Type, at string) any {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, reflect.New(t).Interface())
	}
	if err != nil {
		return r.unreadable(at, t.Name(), v)
	}
	return v
}

// Fields returns the fields of an object in the form that a struct decodes. Fields that the struct
// does not have are left unchanged.
func (r *Reader) Fields(fields map[string]any, t reflect.Type, at string) map[string]any {
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		v, ok := fields[name]
		if !ok || strings.Contains(options, "string") || !field.IsExported() || field.Anonymous || name == "-" {
			continue
		}
		fields[name] = r.Value(v, field.Type, at+"."+name)
	}
	return fields
}

func (r *Reader) entries(fields map[string]any, elem reflect.Type, at string) any {
	for key, nested := range fields {
		fields[key] = r.Value(nested, elem, at+"."+key)
	}
	return fields
}

// elements leaves out what cannot be read of a list.
func (r *Reader) elements(items []any, elem reflect.Type, at string) any {
	kept := items[:0]
	for i, nested := range items {
		value := r.Value(nested, elem, at+"["+strconv.Itoa(i)+"]")
		if value != nil || nested == nil {
			kept = append(kept, value)
		}
	}
	return kept
}

// wanted names what t decodes.
func wanted(v any, t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	default:
		if _, ok := v.(json.Number); ok {
			return "a number that fits " + t.Kind().String()
		}
		return "a number"
	}
}

// scalar returns v as a boolean, a text or a number.
func scalar(v any, t reflect.Type) (any, bool) {
	switch t.Kind() {
	case reflect.Bool:
		return Bool(v)
	case reflect.String:
		return text(v)
	default:
		return number(v, t)
	}
}

func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// Object returns an object as it is, and an empty list as an empty object.
func Object(v any) (map[string]any, bool) { return object(v) }

func object(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case []any:
		return map[string]any{}, len(v) == 0
	}
	return nil, false
}

// List returns a list as it is, and an object whose names are numbers as a list in their order, as
// PHP encodes a list with gaps. An empty object is an empty list.
func List(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		indexes := make([]int, 0, len(v))
		for name := range v {
			index, err := strconv.Atoi(name)
			if err != nil || index < 0 || strconv.Itoa(index) != name {
				return nil, false
			}
			indexes = append(indexes, index)
		}
		slices.Sort(indexes)
		items := make([]any, len(indexes))
		for i, index := range indexes {
			items[i] = v[strconv.Itoa(index)]
		}
		return items, true
	}
	return nil, false
}

// Bool reads true and false in every spelling.
func Bool(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case json.Number:
		return v == "1", v == "0" || v == "1"
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "1", "true":
			return true, true
		case "", "0", "false":
			return false, true
		}
	}
	return false, false
}

// number returns nil for an empty text, which decodes to nothing.
func number(v any, t reflect.Type) (any, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		if text = strings.TrimSpace(v); text == "" {
			return nil, true
		}
	default:
		return nil, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f-f != 0 { // neither Inf nor NaN, which JSON does not have
		return nil, false
	}
	fits := reflect.New(t).Elem()
	const exact = 1 << 53 // above it, a float is not exact
	switch {
	case fits.CanFloat():
		return f, true
	case fits.CanUint():
		if n, err := strconv.ParseUint(text, 10, t.Bits()); err == nil {
			return n, true
		}
		return uint64(f), f >= 0 && f <= exact && f == float64(uint64(f)) && !fits.OverflowUint(uint64(f))
	case fits.CanInt():
		if n, err := strconv.ParseInt(text, 10, t.Bits()); err == nil {
			return n, true
		}
		return int64(f), f >= -exact && f <= exact && f == float64(int64(f)) && !fits.OverflowInt(int64(f))
	}
	return nil, false
}

// layouts are the forms of times that such backends send.
var layouts = [...]string{
	time.RFC3339, time.DateTime, "2006-01-02T15:04:05", time.DateOnly, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700", time.RFC1123, time.RFC1123Z,
}

// instant reads a time in any of the layouts, or as seconds since 1970.
func (r *Reader) instant(v any, at string) any {
	text, ok := text(v)
	text = strings.TrimSpace(text)
	if ok && text == "" || strings.HasPrefix(text, "0000-00-00") {
		return nil // databases write these for no time
	}
	if t, ok := sinceEpoch(text); ok {
		return t.Format(time.RFC3339Nano)
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return r.unreadable(at, "a time", v)
}

// sinceEpoch reads seconds or milliseconds since 1970. Smaller numbers than those of 1973 are no times.
func sinceEpoch(text string) (time.Time, bool) {
	const earliest, milliseconds, latest = 1e8, 1e11, 1e14
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= earliest && n < latest) {
		return time.Time{}, false
	}
	if n < milliseconds {
		n *= 1000
	}
	return time.UnixMilli(int64(n)).UTC(), true
}

func kindOf(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case string:
		return "text"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}
