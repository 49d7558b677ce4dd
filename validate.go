package mihu

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

// violations collects everything that is wrong with an input.
type violations []FieldViolation

func (f *violations) add(field, value, problem string) {
	*f = append(*f, FieldViolation{Field: field, Value: value, Problem: problem})
}

// err returns nil if there are no violations.
func (f violations) err(op string) error {
	if len(f) == 0 {
		return nil
	}
	return &ValidationError{Op: op, Violations: f}
}

// hide removes the secrets of a request from the values of its violations: a caller may have put
// one into the wrong field.
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

// shown returns a value for the violation that it causes. It returns "" if the value looks like
// something else that was put into its place, such as a password, or a gateway with a user in it.
func shown(value, alphabet string) string {
	if strings.Trim(value, alphabet) != "" || len(value) > 255 {
		return ""
	}
	return redact.Text(redact.Clip(value))
}

const (
	lettersOf = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	words     = lettersOf + "_-"
)

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

// Trunks and their fields.

func nilRequest(op string) error {
	return (violations{{Field: "request", Problem: "nil"}}).err(op)
}

// Validate checks the ID. It returns nil or a *ValidationError with every violation. Nothing is
// sent. Only Delete also accepts a number without its plus.
func (id TrunkID) Validate() error {
	var found violations
	found.trunk(id, false)
	return found.err(OpValidate)
}

// Validate checks the request as Create does. It returns nil or a *ValidationError with every
// violation. Nothing is sent.
func (r *TrunkCreateRequest) Validate() error {
	if r == nil {
		return nilRequest(OpValidate)
	}
	return r.check(OpValidate)
}

// Validate checks the request as Update does for that trunk. It returns nil or a *ValidationError
// with every violation. Nothing is sent.
func (r *TrunkUpdateRequest) Validate(id TrunkID) error {
	if r == nil {
		return nilRequest(OpValidate)
	}
	return r.check(OpValidate, id)
}

func (r *TrunkCreateRequest) check(op string) error {
	var found violations
	found.trunk(r.TrunkID, false)
	found.uuid("agent_uuid", r.AgentUUID)
	found.text("name", r.Name)
	if r.Direction != "" {
		found.direction(r.Channel, r.Direction)
	}
	found.settings(r.AdditionalSettings)
	sip := r.SIP
	if sip == nil || *sip == (SIPCredentials{}) {
		return found.err(op)
	}
	found.sipOn(r.Channel)
	found.gateway("sip.gateway", sip.Gateway)
	if sip.Port != 0 {
		found.port("sip.port", sip.Port)
	}
	found.text("sip.username", sip.Username)
	found.text("sip.password", sip.Password)
	found.gateway("sip.secondary_gateway", sip.SecondaryGateway)
	return found.hide(&sip.Username, &sip.Password).err(op)
}

func (r *TrunkUpdateRequest) check(op string, id TrunkID) error {
	var found violations
	found.trunk(id, false)
	if r.isEmpty() {
		found.add("request", "", "changes nothing; set at least one field")
	}
	found.optionalText("name", r.Name)
	if r.Direction != nil {
		found.direction(id.Channel, *r.Direction)
	}
	found.settings(r.AdditionalSettings)
	if r.noSIP() {
		return found.err(op)
	}
	sip := r.SIP
	found.sipOn(id.Channel)
	if sip.Port != nil && !sip.Port.clear {
		found.port("sip.port", sip.Port.port)
	}
	found.optionalGateway("sip.gateway", sip.Gateway)
	found.optionalText("sip.username", sip.Username)
	found.optionalText("sip.password", sip.Password)
	found.optionalGateway("sip.secondary_gateway", sip.SecondaryGateway)
	return found.hide(sip.Username, sip.Password).err(op)
}

// trunk checks the identity of a trunk. The API accepts a number without its plus in DELETE only.
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
		f.add("direction", "", "a WhatsApp trunk has none; the API would ignore it silently")
	}
}

