package mihu

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
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
	f.Add([]byte(`{"success":true,"data":{"number":"+12345678901","channels":{"call":{"bound":true,"agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}}}}`))
	f.Add([]byte(`{"data":{"data":{"number":"+1 (234) 567-8901","channels":{"call":{"bound":"1","agent_uuid":"3C90C3CC-0D44-4B50-8888-8DD25736052A"},"whatsapp":[]}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		first := new(snapshotTarget)
		if err := decodeResponse(body, first); err != nil {
			if !reflect.ValueOf(first.snap).IsZero() {
				t.Errorf("%v left %#v behind", err, first.snap.Channels)
			}
			return
		}
		snap := &first.snap
		if snap.Number == "" {
			t.Error("a snapshot of no number")
		}
		twice := new(snapshotTarget)
		if err := decodeResponse(body, twice); err != nil || !reflect.DeepEqual(twice.snap, *snap) {
			t.Errorf("decoded once and then not, or as another: %v", err)
		}
		checkOrigin(t, body, snap)
		// Whatever a snapshot shows, it is evidence of one number, channel and agent only.
		binding := snap.Binding(ChannelCall)
		right := expectation{number: "+12345678901", channel: ChannelCall, agent: "3c90c3cc-0d44-4b50-8888-8dd25736052a"}
		digits := digitsOf(snap.Number)
		if shows := binding.Bound && strings.EqualFold(binding.AgentUUID, right.agent) && digits == "12345678901"; shows != (right.check(snap) == nil) {
			t.Errorf("shows %t: %v", shows, right.check(snap))
		}
	})
}

// checkOrigin checks that a snapshot was decoded from a response that is no failure, and that what
// it shows is written there.
func checkOrigin(t *testing.T, body []byte, snap *ChannelSnapshot) {
	t.Helper()
	var root struct{ Success, Data, Error any }
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatalf("decoded though encoding/json does not: %v", err)
	}
	if root.Success == false || root.Success == "false" || root.Success == json.Number("0") || root.Data == nil {
		t.Errorf("decoded from a failure: %s", body)
	}
	if _, ok := root.Error.(map[string]any); ok && len(root.Error.(map[string]any)) > 0 {
		t.Errorf("decoded beside an error: %s", body)
	}
	written := textsOf(root.Data)
	shown := []string{snap.Number}
	for _, channel := range []Channel{ChannelCall, ChannelSMS, ChannelWhatsApp} {
		if binding := snap.Binding(channel); binding.Bound && binding.AgentUUID != "" {
			shown = append(shown, binding.AgentUUID)
		}
	}
	for _, text := range shown {
		if !slices.Contains(written, text) {
			t.Errorf("%q is not in %s", text, body)
		}
	}
}

// textsOf returns all texts and numbers in a JSON value.
func textsOf(v any) (texts []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			texts = append(texts, textsOf(inner)...)
		}
	case []any:
		for _, inner := range v {
			texts = append(texts, textsOf(inner)...)
		}
	case nil:
	default:
		texts = append(texts, fmt.Sprint(v))
	}
	return texts
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

// Whatever the page, what is made of it ends.
func FuzzPages(f *testing.F) {
	f.Add([]byte(`{"success":true,"data":{"items":[{"number":"+12345678901","purchased_at":"2026-01-02 03:04:05"}],"pagination":{"current_page":1,"last_page":"3","has_more":1}}}`))
	f.Add([]byte(`{"data":{"items":{},"pagination":[]}}`))
	f.Add([]byte(`{"data":{"items":null,"pagination":{"total":"7","per_page":2,"from":null}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page := new(numberPage)
		if decodeResponse(body, page) != nil {
			if page.wire.Items != nil {
				t.Error("a failure left items behind")
			}
			return
		}
		for _, number := range page.page().Items {
			if number.Number == "" {
				t.Error("an item without a number")
			}
			_ = number.Binding(ChannelCall)
		}
		// Whatever its pages say, a list ends: with its items, or with an error.
		list := &pager[PhoneNumber, *PhoneNumber]{op: "test", options: AllOptions{Page: 1, PerPage: 2}}
		fetched := 0
		list.fetch = func(context.Context, int) (*numberPage, error) { fetched++; return page, nil }
		list.items(t.Context(), func(PhoneNumber, error) bool { return true })
		if fetched > 2 {
			t.Errorf("the same page was fetched %d times", fetched)
		}
	})
}

// Whatever the form of its pages, a list is exactly what the server has, or an error. Every page
// reports the truth or nothing. Items are only withheld if the first page reports the extent.
func FuzzListAssembly(f *testing.F) {
	f.Add(uint8(7), uint8(3), uint8(0), []byte{0, 1, 2})
	f.Add(uint8(4), uint8(2), uint8(2), []byte{8, 7, 6, 5})
	f.Add(uint8(5), uint8(2), uint8(3), []byte{0x44, 3, 4})
	f.Add(uint8(0), uint8(1), uint8(0), []byte{9})
	f.Add(uint8(20), uint8(9), uint8(1), []byte{0x91, 0x82, 5})
	f.Fuzz(func(t *testing.T, total, size, withheld uint8, forms []byte) {
		size = max(size, 1)
		if len(forms) == 0 || total > 60 {
			return
		}
		withholds := forms[0]%formsOfPages == formTotal || forms[0]%formsOfPages == formFull
		all := make([]string, total)
		for i := range all {
			all[i] = fmt.Sprintf(`{"number":"+1555%07d"}`, i)
		}
		list := &pager[PhoneNumber, *PhoneNumber]{op: "test", options: AllOptions{Page: 1, PerPage: int(size), Prefetch: int(forms[0] >> 7)}}
		list.fetch = func(_ context.Context, number int) (*numberPage, error) {
			first := min((number-1)*int(size), len(all))
			items := all[first:min(first+int(size), len(all))]
			if withholds && number == int(withheld) {
				items = items[:len(items)/2]
			}
			page := new(numberPage)
			body := pageInForm(forms[min(number, len(forms))-1], items, number, int(size), int(total))
			if err := decodeResponse([]byte(body), page); err != nil {
				t.Errorf("%v: %s", err, body)
			}
			return page, nil
		}
		var got []string
		var failed error
		list.items(t.Context(), func(n PhoneNumber, err error) bool {
			if failed = err; err == nil {
				got = append(got, `{"number":"`+n.Number+`"}`)
			}
			return true
		})
		switch missing := withholds && withheld > 0 && (int(withheld)-1)*int(size) < int(total); {
		case failed == nil && !slices.Equal(got, all):
			t.Errorf("%d of %d numbers, without an error", len(got), total)
		case failed != nil && !missing:
			t.Errorf("the server sent everything: %v", failed)
		}
	})
}

// The forms of pages: what they report beside their items.
const (
	formFull = iota
	formTotal
	formLastPage
	formHasMore
	formPartial
	formSilent
	formArray
	formFramework
	formSimple
	formLinks
	formsOfPages
)

// pageInForm returns a page in a form, all of whose reports are true.
func pageInForm(form byte, items []string, number, size, total int) string {
	list := "[" + strings.Join(items, ",") + "]"
	last := max(1, (total+size-1)/size)
	next := "null"
	if number < last {
		next = fmt.Sprintf(`"https://acme.mihu.ai/x?page=%d"`, number+1)
	}
	data, beside := "", ""
	switch form % formsOfPages {
	case formFull:
		data = fmt.Sprintf(`{"items":%s,"pagination":{"current_page":%d,"per_page":%d,"total":%d,"last_page":%d,"has_more":%t}}`, list, number, size, total, last, number < last)
	case formTotal:
		data = fmt.Sprintf(`{"items":%s,"pagination":{"total":"%d"}}`, list, total)
	case formLastPage:
		data = fmt.Sprintf(`{"items":%s,"last_page":%d}`, list, last)
	case formHasMore:
		data = fmt.Sprintf(`{"items":%s,"has_more":%t}`, list, number < last)
	case formPartial:
		data = fmt.Sprintf(`{"items":%s,"pagination":{"current_page":%d,"per_page":%d}}`, list, number, size)
	case formSilent:
		data = fmt.Sprintf(`{"items":%s,"pagination":null}`, list)
	case formArray:
		data = list
	case formFramework:
		data = fmt.Sprintf(`{"current_page":%d,"data":%s,"last_page":%d,"total":%d,"next_page_url":%s}`, number, list, last, total, next)
	case formSimple:
		data = fmt.Sprintf(`{"current_page":%d,"data":%s,"next_page_url":%s}`, number, list, next)
	case formLinks:
		data, beside = list, fmt.Sprintf(`,"links":{"next":%s},"meta":{"current_page":%d,"last_page":%d}`, next, number, last)
	}
	if form&0x40 != 0 && form%formsOfPages != formLinks && form%formsOfPages != formArray {
		data = `{"data":` + data + `}`
	}
	return `{"success":true,"data":` + data + beside + `}`
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
