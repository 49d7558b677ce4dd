package mihutest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const onePage = `,"pagination":{"current_page":1,"per_page":50,"total":1,"last_page":1,"from":1,"to":1,"has_more":false}}}`

func TestAgentsAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.RemoveAgent(ada))
	require.NoError(t, w.RemoveAgent(bob))
	uuid, err := w.PutAgent(mihu.Agent{
		UUID: "3C90C3CC-0D44-4B50-8888-8DD25736052A", Name: "Front desk", Status: "active", Description: "d", CompanyName: "c", Role: "r", Language: "en", Timezone: "UTC",
		Raw: json.RawMessage(`{"voice": {"speed": 1.5}, "name": "ignored"}`),
	})
	require.NoError(t, err)
	assert.Equal(t, ada, uuid)
	assert.JSONEq(t, `{"success":true,"data":{"items":[{"agent_uuid":"`+ada+`","name":"Front desk","status":"active","description":"d","company_name":"c","role":"r",
		"language":"en","timezone":"UTC","voice":{"speed":1.5}}]`+onePage, w.must(http.StatusOK, "GET", "/agents", ""))

	require.NoError(t, w.AddAgentWithUUID(ada, "Reception"))
	got := w.must(http.StatusOK, "GET", "/agents", "")
	assert.Contains(t, got, `"name":"Reception"`)
	assert.Contains(t, got, `"speed":1.5`, "renaming keeps the other fields")

	_, err = w.PutAgent(mihu.Agent{UUID: ada, Name: "Desk"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"success":true,"data":{"items":[{"agent_uuid":"`+ada+`","name":"Desk","status":null,"description":null,"company_name":null,"role":null,
		"language":null,"timezone":null}]`+onePage, w.must(http.StatusOK, "GET", "/agents", ""))

	w.AddAgent("Desk")
	w.AddAgent("Desk")
	got = w.must(http.StatusOK, "GET", "/agents?page=2&per_page=2", "")
	assert.Contains(t, got, `"pagination":{"current_page":2,"per_page":2,"total":3,"last_page":2,"from":3,"to":3,"has_more":false}`)
	assert.Contains(t, w.must(http.StatusOK, "GET", "/agents?page=9", ""), `"items":[]`)
	w.refuses(422, "VALIDATION_ERROR", "per_page", "GET", "/agents?per_page=201", "")
	w.refuses(422, "VALIDATION_ERROR", "name", "GET", "/agents?name=Desk", "")
	w.refuses(422, "VALIDATION_ERROR", "country_code", "GET", "/agents?country_code=IT", "")
}

func TestInvalidAgents(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	for _, a := range []mihu.Agent{{UUID: "x", Name: "a"}, {}, {Name: "a", Raw: json.RawMessage(`[]`)}, {Name: "a", Raw: json.RawMessage(`{`)}} {
		_, err := srv.PutAgent(a)
		require.ErrorContains(t, err, "mihutest: PutAgent: ")
	}
	require.ErrorContains(t, srv.RemoveAgent(ada), "there is no such agent")
}

func TestRemovingAnAgentRemovesItsTrunks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	w.create(n1, "whatsapp", bob)
	w.create(n2, "call", bob)
	_, err := w.AddPurchasedNumber("+390123456789")
	require.NoError(t, err)
	require.NoError(t, w.BindPurchased("+390123456789", mihu.ChannelSMS, bob))

	require.NoError(t, w.RemoveAgent(bob))
	trunks := w.Trunks()
	require.Len(t, trunks, 1)
	assert.Equal(t, mihu.TrunkID{PhoneNumber: n1, Channel: mihu.ChannelCall}, trunks[0].ID)
	all := w.must(http.StatusOK, "GET", "/phone-numbers", "")
	assert.NotContains(t, all, bob)
	assert.NotContains(t, all, n2, "a number is removed with its last trunk")
	assert.Contains(t, all, "+390123456789", "a purchased number stays")
	assert.NotContains(t, w.must(http.StatusOK, "GET", "/agents", ""), bob)
	w.refuses(422, "AGENT_NOT_FOUND", "agent_uuid", "POST", trunk, `{"phone_number":"`+n2+`","channel":"call","agent_uuid":"`+bob+`"}`)

	require.NoError(t, w.AddAgentWithUUID(bob, "Bob again"))
	w.create(n2, "call", bob)
}

func TestChannelSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	uuid := w.held(n1, "call").PhoneNumberUUID
	path := "/phone-numbers/" + uuid
	settings := func() mihu.ChannelSettings {
		s, ok := w.ChannelSettings(n1)
		require.True(t, ok)
		return s
	}
	on := mihu.ChannelSetting{Enabled: true, WhitelistedDestinations: []string{}}
	off := mihu.ChannelSetting{WhitelistedDestinations: []string{}}
	assert.Equal(t, mihu.ChannelSettings{Voice: on, SMS: off, Inbound: mihu.InboundChannel{Enabled: true}}, settings())

	got := w.must(http.StatusOK, "PATCH", path, `{"channel_settings":{"voice":{"channel_limit":0,"whitelisted_destinations":["US","IT"]},"inbound":{"enabled":false}}}`)
	assert.Contains(t, got, `"phone_number_uuid":"`+uuid+`"`)
	assert.Contains(t, got, `"channel_settings":{"voice":{"enabled":true,"channel_limit":0,"whitelisted_destinations":["US","IT"]},"sms":{"enabled":false,"channel_limit":null,`+
		`"whitelisted_destinations":[]},"inbound":{"enabled":false,"channel_limit":null}}`)
	changed := mihu.ChannelSettings{
		Voice: mihu.ChannelSetting{Enabled: true, ChannelLimit: new(0), WhitelistedDestinations: []string{"US", "IT"}}, SMS: off,
	}
	assert.Equal(t, changed, settings())
	assert.Contains(t, w.must(http.StatusOK, "GET", path+"/channels", ""), `"channel_limit":0,"whitelisted_destinations":["US","IT"]`)

	w.must(http.StatusOK, "PATCH", path, `{"channel_settings":{"voice":{"whitelisted_destinations":[]}}}`)
	changed.Voice.WhitelistedDestinations = []string{}
	assert.Equal(t, changed, settings())
	for _, same := range []string{`{}`, `{"voice":{}}`, `{"voice":{"channel_limit":0}}`} {
		w.must(http.StatusOK, "PATCH", path, `{"channel_settings":`+same+`}`)
		requests := w.Requests()
		assert.False(t, requests[len(requests)-1].Changed, same)
	}
	_, ok := w.ChannelSettings("+19")
	assert.False(t, ok)

	for body, field := range map[string]string{
		`{}`:                                                                        "channel_settings",
		`{"channel_settings":[]}`:                                                   "channel_settings",
		`{"channel_settings":null}`:                                                 "channel_settings",
		`{"channel_settings":{},"name":"a"}`:                                        "name",
		`{"channel_settings":{"call":{}}}`:                                          "channel_settings.call",
		`{"channel_settings":{"voice":null}}`:                                       "channel_settings.voice",
		`{"channel_settings":{"voice":{"limit":1}}}`:                                "channel_settings.voice.limit",
		`{"channel_settings":{"voice":{"enabled":1}}}`:                              "channel_settings.voice.enabled",
		`{"channel_settings":{"sms":{"enabled":null}}}`:                             "channel_settings.sms.enabled",
		`{"channel_settings":{"sms":{"channel_limit":null}}}`:                       "channel_settings.sms.channel_limit",
		`{"channel_settings":{"sms":{"channel_limit":-1}}}`:                         "channel_settings.sms.channel_limit",
		`{"channel_settings":{"sms":{"channel_limit":1.5}}}`:                        "channel_settings.sms.channel_limit",
		`{"channel_settings":{"sms":{"channel_limit":"1"}}}`:                        "channel_settings.sms.channel_limit",
		`{"channel_settings":{"sms":{"whitelisted_destinations":null}}}`:            "channel_settings.sms.whitelisted_destinations",
		`{"channel_settings":{"sms":{"whitelisted_destinations":["us"]}}}`:          "channel_settings.sms.whitelisted_destinations",
		`{"channel_settings":{"sms":{"whitelisted_destinations":["USA"]}}}`:         "channel_settings.sms.whitelisted_destinations",
		`{"channel_settings":{"inbound":{"whitelisted_destinations":["US"]}}}`:      "channel_settings.inbound.whitelisted_destinations",
		`{"channel_settings":{"voice":{"whitelisted_destinations":{"0":"US"}}}}`:    "channel_settings.voice.whitelisted_destinations",
		`{"channel_settings":{"voice":{"whitelisted_destinations":["US",null]}}}`:   "channel_settings.voice.whitelisted_destinations",
		`{"channel_settings":{"voice":{"channel_limit":1,"whitelisted":["US"]}}}`:   "channel_settings.voice.whitelisted",
		`{"channel_settings":{"inbound":{"enabled":"true","channel_limit":false}}}`: "channel_settings.inbound.enabled",
	} {
		w.refuses(422, "VALIDATION_ERROR", field, "PATCH", path, body)
	}
	assert.Equal(t, changed, settings(), "what is refused changes nothing")
	w.refuses(404, "PHONE_NUMBER_NOT_FOUND", "", "PATCH", "/phone-numbers/"+bob, `{"channel_settings":{}}`)
	w.refuses(404, "ROUTE_NOT_FOUND", "", "PATCH", "/phone-numbers/x", `{"channel_settings":{}}`)
	w.refuses(401, "INVALID_AUTH_TOKEN", "", "PATCH", path, `{"channel_settings":{}}`, "Authorization", "Bearer x")
}

func TestSettingsOfAnotherNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	uuid := w.held(n1, "call").PhoneNumberUUID
	require.NoError(t, w.Inject(mihutest.Fault{Contradict: mihutest.OtherNumber}))
	got := w.must(http.StatusOK, "PATCH", "/phone-numbers/"+uuid, `{"channel_settings":{"voice":{"channel_limit":3}}}`)
	assert.NotContains(t, got, uuid)
	assert.NotContains(t, got, n1)
	settings, _ := w.ChannelSettings(n1)
	assert.Equal(t, new(3), settings.Voice.ChannelLimit, "the change is made")
}

func TestRates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rate := func(country, prefix string, amount mihu.Decimal) mihu.Rate {
		return mihu.Rate{
			CountryCode: country, CountryName: "A country", DestinationPrefix: prefix, Origination: "any", Description: "d", MinDurationSeconds: 1,
			BillingIncrementSeconds: 60, Price: mihu.Price{Amount: amount, Currency: "EUR"},
		}
	}
	italy := rate("IT", "39", "0.0120")
	require.NoError(t, w.AddRates(italy, italy, rate("IT", "+393", "1e-2"), rate("US", "1", "2")))
	assert.JSONEq(t, `{"success":true,"data":{"items":[{"country_code":"US","country_name":"A country","destination_prefix":"1","origination":"any","description":"d",
		"min_duration_seconds":1,"billing_increment_seconds":60,"price":{"amount":2,"currency":"EUR"}}]`+onePage,
		w.must(http.StatusOK, "GET", "/phone-numbers/rates?country_code=US", ""))
	for query, total := range map[string]string{
		"": "4", "?country_code=IT": "3", "?country_code=FR": "0", "?prefix=39": "3", "?prefix=%2B393": "1", "?prefix=2": "0", "?country_code=US&prefix=39": "0",
	} {
		assert.Contains(t, w.must(http.StatusOK, "GET", "/phone-numbers/rates"+query, ""), `"total":`+total+`,`, query)
	}
	assert.Contains(t, w.must(http.StatusOK, "GET", "/phone-numbers/rates", ""), `"amount":0.0120`, "the digits are kept")
	for query, field := range map[string]string{
		"country_code=it": "country_code", "country_code=": "country_code", "prefix=a": "prefix", "prefix=": "prefix", "prefix=+39": "prefix",
		"per_page=0": "per_page", "currency=EUR": "currency", "prefix=1&prefix=2": "prefix",
	} {
		w.refuses(422, "VALIDATION_ERROR", field, "GET", "/phone-numbers/rates?"+query, "")
	}
	for _, bad := range []mihu.Rate{rate("it", "39", "1"), rate("IT", "3x", "1"), rate("IT", "39", "1,5"), rate("IT", "39", "")} {
		require.ErrorContains(t, w.AddRates(italy, bad), "mihutest: AddRates: rate 1: ")
	}
	assert.Contains(t, w.must(http.StatusOK, "GET", "/phone-numbers/rates", ""), `"total":4,`, "all rates are added, or none")
}

// The rules of lists apply to agents and rates too.
func TestShapesOfAgentsAndRates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules mihutest.Rules
		want  string
	}{
		"all at once": {mihutest.Rules{NoPagination: true}, `"data":{"items":[{`},
		"array":       {mihutest.Rules{SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingArray}}, `"data":[{`},
		"framework":   {mihutest.Rules{SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingFramework}}, `"data":{"current_page":1,"data":[{`},
		"other key":   {mihutest.Rules{SuccessShape: mihutest.SuccessShape{ItemsKey: "rows"}}, `"data":{"rows":[{`},
		"wrapped":     {mihutest.Rules{SuccessShape: mihutest.SuccessShape{Wrapped: true}}, `"data":{"data":{"items":[{`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mihutest.WithRules(c.rules))
			require.NoError(t, w.AddRates(mihu.Rate{CountryCode: "IT", DestinationPrefix: "39", Price: mihu.Price{Amount: "1", Currency: "EUR"}}))
			assert.Contains(t, w.must(http.StatusOK, "GET", "/agents", ""), c.want)
			assert.Contains(t, w.must(http.StatusOK, "GET", "/phone-numbers/rates", ""), c.want)
		})
	}
}

// Reads return earlier settings for as long as they lag; the response to the change does not.
func TestSettingsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mihutest.WithInMemoryTransport(), mihutest.WithRules(mihutest.Rules{ReadLag: time.Second}))
		uuid, err := w.AddPurchasedNumber(own)
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		path := "/phone-numbers/" + uuid
		assert.Contains(t, w.must(http.StatusOK, "PATCH", path, `{"channel_settings":{"voice":{"channel_limit":3}}}`), `"channel_limit":3`)
		for _, read := range []string{path + "/channels", "/phone-numbers/channels?number=%2B" + own[1:], "/phone-numbers"} {
			assert.NotContains(t, w.must(http.StatusOK, "GET", read, ""), `"channel_limit":3`, read)
		}
		time.Sleep(time.Second)
		for _, read := range []string{path + "/channels", "/phone-numbers/channels?number=%2B" + own[1:], "/phone-numbers"} {
			assert.Contains(t, w.must(http.StatusOK, "GET", read, ""), `"channel_limit":3`, read)
		}
	})
}
