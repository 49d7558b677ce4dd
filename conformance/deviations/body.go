package main

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
)

// object is a JSON object whose fields keep their order. Its values are those that write knows.
type object []field

type field struct {
	key   string
	value any
}

// raw is JSON as it is to be sent.
type raw string

// with returns the object with another field.
func (o object) with(key string, value any) object { return append(o, field{key, value}) }

// dice draws what a response is like, and counts what it drew.
type dice struct {
	*rand.Rand
	form float64 // the share of each deviation of form
	tag  func(string)
}

// odd reports whether a deviation of form is to occur, and counts it.
func (d *dice) odd(kind string) bool {
	if d.Float64() >= d.form {
		return false
	}
	d.tag("form: " + kind)
	return true
}

// one draws one of several.
func one[T any](d *dice, of ...T) T { return of[d.IntN(len(of))] }

// weighted draws an index by its weight.
func (d *dice) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := d.IntN(sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return 0
}

// boolean is a boolean, now and then as something else.
func (d *dice) boolean(v bool) any {
	if !d.odd("boolean of another type") {
		return v
	}
	digit := "0"
	if v {
		digit = "1"
	}
	return one(d, raw(digit), raw(`"`+digit+`"`), raw(`"`+strconv.FormatBool(v)+`"`))
}

// integer is a number, now and then as text.
func (d *dice) integer(v int) any {
	if d.odd("number as text") {
		return strconv.Itoa(v)
	}
	return v
}

// list is an array, now and then an object with numbers for names.
func (d *dice) list(kind string, values []any) any {
	if len(values) == 0 || !d.odd(kind+" as an object") {
		return values
	}
	var o object
	for i, v := range values {
		o = o.with(strconv.Itoa(i), v)
	}
	return o
}

// encode writes a body, with the deviations of form that concern it as a whole.
func (d *dice) encode(v any) []byte {
	var b strings.Builder
	if d.odd("byte-order mark") {
		b.WriteString("\ufeff")
	}
	if d.odd("blanks around the JSON") {
		b.WriteString(" \r\n\t")
	}
	d.write(&b, v, d.odd("fields reordered"))
	b.WriteString(one(d, "", "\n"))
	return []byte(b.String())
}

func (d *dice) write(b *strings.Builder, v any, shuffle bool) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case raw:
		b.WriteString(string(v))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int:
		b.WriteString(strconv.Itoa(v))
	case string:
		writeText(b, v)
	case object:
		if shuffle {
			d.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		}
		b.WriteByte('{')
		for i, f := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			writeText(b, f.key)
			b.WriteByte(':')
			d.write(b, f.value, shuffle)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			d.write(b, item, shuffle)
		}
		b.WriteByte(']')
	}
}

// writeText writes a string. Bytes that are not UTF-8 stay as they are, unlike in encoding/json.
func writeText(b *strings.Builder, text string) {
	for i, part := range strings.Split(text, "\xe9") {
		quoted, err := json.Marshal(part)
		if err != nil {
			quoted = []byte(`""`)
		}
		inner := string(quoted[1 : len(quoted)-1])
		if i == 0 {
			b.WriteByte('"')
		} else {
			b.WriteByte('\xe9')
		}
		b.WriteString(inner)
	}
	b.WriteByte('"')
}

// name is a label for people.
func (d *dice) name() any {
	switch {
	case d.odd("text that is not UTF-8"):
		return "Andr\xe9"
	case d.odd("null text"):
		return nil
	}
	return one(d, "Ada", "Grace", "Zoë", "")
}

// channelLimit is an optional number.
func (d *dice) channelLimit() any {
	if d.odd("null number") {
		return nil
	}
	return d.integer(d.IntN(50))
}

func (d *dice) destinations() any {
	if d.odd("null list") {
		return nil
	}
	return d.list("list", []any{"US", "IT"})
}

// binding is the binding of a channel: fields, and whether they are all that is to be sent.
func (d *dice) binding(t trunk, bound bool) object {
	if !bound {
		o := object{{"bound", d.boolean(false)}}
		if d.Float64() < 0.7 {
			o = o.with("agent_uuid", nil).with("agent_name", nil)
		}
		return o
	}
	agent := t.agent
	if d.odd("UUID in upper case") {
		agent = strings.ToUpper(agent)
	}
	var o object
	switch {
	case d.odd("bound missing beside an agent"):
	case d.odd("bound null beside an agent"):
		o = o.with("bound", nil)
	case d.odd("agent missing beside bound"):
		return object{{"bound", d.boolean(true)}, {"agent_name", d.name()}}
	case d.odd("agent null beside bound"):
		return object{{"bound", d.boolean(true)}, {"agent_uuid", nil}, {"agent_name", d.name()}}
	default:
		o = o.with("bound", d.boolean(true))
	}
	return o.with("agent_uuid", agent).with("agent_name", d.name())
}

