package conformance

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	base   = "https://demo.mihu.ai/api/v1"
	number = "+12345678901"
	uuid   = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
)

// The contract itself is valid, with its examples, and has no key that the format does not have.
func TestContractIsValid(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile(contractFile)
	require.NoError(t, err)
	require.NoError(t, validate(t, string(contract)))
}

func validate(t *testing.T, contract string) error {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(contract))
	if err != nil {
		return err
	}
	return doc.Validate(t.Context())
}

// The validation detects what is easily overlooked in YAML.
func TestInvalidContracts(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile(contractFile)
	require.NoError(t, err)
	for _, tt := range []struct{ name, old, new, wrong string }{
		{"text with a comma, not quoted", `"Removed, without a body."`, `Removed, without a body.`, "extra sibling fields: [without a body.]"},
		{"duplicate key", "info:\n", "info:\n  version: \"2\"\n", `mapping key "version" already defined`},
		{"duplicate key on one line", "E164: {type: string,", "E164: {type: string, type: string,", `mapping key "type" already defined`},
		{"duplicate path", "  /agents:\n", "  /agents: {}\n  /agents:\n", `mapping key "/agents" already defined`},
		{"unknown key of an operation", "operationId: listAgents", "operationID: listAgents", "extra sibling fields: [operationID]"},
		{"unknown key of a schema", "{type: integer, minimum: 1, default: 1}", "{type: integer, minimun: 1, default: 1}", "extra sibling fields: [minimun]"},
		{"unknown key of the document", "security:\n", "secured: true\nsecurity:\n", "extra sibling fields: [secured]"},
		{"reference to nothing", "$ref: '#/components/schemas/Agent'", "$ref: '#/components/schemas/Agents'", "Agents"},
		{"example that does not fit", "name: Ada, status: active}", "status: active}", `property "name" is missing`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(string(contract), tt.old))
			require.ErrorContains(t, validate(t, strings.Replace(string(contract), tt.old, tt.new, 1)), tt.wrong)
		})
	}
}

// The tests below test the checker itself. If it detected nothing, all other tests of this package
// would pass.

