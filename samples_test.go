package mihu_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

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

// withHost returns a sample whose filler text is replaced by hosts, given as pairs of field and
// host.
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
