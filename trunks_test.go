package mihu_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"math"
	"net/http"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

const trunks = "/phone-numbers/trunks"

// The body of a Create, byte for byte.
func TestCreateSendsTheRequest(t *testing.T) {
	t.Parallel()
	const identity = `{"phone_number":"+12345678901","channel":"call","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"`
	call := func(req mihu.TrunkCreateRequest) mihu.TrunkCreateRequest {
		req.TrunkID, req.AgentUUID = frontDesk, agentUUID
		return req
	}
	tests := []struct {
		name string
		req  mihu.TrunkCreateRequest
		want string
	}{
		{"required fields only", call(mihu.TrunkCreateRequest{}), identity + `}`},
		{
			"everything",
			*createRequest(agentUUID),
			identity + `,"name":"Front desk","direction":"inbound","sip":{"gateway":"sip.example.com","port":5061,` +
				`"username":"alice","password":"s3cret","secondary_gateway":"sip2.example.com"},"additional_settings":{"ani_format":"e164"}}`,
		},
		{
			"outbound", call(mihu.TrunkCreateRequest{Direction: mihu.DirectionOutbound}),
			identity + `,"direction":"outbound"}`,
		},
		{"both", call(mihu.TrunkCreateRequest{Direction: mihu.DirectionBoth}), identity + `,"direction":"both"}`},
		{"an empty SIP struct is omitted", call(mihu.TrunkCreateRequest{SIP: &mihu.SIPCredentials{}}), identity + `}`},
		{
			"one SIP credential", call(mihu.TrunkCreateRequest{SIP: &mihu.SIPCredentials{Password: `p"w/<&é`}}),
			identity + `,"sip":{"password":"p\"w/\u003c\u0026é"}}`,
		},
		{
			"empty settings are sent", call(mihu.TrunkCreateRequest{AdditionalSettings: map[string]any{}}),
			identity + `,"additional_settings":{}}`,
		},
		{
			"whatsapp",
			mihu.TrunkCreateRequest{TrunkID: whatsAppTrunk, AgentUUID: agentUUID, Name: "Line"},
			`{"phone_number":"+12345678901","channel":"whatsapp","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a","name":"Line"}`,
		},
		{
			"an empty SIP struct on whatsapp is omitted",
			mihu.TrunkCreateRequest{TrunkID: whatsAppTrunk, AgentUUID: agentUUID, SIP: &mihu.SIPCredentials{}},
			`{"phone_number":"+12345678901","channel":"whatsapp","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodPost, trunks, snapshotJSON)
			before := fmt.Sprintf("%#v", tt.req.SIP)
			snap, err := client.Trunks.Create(t.Context(), &tt.req)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.Body)
			assert.Empty(t, got.Query)
			assert.Equal(t, number, snap.Number)
			assert.Equal(t, before, fmt.Sprintf("%#v", tt.req.SIP), "the caller's request must not change")
		})
	}
}

func TestCreateAccepts200And201(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusCreated} {
		snap, err := newClient(t, newWire(t, respondWith(status, snapshotJSON))).Trunks.Create(t.Context(), createRequest(agentUUID))
		require.NoError(t, err)
		assert.Equal(t, "Ada", snap.Binding(mihu.ChannelCall).AgentName)
	}
}

// A request that the API's documentation rules out, or that the API would ignore silently in part, is
// not sent. The error lists every violation.
func TestCreateRejectsInvalidRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*mihu.TrunkCreateRequest)
		fields  []string
		errText string
	}{
		{"no number", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "" }, []string{"phone_number"}, "empty; want E.164"},
		{
			"a number without its plus", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "12345678901" },
			[]string{"phone_number"},
			`phone_number "1234•••8901": not E.164`,
		},
		{
			"a number with spaces", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "+1 234 567 8901" },
			[]string{"phone_number"},
			`phone_number "+1 2•• ••• ••01": not E.164`,
		},
		{"a number that begins with 0", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "+0123456" }, []string{"phone_number"}, "not E.164"},
		{"one digit", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "+1" }, []string{"phone_number"}, "not E.164"},
		{"16 digits", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "+1234567890123456" }, []string{"phone_number"}, "not E.164"},
		{"digits that are not ASCII", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = "+1２345678901" }, []string{"phone_number"}, "not E.164"},
		{"a line end after the number", func(r *mihu.TrunkCreateRequest) { r.PhoneNumber = number + "\n" }, []string{"phone_number"}, "not E.164"},

		{"no channel", func(r *mihu.TrunkCreateRequest) { r.Channel = "" }, []string{"channel"}, `empty; want "call" or "whatsapp"`},
		{
			"sms", func(r *mihu.TrunkCreateRequest) { r.Channel = mihu.ChannelSMS },
			[]string{"channel"},
			"POST /agents/{uuid}/channels/sms",
		},
		{"an unknown channel", func(r *mihu.TrunkCreateRequest) { r.Channel = "Call" }, []string{"channel"}, `channel "Call": want "call" or "whatsapp"`},

		{"no agent", func(r *mihu.TrunkCreateRequest) { r.AgentUUID = "" }, []string{"agent_uuid"}, "empty; want a UUID"},
		{"an agent that is not a UUID", func(r *mihu.TrunkCreateRequest) { r.AgentUUID = "Ada" }, []string{"agent_uuid"}, `agent_uuid "Ada": not a UUID`},
		{
			"a UUID with misplaced dashes", func(r *mihu.TrunkCreateRequest) { r.AgentUUID = "3c90c3cc0-d44-4b50-8888-8dd25736052a" },
			[]string{"agent_uuid"},
			"not a UUID",
		},
		{
			"a UUID with a letter beyond f", func(r *mihu.TrunkCreateRequest) { r.AgentUUID = "3c90c3cg-0d44-4b50-8888-8dd25736052a" },
			[]string{"agent_uuid"},
			"not a UUID",
		},

		{"an unknown direction", func(r *mihu.TrunkCreateRequest) { r.Direction = "in" }, []string{"direction"}, `direction "in": want "inbound", "outbound" or "both"`},
		{"a direction on whatsapp", func(r *mihu.TrunkCreateRequest) { r.Channel, r.SIP = mihu.ChannelWhatsApp, nil }, []string{"direction"}, "would ignore it silently"},
		{
			"SIP credentials on whatsapp", func(r *mihu.TrunkCreateRequest) { r.Channel, r.Direction = mihu.ChannelWhatsApp, "" },
			[]string{"sip"},
			"would ignore them silently",
		},

		{"port -1", func(r *mihu.TrunkCreateRequest) { r.SIP.Port = -1 }, []string{"sip.port"}, `sip.port "-1": out of range; want 1 to 65535`},
		{"port 65536", func(r *mihu.TrunkCreateRequest) { r.SIP.Port = 65536 }, []string{"sip.port"}, `sip.port "65536": out of range`},

		{"a name that is not UTF-8", func(r *mihu.TrunkCreateRequest) { r.Name = "a\xff" }, []string{"name"}, "not valid UTF-8"},
		{"a user name that is not UTF-8", func(r *mihu.TrunkCreateRequest) { r.SIP.Username = "a\xff" }, []string{"sip.username"}, "not valid UTF-8"},
		{"a password that is not UTF-8", func(r *mihu.TrunkCreateRequest) { r.SIP.Password = "\xc3\x28" }, []string{"sip.password"}, "not valid UTF-8"},
		{"a gateway that is not UTF-8", func(r *mihu.TrunkCreateRequest) { r.SIP.Gateway = "sip\xff" }, []string{"sip.gateway"}, "not a host name"},
		{
			"everything at once",
			func(r *mihu.TrunkCreateRequest) {
				*r = mihu.TrunkCreateRequest{
					TrunkID: mihu.TrunkID{PhoneNumber: "x", Channel: mihu.ChannelWhatsApp}, AgentUUID: "x", Name: "\xff", Direction: "x",
					SIP:                &mihu.SIPCredentials{Gateway: "/", Port: -1, Username: "\xff", Password: "\xff", SecondaryGateway: "/"},
					AdditionalSettings: map[string]any{"x": make(chan int)},
				}
			},
			[]string{
				"phone_number", "agent_uuid", "name", "direction", "direction", "additional_settings", "sip", "sip.gateway", "sip.port",
				"sip.username", "sip.password", "sip.secondary_gateway",
			},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := createRequest(agentUUID)
			tt.change(req)
			snap, err := mustNotSend(t).Trunks.Create(t.Context(), req)
			assert.Nil(t, snap)
			invalid := requireViolations(t, err, "trunks.create", tt.fields...)
			assert.Contains(t, err.Error(), tt.errText)
			for _, violation := range invalid.Violations {
				assert.NotContains(t, violation.Value, "2345678901")
			}
		})
	}
}

// textMarshaler encodes itself as a text that is not UTF-8.
type textMarshaler struct{}

func (textMarshaler) MarshalText() ([]byte, error) { return []byte("a\xff"), nil }

// failingMarshaler fails to encode itself, with a secret in its error.
type failingMarshaler struct{}

func (failingMarshaler) MarshalJSON() ([]byte, error) {
	return nil, errors.New("the password is s3cret")
}

// wrappingMarshaler fails likewise, and wraps an error of encoding/json.
type wrappingMarshaler struct{}

func (wrappingMarshaler) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("the password is s3cret: %w", &json.UnsupportedValueError{Str: "x"})
}

// Settings are the caller's own JSON. Values that JSON cannot express, or would change, are rejected.
func TestAdditionalSettings(t *testing.T) {
	t.Parallel()
	type text string
	tests := []struct {
		name     string
		settings map[string]any
		sent     string // "" if the settings are rejected
	}{
		{"empty", map[string]any{}, `{}`},
		{"every type", map[string]any{"a": 1, "b": 1.5, "c": "x", "d": true, "e": []int{1}, "f": map[string]any{}}, `{"a":1,"b":1.5,"c":"x","d":true,"e":[1],"f":{}}`},
		{"nested nulls", map[string]any{"a": nil, "b": []any{nil}}, `{"a":null,"b":[null]}`},
		{"raw JSON", map[string]any{"a": json.RawMessage(`{"x": [1, 2]}`)}, `{"a":{"x":[1,2]}}`},
		{"raw JSON null", map[string]any{"a": json.RawMessage(`null`)}, `{"a":null}`},
		{"replacement characters", map[string]any{"a": "\ufffd", "\ufffd": "x"}, `{"a":"` + "\ufffd" + `","` + "\ufffd" + `":"x"}`},
		{
			"a replacement character beside types with their own encoding",
			map[string]any{"a": "\ufffd", "b": []byte("\xff"), "c": [1]netip.Addr{netip.MustParseAddr("192.0.2.1")}, "d": struct{ A *string }{}},
			`{"a":"` + "\ufffd" + `","b":"/w==","c":["192.0.2.1"],"d":{"A":null}}`,
		},
		{"the escape of a replacement character, as text", map[string]any{"a": `\ufffd`, "b": `\\ufffd`}, `{"a":"\\ufffd","b":"\\\\ufffd"}`},

		{"not a number", map[string]any{"a": math.NaN()}, ""},
		{"infinity", map[string]any{"a": []any{math.Inf(1)}}, ""},
		{"a channel", map[string]any{"a": make(chan int)}, ""},
		{"a function", map[string]any{"a": func() {}}, ""},
		{"a complex number", map[string]any{"a": 1i}, ""},
		{"invalid raw JSON", map[string]any{"a": json.RawMessage(`{`)}, ""},
		{"an invalid json.Number", map[string]any{"a": json.Number("1;2")}, ""},
		{"a type whose encoding fails", map[string]any{"a": failingMarshaler{}}, ""},
		{"a type whose encoding fails with an error of encoding/json", map[string]any{"a": wrappingMarshaler{}}, ""},
		{"a value that is not UTF-8", map[string]any{"a": "x\xff"}, ""},
		{"a typed value that is not UTF-8", map[string]any{"a": text("x\xff")}, ""},
		{"a nested value that is not UTF-8", map[string]any{"a": []any{map[string]any{"b": []string{"x\xff"}}}}, ""},
		{"a field that is not UTF-8", map[string]any{"a": struct{ A, B string }{"x", "x\xff"}}, ""},
		{"an item that is not UTF-8", map[string]any{"a": [2]string{"x", "x\xff"}}, ""},
		{"a key that is not UTF-8", map[string]any{"a\xff": 1}, ""},
		{"a nested key that is not UTF-8", map[string]any{"a": map[string]string{"b\xff": "c"}}, ""},
		{"JSON that is not UTF-8", map[string]any{"a": json.RawMessage("\"x\xff\"")}, ""},
		{"a text marshaler that is not UTF-8", map[string]any{"a": textMarshaler{}}, ""},
		{"a text marshaler as a key", map[string]any{"a": map[textMarshaler]int{{}: 1}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.sent == "" {
				_, err := mustNotSend(t).Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{AdditionalSettings: tt.settings})
				requireViolations(t, err, "trunks.update", "additional_settings")
				assert.NotContains(t, err.Error(), "s3cret")
				_, err = mustNotSend(t).Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
					TrunkID: frontDesk, AgentUUID: agentUUID, AdditionalSettings: tt.settings,
				})
				requireViolations(t, err, "trunks.create", "additional_settings")
				return
			}
			client, got := endpoint(t, http.MethodPatch, trunks, snapshotJSON)
			_, err := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{AdditionalSettings: tt.settings})
			require.NoError(t, err)
			assert.Equal(t, `{"phone_number":"+12345678901","channel":"call","additional_settings":`+tt.sent+`}`, got.Body)
		})
	}
}

// A nil pointer is sent as null, even if its type has its own encoding.
func TestAdditionalSettingsWithANilPointer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "\ufffd"} {
		client, got := endpoint(t, http.MethodPatch, trunks, snapshotJSON)
		assert.NotPanics(t, func() {
			_, err := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{
				AdditionalSettings: map[string]any{"a": text, "b": (*netip.Addr)(nil)},
			})
			assert.NoError(t, err)
		})
		assert.Equal(t, `{"phone_number":"+12345678901","channel":"call","additional_settings":{"a":"`+text+`","b":null}}`, got.Body)
	}
}

// A gateway is a host name or an IP address. Anything else is rejected, and the error does not contain
// what could be a username and a password.
func TestGateway(t *testing.T) {
	t.Parallel()
	const (
		scheme   = "has a scheme; want a host name or an IP address such as sip.example.com"
		notAHost = "is more than a host; want"
		port     = "has a port, which belongs in sip.port; want"
		other    = "not a host name; want"
	)
	label := strings.Repeat("a", 63)
	longest := strings.Repeat(label+".", 3) + strings.Repeat("a", 61)
	tests := []struct{ gateway, problem string }{
		{"sip.example.com", ""},
		{"localhost", ""},
		{"SIP.Example.COM", ""},
		{"sip.example.com.", ""},
		{"_sip._udp.example.com", ""},
		{"gw_1.example.com", ""},
		{"xn--mnchen-3ya.example", ""},
		{"198.51.100.7", ""},
		{"2001:db8::7", ""},
		{"[2001:db8::7]", ""},
		{label + ".example", ""},
		{longest, ""},

		{"sip:sip.example.com", scheme},
		{"SIPS:sip.example.com", scheme},
		{"https://sip.example.com", scheme},
		{"odd://sip.example.com", scheme},
		{"sip.example.com/path", notAHost},
		{"sip.example.com?x", notAHost},
		{"sip.example.com#x", notAHost},
		{"sip.example.com:5060", port},
		{"198.51.100.7:5060", port},
		{"sip.example.com:", port},
		{"[2001:db8::7]:5060", other},
		{"[2001:db8::7", other},
		{"2001:db8::7]", other},
		{"[198.51.100.7]", other},
		{"2001:db8::zz", other},
		{"fe80::1%eth0", other},
		{"10.0.0.256", other},
		{"198.51.100", other},
		{"sip example.com", other},
		{" sip.example.com", other},
		{"sip.example.com\n", other},
		{"sip.exämple.com", other},
		{"sip..example.com", other},
		{".example.com", other},
		{".", other},
		{"sip.example.com..", other},
		{"-sip.example.com", other},
		{"sip-.example.com", other},
		{"sip,example", other},
		{label + "a.example", other},
		{longest + "a", other},
		{"alice:pl4nted@sip.example.com", notAHost},
		{"sip:alice:pl4nted@sip.example.com", scheme},
	}
	for _, tt := range tests {
		t.Run(tt.gateway, func(t *testing.T) {
			t.Parallel()
			for _, field := range []string{"sip.gateway", "sip.secondary_gateway"} {
				sip := mihu.SIPCredentials{Gateway: tt.gateway}
				change := mihu.SIPUpdate{Gateway: &tt.gateway}
				if field == "sip.secondary_gateway" {
					sip = mihu.SIPCredentials{SecondaryGateway: tt.gateway}
					change = mihu.SIPUpdate{SecondaryGateway: &tt.gateway}
				}
				client := newClient(t, newWire(t, ok()))
				_, created := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agentUUID, SIP: &sip})
				_, updated := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{SIP: &change})
				if tt.problem == "" {
					require.NoError(t, created)
					require.NoError(t, updated)
					continue
				}
				for op, err := range map[string]error{"trunks.create": created, "trunks.update": updated} {
					invalid := requireViolations(t, err, op, field)
					assert.Contains(t, invalid.Violations[0].Problem, tt.problem)
					assert.NotContains(t, err.Error(), "pl4nted")
					assert.NotContains(t, err.Error(), "\n")
				}
			}
		})
	}
}

// A secret in the wrong field is not in the validation error.
func TestValidationErrorsHideMisplacedSecrets(t *testing.T) {
	t.Parallel()
	_, err := mustNotSend(t).Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{PhoneNumber: number, Channel: "pl4nted"}, AgentUUID: "pl4nted",
		SIP: &mihu.SIPCredentials{Gateway: "pl4nted/", Username: "alice", Password: "pl4nted"},
	})
	requireViolations(t, err, "trunks.create", "channel", "agent_uuid", "sip.gateway")
	assert.NotContains(t, err.Error(), "pl4nted")

	_, err = mustNotSend(t).Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{
		Direction: new(mihu.Direction("pl4nted")), SIP: &mihu.SIPUpdate{Gateway: new("pl4nted/"), Password: new("pl4nted")},
	})
	requireViolations(t, err, "trunks.update", "direction", "sip.gateway")
	assert.NotContains(t, err.Error(), "pl4nted")
}

// Every field of an update in each of its states: an unset field is not sent, a cleared one is sent as
// the empty string, and null is never sent.
func TestUpdateSendsTheRequest(t *testing.T) {
	t.Parallel()
	sip := func(u mihu.SIPUpdate) mihu.TrunkUpdateRequest { return mihu.TrunkUpdateRequest{SIP: &u} }
	direction := func(d mihu.Direction) mihu.TrunkUpdateRequest { return mihu.TrunkUpdateRequest{Direction: &d} }
	tests := []struct {
		name string
		id   mihu.TrunkID
		req  mihu.TrunkUpdateRequest
		want string
	}{
		{"name set", frontDesk, mihu.TrunkUpdateRequest{Name: new("Reception")}, `"name":"Reception"`},
		{"name empty", frontDesk, mihu.TrunkUpdateRequest{Name: new("")}, `"name":""`},
		{"inbound", frontDesk, direction(mihu.DirectionInbound), `"direction":"inbound"`},
		{"outbound", frontDesk, direction(mihu.DirectionOutbound), `"direction":"outbound"`},
		{"both", frontDesk, direction(mihu.DirectionBoth), `"direction":"both"`},
		{"gateway set", frontDesk, sip(mihu.SIPUpdate{Gateway: new("sip.example.com")}), `"sip":{"gateway":"sip.example.com"}`},
		{"gateway cleared", frontDesk, sip(mihu.SIPUpdate{Gateway: new("")}), `"sip":{"gateway":""}`},
		{"port set", frontDesk, sip(mihu.SIPUpdate{Port: mihu.SetPort(5061)}), `"sip":{"port":5061}`},
		{"the first port", frontDesk, sip(mihu.SIPUpdate{Port: mihu.SetPort(1)}), `"sip":{"port":1}`},
		{"the last port", frontDesk, sip(mihu.SIPUpdate{Port: mihu.SetPort(65535)}), `"sip":{"port":65535}`},
		{"port cleared", frontDesk, sip(mihu.SIPUpdate{Port: mihu.ClearPort()}), `"sip":{"port":""}`},
		{"username set", frontDesk, sip(mihu.SIPUpdate{Username: new("alice")}), `"sip":{"username":"alice"}`},
		{"username cleared", frontDesk, sip(mihu.SIPUpdate{Username: new("")}), `"sip":{"username":""}`},
		{"password set", frontDesk, sip(mihu.SIPUpdate{Password: new(`p"w/<&é`)}), `"sip":{"password":"p\"w/\u003c\u0026é"}`},
		{"password cleared", frontDesk, sip(mihu.SIPUpdate{Password: new("")}), `"sip":{"password":""}`},
		{
			"secondary gateway set", frontDesk, sip(mihu.SIPUpdate{SecondaryGateway: new("2001:db8::7")}),
			`"sip":{"secondary_gateway":"2001:db8::7"}`,
		},
		{"secondary gateway cleared", frontDesk, sip(mihu.SIPUpdate{SecondaryGateway: new("")}), `"sip":{"secondary_gateway":""}`},
		{
			"every credential cleared", frontDesk,
			sip(mihu.SIPUpdate{Gateway: new(""), Port: mihu.ClearPort(), Username: new(""), Password: new(""), SecondaryGateway: new("")}),
			`"sip":{"gateway":"","port":"","username":"","password":"","secondary_gateway":""}`,
		},
		{"settings replaced", frontDesk, mihu.TrunkUpdateRequest{AdditionalSettings: map[string]any{"ani_format": "e164"}}, `"additional_settings":{"ani_format":"e164"}`},
		{"settings cleared", frontDesk, mihu.TrunkUpdateRequest{AdditionalSettings: map[string]any{}}, `"additional_settings":{}`},
		{
			"an empty SIP struct is omitted", frontDesk,
			mihu.TrunkUpdateRequest{Name: new("Reception"), SIP: &mihu.SIPUpdate{}},
			`"name":"Reception"`,
		},
		{
			"an empty SIP struct on whatsapp is omitted", whatsAppTrunk,
			mihu.TrunkUpdateRequest{Name: new("Reception"), SIP: &mihu.SIPUpdate{}},
			`"name":"Reception"`,
		},
		{
			"the documented example", frontDesk,
			mihu.TrunkUpdateRequest{
				Name: new("Reception"), SIP: &mihu.SIPUpdate{Password: new("n3w"), SecondaryGateway: new("")},
				AdditionalSettings: map[string]any{},
			},
			`"name":"Reception","sip":{"password":"n3w","secondary_gateway":""},"additional_settings":{}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodPatch, trunks, snapshotJSON)
			snap, err := client.Trunks.Update(t.Context(), tt.id, &tt.req)
			require.NoError(t, err)
			assert.Equal(t, `{"phone_number":"+12345678901","channel":"`+string(tt.id.Channel)+`",`+tt.want+`}`, got.Body)
			assert.NotContains(t, got.Body, "null")
			assert.Empty(t, got.Query)
			assert.Equal(t, number, snap.Number)
		})
	}
}