func TestCheckerValidatesRequests(t *testing.T) {
	t.Parallel()
	const (
		trunks  = base + "/phone-numbers/trunks"
		good    = `{"phone_number":"+12345678901","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","channel":"call"`
		update  = `{"phone_number":"+12345678901","channel":"call"`
		noToken = "-"
	)
	for _, tt := range []struct {
		name      string
		method    string
		url       string
		body      string
		token     string // the Authorization header; empty means a valid one
		mediaType string // empty means JSON if there is a body
		wrong     string // part of the error; empty means none
	}{
		{name: "create", method: "POST", url: trunks, body: good + `}`},
		{name: "create with everything", method: "POST", url: trunks, body: good + `,"name":"","direction":"both","sip":{"gateway":"a","port":1,"username":"","password":"","secondary_gateway":""},"additional_settings":{"a":null}}`},
		{name: "unknown field", method: "POST", url: trunks, body: good + `,"shade":"red"}`, wrong: `property "shade" is unsupported`},
		{name: "unknown field in sip", method: "POST", url: trunks, body: good + `,"sip":{"host":"a"}}`, wrong: `property "host" is unsupported`},
		{name: "null field", method: "POST", url: trunks, body: good + `,"name":null}`, wrong: "Value is not nullable"},
		{name: "null sip", method: "POST", url: trunks, body: good + `,"sip":null}`, wrong: "Value is not nullable"},
		{name: "null settings", method: "POST", url: trunks, body: good + `,"additional_settings":null}`, wrong: "Value is not nullable"},
		{name: "settings as a list", method: "POST", url: trunks, body: good + `,"additional_settings":[]}`, wrong: "value must be an object"},
		{name: "port as a string", method: "POST", url: trunks, body: good + `,"sip":{"port":"5060"}}`, wrong: "value must be an integer"},
		{name: "port cleared in create", method: "POST", url: trunks, body: good + `,"sip":{"port":""}}`, wrong: "value must be an integer"},
		{name: "port out of range", method: "POST", url: trunks, body: good + `,"sip":{"port":65536}}`, wrong: "number must be at most 65535"},
		{name: "port with a fraction", method: "POST", url: trunks, body: good + `,"sip":{"port":50.5}}`, wrong: "value must be an integer"},
		{name: "missing phone_number", method: "POST", url: trunks, body: `{"agent_uuid":"` + uuid + `","channel":"call"}`, wrong: `property "phone_number" is missing`},
		{name: "number without plus", method: "POST", url: trunks, body: strings.Replace(good, "+", "", 1) + `}`, wrong: "pattern"},
		{name: "agent without uuid", method: "POST", url: trunks, body: strings.Replace(good, uuid, "ada", 1) + `}`, wrong: "uuid"},
		{name: "unknown channel", method: "POST", url: trunks, body: strings.Replace(good, `"call"`, `"sms"`, 1) + `}`, wrong: "allowed values"},
		{name: "empty direction", method: "POST", url: trunks, body: good + `,"direction":""}`, wrong: "allowed values"},
		{name: "no body", method: "POST", url: trunks, wrong: "value is required"},
		{name: "truncated body", method: "POST", url: trunks, body: good, wrong: "unexpected EOF"},
		{name: "two bodies", method: "POST", url: trunks, body: good + `}{}`, wrong: "not one JSON value"},
		{name: "duplicate name", method: "POST", url: trunks, body: good + `,"name":"a","name":"b"}`, wrong: "name"},
		{name: "duplicate name inside", method: "POST", url: trunks, body: good + `,"additional_settings":{"a":[{"b":1,"b":1}]}}`, wrong: `"b"`},
		{name: "same names in different objects", method: "POST", url: trunks, body: good + `,"additional_settings":{"name":[{"a":1},{"a":1}],"a":1}}`},
		{name: "not UTF-8", method: "POST", url: trunks, body: good + ",\"name\":\"\xff\"}", wrong: "UTF-8"},
		{name: "form body", method: "POST", url: trunks, body: good + `}`, mediaType: "application/x-www-form-urlencoded", wrong: "Content-Type"},
		{name: "query of another operation", method: "POST", url: trunks + "?page=1", body: good + `}`, wrong: `"page"`},

		{name: "update", method: "PATCH", url: trunks, body: update + `,"sip":{"port":""}}`},
		{name: "update of the agent", method: "PATCH", url: trunks, body: update + `,"agent_uuid":"` + uuid + `"}`, wrong: `property "agent_uuid" is unsupported`},
		{name: "update of the port as a string", method: "PATCH", url: trunks, body: update + `,"sip":{"port":"5060"}}`, wrong: "doesn't match"},
		{name: "update of the port to 0", method: "PATCH", url: trunks, body: update + `,"sip":{"port":0}}`, wrong: "doesn't match"},
		{name: "update with null", method: "PATCH", url: trunks, body: update + `,"sip":{"gateway":null}}`, wrong: "Value is not nullable"},

		{name: "delete", method: "DELETE", url: trunks + "?phone_number=%2B12345678901&channel=call"},
		{name: "delete without plus", method: "DELETE", url: trunks + "?phone_number=12345678901&channel=call"},
		{name: "delete with a plus that means a space", method: "DELETE", url: trunks + "?phone_number=+12345678901&channel=call", wrong: "pattern"},
		{name: "delete without channel", method: "DELETE", url: trunks + "?phone_number=12345678901", wrong: `"channel"`},
		{name: "delete with a channel too many", method: "DELETE", url: trunks + "?phone_number=12345678901&channel=call&channel=sms", wrong: `contains "channel" twice`},
		{name: "delete with an unknown parameter", method: "DELETE", url: trunks + "?phone_number=12345678901&channel=call&force=1", wrong: `"force"`},
		{name: "delete with a body", method: "DELETE", url: trunks + "?phone_number=12345678901&channel=call", body: `{}`, wrong: "not allowed"},

		{name: "list", method: "GET", url: trunks + "?page=2&per_page=200"},
		{name: "list of page 0", method: "GET", url: trunks + "?page=0", wrong: "at least 1"},
		{name: "list of too many", method: "GET", url: trunks + "?per_page=201", wrong: "at most 200"},
		{name: "list of page none", method: "GET", url: trunks + "?page=", wrong: "page"},
		{name: "list with a broken query", method: "GET", url: trunks + "?page=1;per_page=2", wrong: "semicolon"},
		{name: "channels", method: "GET", url: base + "/phone-numbers/" + uuid + "/channels"},
		{name: "channels of no uuid", method: "GET", url: base + "/phone-numbers/1/channels", wrong: "uuid"},
		{name: "channels by number", method: "GET", url: base + "/phone-numbers/channels?number=%2B12345678901"},
		{name: "channels by number without plus", method: "GET", url: base + "/phone-numbers/channels?number=12345678901", wrong: "pattern"},

		{name: "no token", method: "GET", url: trunks, token: noToken, wrong: "bearer token"},
		{name: "empty token", method: "GET", url: trunks, token: "Bearer ", wrong: "bearer token"},
		{name: "token of another scheme", method: "GET", url: trunks, token: "Basic YTpi", wrong: "bearer token"},
		{name: "other path", method: "GET", url: base + "/phone-numbers/trunks/", wrong: "no matching operation"},
		{name: "other method", method: "PUT", url: trunks, wrong: "method not allowed"},
		{name: "other base path", method: "GET", url: "https://demo.mihu.ai/v1/phone-numbers/trunks", wrong: "no matching operation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader(tt.body))
			require.NoError(t, err)
			switch tt.token {
			case noToken:
			case "":
				req.Header.Set("Authorization", "Bearer token")
			default:
				req.Header.Set("Authorization", tt.token)
			}
			if tt.mediaType == "" && tt.body != "" {
				tt.mediaType = "application/json"
			}
			if tt.mediaType != "" {
				req.Header.Set("Content-Type", tt.mediaType)
			}
			_, err = newContract(t).request(req, []byte(tt.body))
			if tt.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.wrong)
		})
	}
}

