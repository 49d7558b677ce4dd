package redact_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu/internal/redact"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"+12345678901":     "+1234•••8901",
		"12345678901":      "1234•••8901",
		"+123456789012345": "+1234•••2345",
		"+1234567890":      "+12•••90",
		"+12345678":        "+12•••78",
		"+1234567":         "+1•••7",
		"+1234":            "+1•••4",
		"+123":             "+•••",
		"+12":              "+•••",
		"":                 "•••",
	} {
		assert.Equal(t, want, redact.Number(number), number)
	}
}

// An invalid number shows its shape, so that a caller can see what is wrong, but no readable
// number.
func TestBadNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"12345678901":      `1234•••8901`,
		"+1 234-567.8901":  `+1 2••-•••.••01`,
		"(0)12345678901":   `(0)12••••••901`,
		"tel:+12345678901": `????+12•••••••01`,
		"+1234\n":          `+1••4?`,
		"+٣٤٥":             `+???`,
		"alice":            `?????`,
		"\xff\x00":         `??`,
		"1":                `•`,
		"":                 ``,
	} {
		assert.Equal(t, want, redact.BadNumber(number), number)
	}
	assert.Less(t, len(redact.BadNumber(strings.Repeat("9", 1<<20))), 100)
	assert.True(t, utf8.ValidString(redact.BadNumber(strings.Repeat("é", 100))))

	list := "+12345678901" + strings.Repeat(" +12345678902", 9)
	for _, separator := range []string{" ", "", ",", "\n"} {
		masked := redact.BadNumber(strings.ReplaceAll(list, " ", separator))
		assert.NotContains(t, masked, "12345678901", "a list instead of a number")
		assert.NotContains(t, masked, "2345678")
	}
}

func TestAnyNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"":               "",
		"+12345678901":   "+1234•••8901",
		"12345678901":    "1234•••8901",
		"+1 2345678901":  "+1 2•••••••01",
		"++12345678901":  "++12•••••••01",
		"0":              "•",
		"s3cret-pa55wor": "?•????-??••???",
	} {
		assert.Equal(t, want, redact.AnyNumber(number), number)
	}
}

// A number in a text is masked in every notation. Other digits are unchanged.
func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                     "",
		"nothing here":                         "nothing here",
		"+12345678901":                         "+1234•••8901",
		"12345678901":                          "1234•••8901",
		"1234567":                              "1•••7",
		"123456":                               "123456",
		"port 5060":                            "port 5060",
		"call +12345678901 or +12084439178":    "call +1234•••8901 or +1208•••9178",
		"call +1 234 567 8901 now":             "call +1234•••8901 now",
		"call +1 (234) 567-8901, or not":       "call +1234•••8901, or not",
		"call +1.234.567.8901.":                "call +1234•••8901.",
		"call +49 30/1234567":                  "call +4930•••4567",
		"+12345678901 12345678901":             "+1234•••8901",
		"call_trunk_12345678901":               "call_trunk_1234•••8901",
		`{"number":"12345678901"}`:             `{"number":"1234•••8901"}`,
		"phone=12345678901&x=1":                "phone=1234•••8901&x=1",
		"phone=%2B12345678901&x=1":             "phone=%2B1234•••8901&x=1",
		"phone=%2b12345678901":                 "phone=%2b1234•••8901",
		"3c90c3cc-0d44-4b50-8888-012345678901": "3c90c3cc-0d44-4b50-8888-012345678901",
		"12345678-0d44-4b50-8888-8dd25736052a": "12345678-0d44-4b50-8888-8dd25736052a",
		"commit 1234567a":                      "commit 1234567a",
		"v1234567890x":                         "v1234567890x",
	} {
		assert.Equal(t, want, redact.Text(text), text)
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\r\nb\tc":          "a  b c",
		"a\x00\x1b[31m\x7fb": "a  [31m b",
		"a\u0085\u009fb":     "a  b",
		"a\u2028\u2029b":     "a  b",
		"a\xff\xfeb":         "a\uFFFDb",
		"grüße":              "grüße",
		"1234567890":         "1234567890",
		"12345678901":        "1234567890…",
		"123456789é":         "123456789…",
	} {
		assert.Equal(t, want, redact.OneLine(text, 10), "%q", text)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `a\r\nb\xff`, redact.Clip("a\r\nb\xff"))
	assert.Equal(t, strings.Repeat("a", 64), redact.Clip(strings.Repeat("a", 64)))
	assert.Equal(t, strings.Repeat("a", 64)+"…", redact.Clip(strings.Repeat("a", 65)))
	assert.Equal(t, "a"+strings.Repeat("é", 31)+"…", redact.Clip("a"+strings.Repeat("é", 40)))
	assert.Equal(t, `"a\n"`, redact.Quote("a\n"))
}

