package mihutest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// place is a request about the trunk of the first agent, and what it gets by default and by a rule.
type place struct {
	name               string
	method, path, body string
	byDefault          int
	rules              func(status int) mihutest.Rules
}

func places() []place {
	const trunks = "/phone-numbers/trunks"
	there := `{"phone_number":"` + ruledNumber + `","channel":"call"`
	missing := `{"phone_number":"+12345678909","channel":"call"`
	agent := func(name string) string { return `,"agent_uuid":"` + name + `"}` }
	const nobody = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	method := func(m string) func(int) mihutest.Rules {
		return func(s int) mihutest.Rules { return mihutest.Rules{UnknownTrunkStatuses: map[string]int{m: s}} }
	}
	return []place{
		{"duplicate", "POST", trunks, there + agent("A2"), 409, func(s int) mihutest.Rules { return mihutest.Rules{DuplicateStatus: s} }},
		{"busy agent", "POST", trunks, missing + agent("A1"), 409, func(s int) mihutest.Rules { return mihutest.Rules{AgentBusyStatus: s} }},
		{"unknown agent", "POST", trunks, missing + agent(nobody), 422, func(s int) mihutest.Rules { return mihutest.Rules{UnknownAgentStatus: s} }},
		{"malformed agent", "POST", trunks, missing + agent("probe"), 422, func(s int) mihutest.Rules { return mihutest.Rules{MalformedAgentStatus: s} }},
		{"malformed JSON", "POST", trunks, "{", 400, func(s int) mihutest.Rules { return mihutest.Rules{MalformedJSONStatus: s} }},
		{"missing agent", "POST", trunks, missing + "}", 422, func(s int) mihutest.Rules { return mihutest.Rules{ValidationStatus: s} }},
		{"unknown field", "PATCH", trunks, there + `,"x":1}`, 422, func(s int) mihutest.Rules { return mihutest.Rules{ValidationStatus: s} }},
		{"empty name", "PATCH", trunks, there + `,"name":""}`, 200, func(s int) mihutest.Rules {
			return mihutest.Rules{RefuseEmptyName: true, EmptyNameStatus: s}
		}},
		{"empty port", "PATCH", trunks, there + `,"sip":{"port":""}}`, 200, func(s int) mihutest.Rules {
			return mihutest.Rules{RefuseEmptyPort: true, EmptyPortStatus: s}
		}},
		{"empty update", "PATCH", trunks, there + `}`, 200, func(s int) mihutest.Rules { return mihutest.Rules{EmptyUpdateStatus: s} }},
		{"update of no trunk", "PATCH", trunks, missing + `,"name":"x"}`, 404, method("PATCH")},
		{"assignment of no trunk", "PUT", trunks + "/assign", missing + agent("A2"), 404, method("PUT")},
		{"deletion of no trunk", "DELETE", trunks + "?channel=call&phone_number=12345678909", "", 404, method("DELETE")},
		{"same agent", "PUT", trunks + "/assign", there + agent("A1"), 200, func(s int) mihutest.Rules { return mihutest.Rules{AssignSameStatus: s} }},
		{"unknown number", "GET", "/phone-numbers/channels?number=%2B12345678909", "", 404, func(s int) mihutest.Rules {
			return mihutest.Rules{UnknownNumberStatus: s}
		}},
		{"large page", "GET", trunks + "?per_page=201", "", 422, func(s int) mihutest.Rules { return mihutest.Rules{PerPageStatus: s} }},
		{"page after the last", "GET", trunks + "?page=7", "", 200, func(s int) mihutest.Rules {
			return mihutest.Rules{OnPageAfterLast: mihutest.NoSuchPage, PageAfterLastStatus: s}
		}},
		{"unknown route", "GET", "/nowhere", "", 404, func(s int) mihutest.Rules { return mihutest.Rules{UnknownRouteStatus: s} }},
	}
}

// Every refusal has a rule for its status, and any 4xx can be in any place.
func TestStatusesInEachPlace(t *testing.T) {
	t.Parallel()
	for i, p := range places() {
		for _, status := range []int{400, 401, 403 + i, 429, 499} {
			r := withRules(t, p.rules(status))
			got, body, _ := r.ask(p.method, p.path, r.named(p.body))
			assert.Equal(t, status, got, "%s: %s", p.name, body)
		}
		r := withRules(t, mihutest.Rules{})
		got, body, _ := r.ask(p.method, p.path, r.named(p.body))
		assert.Equal(t, p.byDefault, got, "%s: %s", p.name, body)
	}
}

// named puts the UUIDs of the agents in the place of A1 and A2.
func (r *ruled) named(body string) string {
	for i, uuid := range r.agents {
		body = strings.ReplaceAll(body, fmt.Sprintf(`"A%d"`, i+1), `"`+uuid+`"`)
	}
	return body
}

func TestSuccessStatuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 204} {
		r := withRules(t, mihutest.Rules{
			CreateStatus: status, UpdateStatus: status, AssignStatus: status, DeleteStatus: status, OnDuplicate: mihutest.KeepDuplicate,
		})
		assert.Equal(t, status, r.create(ruledNumber, 0), "a duplicate")
		assert.Equal(t, status, r.create(otherNumber, 1))
		there := `{"phone_number":"` + ruledNumber + `","channel":"call"`
		got, body, _ := r.ask("PATCH", "/phone-numbers/trunks", there+`,"name":"x"}`)
		assert.Equal(t, status, got)
		assert.Equal(t, status == 204, body == "")
		got, _, _ = r.ask("PUT", "/phone-numbers/trunks/assign", there+`,"agent_uuid":"`+r.agents[0]+`"}`)
		assert.Equal(t, status, got)
		got, _, _ = r.ask("DELETE", "/phone-numbers/trunks?channel=call&phone_number=12345678901", "")
		assert.Equal(t, status, got)
	}
	r := withRules(t, mihutest.Rules{OnDuplicate: mihutest.UpdateDuplicate, DuplicateStatus: 200})
	assert.Equal(t, 200, r.create(ruledNumber, 0))
	assert.Equal(t, 201, r.create(otherNumber, 1))
}

func TestDeleteBody(t *testing.T) {
	t.Parallel()
	for rule, want := range map[mihutest.DeleteBody]string{
		mihutest.DeleteMessage:  `{"success":true,"message":"Trunk deleted"}`,
		mihutest.DeleteEmpty:    "",
		mihutest.DeleteSnapshot: `"bound":false`,
	} {
		r := withRules(t, mihutest.Rules{DeleteBody: rule})
		status, body, _ := r.ask("DELETE", "/phone-numbers/trunks?channel=call&phone_number=12345678901", "")
		assert.Equal(t, 200, status)
		assert.Contains(t, body, want)
		assert.Equal(t, want == "", body == "")
		assert.NotContains(t, body, `"bound":true`)
	}
}

func TestOnBusyAssign(t *testing.T) {
	t.Parallel()
	assign := func(rules mihutest.Rules) (status, first, second int) {
		r := withRules(t, rules)
		require.Less(t, r.create(otherNumber, 1), 300)
		status, _, _ = r.ask("PUT", "/phone-numbers/trunks/assign", `{"phone_number":"`+otherNumber+`","channel":"call","agent_uuid":"`+r.agents[0]+`"}`)
		return status, r.agentOf(ruledNumber), r.agentOf(otherNumber)
	}
	for _, test := range []struct {
		rules mihutest.Rules
		want  [3]int
	}{
		{mihutest.Rules{AgentBusyStatus: 423}, [3]int{423, 0, 1}},
		{mihutest.Rules{AssignBusyStatus: 423}, [3]int{423, 0, 1}},
		{mihutest.Rules{OnBusyAgent: mihutest.TakeBusyAgent}, [3]int{200, -1, 0}},
		{mihutest.Rules{OnBusyAssign: new(mihutest.ShareBusyAgent)}, [3]int{200, 0, 0}},
		{mihutest.Rules{OnBusyAgent: mihutest.TakeBusyAgent, OnBusyAssign: new(mihutest.RefuseBusyAgent)}, [3]int{409, 0, 1}},
	} {
		status, first, second := assign(test.rules)
		assert.Equal(t, test.want, [3]int{status, first, second}, "%+v", test.rules)
	}
}

func TestTolerance(t *testing.T) {
	t.Parallel()
	there := `{"phone_number":"` + ruledNumber + `","channel":"call"`
	for _, test := range []struct {
		name, method, path, body string
		rules                    mihutest.Rules
	}{
		{"null", "PATCH", "/phone-numbers/trunks", there + `,"name":null,"sip":{"port":null},"additional_settings":{"kept":null}}`, mihutest.Rules{AcceptNull: true}},
		{"unknown fields", "PATCH", "/phone-numbers/trunks", there + `,"x":1,"sip":{"y":2}}`, mihutest.Rules{IgnoreUnknownFields: true}},
		{"an unknown parameter", "GET", "/phone-numbers/trunks?x=1", "", mihutest.Rules{IgnoreUnknownParameters: true}},
		{"a parameter beside a body", "PATCH", "/phone-numbers/trunks?x=1", there + "}", mihutest.Rules{IgnoreUnknownParameters: true}},
	} {
		status, body, _ := withRules(t, mihutest.Rules{}).ask(test.method, test.path, test.body)
		assert.Equal(t, 422, status, "%s: %s", test.name, body)
		r := withRules(t, test.rules)
		status, body, _ = r.ask(test.method, test.path, test.body)
		assert.Equal(t, 200, status, "%s: %s", test.name, body)
	}
}