func TestUpdateRejectsInvalidRequests(t *testing.T) {
	t.Parallel()
	sip := func(u mihu.SIPUpdate) mihu.TrunkUpdateRequest { return mihu.TrunkUpdateRequest{SIP: &u} }
	bad := new("a\xff")
	tests := []struct {
		name    string
		id      mihu.TrunkID
		req     mihu.TrunkUpdateRequest
		fields  []string
		errText string
	}{
		{"nothing to change", frontDesk, mihu.TrunkUpdateRequest{}, []string{"request"}, "changes nothing; set at least one field"},
		{"an empty SIP struct only", frontDesk, sip(mihu.SIPUpdate{}), []string{"request"}, "changes nothing"},
		{"no trunk", mihu.TrunkID{}, *rename, []string{"phone_number", "channel"}, "empty"},
		{"a number without its plus", mihu.TrunkID{PhoneNumber: "12345678901", Channel: mihu.ChannelCall}, *rename, []string{"phone_number"}, "not E.164"},
		{"sms", mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelSMS}, *rename, []string{"channel"}, "POST /agents/{uuid}/channels/sms"},
		{"an empty direction", frontDesk, mihu.TrunkUpdateRequest{Direction: new(mihu.Direction(""))}, []string{"direction"}, "cannot be cleared"},
		{"an unknown direction", frontDesk, mihu.TrunkUpdateRequest{Direction: new(mihu.Direction("in"))}, []string{"direction"}, `"in"`},
		{"a direction on whatsapp", whatsAppTrunk, mihu.TrunkUpdateRequest{Direction: new(mihu.DirectionBoth)}, []string{"direction"}, "silently"},
		{"SIP credentials on whatsapp", whatsAppTrunk, sip(mihu.SIPUpdate{Password: new("")}), []string{"sip"}, "silently"},
		{"port 0", frontDesk, sip(mihu.SIPUpdate{Port: mihu.SetPort(0)}), []string{"sip.port"}, `sip.port "0": out of range`},
		{"a zero PortUpdate", frontDesk, sip(mihu.SIPUpdate{Port: new(mihu.PortUpdate)}), []string{"sip.port"}, `sip.port "0": out of range`},
		{"port 70000", frontDesk, sip(mihu.SIPUpdate{Port: mihu.SetPort(70000)}), []string{"sip.port"}, `sip.port "70000": out of range`},
		{"port -5060", frontDesk, sip(mihu.SIPUpdate{Port: mihu.SetPort(-5060)}), []string{"sip.port"}, `sip.port "-5060": out of range`},
		{
			"texts that are not UTF-8", frontDesk,
			mihu.TrunkUpdateRequest{Name: bad, SIP: &mihu.SIPUpdate{Gateway: bad, Username: bad, Password: bad, SecondaryGateway: bad}},
			[]string{"name", "sip.gateway", "sip.username", "sip.password", "sip.secondary_gateway"},
			"not valid UTF-8",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			snap, err := mustNotSend(t).Trunks.Update(t.Context(), tt.id, &tt.req)
			assert.Nil(t, snap)
			requireViolations(t, err, "trunks.update", tt.fields...)
			assert.Contains(t, err.Error(), tt.errText)
		})
	}
}