func TestIsE164(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"+12": true, "+12345678901": true, "+123456789012345": true,
		"": false, "+": false, "+1": false, "+1234567890123456": false, "+01": false, "12345678901": false, "+12a": false,
		"+12 ": false, "+12\n": false, "+1٣": false, " +12": false,
	} {
		assert.Equal(t, want, redact.IsE164(number), "%q", number)
	}
}

// A secret is removed in every spelling in which a server may echo it.
func TestSecretsInEverySpelling(t *testing.T) {
	t.Parallel()
	const secret = `p"w/<&é'`
	r := redact.New(nil, secret)
	for name, spelling := range map[string]string{
		"unchanged":                  `p"w/<&é'`,
		"JSON":                       `p\"w/<&é'`,
		"JSON, safe within HTML":     `p\"w/\u003c\u0026é'`,
		"JSON in ASCII":              `p\"w/<&\u00e9'`,
		"JSON as PHP writes it":      `p\"w\/<&\u00e9'`,
		"PHP's JSON without escapes": `p\"w\/<&é'`,
		"HTML as Go writes it":       `p&#34;w/&lt;&amp;é&#39;`,
		"HTML as PHP writes it":      `p&quot;w/&lt;&amp;é&#039;`,
		"a query":                    `p%22w%2F%3C%26%C3%A9%27`,
		"a path":                     `p%22w%2F%3C&%C3%A9%27`,
	} {
		assert.Equal(t, "a [redacted] b", r.Secrets("a "+spelling+" b"), name)
	}
}

// The secrets of a request are found by the names of its fields, at any depth.
func TestSecretsOfARequest(t *testing.T) {
	t.Parallel()
	r := redact.New([]byte(`{"phone_number": "+12345678901", "name": "Front desk", "sip": {"username": "alice", "password": "s3cret", "gateway": "sip.example.com"},
		"nested": [{"api_key": ["k3y-one", {"deeper": "not this"}]}, {"Auth_Header": "h3ader"}], "port": 5060, "none": null}`), "t0ken", "")
	r.CollectAll(map[string][]string{"Cookie": {"session=c00kie"}, "X-Client-Secret": {"cl1ent"}, "Accept": {"everything"}})
	text := "t0ken alice s3cret k3y-one h3ader session=c00kie cl1ent"
	assert.Equal(t, strings.Repeat(" [redacted]", 7)[1:], r.Secrets(text))
	const rest = "Front desk, sip.example.com, 5060, everything, not this, +12345678901"
	assert.Equal(t, rest, r.Secrets(rest))
	assert.Equal(t, strings.Replace(rest, "+12345678901", "+1234•••8901", 1), r.Text(rest))

	assert.Equal(t, text, redact.New([]byte("not JSON")).Secrets(text))
	assert.Equal(t, text, new(redact.Redactor).Secrets(text))
}

// If a secret is a part of another, the whole of the longer one is removed.
func TestSecretsWithinSecrets(t *testing.T) {
	t.Parallel()
	for range 50 { // the order in which fields are collected is random
		r := redact.New([]byte(`{"username": "alice", "password": "alice-s3cret", "secret": "an alice-s3cret of it"}`), "alice-s3c")
		if !assert.Equal(t, "[redacted], [redacted], [redacted]", r.Secrets("alice, alice-s3cret, an alice-s3cret of it")) {
			break
		}
	}
}

// A short secret is removed only if it is a word, since its letters occur in many others.
func TestShortSecrets(t *testing.T) {
	t.Parallel()
	r := redact.New(nil, "in", "é")
	for text, want := range map[string]string{
		"in":              "[redacted]",
		"user in, is":     "user [redacted], is",
		"invalid and pin": "invalid and pin",
		"in_use a_in 1in": "in_use a_in 1in",
		"in in":           "[redacted] [redacted]",
		"é":               "[redacted]",
		"café é":          "café [redacted]",
	} {
		assert.Equal(t, want, r.Secrets(text), text)
	}
	assert.Equal(t, "c[redacted] and [redacted]", redact.New(nil, "able").Secrets("cable and able"), "a longer one is removed everywhere")
}