func TestCheckerValidatesResponses(t *testing.T) {
	t.Parallel()
	const (
		snapshot = `{"success":true,"data":{"number":"+12345678901","is_external":true,"source":"external","channels":{}}}`
		failure  = `{"success":false,"message":"No"}`
	)
	for _, tt := range []struct {
		name   string
		method string
		path   string
		stub   stub
		wrong  string
	}{
		{name: "snapshot", method: "POST", stub: jsonStub(201, snapshot)},
		{name: "snapshot under 200", method: "POST", stub: jsonStub(200, snapshot)},
		{name: "snapshot of an update under 201", method: "PATCH", stub: jsonStub(201, snapshot), wrong: `"success"`},
		{name: "snapshot without data", method: "POST", stub: jsonStub(201, `{"success":true}`), wrong: `property "data" is missing`},
		{name: "snapshot without success", method: "POST", stub: jsonStub(201, strings.Replace(snapshot, `"success":true,`, "", 1)), wrong: `property "success" is missing`},
		{name: "snapshot of another source", method: "POST", stub: jsonStub(201, strings.Replace(snapshot, `"external",`, `"rented",`, 1)), wrong: "allowed values"},
		{name: "snapshot with a limit as a string", method: "POST", stub: jsonStub(201, strings.Replace(snapshot, `{}`, `{"inbound":{"enabled":true,"channel_limit":"10"}}`, 1)), wrong: "value must be an integer"},
		{name: "channels as a list", method: "POST", stub: jsonStub(201, strings.Replace(snapshot, `{}`, `[]`, 1)), wrong: "value must be an object"},
		{name: "null message", method: "POST", stub: jsonStub(201, strings.Replace(snapshot, `true`, `true,"message":null`, 1)), wrong: "Value is not nullable"},
		{name: "deleted", method: "DELETE", stub: jsonStub(200, `{"success":true}`)},
		{name: "deleted without body", method: "DELETE", stub: stub{status: 204}},
		{name: "empty body under 200", method: "DELETE", stub: stub{status: 200}, wrong: "Content-Type"},
		{name: "page without items", method: "GET", stub: jsonStub(200, `{"success":true,"data":{}}`), wrong: `property "items" is missing`},
		{name: "error", method: "GET", stub: jsonStub(404, failure)},
		{name: "error of the framework", method: "GET", stub: jsonStub(422, `{"message":"No","errors":{"phone_number":["is taken"]}}`)},
		{name: "error that is a success", method: "GET", stub: jsonStub(404, `{"success":true,"message":"No"}`), wrong: "allowed values"},
		{name: "error without message", method: "GET", stub: jsonStub(404, `{"success":false}`), wrong: `property "message" is missing`},
		{name: "error with a text for an object", method: "GET", stub: jsonStub(404, `{"message":"No","error":"gone"}`), wrong: "value must be an object"},
		{name: "error with errors as a list", method: "GET", stub: jsonStub(422, `{"message":"No","errors":[]}`), wrong: "value must be an object"},
		{name: "page of a proxy", method: "GET", stub: stub{502, "text/html", "<html></html>"}, wrong: "Content-Type"},
		{name: "truncated", method: "GET", stub: jsonStub(404, `{"message":`), wrong: "unexpected EOF"},
		{name: "two values", method: "GET", stub: jsonStub(404, failure+failure), wrong: "not one JSON value"},
		{name: "error of an unknown path", method: "GET", path: "/nothing", stub: jsonStub(404, failure)},
		{name: "wrong error of an unknown path", method: "GET", path: "/nothing", stub: jsonStub(404, `{}`), wrong: `property "message" is missing`},
		{name: "success of an unknown path", method: "GET", path: "/nothing", stub: jsonStub(200, snapshot), wrong: "does not have"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check := newChecker(t, tt.stub)
			req, err := http.NewRequestWithContext(t.Context(), tt.method, base+"/phone-numbers/trunks"+tt.path, http.NoBody)
			require.NoError(t, err)
			resp, err := check.RoundTrip(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			got := check.one(t).response
			if tt.wrong == "" {
				assert.NoError(t, got)
				return
			}
			assert.ErrorContains(t, got, tt.wrong)
		})
	}
}