func (f *violations) settings(settings map[string]any) {
	if settings == nil {
		return
	}
	if _, problem := encode(settings); problem != "" {
		f.add("additional_settings", "", problem)
	}
}

// SIP credentials.

func (f *violations) sipOn(channel Channel) {
	if channel == ChannelWhatsApp {
		f.add("sip", "", "a WhatsApp trunk has no SIP credentials; the API would ignore them silently")
	}
}

func (f *violations) port(field string, port int) {
	if port < 1 || port > 65535 {
		f.add(field, strconv.Itoa(port), "out of range; want 1 to 65535")
	}
}

// gateway checks a host name or IP address. Whether "" is allowed is for the caller to check.
func (f *violations) gateway(field, gateway string) {
	if gateway == "" || len(gateway) <= 253 && isHost(gateway) || isAddress(gateway) {
		return
	}
	const want = "; want a host name or an IP address such as sip.example.com"
	value := shown(gateway, lettersOf+"0123456789.:/-_[]")
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

// isAddress reports whether s is an IP address; version 6 may stand in brackets.
func isAddress(s string) bool {
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	addr, err := netip.ParseAddr(bare)
	return err == nil && addr.Zone() == "" && (bare == s || addr.Is6() && s == "["+bare+"]")
}

func isScheme(s string) bool {
	switch strings.ToLower(s) {
	case "sip", "sips", "tel", "http", "https", "udp", "tcp", "tls", "ws", "wss":
		return true
	}
	return false
}

// isHost allows the underscore, which service records use. No top-level domain is a number: a name
// that ends in one is a mistyped address.
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

// Requests, and what goes with them.

func (f *violations) callContext(ctx context.Context) {
	if ctx == nil {
		f.add("context", "", "nil; use context.Background() if there is none")
	}
}

// destination checks what the response is decoded into.
func (f *violations) destination(into any) {
	if into == nil {
		return
	}
	if v := reflect.ValueOf(into); v.Kind() != reflect.Pointer {
		f.add("data", "", fmt.Sprintf("want a pointer to decode into, or nil, got %T", into))
	} else if v.IsNil() {
		f.add("data", "", fmt.Sprintf("want a pointer to decode into, or nil without a type, got a nil %T", into))
	}
}

func (f *violations) method(method string) {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		f.add("method", redact.Clip(method), "want GET, POST, PUT, PATCH or DELETE")
	}
}

