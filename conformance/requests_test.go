package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const pageBody = `{"success":true,"data":{"items":[]}}`

var (
	callID     = mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
	whatsAppID = mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelWhatsApp}
	// settings contain all kinds of JSON values. A null in them belongs to the caller.
	settings = map[string]any{"ani_format": "e164", "nested": map[string]any{"null": nil, "list": []any{1.5, true, "<&>\u2028é"}}}
)

// way is one way to set a field, and the JSON that must be sent for it.
type way[R any] struct {
	fill func(*R)
	want any
}

// field is a field of a request with its path in the body. Omitting it is always one more way.
type field[R any] struct {
	path string
	ways []way[R]
}

// combinations returns every combination of the ways to set the fields: the request, and the body that
// must be sent for it in addition to the required fields.
func combinations[R any](fields []field[R]) iter.Seq2[*R, map[string]any] {
	total := 1
	for _, f := range fields {
		total *= len(f.ways) + 1
	}
	return func(yield func(*R, map[string]any) bool) {
		for n := range total {
			req, want := new(R), map[string]any{}
			for _, f := range fields {
				choice := n % (len(f.ways) + 1)
				n /= len(f.ways) + 1
				if choice > 0 {
					f.ways[choice-1].fill(req)
					put(want, f.path, f.ways[choice-1].want)
				}
			}
			if !yield(req, want) {
				return
			}
		}
	}
}

func put(body map[string]any, path string, value any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		body[name] = value
		return
	}
	inner, ok := body[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		body[name] = inner
	}
	put(inner, rest, value)
}

// A field of an update is omitted, empty, or has a value. A direction has no empty value.
var (
	updateFields = []field[mihu.TrunkUpdateRequest]{
		{"name", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { r.Name = new("") }, ""},
			{func(r *mihu.TrunkUpdateRequest) { r.Name = new("Réception <1> & \"2\"") }, "Réception <1> & \"2\""},
		}},
		{"additional_settings", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { r.AdditionalSettings = map[string]any{} }, map[string]any{}},
			{func(r *mihu.TrunkUpdateRequest) { r.AdditionalSettings = settings }, settings},
		}},
	}
	updateCallFields = []field[mihu.TrunkUpdateRequest]{
		{"direction", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { r.Direction = new(mihu.DirectionInbound) }, "inbound"},
			{func(r *mihu.TrunkUpdateRequest) { r.Direction = new(mihu.DirectionOutbound) }, "outbound"},
			{func(r *mihu.TrunkUpdateRequest) { r.Direction = new(mihu.DirectionBoth) }, "both"},
		}},
		{"sip.gateway", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Gateway = new("") }, ""},
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Gateway = new("sip.example.com") }, "sip.example.com"},
		}},
		{"sip.port", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Port = mihu.ClearPort() }, ""},
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Port = mihu.SetPort(5060) }, 5060.0},
		}},
		{"sip.username", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Username = new("") }, ""},
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Username = new("alice") }, "alice"},
		}},
		{"sip.password", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Password = new("") }, ""},
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).Password = new("s3cret <&> \u2028") }, "s3cret <&> \u2028"},
		}},
		{"sip.secondary_gateway", []way[mihu.TrunkUpdateRequest]{
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).SecondaryGateway = new("") }, ""},
			{func(r *mihu.TrunkUpdateRequest) { sipOf(r).SecondaryGateway = new("192.0.2.1") }, "192.0.2.1"},
		}},
	}
)

func sipOf(r *mihu.TrunkUpdateRequest) *mihu.SIPUpdate {
	if r.SIP == nil {
		r.SIP = new(mihu.SIPUpdate)
	}
	return r.SIP
}

