package mihu_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

func TestNumbersList(t *testing.T) {
	t.Parallel()
	client, got := endpoint(t, http.MethodGet, "/phone-numbers", paged(
		`{"number": "+12345678901", "source": "purchased", "billing": {"monthly_fee": 1.50, "currency": "EUR"}}`, `{"number": "+390123", "is_external": true}`,
	))
	page, err := client.Numbers.List(t.Context(), &mihu.ListOptions{Page: 1, PerPage: 200})
	require.NoError(t, err)
	assert.Equal(t, "page=1&per_page=200", got.Query)
	require.Len(t, page.Items, 2)
	assert.Equal(t, mihu.Decimal("1.50"), page.Items[0].Billing.MonthlyFee)
	assert.False(t, page.Items[0].External())
	assert.True(t, page.Items[1].External())
	_, err = client.Numbers.List(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, got.Query)

	var numbers []string
	for n, err := range client.Numbers.All(t.Context(), &mihu.AllOptions{PerPage: 50}) {
		require.NoError(t, err)
		numbers = append(numbers, n.Number)
	}
	assert.Equal(t, []string{number, "+390123"}, numbers)
	assert.Equal(t, "page=1&per_page=50", got.Query)

	_, err = mustNotSend(t).Numbers.List(t.Context(), &mihu.ListOptions{Page: -1})
	requireViolations(t, err, mihu.OpNumbersList, "page")
	for _, err := range mustNotSend(t).Numbers.All(t.Context(), &mihu.AllOptions{PerPage: 201}) {
		requireViolations(t, err, mihu.OpNumbersAll, "per_page")
	}
}

