package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const numberBody = `{"success":true,"data":{"phone_number_uuid":"` + uuid + `","number":"+12345678901"}}`

// last returns the last error of an iterator.
func last[T any](items iter.Seq2[T, error]) (failed error) {
	for _, err := range items {
		failed = err
	}
	return failed
}

// The calls for agents, numbers and rates.
func listAgents(options *mihu.ListOptions) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Agents.List(ctx, options)) }
}

func listNumbers(options *mihu.ListOptions) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Numbers.List(ctx, options)) }
}

func rates(options *mihu.RateOptions) call {
	return func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Numbers.Rates(ctx, options)) }
}

func updateSettings(uuid string, update *mihu.ChannelSettingsUpdate) call {
	return func(ctx context.Context, c *mihu.Client) error {
		return errorOf(c.Numbers.UpdateChannelSettings(ctx, uuid, update))
	}
}

func TestEveryRequestOfTheInventoryIsValid(t *testing.T) {
	t.Parallel()
	const oneAgent = `{"success":true,"data":{"items":[{"agent_uuid":"` + uuid + `","name":"Ada"}],"pagination":{"total":1}}}`
	for _, tt := range []struct {
		name      string
		operation string
		body      string // of the response
		call      call
		query     string
	}{
		{"agents", "listAgents", pageBody, listAgents(nil), ""},
		{"agents of a page", "listAgents", pageBody, listAgents(&mihu.ListOptions{Page: 2, PerPage: 200}), "page=2&per_page=200"},
		{"all agents", "listAgents", pageBody, func(ctx context.Context, c *mihu.Client) error { return last(c.Agents.All(ctx, nil)) }, "page=1&per_page=200"},
		{"find an agent", "listAgents", oneAgent, func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Agents.Find(ctx, "Ada")) }, "page=1&per_page=200"},
		{"numbers", "listPhoneNumbers", pageBody, listNumbers(nil), ""},
		{"numbers of a page", "listPhoneNumbers", pageBody, listNumbers(&mihu.ListOptions{Page: 3, PerPage: 1}), "page=3&per_page=1"},
		{"all numbers", "listPhoneNumbers", pageBody, func(ctx context.Context, c *mihu.Client) error {
			return last(c.Numbers.All(ctx, &mihu.AllOptions{PerPage: 50}))
		}, "page=1&per_page=50"},
		{"trunks by agent", "listTrunks", pageBody, func(ctx context.Context, c *mihu.Client) error { return errorOf(c.Trunks.ByAgent(ctx, uuid)) }, "page=1&per_page=200"},
		{"rates", "listRates", pageBody, rates(nil), ""},
		{"rates of everything", "listRates", pageBody, rates(&mihu.RateOptions{CountryCode: "IT", Prefix: "+39", Page: 2, PerPage: 200}), "country_code=IT&page=2&per_page=200&prefix=%2B39"},
		{"all rates", "listRates", pageBody, func(ctx context.Context, c *mihu.Client) error {
			return last(c.Numbers.AllRates(ctx, &mihu.AllRatesOptions{CountryCode: "IT", Prefix: "39"}))
		}, "country_code=IT&page=1&per_page=200&prefix=39"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check := newChecker(t, jsonStub(http.StatusOK, tt.body))
			require.NoError(t, tt.call(t.Context(), newClient(t, check)))
			e := check.valid(t)
			assert.Equal(t, tt.operation, e.operation)
			u, err := url.Parse(e.url)
			require.NoError(t, err)
			assert.Equal(t, tt.query, u.RawQuery)
			assert.Empty(t, e.sent)
		})
	}
}

