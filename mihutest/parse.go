package mihutest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu"
)

// decodeObject decodes a JSON object. Unlike encoding/json it refuses duplicate keys, invalid UTF-8
// and any data after the object. Numbers are float64.
func decodeObject(b []byte) (map[string]any, error) {
	if !utf8.Valid(b) || !json.Valid(b) { // json.Valid also limits the depth
		return nil, errors.New("is not valid JSON")
	}
	v, err := decodeValue(json.NewDecoder(bytes.NewReader(b)))
	if err != nil {
		return nil, err
	}
	if object, ok := v.(map[string]any); ok {
		return object, nil
	}
	return nil, errors.New("is not a JSON object")
}

func decodeValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, errors.New("has a number that is out of range")
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for dec.More() {
			key, _ := dec.Token()
			name, _ := key.(string)
			if _, ok := object[name]; ok {
				return nil, errors.New("has a duplicate key")
			}
			if object[name], err = decodeValue(dec); err != nil {
				return nil, err
			}
		}
		_, err = dec.Token()
		return object, err
	case json.Delim('['):
		array := []any{}
		for dec.More() {
			v, err := decodeValue(dec)
			if err != nil {
				return nil, err
			}
			array = append(array, v)
		}
		_, err = dec.Token()
		return array, err
	}
	return token, nil
}

// form reads the fields of a body or a query and keeps the first problem.
type form struct {
	fields  map[string]any
	prefix  string // of the field names in problems
	problem *problem
}

// queryForm reads a query. A parameter must not occur twice.
func queryForm(raw string) (*form, *problem) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "MALFORMED_QUERY", "", "The query is malformed")
	}
	f := &form{fields: map[string]any{}}
	for name, value := range values {
		if f.fields[name] = value[0]; len(value) > 1 {
			f.refuse(name, "occurs twice")
		}
	}
	return f, f.problem
}

// bodyForm reads a JSON body.
func bodyForm(h http.Header, body []byte) (*form, *problem) {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset, has := params["charset"]
	if err != nil || mediaType != "application/json" || has && !strings.EqualFold(charset, "utf-8") {
		return nil, refused(http.StatusBadRequest, "INVALID_CONTENT_TYPE", "", "The Content-Type is not application/json")
	}
	fields, err := decodeObject(body)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "MALFORMED_JSON", "", "The body "+err.Error())
	}
	return &form{fields: fields}, nil
}

// refuse records a problem, unless there is one already.
func (f *form) refuse(name, rule string) {
	if f.problem == nil {
		f.problem = invalid(f.prefix+name, rule)
	}
}

// only refuses all fields but those in names.
func (f *form) only(names []string) {
	for _, name := range slices.Sorted(maps.Keys(f.fields)) { // always the same problem
		if !slices.Contains(names, name) {
			f.refuse(name, "is not known here")
		}
	}
}

// tolerate removes the fields that are null, and those that are not in names.
func (f *form) tolerate(null, unknown bool, names []string) {
	maps.DeleteFunc(f.fields, func(name string, value any) bool {
		return null && value == nil || unknown && !slices.Contains(names, name)
	})
}

// text reads an optional string; nil means that it was omitted. It refuses null.
func (f *form) text(name string) *string {
	value, sent := f.fields[name]
	s, ok := value.(string)
	if !sent {
		return nil
	}
	if !ok {
		f.refuse(name, "must be a string")
	}
	return &s
}

// required reads a required string that must follow a rule.
func (f *form) required(name, rule string, follows func(string) bool) string {
	s := f.text(name)
	if s == nil {
		f.refuse(name, "is required")
		return ""
	}
	if !follows(*s) {
		f.refuse(name, rule)
	}
	return *s
}

// object reads an optional object; nil means that it was omitted.
func (f *form) object(name string) map[string]any {
	value, sent := f.fields[name]
	object, ok := value.(map[string]any)
	if sent && !ok {
		f.refuse(name, "must be an object")
	}
	return object
}

func (f *form) channel() mihu.Channel {
	const sms = "must be call or whatsapp; SMS is bound with POST /agents/{uuid}/channels/sms"
	return mihu.Channel(f.required("channel", sms, func(s string) bool { return s == "call" || s == "whatsapp" }))
}

func (f *form) trunkID() mihu.TrunkID {
	number := f.required("phone_number", "must be an E.164 number", isE164)
	return mihu.TrunkID{PhoneNumber: number, Channel: f.channel()}
}

func (f *form) agent(rules *Rules) string {
	had := f.problem
	uuid := f.required("agent_uuid", "must be a UUID", isUUID)
	if f.problem != had && uuid != "" {
		f.problem.place(rules.MalformedAgentStatus)
	}
	return strings.ToLower(uuid)
}

var sipFields = []string{"gateway", "port", "username", "password", "secondary_gateway"}

// change reads the fields that creating and updating a trunk have in common. Only an update can
// clear the port.
func (f *form) change(canClear bool) *change {
	c := &change{name: f.text("name"), direction: f.text("direction"), settings: f.object("additional_settings")}
	if d := c.direction; d != nil && *d != "inbound" && *d != "outbound" && *d != "both" {
		f.refuse("direction", "must be inbound, outbound or both")
	}
	sip := &form{fields: f.object("sip"), prefix: "sip."}
	sip.only(sipFields)
	c.gateway, c.secondaryGateway = sip.text("gateway"), sip.text("secondary_gateway")
	c.username, c.password = sip.text("username"), sip.text("password")
	c.port = sip.port(canClear)
	if f.problem == nil {
		f.problem = sip.problem
	}
	return c
}

// port reads an optional port; nil means that it was omitted and 0 that it is cleared.
func (f *form) port(canClear bool) *int {
	port, sent := f.fields["port"]
	if !sent {
		return nil
	}
	p, ok := port.(float64)
	switch {
	case !ok && (port != "" || !canClear):
		f.refuse("port", "must be an integer")
	case ok && (p < 1 || p > 65535 || p != math.Trunc(p)):
		f.refuse("port", "must be 1 to 65535")
	}
	return new(int(p))
}

// count reads an optional parameter of a list, an integer from 1 to maximum.
func (f *form) count(name string, to *int, maximum int) {
	if s := f.text(name); s != nil {
		n, err := strconv.Atoi(*s)
		if *to = n; err != nil || n < 1 || n > maximum {
			f.refuse(name, fmt.Sprintf("must be 1 to %d", maximum))
		}
	}
}

// cursor reads an optional cursor and returns the offset that it stands for.
func (f *form) cursor() int {
	s := f.text("cursor")
	if s == nil {
		return 0
	}
	after, ok := strings.CutPrefix(*s, cursorPrefix)
	offset, err := strconv.Atoi(after)
	if !ok || err != nil || offset < 0 {
		f.refuse("cursor", "must be the next_cursor of a page")
	}
	return offset
}
