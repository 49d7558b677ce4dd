package mihutest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// with returns a valid body with something added at its end, or with values replaced.
func with(extra string, replace ...string) string {
	body := `{"phone_number":"+12345678901","channel":"call","agent_uuid":"` + ada + `"` + extra + `}`
	return strings.NewReplacer(replace...).Replace(body)
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, body := range map[string]string{
		"not JSON":                      `phone_number=1`,
		"truncated":                     with("")[:40],
		"trailing comma":                with(`,`),
		"trailing data":                 with("") + `{}`,
		"trailing bracket":              with("") + `}`,
		"a list":                        `[` + with("") + `]`,
		"a string":                      `"x"`,
		"null":                          `null`,
		"byte order mark":               "\ufeff" + with(""),
		"invalid UTF-8 in a value":      with(`,"name":"` + "\xff" + `"`),
		"invalid UTF-8 in settings":     with(`,"additional_settings":{"` + "\xff" + `":1}`),
		"a duplicate field":             with(`,"channel":"call"`),
		"a duplicate field, escaped":    with(`,"\u0063hannel":"call"`),
		"a duplicate field of sip":      with(`,"sip":{"port":1,"port":1}`),
		"a duplicate key of settings":   with(`,"additional_settings":{"a":[{"b":1,"b":2}]}`),
		"a number that is out of range": with(`,"additional_settings":{"a":1e999}`),
		"too deep":                      with(`,"additional_settings":{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`),
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{w.Server, t, w.http}
			w.refuses(http.StatusBadRequest, "MALFORMED_JSON", "", "POST", trunk, body)
			w.refuses(http.StatusBadRequest, "MALFORMED_JSON", "", "PATCH", trunk, body)
			w.refuses(http.StatusBadRequest, "MALFORMED_JSON", "", "PUT", trunk+"/assign", body)
		})
	}
	w.refuses(http.StatusBadRequest, "MALFORMED_JSON", "", "POST", trunk, "", "Content-Type", "application/json")
}

func TestContentType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, wrong := range []string{"", "text/plain", "application/json; charset=latin1", "application/jsonp", "json", "application/json, text/plain", "application/x-www-form-urlencoded"} {
		w.refuses(http.StatusBadRequest, "INVALID_CONTENT_TYPE", "", "POST", trunk, with(""), "Content-Type", wrong)
	}
	for _, right := range []string{"application/json", "Application/JSON", "application/json; charset=UTF-8"} {
		got := w.send("POST", trunk, with(""), "Content-Type", right)
		assert.Equal(t, http.StatusCreated, got.status, got.body)
		assert.Equal(t, "application/json", got.header.Get("Content-Type"))
		w.must(http.StatusOK, "DELETE", trunk+"?phone_number=12345678901&channel=call", "")
	}
}

func TestSizeOfBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const mib = 1 << 20
	largest := with(`,"name":"` + strings.Repeat("x", mib-len(with(`,"name":""`))) + `"`)
	require.Len(t, largest, mib)
	w.refuses(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "", "POST", trunk, " "+largest)
	assert.Empty(t, w.Requests()[0].Body)
	w.must(http.StatusCreated, "POST", trunk, largest)
	w.refuses(http.StatusBadRequest, "UNEXPECTED_BODY", "", "GET", trunk, with(""))
	w.refuses(http.StatusBadRequest, "UNEXPECTED_BODY", "", "DELETE", trunk+"?phone_number=12345678901&channel=call", "{}")
}

func TestInvalidFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n2, "call", bob)
	const (
		create = "create"
		update = "update"
		assign = "assign"
	)
	all := []string{create, update, assign}
	trunks := []string{create, update}
	for name, c := range map[string]struct {
		field string
		on    []string
		body  string // with agent_uuid, which is removed for update
	}{
		"number: required":        {"phone_number", all, with("", `"phone_number":"+12345678901",`, "")},
		"number: null":            {"phone_number", all, with("", `"+12345678901"`, `null`)},
		"number: a JSON number":   {"phone_number", all, with("", `"+12345678901"`, `12345678901`)},
		"number: no plus":         {"phone_number", all, with("", `"+12345678901"`, `"12345678901"`)},
		"number: empty":           {"phone_number", all, with("", `"+12345678901"`, `""`)},
		"number: plus only":       {"phone_number", all, with("", `"+12345678901"`, `"+"`)},
		"number: one digit":       {"phone_number", all, with("", `"+12345678901"`, `"+1"`)},
		"number: 16 digits":       {"phone_number", all, with("", `"+12345678901"`, `"+1234567890123456"`)},
		"number: leading zero":    {"phone_number", all, with("", `"+12345678901"`, `"+02345678901"`)},
		"number: spaces":          {"phone_number", all, with("", `"+12345678901"`, `"+1 2345678901"`)},
		"number: trailing line":   {"phone_number", all, with("", `"+12345678901"`, `"+12345678901\n"`)},
		"number: other digits":    {"phone_number", all, with("", `"+12345678901"`, `"+1234567890١"`)},
		"number: letters within":  {"phone_number", all, with("", `"+12345678901"`, `"+1234x678901"`)},
		"number: other case":      {"Phone_Number", all, with("", `"phone_number"`, `"Phone_Number"`)},
		"channel: required":       {"channel", all, with("", `"channel":"call",`, "")},
		"channel: null":           {"channel", all, with("", `"call"`, `null`)},
		"channel: sms":            {"channel", all, with("", `"call"`, `"sms"`)},
		"channel: voice":          {"channel", all, with("", `"call"`, `"voice"`)},
		"channel: capitals":       {"channel", all, with("", `"call"`, `"Call"`)},
		"channel: empty":          {"channel", all, with("", `"call"`, `""`)},
		"channel: a list":         {"channel", all, with("", `"call"`, `["call"]`)},
		"agent: required":         {"agent_uuid", []string{create, assign}, with("", `,"agent_uuid":"`+ada+`"`, "")},
		"agent: null":             {"agent_uuid", []string{create, assign}, with("", `"`+ada+`"`, "null")},
		"agent: empty":            {"agent_uuid", []string{create, assign}, with("", ada, "")},
		"agent: not a UUID":       {"agent_uuid", []string{create, assign}, with("", ada, "ada")},
		"agent: dashes elsewhere": {"agent_uuid", []string{create, assign}, with("", ada, "3c90c3cc0-d44-4b50-8888-8dd25736052a")},
		"agent: no hex digit":     {"agent_uuid", []string{create, assign}, with("", ada, "3c90c3cg-0d44-4b50-8888-8dd25736052a")},
		"agent: in braces":        {"agent_uuid", []string{create, assign}, with("", ada, "{3c90c3cc-0d44-4b50-8888-8dd25736052a}")},
		"unknown field":           {"country", all, with(`,"country":"US"`)},
		"unknown fields, sorted":  {"a", all, with(`,"z":1,"a":null,"m":2`)},
		"name: null":              {"name", trunks, with(`,"name":null`)},
		"name: a number":          {"name", trunks, with(`,"name":1`)},
		"name: of assign":         {"name", []string{assign}, with(`,"name":"x"`)},
		"direction: null":         {"direction", trunks, with(`,"direction":null`)},
		"direction: empty":        {"direction", trunks, with(`,"direction":""`)},
		"direction: unknown":      {"direction", trunks, with(`,"direction":"Both"`)},
		"direction: a boolean":    {"direction", trunks, with(`,"direction":true`)},
		"sip: null":               {"sip", trunks, with(`,"sip":null`)},
		"sip: a list":             {"sip", trunks, with(`,"sip":[]`)},
		"sip: a string":           {"sip", trunks, with(`,"sip":""`)},
		"sip: unknown field":      {"sip.transport", trunks, with(`,"sip":{"transport":"tls"}`)},
		"gateway: null":           {"sip.gateway", trunks, with(`,"sip":{"gateway":null}`)},
		"gateway: a number":       {"sip.gateway", trunks, with(`,"sip":{"gateway":1}`)},
		"username: null":          {"sip.username", trunks, with(`,"sip":{"username":null}`)},
		"username: an object":     {"sip.username", trunks, with(`,"sip":{"username":{}}`)},
		"password: null":          {"sip.password", trunks, with(`,"sip":{"password":null}`)},
		"password: a boolean":     {"sip.password", trunks, with(`,"sip":{"password":false}`)},
		"secondary: null":         {"sip.secondary_gateway", trunks, with(`,"sip":{"secondary_gateway":null}`)},
		"secondary: a list":       {"sip.secondary_gateway", trunks, with(`,"sip":{"secondary_gateway":["x"]}`)},
		"port: null":              {"sip.port", trunks, with(`,"sip":{"port":null}`)},
		"port: zero":              {"sip.port", trunks, with(`,"sip":{"port":0}`)},
		"port: negative":          {"sip.port", trunks, with(`,"sip":{"port":-1}`)},
		"port: too high":          {"sip.port", trunks, with(`,"sip":{"port":65536}`)},
		"port: far too high":      {"sip.port", trunks, with(`,"sip":{"port":1e300}`)},
		"port: a fraction":        {"sip.port", trunks, with(`,"sip":{"port":5060.5}`)},
		"port: a string":          {"sip.port", trunks, with(`,"sip":{"port":"5060"}`)},
		"port: cleared by create": {"sip.port", []string{create}, with(`,"sip":{"port":""}`)},
		"settings: null":          {"additional_settings", trunks, with(`,"additional_settings":null`)},
		"settings: a list":        {"additional_settings", trunks, with(`,"additional_settings":[]`)},
		"settings: a string":      {"additional_settings", trunks, with(`,"additional_settings":"{}"`)},
		"sip before its fields":   {"name", trunks, with(`,"name":1,"sip":{"port":0}`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{w.Server, t, w.http}
			for _, on := range c.on {
				switch on {
				case create:
					w.refuses(422, "VALIDATION_ERROR", c.field, "POST", trunk, c.body)
				case update:
					w.refuses(422, "VALIDATION_ERROR", c.field, "PATCH", trunk, strings.Replace(c.body, `,"agent_uuid":"`+ada+`"`, "", 1))
				case assign:
					w.refuses(422, "VALIDATION_ERROR", c.field, "PUT", trunk+"/assign", c.body)
				}
			}
		})
	}
	w.refuses(422, "VALIDATION_ERROR", "agent_uuid", "PATCH", trunk, with(""))

	got := w.send("POST", trunk, with("", `"call"`, `"sms"`))
	assert.Contains(t, got.body, "POST /agents/{uuid}/channels/sms")
}

