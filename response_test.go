package mihu_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// page returns a response with one page of numbers.
func page(items string) string { return `{"success": true, "data": {"items": [` + items + `]}}` }

// Values that such backends write in other ways than documented are decoded.
func TestSnapshotsDecodeLeniently(t *testing.T) {
	t.Parallel()
	call := func(c mihu.CarrierChannel) mihu.ChannelSnapshot {
		return mihu.ChannelSnapshot{Number: number, Source: mihu.SourceExternal, Channels: mihu.SnapshotChannels{Call: c}}
	}
	callJSON := func(fields string) string {
		if !strings.Contains(fields, `"bound"`) {
			fields = `"bound": false, ` + fields
		}
		return `{"number": "+12345678901", "source": "external", "channels": {"call": {` + fields + `}, "whatsapp": {"bound": false}}}`
	}
	// unknown is a snapshot that does not say which of its channels are bound.
	unknown := func(number string, channels ...mihu.Channel) mihu.ChannelSnapshot {
		snap := mihu.ChannelSnapshot{Number: number, Source: mihu.SourceExternal}
		for _, channel := range channels {
			snap.Unreadable = append(snap.Unreadable, "channels."+string(channel)+".bound")
		}
		return snap
	}
	limit := func(n int) mihu.ChannelSnapshot { return call(mihu.CarrierChannel{ChannelLimit: &n}) }
	tests := []struct {
		name, data string
		want       mihu.ChannelSnapshot
	}{
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
		{"false as null", callJSON(`"capable": null, "enabled": null, "bound": null`), unknown(number, mihu.ChannelCall)},
		{"no destinations", callJSON(`"whitelisted_destinations": null`), call(mihu.CarrierChannel{})},
		{"an empty object as a list", callJSON(`"whitelisted_destinations": {}`), call(mihu.CarrierChannel{WhitelistedDestinations: []string{}})},
		{"destinations of other types", callJSON(`"whitelisted_destinations": ["US", 39, true, null]`), call(mihu.CarrierChannel{WhitelistedDestinations: []string{"US", "39", "true", ""}})},
		{"an unbound channel", callJSON(`"bound": false, "agent_uuid": null, "agent_name": null`), call(mihu.CarrierChannel{})},
		{"bound by its agent alone", callJSON(`"bound": null, "agent_uuid": "3c90c3cc"`), call(mihu.CarrierChannel{Binding: mihu.Binding{Bound: true, AgentUUID: "3c90c3cc"}})},
		{"not bound, by its agent alone", callJSON(`"bound": null, "agent_uuid": null`), call(mihu.CarrierChannel{})},
		{"wrapped once more", `{"data": ` + callJSON(`"channel_limit": 10`) + `}`, limit(10)},
		{"a list as an object with numbers for names", callJSON(`"whitelisted_destinations": {"2": "IT", "0": "US", "10": "FR"}`), call(mihu.CarrierChannel{WhitelistedDestinations: []string{"US", "IT", "FR"}})},
		{"an agent as a number", callJSON(`"bound": true, "agent_uuid": 7`), call(mihu.CarrierChannel{Binding: mihu.Binding{Bound: true, AgentUUID: "7"}})},
		{"a channel as null", `{"number": "+12345678901", "source": "external", "channels": {"call": null, "sms": null, "whatsapp": null, "inbound": null}}`, unknown(number, mihu.ChannelCall, mihu.ChannelWhatsApp)},
		{"a channel as an empty list", `{"number": "+12345678901", "source": "external", "channels": {"call": [], "whatsapp": []}}`, unknown(number, mihu.ChannelCall, mihu.ChannelWhatsApp)},
		{"no channels", `{"number": "+12345678901", "source": "external", "channels": []}`, unknown(number, mihu.ChannelCall, mihu.ChannelWhatsApp)},
		{
			"not external, by one of its marks", `{"number": "+12345678901", "is_external": false, "channels": {"call": {"bound": false}, "whatsapp": {"bound": false}}}`,
			mihu.ChannelSnapshot{Number: number},
		},
		{
			"no mark of an external number", `{"number": "+12345678901", "channels": {"call": {"bound": false}, "whatsapp": {"bound": false}}}`,
			mihu.ChannelSnapshot{Number: number, Unreadable: []string{"source"}},
		},
		{
			"one channel bound, the other omitted", `{"number": "+12345678901", "source": "external", "channels": {"whatsapp": {"bound": true, "agent_uuid": "3c90c3cc"}}}`,
			mihu.ChannelSnapshot{
				Number: number, Source: mihu.SourceExternal, Unreadable: []string{"channels.call.bound"},
				Channels: mihu.SnapshotChannels{WhatsApp: mihu.Binding{Bound: true, AgentUUID: "3c90c3cc"}},
			},
		},
		{"a phone number as a number", `{"number": 12345678901, "source": "external", "channels": []}`, unknown("12345678901", mihu.ChannelCall, mihu.ChannelWhatsApp)},
		{"a phone number that a float cannot hold", `{"number": 123456789012345678901, "source": "external", "channels": []}`, unknown("123456789012345678901", mihu.ChannelCall, mihu.ChannelWhatsApp)},
		{"an unknown source", `{"number": "+12345678901", "source": "leased", "is_external": "0", "channels": {"call": {"bound": false}, "whatsapp": {"bound": false}}}`, mihu.ChannelSnapshot{Number: number, Source: "leased"}},
		{"an unknown channel and unknown fields", `{"number": "+12345678901", "fax": 1, "source": "external", "channels": {"fax": {"bound": 1}, "call": {"codec": "opus"}}}`, unknown(number, mihu.ChannelCall, mihu.ChannelWhatsApp)},
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
		n.Number, n.Source = number, cmp.Or(n.Source, mihu.SourceExternal)
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
		{"items as null, and a total of 0", `{"items": null, "pagination": {"total": 0}}`, mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}, Pagination: &mihu.Pagination{}}},
		{"items as an object with numbers for names", `{"items": {"0": {"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}}}}`, one(mihu.PhoneNumber{})},
		{"the page is the data", `[{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}}]`, one(mihu.PhoneNumber{})},
		{"wrapped once more", `{"data": {"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}}]}}`, one(mihu.PhoneNumber{})},
		{
			"the framework's paginator", `{"current_page": 1, "data": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}}], "last_page": 3, "total": 5}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{{Number: number, Source: mihu.SourceExternal}}, Pagination: &mihu.Pagination{CurrentPage: 1, LastPage: 3, Total: 5}},
		},
		{"items as an empty object", `{"items": {}, "pagination": []}`, mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}}},
		{
			"an empty page", `{"items": [], "pagination": {"current_page": 1, "per_page": 50, "total": 0, "last_page": 1, "from": null, "to": null, "has_more": false}}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}, Pagination: &mihu.Pagination{CurrentPage: 1, PerPage: 50, LastPage: 1}},
		},
		{
			"a pagination as texts", `{"items": [], "pagination": {"current_page": "1", "per_page": "50", "total": "3.0", "from": "", "has_more": "1"}}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{}, Pagination: &mihu.Pagination{CurrentPage: 1, PerPage: 50, Total: 3, HasMore: true}},
		},
		{"a time", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04T12:00:00Z"}]}`, purchased(noon)},
		{"a time with a zone", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04T13:00:00+01:00", "is_external": "0"}]}`, purchased(noon)},
		{"a database's time", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04 12:00:00"}]}`, purchased(noon)},
		{"a database's time with microseconds", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04 12:00:00.000000"}]}`, purchased(noon)},
		{"a time without a zone", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04T12:00:00"}]}`, purchased(noon)},
		{"a date", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04"}]}`, purchased(time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC))},
		{"no time", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": null}]}`, purchased(time.Time{})},
		{"unreadable times", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "soon", "updated_at": []}]}`, one(mihu.PhoneNumber{Unreadable: []string{"purchased_at", "updated_at"}})},
		{"a time with a zone without a colon", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04T12:00:00+0000"}]}`, purchased(noon)},
		{"a database's time with a zone", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "2026-03-04 12:00:00Z"}]}`, purchased(noon)},
		{"seconds since 1970", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": 1772625600}]}`, purchased(noon)},
		{"milliseconds since 1970, as text", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "1772625600000"}]}`, purchased(noon)},
		{"a database's zero time", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "purchased_at": "0000-00-00 00:00:00"}]}`, purchased(time.Time{})},
		{"a fee as text", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "billing": {"monthly_fee": "1.50"}}]}`, fee("1.50")},
		{"a fee of 0", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "billing": {"monthly_fee": "0"}}]}`, fee("0")},
		{"no fee", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "billing": {"monthly_fee": ""}}]}`, one(mihu.PhoneNumber{Billing: &mihu.Billing{}})},
		{
			"fields of other types", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "status": "active", "billing": false, "capabilities": ["voice"], "channel_settings": {"voice": {"whitelisted_destinations": "US"}}}]}`,
			one(mihu.PhoneNumber{Status: "active", Unreadable: []string{"billing", "capabilities", "channel_settings.voice.whitelisted_destinations"}}),
		},
		{
			"a fee that is not a number", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "billing": {"monthly_fee": "1,234.50", "currency": "EUR"}}]}`,
			one(mihu.PhoneNumber{Billing: &mihu.Billing{Currency: "EUR"}, Unreadable: []string{"billing.monthly_fee"}}),
		},
		{
			"text that is not UTF-8", "{\"items\": [{\"number\": \"+12345678901\", \"source\": \"external\", \"bindings\": {\"call\": {\"bound\": false}, \"whatsapp\": {\"bound\": false}}, \"location\": \"Andr\xe9\", \"type\": \"local\"}]}",
			one(mihu.PhoneNumber{Type: "local", Unreadable: []string{"location"}}),
		},
		{
			"half of a surrogate pair", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "location": "\ud83d", "type": "\ud83d\ude00"}]}`,
			one(mihu.PhoneNumber{Type: "😀", Unreadable: []string{"location"}}),
		},
		{
			"bound by its agent alone", `{"items": [{"number": "+12345678901", "is_external": false, "bindings": {"call": {"agent_uuid": "3c90c3cc"}, "whatsapp": {"agent_uuid": null}}}]}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{{Number: number, Bindings: mihu.Bindings{Call: mihu.Binding{Bound: true, AgentUUID: "3c90c3cc"}}}}},
		},
		{
			"nothing but the number", `{"items": [{"number": "+12345678901"}]}`,
			mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{{Number: number, Unreadable: []string{"bindings", "source"}}}},
		},
		{"no details", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "compliance": null, "capabilities": null, "billing": null, "bindings": [], "channel_settings": []}]}`, one(mihu.PhoneNumber{Unreadable: []string{"bindings.call.bound", "bindings.whatsapp.bound"}})},
		{
			"empty lists as objects", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "compliance": [], "capabilities": [], "billing": []}]}`,
			one(mihu.PhoneNumber{Compliance: &mihu.Compliance{}, Capabilities: &mihu.Capabilities{}, Billing: &mihu.Billing{}}),
		},
		{
			"unknown values of open sets", `{"items": [{"number": "+12345678901", "source": "external", "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "type": "satellite", "status": "parked", "source": "leased", "is_external": 0}]}`,
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
				assert.True(t, want.PurchasedAt.Equal(got.Items[i].PurchasedAt), "%v", got.Items[i].PurchasedAt)
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
		{"empty", ``, "empty"},
		{"white space", " \n\t", "empty"},
		{"null", `null`, "it has no data"},
		{"no data", `{"success": true}`, "it reports success, without data"},
		{"data as null", `{"success": true, "data": null}`, "it reports success, without data"},
		{"data as null, success as text", `{"success": "true", "data": null}`, "it reports success, without data"},
		{"no data, success as a number", `{"success": 1}`, "it reports success, without data"},
		{"data as text", `{"success": true, "data": "pl4nted"}`, "its data is not an object"},
		{"data as a list", `{"success": true, "data": [4815162342]}`, "its data is not an object"},
		{"success as text", `{"success": "pl4nted", "data": {}}`, "malformed response"},
		{"data as an empty object", `{"data": {}}`, "it has no data"},
		{"data as an empty list", `{"data": []}`, "it has no data"},
		{"no number", `{"data": {"channels": {"call": {"bound": true}}}}`, "it has no number"},
		{"a number as an object", `{"data": {"number": {"pl4nted": 1}, "channels": {}}}`, "it has no number"},
		{"a number as a list", `{"data": {"number": [4815162342], "channels": {}}}`, "it has no number"},
		{"no channels", `{"data": {"number": "+12345678901"}}`, "it has no channels"},
		{"channels as null", `{"data": {"number": "+12345678901", "channels": null}}`, "it has no channels"},
		{"channels as a list", `{"data": {"number": "+12345678901", "channels": [4815162342]}}`, "it has no channels"},
		{"bindings instead of channels", `{"data": {"number": "+12345678901", "bindings": {"call": {"bound": true}}}}`, "it has no channels"},
		{"success beside an error", `{"success": true, "error": {"code": "pl4nted"}, "data": {"number": "+12345678901", "channels": {"call": {"bound": true}}}}`, "it reports success and an error"},
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
	for _, body := range []string{"", " ", "\ufeff", `{"success": true}`, "\ufeff" + `{"success": true}`, `{"success": true, "error": null, "errors": []}`, `{"success": true, "data": [1]}`, `{"success": 1, "data": "x"}`} {
		client := newClient(t, newWire(t, respondWith(http.StatusOK, body)))
		require.NoError(t, client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, nil), body)
	}
	for _, body := range []string{
		"<html>", `{"success": true`, `[]`, `{"success": "perhaps"}`, `{}`, `null`, `{"data": null}`, `{"data": [1]}`, `{"message": "Unauthenticated."}`,
		`{"success": true, "error": {"code": "INVALID_AUTH_TOKEN"}}`, `{"success": true, "errors": {"x": ["y"]}}`,
	} {
		client := newClient(t, newWire(t, respondWith(http.StatusOK, body)), withoutRetries)
		err := client.Do(t.Context(), &mihu.Request{Method: http.MethodGet, Path: "/x"}, nil)
		require.ErrorIs(t, err, mihu.ErrMalformedResponse, body)
	}
}

// What is read of a huge response, stored of it and printed of it is bounded.
func TestHugeResponses(t *testing.T) {
	t.Parallel()
	const maximum = 8 << 20
	huge := func(status int, length int64, read *countingReader) step {
		return step{then: func(*http.Request) (*http.Response, error) {
			resp := response(status, "")
			resp.Body, resp.ContentLength = io.NopCloser(read), length
			return resp, nil
		}}
	}
	tests := []struct {
		name    string
		status  int
		length  int64
		bytes   int64
		tooLong bool
	}{
		{"100 MB of unknown length", 200, -1, 100 << 20, true},
		{"100 MB with a Content-Length", 200, 100 << 20, 100 << 20, true},
		{"a Content-Length that overflows", 200, 1 << 62, 100 << 20, true},
		{"an error of 100 MB", 500, -1, 100 << 20, true},
		{"one byte too many", 200, -1, maximum + 1, true},
		{"the maximum", 500, -1, maximum, false},
		{"the maximum as Content-Length, but only 10 bytes", 500, maximum, 10, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			read := &countingReader{left: tt.bytes}
			err := getError(t, huge(tt.status, tt.length, read))
			api := requireAPIError(t, err)
			require.ErrorIs(t, err, mihu.ErrMalformedResponse)
			assert.Equal(t, tt.status, api.StatusCode)
			assert.Equal(t, tt.tooLong, strings.Contains(err.Error(), "larger than 8 MiB"), err)
			assert.LessOrEqual(t, read.read, int64(16<<20))
			if tt.length > maximum {
				assert.Zero(t, read.read, "a body with too large a Content-Length is not read")
			}
			assert.LessOrEqual(t, len(api.Body), 64<<10)
			assert.LessOrEqual(t, cap(api.Body), 64<<10)
			assert.Less(t, len(err.Error()), 300)
		})
	}
}