// Validate reports the violations that the call would report, without a client.
func TestValidate(t *testing.T) {
	t.Parallel()
	require.NoError(t, frontDesk.Validate())
	require.NoError(t, createRequest(agentUUID).Validate())
	require.NoError(t, rename.Validate(whatsAppTrunk))

	requireViolations(t, mihu.TrunkID{PhoneNumber: "12345678901", Channel: mihu.ChannelSMS}.Validate(), "validate", "phone_number", "channel")
	requireViolations(t, (*mihu.TrunkCreateRequest)(nil).Validate(), "validate", "request")
	requireViolations(t, new(mihu.TrunkCreateRequest).Validate(), "validate", "phone_number", "channel", "agent_uuid")
	requireViolations(t, (*mihu.TrunkUpdateRequest)(nil).Validate(frontDesk), "validate", "request")
	requireViolations(t, new(mihu.TrunkUpdateRequest).Validate(mihu.TrunkID{}), "validate", "phone_number", "channel", "request")
	both := &mihu.TrunkUpdateRequest{Direction: new(mihu.DirectionBoth)}
	require.NoError(t, both.Validate(frontDesk))
	requireViolations(t, both.Validate(whatsAppTrunk), "validate", "direction")
}

func TestPortUpdate(t *testing.T) {
	t.Parallel()
	for want, update := range map[string]*mihu.PortUpdate{`5061`: mihu.SetPort(5061), `""`: mihu.ClearPort()} {
		encoded, err := json.Marshal(update)
		require.NoError(t, err)
		assert.Equal(t, want, string(encoded))
		var decoded mihu.PortUpdate
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		assert.Equal(t, *update, decoded, "it must decode what it encoded")
	}
	for _, other := range []string{`"5061"`, `{}`, `1.5`, `true`} {
		require.Error(t, json.Unmarshal([]byte(other), new(mihu.PortUpdate)), other)
	}
	assert.Equal(t, "5061", mihu.SetPort(5061).String())
	assert.Equal(t, "clear", mihu.ClearPort().String())
}

