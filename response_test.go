package mihu_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return body
}

// page returns a response with one page of numbers.
func page(items string) string { return `{"success": true, "data": {"items": [` + items + `]}}` }

// The documented sample bodies decode field by field, filler values included.
func TestSampleSnapshotDecodes(t *testing.T) {
	t.Parallel()
	client, _ := endpoint(t, http.MethodGet, "/phone-numbers/channels", string(sample(t, "snapshot.response.json")))
	snap, err := client.Channels.GetByNumber(t.Context(), number)
	require.NoError(t, err)
	bound := mihu.Binding{Bound: true, AgentUUID: "<string>", AgentName: "<string>"}
	assert.Equal(t, &mihu.ChannelSnapshot{
		PhoneNumberUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a",
		Number:          "<string>",
		IsExternal:      true,
		Source:          mihu.SourcePurchased,
		Channels: mihu.SnapshotChannels{
			Call:     mihu.CarrierChannel{Capable: true, Enabled: true, ChannelLimit: new(123), WhitelistedDestinations: []string{"US"}, Binding: bound},
			SMS:      mihu.CarrierChannel{Capable: true, Enabled: true, ChannelLimit: new(123), WhitelistedDestinations: []string{"<string>"}, Binding: bound},
			WhatsApp: bound,
			Inbound:  mihu.InboundChannel{Enabled: true, ChannelLimit: new(123)},
		},
	}, snap)
}

func TestSampleListItemDecodes(t *testing.T) {
	t.Parallel()
	client, _ := endpoint(t, http.MethodGet, trunks, page(string(sample(t, "list.item.json"))))
	got, err := client.Trunks.List(t.Context(), nil)
	require.NoError(t, err)
	bound := mihu.Binding{Bound: true, AgentUUID: "<string>", AgentName: "<string>"}
	setting := mihu.ChannelSetting{Enabled: true, ChannelLimit: new(123), WhitelistedDestinations: []string{"US"}}
	assert.Equal(t, &mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{{
		PhoneNumberUUID: "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b",
		Number:          "+12084439178",
		CountryCode:     "US",
		Location:        "Sassari, Sardegna",
		Type:            "local",
		IsExternal:      true,
		Source:          mihu.SourcePurchased,
		Status:          "active",
		Compliance: &mihu.Compliance{
			Status:       "completed",
			Requirements: []mihu.ComplianceRequirement{{Name: "<string>", Type: "textual", Description: "<string>"}},
		},
		Capabilities:    &mihu.Capabilities{Voice: true, SMS: true, MMS: true, Fax: true, Emergency: true, LocalCalling: true},
		ChannelSettings: mihu.ChannelSettings{Voice: setting, SMS: setting, Inbound: mihu.InboundChannel{Enabled: true, ChannelLimit: new(123)}},
		Billing:         &mihu.Billing{MonthlyFee: "123", Currency: "EUR"},
		Bindings:        mihu.Bindings{Call: bound, SMS: bound, WhatsApp: bound},
	}}}, got)
}

func TestSampleErrorDecodes(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, newWire(t, respondWith(http.StatusUnauthorized, string(sample(t, "error.401.json"))))).Trunks.List(t.Context(), nil)
	api := requireAPIError(t, err)
	assertMatches(t, err, mihu.ErrUnauthorized)
	assert.Equal(t, "INVALID_AUTH_TOKEN", api.Code)
	assert.Equal(t, "Invalid authentication token", api.Message)
	assert.Equal(t, "The provided token is invalid or has been revoked", api.Details)
	require.NoError(t, api.Err)
}

// The package's types have a field for every field of the documented bodies.
func TestSamplesHaveNoUnknownFields(t *testing.T) {
	t.Parallel()
	type envelope[T any] struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
		Data    T      `json:"data"`
	}
	update := &struct {
		mihu.TrunkID
		mihu.TrunkUpdateRequest
	}{}
	tests := []struct {
		name string
		body []byte
		into any
	}{
		{"snapshot", sample(t, "snapshot.response.json"), new(envelope[mihu.ChannelSnapshot])},
		{"list item", sample(t, "list.item.json"), new(mihu.PhoneNumber)},
		{"page", []byte(pageJSON), new(envelope[mihu.Page[mihu.PhoneNumber]])},
		{"create", sample(t, "create.request.json"), new(mihu.TrunkCreateRequest)},
		{"update", sample(t, "update.request.json"), update},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			decoder := json.NewDecoder(bytes.NewReader(tt.body))
			decoder.DisallowUnknownFields()
			require.NoError(t, decoder.Decode(tt.into))
		})
	}
}

