package mihutest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu"
)

// The types below are written from the contract and not from the structs of package mihu, so
// that a mistake there does not hide here.

type bindingData struct {
	Bound     bool    `json:"bound"`
	AgentUUID *string `json:"agent_uuid"`
	AgentName *string `json:"agent_name"`
}

type inboundData struct {
	Enabled      bool `json:"enabled"`
	ChannelLimit *int `json:"channel_limit"`
}

type settingData struct {
	inboundData
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
}

type carrierData struct {
	Capable bool `json:"capable"`
	settingData
	bindingData
}

type snapshotData struct {
	PhoneNumberUUID string `json:"phone_number_uuid"`
	Number          string `json:"number"`
	IsExternal      bool   `json:"is_external"`
	Source          string `json:"source"`
	Channels        struct {
		Call     carrierData `json:"call"`
		SMS      carrierData `json:"sms"`
		WhatsApp bindingData `json:"whatsapp"`
		Inbound  inboundData `json:"inbound"`
	} `json:"channels"`
}

type capabilitiesData struct {
	Voice        bool `json:"voice"`
	SMS          bool `json:"sms"`
	MMS          bool `json:"mms"`
	Fax          bool `json:"fax"`
	Emergency    bool `json:"emergency"`
	LocalCalling bool `json:"local_calling"`
}

type itemData struct {
	PhoneNumberUUID string           `json:"phone_number_uuid"`
	Number          string           `json:"number"`
	CountryCode     *string          `json:"country_code"`
	Location        *string          `json:"location"`
	Type            *string          `json:"type"`
	IsExternal      bool             `json:"is_external"`
	Source          string           `json:"source"`
	Status          string           `json:"status"`
	Compliance      *struct{}        `json:"compliance"`
	Capabilities    capabilitiesData `json:"capabilities"`
	ChannelSettings struct {
		Voice   settingData `json:"voice"`
		SMS     settingData `json:"sms"`
		Inbound inboundData `json:"inbound"`
	} `json:"channel_settings"`
	Billing  *struct{} `json:"billing"`
	Bindings struct {
		Call     bindingData `json:"call"`
		SMS      bindingData `json:"sms"`
		WhatsApp bindingData `json:"whatsapp"`
	} `json:"bindings"`
	PurchasedAt *string `json:"purchased_at"`
	UpdatedAt   *string `json:"updated_at"`
}

type pagination struct {
	CurrentPage int  `json:"current_page"`
	PerPage     int  `json:"per_page"`
	Total       int  `json:"total"`
	LastPage    int  `json:"last_page"`
	From        *int `json:"from"`
	To          *int `json:"to"`
	HasMore     bool `json:"has_more"`
}

type pageData struct {
	Items      []itemData  `json:"items"`
	Pagination *pagination `json:"pagination,omitempty"`
}

func (st *state) bindingData(n *number, channel mihu.Channel) bindingData {
	b := *n.at(channel)
	if b == nil {
		return bindingData{}
	}
	a, _ := st.agent(b.agent)
	return bindingData{Bound: true, AgentUUID: &a.uuid, AgentName: &a.name}
}

// settings are what the server says of every number of a kind: calls work on both, SMS on
// purchased numbers, and only these have a limit.
func (n *number) settings() (voice, sms settingData, inbound inboundData, source string) {
	voice = settingData{inboundData{Enabled: true}, []string{}}
	sms = settingData{inboundData{}, []string{}}
	source = string(mihu.SourceExternal)
	if n.purchased {
		voice.ChannelLimit = new(10)
		sms = voice
		source = string(mihu.SourcePurchased)
	}
	return voice, sms, voice.inboundData, source
}

func (st *state) snapshot(n *number) snapshotData {
	voice, sms, inbound, source := n.settings()
	d := snapshotData{PhoneNumberUUID: n.uuid, Number: n.e164, IsExternal: !n.purchased, Source: source}
	d.Channels.Call = carrierData{voice.Enabled, voice, st.bindingData(n, mihu.ChannelCall)}
	d.Channels.SMS = carrierData{sms.Enabled, sms, st.bindingData(n, mihu.ChannelSMS)}
	d.Channels.WhatsApp = st.bindingData(n, mihu.ChannelWhatsApp)
	d.Channels.Inbound = inbound
	return d
}

func (st *state) item(n *number) itemData {
	d := itemData{PhoneNumberUUID: n.uuid, Number: n.e164, Type: new("local"), IsExternal: !n.purchased, Status: "active"}
	s := &d.ChannelSettings
	s.Voice, s.SMS, s.Inbound, d.Source = n.settings()
	d.Capabilities = capabilitiesData{Voice: s.Voice.Enabled, SMS: s.SMS.Enabled}
	d.Bindings.Call = st.bindingData(n, mihu.ChannelCall)
	d.Bindings.SMS = st.bindingData(n, mihu.ChannelSMS)
	d.Bindings.WhatsApp = st.bindingData(n, mihu.ChannelWhatsApp)
	return d
}

// answer is what a request is answered with.
type answer struct {
	status  int
	message string   // "" sends none
	data    any      // nil sends none
	problem *problem // instead of the two above
	raw     []byte   // not nil: instead of JSON
	changed bool
}