// In every update type, an unset field is nil and omitted, and an empty one is sent: it is a pointer
// with omitempty, or a map or slice with omitzero.
func TestUpdateTypesOmitOnlyNil(t *testing.T) {
	t.Parallel()
	checked := map[string]reflect.Type{}
	for _, each := range []reflect.Type{
		reflect.TypeFor[mihu.TrunkUpdateRequest](), reflect.TypeFor[mihu.SIPUpdate](), reflect.TypeFor[mihu.PortUpdate](),
	} {
		checked[each.Name()] = each
	}
	assert.ElementsMatch(t, exportedTypes(t, "Update"), keys(checked), "every update type is checked")

	for name, each := range checked {
		empty, err := json.Marshal(reflect.New(each).Interface())
		require.NoError(t, err)
		if name != "PortUpdate" { // a single value, not a set of fields
			assert.Equal(t, "{}", string(empty), name)
		}
		for _, field := range reflect.VisibleFields(each) {
			if !field.IsExported() {
				continue
			}
			_, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch kind := field.Type.Kind(); kind {
			case reflect.Pointer:
				assert.Equal(t, "omitempty", option, "%s.%s", name, field.Name)
			case reflect.Map, reflect.Slice:
				assert.Equal(t, "omitzero", option, "%s.%s", name, field.Name)
			default:
				assert.Fail(t, "neither a pointer nor a map nor a slice", "%s.%s is a %s", name, field.Name, kind)
			}
		}
	}
}