// countingReader reads as white space and counts the bytes that were read.
type countingReader struct{ left, read int64 }

func (r *countingReader) Read(p []byte) (int, error) {
	n := min(int64(len(p)), r.left)
	if n == 0 {
		return 0, io.EOF
	}
	for i := range p[:n] {
		p[i] = ' '
	}
	r.left -= n
	r.read += n
	return int(n), nil
}

// The bound applies to the decompressed response.
func TestGzipBomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, err := io.Copy(zip, io.LimitReader(zeros{}, 32<<20))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}))
	t.Cleanup(srv.Close)
	client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	_, err = client.Channels.Get(t.Context(), numberUUID)
	require.ErrorIs(t, err, mihu.ErrMalformedResponse)
	assert.Contains(t, err.Error(), "larger than 8 MiB")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestGzip(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = io.WriteString(zip, snapshotJSON)
		_ = zip.Close()
	}))
	t.Cleanup(srv.Close)
	client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	var resp mihu.Response
	snap, err := client.Channels.Get(t.Context(), numberUUID, mihu.WithResponse(&resp))
	require.NoError(t, err)
	assert.Equal(t, number, snap.Number)
	assert.JSONEq(t, snapshotJSON, string(resp.Body), "the body is decompressed")
}

// A response that is cut short is malformed, however it is framed.
func TestResponsesCutShort(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, response string) *mihu.Client {
		t.Helper()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if !assert.NoError(t, err) {
				return
			}
			_, _ = buffered.WriteString(response)
			_ = buffered.Flush()
			_ = conn.Close()
		}))
		t.Cleanup(srv.Close)
		client, err := mihu.New("", token, mihu.WithBaseURL(srv.URL), withoutRetries)
		require.NoError(t, err)
		t.Cleanup(client.CloseIdleConnections)
		return client
	}
	chunk := func(body string) string { return strconv.FormatInt(int64(len(body)), 16) + "\r\n" + body + "\r\n" }
	tests := []struct {
		name, response string
		status         int // 0 if there is no valid response
		errText        string
	}{
		{"shorter than its Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + snapshotJSON, 200, "cut short: unexpected EOF"},
		{"longer than its Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + snapshotJSON, 200, "cut short: the JSON does not end"},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(snapshotJSON), 200, "cut short: unexpected EOF"},
		{"an invalid chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(snapshotJSON) + "zz\r\n", 200, "cut short"},
		{"gzip, cut short", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08", 200, "cut short"},
		{"not gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + snapshotJSON, 200, "cut short"},
		{"an error, shorter than its Content-Length", "HTTP/1.1 404 Not Found\r\nContent-Length: 9999\r\n\r\n{}", 404, "cut short: unexpected EOF"},
		{"no response", "", 0, "EOF"},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-", 0, "malformed MIME header"},
		{"another protocol", "SSH-2.0-OpenSSH_9.6\r\n", 0, "malformed HTTP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, tt.response).Channels.Get(t.Context(), numberUUID)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.errText)
			if tt.status == 0 {
				requireTransportError(t, err)
				assertMatches(t, err)
				return
			}
			assert.Equal(t, tt.status, requireAPIError(t, err).StatusCode)
			require.ErrorIs(t, err, mihu.ErrMalformedResponse)
		})
	}
	t.Run("whole chunks", func(t *testing.T) {
		t.Parallel()
		client := serve(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(snapshotJSON[:40])+chunk(snapshotJSON[40:])+"0\r\n\r\n")
		snap, err := client.Channels.Get(t.Context(), numberUUID)
		require.NoError(t, err)
		assert.Equal(t, number, snap.Number)
	})
}