// A field of a new trunk is omitted or has a value. Settings may be empty.
var (
	createFields = []field[mihu.TrunkCreateRequest]{
		{"name", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { r.Name = "Réception <1> & \"2\"" }, "Réception <1> & \"2\""},
		}},
		{"additional_settings", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { r.AdditionalSettings = map[string]any{} }, map[string]any{}},
			{func(r *mihu.TrunkCreateRequest) { r.AdditionalSettings = settings }, settings},
		}},
	}
	createCallFields = []field[mihu.TrunkCreateRequest]{
		{"direction", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { r.Direction = mihu.DirectionInbound }, "inbound"},
			{func(r *mihu.TrunkCreateRequest) { r.Direction = mihu.DirectionOutbound }, "outbound"},
			{func(r *mihu.TrunkCreateRequest) { r.Direction = mihu.DirectionBoth }, "both"},
		}},
		{"sip.gateway", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { credentialsOf(r).Gateway = "sip.example.com" }, "sip.example.com"},
		}},
		{"sip.port", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { credentialsOf(r).Port = 5060 }, 5060.0},
		}},
		{"sip.username", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { credentialsOf(r).Username = "alice" }, "alice"},
		}},
		{"sip.password", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { credentialsOf(r).Password = "s3cret <&> \u2028" }, "s3cret <&> \u2028"},
		}},
		{"sip.secondary_gateway", []way[mihu.TrunkCreateRequest]{
			{func(r *mihu.TrunkCreateRequest) { credentialsOf(r).SecondaryGateway = "192.0.2.1" }, "192.0.2.1"},
		}},
	}
)

func credentialsOf(r *mihu.TrunkCreateRequest) *mihu.SIPCredentials {
	if r.SIP == nil {
		r.SIP = new(mihu.SIPCredentials)
	}
	return r.SIP
}

func TestEveryUpdateIsValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id     mihu.TrunkID
		fields []field[mihu.TrunkUpdateRequest]
		want   int
	}{
		{callID, slices.Concat(updateFields, updateCallFields), 3 * 3 * 4 * 3 * 3 * 3 * 3 * 3},
		{whatsAppID, updateFields, 3 * 3},
	} {
		t.Run(string(tt.id.Channel), func(t *testing.T) {
			t.Parallel()
			check := newChecker(t, confirm(http.StatusOK))
			client := newClient(t, check)
			n := 0
			for req, want := range combinations(tt.fields) {
				n++
				if len(want) == 0 {
					_, err := client.Trunks.Update(t.Context(), tt.id, req)
					require.ErrorIs(t, err, mihu.ErrInvalid)
					require.Empty(t, check.take(), "an update without changes is not sent")
					continue
				}
				_, err := client.Trunks.Update(t.Context(), tt.id, req)
				require.NoError(t, err)
				want["phone_number"], want["channel"] = number, string(tt.id.Channel)
				requireSent(t, check, "updateTrunk", want)
			}
			assert.Equal(t, tt.want, n, "combinations")
		})
	}
}

func TestEveryCreateIsValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id     mihu.TrunkID
		fields []field[mihu.TrunkCreateRequest]
		want   int
	}{
		{callID, slices.Concat(createFields, createCallFields), 2 * 3 * 4 * 2 * 2 * 2 * 2 * 2},
		{whatsAppID, createFields, 2 * 3},
	} {
		t.Run(string(tt.id.Channel), func(t *testing.T) {
			t.Parallel()
			check := newChecker(t, confirm(http.StatusCreated))
			client := newClient(t, check)
			n := 0
			for req, want := range combinations(tt.fields) {
				n++
				req.TrunkID, req.AgentUUID = tt.id, uuid
				_, err := client.Trunks.Create(t.Context(), req)
				require.NoError(t, err)
				want["phone_number"], want["channel"], want["agent_uuid"] = number, string(tt.id.Channel), uuid
				requireSent(t, check, "createTrunk", want)
			}
			assert.Equal(t, tt.want, n, "combinations")
		})
	}
}