// exportedTypes returns the exported types of the package whose name contains a word.
func exportedTypes(t *testing.T, word string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() && strings.Contains(spec.Name.Name, word) {
				names = append(names, spec.Name.Name)
			}
			return true
		})
	}
	return names
}

func keys[V any](m map[string]V) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	return all
}

func TestAssignSendsTheRequest(t *testing.T) {
	t.Parallel()
	for _, id := range []mihu.TrunkID{frontDesk, whatsAppTrunk} {
		client, got := endpoint(t, http.MethodPut, "/phone-numbers/trunks/assign", snapshotJSON)
		snap, err := client.Trunks.Assign(t.Context(), id, agentUUID)
		require.NoError(t, err)
		assert.Equal(t, `{"phone_number":"+12345678901","channel":"`+string(id.Channel)+`","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}`, got.Body)
		assert.Empty(t, got.Query)
		assert.Equal(t, agentUUID, snap.Binding(mihu.ChannelCall).AgentUUID)
	}
}

func TestAssignRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	_, err := mustNotSend(t).Trunks.Assign(t.Context(), mihu.TrunkID{PhoneNumber: "12345678901", Channel: "fax"}, "")
	requireViolations(t, err, "trunks.assign", "phone_number", "channel", "agent_uuid")
}

func TestDeleteSendsTheRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		id   mihu.TrunkID
		want string
	}{
		{"the plus is encoded", frontDesk, "channel=call&phone_number=%2B12345678901"},
		{"without the plus", mihu.TrunkID{PhoneNumber: "12345678901", Channel: mihu.ChannelCall}, "channel=call&phone_number=12345678901"},
		{"whatsapp", whatsAppTrunk, "channel=whatsapp&phone_number=%2B12345678901"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodDelete, trunks, deletedJSON)
			require.NoError(t, client.Trunks.Delete(t.Context(), tt.id))
			assert.Equal(t, tt.want, got.Query)
			assert.Empty(t, got.Body)
		})
	}
}

func TestDeleteAcceptsAnySuccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
	}{
		{http.StatusOK, deletedJSON},
		{http.StatusOK, `{"success": true, "data": null}`},
		{http.StatusOK, `{"success": true, "data": []}`},
		{http.StatusOK, ""},
		{http.StatusNoContent, ""},
	}
	for _, tt := range tests {
		require.NoError(t, newClient(t, newWire(t, respondWith(tt.status, tt.body))).Trunks.Delete(t.Context(), frontDesk), "%d %s", tt.status, tt.body)
	}
}

func TestDeleteRejectsInvalidArguments(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"", "+", "0123456", "++12345678901", "+12345678901,+12345678902", "12345678901&channel=call"} {
		err := mustNotSend(t).Trunks.Delete(t.Context(), mihu.TrunkID{PhoneNumber: number})
		invalid := requireViolations(t, err, "trunks.delete", "phone_number", "channel")
		assert.NotContains(t, invalid.Violations[0].Value, "12345678901")
	}
}

// If a retried Delete finds no trunk, an earlier attempt deleted it, which is a success. Any other
// missing trunk is ErrNotFound.
func TestDeleteOfAMissingTrunk(t *testing.T) {
	t.Parallel()
	html := respondWith(http.StatusNotFound, "<html>default backend - 404</html>", "Content-Type", "text/html")
	tests := []struct {
		name  string
		steps []step
		want  []error // nil is success
	}{
		{"first attempt", []step{apiError(404)}, []error{mihu.ErrNotFound}},
		{"after a lost connection", []step{lost(), apiError(404)}, nil},
		{"after a 502 and a 503", []step{apiError(502), apiError(503), apiError(404)}, nil},
		{"after a response that was cut short", []step{cutShort(200, `{"success": tr`), apiError(404)}, nil},
		{"after a request that was never sent", []step{neverSent(errRefusedDial), apiError(404)}, []error{mihu.ErrNotFound}},
		{"after a 429", []step{apiError(429), apiError(404)}, []error{mihu.ErrNotFound}},
		{"after a lost connection, a 403", []step{lost(), apiError(403)}, []error{mihu.ErrOutcomeUnknown, mihu.ErrForbidden}},
		// The 404 of a proxy is no evidence that the trunk is gone.
		{
			"after a 502, as a proxy's page",
			[]step{apiError(502), html},
			[]error{mihu.ErrOutcomeUnknown, mihu.ErrServer, mihu.ErrNotFound, mihu.ErrMalformedResponse},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, tt.steps...)
				var resp mihu.Response
				err := newClient(t, wire).Trunks.Delete(t.Context(), frontDesk, mihu.WithResponse(&resp))
				assert.Equal(t, len(tt.steps), wire.Attempts())
				assert.Equal(t, len(tt.steps), resp.Attempts)
				if tt.want == nil {
					require.NoError(t, err)
					return
				}
				assertMatches(t, err, tt.want...)
			})
		})
	}
}

func TestListSendsTheRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options *mihu.ListOptions
		want    string
	}{
		{"no options", nil, ""},
		{"zero options", &mihu.ListOptions{}, ""},
		{"a page", &mihu.ListOptions{Page: 3}, "page=3"},
		{"a size", &mihu.ListOptions{PerPage: 200}, "per_page=200"},
		{"both", &mihu.ListOptions{Page: 2, PerPage: 1}, "page=2&per_page=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodGet, trunks, pageJSON)
			page, err := client.Trunks.List(t.Context(), tt.options)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.Query)
			assert.Empty(t, got.Body)
			require.Len(t, page.Items, 1)
			assert.Equal(t, number, page.Items[0].Number)
			assert.Equal(t, &mihu.Pagination{CurrentPage: 1, PerPage: 50, Total: 1, LastPage: 1, From: 1, To: 1}, page.Pagination)
		})
	}
}

func TestListRejectsInvalidOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		options mihu.ListOptions
		fields  []string
	}{
		{mihu.ListOptions{Page: -1}, []string{"page"}},
		{mihu.ListOptions{PerPage: -1}, []string{"per_page"}},
		{mihu.ListOptions{PerPage: 201}, []string{"per_page"}},
		{mihu.ListOptions{Page: -1, PerPage: 1000}, []string{"page", "per_page"}},
	}
	for _, tt := range tests {
		page, err := mustNotSend(t).Trunks.List(t.Context(), &tt.options)
		assert.Nil(t, page)
		requireViolations(t, err, "trunks.list", tt.fields...)

		var errs []error
		for item, err := range mustNotSend(t).Trunks.All(t.Context(), &mihu.AllOptions{Page: tt.options.Page, PerPage: tt.options.PerPage}) {
			assert.Equal(t, mihu.PhoneNumber{}, item)
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		requireViolations(t, errs[0], "trunks.all", tt.fields...)
	}
}