// Each setting of a channel is omitted, or has one of its values.
func TestEveryUpdateOfSettingsIsValid(t *testing.T) {
	t.Parallel()
	type update = mihu.ChannelSettingsUpdate
	inboundOf := func(u *update) *mihu.InboundSettingUpdate {
		if u.Inbound == nil {
			u.Inbound = new(mihu.InboundSettingUpdate)
		}
		return u.Inbound
	}
	fields := []field[update]{
		{"inbound.enabled", []way[update]{{func(u *update) { inboundOf(u).Enabled = new(false) }, false}}},
		{"inbound.channel_limit", []way[update]{{func(u *update) { inboundOf(u).ChannelLimit = new(7) }, 7.0}}},
	}
	for name, at := range map[string]func(*update) **mihu.ChannelSettingUpdate{
		"voice": func(u *update) **mihu.ChannelSettingUpdate { return &u.Voice },
		"sms":   func(u *update) **mihu.ChannelSettingUpdate { return &u.SMS },
	} {
		of := func(u *update) *mihu.ChannelSettingUpdate {
			if *at(u) == nil {
				*at(u) = new(mihu.ChannelSettingUpdate)
			}
			return *at(u)
		}
		fields = append(fields,
			field[update]{name + ".enabled", []way[update]{
				{func(u *update) { of(u).Enabled = new(true) }, true},
				{func(u *update) { of(u).Enabled = new(false) }, false},
			}},
			field[update]{name + ".channel_limit", []way[update]{
				{func(u *update) { of(u).ChannelLimit = new(0) }, 0.0},
				{func(u *update) { of(u).ChannelLimit = new(100) }, 100.0},
			}},
			field[update]{name + ".whitelisted_destinations", []way[update]{
				{func(u *update) { of(u).WhitelistedDestinations = []string{} }, []any{}},
				{func(u *update) { of(u).WhitelistedDestinations = []string{"US", "IT"} }, []any{"US", "IT"}},
			}},
		)
	}
	check := newChecker(t, jsonStub(http.StatusOK, numberBody))
	client := newClient(t, check)
	n := 0
	for req, want := range combinations(fields) {
		n++
		_, err := client.Numbers.UpdateChannelSettings(t.Context(), uuid, req)
		if len(want) == 0 {
			require.ErrorIs(t, err, mihu.ErrInvalid)
			require.Empty(t, check.take(), "an update without changes is not sent")
			continue
		}
		require.NoError(t, err)
		requireSent(t, check, "updateChannelSettings", map[string]any{"channel_settings": want})
	}
	assert.Equal(t, 2*2*3*3*3*3*3*3, n, "combinations")
}

// The client and the contract have the same rule for each field for which both have one.
func TestClientValidatesTheInventoryLikeTheContract(t *testing.T) {
	t.Parallel()
	counts := []int{-1 << 62, -1, 1, 2, 199, 200, 201, 65535, 1 << 62}
	for _, l := range []struct {
		path string
		list func(*mihu.ListOptions) call
	}{
		{"/agents", listAgents},
		{"/phone-numbers", listNumbers},
		{"/phone-numbers/rates", func(o *mihu.ListOptions) call { return rates(&mihu.RateOptions{Page: o.Page, PerPage: o.PerPage}) }},
	} {
		agree(t, "page of "+l.path, counts, func(n int) (call, wire) {
			return l.list(&mihu.ListOptions{Page: n}), wire{http.MethodGet, fmt.Sprint(l.path, "?page=", n), nil}
		})
		agree(t, "page size of "+l.path, counts, func(n int) (call, wire) {
			return l.list(&mihu.ListOptions{PerPage: n}), wire{http.MethodGet, fmt.Sprint(l.path, "?per_page=", n), nil}
		})
	}
	update := &mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{Enabled: new(true)}}
	body := map[string]any{"channel_settings": map[string]any{"voice": map[string]any{"enabled": true}}}
	for _, id := range []string{"", uuid, grace, uuid + "0", uuid[1:], "{" + uuid + "}", "x", number, ".."} {
		w := wire{http.MethodPatch, "/phone-numbers/" + url.PathEscape(id), body}
		byContract := w.judge(t)
		check := newChecker(t, jsonStub(http.StatusOK, fmt.Sprintf(`{"success":true,"data":{"phone_number_uuid":%q,"number":"+12345678901"}}`, id)))
		byClient := updateSettings(id, update)(t.Context(), newClient(t, check))
		require.Equal(t, byContract == nil, byClient == nil, "%q: the contract says %v, the client %v", id, byContract, byClient)
		if byContract != nil {
			require.ErrorIs(t, byClient, mihu.ErrInvalid)
			require.Empty(t, check.take(), "what is refused is not sent")
		}
	}
}