// Empty structs are omitted, not sent as {}.
func TestEmptySIPIsNotSent(t *testing.T) {
	t.Parallel()
	check := newChecker(t, confirm(http.StatusOK))
	client := newClient(t, check)

	_, err := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{TrunkID: callID, AgentUUID: uuid, SIP: &mihu.SIPCredentials{}})
	require.NoError(t, err)
	requireSent(t, check, "createTrunk", map[string]any{"phone_number": number, "channel": "call", "agent_uuid": uuid})

	_, err = client.Trunks.Update(t.Context(), callID, &mihu.TrunkUpdateRequest{Name: new("a"), SIP: &mihu.SIPUpdate{}})
	require.NoError(t, err)
	requireSent(t, check, "updateTrunk", map[string]any{"phone_number": number, "channel": "call", "name": "a"})
}

// requireSent checks that exactly one valid request of the operation was sent, with that body.
func requireSent(t *testing.T, check *checker, operation string, want map[string]any) {
	t.Helper()
	e := check.valid(t)
	require.Equal(t, operation, e.operation)
	var sent map[string]any
	require.NoError(t, json.Unmarshal(e.sent, &sent))
	require.Equal(t, want, sent)
}

// call is a call of the client that returns only its error.
type call func(ctx context.Context, c *mihu.Client) error

func errorOf[T any](_ T, err error) error { return err }

func assign(id mihu.TrunkID, agent string) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Trunks.Assign(ctx, id, agent)) }
}

func remove(id mihu.TrunkID) call {
	return func(ctx context.Context, c *mihu.Client) error { return c.Trunks.Delete(ctx, id) }
}

func list(options *mihu.ListOptions) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Trunks.List(ctx, options)) }
}

func channels(uuid string) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Channels.Get(ctx, uuid)) }
}

func channelsByNumber(number string) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Channels.GetByNumber(ctx, number)) }
}