// argProblem refuses what could make a server see another path. The slash is refused even though it
// could be escaped: frameworks match their routes against the unescaped path.
func argProblem(arg string) string {
	switch {
	case arg == "":
		return "empty"
	case arg == "." || arg == "..":
		return "is a dot segment, which would change the endpoint"
	case strings.ContainsAny(arg, `/\`):
		return "has a slash, which would change the endpoint"
	case strings.ContainsFunc(arg, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a control character"
	case !utf8.ValidString(arg):
		return "is not valid UTF-8"
	case len(arg) > 1024:
		return "is longer than 1024 bytes"
	}
	return ""
}

func headerProblem(name, value string) string {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !isDigit(r) && !isLetter(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) {
		return "not the name of a header"
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || !utf8.ValidString(value) {
		return "its value holds a control character or is not UTF-8"
	}
	switch name {
	case "Authorization", "Proxy-Authorization", "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection",
		"Accept-Encoding", "Expect", "Trailer", "Te", "Upgrade":
		return "is set by this package or net/http"
	case "Idempotency-Key", "X-Idempotency-Key":
		return "would make net/http retry the request; the API does not document such a key"
	}
	return ""
}

func (o ListOptions) check(op string) error {
	var found violations
	found.page(o.Page, o.PerPage)
	return found.err(op)
}

func (o AllOptions) check(op string, opts []CallOption) error {
	var cfg callConfig
	for _, opt := range opts {
		if opt != nil {
			opt.applyCall(&cfg)
		}
	}
	var found violations
	if o.Prefetch < 0 {
		found.add("prefetch", strconv.Itoa(o.Prefetch), "want a number of pages, or 0 for none")
	}
	if o.Prefetch > 0 && cfg.response != nil {
		found.add("prefetch", "", "cannot be combined with WithResponse, since pages are fetched concurrently")
	}
	found.page(o.Page, o.PerPage)
	return found.err(op)
}

func (f *violations) page(page, perPage int) {
	if page < 0 {
		f.add("page", strconv.Itoa(page), "want 1 or more, or 0 for the first page")
	}
	if perPage < 0 || perPage > maxPerPage {
		f.add("per_page", strconv.Itoa(perPage), "want 1 to 200, or 0 for the default")
	}
}

// Clients.

func (f *violations) token(field, token string) {
	if problem := tokenProblem(token); problem != "" {
		f.add(field, "", problem)
	}
}

// tokenProblem returns why a token cannot be sent, without quoting it.
func tokenProblem(token string) string {
	if token == "" {
		return "empty; create one in the workspace's settings"
	}
	for i, r := range token {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("has white space, a control character or one that is not ASCII, at position %d; was it read with its line end?", i+1)
		}
	}
	return ""
}

func (f *violations) workspace(field, workspace string) {
	const example = `; want one DNS label such as "acme"`
	if workspace == "" {
		f.add(field, "", "empty"+example)
		return
	}
	if len(workspace) > 63 {
		f.add(field, "", "longer than the 63 characters of a DNS label"+example)
		return
	}
	for i, r := range workspace {
		edge := i == 0 || i == len(workspace)-1
		if !isDigit(r) && !isLetter(r) && (r != '-' || edge) {
			// The value is not shown: a token may have taken the workspace's place.
			f.add(field, "", fmt.Sprintf("%q at position %d is not allowed"+example, r, i+1))
			return
		}
	}
}

// baseURL returns the base URL without a trailing slash and with its host in lower case, so that
// one workspace has one base URL.
func (f *violations) baseURL(base string) string {
	const field = "base URL"
	u, err := url.Parse(base)
	if err != nil {
		f.add(field, "", "not a URL") // the parser's own text quotes it, with its credentials
		return base
	}
	switch {
	case u.User != nil:
		f.add(field, "", "it must not have credentials; pass the token to New")
	case u.RawQuery != "" || u.ForceQuery:
		f.add(field, "", "it must not have a query")
	case strings.Contains(base, "#"):
		f.add(field, "", "it must not have a fragment")
	case u.Hostname() == "":
		f.add(field, "", "it has no host; want the whole URL, such as https://acme.mihu.ai/api/v1")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		f.add(field, redact.Clip(u.Scheme+"://"+u.Host), "want https, or http to a loopback address, since the token is sent there")
	case hasDotSegment(u.Path):
		f.add(field, redact.Clip(u.Scheme+"://"+u.Host), `its path must not have a segment "." or ".."`)
	}
	rest := strings.TrimRight(base, "/")[len(u.Scheme):]
	return u.Scheme + strings.Replace(rest, "//"+u.Host, "//"+strings.ToLower(u.Host), 1)
}

func hasDotSegment(path string) bool {
	segments := strings.Split(path, "/")
	return slices.Contains(segments, ".") || slices.Contains(segments, "..")
}

// isLoopback reports whether the host is this machine's own. Names are compared in any case, with
// or without the dot at their end.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func (f *violations) retryPolicy(p RetryPolicy) {
	if p.MaxAttempts < 0 {
		f.add("retry policy MaxAttempts", strconv.Itoa(p.MaxAttempts), "want 1 or more, or 0 for the default")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"BaseDelay", p.BaseDelay}, {"RateLimitDelay", p.RateLimitDelay}, {"MaxDelay", p.MaxDelay}, {"MaxRetryAfter", p.MaxRetryAfter}} {
		if d.value < 0 {
			f.add("retry policy "+d.name, d.value.String(), "negative; want a duration, or 0 for the default")
		}
	}
}

func (f *violations) userAgent(suffix string) {
	for _, r := range suffix {
		if r < ' ' || r > '~' {
			f.add("user agent", redact.Clip(suffix), "want printable ASCII")
			return
		}
	}
}