// Every response of the fake server is valid, whatever its rules.
func TestFakeResponsesOfTheInventoryAreValid(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]mihutest.Rules{"defaults": {}, "other": {NoPagination: true, AnyAgent: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, mihutest.WithRules(rules))
			_, err := srv.PutAgent(mihu.Agent{
				Name: "Front desk", Status: "active", Description: "d", CompanyName: "c", Role: "r", Language: "en", Timezone: "UTC",
				Raw: json.RawMessage(`{"voice":{"speed":1.5}}`),
			})
			require.NoError(t, err)
			require.NoError(t, srv.AddRates(
				mihu.Rate{CountryCode: "IT", CountryName: "Italy", DestinationPrefix: "39", Price: mihu.Price{Amount: "0.0120", Currency: "EUR"}},
				mihu.Rate{CountryCode: "US", DestinationPrefix: "+1", MinDurationSeconds: 1, BillingIncrementSeconds: 60, Price: mihu.Price{Amount: "1e-2", Currency: "USD"}},
			))
			check, client := checked(t, srv)
			valid := func(call call) {
				t.Helper()
				require.NoError(t, call(t.Context(), client))
				check.valid(t)
			}
			page, err := client.Numbers.List(t.Context(), nil)
			require.NoError(t, err)
			check.valid(t)
			require.Len(t, page.Items, 2)
			for _, item := range page.Items {
				valid(updateSettings(item.PhoneNumberUUID, &mihu.ChannelSettingsUpdate{
					Voice:   &mihu.ChannelSettingUpdate{Enabled: new(false), ChannelLimit: new(0), WhitelistedDestinations: []string{"US", "IT"}},
					SMS:     &mihu.ChannelSettingUpdate{WhitelistedDestinations: []string{}},
					Inbound: &mihu.InboundSettingUpdate{ChannelLimit: new(1)},
				}))
				valid(channels(item.PhoneNumberUUID))
			}
			for _, list := range []func(*mihu.ListOptions) call{listAgents, listNumbers} {
				valid(list(nil))
				valid(list(&mihu.ListOptions{Page: 2, PerPage: 1}))
				valid(list(&mihu.ListOptions{Page: 9}))
			}
			for _, options := range []mihu.RateOptions{{}, {CountryCode: "IT"}, {Prefix: "+3"}, {CountryCode: "FR"}, {Page: 2, PerPage: 1}} {
				valid(rates(&options))
			}
			require.NoError(t, srv.RemoveAgent(grace))
			valid(listAgents(nil))
			valid(listNumbers(nil))
		})
	}
}

// The fake server refuses what the contract refuses of a change of settings, with a valid response.
// It is stricter about null and unknown fields, which the contract leaves open.
func TestFakeValidatesSettingsLikeTheContract(t *testing.T) {
	t.Parallel()
	values := []any{
		absent, nil, 0, 1, -1, 1.5, true, "", "x", "US", []any{}, []any{"US"}, []any{1}, []any{"us"}, map[string]any{}, map[string]any{"0": "US"},
	}
	srv := newServer(t)
	check, client := checked(t, srv)
	page, err := client.Numbers.List(t.Context(), nil)
	require.NoError(t, err)
	check.take()
	path := "/phone-numbers/" + page.Items[0].PhoneNumberUUID
	accepted := map[bool]int{}
	for _, field := range []string{
		"channel_settings", "unknown", "channel_settings.voice", "channel_settings.sms.enabled", "channel_settings.voice.channel_limit",
		"channel_settings.voice.whitelisted_destinations", "channel_settings.inbound.enabled", "channel_settings.inbound.channel_limit",
	} {
		for _, value := range values {
			body := map[string]any{"channel_settings": map[string]any{}}
			put(body, field, value)
			for _, object := range []map[string]any{body, objectAt(body, "channel_settings")} {
				maps.DeleteFunc(object, func(_ string, v any) bool { return v == absent })
				for _, inner := range []string{"voice", "sms", "inbound"} {
					maps.DeleteFunc(objectAt(object, inner), func(_ string, v any) bool { return v == absent })
				}
			}
			text, err := json.Marshal(body)
			require.NoError(t, err)
			send(t, srv, check, http.MethodPatch, path, string(text), nil)
			e := check.one(t)
			require.NoError(t, e.response, "%s", e)
			refused := e.status == http.StatusUnprocessableEntity
			require.True(t, refused || e.status == http.StatusOK, "%s", e)
			require.False(t, e.request != nil && !refused, "the contract says of %s: %v", e, e.request)
			accepted[!refused]++
			if refused {
				requireField(t, e, field)
			}
		}
	}
	assert.Greater(t, accepted[true], 10)
	assert.Greater(t, accepted[false], 50)
}

func objectAt(body map[string]any, name string) map[string]any {
	object, _ := body[name].(map[string]any)
	return object
}

// The client returns the errors that the new requests can cause, with code and status.
func TestErrorsOfTheInventory(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	check, client := checked(t, srv)
	update := &mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{Enabled: new(true)}}
	err := updateSettings(nobody, update)(t.Context(), client)
	require.ErrorIs(t, err, mihu.ErrNotFound)
	check.valid(t)
	srv.SetToken("")
	for _, call := range []call{updateSettings(uuid, update), listAgents(nil), listNumbers(nil), rates(nil)} {
		require.ErrorIs(t, call(t.Context(), client), mihu.ErrUnauthorized)
		check.valid(t)
	}
	for _, path := range []string{"/agents", "/phone-numbers/rates"} {
		send(t, srv, check, http.MethodPost, path, "", nil)
		require.NoError(t, check.one(t).response)
	}
}