// Every form of the operations that have few forms is valid. Every operation of the contract is tested.
func TestEveryOperationIsValid(t *testing.T) {
	t.Parallel()
	const (
		rates   = `{"success":true,"data":{"items":[{"country_code":"IT","price":{"amount":0.01,"currency":"EUR"}}]}}`
		updated = `{"success":true,"data":{"number":"+12345678901"}}`
	)
	upper := strings.ToUpper(uuid)
	do := func(req mihu.Request) call {
		return func(ctx context.Context, c *mihu.Client) error {
			var data map[string]any
			return c.Do(ctx, &req, &data)
		}
	}
	create := func(ctx context.Context, c *mihu.Client) error {
		return errorOf(c.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: callID, AgentUUID: upper}))
	}
	update := func(ctx context.Context, c *mihu.Client) error {
		return errorOf(c.Trunks.Update(ctx, callID, &mihu.TrunkUpdateRequest{Name: new("a")}))
	}
	all := func(ctx context.Context, c *mihu.Client) error {
		for _, err := range c.Trunks.All(ctx, nil) {
			return err
		}
		return nil
	}
	seen := map[string]bool{}
	for _, tt := range []struct {
		name      string
		operation string
		stub      http.RoundTripper
		call      call
		query     string
		body      string
	}{
		{"create", "createTrunk", confirm(201), create, "", `{"phone_number":"+12345678901","channel":"call","agent_uuid":"` + upper + `"}`},
		{"update", "updateTrunk", confirm(200), update, "", `{"phone_number":"+12345678901","channel":"call","name":"a"}`},
		{"assign call", "assignTrunk", confirm(200), assign(callID, uuid), "", `{"phone_number":"+12345678901","channel":"call","agent_uuid":"` + uuid + `"}`},
		{"assign whatsapp", "assignTrunk", confirm(200), assign(whatsAppID, upper), "", `{"phone_number":"+12345678901","channel":"whatsapp","agent_uuid":"` + upper + `"}`},
		{"delete call", "deleteTrunk", jsonStub(200, `{"success":true}`), remove(callID), "channel=call&phone_number=%2B12345678901", ""},
		{"delete whatsapp", "deleteTrunk", stub{status: 204}, remove(whatsAppID), "channel=whatsapp&phone_number=%2B12345678901", ""},
		{"delete without plus", "deleteTrunk", stub{status: 204}, remove(mihu.TrunkID{PhoneNumber: "12345678901", Channel: mihu.ChannelCall}), "channel=call&phone_number=12345678901", ""},
		{"list", "listTrunks", jsonStub(200, pageBody), list(nil), "", ""},
		{"list of zero options", "listTrunks", jsonStub(200, pageBody), list(&mihu.ListOptions{}), "", ""},
		{"list of a page", "listTrunks", jsonStub(200, pageBody), list(&mihu.ListOptions{Page: 3}), "page=3", ""},
		{"list of a size", "listTrunks", jsonStub(200, pageBody), list(&mihu.ListOptions{PerPage: 200}), "per_page=200", ""},
		{"list of both", "listTrunks", jsonStub(200, pageBody), list(&mihu.ListOptions{Page: 1, PerPage: 1}), "page=1&per_page=1", ""},
		{"all", "listTrunks", jsonStub(200, pageBody), all, "page=1&per_page=200", ""},
		{"channels", "getChannels", confirm(200), channels(uuid), "", ""},
		{"channels in capitals", "getChannels", confirm(200), channels(upper), "", ""},
		{"channels by number", "getChannelsByNumber", confirm(200), channelsByNumber(number), "number=%2B12345678901", ""},
		{"inventory by Do", "listPhoneNumbers", jsonStub(200, pageBody), do(mihu.Request{
			Method: "GET", Path: "/phone-numbers", Query: mihu.ListOptions{Page: 2, PerPage: 10},
		}), "page=2&per_page=10", ""},
		{"agents", "listAgents", jsonStub(200, pageBody), func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Agents.List(ctx, nil)) }, "", ""},
		{"rates by Do", "listRates", jsonStub(200, rates), do(mihu.Request{
			Method: "GET", Path: "/phone-numbers/rates", Query: url.Values{"country_code": {"IT"}, "prefix": {"+39"}, "page": {"1"}},
		}), "country_code=IT&page=1&prefix=%2B39", ""},
		{"settings by Do", "updateChannelSettings", jsonStub(200, updated), do(mihu.Request{
			Method: "PATCH", Path: "/phone-numbers/{uuid}", PathArgs: map[string]string{"uuid": uuid},
			Body: json.RawMessage(`{"channel_settings":{"voice":{"enabled":true,"channel_limit":10,"whitelisted_destinations":["US"]}}}`),
		}), "", `{"channel_settings":{"voice":{"enabled":true,"channel_limit":10,"whitelisted_destinations":["US"]}}}`},
		{"channels by Do", "getChannels", confirm(200), do(mihu.Request{
			Method: "GET", Path: "/phone-numbers/{uuid}/channels", PathArgs: map[string]string{"uuid": uuid},
		}), "", ""},
		{"create by Do", "createTrunk", confirm(200), do(mihu.Request{
			Method: "POST", Path: "/phone-numbers/trunks", Body: mihu.TrunkCreateRequest{TrunkID: whatsAppID, AgentUUID: uuid},
		}), "", `{"phone_number":"+12345678901","channel":"whatsapp","agent_uuid":"` + uuid + `"}`},
	} {
		seen[tt.operation] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check := newChecker(t, tt.stub)
			require.NoError(t, tt.call(t.Context(), newClient(t, check)))
			e := check.valid(t)
			assert.Equal(t, tt.operation, e.operation)
			assert.Equal(t, "https://{subdomain}.mihu.ai/api/v1", e.server, "the contract's own server")
			_, query, _ := strings.Cut(e.url, "?")
			assert.Equal(t, tt.query, query)
			if tt.body == "" {
				assert.Empty(t, e.sent)
			} else {
				assert.JSONEq(t, tt.body, string(e.sent))
			}
		})
	}
	assert.ElementsMatch(t, newContract(t).operations(), slices.Collect(maps.Keys(seen)))
}

