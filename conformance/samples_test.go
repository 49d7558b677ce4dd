package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
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
func served(t *testing.T, status int, body string, opts ...mihu.Option) (*checker, *mihu.Client) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	check := newChecker(t, srv.Client().Transport)
	return check, newClient(t, check, append(opts, mihu.WithBaseURL(srv.URL+"/api/v1"))...)
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
	read := map[string]func(*mihu.Client) (*mihu.ChannelSnapshot, error){
		"channels": func(c *mihu.Client) (*mihu.ChannelSnapshot, error) { return c.Channels.Get(t.Context(), uuid) },
		"channels by number": func(c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Channels.GetByNumber(t.Context(), number)
		},
	}
	sample := golden(t, "snapshot.response.json")
	for name, get := range read {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, client := served(t, http.StatusOK, sample)
			got, err := get(client)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.True(t, got.External(), "one of the two marks is enough")
			check.valid(t)
		})
	}

	// A response to a change has to be about the number and the agent: the filler is not.
	filled := strings.ReplaceAll(strings.ReplaceAll(sample, `"number": "<string>"`, `"number": "`+number+`"`), `"agent_uuid": "<string>"`, `"agent_uuid": "`+uuid+`"`)
	wantFilled := *want
	wantFilled.Number = number
	for _, binding := range []*mihu.Binding{&wantFilled.Channels.Call.Binding, &wantFilled.Channels.SMS.Binding, &wantFilled.Channels.WhatsApp} {
		binding.AgentUUID = uuid
	}
	for name, change := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check, client := served(t, http.StatusOK, filled)
			got, err := change(t.Context(), client)
			require.NoError(t, err)
			assert.Equal(t, &wantFilled, got)
			check.valid(t)
		})
	}
}

// changes are the calls that change a trunk and return a snapshot.
func changes() map[string]func(context.Context, *mihu.Client) (*mihu.ChannelSnapshot, error) {
	return map[string]func(context.Context, *mihu.Client) (*mihu.ChannelSnapshot, error){
		"create": func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: callID, AgentUUID: uuid})
		},
		"update": func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Trunks.Update(ctx, callID, &mihu.TrunkUpdateRequest{Name: new("a")})
		},
		"assign": func(ctx context.Context, c *mihu.Client) (*mihu.ChannelSnapshot, error) {
			return c.Trunks.Assign(ctx, callID, uuid)
		},
	}
}

// The filler does not prove a change, with any of its values filled in but one: the outcome remains
// unknown, whatever reads return.
func TestSampleIsNoEvidenceOfAChange(t *testing.T) {
	t.Parallel()
	const theNumber, theAgent = `"number": "<string>"`, `"agent_uuid": "<string>"`
	sample := golden(t, "snapshot.response.json")
	require.Contains(t, sample, theNumber)
	require.Contains(t, sample, theAgent)
	for _, tt := range []struct {
		name   string
		body   string
		proves []string
	}{
		{"as printed", sample, nil},
		{"the agent alone", strings.ReplaceAll(sample, theAgent, `"agent_uuid": "`+uuid+`"`), nil},
		{"the number alone", strings.ReplaceAll(sample, theNumber, `"number": "`+number+`"`), []string{"update"}},
	} {
		for name, change := range changes() {
			if slices.Contains(tt.proves, name) {
				continue
			}
			t.Run(name+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				check, client := served(t, http.StatusOK, tt.body, mihu.WithMaxReadLag(-1), mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}))
				got, err := change(t.Context(), client)
				require.Error(t, err)
				assert.Nil(t, got)
				if name == "create" && tt.name == "the number alone" {
					require.ErrorIs(t, err, mihu.ErrConflict, "the number is on an agent, and not on this one")
				} else {
					require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)
				}
				for _, e := range check.take() {
					e.requireValid(t)
				}
			})
		}
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
