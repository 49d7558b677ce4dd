// Package lenient rewrites JSON so that it fits the types that it is decoded into, as far as its
// meaning is clear: "10" and 10, 1 and true, [] and {}.
package lenient

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	timeType        = reflect.TypeFor[time.Time]()
)

// Value returns v in the form that t decodes. at is the path of v. An error contains the path and
// not the value.
func Value(v any, t reflect.Type, at string) (any, error) {
	if v == nil {
		return nil, nil
	}
	if t.Kind() == reflect.Pointer && t != unmarshaler {
		return Value(v, t.Elem(), at)
	}
	if t == timeType {
		return instant(v), nil
	}
	if p := reflect.PointerTo(t); p.Implements(unmarshaler) || p.Implements(textUnmarshaler) {
		return v, nil
	}
	switch t.Kind() {
	case reflect.Interface:
		return v, nil
	case reflect.Struct:
		if fields, ok := object(v); ok {
			return Fields(fields, t, at)
		}
	case reflect.Map:
		if fields, ok := object(v); ok {
			return entries(fields, t.Elem(), at)
		}
	case reflect.Slice, reflect.Array:
		if _, ok := v.(string); ok && t.Elem().Kind() == reflect.Uint8 {
			return v, nil // base64
		}
		if items, ok := list(v); ok {
			return elements(items, t.Elem(), at)
		}
	default:
		if scalar, ok := scalar(v, t); ok {
			return scalar, nil
		}
	}
	return nil, fmt.Errorf("%s: want %s, got %s", at, wanted(v, t), kindOf(v))
}

// wanted describes the values that t decodes, for an error.
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

// text returns a text, a number or a boolean as a text.
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

// entries converts the values of an object for a map.
func entries(fields map[string]any, elem reflect.Type, at string) (any, error) {
	for key, nested := range fields {
		value, err := Value(nested, elem, at+"."+key)
		if err != nil {
			return nil, err
		}
		fields[key] = value
	}
	return fields, nil
}

// elements converts the items of a list for a slice or an array.
func elements(items []any, elem reflect.Type, at string) (any, error) {
	for i, nested := range items {
		value, err := Value(nested, elem, at+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, err
		}
		items[i] = value
	}
	return items, nil
}

// list returns a list unchanged, and an empty object as an empty list.
func list(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		return []any{}, len(v) == 0
	}
	return nil, false
}

// Fields returns the fields of an object in the form that a struct decodes. Fields that the struct
// does not have are left unchanged.
func Fields(fields map[string]any, t reflect.Type, at string) (map[string]any, error) {
	if at != "" {
		at += "."
	}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			name = field.Name
		}
		v, ok := fields[name]
		if !ok || strings.Contains(options, "string") || !field.IsExported() || field.Anonymous || name == "-" {
			continue
		}
		value, err := Value(v, field.Type, at+name)
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

// object returns an object unchanged, and an empty list as an empty object.
func object(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case []any:
		return map[string]any{}, len(v) == 0
	}
	return nil, false
}

// Bool reads a boolean in every spelling: true, 1, "1", "true" in any case, false, 0, "0", "false"
// and "". ok reports whether v is one.
func Bool(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case json.Number:
		return v == "1", v == "0" || v == "1"
	case string:
		switch strings.ToLower(v) {
		case "1", "true":
			return true, true
		case "", "0", "false":
			return false, true
		}
	}
	return false, false
}

// number returns v as a number that fits t. An empty text is nil, which decodes to the zero value.
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
	switch {
	case fits.CanFloat():
		return f, true
	case fits.CanUint():
		if n, err := strconv.ParseUint(text, 10, t.Bits()); err == nil {
			return n, true
		}
		const exact = 1 << 53 // above it, floats are not exact
		return uint64(f), f >= 0 && f <= exact && f == float64(uint64(f)) && !fits.OverflowUint(uint64(f))
	case fits.CanInt():
		if n, err := strconv.ParseInt(text, 10, t.Bits()); err == nil {
			return n, true
		}
		const exact = 1 << 53
		return int64(f), f >= -exact && f <= exact && f == float64(int64(f)) && !fits.OverflowInt(int64(f))
	}
	return nil, false
}

// instant reads the forms of times that such backends send. An unreadable time is nil, not an
// error.
func instant(v any) any {
	text, _ := v.(string)
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return nil
}

// kindOf describes the type of a decoded value, for an error.
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
