package mihutest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	unbound     = `{"bound":false,"agent_uuid":null,"agent_name":null}`
	boundToAda  = `{"bound":true,"agent_uuid":"` + ada + `","agent_name":"Ada"}`
	smsUnbound  = `{"capable":false,"enabled":false,"channel_limit":null,"whitelisted_destinations":[],"bound":false,"agent_uuid":null,"agent_name":null}`
	callUnbound = `{"capable":true,"enabled":true,"channel_limit":null,"whitelisted_destinations":[],"bound":false,"agent_uuid":null,"agent_name":null}`
	callAda     = `{"capable":true,"enabled":true,"channel_limit":null,"whitelisted_destinations":[],"bound":true,"agent_uuid":"` + ada + `","agent_name":"Ada"}`
)

// snapshot returns the contract's example of a snapshot with the values of this server.
func snapshot(message, uuid, call, whatsapp string) string {
	if message != "" {
		message = `"message":"` + message + `",`
	}
	return `{"success":true,` + message + `"data":{"phone_number_uuid":"` + uuid + `","number":"+12345678901","is_external":true,"source":"external",` +
		`"channels":{"call":` + call + `,"sms":` + smsUnbound + `,"whatsapp":` + whatsapp + `,"inbound":{"enabled":true,"channel_limit":null}}}}`
}

func TestLifeOfATrunk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	// The request is the example of the contract.
	resp := w.must(http.StatusCreated, "POST", trunk, `{"phone_number": "+12345678901", "agent_uuid": "`+ada+`", "channel": "call", "name": "Front desk", "direction": "inbound",
		"sip": {"gateway": "sip.example.com", "port": 5060, "username": "alice", "password": "s3cret", "secondary_gateway": "sip2.example.com"},
		"additional_settings": {"ani_format": "e164", "deep": {"n": [1, null]}}}`)
	held := w.held(n1, "call")
	assert.Equal(t, mihutest.Trunk{
		ID:                 mihu.TrunkID{PhoneNumber: n1, Channel: mihu.ChannelCall},
		AgentUUID:          ada,
		Name:               "Front desk",
		Direction:          mihu.DirectionInbound,
		SIP:                mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "alice", Password: "s3cret", SecondaryGateway: "sip2.example.com"},
		AdditionalSettings: map[string]any{"ani_format": "e164", "deep": map[string]any{"n": []any{1.0, nil}}},
		PhoneNumberUUID:    held.PhoneNumberUUID,
	}, held)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, held.PhoneNumberUUID)
	uuid := held.PhoneNumberUUID
	assert.Equal(t, snapshot("Trunk created", uuid, callAda, unbound), resp)

	// The other channel of the number shares its UUID.
	resp = w.create(n1, "whatsapp", ada)
	assert.Equal(t, snapshot("Trunk created", uuid, callAda, boundToAda), resp)
	assert.Equal(t, "whatsapp_trunk_12345678901", w.held(n1, "whatsapp").Name)

	// Both ways to look up a number.
	want := snapshot("", uuid, callAda, boundToAda)
	assert.Equal(t, want, w.must(http.StatusOK, "GET", "/phone-numbers/channels?number=%2B12345678901", ""))
	assert.Equal(t, want, w.must(http.StatusOK, "GET", "/phone-numbers/"+uuid+"/channels", ""))
	assert.Equal(t, want, w.must(http.StatusOK, "GET", "/phone-numbers/"+strings.ToUpper(uuid)+"/channels", ""))

	// Assign keeps the other fields of the trunk.
	resp = w.must(http.StatusOK, "PUT", trunk+"/assign", `{"phone_number":"+12345678901","channel":"call","agent_uuid":"`+bob+`"}`)
	callBob := strings.NewReplacer(ada, bob, "Ada", "Bob").Replace(callAda)
	assert.Equal(t, snapshot("Trunk assigned", uuid, callBob, boundToAda), resp)
	held.AgentUUID = bob
	assert.Equal(t, held, w.held(n1, "call"))

	// Removing the last trunk removes the number.
	assert.JSONEq(t, `{"success":true,"message":"Trunk deleted"}`, w.must(http.StatusOK, "DELETE", trunk+"?phone_number=%2B12345678901&channel=call", ""))
	exactly(t, snapshot("", uuid, callUnbound, boundToAda), w.must(http.StatusOK, "GET", "/phone-numbers/"+uuid+"/channels", ""))
	w.must(http.StatusOK, "DELETE", trunk+"?phone_number=12345678901&channel=whatsapp", "")
	w.refuses(http.StatusNotFound, "TRUNK_NOT_FOUND", "", "DELETE", trunk+"?phone_number=12345678901&channel=whatsapp", "")
	w.refuses(http.StatusNotFound, "PHONE_NUMBER_NOT_FOUND", "", "GET", "/phone-numbers/"+uuid+"/channels", "")
	w.refuses(http.StatusNotFound, "PHONE_NUMBER_NOT_FOUND", "", "GET", "/phone-numbers/channels?number=%2B12345678901", "")
	assert.Empty(t, w.Trunks())

	// The agents are free again. A number that is registered again has a new UUID.
	w.create(n2, "call", bob)
	w.create(n1, "call", ada)
	assert.NotEqual(t, uuid, w.held(n1, "call").PhoneNumberUUID)
}

func TestCreateDefaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", strings.ToUpper(ada))
	held := w.held(n1, "call")
	assert.Equal(t, "call_trunk_12345678901", held.Name)
	assert.Equal(t, mihu.DirectionBoth, held.Direction)
	assert.Equal(t, ada, held.AgentUUID)
	assert.Zero(t, held.SIP)
	assert.Nil(t, held.AdditionalSettings)

	w.must(http.StatusCreated, "POST", trunk, `{"phone_number":"`+n2+`","channel":"call","agent_uuid":"`+bob+`","name":"","sip":{},"additional_settings":{}}`)
	held = w.held(n2, "call")
	assert.Equal(t, "call_trunk_390791234567", held.Name, "an empty name means the default")
	assert.Equal(t, map[string]any{}, held.AdditionalSettings)
}

func TestWhatsAppIgnoresDirectionAndSIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const ignored = `"direction":"inbound","sip":{"gateway":"sip.example.com","port":1}`
	w.must(http.StatusCreated, "POST", trunk, `{"phone_number":"+12345678901","channel":"whatsapp","agent_uuid":"`+ada+`",`+ignored+`}`)
	held := w.held(n1, "whatsapp")
	assert.Empty(t, held.Direction)
	assert.Zero(t, held.SIP)
	w.must(http.StatusOK, "PATCH", trunk, `{"phone_number":"+12345678901","channel":"whatsapp",`+ignored+`}`)
	assert.Equal(t, held, w.held(n1, "whatsapp"))
	assert.False(t, w.Requests()[1].Changed)
	w.refuses(http.StatusUnprocessableEntity, "VALIDATION_ERROR", "direction", "PATCH", trunk, `{"phone_number":"+12345678901","channel":"whatsapp","direction":"up"}`)
}

