package mihu

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/internal/redact"
)

// formatText prints a text that is safe to show, under any verb.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = fmt.Fprintf(f, stringFormat(f), text)
}

// stringFormat keeps width and alignment and turns every verb into %s.
func stringFormat(f fmt.State) string {
	format := "%"
	if f.Flag('-') {
		format += "-"
	}
	if width, ok := f.Width(); ok {
		format += strconv.Itoa(width)
	}
	return format + "s"
}

// formatGroup prints a value as slog shows it, so that one method, LogValue, decides what a type
// shows.
func formatGroup(f fmt.State, verb rune, name string, v slog.LogValuer) {
	formatText(f, verb, name+groupText(v.LogValue()))
}

func groupText(v slog.Value) string {
	v = v.Resolve()
	if v.Kind() != slog.KindGroup {
		if v.Kind() == slog.KindString {
			return strconv.Quote(v.String())
		}
		return v.String()
	}
	parts := make([]string, 0, len(v.Group()))
	for _, attr := range v.Group() {
		parts = append(parts, attr.Key+":"+groupText(attr.Value))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

// MaskNumber returns a phone number as this package prints it, for a program's own logs:
// "+1234•••8901" for +12345678901. For a text that is not a number it returns the shape of the
// text: "????? •••" for "Hello 123".
func MaskNumber(number string) string { return redact.AnyNumber(number) }

// String returns the masked number and the channel, such as "+1234•••8901/call".
func (id TrunkID) String() string {
	return redact.AnyNumber(id.PhoneNumber) + "/" + redact.Text(redact.OneLine(string(id.Channel), 32))
}

// Format prints String under every verb.
func (id TrunkID) Format(f fmt.State, verb rune) { formatText(f, verb, id.String()) }

// LogValue is String.
func (id TrunkID) LogValue() slog.Value { return slog.StringValue(id.String()) }

// attrs collects what may be shown of a request: the fields that are set, without secrets.
type attrs []slog.Attr

func (a *attrs) text(key, value string) {
	if value != "" {
		*a = append(*a, slog.String(key, redact.Text(value)))
	}
}

// gateway hides what is more than a host, since it may hold a user name and a password.
func (a *attrs) gateway(key, value string) {
	if strings.Contains(value, "@") {
		value = redact.Placeholder
	}
	a.text(key, value)
}

func (a *attrs) change(key string, value *string) {
	if value != nil {
		*a = append(*a, slog.String(key, redact.Text(*value)))
	}
}

func (a *attrs) changeGateway(key string, value *string) {
	if value != nil && *value != "" {
		a.gateway(key, *value)
	} else {
		a.change(key, value)
	}
}

func (a *attrs) secret(key string, set, cleared bool) {
	switch {
	case cleared:
		*a = append(*a, slog.String(key, ""))
	case set:
		*a = append(*a, slog.String(key, redact.Placeholder))
	}
}

func (a *attrs) settings(settings map[string]any) {
	if settings != nil {
		*a = append(*a, slog.Int("additional_settings", len(settings)))
	}
}

// LogValue shows the request without SIP username and password, and only the number of settings.
func (r TrunkCreateRequest) LogValue() slog.Value {
	a := attrs{slog.String("trunk", r.TrunkID.String())}
	a.text("agent_uuid", r.AgentUUID)
	a.text("name", r.Name)
	a.text("direction", string(r.Direction))
	if r.SIP != nil {
		a = append(a, slog.Any("sip", *r.SIP))
	}
	a.settings(r.AdditionalSettings)
	return slog.GroupValue(a...)
}

// Format prints what LogValue shows, under every verb.
func (r TrunkCreateRequest) Format(f fmt.State, verb rune) {
	formatGroup(f, verb, "TrunkCreateRequest", r)
}

// LogValue shows the credentials without username and password.
func (c SIPCredentials) LogValue() slog.Value {
	var a attrs
	a.gateway("gateway", c.Gateway)
	if c.Port != 0 {
		a = append(a, slog.Int("port", c.Port))
	}
	a.secret("username", c.Username != "", false)
	a.secret("password", c.Password != "", false)
	a.gateway("secondary_gateway", c.SecondaryGateway)
	return slog.GroupValue(a...)
}

// Format prints what LogValue shows, under every verb.
func (c SIPCredentials) Format(f fmt.State, verb rune) { formatGroup(f, verb, "SIPCredentials", c) }

// LogValue shows what is to change, without SIP username and password, and only the number of
// settings.
func (r TrunkUpdateRequest) LogValue() slog.Value {
	var a attrs
	a.change("name", r.Name)
	a.change("direction", (*string)(r.Direction))
	if r.SIP != nil {
		a = append(a, slog.Any("sip", *r.SIP))
	}
	a.settings(r.AdditionalSettings)
	return slog.GroupValue(a...)
}

// Format prints what LogValue shows, under every verb.
func (r TrunkUpdateRequest) Format(f fmt.State, verb rune) {
	formatGroup(f, verb, "TrunkUpdateRequest", r)
}

// LogValue shows what is to change, without username and password.
func (u SIPUpdate) LogValue() slog.Value {
	var a attrs
	a.changeGateway("gateway", u.Gateway)
	if u.Port != nil {
		a = append(a, slog.String("port", u.Port.String()))
	}
	a.secret("username", u.Username != nil, u.Username != nil && *u.Username == "")
	a.secret("password", u.Password != nil, u.Password != nil && *u.Password == "")
	a.changeGateway("secondary_gateway", u.SecondaryGateway)
	return slog.GroupValue(a...)
}

// Format prints what LogValue shows, under every verb.
func (u SIPUpdate) Format(f fmt.State, verb rune) { formatGroup(f, verb, "SIPUpdate", u) }

// LogValue shows method and path, without arguments and body.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("path", redact.Text(redact.OneLine(r.Path, 256))))
}

// Format prints what LogValue shows, under every verb.
func (r Request) Format(f fmt.State, verb rune) { formatGroup(f, verb, "Request", r) }

func (b Binding) text() string {
	if !b.Bound {
		return "unbound"
	}
	return b.AgentUUID
}

// LogValue shows the masked number, and the agents of its channels.
func (s ChannelSnapshot) LogValue() slog.Value {
	return bindingsValue(s.Number, s.PhoneNumberUUID, s.External(), s.Binding)
}

// Format prints what LogValue shows, under every verb.
func (s ChannelSnapshot) Format(f fmt.State, verb rune) { formatGroup(f, verb, "ChannelSnapshot", s) }

// LogValue shows the masked number, and the agents of its channels.
func (n PhoneNumber) LogValue() slog.Value {
	return bindingsValue(n.Number, n.PhoneNumberUUID, n.External(), n.Binding)
}

// LogValue shows the position of the page, as far as the API reported it.
func (p Pagination) LogValue() slog.Value {
	var a attrs
	for _, each := range []struct {
		key   string
		value int
	}{{"page", p.CurrentPage}, {"last_page", p.LastPage}, {"per_page", p.PerPage}, {"total", p.Total}} {
		if each.value != 0 {
			a = append(a, slog.Int(each.key, each.value))
		}
	}
	return slog.GroupValue(append(a, slog.Bool("has_more", p.HasMore))...)
}

// Format prints what LogValue shows, under every verb.
func (p Pagination) Format(f fmt.State, verb rune) { formatGroup(f, verb, "Pagination", p) }

// LogValue shows how many items the page has, and its pagination.
func (p Page[T]) LogValue() slog.Value {
	a := attrs{slog.Int("items", len(p.Items))}
	if p.Pagination != nil {
		a = append(a, slog.Any("pagination", *p.Pagination))
	}
	return slog.GroupValue(a...)
}

// Format prints what LogValue shows, under every verb.
func (p Page[T]) Format(f fmt.State, verb rune) { formatGroup(f, verb, "Page", p) }

// Format prints what LogValue shows, under every verb.
func (n PhoneNumber) Format(f fmt.State, verb rune) { formatGroup(f, verb, "PhoneNumber", n) }

func bindingsValue(number, uuid string, external bool, binding func(Channel) Binding) slog.Value {
	a := attrs{slog.String("number", redact.AnyNumber(number)), slog.String("phone_number_uuid", uuid), slog.Bool("external", external)}
	for _, channel := range []Channel{ChannelCall, ChannelSMS, ChannelWhatsApp} {
		a = append(a, slog.String(string(channel), binding(channel).text()))
	}
	return slog.GroupValue(a...)
}

// clipPlain returns a caller's text as an operation or path is shown.
func clipPlain(s string) string {
	s = redact.Text(redact.OneLine(s, 128))
	if s == " " {
		return "do"
	}
	return strings.TrimSpace(s)
}
