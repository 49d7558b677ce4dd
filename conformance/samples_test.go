package conformance

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The samples are example bodies of the API documentation. Their values are filler; only their shape
// is evidence.

func golden(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "testdata", name))
	require.NoError(t, err)
	return string(body)
}

// served returns a client of a server that sends the same response to every request.
func served(t *testing.T, status int, body string) (*checker, *mihu.Client) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	check := newChecker(t, srv.Client().Transport)
	return check, newClient(t, check, mihu.WithBaseURL(srv.URL+"/api/v1"))
}

func TestSampleOfASnapshot(t *testing.T) {
	t.Parallel()
	carrier := func(destination string) mihu.CarrierChannel {
		return mihu.CarrierChannel{
			Capable: true, Enabled: true, ChannelLimit: new(123), WhitelistedDestinations: []string{destination},
			Binding: mihu.Binding{Bound: true, AgentUUID: "<string>", AgentName: "<string>"},
		}
	}
	want := &mihu.ChannelSnapshot{
		PhoneNumberUUID: uuid, Number: "<string>", IsExternal: true, Source: mihu.SourcePurchased,
		Channels: mihu.SnapshotChannels{
			Call: carrier("US"), SMS: carrier("<string>"),
			WhatsApp: mihu.Binding{Bound: true, AgentUUID: "<string>", AgentName: "<string>"},
			Inbound:  mihu.InboundChannel{Enabled: true, ChannelLimit: new(123)},
		},
	}
	check, client := served(t, http.StatusOK, golden(t, "snapshot.response.json"))
	ctx := t.Context()
	for name, get := range map[string]func() (*mihu.ChannelSnapshot, error){
		"create": func() (*mihu.ChannelSnapshot, error) {
			return client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: callID, AgentUUID: uuid})
		},
		"update": func() (*mihu.ChannelSnapshot, error) {
			return client.Trunks.Update(ctx, callID, &mihu.TrunkUpdateRequest{Name: new("a")})
		},
		"assign":             func() (*mihu.ChannelSnapshot, error) { return client.Trunks.Assign(ctx, callID, uuid) },
		"channels":           func() (*mihu.ChannelSnapshot, error) { return client.Channels.Get(ctx, uuid) },
		"channels by number": func() (*mihu.ChannelSnapshot, error) { return client.Channels.GetByNumber(ctx, number) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := get()
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.True(t, got.External(), "one of the two marks is enough")
			check.valid(t)
		})
	}
}

func TestSampleOfAListedNumber(t *testing.T) {
	t.Parallel()
	setting := mihu.ChannelSetting{Enabled: true, ChannelLimit: new(123), WhitelistedDestinations: []string{"US"}}
	bound := mihu.Binding{Bound: true, AgentUUID: "<string>", AgentName: "<string>"}
	want := mihu.PhoneNumber{
		PhoneNumberUUID: "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b", Number: "+12084439178", CountryCode: "US", Location: "Sassari, Sardegna",
		Type: "local", IsExternal: true, Source: mihu.SourcePurchased, Status: "active",
		Compliance: &mihu.Compliance{Status: "completed", Requirements: []mihu.ComplianceRequirement{
			{Name: "<string>", Type: "textual", Description: "<string>"},
		}},
		Capabilities:    &mihu.Capabilities{Voice: true, SMS: true, MMS: true, Fax: true, Emergency: true, LocalCalling: true},
		ChannelSettings: mihu.ChannelSettings{Voice: setting, SMS: setting, Inbound: mihu.InboundChannel{Enabled: true, ChannelLimit: new(123)}},
		Billing:         &mihu.Billing{MonthlyFee: "123", Currency: "EUR"},
		Bindings:        mihu.Bindings{Call: bound, SMS: bound, WhatsApp: bound},
	}
	for name, body := range map[string]string{
		"without pagination": `{"success":true,"data":{"items":[` + golden(t, "list.item.json") + `]}}`,
		"with pagination": `{"success":true,"message":"OK","data":{"items":[` + golden(t, "list.item.json") + `],
			"pagination":{"current_page":1,"per_page":50,"total":1,"last_page":1,"from":1,"to":1,"has_more":false}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, client := served(t, http.StatusOK, body)
			page, err := client.Trunks.List(t.Context(), nil)
			require.NoError(t, err)
			assert.Equal(t, []mihu.PhoneNumber{want}, page.Items)
			check.valid(t)

			for got, err := range client.Trunks.All(t.Context(), nil) {
				require.NoError(t, err)
				assert.Equal(t, want, got)
			}
			for _, e := range check.take() {
				e.requireValid(t)
			}
		})
	}
}

func TestSampleOfAnError(t *testing.T) {
	t.Parallel()
	check, client := served(t, http.StatusUnauthorized, golden(t, "error.401.json"))
	_, err := client.Trunks.List(t.Context(), nil)
	require.ErrorIs(t, err, mihu.ErrUnauthorized)
	var refused *mihu.APIError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "INVALID_AUTH_TOKEN", refused.Code)
	assert.Equal(t, "Invalid authentication token", refused.Message)
	assert.Equal(t, "The provided token is invalid or has been revoked", refused.Details)
	check.valid(t)
}

// The request types have a field for everything that is documented, and encode it as documented.
func TestSamplesOfRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, method, path string
		into               any
	}{
		{"create.request.json", http.MethodPost, "/phone-numbers/trunks", new(mihu.TrunkCreateRequest)},
		{"update.request.json", http.MethodPatch, "/phone-numbers/trunks", new(struct {
			mihu.TrunkID
			mihu.TrunkUpdateRequest
		})},
		{"assign.request.json", http.MethodPut, "/phone-numbers/trunks/assign", new(struct {
			mihu.TrunkID
			AgentUUID string `json:"agent_uuid"`
		})},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			sample := golden(t, tt.file)
			var body map[string]any
			require.NoError(t, json.Unmarshal([]byte(sample), &body))
			require.NoError(t, wire{tt.method, tt.path, body}.judge(t))

			decoder := json.NewDecoder(strings.NewReader(sample))
			decoder.DisallowUnknownFields()
			require.NoError(t, decoder.Decode(tt.into))
			written, err := json.Marshal(tt.into)
			require.NoError(t, err)
			assert.JSONEq(t, sample, string(written))
		})
	}
}