func TestUpdateChangesOnlySentFields(t *testing.T) {
	t.Parallel()
	start := mihutest.Trunk{
		ID:                 mihu.TrunkID{PhoneNumber: n1, Channel: mihu.ChannelCall},
		AgentUUID:          ada,
		Name:               "Front desk",
		Direction:          mihu.DirectionBoth,
		SIP:                mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "alice", Password: "s3cret", SecondaryGateway: "sip2.example.com"},
		AdditionalSettings: map[string]any{"ani_format": "e164", "x": 1.0},
		PhoneNumberUUID:    bob,
	}
	for _, c := range []struct {
		body string // after phone_number and channel
		want func(*mihutest.Trunk)
	}{
		{``, nil},
		{`,"name":"Front desk","direction":"both","sip":{"port":5060},"additional_settings":{"x":1,"ani_format":"e164"}`, nil},
		{`,"sip":{}`, nil},
		{`,"name":"Reception"`, func(t *mihutest.Trunk) { t.Name = "Reception" }},
		{`,"name":""`, func(t *mihutest.Trunk) { t.Name = "" }},
		{`,"direction":"outbound"`, func(t *mihutest.Trunk) { t.Direction = mihu.DirectionOutbound }},
		{`,"sip":{"gateway":"other.example.com"}`, func(t *mihutest.Trunk) { t.SIP.Gateway = "other.example.com" }},
		{`,"sip":{"port":65535}`, func(t *mihutest.Trunk) { t.SIP.Port = 65535 }},
		{`,"sip":{"password":"n3w","secondary_gateway":""}`, func(t *mihutest.Trunk) { t.SIP.Password, t.SIP.SecondaryGateway = "n3w", "" }},
		{`,"sip":{"gateway":"","port":"","username":"","password":"","secondary_gateway":""}`, func(t *mihutest.Trunk) { t.SIP = mihu.SIPCredentials{} }},
		{`,"sip":{"port":""}`, func(t *mihutest.Trunk) { t.SIP.Port = 0 }},
		{`,"additional_settings":{"y":null}`, func(t *mihutest.Trunk) { t.AdditionalSettings = map[string]any{"y": nil} }},
		{`,"additional_settings":{}`, func(t *mihutest.Trunk) { t.AdditionalSettings = map[string]any{} }},
	} {
		t.Run(c.body, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.AddTrunk(start))
			require.Equal(t, start, w.held(n1, "call"))
			resp := w.must(http.StatusOK, "PATCH", trunk, `{"phone_number":"+12345678901","channel":"call"`+c.body+`}`)
			assert.Equal(t, snapshot("Trunk updated", bob, callAda, unbound), resp, "a snapshot does not contain these fields")
			want := start
			if c.want != nil {
				c.want(&want)
			}
			assert.Equal(t, want, w.held(n1, "call"))
			assert.Equal(t, c.want != nil, w.Requests()[0].Changed)
		})
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	w.create(n2, "call", bob)
	eve := w.AddAgent("Eve")
	body := func(number, channel, agent string) string {
		return fmt.Sprintf(`{"phone_number":%q,"channel":%q,"agent_uuid":%q}`, number, channel, agent)
	}
	const path = trunk + "/assign"
	w.refuses(http.StatusNotFound, "TRUNK_NOT_FOUND", "", "PUT", path, body(n3, "call", eve))
	w.refuses(http.StatusNotFound, "TRUNK_NOT_FOUND", "", "PUT", path, body(n1, "whatsapp", eve))
	w.refuses(http.StatusUnprocessableEntity, "AGENT_NOT_FOUND", "agent_uuid", "PUT", path, body(n1, "call", "00000000-0000-4000-8000-000000000000"))
	w.refuses(http.StatusConflict, "AGENT_BUSY", "", "PUT", path, body(n1, "call", bob))

	w.ResetRequests()
	w.must(http.StatusOK, "PUT", path, body(n1, "call", ada)) // to the agent that it has
	w.must(http.StatusOK, "PUT", path, body(n1, "call", eve))
	assert.False(t, w.Requests()[0].Changed)
	assert.True(t, w.Requests()[1].Changed)
	w.must(http.StatusOK, "PUT", path, body(n2, "call", ada)) // Ada is free now
	w.refuses(http.StatusConflict, "AGENT_BUSY", "", "PUT", path, body(n2, "call", eve))
}

func TestAgentsServeOneNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.AddPurchasedNumber(own)
	require.NoError(t, err)
	eve := w.AddAgent("Eve")
	require.NoError(t, w.BindPurchased(own, mihu.ChannelCall, eve))
	w.create(n1, "call", ada)
	post := func(number, channel, agent string) (method, path, body string) {
		return "POST", trunk, fmt.Sprintf(`{"phone_number":%q,"channel":%q,"agent_uuid":%q}`, number, channel, agent)
	}
	for _, c := range []struct {
		status                 int
		code, field            string
		number, channel, agent string
	}{
		{409, "TRUNK_EXISTS", "", n1, "call", ada},
		{409, "TRUNK_EXISTS", "", n1, "call", bob},
		{409, "AGENT_BUSY", "", n2, "call", ada},
		{409, "AGENT_BUSY", "", n2, "call", eve}, // who serves a purchased number
		{409, "PHONE_NUMBER_PURCHASED", "", own, "call", bob},
		{409, "PHONE_NUMBER_PURCHASED", "", own, "whatsapp", bob},
		{422, "AGENT_NOT_FOUND", "agent_uuid", n2, "call", "00000000-0000-4000-8000-000000000000"},
	} {
		method, path, body := post(c.number, c.channel, c.agent)
		w.refuses(c.status, c.code, c.field, method, path, body)
	}
	w.create(n2, "whatsapp", ada) // another number, but on another channel
	w.create(n1, "whatsapp", bob) // the same number on another channel by another agent
	w.create(n3, "whatsapp", eve)
	for _, body := range []string{`"channel":"call","name":"x"`, `"channel":"call","agent_uuid":"` + ada + `"`} {
		method, path := "PATCH", trunk
		if strings.Contains(body, "agent_uuid") {
			method, path = "PUT", trunk+"/assign"
		}
		w.refuses(http.StatusNotFound, "TRUNK_NOT_FOUND", "", method, path, `{"phone_number":"`+own+`",`+body+`}`)
	}
	w.refuses(http.StatusNotFound, "TRUNK_NOT_FOUND", "", "DELETE", trunk+"?channel=call&phone_number="+own[1:], "")
	w.refuses(http.StatusNotFound, "TRUNK_NOT_FOUND", "", "PATCH", trunk, `{"phone_number":"`+n3+`","channel":"call"}`)
}

func TestRulesSetTheStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{
		DuplicateStatus: 422, AgentBusyStatus: 400, PurchasedStatus: 403, UnknownAgentStatus: 404, CreateStatus: 200, DeleteStatus: 204,
	}))
	_, err := w.AddPurchasedNumber(own)
	require.NoError(t, err)
	post := func(number, agent string) (method, path, body string) {
		return "POST", trunk, fmt.Sprintf(`{"phone_number":%q,"channel":"call","agent_uuid":%q}`, number, agent)
	}
	expect := func(status int, code, field, number, agent string) {
		method, path, body := post(number, agent)
		w.refuses(status, code, field, method, path, body)
	}
	w.must(http.StatusOK, "POST", trunk, `{"phone_number":"+12345678901","channel":"call","agent_uuid":"`+ada+`"}`)
	expect(422, "TRUNK_EXISTS", "phone_number", n1, ada)
	expect(400, "AGENT_BUSY", "", n2, ada)
	expect(403, "PHONE_NUMBER_PURCHASED", "", own, bob)
	expect(404, "AGENT_NOT_FOUND", "", n2, "00000000-0000-4000-8000-000000000000")
	got := w.send("DELETE", trunk+"?phone_number=12345678901&channel=call", "")
	assert.Equal(t, http.StatusNoContent, got.status)
	assert.Empty(t, got.body)
	assert.Empty(t, got.header.Get("Content-Type"))
}

func TestAnyAgent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
	resp := w.create(n1, "call", "01234567-89ab-4cde-8f01-23456789abcd")
	assert.Contains(t, resp, `"agent_uuid":"01234567-89ab-4cde-8f01-23456789abcd","agent_name":"Agent 01234567"`)
	assert.Contains(t, w.create(n2, "call", ada), `"agent_name":"Ada"`)
	w.refuses(http.StatusConflict, "AGENT_BUSY", "", "POST", trunk, `{"phone_number":"`+n3+`","channel":"call","agent_uuid":"01234567-89ab-4cde-8f01-23456789abcd"}`)
}