// The documented request bodies are sent for the same values.
func TestSampleRequestsAreSent(t *testing.T) {
	t.Parallel()
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		client, got := endpoint(t, http.MethodPost, trunks, snapshotJSON)
		_, err := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
			TrunkID: frontDesk, AgentUUID: agentUUID, Name: "<string>", Direction: mihu.DirectionInbound,
			SIP:                &mihu.SIPCredentials{Gateway: "sip.acme.com", Port: 5060, Username: "<string>", Password: "<string>", SecondaryGateway: "sip2.acme.com"},
			AdditionalSettings: map[string]any{},
		})
		require.NoError(t, err)
		assert.JSONEq(t, withHost(t, "create.request.json", "secondary_gateway", "sip2.acme.com"), got.Body)
	})
	t.Run("update", func(t *testing.T) {
		t.Parallel()
		client, got := endpoint(t, http.MethodPatch, trunks, snapshotJSON)
		_, err := client.Trunks.Update(t.Context(), frontDesk, &mihu.TrunkUpdateRequest{
			Name: new("<string>"), Direction: new(mihu.DirectionInbound),
			SIP: &mihu.SIPUpdate{
				Gateway: new("sip.acme.com"), Port: mihu.SetPort(123), Username: new("<string>"), Password: new("<string>"),
				SecondaryGateway: new("sip.acme.com"),
			},
			AdditionalSettings: map[string]any{},
		})
		require.NoError(t, err)
		assert.JSONEq(t, withHost(t, "update.request.json", "gateway", "sip.acme.com", "secondary_gateway", "sip.acme.com"), got.Body)
	})
	t.Run("assign", func(t *testing.T) {
		t.Parallel()
		client, got := endpoint(t, http.MethodPut, trunks+"/assign", snapshotJSON)
		_, err := client.Trunks.Assign(t.Context(), frontDesk, agentUUID)
		require.NoError(t, err)
		assert.JSONEq(t, string(sample(t, "assign.request.json")), got.Body)
	})
}

// withHost returns a sample whose filler text is replaced by hosts, given as pairs of field and host.
func withHost(t *testing.T, name string, hosts ...string) string {
	t.Helper()
	body := map[string]any{}
	require.NoError(t, json.Unmarshal(sample(t, name), &body))
	sip, ok := body["sip"].(map[string]any)
	require.True(t, ok)
	for i := 0; i < len(hosts); i += 2 {
		sip[hosts[i]] = hosts[i+1]
	}
	changed, err := json.Marshal(body)
	require.NoError(t, err)
	return string(changed)
}