// Unusual requests that are valid.
func TestAllowedFields(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"null in settings":       with(`,"additional_settings":{"a":null,"b":[null]}`),
		"shortest number":        with("", n1, "+12"),
		"longest number":         with("", n1, "+123456789012345"),
		"lowest port":            with(`,"sip":{"port":1}`),
		"highest port":           with(`,"sip":{"port":65535}`),
		"a port in other digits": with(`,"sip":{"port":5.06e3}`),
		"empty credentials":      with(`,"sip":{"gateway":"","username":"","password":"","secondary_gateway":""}`),
		"white space":            " \n" + with("") + "\t\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newWorld(t).must(http.StatusCreated, "POST", trunk, body)
		})
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	for _, c := range []struct {
		status              int
		field, method, path string
	}{
		{422, "phone_number", "DELETE", trunk},
		{422, "phone_number", "DELETE", trunk + "?channel=call"},
		{422, "channel", "DELETE", trunk + "?phone_number=12345678901"},
		{422, "channel", "DELETE", trunk + "?phone_number=12345678901&channel=sms"},
		{422, "phone_number", "DELETE", trunk + "?phone_number=+12345678901&channel=call"}, // + means a space
		{422, "phone_number", "DELETE", trunk + "?phone_number=%2B%2B12345678901&channel=call"},
		{422, "phone_number", "DELETE", trunk + "?phone_number=&channel=call"},
		{422, "phone_number", "DELETE", trunk + "?phone_number=12345678901&phone_number=12345678901&channel=call"},
		{422, "force", "DELETE", trunk + "?phone_number=12345678901&channel=call&force=1"},
		{400, "", "DELETE", trunk + "?phone_number=%zz&channel=call"},
		{400, "", "DELETE", trunk + "?phone_number=12345678901;channel=call"},
		{422, "number", "GET", "/phone-numbers/channels"},
		{422, "number", "GET", "/phone-numbers/channels?number=12345678901"},
		{422, "number", "GET", "/phone-numbers/channels?number=+12345678901"},
		{422, "number", "GET", "/phone-numbers/channels?number=%2B12345678901&number=%2B12345678901"},
		{422, "phone_number", "GET", "/phone-numbers/channels?phone_number=%2B12345678901"},
		{422, "x", "GET", "/phone-numbers/" + bob + "/channels?x=1"},
	} {
		code := map[int]string{400: "MALFORMED_QUERY", 422: "VALIDATION_ERROR"}[c.status]
		w.refuses(c.status, code, c.field, c.method, c.path, "")
	}
	w.refuses(422, "VALIDATION_ERROR", "dry_run", "POST", trunk+"?dry_run=1", with(""))
	w.refuses(404, "TRUNK_NOT_FOUND", "", "DELETE", trunk+"?phone_number=%2B12345678901&channel=whatsapp", "")
	w.must(http.StatusOK, "DELETE", trunk+"?channel=call&phone_number=%2B12345678901", "")
}

func TestPathsAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	uuid := w.held(n1, "call").PhoneNumberUUID
	for _, path := range []string{
		"", "/", "/phone-numbers/", "/phone-numbers/trunks/", "//phone-numbers/trunks", "/phone-numbers//trunks", "/Phone-Numbers/trunks",
		"/phone-numbers/trunks/assign/x", "/phone-numbers/rates/", "/phone-numbers/x", "/phone-numbers/*", "/phone-numbers/" + uuid + "/", "/phone-numbers/" + uuid + "/channels/",
		"/agents/", "/agents/" + ada,
		"/phone-numbers/x/channels", "/phone-numbers/*/channels", "/phone-numbers//channels", "/phone-numbers/../phone-numbers/channels",
		"/phone-numbers/..%2Fphone-numbers/channels", "/phone-numbers%2Ftrunks", "/phone-numbers/trunks%2F" + uuid + "/channels", "/../v1/phone-numbers",
	} {
		req := w.request(t.Context(), "GET", "", "")
		req.URL.Opaque = "//" + req.URL.Host + "/api/v1" + path // sent unchanged
		got, err := w.try(req)
		require.NoError(t, err)
		assert.Equal(t, http.StatusNotFound, got.status, path)
		assert.Contains(t, got.body, `"code":"ROUTE_NOT_FOUND"`, path)
		assert.Equal(t, path, w.Requests()[w.RequestCount()-1].Path)
	}
	outside := w.request(t.Context(), "GET", "", "")
	outside.URL.Path = "/phone-numbers"
	got, err := w.try(outside)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, got.status, "a path of the API outside the base URL")

	for path, allow := range map[string]string{
		trunk:                                  "DELETE, GET, PATCH, POST",
		trunk + "/assign":                      "PUT",
		"/phone-numbers":                       "GET",
		"/phone-numbers/channels":              "GET",
		"/phone-numbers/" + uuid + "/channels": "GET",
		"/phone-numbers/" + uuid:               "PATCH",
		"/phone-numbers/rates":                 "GET",
		"/agents":                              "GET",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MKCOL"} {
			if strings.Contains(allow, method) {
				continue
			}
			w.refuses(405, "METHOD_NOT_ALLOWED", "", method, path, "")
			got := w.send(method, path, "")
			assert.Equal(t, allow, got.header.Get("Allow"), path)
		}
	}
}