func TestErrorShapes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shape                                  mihutest.ErrorShape
		validation, unauthorized, missing, inj string
	}{
		{
			mihutest.ErrorEnvelope,
			`{"success":false,"message":"The given data was invalid","error":{"code":"VALIDATION_ERROR","details":"The field number must be an E.164 number","field":"number"}}`,
			`{"success":false,"message":"Invalid authentication token","error":{"code":"INVALID_AUTH_TOKEN","details":"The provided token is invalid or has been revoked"}}`,
			`{"success":false,"message":"There is no such number","error":{"code":"PHONE_NUMBER_NOT_FOUND","details":"There is no such number"}}`,
			`{"success":false,"message":"Too Many Requests","error":{"code":"TOO_MANY_REQUESTS","details":"Injected fault"}}`,
		},
		{
			mihutest.ErrorData,
			`{"success":false,"message":"The given data was invalid","data":{"error":"validation_error"}}`,
			`{"success":false,"message":"Invalid authentication token","data":{"error":"invalid_auth_token"}}`,
			`{"success":false,"message":"There is no such number","data":{"error":"phone_number_not_found"}}`,
			`{"success":false,"message":"Too Many Requests","data":{"error":"too_many_requests"}}`,
		},
		{
			mihutest.ErrorFramework,
			`{"message":"The given data was invalid","errors":{"number":["The field number must be an E.164 number"]}}`,
			`{"message":"Unauthenticated."}`,
			`{"message":"There is no such number"}`,
			`{"message":"Too Many Requests"}`,
		},
	} {
		t.Run(fmt.Sprint(c.shape), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mihutest.WithRules(mihutest.Rules{ErrorShape: c.shape}))
			exactly(t, c.validation, w.must(422, "GET", "/phone-numbers/channels?number=1", ""))
			exactly(t, c.missing, w.must(404, "GET", "/phone-numbers/channels?number=%2B12345678901", ""))
			require.NoError(t, w.Inject(mihutest.Fault{Status: 429}))
			exactly(t, c.inj, w.must(429, "GET", "/phone-numbers", ""))
			got := w.send("GET", "/phone-numbers", "", "Authorization", "Bearer other")
			exactly(t, c.unauthorized, got.body)
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exactly(t, `{"success":true,"data":{"items":[],"pagination":{"current_page":1,"per_page":50,"total":0,"last_page":1,"from":null,"to":null,"has_more":false}}}`,
		w.must(http.StatusOK, "GET", trunk, ""))

	require.NoError(t, w.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: n1, Channel: "call"}, AgentUUID: ada, PhoneNumberUUID: bob}))
	item := `{"phone_number_uuid":"` + bob + `","number":"+12345678901","country_code":null,"location":null,"type":"local","is_external":true,"source":"external","status":"active",` +
		`"compliance":null,"capabilities":{"voice":true,"sms":false,"mms":false,"fax":false,"emergency":false,"local_calling":false},` +
		`"channel_settings":{"voice":{"enabled":true,"channel_limit":null,"whitelisted_destinations":[]},"sms":{"enabled":false,"channel_limit":null,"whitelisted_destinations":[]},"inbound":{"enabled":true,"channel_limit":null}},` +
		`"billing":null,"bindings":{"call":` + boundToAda + `,"sms":` + unbound + `,"whatsapp":` + unbound + `},"purchased_at":null,"updated_at":null}`
	pagination := `"pagination":{"current_page":1,"per_page":50,"total":1,"last_page":1,"from":1,"to":1,"has_more":false}`
	exactly(t, `{"success":true,"data":{"items":[`+item+`],`+pagination+`}}`, w.must(http.StatusOK, "GET", trunk, ""))

	// Both channels of a number are one item. The purchased number is only in the inventory.
	require.NoError(t, w.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: n1, Channel: "whatsapp"}, AgentUUID: ada}))
	uuid, err := w.AddPurchasedNumber(own)
	require.NoError(t, err)
	require.NoError(t, w.BindPurchased(own, mihu.ChannelSMS, ada))
	item = strings.Replace(item, `"whatsapp":`+unbound, `"whatsapp":`+boundToAda, 1)
	exactly(t, `{"success":true,"data":{"items":[`+item+`],`+pagination+`}}`, w.must(http.StatusOK, "GET", trunk, ""))
	purchased := `{"phone_number_uuid":"` + uuid + `","number":"+12084439178","country_code":null,"location":null,"type":"local","is_external":false,"source":"purchased","status":"active",` +
		`"compliance":null,"capabilities":{"voice":true,"sms":true,"mms":false,"fax":false,"emergency":false,"local_calling":false},` +
		`"channel_settings":{"voice":{"enabled":true,"channel_limit":10,"whitelisted_destinations":[]},"sms":{"enabled":true,"channel_limit":10,"whitelisted_destinations":[]},"inbound":{"enabled":true,"channel_limit":10}},` +
		`"billing":null,"bindings":{"call":` + unbound + `,"sms":` + boundToAda + `,"whatsapp":` + unbound + `},"purchased_at":null,"updated_at":null}`
	pagination = strings.NewReplacer(`"total":1`, `"total":2`, `"to":1`, `"to":2`).Replace(pagination)
	exactly(t, `{"success":true,"data":{"items":[`+item+`,`+purchased+`],`+pagination+`}}`, w.must(http.StatusOK, "GET", "/phone-numbers", ""))
	assert.Contains(t, w.must(http.StatusOK, "GET", "/phone-numbers/channels?number=%2B12084439178", ""), `"is_external":false,"source":"purchased"`)
}

// listing is a page of a list as the contract defines it.
type listing struct {
	Data struct {
		Items []struct {
			Number string `json:"number"`
		} `json:"items"`
		Pagination map[string]any `json:"pagination"`
	} `json:"data"`
}

func (w *world) list(query string) (numbers []string, l listing) {
	w.t.Helper()
	require.NoError(w.t, json.Unmarshal([]byte(w.must(http.StatusOK, "GET", trunk+query, "")), &l))
	for _, item := range l.Data.Items {
		numbers = append(numbers, item.Number)
	}
	return numbers, l
}

