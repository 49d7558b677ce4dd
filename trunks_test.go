package mihu_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
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

// A request that the API's documentation rules out, or that the API would ignore silently in part,
// is not sent. The error lists every violation.
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

// Every field of an update in each of its states: an unset field is not sent, a cleared one is sent
// as the empty string, and null is never sent.
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

// Create, Update, Assign, read, list and Delete against a stateful server.
func TestTrunkLifecycle(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]mihutest.Option{nil, {mihutest.WithTLS()}} {
		srv := mihutest.NewServer(t, opts...)
		client := srv.Client(t)
		ada, bob := srv.AddAgent("Ada"), srv.AddAgent("Bob")

		snap, err := client.Trunks.Create(t.Context(), createRequest(ada))
		require.NoError(t, err)
		assert.Equal(t, mihu.Binding{Bound: true, AgentUUID: ada, AgentName: "Ada"}, snap.Binding(mihu.ChannelCall))
		assert.True(t, snap.External())
		assertStored(t, srv, ada)

		_, err = client.Trunks.Create(t.Context(), createRequest(bob))
		require.ErrorIs(t, err, mihu.ErrConflict)

		_, err = client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{
			Name: new("Reception"), SIP: &mihu.SIPUpdate{Password: new("n3w"), Port: mihu.ClearPort()}, AdditionalSettings: map[string]any{},
		})
		require.NoError(t, err)
		stored, ok := srv.Trunk(frontDesk)
		require.True(t, ok)
		assert.Equal(t, "Reception", stored.Name)
		assert.Equal(t, mihu.DirectionInbound, stored.Direction, "an unset field is unchanged")
		assert.Equal(t, mihu.SIPCredentials{Gateway: "sip.example.com", Username: "alice", Password: "n3w", SecondaryGateway: "sip2.example.com"}, stored.SIP)
		assert.Empty(t, stored.AdditionalSettings)

		snap, err = client.Trunks.Assign(t.Context(), frontDesk, bob)
		require.NoError(t, err)
		assert.Equal(t, "Bob", snap.Binding(mihu.ChannelCall).AgentName)

		for _, read := range []func() (*mihu.ChannelSnapshot, error){
			func() (*mihu.ChannelSnapshot, error) { return client.Channels.Get(t.Context(), snap.PhoneNumberUUID) },
			func() (*mihu.ChannelSnapshot, error) { return client.Channels.GetByNumber(t.Context(), number) },
		} {
			found, err := read()
			require.NoError(t, err)
			assert.Equal(t, snap, found)
		}
		numbers, errs := collect(t.Context(), client, nil)
		require.Empty(t, errs)
		assert.Equal(t, []string{number}, numbers)

		require.NoError(t, client.Trunks.Delete(t.Context(), mihu.TrunkID{PhoneNumber: "12345678901", Channel: mihu.ChannelCall}))
		require.ErrorIs(t, client.Trunks.Delete(t.Context(), frontDesk), mihu.ErrNotFound)
		assert.Empty(t, srv.Trunks())
	}
}