// Values that such backends write in other ways than documented are decoded.
func TestSnapshotsDecodeLeniently(t *testing.T) {
	t.Parallel()
	call := func(c mihu.CarrierChannel) mihu.ChannelSnapshot {
		return mihu.ChannelSnapshot{Number: number, Channels: mihu.SnapshotChannels{Call: c}}
	}
	callJSON := func(fields string) string {
		return `{"number": "+12345678901", "channels": {"call": {` + fields + `}}}`
	}
	limit := func(n int) mihu.ChannelSnapshot { return call(mihu.CarrierChannel{ChannelLimit: &n}) }
	tests := []struct {
		name, data string
		want       mihu.ChannelSnapshot
	}{
		{"an empty object", `{}`, mihu.ChannelSnapshot{}},
		{"an empty list as an object", `[]`, mihu.ChannelSnapshot{}},
		{"a limit as text", callJSON(`"channel_limit": "10"`), limit(10)},
		{"a limit with spaces", callJSON(`"channel_limit": " 10 "`), limit(10)},
		{"a limit with a fraction", callJSON(`"channel_limit": 10.0`), limit(10)},
		{"a limit with a fraction, as text", callJSON(`"channel_limit": "10.00"`), limit(10)},
		{"a limit with an exponent", callJSON(`"channel_limit": 1e1`), limit(10)},
		{"a limit of 0", callJSON(`"channel_limit": 0`), limit(0)},
		{"no limit", callJSON(`"channel_limit": null`), call(mihu.CarrierChannel{})},
		{"no limit, as text", callJSON(`"channel_limit": ""`), call(mihu.CarrierChannel{})},
		{"true as 1", callJSON(`"capable": 1, "enabled": "1", "bound": "true"`), call(mihu.CarrierChannel{Capable: true, Enabled: true, Binding: mihu.Binding{Bound: true}})},
		{"false as 0", callJSON(`"capable": 0, "enabled": "0", "bound": ""`), call(mihu.CarrierChannel{})},
		{"capital letters", callJSON(`"capable": "TRUE", "enabled": "False"`), call(mihu.CarrierChannel{Capable: true})},
		{"false as null", callJSON(`"capable": null, "enabled": null, "bound": null`), call(mihu.CarrierChannel{})},
		{"no destinations", callJSON(`"whitelisted_destinations": null`), call(mihu.CarrierChannel{})},
		{"an empty object as a list", callJSON(`"whitelisted_destinations": {}`), call(mihu.CarrierChannel{WhitelistedDestinations: []string{}})},
		{"destinations of other types", callJSON(`"whitelisted_destinations": ["US", 39, true, null]`), call(mihu.CarrierChannel{WhitelistedDestinations: []string{"US", "39", "true", ""}})},
		{"an unbound channel", callJSON(`"bound": false, "agent_uuid": null, "agent_name": null`), call(mihu.CarrierChannel{})},
		{"an agent as a number", callJSON(`"bound": true, "agent_uuid": 7`), call(mihu.CarrierChannel{Binding: mihu.Binding{Bound: true, AgentUUID: "7"}})},
		{"a channel as null", `{"number": "+12345678901", "channels": {"call": null, "sms": null, "whatsapp": null, "inbound": null}}`, call(mihu.CarrierChannel{})},
		{"a channel as an empty list", `{"number": "+12345678901", "channels": {"call": [], "whatsapp": []}}`, call(mihu.CarrierChannel{})},
		{"no channels", `{"number": "+12345678901", "channels": []}`, call(mihu.CarrierChannel{})},
		{"channels as null", `{"number": "+12345678901", "channels": null}`, call(mihu.CarrierChannel{})},
		{"a phone number as a number", `{"number": 12345678901, "channels": []}`, mihu.ChannelSnapshot{Number: "12345678901"}},
		{"a phone number that a float cannot hold", `{"number": 123456789012345678901, "channels": []}`, mihu.ChannelSnapshot{Number: "123456789012345678901"}},
		{"an unknown source", `{"source": "leased", "is_external": "0"}`, mihu.ChannelSnapshot{Source: "leased"}},
		{"an unknown channel and unknown fields", `{"number": "+12345678901", "fax": 1, "channels": {"fax": {"bound": 1}, "call": {"codec": "opus"}}}`, call(mihu.CarrierChannel{})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, success := range []string{`true`, `1`, `"true"`, `null`} {
				client := newClient(t, newWire(t, respondWith(http.StatusOK, `{"success": `+success+`, "data": `+tt.data+`}`)))
				snap, err := client.Channels.Get(t.Context(), numberUUID)
				require.NoError(t, err, success)
				assert.Equal(t, &tt.want, snap, success)
			}
		})
	}
}