func (c *contract) operations() []string {
	var ids []string
	for _, item := range c.doc.Paths.Map() {
		for _, operation := range item.Operations() {
			ids = append(ids, operation.OperationID)
		}
	}
	return ids
}

// The requests of a reconciliation are valid too.
func TestReconciliationIsValid(t *testing.T) {
	t.Parallel()
	full := mihu.TrunkCreateRequest{
		TrunkID: callID, AgentUUID: uuid, Name: "Front desk", Direction: mihu.DirectionInbound,
		SIP:                &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "alice", Password: "s3cret", SecondaryGateway: "192.0.2.1"},
		AdditionalSettings: settings,
	}
	for _, tt := range []struct {
		name  string
		fault mihutest.Fault
		want  []string
	}{
		{"applied", mihutest.Fault{On: mihutest.Match{Method: "POST"}, Drop: true, AfterChange: true}, []string{"createTrunk", "getChannelsByNumber", "updateTrunk"}},
		{"not applied", mihutest.Fault{On: mihutest.Match{Method: "POST"}, Drop: true}, []string{"createTrunk", "getChannelsByNumber", "createTrunk"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			require.NoError(t, srv.AddAgentWithUUID(uuid, "Ada"))
			require.NoError(t, srv.Inject(tt.fault))
			check, client := checked(t, srv, mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Microsecond}))
			_, err := client.Trunks.Create(t.Context(), &full)
			require.NoError(t, err)
			var sent []string
			for _, e := range check.take() {
				sent = append(sent, e.operation)
				require.NoError(t, errors.Join(e.request, e.response), "%s", e)
			}
			assert.Equal(t, tt.want, sent)
		})
	}
}

// The requests of Ensure are valid, whatever it finds.
func TestEnsureIsValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		found string // the agent of the trunk; empty means that there is no trunk
		req   mihu.TrunkCreateRequest
		want  []string
	}{
		{"nothing", "", mihu.TrunkCreateRequest{Name: "Front desk"}, []string{"getChannelsByNumber", "createTrunk"}},
		{"another agent", grace, mihu.TrunkCreateRequest{}, []string{"getChannelsByNumber", "assignTrunk"}},
		{"another agent, and more to set", grace, mihu.TrunkCreateRequest{Name: "Front desk", AdditionalSettings: settings}, []string{"getChannelsByNumber", "assignTrunk", "updateTrunk"}},
		{"the trunk", uuid, mihu.TrunkCreateRequest{}, []string{"getChannelsByNumber"}},
		{"the trunk, and more to set", uuid, mihu.TrunkCreateRequest{SIP: &mihu.SIPCredentials{Port: 5060}}, []string{"getChannelsByNumber", "updateTrunk"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			require.NoError(t, srv.AddAgentWithUUID(uuid, "Ada"))
			require.NoError(t, srv.AddAgentWithUUID(grace, "Grace"))
			if tt.found != "" {
				require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: callID, AgentUUID: tt.found}))
			}
			check, client := checked(t, srv)
			tt.req.TrunkID, tt.req.AgentUUID = callID, uuid
			require.NoError(t, errorOf(client.Trunks.Ensure(t.Context(), &tt.req)))
			var sent []string
			for _, e := range check.take() {
				e.requireValid(t)
				sent = append(sent, e.operation)
			}
			assert.Equal(t, tt.want, sent)
		})
	}
}

// checked returns a client of a fake server that uses a checker.
func checked(t *testing.T, srv *mihutest.Server, opts ...mihu.Option) (*checker, *mihu.Client) {
	t.Helper()
	transport := srv.HTTPClient().Transport
	check := newChecker(t, transport)
	client, err := srv.NewClient(append(opts, mihu.WithHTTPClient(&http.Client{Transport: check}))...)
	require.NoError(t, err)
	t.Cleanup((&http.Client{Transport: transport}).CloseIdleConnections)
	return check, client
}
