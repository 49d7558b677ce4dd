package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	grace     = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	nobody    = "00000000-0000-4000-8000-000000000000"
	purchased = "+390123456789"
	free      = "+4915112345678"
)

var shapes = map[string]mihutest.ErrorShape{
	"envelope":  mihutest.ErrorEnvelope,
	"data":      mihutest.ErrorData,
	"framework": mihutest.ErrorFramework,
}

// newServer returns a fake server with two agents, one call trunk of the agent uuid, and one purchased
// number of the agent grace on sms.
func newServer(t *testing.T, opts ...mihutest.Option) *mihutest.Server {
	t.Helper()
	srv := mihutest.NewServer(t, opts...)
	require.NoError(t, srv.AddAgentWithUUID(uuid, "Ada"))
	require.NoError(t, srv.AddAgentWithUUID(grace, "Grace"))
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: callID, AgentUUID: uuid}))
	_, err := srv.AddPurchasedNumber(purchased)
	require.NoError(t, err)
	require.NoError(t, srv.BindPurchased(purchased, mihu.ChannelSMS, grace))
	return srv
}

func TestFakeResponsesAreValid(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]mihutest.Rules{
		"defaults": {},
		"other":    {CreateStatus: http.StatusOK, DeleteStatus: http.StatusNoContent, NoPagination: true, AnyAgent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, mihutest.WithRules(rules))
			check, client := checked(t, srv)
			ctx := t.Context()
			valid := func(err error) {
				t.Helper()
				require.NoError(t, err)
				check.valid(t)
			}
			update := func(id mihu.TrunkID, req mihu.TrunkUpdateRequest) error {
				return errorOf(client.Trunks.Update(ctx, id, &req))
			}

			valid(errorOf(client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
				TrunkID: whatsAppID, AgentUUID: uuid, Name: "Chat", AdditionalSettings: settings,
			})))
			second := mihu.TrunkID{PhoneNumber: free, Channel: mihu.ChannelCall}
			valid(errorOf(client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
				TrunkID: second, AgentUUID: grace, Direction: mihu.DirectionInbound, AdditionalSettings: map[string]any{},
				SIP: &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "alice", Password: "s3cret", SecondaryGateway: "192.0.2.1"},
			})))
			valid(update(second, mihu.TrunkUpdateRequest{
				Name: new(""), Direction: new(mihu.DirectionBoth), SIP: &mihu.SIPUpdate{Gateway: new(""), Port: mihu.ClearPort()}, AdditionalSettings: settings,
			}))
			valid(update(whatsAppID, mihu.TrunkUpdateRequest{Name: new("Chat 2")}))
			valid(assign(whatsAppID, strings.ToUpper(grace))(ctx, client))

			valid(list(nil)(ctx, client))
			valid(list(&mihu.ListOptions{Page: 2, PerPage: 1})(ctx, client))
			valid(list(&mihu.ListOptions{Page: 3, PerPage: 1})(ctx, client)) // past the end
			var page mihu.Page[mihu.PhoneNumber]
			valid(client.Do(ctx, &mihu.Request{Method: http.MethodGet, Path: "/phone-numbers"}, &page))
			require.Len(t, page.Items, 3)
			for _, item := range page.Items {
				valid(channels(item.PhoneNumberUUID)(ctx, client))
				valid(channelsByNumber(item.Number)(ctx, client))
			}

			for _, id := range []mihu.TrunkID{callID, whatsAppID, {PhoneNumber: free[1:], Channel: mihu.ChannelCall}} {
				valid(remove(id)(ctx, client))
			}
			valid(list(nil)(ctx, client)) // empty
		})
	}
}

// refusal is a request that the fake server refuses.
type refusal struct {
	name   string
	method string
	path   string
	body   string
	// header overrides the headers of a valid request; an empty value removes a header.
	header map[string]string
	status int
	code   string
	// fits means that the contract allows the request: the server refuses it because of its state, or
	// because of a rule that a contract cannot express.
	fits bool
}