func TestPagesDecodeLeniently(t *testing.T) {
	t.Parallel()
	one := func(n mihu.PhoneNumber) mihu.Page[mihu.PhoneNumber] {
		return mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{n}}
	}
	purchased := func(at time.Time) mihu.Page[mihu.PhoneNumber] { return one(mihu.PhoneNumber{PurchasedAt: at}) }
	fee := func(d mihu.Decimal) mihu.Page[mihu.PhoneNumber] {
		return one(mihu.PhoneNumber{Billing: &mihu.Billing{MonthlyFee: d}})
	}
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, data string
		want       mihu.Page[mihu.PhoneNumber]
	}{
		{"no items", `{"items": []}`, mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}}},
		{"items as null", `{"items": null, "pagination": null}`, mihu.Page[mihu.PhoneNumber]{}},
		{"items as an empty object", `{"items": {}, "pagination": []}`, mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}, Pagination: &mihu.Pagination{}}},
		{
			"an empty page", `{"items": [], "pagination": {"current_page": 1, "per_page": 50, "total": 0, "last_page": 1, "from": null, "to": null, "has_more": false}}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}, Pagination: &mihu.Pagination{CurrentPage: 1, PerPage: 50, LastPage: 1}},
		},
		{
			"a pagination as texts", `{"items": [], "pagination": {"current_page": "1", "per_page": "50", "total": "3.0", "from": "", "has_more": "1"}}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}, Pagination: &mihu.Pagination{CurrentPage: 1, PerPage: 50, Total: 3, HasMore: true}},
		},
		{"a time", `{"items": [{"purchased_at": "2026-03-04T12:00:00Z"}]}`, purchased(noon)},
		{"a time with a zone", `{"items": [{"purchased_at": "2026-03-04T13:00:00+01:00", "is_external": "0"}]}`, purchased(noon)},
		{"a database's time", `{"items": [{"purchased_at": "2026-03-04 12:00:00"}]}`, purchased(noon)},
		{"a database's time with microseconds", `{"items": [{"purchased_at": "2026-03-04 12:00:00.000000"}]}`, purchased(noon)},
		{"a time without a zone", `{"items": [{"purchased_at": "2026-03-04T12:00:00"}]}`, purchased(noon)},
		{"a date", `{"items": [{"purchased_at": "2026-03-04"}]}`, purchased(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC))},
		{"no time", `{"items": [{"purchased_at": null}]}`, purchased(time.Time{})},
		{"unreadable times", `{"items": [{"purchased_at": "soon", "updated_at": 1772625600}]}`, purchased(time.Time{})},
		{"a database's zero time", `{"items": [{"purchased_at": "0000-00-00 00:00:00"}]}`, purchased(time.Time{})},
		{"a fee as text", `{"items": [{"billing": {"monthly_fee": "1.50"}}]}`, fee("1.50")},
		{"a fee of 0", `{"items": [{"billing": {"monthly_fee": "0"}}]}`, fee("0")},
		{"no fee", `{"items": [{"billing": {"monthly_fee": ""}}]}`, one(mihu.PhoneNumber{Billing: &mihu.Billing{}})},
		{"no details", `{"items": [{"compliance": null, "capabilities": null, "billing": null, "bindings": [], "channel_settings": []}]}`, one(mihu.PhoneNumber{})},
		{
			"empty lists as objects", `{"items": [{"compliance": [], "capabilities": [], "billing": []}]}`,
			one(mihu.PhoneNumber{Compliance: &mihu.Compliance{}, Capabilities: &mihu.Capabilities{}, Billing: &mihu.Billing{}}),
		},
		{
			"unknown values of open sets", `{"items": [{"type": "satellite", "status": "parked", "source": "leased", "is_external": 0}]}`,
			one(mihu.PhoneNumber{Type: "satellite", Status: "parked", Source: "leased"}),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(t, newWire(t, respondWith(http.StatusOK, `{"success": true, "data": `+tt.data+`}`))).Trunks.List(t.Context(), nil)
			require.NoError(t, err)
			assert.Equal(t, tt.want.Pagination, got.Pagination)
			require.Len(t, got.Items, len(tt.want.Items))
			for i, want := range tt.want.Items {
				assert.True(t, want.PurchasedAt.Equal(got.Items[i].PurchasedAt), got.Items[i].PurchasedAt)
				got.Items[i].PurchasedAt = want.PurchasedAt
			}
			assert.Equal(t, tt.want.Items, got.Items)
		})
	}
}

