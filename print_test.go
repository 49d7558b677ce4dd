package mihu_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu"
)

// The text of every printable value, without secrets and with numbers masked.
func TestPrinting(t *testing.T) {
	t.Parallel()
	create := createRequest(agentUUID)
	update := &mihu.TrunkUpdateRequest{
		Name: new("Reception"), Direction: new(mihu.DirectionBoth),
		SIP: &mihu.SIPUpdate{
			Gateway: new("sip.example.com"), Port: mihu.SetPort(5061), Username: new("alice"), Password: new(""), SecondaryGateway: new(""),
		},
		AdditionalSettings: map[string]any{"secret": "s3cret"},
	}
	bound := mihu.Binding{Bound: true, AgentUUID: agentUUID, AgentName: "Ada"}
	snap := mihu.ChannelSnapshot{
		PhoneNumberUUID: numberUUID, Number: number, IsExternal: true, Source: mihu.SourceExternal,
		Channels: mihu.SnapshotChannels{Call: mihu.CarrierChannel{Binding: bound}},
	}
	item := mihu.PhoneNumber{PhoneNumberUUID: numberUUID, Number: number, Location: "Sassari", Bindings: mihu.Bindings{SMS: bound}}
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"trunk", frontDesk, "+1234•••8901/call"},
		{"trunk, pointer", &frontDesk, "+1234•••8901/call"},
		{"trunk without a plus", mihu.TrunkID{PhoneNumber: "12345678901", Channel: "whatsapp"}, "1234•••8901/whatsapp"},
		{"trunk with an invalid number", mihu.TrunkID{PhoneNumber: "alice 12345678901", Channel: "call"}, "????? 12•••••••01/call"},
		{"empty trunk", mihu.TrunkID{}, "/"},
		{
			"create", create, `TrunkCreateRequest{trunk:"+1234•••8901/call" agent_uuid:"3c90c3cc-0d44-4b50-8888-8dd25736052a" name:"Front desk" ` +
				`direction:"inbound" sip:{gateway:"sip.example.com" port:5061 username:"[redacted]" password:"[redacted]" ` +
				`secondary_gateway:"sip2.example.com"} additional_settings:1}`,
		},
		{"create, value", mihu.TrunkCreateRequest{TrunkID: whatsAppTrunk}, `TrunkCreateRequest{trunk:"+1234•••8901/whatsapp"}`},
		{"credentials", mihu.SIPCredentials{Password: "s3cret"}, `SIPCredentials{password:"[redacted]"}`},
		{
			"update", update, `TrunkUpdateRequest{name:"Reception" direction:"both" sip:{gateway:"sip.example.com" port:"5061" ` +
				`username:"[redacted]" password:"" secondary_gateway:""} additional_settings:1}`,
		},
		{"empty update", mihu.TrunkUpdateRequest{}, `TrunkUpdateRequest{}`},
		{"update of credentials", mihu.SIPUpdate{Port: mihu.ClearPort(), Username: new("")}, `SIPUpdate{port:"clear" username:""}`},
		{
			"snapshot", &snap, `ChannelSnapshot{number:"+1234•••8901" phone_number_uuid:"9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b" external:true ` +
				`call:"3c90c3cc-0d44-4b50-8888-8dd25736052a" sms:"unbound" whatsapp:"unbound"}`,
		},
		{
			"number", item, `PhoneNumber{number:"+1234•••8901" phone_number_uuid:"9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b" external:false ` +
				`call:"unbound" sms:"3c90c3cc-0d44-4b50-8888-8dd25736052a" whatsapp:"unbound"}`,
		},
		{"page", mihu.Page[mihu.PhoneNumber]{Items: []mihu.PhoneNumber{item}}, `Page{items:1}`},
		{
			"page with pagination", &mihu.Page[mihu.PhoneNumber]{Pagination: &mihu.Pagination{CurrentPage: 2, HasMore: true}},
			`Page{items:0 pagination:{page:2 has_more:true}}`,
		},
		{
			"pagination",
			mihu.Pagination{CurrentPage: 2, LastPage: 3, PerPage: 200, Total: 401, From: 201, To: 400},
			`Pagination{page:2 last_page:3 per_page:200 total:401 has_more:false}`,
		},
		{"response", mihu.Response{StatusCode: 200, Body: []byte("s3cret")}, `Response{status:200 request_id:"" attempts:0 reconciled:false bytes:6}`},
		{"port", mihu.SetPort(5061), "5061"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%s"} {
				assert.Equal(t, tt.want, fmt.Sprintf(verb, tt.value))
			}
			assert.Equal(t, strconv.Quote(tt.want), fmt.Sprintf("%q", tt.value))
			assert.Equal(t, "["+tt.want+"]", fmt.Sprint([]any{tt.value}), "within a slice")
			assert.Equal(t, "{"+tt.want+"}", fmt.Sprint(struct{ V any }{tt.value}), "within a struct")
			assertNotPrinted(t, tt.value, "s3cret", "12345678901")
		})
	}
}

func TestMaskNumber(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{number: maskedNumber, "12345678901": "1234•••8901", "+1 2345678901": "+1 2•••••••01", "": ""} {
		assert.Equal(t, want, mihu.MaskNumber(number))
	}
}

// Invalid values are printed safely too: a gateway may contain credentials by mistake, and a
// request can be printed before it is validated.
func TestPrintingInvalidValues(t *testing.T) {
	t.Parallel()
	const gateway = "sip:alice:pl4nted@sip.example.com"
	for _, value := range []any{
		mihu.SIPCredentials{Gateway: gateway},
		mihu.SIPCredentials{SecondaryGateway: gateway},
		mihu.SIPUpdate{Gateway: new(gateway)},
		mihu.SIPUpdate{SecondaryGateway: new(gateway)},
		mihu.TrunkCreateRequest{Name: "line +12345678901", AgentUUID: number, SIP: &mihu.SIPCredentials{Gateway: number}},
	} {
		assertNotPrinted(t, value, "pl4nted", "12345678901")
	}
}

func assertNotPrinted(t *testing.T, v any, secrets ...string) {
	t.Helper()
	text := strings.Join(printed(t, v), "\n")
	for _, secret := range secrets {
		assert.NotContains(t, text, secret, "a %T prints it", v)
	}
}

// A Request prints without its arguments, query and body.
func TestPrintingRequests(t *testing.T) {
	t.Parallel()
	req := mihu.Request{
		Method: "POST", Path: "/x/{number}", PathArgs: map[string]string{"number": number}, Query: url.Values{"number": {number}, "token": {"pl4nted"}},
		Body: map[string]any{"sip": map[string]any{"password": "pl4nted"}},
	}
	assertNotPrinted(t, req, "pl4nted", "12345678901")
	assertNotPrinted(t, &req, "pl4nted", "12345678901")
}

// printed returns a value as printed by every verb and logged by every handler.
func printed(t *testing.T, v any) []string {
	t.Helper()
	var all []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%40v", "%-40v"} {
		text := fmt.Sprintf(verb, v)
		if verb != "%x" {
			all = append(all, text)
		}
	}
	var records logbook
	for _, handler := range []slog.Handler{
		slog.NewTextHandler(&records, nil),
		slog.NewJSONHandler(&records, nil),
	} {
		slog.New(handler).LogAttrs(t.Context(), slog.LevelInfo, "printed", slog.Any("value", v))
	}
	return append(all, records.String())
}