// Programs compare codes: a code changes only if it is or contains a secret.
func TestCode(t *testing.T) {
	t.Parallel()
	r := redact.New([]byte(`{"username": "invalid", "phone_number": "+12345678901"}`), "l0ng-secret-token")
	for code, want := range map[string]string{
		"invalid_sip":                "invalid_sip",
		"INVALID_AUTH_TOKEN":         "INVALID_AUTH_TOKEN",
		"invalid":                    "[redacted]",
		"l0ng-secret-token":          "[redacted]",
		"E_12345678901":              "E_1234•••8901",
		"A12345678901":               "A1234•••8901",
		"a\nb":                       "a b",
		strings.Repeat("A", 200):     strings.Repeat("A", 128) + "…",
		"BAD l0ng-secret-token":      "BAD [redacted]",
		"BAD_l0ng-secret-token_HERE": "BAD_[redacted]_HERE",
	} {
		assert.Equal(t, want, r.Code(code), code)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	r := redact.New([]byte(`{"phone_number": "+12345678901"}`), "t0ken")
	assert.Equal(t, "9876543210987654", r.ID("9876543210987654"), "an ID may consist of digits")
	assert.Equal(t, "req-1234•••8901-[redacted]", r.ID("req-12345678901-t0ken"))
	assert.Equal(t, "a b", r.ID("a\nb"))
	assert.Equal(t, strings.Repeat("a", 128)+"…", r.ID(strings.Repeat("a", 1<<20)))
}

// A number of the request is masked even where other digits would not be taken for a number.
func TestNumbersOfTheRequest(t *testing.T) {
	t.Parallel()
	r := redact.New([]byte(`{"phone_number": "+12345678901", "other_number": "odd"}`))
	r.CollectAll(map[string][]string{"number": {"12084439178"}})
	assert.Equal(t, "trunk-1234•••8901 %2B1234•••8901 x1208•••9178x odd", r.Text("trunk-12345678901 %2B12345678901 x12084439178x odd"))
}

// Body removes the secrets and changes nothing else.
func TestBody(t *testing.T) {
	t.Parallel()
	r := redact.New([]byte(`{"username": "data", "phone_number": "+12345678901"}`), "l0ng-secret-token", `p"w`, "48151623")
	tests := []struct{ name, body, want string }{
		{"no secret", `{"b":  1, "a": "+12345678901"}`, `{"b":  1, "a": "+12345678901"}`},
		{"not JSON", "<html>l0ng-secret-token</html>", "<html>[redacted]</html>"},
		{"empty", "", ""},
		{"JSON that is cut short", `{"a": "l0ng-secret-token`, `{"a": "[redacted]`},
		{"two values", `"l0ng-secret-token" "x"`, `"[redacted]" "x"`},
		{"a value", `{"a":"x l0ng-secret-token x","b":1.50}`, `{"a":"x [redacted] x","b":1.50}`},
		{"a secret in escapes", `{"a":"\u006c0ng\u002dsecret-token"}`, `{"a":"[redacted]"}`},
		{"a secret as a number", `{"a":48151623,"b":12345678901234567890}`, `{"a":"[redacted]","b":12345678901234567890}`},
		{"a nested value", `[{"a":["p\"w"]},null,true]`, `[{"a":["[redacted]"]},null,true]`},
		{"a secret that is the name of a field", `{"data":"data","x":"p\"w"}`, `{"[redacted]":"[redacted]","x":"[redacted]"}`},
		{"phone numbers are unchanged", `{"a":"p\"w","n":"+12345678901"}`, `{"a":"[redacted]","n":"+12345678901"}`},
		{
			"phone numbers as names are unchanged and distinct", `{"+12341118901":1,"+12342228901":2,"a":"p\"w"}`,
			`{"+12341118901":1,"+12342228901":2,"a":"[redacted]"}`,
		},
		{"long names are unchanged", `{"` + strings.Repeat("a", 300) + `":"p\"w"}`, `{"` + strings.Repeat("a", 300) + `":"[redacted]"}`},
		{"a name that contains a secret", `{"x l0ng-secret-token":1}`, `{"x [redacted]":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, string(r.Body([]byte(tt.body))))
		})
	}
}

// An ID keeps its digits, except those of numbers: the request's own, and any after a plus sign.
func TestNumbersInIDs(t *testing.T) {
	t.Parallel()
	r := redact.New([]byte(`{"phone_number": "+12345678901"}`))
	for id, want := range map[string]string{
		"00012345678":                "00012345678",
		"req-12345678901":            "req-1234•••8901",
		"req-+12025550123-7":         "req-+1202•••0123-7",
		"a%2B12025550123&b=%2b49301": "a+1202•••0123&b=%2b49301",
		"1+2+3":                      "1+2+3",
		"+":                          "+",
	} {
		assert.Equal(t, want, r.ID(id))
	}
}