// What cannot be read of an item is zero and named; the item and the page are kept.
func TestNumbersWithUnreadableFields(t *testing.T) {
	t.Parallel()
	client, _ := endpoint(t, http.MethodGet, "/phone-numbers", paged(
		`{"number": "+390123", "is_external": true, "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "billing": false, "capabilities": ["voice"], "channel_settings": {"voice": {"enabled": 1, "whitelisted_destinations": {"0": "US", "2": "IT"}}}}`,
		`{"number": "+390124", "is_external": true, "bindings": {"call": {"bound": false}, "whatsapp": {"bound": false}}, "billing": {"monthly_fee": "1,234.50"}}`,
	))
	page, err := client.Numbers.List(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	first := page.Items[0]
	assert.Equal(t, []string{"billing", "capabilities"}, first.Unreadable)
	assert.Nil(t, first.Billing)
	assert.Equal(t, mihu.ChannelSetting{Enabled: true, WhitelistedDestinations: []string{"US", "IT"}}, first.ChannelSettings.Voice)
	assert.Equal(t, []string{"billing.monthly_fee"}, page.Items[1].Unreadable)
	assert.Equal(t, mihu.Decimal(""), page.Items[1].Billing.MonthlyFee)
}

const updatedJSON = `{"success": true, "data": {"phone_number_uuid": "9BCB8F00-C0C5-4EE1-9B75-AD1E87A2BD8B", "number": "+12345678901", "country_code": "US",
	"channel_settings": {"voice": {"enabled": true, "channel_limit": 10, "whitelisted_destinations": ["US", "IT"]}, "inbound": {"enabled": false}}}}`

func TestUpdateChannelSettingsSends(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		update mihu.ChannelSettingsUpdate
		body   string
	}{
		"a limit": {mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{ChannelLimit: new(10)}}, `{"voice": {"channel_limit": 10}}`},
		"false":   {mihu.ChannelSettingsUpdate{Inbound: &mihu.InboundSettingUpdate{Enabled: new(false)}}, `{"inbound": {"enabled": false}}`},
		"destinations in another order": {
			mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{WhitelistedDestinations: []string{"IT", "US"}}}, `{"voice": {"whitelisted_destinations": ["IT", "US"]}}`,
		},
		"what the response does not show": {
			mihu.ChannelSettingsUpdate{SMS: &mihu.ChannelSettingUpdate{Enabled: new(true), ChannelLimit: new(0), WhitelistedDestinations: []string{}}},
			`{"sms": {"enabled": true, "channel_limit": 0, "whitelisted_destinations": []}}`,
		},
		"no empty structs": {
			mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{Enabled: new(true)}, SMS: &mihu.ChannelSettingUpdate{}, Inbound: &mihu.InboundSettingUpdate{}},
			`{"voice": {"enabled": true}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodPatch, "/phone-numbers/"+numberUUID, updatedJSON)
			number, err := client.Numbers.UpdateChannelSettings(t.Context(), numberUUID, &c.update)
			require.NoError(t, err)
			assert.JSONEq(t, `{"channel_settings": `+c.body+`}`, got.Body)
			assert.Equal(t, "US", number.CountryCode)
			assert.Equal(t, mihu.ChannelSetting{Enabled: true, ChannelLimit: new(10), WhitelistedDestinations: []string{"US", "IT"}}, number.ChannelSettings.Voice)
		})
	}
}

func TestUpdateChannelSettingsRefuses(t *testing.T) {
	t.Parallel()
	voice := func(u mihu.ChannelSettingUpdate) *mihu.ChannelSettingsUpdate {
		return &mihu.ChannelSettingsUpdate{Voice: &u}
	}
	for name, c := range map[string]struct {
		uuid   string
		update *mihu.ChannelSettingsUpdate
		fields []string
	}{
		"nothing":              {numberUUID, &mihu.ChannelSettingsUpdate{}, []string{"request"}},
		"empty structs":        {numberUUID, &mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{}, Inbound: &mihu.InboundSettingUpdate{}}, []string{"request"}},
		"nil":                  {numberUUID, nil, []string{"request"}},
		"a number for a UUID":  {number, voice(mihu.ChannelSettingUpdate{Enabled: new(true)}), []string{"phone_number_uuid"}},
		"a negative limit":     {numberUUID, voice(mihu.ChannelSettingUpdate{ChannelLimit: new(-1)}), []string{"voice.channel_limit"}},
		"countries":            {numberUUID, voice(mihu.ChannelSettingUpdate{WhitelistedDestinations: []string{"US", "us", "USA", "", "1T"}}), []string{"voice.whitelisted_destinations[1]", "voice.whitelisted_destinations[2]", "voice.whitelisted_destinations[3]", "voice.whitelisted_destinations[4]"}},
		"everything at once":   {"", &mihu.ChannelSettingsUpdate{SMS: &mihu.ChannelSettingUpdate{ChannelLimit: new(-5)}, Inbound: &mihu.InboundSettingUpdate{ChannelLimit: new(-6)}}, []string{"phone_number_uuid", "sms.channel_limit", "inbound.channel_limit"}},
		"an empty destination": {numberUUID, voice(mihu.ChannelSettingUpdate{WhitelistedDestinations: []string{""}}), []string{"voice.whitelisted_destinations[0]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mustNotSend(t).Numbers.UpdateChannelSettings(t.Context(), c.uuid, c.update)
			requireViolations(t, err, mihu.OpNumbersUpdateChannelSettings, c.fields...)
			assert.NotContains(t, err.Error(), number)
			if c.uuid == numberUUID {
				requireViolations(t, c.update.Validate(), mihu.OpValidate, c.fields...)
			}
		})
	}
	require.NoError(t, voice(mihu.ChannelSettingUpdate{WhitelistedDestinations: []string{}}).Validate())
}

// settingsJSON is a snapshot with these channels.
func settingsJSON(uuid, channels string) string {
	return `{"success": true, "data": {"phone_number_uuid": ` + uuid + `, "number": "+12345678901", "is_external": true, "channels": ` + channels + `}}`
}

// A response that does not prove the change is no success: the number is read until it shows the
// change.
func TestUpdateChannelSettingsNeedsEvidence(t *testing.T) {
	t.Parallel()
	const (
		quoted  = `"` + numberUUID + `"`
		shows   = `{"call": {"enabled": true, "channel_limit": "10", "whitelisted_destinations": ["IT", "US"], "bound": true, "agent_uuid": "` + agentUUID + `"}}`
		acked   = `{"success": true}`
		oneStep = 1
	)
	item := func(uuid, settings string) string {
		return `{"success": true, "data": {"phone_number_uuid": ` + uuid + `, "number": "+12345678901", "channel_settings": ` + settings + `}}`
	}
	for name, c := range map[string]struct {
		response, read string // the last read
		proven         bool
		requests       int // 0 for more than 2
		text           string
	}{
		"whole":                      {item(quoted, `{"voice": {"enabled": true, "channel_limit": 10, "whitelisted_destinations": ["US", "IT"]}}`), "", true, oneStep, ""},
		"wrapped":                    {`{"data": ` + item(quoted, `{}`) + `}`, "", true, oneStep, ""},
		"without settings":           {item(quoted, `null`), "", true, oneStep, ""},
		"acknowledged, then shown":   {acked, settingsJSON(quoted, shows), true, 2, ""},
		"acknowledged, UUID omitted": {acked, settingsJSON("null", shows), true, 2, ""},
		"acknowledged, not shown":    {acked, settingsJSON(quoted, `{"call": {"enabled": true}}`), false, 0, "it does not show voice.channel_limit"},
		"acknowledged, other value":  {acked, settingsJSON(quoted, strings.Replace(shows, "10", "5", 1)), false, 0, "it shows voice.channel_limit 5, and not 10"},
		"acknowledged, other number": {acked, settingsJSON(`"`+otherUUID+`"`, shows), false, 0, "another number, with UUID " + otherUUID},
		"another number":             {item(`"`+otherUUID+`"`, `{}`), settingsJSON(quoted, `{}`), false, 0, "it is about another number, with UUID " + otherUUID},
		"another number, then shown": {item(`"`+otherUUID+`"`, `{}`), settingsJSON(quoted, shows), true, 2, ""},
		"no UUID":                    {item(`null`, `{}`), settingsJSON(quoted, `{}`), false, 0, "it does not say which number it is about"},
		"another value":              {item(quoted, `{"voice": {"channel_limit": 5}}`), settingsJSON(quoted, `{}`), false, 0, "it shows voice.channel_limit 5, and not 10"},
		"fewer destinations":         {item(quoted, `{"voice": {"whitelisted_destinations": ["US"]}}`), settingsJSON(quoted, `{}`), false, 0, "it shows voice.whitelisted_destinations [US], and not [US IT]"},
		"another value, then shown":  {item(quoted, `{"voice": {"enabled": 0}}`), settingsJSON(quoted, shows), true, 2, ""},
		"a page":                     {`<html>`, settingsJSON(quoted, shows), true, 2, ""},
		"no number":                  {strings.Replace(item(quoted, `{}`), number, "", 1), settingsJSON(quoted, `{}`), false, 0, "it has no number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, respondWith(http.StatusOK, c.response), respondWith(http.StatusOK, c.read))
				client := newClient(t, wire)
				var last mihu.Response
				update := &mihu.ChannelSettingsUpdate{Voice: &mihu.ChannelSettingUpdate{
					Enabled: new(true), ChannelLimit: new(10), WhitelistedDestinations: []string{"US", "IT"},
				}}
				got, err := client.Numbers.UpdateChannelSettings(t.Context(), numberUUID, update, mihu.WithResponse(&last))
				sent := wire.Sent()
				assert.Len(t, sent, last.Attempts)
				assert.Equal(t, len(sent) > 1, last.Reconciled)
				for _, read := range sent[1:] {
					assert.Equal(t, "GET /phone-numbers/"+numberUUID+"/channels", read.Method+" "+read.Path)
				}
				if !c.proven {
					assert.Nil(t, got)
					require.ErrorContains(t, requireUnknownOutcome(t, err), c.text)
					assert.Greater(t, len(sent), 2, "the number is read for as long as reads may lag")
					return
				}
				require.NoError(t, err)
				assert.Len(t, sent, c.requests)
				assert.True(t, strings.EqualFold(numberUUID, got.PhoneNumberUUID))
				assert.Equal(t, number, got.Number)
				if len(sent) == 2 {
					assert.Equal(t, mihu.ChannelSetting{Enabled: true, ChannelLimit: new(10), WhitelistedDestinations: []string{"IT", "US"}}, got.ChannelSettings.Voice)
					assert.Equal(t, agentUUID, got.Binding(mihu.ChannelCall).AgentUUID)
					assert.True(t, got.External())
				}
			})
		})
	}
}

// A refusal is one, and a lost response leaves the outcome unknown.
func TestUpdateChannelSettingsFails(t *testing.T) {
	t.Parallel()
	update := &mihu.ChannelSettingsUpdate{SMS: &mihu.ChannelSettingUpdate{Enabled: new(false)}}
	for name, c := range map[string]struct {
		step     step
		is       []error
		attempts int
	}{
		"not found":    {apiError(http.StatusNotFound), []error{mihu.ErrNotFound}, 1},
		"refused":      {apiError(http.StatusUnprocessableEntity), []error{mihu.ErrInvalid}, 1},
		"not success":  {respondWith(http.StatusOK, `{"success": false, "message": "No"}`), nil, 1},
		"lost":         {lost(), []error{mihu.ErrOutcomeUnknown}, 4},
		"server error": {apiError(http.StatusInternalServerError), []error{mihu.ErrOutcomeUnknown, mihu.ErrServer}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := newWire(t, c.step)
				_, err := newClient(t, wire).Numbers.UpdateChannelSettings(t.Context(), numberUUID, update)
				require.Error(t, err)
				assertMatches(t, err, c.is...)
				assert.Equal(t, c.attempts, wire.Attempts())
			})
		})
	}
}

func TestChannelSettingsUpdatePrints(t *testing.T) {
	t.Parallel()
	u := mihu.ChannelSettingsUpdate{
		Voice:   &mihu.ChannelSettingUpdate{Enabled: new(false), WhitelistedDestinations: []string{"IT"}},
		Inbound: &mihu.InboundSettingUpdate{ChannelLimit: new(3)},
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, `ChannelSettingsUpdate{voice.enabled:"false" voice.whitelisted_destinations:"[IT]" inbound.channel_limit:"3"}`, fmt.Sprintf(format, u))
	}
}

// The fake server and the client agree, also if reads lag and if the response is an acknowledgment.
func TestChannelSettingsOfTheFakeServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules mihutest.Rules
		fault mihutest.Fault
	}{
		"documented":               {mihutest.Rules{}, mihutest.Fault{Delay: time.Millisecond}},
		"acknowledged":             {mihutest.Rules{}, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, SuccessShape: &mihutest.SuccessShape{OmitData: true}}},
		"acknowledged, reads lag":  {mihutest.Rules{ReadLag: time.Second}, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, SuccessShape: &mihutest.SuccessShape{OmitData: true}}},
		"another number":           {mihutest.Rules{}, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Contradict: mihutest.OtherNumber}},
		"lost":                     {mihutest.Rules{}, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Drop: true, AfterChange: true}},
		"cut short":                {mihutest.Rules{}, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Truncate: true}},
		"wrapped, byte order mark": {mihutest.Rules{SuccessShape: mihutest.SuccessShape{Wrapped: true, ByteOrderMark: true, OmitSuccess: true}}, mihutest.Fault{Delay: time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport(), mihutest.WithRules(c.rules))
				uuid, err := srv.AddPurchasedNumber(number)
				require.NoError(t, err)
				time.Sleep(2 * time.Second)
				require.NoError(t, srv.Inject(c.fault))
				got, err := srv.Client(t).Numbers.UpdateChannelSettings(t.Context(), uuid, &mihu.ChannelSettingsUpdate{
					SMS: &mihu.ChannelSettingUpdate{Enabled: new(false), ChannelLimit: new(0), WhitelistedDestinations: []string{"IT", "FR"}},
				})
				require.NoError(t, err)
				stored, _ := srv.ChannelSettings(number)
				assert.Equal(t, mihu.ChannelSetting{ChannelLimit: new(0), WhitelistedDestinations: []string{"IT", "FR"}}, stored.SMS)
				assert.Equal(t, stored, got.ChannelSettings)
				assert.Equal(t, mihu.SourcePurchased, got.Source)
			})
		})
	}
}

// A call that ends during the reads returns in time, with an unknown outcome.
func TestUpdateChannelSettingsObeysTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wire := newWire(t, respondWith(http.StatusOK, `{"success": true}`), hangs())
		_, err := newClient(t, wire).Numbers.UpdateChannelSettings(ctx, numberUUID, &mihu.ChannelSettingsUpdate{SMS: &mihu.ChannelSettingUpdate{Enabled: new(false)}})
		requireUnknownOutcome(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