// listing is the list of a listServer, and how the server paginates it.
type listing struct {
	numbers int
	// perPage is the size of the pages; 0 is that of the request.
	perPage int
	// ignoresPage makes every page the first one.
	ignoresPage bool
	// shuffled changes the order with every request.
	shuffled bool
	// pagination returns the JSON of the pagination; nil sends none.
	pagination func(page, perPage, total int) string
	// failsAt is the page whose response is an error; 0 is none.
	failsAt int
}

// listServer is a transport that serves a list of numbers and records the requested pages.
type listServer struct {
	listing
	t         *testing.T
	mu        sync.Mutex
	requested []string
}

func newListServer(t *testing.T, l listing) *listServer {
	t.Helper()
	return &listServer{listing: l, t: t}
}

func (l *listServer) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	l.mu.Lock()
	l.requested = append(l.requested, query.Get("page"))
	requests := len(l.requested)
	l.mu.Unlock()
	if requests > 50 {
		assert.Fail(l.t, "the iteration does not end")
		return nil, errLost
	}
	page, _ := strconv.Atoi(query.Get("page"))
	if page == l.failsAt {
		return response(http.StatusForbidden, `{"success": false, "message": "No"}`), nil
	}
	perPage := l.perPage
	if perPage == 0 {
		perPage, _ = strconv.Atoi(query.Get("per_page"))
	}
	first := (page - 1) * perPage
	if l.ignoresPage {
		first, perPage = 0, max(perPage, 1)
	}
	var items []string
	for i := first; i < min(first+perPage, l.numbers); i++ {
		n := i
		if l.shuffled {
			n = (i*7 + requests*requests) % l.numbers
		}
		items = append(items, fmt.Sprintf(`{"number": "+1555%07d"}`, n))
	}
	body := `{"success": true, "data": {"items": [` + strings.Join(items, ",") + `]`
	if l.pagination != nil {
		body += `, "pagination": ` + l.pagination(page, perPage, l.numbers)
	}
	return response(http.StatusOK, body+`}}`), nil
}

// Requested returns the pages that were requested.
func (l *listServer) Requested() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.requested...)
}

// fullPagination returns a pagination with every field.
func fullPagination(page, perPage, total int) string {
	perPage = max(1, perPage)
	last := max(1, (total+perPage-1)/perPage)
	return fmt.Sprintf(`{"current_page": %d, "per_page": %d, "total": %d, "last_page": %d, "from": null, "to": null, "has_more": %t}`,
		page, perPage, total, last, page < last)
}

// collect ranges over All and returns the numbers and the errors.
func collect(ctx context.Context, client *mihu.Client, options *mihu.AllOptions) (numbers []string, errs []error) {
	for item, err := range client.Trunks.All(ctx, options) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		numbers = append(numbers, item.Number)
	}
	return numbers, errs
}

// All yields every number once and ends, however much the server reports about its pages.
func TestAllYieldsEveryNumber(t *testing.T) {
	t.Parallel()
	const anyPages = "any number"
	pairs := &mihu.AllOptions{PerPage: 2}
	tests := []struct {
		name    string
		server  listing
		options *mihu.AllOptions
		want    int
		pages   string
	}{
		{"no numbers", listing{pagination: fullPagination}, nil, 0, "1"},
		{"no numbers and no pagination", listing{}, nil, 0, "1"},
		{"one page", listing{numbers: 3, pagination: fullPagination}, nil, 3, "1"},
		{"pages of 200 by default", listing{numbers: 401, pagination: fullPagination}, nil, 401, "1 2 3"},
		{"pages of the caller's size", listing{numbers: 5, pagination: fullPagination}, pairs, 5, "1 2 3"},
		{"a full last page", listing{numbers: 4, pagination: fullPagination}, pairs, 4, "1 2"},
		{"pages smaller than requested", listing{numbers: 5, perPage: 2, pagination: fullPagination}, nil, 5, "1 2 3"},
		{"from a later page", listing{numbers: 5, pagination: fullPagination}, &mihu.AllOptions{Page: 2, PerPage: 2}, 3, "2 3"},
		{"has_more only", listing{numbers: 5, pagination: func(page, perPage, total int) string {
			return fmt.Sprintf(`{"current_page": %d, "has_more": %t}`, page, page*perPage < total)
		}}, pairs, 5, "1 2 3"},
		{"last_page only", listing{numbers: 5, pagination: func(int, int, int) string { return `{"last_page": 3}` }}, pairs, 5, "1 2 3"},
		{"total and per_page", listing{numbers: 5, perPage: 2, pagination: func(_, perPage, total int) string {
			return fmt.Sprintf(`{"per_page": %d, "total": %d}`, perPage, total)
		}}, nil, 5, "1 2 3"},
		{"total only", listing{numbers: 5, pagination: func(_, _, total int) string { return fmt.Sprintf(`{"total": %d}`, total) }}, pairs, 5, anyPages},
		{"total only, pages smaller than requested", listing{numbers: 5, perPage: 2, pagination: func(_, _, total int) string {
			return fmt.Sprintf(`{"total": %d}`, total)
		}}, nil, 5, anyPages},
		{"pagination as texts", listing{numbers: 3, pagination: func(page, _, _ int) string {
			return fmt.Sprintf(`{"current_page": "%d", "last_page": "2", "has_more": %d}`, page, max(0, 2-page))
		}}, pairs, 3, "1 2"},
		{"no pagination", listing{numbers: 5}, pairs, 5, "1 2 3 4"},
		{"an empty pagination", listing{numbers: 3, pagination: func(int, int, int) string { return `[]` }}, pairs, 3, "1 2 3"},
		{"a server that ignores page and per_page", listing{numbers: 3, perPage: 3, ignoresPage: true}, nil, 3, "1 2"},
		{"a server that ignores page and per_page, with last_page", listing{numbers: 3, perPage: 3, ignoresPage: true, pagination: func(int, int, int) string {
			return `{"total": 3, "per_page": 3, "last_page": 1}`
		}}, nil, 3, "1"},
		{"a server that ignores page and per_page, with total only", listing{numbers: 3, perPage: 3, ignoresPage: true, pagination: func(int, int, int) string { return `{"total": 3}` }}, nil, 3, anyPages},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newListServer(t, tt.server)
			got, errs := collect(t.Context(), newClient(t, server), tt.options)
			require.Empty(t, errs)
			skipped := 0
			if tt.options != nil && tt.options.Page > 1 {
				skipped = (tt.options.Page - 1) * tt.options.PerPage
			}
			var want []string
			for i := range tt.want {
				want = append(want, fmt.Sprintf("+1555%07d", skipped+i))
			}
			assert.Equal(t, want, got)
			if tt.pages != anyPages {
				assert.Equal(t, tt.pages, strings.Join(server.Requested(), " "))
			}
		})
	}
}