func TestUnboundDeleted(t *testing.T) {
	t.Parallel()
	r := withRules(t, mihutest.Rules{UnboundDeleted: true})
	channels := func() (int, string) {
		status, body, _ := r.ask("GET", "/phone-numbers/channels?number=%2B12345678902", "")
		return status, body
	}
	status, _ := channels()
	assert.Equal(t, 404, status, "a number that was never registered")
	require.Equal(t, 201, r.create(otherNumber, 1))
	status, _, _ = r.ask("DELETE", "/phone-numbers/trunks?channel=call&phone_number=12345678902", "")
	require.Equal(t, 200, status)
	status, body := channels()
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"phone_number_uuid":null`)
	assert.NotContains(t, body, `"bound":true`)
}

func TestListRules(t *testing.T) {
	t.Parallel()
	numbers := func(rules mihutest.Rules, query string) (numbers []string, members int) {
		r := withRules(t, rules)
		require.Equal(t, 201, r.create(otherNumber, 1))
		_, body, _ := r.ask("GET", "/phone-numbers/trunks?"+query, "")
		var envelope struct {
			Data map[string]json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &envelope))
		var items []struct {
			Number string `json:"number"`
		}
		require.NoError(t, json.Unmarshal(envelope.Data["items"], &items))
		for _, item := range items {
			numbers = append(numbers, item.Number)
		}
		return numbers, len(envelope.Data)
	}
	got, _ := numbers(mihutest.Rules{NewestFirst: true}, "")
	assert.Equal(t, []string{otherNumber, ruledNumber}, got)
	got, _ = numbers(mihutest.Rules{NewestFirst: true}, "per_page=1&page=2")
	assert.Equal(t, []string{ruledNumber}, got)
	got, _ = numbers(mihutest.Rules{PerPageOnly: true}, "per_page=1&page=2")
	assert.Equal(t, []string{ruledNumber}, got)
	got, members := numbers(mihutest.Rules{SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingNone}}, "per_page=1&page=2")
	assert.Equal(t, []string{otherNumber}, got)
	assert.Equal(t, 1, members)
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	r := withRules(t, mihutest.Rules{RequestIDHeaders: []string{}, RateLimitHeaders: []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining"}, ClockSkew: -1e15})
	_, _, header := r.ask("GET", "/agents", "")
	assert.Empty(t, header.Get("X-Request-Id"))
	assert.NotEmpty(t, header.Get("X-RateLimit-Limit"))
	assert.NotEmpty(t, header.Get("X-RateLimit-Remaining"))
	date, err := http.ParseTime(header.Get("Date"))
	require.NoError(t, err)
	_, _, now := withRules(t, mihutest.Rules{}).ask("GET", "/agents", "")
	today, err := http.ParseTime(now.Get("Date"))
	require.NoError(t, err)
	assert.InDelta(t, 1e6, today.Sub(date).Seconds(), 5)
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := func(rules mihutest.Rules) (before, after string) {
		r := withRules(t, rules)
		read := func() string {
			_, body, _ := r.ask("GET", "/phone-numbers/trunks", "")
			var list struct {
				Data struct {
					Items []struct {
						UpdatedAt json.RawMessage `json:"updated_at"`
					} `json:"items"`
				} `json:"data"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &list))
			return string(list.Data.Items[0].UpdatedAt)
		}
		before = read()
		_, err := r.Client(t).Trunks.Update(t.Context(), callOf(ruledNumber), &mihu.TrunkUpdateRequest{Name: new("x")})
		require.NoError(t, err)
		return before, read()
	}
	before, after := at(mihutest.Rules{UpdatedAt: true, UpdateKeepsTime: true})
	assert.Equal(t, before, after)
	_, after = at(mihutest.Rules{UpdatedAt: true, TimeFormat: mihutest.TimeWithoutZone})
	assert.Regexp(t, `^"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"$`, after)
	_, after = at(mihutest.Rules{UpdatedAt: true, TimeFormat: mihutest.TimeSeconds})
	assert.Regexp(t, `^\d{10}$`, after)
}

func TestErrorField(t *testing.T) {
	t.Parallel()
	for rule, want := range map[mihutest.ErrorField][2]bool{
		mihutest.FieldOn422: {true, false}, mihutest.FieldAlways: {true, true}, mihutest.FieldNever: {},
	} {
		for _, shape := range []mihutest.ErrorShape{mihutest.ErrorEnvelope, mihutest.ErrorFramework} {
			r := withRules(t, mihutest.Rules{ErrorField: rule, ErrorShape: shape})
			_, invalid, _ := r.ask("POST", "/phone-numbers/trunks", "{}")
			_, duplicate, _ := r.ask("POST", "/phone-numbers/trunks", r.named(`{"phone_number":"`+ruledNumber+`","channel":"call","agent_uuid":"A1"}`))
			field := func(body string) bool {
				var e struct {
					Error  struct{ Field string }
					Errors map[string]any
				}
				require.NoError(t, json.Unmarshal([]byte(body), &e))
				return e.Error.Field != "" || len(e.Errors) > 0
			}
			assert.Equal(t, want, [2]bool{field(invalid), field(duplicate)}, "%d %d", rule, shape)
		}
	}
}