// A response without a clear meaning is malformed. The error contains the field and not its value,
// which could be a number or a secret.
func TestMalformedResponses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, errText string }{
		{"HTML", `<html>pl4nted</html>`, "not JSON: invalid character '<'"},
		{"a list", `["pl4nted"]`, "not a JSON object"},
		{"text", `"pl4nted"`, "not a JSON object"},
		{"a number", `4815162342`, "not a JSON object"},
		{"two values", snapshotJSON + snapshotJSON, "not JSON"},
		{"half a value", snapshotJSON[:len(snapshotJSON)-1], "not JSON"},
		{"empty", ``, "empty"},
		{"white space", " \n\t", "empty"},
		{"null", `null`, "it has no data"},
		{"no data", `{"success": true}`, "it has no data"},
		{"data as null", `{"success": true, "data": null}`, "it has no data"},
		{"data as null, success as text", `{"success": "true", "data": null}`, "it has no data"},
		{"no data, success as a number", `{"success": 1}`, "it has no data"},
		{"data as text", `{"success": true, "data": "pl4nted"}`, "data: want an object, got text"},
		{"data as a list", `{"success": true, "data": [4815162342]}`, "data: want an object, got a list"},
		{"success as text", `{"success": "pl4nted", "data": {}}`, "malformed response"},
		{"an object instead of text", `{"data": {"number": {"pl4nted": 1}}}`, "data.number: want text, got an object"},
		{"a list instead of text", `{"data": {"number": [4815162342]}}`, "data.number: want text, got a list"},
		{"text instead of a number", `{"data": {"channels": {"call": {"channel_limit": "pl4nted"}}}}`, "data.channels.call.channel_limit: want a number, got text"},
		{"a fraction instead of an integer", `{"data": {"channels": {"call": {"channel_limit": 4815.5}}}}`, "data.channels.call.channel_limit: want a number that fits int, got a number"},
		{"a number too large", `{"data": {"channels": {"call": {"channel_limit": 48151623424815162342}}}}`, "data.channels.call.channel_limit: want a number"},
		{"true instead of a number", `{"data": {"channels": {"inbound": {"channel_limit": true}}}}`, "data.channels.inbound.channel_limit: want a number, got true or false"},
		{"text instead of true", `{"data": {"channels": {"call": {"bound": "pl4nted"}}}}`, "data.channels.call.bound: want true or false, got text"},
		{"a number instead of true", `{"data": {"is_external": 4815162342}}`, "data.is_external: want true or false, got a number"},
		{"text instead of a list", `{"data": {"channels": {"sms": {"whitelisted_destinations": "pl4nted"}}}}`, "data.channels.sms.whitelisted_destinations: want a list, got text"},
		{"an object in a list of texts", `{"data": {"channels": {"sms": {"whitelisted_destinations": ["US", {}]}}}}`, "data.channels.sms.whitelisted_destinations[1]: want text, got an object"},
		{"a list instead of an object", `{"data": {"channels": [4815162342]}}`, "data.channels: want an object, got a list"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wire := newWire(t, respondWith(http.StatusOK, tt.body, "Content-Type", "application/json"))
			snap, err := newClient(t, wire).Channels.Get(t.Context(), numberUUID)
			assert.Nil(t, snap)
			assertMatches(t, err, mihu.ErrMalformedResponse)
			assert.Contains(t, err.Error(), tt.errText)
			assert.NotContains(t, err.Error(), "pl4nted")
			assert.NotContains(t, err.Error(), "4815")
			assert.Equal(t, 1, wire.Attempts())
		})
	}
}

// A malformed response leaves the caller's value unchanged.
func TestMalformedResponseLeavesTheTargetUnchanged(t *testing.T) {
	t.Parallel()
	request := &mihu.Request{Method: http.MethodGet, Path: "/x"}
	for _, before := range []mihu.ChannelSnapshot{{}, {Number: "before", Source: "before"}} {
		for _, body := range []string{
			`{"success": true, "data": {"number": "+15550001111", "is_external": "pl4nted"}}`,
			`{"success": true, "data": {"number": "+15550001111", "channels": {"call": {"bound": 7}}}}`,
			`{"data": {"number": "+15550001111"}, "success": false}`,
			`{"data": {"number": "+15550001111"}, "success": "0"}`,
			`{"data": {"number": "+15550001111"}, "success": "perhaps"}`,
			`{"data": {"number": "+15550001111"}, "data": null}`,
			`{"success": true, "data": {"number": "+15550001111"`,
		} {
			into := before
			require.Error(t, newClient(t, newWire(t, respondWith(http.StatusOK, body)), withoutRetries).Do(t.Context(), request, &into), body)
			assert.Equal(t, before, into, body)
		}
		into := before
		client := newClient(t, newWire(t, respondWith(http.StatusOK, `{"success": true, "data": {"number": "+15550001111"}}`)))
		require.NoError(t, client.Do(t.Context(), request, &into))
		assert.Equal(t, mihu.ChannelSnapshot{Number: "+15550001111"}, into, "a later response replaces the whole value")
	}
}