// If the server reports more numbers than it sends, All yields an error, since numbers are missing.
func TestAllReportsMissingNumbers(t *testing.T) {
	t.Parallel()
	constant := func(pagination string) func(int, int, int) string {
		return func(int, int, int) string { return pagination }
	}
	tests := []struct {
		name   string
		server listing
	}{
		{"the same page twice", listing{numbers: 2, perPage: 2, ignoresPage: true, pagination: constant(`{"has_more": true}`)}},
		{"an empty page", listing{numbers: 2, perPage: 2, pagination: constant(`{"has_more": true}`)}},
		{"the same page twice, with last_page", listing{numbers: 2, perPage: 2, ignoresPage: true, pagination: constant(`{"last_page": 3}`)}},
		{"the same page twice, with total", listing{numbers: 2, perPage: 2, ignoresPage: true, pagination: constant(`{"total": 5}`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, errs := collect(t.Context(), newClient(t, newListServer(t, tt.server)), nil)
			assert.Len(t, got, 2)
			require.Len(t, errs, 1)
			assertMatches(t, errs[0], mihu.ErrMalformedResponse)
			assert.Contains(t, errs[0].Error(), "mihu: trunks.all: ")
			assert.Contains(t, errs[0].Error(), "the server reports more")
		})
	}
}

// All ends even if the server ignores page and per_page and changes the order with every request.
func TestAllEndsWithoutAStableOrder(t *testing.T) {
	t.Parallel()
	server := newListServer(t, listing{numbers: 100, perPage: 100, ignoresPage: true, shuffled: true})
	got, errs := collect(t.Context(), newClient(t, server), nil)
	require.Empty(t, errs)
	if len(got) != 100 {
		t.Errorf("%d numbers, want 100", len(got))
	}
}

func TestAllStops(t *testing.T) {
	t.Parallel()
	t.Run("nothing is sent before the loop begins", func(t *testing.T) {
		t.Parallel()
		_ = mustNotSend(t).Trunks.All(t.Context(), nil)
	})
	t.Run("a break fetches no further page", func(t *testing.T) {
		t.Parallel()
		server := newListServer(t, listing{numbers: 6, pagination: fullPagination})
		var got int
		for _, err := range newClient(t, server).Trunks.All(t.Context(), &mihu.AllOptions{PerPage: 2}) {
			require.NoError(t, err)
			if got++; got == 4 { // the last of its page
				break
			}
		}
		assert.Equal(t, []string{"1", "2"}, server.Requested())
	})
	t.Run("an error is yielded once and ends the loop", func(t *testing.T) {
		t.Parallel()
		server := newListServer(t, listing{numbers: 6, pagination: fullPagination, failsAt: 2})
		got, errs := collect(t.Context(), newClient(t, server), &mihu.AllOptions{PerPage: 2})
		assert.Len(t, got, 2)
		require.Len(t, errs, 1)
		assertMatches(t, errs[0], mihu.ErrForbidden)
		assert.Equal(t, []string{"1", "2"}, server.Requested())
	})
	t.Run("a break at an error ends the loop", func(t *testing.T) {
		t.Parallel()
		for _, err := range newClient(t, newWire(t, apiError(403))).Trunks.All(t.Context(), nil) {
			require.ErrorIs(t, err, mihu.ErrForbidden)
			break
		}
	})
	t.Run("the end of the context ends the loop", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		server := newListServer(t, listing{numbers: 6, pagination: fullPagination})
		var got int
		var last error
		for _, err := range newClient(t, server).Trunks.All(ctx, &mihu.AllOptions{PerPage: 2}) {
			if last = err; err == nil {
				got++
				cancel(errLost)
			}
		}
		assert.Equal(t, 2, got, "the numbers of the fetched page are yielded")
		require.ErrorIs(t, last, context.Canceled)
		require.ErrorIs(t, last, errLost)
		assert.Equal(t, []string{"1"}, server.Requested())
	})
}

func TestAllCopiesItsOptions(t *testing.T) {
	t.Parallel()
	server := newListServer(t, listing{numbers: 5, pagination: fullPagination})
	options := &mihu.AllOptions{PerPage: 2}
	all := newClient(t, server).Trunks.All(t.Context(), options)
	*options = mihu.AllOptions{Page: -1, PerPage: -1}
	got := 0
	for _, err := range all {
		require.NoError(t, err)
		got++
	}
	assert.Equal(t, 5, got)
	assert.Equal(t, mihu.AllOptions{Page: -1, PerPage: -1}, *options)
}

// Several loops can range over one iterator at once, each from the beginning.
func TestAllIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	server := newListServer(t, listing{numbers: 5, pagination: fullPagination})
	all := newClient(t, server).Trunks.All(t.Context(), &mihu.AllOptions{PerPage: 2})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var got []string
			for item, err := range all {
				assert.NoError(t, err)
				got = append(got, item.Number)
			}
			assert.Len(t, got, 5)
		})
	}
	group.Wait()
	assert.Len(t, server.Requested(), 8*3)
}