func (d *dice) carrier(t trunk, bound bool) object {
	o := object{{"capable", d.boolean(true)}, {"enabled", d.boolean(true)}}
	if !d.odd("optional field missing") {
		o = o.with("channel_limit", d.channelLimit()).with("whitelisted_destinations", d.destinations())
	}
	return append(o, d.binding(t, bound)...)
}

// unknownField adds a field that no page documents.
func (d *dice) unknownField(o object) object {
	if d.odd("unknown field") {
		return o.with("x_"+strconv.Itoa(d.IntN(9)), one[any](d, nil, 1, "new", object{{"a", []any{}}}))
	}
	return o
}

// snapshot is the channels of a number. It is true, whatever its form.
func (d *dice) snapshot(number, uuid string, channels map[string]trunk) object {
	var inner object
	call, onCall := channels[channelCall]
	if onCall || !d.odd("unbound channel missing") {
		inner = inner.with(channelCall, d.carrier(call, onCall))
	}
	switch {
	case d.odd("unbound channel null"):
		inner = inner.with("sms", nil)
	case !d.odd("unbound channel missing"):
		inner = inner.with("sms", d.carrier(trunk{}, false))
	}
	chat, onChat := channels[channelWhatsApp]
	switch {
	case onChat:
		inner = inner.with(channelWhatsApp, d.binding(chat, true))
	case d.odd("unbound channel null"):
		inner = inner.with(channelWhatsApp, nil)
	case d.odd("unbound channel missing"):
	default:
		inner = inner.with(channelWhatsApp, d.binding(trunk{}, false))
	}
	inner = inner.with("inbound", object{{"enabled", d.boolean(true)}, {"channel_limit", d.channelLimit()}})

	o := d.identity(number, uuid)
	key := "channels"
	if d.odd("bindings for channels") {
		key = "bindings"
	}
	switch {
	case !onCall && !onChat && d.odd("empty object as []"):
		o = o.with(key, []any{})
	default:
		o = o.with(key, d.unknownField(inner))
	}
	return d.unknownField(o)
}

// identity is what snapshots and list items say of the number itself. Of its two marks of a number
// that is owned elsewhere, one may be missing or contradict the other, as in the API's own samples.
func (d *dice) identity(number, uuid string) object {
	var o object
	switch {
	case d.odd("UUID of the number null"):
		o = o.with("phone_number_uuid", nil)
	case !d.odd("UUID of the number missing"):
		o = o.with("phone_number_uuid", uuid)
	}
	switch {
	case d.odd("number without its plus"):
		o = o.with("number", strings.TrimPrefix(number, "+"))
	case d.odd("number as a JSON number"):
		o = o.with("number", raw(strings.TrimPrefix(number, "+")))
	default:
		o = o.with("number", number)
	}
	switch {
	case d.odd("source contradicts is_external"):
		return o.with("is_external", true).with("source", "purchased")
	case d.odd("is_external missing"):
		return o.with("source", "external")
	case d.odd("source missing"):
		return o.with("is_external", d.boolean(true))
	case d.odd("is_external and source missing"):
		return o
	case d.odd("unknown source"):
		return o.with("is_external", d.boolean(true)).with("source", "ported")
	}
	return o.with("is_external", d.boolean(true)).with("source", "external")
}

// success is the envelope of a success that says so.
func (d *dice) success(data ...any) object {
	o := object{{"success", d.boolean(true)}}
	return d.wrap(d.noErrors(d.message(o)), data)
}

// unmarked is the same without the mark of success.
func (d *dice) unmarked(data ...any) object {
	d.tag("form: success missing")
	return d.wrap(d.message(nil), data)
}

func (d *dice) message(o object) object {
	switch {
	case d.odd("message null"):
		return o.with("message", nil)
	case d.odd("message of another type"):
		return o.with("message", one[any](d, 7, object{}, []any{}))
	}
	return o.with("message", one(d, "OK", "Done", ""))
}

// noErrors adds fields that a failure would have, empty.
func (d *dice) noErrors(o object) object {
	if d.odd("error null") {
		o = o.with("error", nil)
	}
	if d.odd("errors empty") {
		o = o.with("errors", one[any](d, nil, []any{}, object{}))
	}
	return o
}

// wrap adds the data, if there is any.
func (d *dice) wrap(o object, data []any) object {
	if len(data) == 0 {
		return o
	}
	inner := data[0]
	if d.odd("data wrapped once more") {
		inner = object{{"data", inner}}
	}
	return d.unknownField(o).with("data", inner)
}
