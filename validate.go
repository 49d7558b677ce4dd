package mihu

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

// faults gathers everything that is wrong with an input.
type violations []FieldViolation

func (f *violations) add(field, value, problem string) {
	*f = append(*f, FieldViolation{Field: field, Value: value, Problem: problem})
}

// err is nil where there are no faults.
func (f violations) err(op string) error {
	if len(f) == 0 {
		return nil
	}
	return &ValidationError{Op: op, Violations: f}
}

// hide removes the secrets of a request from what its faults show, for a caller who has put one
// into the wrong field.
func (f violations) hide(secrets ...*string) violations {
	if len(f) == 0 {
		return f
	}
	r := new(redact.Redactor)
	for _, secret := range secrets {
		if secret != nil {
			r.Add(*secret)
		}
	}
	for i := range f {
		f[i].Value = r.Secrets(f[i].Value)
	}
	return f
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isDigit(rune(c)) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

const words = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"

// shown is a value that is wrong, for its error; and nothing where it looks like something else that
// was put into its place, such as a password, or a gateway with a user in it.
func shown(value, alphabet string) string {
	if strings.Trim(value, alphabet) != "" || len(value) > 255 {
		return ""
	}
	return redact.Text(redact.Clip(value))
}

func (f *violations) number(field, number string) {
	if number == "" {
		f.add(field, "", "empty; want E.164 such as +12345678901")
	} else if !redact.IsE164(number) {
		f.add(field, redact.BadNumber(number), "not E.164; want \"+\", the country code and the rest, 2 to 15 digits, such as +12345678901")
	}
}

func (f *violations) uuid(field, uuid string) {
	if uuid == "" {
		f.add(field, "", "empty; want a UUID")
	} else if !isUUID(uuid) {
		f.add(field, shown(uuid, "0123456789abcdefABCDEF-"), "not a UUID such as 3c90c3cc-0d44-4b50-8888-8dd25736052a")
	}
}

// trunk checks what a trunk is called by. The API takes a number without its plus in DELETE only.
func (f *violations) trunk(id TrunkID, plusOptional bool) {
	if !plusOptional || !redact.IsE164("+"+id.PhoneNumber) {
		f.number("phone_number", id.PhoneNumber)
	}
	switch id.Channel {
	case ChannelCall, ChannelWhatsApp:
	case "":
		f.add("channel", "", `empty; want "call" or "whatsapp"`)
	case ChannelSMS:
		f.add("channel", "sms", "not a channel of a trunk; SMS is bound with POST /agents/{uuid}/channels/sms")
	default:
		f.add("channel", shown(string(id.Channel), words), `want "call" or "whatsapp"`)
	}
}

func (f *violations) text(field, value string) {
	if !utf8.ValidString(value) {
		f.add(field, "", "not valid UTF-8, and would be changed on its way")
	}
	for i, r := range value {
		if r < ' ' || r == 0x7f {
			f.add(field, "", fmt.Sprintf("has a control character at position %d; was it read with its line end?", i+1))
			return
		}
	}
}

func (f *violations) optionalText(field string, value *string) {
	if value != nil {
		f.text(field, *value)
	}
}

func (f *violations) direction(channel Channel, direction Direction) {
	switch direction {
	case DirectionInbound, DirectionOutbound, DirectionBoth:
	case "":
		f.add("direction", "", `empty; it cannot be cleared, want "inbound", "outbound" or "both"`)
	default:
		f.add("direction", shown(string(direction), words), `want "inbound", "outbound" or "both"`)
	}
	if channel == ChannelWhatsApp {
		f.add("direction", "", "a WhatsApp trunk has none; the API would ignore it in silence")
	}
}

func (f *violations) sipOn(channel Channel) {
	if channel == ChannelWhatsApp {
		f.add("sip", "", "a WhatsApp trunk has no SIP credentials; the API would ignore them in silence")
	}
}

func (f *violations) port(field string, port int) {
	if port < 1 || port > 65535 {
		f.add(field, strconv.Itoa(port), "out of range; want 1 to 65535")
	}
}

// gateway checks a host name or IP address. "" is for the caller to judge.
func (f *violations) gateway(field, gateway string) {
	if gateway == "" || len(gateway) <= 253 && isHost(gateway) {
		return
	}
	const want = "; want a host name or an IP address such as sip.example.com"
	bare := strings.TrimSuffix(strings.TrimPrefix(gateway, "["), "]")
	if addr, err := netip.ParseAddr(bare); err == nil && addr.Zone() == "" && (bare == gateway || addr.Is6() && gateway == "["+bare+"]") {
		return
	}
	value := shown(gateway, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/-_[]")
	host, port, hasPort := strings.Cut(gateway, ":")
	switch {
	case strings.Contains(gateway, "://"), hasPort && isScheme(host):
		f.add(field, value, "has a scheme"+want)
	case strings.ContainsAny(gateway, "/?#@"):
		f.add(field, value, "is more than a host"+want)
	case hasPort && strings.Trim(port, "0123456789") == "":
		f.add(field, value, "has a port, which belongs in sip.port"+want)
	default:
		f.add(field, value, "not a host name"+want)
	}
}

func (f *violations) optionalGateway(field string, value *string) {
	if value != nil {
		f.gateway(field, *value)
	}
}

func isScheme(s string) bool {
	switch strings.ToLower(s) {
	case "sip", "sips", "tel", "http", "https", "udp", "tcp", "tls", "ws", "wss":
		return true
	}
	return false
}

// isHost allows the underscore, which service records use. No top-level domain is a number: what
// ends in one is a mistyped address.
func isHost(s string) bool {
	last := ""
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		last = label
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isLetter(rune(c)) && !isDigit(rune(c)) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return strings.Trim(last, "0123456789") != ""
}

func (f *violations) settings(settings map[string]any) {
	if settings == nil {
		return
	}
	if _, problem := encode(settings); problem != "" {
		f.add("additional_settings", "", problem)
	}
}

// encode writes a body as JSON, or says why it cannot be sent.
func encode(v any) (body []byte, problem string) {
	switch v := v.(type) {
	case json.RawMessage:
		if !utf8.Valid(v) {
			return nil, "not valid UTF-8"
		}
	case []byte, io.Reader:
		return nil, fmt.Sprintf("%T would not be sent as it is; JSON that is ready is a json.RawMessage", v)
	}
	body, err := json.Marshal(v)
	switch err.(type) { //nolint:errorlint // what another type's own encoding says may repeat what it holds
	case nil:
	case *json.UnsupportedTypeError, *json.UnsupportedValueError:
		return nil, "cannot be written as JSON: " + err.Error()
	default:
		return nil, fmt.Sprintf("cannot be written as JSON (%T)", err)
	}
	if string(body) == "null" {
		return nil, "is null, which the API does not document; leave it out"
	}
	if !utf8.Valid(body) || hasReplacement(body) && hasBadText(reflect.ValueOf(v)) {
		return nil, "holds text that is not valid UTF-8, and would be changed on its way"
	}
	return body, ""
}

// hasReplacement finds what encoding/json writes in place of bytes that are not UTF-8: the character
// or, before Go 1.27, its escape. It may have been there before.
func hasReplacement(body []byte) bool {
	return bytes.Contains(body, []byte("\uFFFD")) || bytes.Contains(body, []byte(`\ufffd`))
}

// hasBadText looks for text that is not UTF-8 in whatever can be written as JSON.
func hasBadText(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return false // null, whatever its type would write
	}
	if v.CanInterface() {
		switch v := v.Interface().(type) {
		case json.Marshaler:
			return false // its output was checked as a part of the whole
		case encoding.TextMarshaler:
			text, err := v.MarshalText()
			return err == nil && !utf8.Valid(text)
		}
	}
	switch v.Kind() {
	case reflect.String:
		return !utf8.ValidString(v.String())
	case reflect.Pointer:
		return hasBadText(v.Elem())
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
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return false // base64
		}
		for i := range v.Len() {
			if hasBadText(v.Index(i)) {
				return true
			}
		}
	default:
	}
	return false
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
