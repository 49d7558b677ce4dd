package mihu

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

func addSamples(f *testing.F, pattern string) {
	f.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), pattern) {
			sample, err := os.ReadFile("testdata/" + entry.Name())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(sample)
		}
	}
}

// Decoding any response either succeeds, or fails and leaves the target unchanged.
func FuzzDecodeResponse(f *testing.F) {
	addSamples(f, ".json")
	f.Add([]byte(`{"success":1,"data":{"is_external":"1","channels":[]}}`))
	f.Add([]byte(`{"success":true,"data":{"number":123,"channels":{"call":{"channel_limit":"10","whitelisted_destinations":{}}}}}`))
	f.Add([]byte(`{"success":"0","data":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var snap ChannelSnapshot
		if err := decodeResponse(body, &snap); err != nil {
			if snap.Number != "" || snap.PhoneNumberUUID != "" || snap.Channels.Call.Bound {
				t.Errorf("%v, but the target has %#v", err, snap.Channels)
			}
			return
		}
		var second ChannelSnapshot
		if err := decodeResponse(body, &second); err != nil || second.Number != snap.Number {
			t.Errorf("a second decoding differs: %v", err)
		}
		_ = snap.Binding(ChannelCall)
	})
}

// The error of any response is printable, of bounded length and without secrets.
func FuzzDecodeProblem(f *testing.F) {
	const secret = "planted-secret"
	addSamples(f, ".json")
	f.Add([]byte(`{"success":false,"message":"no planted-secret","error":{"code":"planted-secret","details":"+12345678901","field":"a"}}`))
	f.Add([]byte(`{"message":"m","errors":{"phone_number":["taken","+1 (234) 567-8901"]}}`))
	f.Add([]byte(`{"data":{"error":"purchase_limit_reached","limit":1}}`))
	f.Add([]byte(`<html>planted-secret</html>`))
	f.Add([]byte(`{"errors":["planted\u002dsecret"]}`))
	f.Add([]byte(`{"error":{"code":"A12345678901"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &call{core: &core{}, spec: &spec{op: "test"}, body: []byte(`{"sip":{"password":"` + secret + `"},"phone_number":"+12345678901"}`)}
		err := (&attempt{call: c, response: new(Response)}).apiError(&http.Response{StatusCode: http.StatusUnprocessableEntity, Header: http.Header{}}, body, nil)
		text := err.Error()
		if strings.Contains(text, secret) || strings.Contains(text, "12345678901") || strings.Contains(string(err.Body), secret) {
			t.Errorf("%s\n%s", text, err.Body)
		}
		if len(text) > 16<<10 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00") {
			t.Errorf("%d bytes: %q", len(text), text)
		}
	})
}

// Any page that decodes is consistent: it is the last one if it reports no more pages or is empty.
func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(`{"success":true,"data":{"items":[{"number":"+12345678901","purchased_at":"2026-01-02 03:04:05"}],"pagination":{"current_page":1,"last_page":"3","has_more":1}}}`))
	f.Add([]byte(`{"data":{"items":{},"pagination":[]}}`))
	f.Add([]byte(`{"data":{"items":null,"pagination":{"total":"7","per_page":2,"from":null}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var page Page[PhoneNumber]
		if decodeResponse(body, &page) != nil {
			return
		}
		more, known := page.more(1)
		if last := page.isLast(1); last != (known && !more || len(page.Items) == 0) {
			t.Errorf("last: %t, more: %t, known: %t", last, more, known)
		}
		for _, number := range page.Items {
			_ = number.Binding(ChannelCall)
		}
	})
}

// The wait of any Retry-After header is between 0 and a year.
func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "1.5", "-1", "120", "9223372037", "1e999", "NaN", "Wed, 21 Oct 2026 07:28:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "soon"} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		if wait := parseRetryAfter(value, now); wait < 0 || wait > 365*24*time.Hour {
			t.Errorf("%q waits %v", value, wait)
		}
	})
}

// IsE164 accepts exactly what the documented pattern accepts, and a masked number never contains
// the number.
func FuzzE164(f *testing.F) {
	for _, seed := range []string{"+12345678901", "+1", "+10", "+0123", "12345678901", "+123456789012345", "+1234567890123456", "+1 234", "+１２３", ""} {
		f.Add(seed)
	}
	pattern := regexp.MustCompile(`\A\+[1-9]\d{1,14}\z`)
	f.Fuzz(func(t *testing.T, number string) {
		if want := pattern.MatchString(number); redact.IsE164(number) != want {
			t.Errorf("%q is E.164: %t", number, want)
		}
		masked := MaskNumber(number)
		if len(number) > 3 && strings.Contains(masked, number) && strings.ContainsAny(number, "0123456789") && len(strings.Trim(number, "+-./() ")) > 3 {
			t.Errorf("%q is printed as %q", number, masked)
		}
		_ = redact.Text(number)
	})
}

// Any path argument is one segment of the path, or is rejected.
func FuzzPathArgument(f *testing.F) {
	for _, seed := range []string{"", ".", "..", "a/b", `a\b`, "x#y", "?q", "%2e%2e", "%2f", "\r\n", "\x00", "é", "a b", "+1", "a;b", "//evil.test"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		var found violations
		target := (&spec{path: "/phone-numbers/{uuid}/channels", args: map[string]string{"uuid": arg}}).target(&found)
		if len(found) > 0 {
			return
		}
		u, err := url.Parse("https://acme.mihu.ai/api/v1" + target)
		if err != nil {
			t.Fatalf("%q: %v", arg, err)
		}
		if u.Host != "acme.mihu.ai" || u.RawQuery != "" || u.Fragment != "" || u.Path != "/api/v1/phone-numbers/"+arg+"/channels" {
			t.Errorf("%q became %s", arg, u)
		}
		if joined := u.JoinPath(); joined.EscapedPath() != u.EscapedPath() {
			t.Errorf("%q is cleaned to %s", arg, joined)
		}
	})
}

// An update with any texts is rejected, or sends exactly these texts.
func FuzzUpdateEncoding(f *testing.F) {
	f.Add("Reception", "inbound", "sip.example.com", 5060, "alice", "s3cret", "key", "value", true)
	f.Add("", "", "", 0, "", "", "", "", false)
	f.Add("\xff", "both", "[::1]", 65536, "a\x00b", "é", "\ufffd", `\ufffd`, true)
	f.Fuzz(func(t *testing.T, name, direction, gateway string, port int, username, password, key, value string, full bool) {
		req := &TrunkUpdateRequest{Name: &name, SIP: &SIPUpdate{Gateway: &gateway, Port: SetPort(port), Username: &username, Password: &password}}
		if full {
			req.Direction = new(Direction(direction))
			req.AdditionalSettings = map[string]any{key: value}
		}
		id := TrunkID{"+12345678901", ChannelCall}
		if req.Validate(id) != nil {
			return
		}
		body, problem := encode(req.spec("test", id).body)
		if problem != "" {
			t.Fatal(problem)
		}
		var sent struct {
			Name      string
			Direction string
			SIP       struct {
				Gateway, Username, Password string
				Port                        int
			}
			AdditionalSettings map[string]string `json:"additional_settings"`
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if sent.Name != name || sent.SIP.Gateway != gateway || sent.SIP.Port != port || sent.SIP.Username != username || sent.SIP.Password != password {
			t.Errorf("%q, %q, %q, %q became %s", name, gateway, username, password, body)
		}
		if full && (sent.Direction != direction || sent.AdditionalSettings[key] != value) {
			t.Errorf("%q, %q: %q became %s", direction, key, value, body)
		}
	})
}