// Do decodes into values of any type.
func TestDoDecodesInto(t *testing.T) {
	t.Parallel()
	type rate struct {
		Code   string    `json:"country_code"`
		Amount float64   `json:"amount"`
		Small  int8      `json:"small"`
		Count  uint      `json:"count"`
		Since  time.Time `json:"since"`
		Blob   []byte    `json:"blob"`
		ID     int64     `json:"id,string"`
	}
	tests := []struct {
		name, data string
		into, want any
	}{
		{"anything", `{"a": [1, null]}`, new(any), map[string]any{"a": []any{1.0, nil}}},
		{"a map", `{"a": 1}`, new(map[string]any), map[string]any{"a": 1.0}},
		{"a map of numbers, leniently", `{"a": "1"}`, new(map[string]int), map[string]int{"a": 1}},
		{"an empty list as a map", `[]`, new(map[string]int), map[string]int{}},
		{"a slice", `[1, 2]`, new([]int), []int{1, 2}},
		{"a slice, leniently", `["1", 2.0]`, new([]int), []int{1, 2}},
		{"an array, leniently", `["1", 2]`, new([2]int), [2]int{1, 2}},
		{"text", `"x"`, new(string), "x"},
		{"an empty text", `""`, new(string), ""},
		{"zero", `0`, new(int), 0},
		{"false", `false`, new(bool), false},
		{"a number, leniently", `"7"`, new(int), 7},
		{"raw JSON", `{"a":  1}`, new(json.RawMessage), json.RawMessage(`{"a":  1}`)},
		{"a json.Number", `12345678901234567890`, new(json.Number), json.Number("12345678901234567890")},
		{"a pointer", `7`, new(*int), new(7)},
		{"a struct", `{"country_code": "IT", "amount": 0.5}`, new(rate), rate{Code: "IT", Amount: 0.5}},
		{"a struct, leniently", `{"country_code": 39, "amount": "0.5", "small": "8", "count": "3"}`, new(rate), rate{Code: "39", Amount: 0.5, Small: 8, Count: 3}},
		{"a large count", `{"count": 18446744073709551615}`, new(rate), rate{Count: math.MaxUint64}},
		{"a large count beside a lenient field", `{"country_code": 39, "count": 18446744073709551615}`, new(rate), rate{Code: "39", Count: math.MaxUint64}},
		{"bytes beside a lenient field", `{"country_code": 39, "blob": "aGVsbG8="}`, new(rate), rate{Code: "39", Blob: []byte("hello")}},
		{"a quoted number beside a lenient field", `{"country_code": 39, "id": "5"}`, new(rate), rate{Code: "39", ID: 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, newWire(t, respondWith(http.StatusOK, `{"success": true, "data": `+tt.data+`}`)))
			require.NoError(t, client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, tt.into))
			assert.Equal(t, tt.want, reflect.ValueOf(tt.into).Elem().Interface())
		})
	}
}

// If the data does not fit the caller's type, the error does not contain it.
func TestDoRejectsDataThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, into := range []any{new(struct{ A int8 }), new(struct{ A int32 }), new(struct{ A uint16 }), new(map[string]int16)} {
		client := newClient(t, newWire(t, respondWith(http.StatusOK, `{"success": true, "data": {"A": 12345678901}}`)))
		err := client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, into)
		require.ErrorIs(t, err, mihu.ErrMalformedResponse)
		assert.NotContains(t, err.Error(), "12345678901", "%T", into)
	}
	// The error of a type's own decoding may contain the text that it could not read.
	client := newClient(t, newWire(t, respondWith(http.StatusOK, `{"success": true, "data": {"A": "`+token+` 12345678901"}}`)))
	err := client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, new(struct{ A netip.Addr }))
	require.ErrorIs(t, err, mihu.ErrMalformedResponse)
	assert.NotContains(t, err.Error(), token)
	assert.NotContains(t, err.Error(), "12345678901")
}

func TestDoWithoutDataAcceptsAnySuccess(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " ", `{}`, `null`, `{"success": true}`, `{"success": true, "data": [1]}`, `{"success": 1, "data": "x"}`, `{"data": null}`} {
		client := newClient(t, newWire(t, respondWith(http.StatusOK, body)))
		require.NoError(t, client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, nil), body)
	}
	for _, body := range []string{"<html>", `{"success": true`, `[]`, `{"success": "perhaps"}`} {
		client := newClient(t, newWire(t, respondWith(http.StatusOK, body)))
		err := client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, nil)
		require.ErrorIs(t, err, mihu.ErrMalformedResponse, body)
	}
}