// seed adds trunks with consecutive numbers, each with an agent of its own.
func (w *world) seed(count int) (numbers []string) {
	w.t.Helper()
	for i := range count {
		id := mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1999%07d", i), Channel: mihu.ChannelCall}
		require.NoError(w.t, w.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}))
		numbers = append(numbers, id.PhoneNumber)
	}
	return numbers
}

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
	all := w.seed(120)
	for _, c := range []struct {
		query                               string
		page, perPage, last, from, to, size int
		more                                bool
	}{
		{"", 1, 50, 3, 1, 50, 50, true},
		{"?page=2", 2, 50, 3, 51, 100, 50, true},
		{"?page=3", 3, 50, 3, 101, 120, 20, false},
		{"?page=4", 4, 50, 3, 0, 0, 0, false},
		{"?page=9223372036854775807&per_page=200", math.MaxInt, 200, 1, 0, 0, 0, false},
		{"?per_page=200", 1, 200, 1, 1, 120, 120, false},
		{"?per_page=1&page=120", 120, 1, 120, 120, 120, 1, false},
		{"?per_page=60&page=2", 2, 60, 2, 61, 120, 60, false},
	} {
		numbers, l := w.list(c.query)
		want := map[string]any{
			"current_page": float64(c.page), "per_page": float64(c.perPage), "total": 120.0, "last_page": float64(c.last),
			"from": nil, "to": nil, "has_more": c.more,
		}
		if c.size > 0 {
			want["from"], want["to"] = float64(c.from), float64(c.to)
		}
		assert.Equal(t, want, l.Data.Pagination, c.query)
		if c.size == 0 {
			assert.Empty(t, numbers)
			continue
		}
		assert.Equal(t, all[c.from-1:c.to], numbers, c.query)
	}
	for query, field := range map[string]string{
		"?page=0": "page", "?page=-1": "page", "?page=": "page", "?page=x": "page", "?page=1.5": "page", "?page=99999999999999999999": "page",
		"?per_page=0": "per_page", "?per_page=201": "per_page", "?per_page=1&per_page=1": "per_page", "?sort=asc": "sort",
	} {
		w.refuses(http.StatusUnprocessableEntity, "VALIDATION_ERROR", field, "GET", trunk+query, "")
		w.refuses(http.StatusUnprocessableEntity, "VALIDATION_ERROR", field, "GET", "/phone-numbers"+query, "")
	}
}

func TestWithoutPagination(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true, NoPagination: true}))
	all := w.seed(60)
	for _, query := range []string{"", "?page=2&per_page=10", "?page=x"} {
		numbers, l := w.list(query)
		assert.Equal(t, all, numbers)
		assert.Nil(t, l.Data.Pagination)
	}
}

// Removing and adding numbers does not change the order of the others.
func TestListKeepsItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
	want := w.seed(1300)
	remove := func(i int) {
		w.must(http.StatusOK, "DELETE", trunk+"?channel=call&phone_number="+want[i][1:], "")
		want = slices.Delete(want, i, i+1)
	}
	for i := range 300 {
		remove(i * 7919 % len(want)) // spread over the list
	}
	check := func() {
		var got []string
		for page := 1; ; page++ {
			numbers, l := w.list(fmt.Sprintf("?per_page=130&page=%d", page))
			got = append(got, numbers...)
			assert.EqualValues(t, len(want), l.Data.Pagination["total"])
			if l.Data.Pagination["has_more"] != true {
				break
			}
		}
		assert.Equal(t, want, got)
	}
	check()
	for range 300 { // complete chunks at both ends
		remove(0)
		remove(len(want) - 1)
	}
	require.NoError(t, w.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: n1, Channel: "whatsapp"}, AgentUUID: ada}))
	want = append(want, n1)
	check()
	for len(want) > 0 {
		channel := map[bool]string{true: "whatsapp", false: "call"}[want[0] == n1]
		w.must(http.StatusOK, "DELETE", trunk+"?channel="+channel+"&phone_number="+want[0][1:], "")
		want = want[1:]
	}
	numbers, l := w.list("")
	assert.Empty(t, numbers)
	assert.Zero(t, l.Data.Pagination["total"])
	assert.Contains(t, w.must(http.StatusOK, "GET", "/phone-numbers", ""), `"items":[]`, "the inventory is empty too")
}

func TestTrunksAreInOrderOfCreation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create(n1, "call", ada)
	w.create(n2, "call", bob)
	w.create(n1, "whatsapp", ada)
	w.must(http.StatusOK, "PUT", trunk+"/assign", `{"phone_number":"+12345678901","channel":"call","agent_uuid":"`+w.AddAgent("Eve")+`"}`)
	var got []mihu.TrunkID
	for _, held := range w.Trunks() {
		got = append(got, held.ID)
	}
	assert.Equal(t, []mihu.TrunkID{{PhoneNumber: n1, Channel: "call"}, {PhoneNumber: n2, Channel: "call"}, {PhoneNumber: n1, Channel: "whatsapp"}}, got)
}

func TestTrunksAreCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	settings := map[string]any{"list": []any{map[string]any{"k": "v"}}, "n": 1}
	require.NoError(t, w.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: n1, Channel: "call"}, AgentUUID: ada, AdditionalSettings: settings}))
	modify := func(settings map[string]any) {
		list, ok := settings["list"].([]any)
		require.True(t, ok)
		inner, ok := list[0].(map[string]any)
		require.True(t, ok)
		settings["n"], inner["k"], list[0] = "modified", "modified", "modified"
	}
	modify(settings)
	modify(w.held(n1, "call").AdditionalSettings)
	modify(w.Trunks()[0].AdditionalSettings)
	assert.Equal(t, map[string]any{"list": []any{map[string]any{"k": "v"}}, "n": 1.0}, w.held(n1, "call").AdditionalSettings)
}

func TestSeedingFollowsTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	uuid, err := w.AddPurchasedNumber(own)
	require.NoError(t, err)
	call := func(number string) mihu.TrunkID { return mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall} }
	require.NoError(t, w.AddTrunk(mihutest.Trunk{ID: call(n1), AgentUUID: strings.ToUpper(ada), PhoneNumberUUID: strings.ToUpper(bob)}))
	assert.Equal(t, bob, w.held(n1, "call").PhoneNumberUUID)
	require.NoError(t, w.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: n1, Channel: "whatsapp"}, AgentUUID: ada, PhoneNumberUUID: bob, Direction: "both"}))
	assert.Empty(t, w.held(n1, "whatsapp").Direction)

	for want, seed := range map[string]mihutest.Trunk{
		"409 TRUNK_EXISTS: The number has a trunk on this channel":                                               {ID: call(n1), AgentUUID: bob},
		"409 AGENT_BUSY: The agent serves another number on this channel":                                        {ID: call(n2), AgentUUID: ada},
		"409 PHONE_NUMBER_PURCHASED: The number is in the purchased inventory":                                   {ID: call(own), AgentUUID: bob},
		"422 AGENT_NOT_FOUND: There is no such agent":                                                            {ID: call(n2), AgentUUID: "00000000-0000-4000-8000-000000000000"},
		"422 VALIDATION_ERROR: The field phone_number must be an E.164 number":                                   {ID: call("2"), AgentUUID: bob},
		"422 VALIDATION_ERROR: The field agent_uuid must be a UUID":                                              {ID: call(n2)},
		"422 VALIDATION_ERROR: The field direction must be inbound, outbound or both":                            {ID: call(n2), AgentUUID: bob, Direction: "up"},
		"422 VALIDATION_ERROR: The field sip.port must be 1 to 65535":                                            {ID: call(n2), AgentUUID: bob, SIP: mihu.SIPCredentials{Port: -1}},
		"422 VALIDATION_ERROR: The field phone_number_uuid belongs to another number, or the number has another": {ID: call(n2), AgentUUID: bob, PhoneNumberUUID: uuid},
		"PhoneNumberUUID is not a UUID":                                                                          {ID: call(n2), AgentUUID: bob, PhoneNumberUUID: "x"},
		"json: unsupported value: NaN":                                                                           {ID: call(n2), AgentUUID: bob, AdditionalSettings: map[string]any{"n": math.NaN()}},
		"the trunk has a number that is out of range":                                                            {ID: call(n2), AgentUUID: bob, AdditionalSettings: map[string]any{"n": json.Number("1e999")}},
	} {
		require.EqualError(t, w.AddTrunk(seed), "mihutest: AddTrunk: "+want)
	}
	err = w.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: n2, Channel: "sms"}, AgentUUID: bob})
	require.ErrorContains(t, err, "POST /agents/{uuid}/channels/sms")
	assert.Len(t, w.Trunks(), 2)
	assert.Zero(t, w.RequestCount(), "AddTrunk sends no request")

	for _, number := range []string{own, n1, "12", ""} {
		_, err := w.AddPurchasedNumber(number)
		require.Error(t, err, number)
	}
	require.Error(t, w.AddAgentWithUUID("ada", "Ada"))
	require.Error(t, w.BindPurchased(n1, mihu.ChannelCall, bob))
	require.Error(t, w.BindPurchased(n2, mihu.ChannelCall, bob))
	require.Error(t, w.BindPurchased(own, "fax", bob))
	require.Error(t, w.BindPurchased(own, mihu.ChannelCall, "bob"))
	require.Error(t, w.BindPurchased(own, mihu.ChannelCall, ada), "Ada serves another number")
	require.Error(t, w.BindPurchased(own, mihu.ChannelCall, "00000000-0000-4000-8000-000000000000"))
	require.NoError(t, w.BindPurchased(own, mihu.ChannelCall, strings.ToUpper(bob)))
	require.NoError(t, w.BindPurchased(own, mihu.ChannelCall, w.AddAgent("Eve")))
	w.create(n2, "call", bob) // Bob is free again

	require.NoError(t, w.AddAgentWithUUID(ada, "Ada L."))
	assert.Contains(t, w.must(http.StatusOK, "GET", trunk, ""), `"agent_name":"Ada L."`)
	_, ok := w.Trunk(mihu.TrunkID{PhoneNumber: n1, Channel: "fax"})
	assert.False(t, ok)
	_, ok = w.Trunk(call(own))
	assert.False(t, ok, "a purchased number is not a trunk")
}

func TestRandomUUIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 100 {
		uuid := w.AddAgent("Ada")
		assert.Regexp(t, v4, uuid)
		seen[uuid] = true
	}
	assert.Len(t, seen, 100)
}

func TestTrunkPrintsWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	secret := mihutest.Trunk{
		ID: mihu.TrunkID{PhoneNumber: n1, Channel: "call"}, AgentUUID: ada, Name: "call_trunk_12345678901", Direction: "both",
		SIP:                mihu.SIPCredentials{Gateway: "sip.example.com", Username: "alice", Password: "s3cret"},
		AdditionalSettings: map[string]any{"key": "s3cret"},
	}
	assert.Equal(t, "+1234•••8901 call agent="+ada+" direction=both sip=true settings=1", secret.String())
	var logs bytes.Buffer
	text, jsonLog := slog.New(slog.NewTextHandler(&logs, nil)), slog.New(slog.NewJSONHandler(&logs, nil))
	for _, log := range []*slog.Logger{text, jsonLog} {
		log.Info("", slog.Any("trunk", secret), slog.Any("pointer", &secret), slog.Any("trunks", []mihutest.Trunk{secret}), slog.Any("inside", struct{ T mihutest.Trunk }{secret}))
	}
	printed := []string{logs.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		printed = append(printed, fmt.Sprintf(verb, secret), fmt.Sprintf(verb, &secret), fmt.Sprintf(verb, []mihutest.Trunk{secret}))
	}
	for _, text := range printed {
		assert.Contains(t, text, "+1234•••8901")
		assert.NotRegexp(t, "alice|s3cret|2345678901", text)
	}
	for number, want := range map[string]string{"": "+•••", "+12345678": "+•••", "+123456789": "+1234•••6789"} {
		assert.True(t, strings.HasPrefix(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: number}}.String(), want+" "), number)
	}
}

// Package mihu and this server agree on all requests and responses.
func TestWithTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, ctx := w.Client(t), t.Context()
	id := mihu.TrunkID{PhoneNumber: n1, Channel: mihu.ChannelCall}
	want := mihutest.Trunk{
		ID: id, AgentUUID: ada, Name: "Front desk", Direction: mihu.DirectionInbound,
		SIP:                mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "alice", Password: "s3cret", SecondaryGateway: "sip2.example.com"},
		AdditionalSettings: map[string]any{"ani_format": "e164"},
	}
	snap, err := client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID: id, AgentUUID: ada, Name: want.Name, Direction: want.Direction, SIP: &want.SIP, AdditionalSettings: want.AdditionalSettings,
	})
	require.NoError(t, err)
	want.PhoneNumberUUID = snap.PhoneNumberUUID
	assert.Equal(t, want, w.held(n1, "call"))

	_, err = client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{Port: mihu.ClearPort(), Password: new("n3w"), SecondaryGateway: new("")}, AdditionalSettings: map[string]any{},
	})
	require.NoError(t, err)
	want.SIP.Port, want.SIP.Password, want.SIP.SecondaryGateway, want.AdditionalSettings = 0, "n3w", "", map[string]any{}
	assert.Equal(t, want, w.held(n1, "call"))

	snap, err = client.Trunks.Assign(ctx, id, bob)
	require.NoError(t, err)
	assert.Equal(t, mihu.Binding{Bound: true, AgentUUID: bob, AgentName: "Bob"}, snap.Binding(mihu.ChannelCall))
	for got, err := range client.Trunks.All(ctx, nil) {
		require.NoError(t, err)
		assert.Equal(t, snap.PhoneNumberUUID, got.PhoneNumberUUID)
	}
	byNumber, err := client.Channels.GetByNumber(ctx, n1)
	require.NoError(t, err)
	byUUID, err := client.Channels.Get(ctx, snap.PhoneNumberUUID)
	require.NoError(t, err)
	assert.Equal(t, snap, byNumber)
	assert.Equal(t, snap, byUUID)

	require.NoError(t, client.Trunks.Delete(ctx, id))
	require.ErrorIs(t, client.Trunks.Delete(ctx, id), mihu.ErrNotFound)
	assert.Equal(t, url.Values{"phone_number": {n1}, "channel": {"call"}}, w.Requests()[w.RequestCount()-1].Query)
}