func refusals() []refusal {
	const (
		trunks  = "/phone-numbers/trunks"
		id      = `"phone_number":"` + number + `","channel":"call"`
		deleted = trunks + "?phone_number=12345678901"
	)
	create := func(number, agent string) string {
		return fmt.Sprintf(`{"phone_number":%q,"channel":"call","agent_uuid":%q}`, number, agent)
	}
	return []refusal{
		{name: "no token", method: "GET", path: trunks, header: map[string]string{"Authorization": ""}, status: 401, code: "MISSING_AUTH_TOKEN"},
		{name: "token of another scheme", method: "GET", path: trunks, header: map[string]string{"Authorization": "Basic YTpi"}, status: 401, code: "MISSING_AUTH_TOKEN"},
		{name: "wrong token", method: "GET", path: trunks, header: map[string]string{"Authorization": "Bearer old"}, status: 401, code: "INVALID_AUTH_TOKEN", fits: true},

		{name: "unknown path", method: "GET", path: "/numbers", status: 404, code: "ROUTE_NOT_FOUND"},
		{name: "unknown path below a known one", method: "GET", path: trunks + "/1", status: 404, code: "ROUTE_NOT_FOUND"},
		{name: "agent by UUID", method: "GET", path: "/agents/" + uuid, status: 404, code: "ROUTE_NOT_FOUND"},
		{name: "settings of an unknown UUID", method: "PATCH", path: "/phone-numbers/" + nobody, body: `{"channel_settings":{}}`, status: 404, code: "PHONE_NUMBER_NOT_FOUND", fits: true},
		{name: "channels of no UUID", method: "GET", path: "/phone-numbers/1/channels", status: 404, code: "ROUTE_NOT_FOUND"},
		{name: "channels of an unknown UUID", method: "GET", path: "/phone-numbers/" + nobody + "/channels", status: 404, code: "PHONE_NUMBER_NOT_FOUND", fits: true},
		{name: "channels of an unknown number", method: "GET", path: "/phone-numbers/channels?number=%2B4930123456", status: 404, code: "PHONE_NUMBER_NOT_FOUND", fits: true},
		{name: "update of an unknown trunk", method: "PATCH", path: trunks, body: `{"phone_number":"+12345678901","channel":"whatsapp","name":"a"}`, status: 404, code: "TRUNK_NOT_FOUND", fits: true},
		{name: "assign of an unknown trunk", method: "PUT", path: trunks + "/assign", body: create(free, uuid), status: 404, code: "TRUNK_NOT_FOUND", fits: true},
		{name: "delete of an unknown trunk", method: "DELETE", path: deleted + "&channel=whatsapp", status: 404, code: "TRUNK_NOT_FOUND", fits: true},
		{name: "delete of a purchased number", method: "DELETE", path: trunks + "?phone_number=390123456789&channel=call", status: 404, code: "TRUNK_NOT_FOUND", fits: true},

		{name: "unknown method", method: "PUT", path: trunks, body: `{}`, status: 405, code: "METHOD_NOT_ALLOWED"},
		{name: "unknown method of channels", method: "POST", path: "/phone-numbers/channels", body: `{}`, status: 405, code: "METHOD_NOT_ALLOWED"},

		{name: "existing trunk", method: "POST", path: trunks, body: create(number, grace), status: 409, code: "TRUNK_EXISTS", fits: true},
		{name: "busy agent", method: "POST", path: trunks, body: create(free, uuid), status: 409, code: "AGENT_BUSY", fits: true},
		{name: "purchased number", method: "POST", path: trunks, body: create(purchased, grace), status: 409, code: "PHONE_NUMBER_PURCHASED", fits: true},
		{name: "unknown agent", method: "POST", path: trunks, body: create(free, nobody), status: 422, code: "AGENT_NOT_FOUND", fits: true},
		{name: "assign to an unknown agent", method: "PUT", path: trunks + "/assign", body: create(number, nobody), status: 422, code: "AGENT_NOT_FOUND", fits: true},

		{name: "body too large", method: "PATCH", path: trunks, body: `{` + id + `,"name":"` + strings.Repeat("a", 1<<20) + `"}`, status: 413, code: "BODY_TOO_LARGE", fits: true},

		{name: "no body", method: "POST", path: trunks, status: 400, code: "MALFORMED_JSON"},
		{name: "truncated body", method: "POST", path: trunks, body: `{"phone_number":`, status: 400, code: "MALFORMED_JSON"},
		{name: "body that is a list", method: "POST", path: trunks, body: `[]`, status: 400, code: "MALFORMED_JSON"},
		{name: "body that is null", method: "POST", path: trunks, body: `null`, status: 400, code: "MALFORMED_JSON"},
		{name: "two bodies", method: "PATCH", path: trunks, body: `{` + id + `}{}`, status: 400, code: "MALFORMED_JSON"},
		{name: "duplicate key", method: "PATCH", path: trunks, body: `{` + id + `,` + id + `}`, status: 400, code: "MALFORMED_JSON"},
		{name: "invalid UTF-8", method: "PATCH", path: trunks, body: "{" + id + ",\"name\":\"\xff\"}", status: 400, code: "MALFORMED_JSON"},
		{name: "no media type", method: "PATCH", path: trunks, body: `{` + id + `}`, header: map[string]string{"Content-Type": ""}, status: 400, code: "INVALID_CONTENT_TYPE"},
		{name: "other media type", method: "PATCH", path: trunks, body: `{` + id + `}`, header: map[string]string{"Content-Type": "text/plain"}, status: 400, code: "INVALID_CONTENT_TYPE"},
		{name: "body of a GET", method: "GET", path: trunks, body: `{}`, status: 400, code: "UNEXPECTED_BODY"},
		{name: "body of a DELETE", method: "DELETE", path: deleted + "&channel=call", body: `{}`, status: 400, code: "UNEXPECTED_BODY"},
		{name: "broken query", method: "GET", path: trunks + "?page=%zz", status: 400, code: "MALFORMED_QUERY"},

		{name: "query of a POST", method: "POST", path: trunks + "?page=1", body: create(free, grace), status: 422, code: "VALIDATION_ERROR"},
		{name: "delete without number", method: "DELETE", path: trunks + "?channel=call", status: 422, code: "VALIDATION_ERROR"},
		{name: "delete without channel", method: "DELETE", path: deleted, status: 422, code: "VALIDATION_ERROR"},
		{name: "delete of sms", method: "DELETE", path: deleted + "&channel=sms", status: 422, code: "VALIDATION_ERROR"},
		{name: "delete with a plus that means a space", method: "DELETE", path: trunks + "?channel=call&phone_number=+12345678901", status: 422, code: "VALIDATION_ERROR"},
		{name: "duplicate parameter", method: "DELETE", path: deleted + "&channel=call&channel=call", status: 422, code: "VALIDATION_ERROR"},
		{name: "unknown parameter", method: "GET", path: trunks + "?limit=1", status: 422, code: "VALIDATION_ERROR"},
		{name: "page 0", method: "GET", path: trunks + "?page=0", status: 422, code: "VALIDATION_ERROR"},
		{name: "page that is not a number", method: "GET", path: "/phone-numbers?page=a", status: 422, code: "VALIDATION_ERROR"},
		{name: "page too large", method: "GET", path: trunks + "?per_page=201", status: 422, code: "VALIDATION_ERROR"},
		{name: "channels by no number", method: "GET", path: "/phone-numbers/channels", status: 422, code: "VALIDATION_ERROR"},
		{name: "channels by a number without plus", method: "GET", path: "/phone-numbers/channels?number=12345678901", status: 422, code: "VALIDATION_ERROR"},
	}
}