// problem is why a request was refused.
type problem struct {
	status  int
	code    string
	message string
	details string
	field   string
	allow   string // the Allow header
}

// refused is a problem. Messages name no values, so they can be logged.
func refused(status int, code, field, message string) *problem {
	return &problem{status: status, code: code, message: message, details: message, field: field}
}

func invalid(field, rule string) *problem {
	p := refused(http.StatusUnprocessableEntity, "VALIDATION_ERROR", field, "The given data was invalid")
	p.details = "The field " + field + " " + rule
	return p
}

func (p *problem) answer() answer { return answer{status: p.status, problem: p} }

// err is p as the error of a method of Server.
func (p *problem) err(method string) error {
	return fmt.Errorf("mihutest: %s: %d %s: %s", method, p.status, p.code, p.details)
}

type errorData struct {
	Code    string `json:"code"`
	Details string `json:"details"`
	Field   string `json:"field,omitempty"`
}

type envelope struct {
	Success *bool               `json:"success,omitempty"`
	Message string              `json:"message,omitempty"`
	Error   *errorData          `json:"error,omitempty"`
	Errors  map[string][]string `json:"errors,omitempty"`
	Data    any                 `json:"data,omitempty"`
}

// body is the body of an answer.
func (a answer) body(shape ErrorShape) []byte {
	if a.raw != nil || a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return a.raw
	}
	e := envelope{Success: new(true), Message: a.message, Data: a.data}
	if a.problem != nil {
		e = a.problem.envelope(shape)
	}
	b, err := json.Marshal(e)
	if err != nil { // a struct of this file that cannot be encoded; every test would show it
		return fmt.Appendf(nil, `{"success":false,"message":%q}`, err)
	}
	return b
}

func (p *problem) envelope(shape ErrorShape) envelope {
	field := p.field
	if p.status != http.StatusUnprocessableEntity {
		field = ""
	}
	switch shape {
	case ErrorFramework:
		e := envelope{Message: p.message}
		if p.status == http.StatusUnauthorized {
			e.Message = "Unauthenticated."
		}
		if field != "" {
			e.Errors = map[string][]string{field: {p.details}}
		}
		return e
	case ErrorData:
		return envelope{Success: new(false), Message: p.message, Data: map[string]string{"error": strings.ToLower(p.code)}}
	default:
		return envelope{Success: new(false), Message: p.message, Error: &errorData{p.code, p.details, field}}
	}
}

// decodeObject decodes a JSON object and nothing but one. Unlike encoding/json it refuses
// repeated keys and invalid UTF-8. Numbers are float64.
func decodeObject(b []byte) (map[string]any, error) {
	if !utf8.Valid(b) || !json.Valid(b) { // which also bounds the depth
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
				return nil, errors.New("repeats a key")
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

// form reads the fields of a body or a query. It keeps the first problem.
type form struct {
	fields  map[string]any
	prefix  string // of the names in problems
	problem *problem
}

// queryForm is the form of a query, in which no parameter may be repeated.
func queryForm(raw string) (*form, *problem) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "MALFORMED_QUERY", "", "The query is malformed")
	}
	f := &form{fields: map[string]any{}}
	for name, value := range values {
		if f.fields[name] = value[0]; len(value) > 1 {
			f.refuse(name, "is repeated")
		}
	}
	return f, f.problem
}

func (f *form) refuse(name, rule string) {
	if f.problem == nil {
		f.problem = invalid(f.prefix+name, rule)
	}
}

// only refuses fields other than those named.
func (f *form) only(names []string) {
	for _, name := range slices.Sorted(maps.Keys(f.fields)) { // the same problem every time
		if !slices.Contains(names, name) {
			f.refuse(name, "is not known here")
		}
	}
}

// text is a field that may be left out; nil where it is. Here as elsewhere null is not a value.
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

// required is a field that has to be there and to follow a rule.
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

func (f *form) agent() string {
	return strings.ToLower(f.required("agent_uuid", "must be a UUID", isUUID))
}

// change reads what creating and updating a trunk have in common. Only updating can clear a port.
func (f *form) change(canClear bool) *change {
	c := &change{name: f.text("name"), direction: f.text("direction"), settings: f.object("additional_settings")}
	if d := c.direction; d != nil && *d != "inbound" && *d != "outbound" && *d != "both" {
		f.refuse("direction", "must be inbound, outbound or both")
	}
	sip := &form{fields: f.object("sip"), prefix: "sip."}
	sip.only([]string{"gateway", "port", "username", "password", "secondary_gateway"})
	c.gateway, c.secondaryGateway = sip.text("gateway"), sip.text("secondary_gateway")
	c.username, c.password = sip.text("username"), sip.text("password")
	switch port, sent := sip.fields["port"]; p := port.(type) {
	case float64:
		if c.port = new(int(p)); p < 1 || p > 65535 || p != math.Trunc(p) {
			sip.refuse("port", "must be 1 to 65535")
		}
	default:
		if c.port = new(0); sent && (port != "" || !canClear) {
			sip.refuse("port", "must be an integer")
		}
		if !sent {
			c.port = nil
		}
	}
	if f.problem == nil {
		f.problem = sip.problem
	}
	return c
}