func TestFakeErrorsAreValid(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, mihutest.WithRules(mihutest.Rules{ErrorShape: shape}))
			check, _ := checked(t, srv)
			for _, r := range refusals() {
				t.Run(r.name, func(t *testing.T) {
					e := r.send(t, srv, check)
					require.NoError(t, e.response, "%s", e)
					assert.Equal(t, r.fits, e.request == nil, "the contract says of %s: %v", e, e.request)
					assert.Equal(t, r.status, e.status)
					switch shape {
					case mihutest.ErrorEnvelope:
						assert.Contains(t, string(e.got), `"code":"`+r.code+`"`)
					case mihutest.ErrorData:
						assert.Contains(t, string(e.got), `"error":"`+strings.ToLower(r.code)+`"`)
					case mihutest.ErrorFramework: // this shape has no codes
					}
				})
			}
		})
	}
}

// send sends the request without the client.
func (r refusal) send(t *testing.T, srv *mihutest.Server, check *checker) exchange {
	t.Helper()
	send(t, srv, check, r.method, r.path, r.body, r.header)
	return check.one(t)
}

func send(t *testing.T, srv *mihutest.Server, check *checker, method, path, body string, header map[string]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL()+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+srv.Token())
	if body != "" || method != http.MethodGet && method != http.MethodDelete {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	resp, err := check.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

// The fake server refuses exactly the values that the contract refuses, with a valid response. The
// test replaces each field of each body by many values.
func TestFakeValidatesLikeTheContract(t *testing.T) {
	t.Parallel()
	const trunks = "/phone-numbers/trunks"
	sip := []string{"sip.gateway", "sip.port", "sip.username", "sip.password", "sip.secondary_gateway", "sip.unknown"}
	values := []any{
		absent, nil, 0, 1, 5060, 65535, 65536, -1, 1.5, true, "", "x", "5060", "call", "sms", "both", "BOTH", number, "12345678901", uuid, "UUID",
		[]any{},
		[]any{"x"},
		map[string]any{},
		map[string]any{"x": nil},
		map[string]any{"gateway": "x"},
	}
	for _, tt := range []struct {
		method, path string
		fields       []string
	}{
		{"POST", trunks, slices.Concat([]string{"phone_number", "agent_uuid", "channel", "name", "direction", "sip", "additional_settings", "unknown"}, sip)},
		{"PATCH", trunks, slices.Concat([]string{"phone_number", "agent_uuid", "channel", "name", "direction", "sip", "additional_settings", "unknown"}, sip)},
		{"PUT", trunks + "/assign", []string{"phone_number", "agent_uuid", "channel", "name", "direction", "sip", "unknown"}},
	} {
		for _, channel := range []string{"call", "whatsapp"} {
			t.Run(tt.method+" "+channel, func(t *testing.T) {
				t.Parallel()
				srv := newServer(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
				check, _ := checked(t, srv)
				for _, field := range tt.fields {
					for _, value := range values {
						wire := trunkBody(tt.method, tt.path, "channel", channel)
						put(wire.body, field, value)
						maps.DeleteFunc(wire.body, func(_ string, v any) bool { return v == absent })
						if inner, ok := wire.body["sip"].(map[string]any); ok {
							maps.DeleteFunc(inner, func(_ string, v any) bool { return v == absent })
						}
						body, err := json.Marshal(wire.body)
						require.NoError(t, err)

						send(t, srv, check, tt.method, tt.path, string(body), nil)
						e := check.one(t)
						require.NoError(t, e.response, "%s", e)
						refused := e.status == http.StatusUnprocessableEntity
						require.Equal(t, e.request != nil, refused, "the contract says of %s: %v", e, e.request)
						if refused {
							requireField(t, e, field)
						}
					}
				}
			})
		}
	}
}

// absent removes a field.
const absent = "\x00absent"

// requireField checks that an error contains the invalid field, or the object that contains it.
func requireField(t *testing.T, e exchange, field string) {
	t.Helper()
	var body struct {
		Error struct{ Field string }
	}
	require.NoError(t, json.Unmarshal(e.got, &body))
	require.True(t, strings.HasPrefix(body.Error.Field+".", field+"."), "%s: got field %q", e, body.Error.Field)
}

// The client returns the errors that its requests can cause, with code and status.
func TestClientReturnsEveryError(t *testing.T) {
	t.Parallel()
	create := func(id mihu.TrunkID, agent string) call {
		return func(ctx context.Context, c *mihu.Client) error {
			return errorOf(c.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: agent}))
		}
	}
	rename := func(id mihu.TrunkID, name string) call {
		return func(ctx context.Context, c *mihu.Client) error {
			return errorOf(c.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{Name: &name}))
		}
	}
	onCall := func(number string) mihu.TrunkID {
		return mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
	}
	for _, tt := range []struct {
		name   string
		call   call
		status int
		code   string
		is     error
	}{
		{"existing trunk", create(callID, grace), 409, "TRUNK_EXISTS", mihu.ErrConflict},
		{"busy agent", create(onCall(free), uuid), 409, "AGENT_BUSY", mihu.ErrConflict},
		{"purchased number", create(onCall(purchased), grace), 409, "PHONE_NUMBER_PURCHASED", mihu.ErrConflict},
		{"unknown agent", create(onCall(free), nobody), 422, "AGENT_NOT_FOUND", mihu.ErrInvalid},
		{"assign to an unknown agent", assign(callID, nobody), 422, "AGENT_NOT_FOUND", mihu.ErrInvalid},
		{"assign of an unknown trunk", assign(whatsAppID, uuid), 404, "TRUNK_NOT_FOUND", mihu.ErrNotFound},
		{"update of an unknown trunk", rename(whatsAppID, "a"), 404, "TRUNK_NOT_FOUND", mihu.ErrNotFound},
		{"delete of an unknown trunk", remove(whatsAppID), 404, "TRUNK_NOT_FOUND", mihu.ErrNotFound},
		{"channels of an unknown number", channelsByNumber(free), 404, "PHONE_NUMBER_NOT_FOUND", mihu.ErrNotFound},
		{"channels of an unknown UUID", channels(nobody), 404, "PHONE_NUMBER_NOT_FOUND", mihu.ErrNotFound},
		{"body too large", rename(callID, strings.Repeat("a", 1<<20)), 413, "BODY_TOO_LARGE", nil},
	} {
		for shapeName, shape := range shapes {
			t.Run(tt.name+" "+shapeName, func(t *testing.T) {
				t.Parallel()
				check, client := checked(t, newServer(t, mihutest.WithRules(mihutest.Rules{ErrorShape: shape})))
				err := tt.call(t.Context(), client)
				var refused *mihu.APIError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, tt.status, refused.StatusCode)
				if shape != mihutest.ErrorFramework {
					assert.Equal(t, strings.ToLower(tt.code), strings.ToLower(refused.Code))
				}
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				e := check.valid(t)
				assert.True(t, bytes.HasPrefix(e.got, []byte("{")))
			})
		}
	}

	t.Run("revoked token", func(t *testing.T) {
		t.Parallel()
		srv := newServer(t)
		check, client := checked(t, srv)
		srv.SetToken("")
		_, err := client.Trunks.List(t.Context(), nil)
		require.ErrorIs(t, err, mihu.ErrUnauthorized)
		check.valid(t)
	})
}
