package mihutest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// ruled is a server with rules, two agents, and a trunk of the first.
type ruled struct {
	*testing.T
	*mihutest.Server
	agents [2]string
}

const ruledNumber, otherNumber = "+12345678901", "+12345678902"

func withRules(t *testing.T, rules mihutest.Rules) *ruled {
	t.Helper()
	r := &ruled{T: t, Server: mihutest.NewServer(t, mihutest.WithRules(rules))}
	for i := range r.agents {
		r.agents[i] = r.AddAgent(fmt.Sprint("agent ", i))
	}
	require.NoError(t, r.AddTrunk(mihutest.Trunk{ID: callOf(ruledNumber), AgentUUID: r.agents[0]}))
	return r
}

func callOf(number string) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
}

// ask sends a request and returns the status, the body and the header of the response.
func (r *ruled) ask(method, path, body string) (int, string, http.Header) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.URL()+path, strings.NewReader(body))
	require.NoError(r, err)
	req.Header.Set("Authorization", "Bearer "+r.Token())
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(r, err)
	require.NoError(r, resp.Body.Close())
	return resp.StatusCode, string(text), resp.Header
}

func (r *ruled) create(number string, agent int) int {
	status, _, _ := r.ask(http.MethodPost, "/phone-numbers/trunks", fmt.Sprintf(`{"phone_number":%q,"channel":"call","agent_uuid":%q}`, number, r.agents[agent]))
	return status
}

// agentOf returns the agent of a number by its index; -1 if it has no trunk.
func (r *ruled) agentOf(number string) int {
	trunk, ok := r.Trunk(callOf(number))
	for i, agent := range r.agents {
		if ok && trunk.AgentUUID == agent {
			return i
		}
	}
	return -1
}

func TestOnDuplicate(t *testing.T) {
	t.Parallel()
	for rule, want := range map[mihutest.OnDuplicate]struct{ status, agent int }{
		mihutest.RefuseDuplicate: {409, 0}, mihutest.UpdateDuplicate: {201, 1}, mihutest.KeepDuplicate: {201, 0},
	} {
		r := withRules(t, mihutest.Rules{OnDuplicate: rule})
		assert.Equal(t, want.status, r.create(ruledNumber, 1), "%d", rule)
		assert.Equal(t, want.agent, r.agentOf(ruledNumber), "%d", rule)
		assert.Equal(t, rule == mihutest.UpdateDuplicate, r.Requests()[0].Changed, "%d", rule)
	}
}

func TestOnBusyAgent(t *testing.T) {
	t.Parallel()
	for rule, want := range map[mihutest.OnBusyAgent]struct{ status, first, second int }{
		mihutest.RefuseBusyAgent: {409, 0, -1}, mihutest.ShareBusyAgent: {201, 0, 0}, mihutest.TakeBusyAgent: {201, -1, 0},
	} {
		r := withRules(t, mihutest.Rules{OnBusyAgent: rule})
		assert.Equal(t, want.status, r.create(otherNumber, 0), "%d", rule)
		assert.Equal(t, want.first, r.agentOf(ruledNumber), "%d", rule)
		assert.Equal(t, want.second, r.agentOf(otherNumber), "%d", rule)
	}
	// An agent that two numbers share still serves the other when one is gone.
	r := withRules(t, mihutest.Rules{OnBusyAgent: mihutest.ShareBusyAgent})
	require.Equal(t, 201, r.create(otherNumber, 0))
	status, _, _ := r.ask(http.MethodDelete, "/phone-numbers/trunks?channel=call&phone_number=%2B12345678901", "")
	require.Equal(t, 200, status)
	assert.Equal(t, 0, r.agentOf(otherNumber))
}

// What a request gets that is about something which is not there, or which a rule refuses.
func TestOpenStatuses(t *testing.T) {
	t.Parallel()
	const trunks, missing = "/phone-numbers/trunks", `"phone_number":"+12345678909","channel":"call"`
	there := `"phone_number":"` + ruledNumber + `","channel":"call"`
	for _, test := range []struct {
		name               string
		rules              mihutest.Rules
		method, path, body string
		status             int
	}{
		{"an update of no trunk", mihutest.Rules{}, http.MethodPatch, trunks, "{" + missing + `,"name":"x"}`, 404},
		{"and with another status", mihutest.Rules{UnknownTrunkStatus: 422}, http.MethodPatch, trunks, "{" + missing + `,"name":"x"}`, 422},
		{"a deletion of no trunk", mihutest.Rules{UnknownTrunkStatus: 410}, http.MethodDelete, trunks + "?channel=call&phone_number=%2B12345678909", "", 410},
		{"and as a success", mihutest.Rules{DeleteMissing: true, DeleteStatus: 204}, http.MethodDelete, trunks + "?channel=call&phone_number=%2B12345678909", "", 204},
		{"channels of no number", mihutest.Rules{}, http.MethodGet, "/phone-numbers/channels?number=%2B12345678909", "", 404},
		{"and as an unbound one", mihutest.Rules{UnboundUnknown: true}, http.MethodGet, "/phone-numbers/channels?number=%2B12345678909", "", 200},
		{"an empty name", mihutest.Rules{}, http.MethodPatch, trunks, "{" + there + `,"name":""}`, 200},
		{"and refused", mihutest.Rules{RefuseEmptyName: true}, http.MethodPatch, trunks, "{" + there + `,"name":""}`, 422},
		{"an empty port", mihutest.Rules{}, http.MethodPatch, trunks, "{" + there + `,"sip":{"port":""}}`, 200},
		{"and refused, too", mihutest.Rules{RefuseEmptyPort: true}, http.MethodPatch, trunks, "{" + there + `,"sip":{"port":""}}`, 422},
		{"a large page", mihutest.Rules{MaxPerPage: 100}, http.MethodGet, trunks + "?per_page=101", "", 422},
		{"and clamped", mihutest.Rules{MaxPerPage: 100, ClampPerPage: true}, http.MethodGet, trunks + "?per_page=101", "", 200},
		{"a page after the last", mihutest.Rules{}, http.MethodGet, trunks + "?page=9", "", 200},
		{"which is not there", mihutest.Rules{OnPageAfterLast: mihutest.NoSuchPage}, http.MethodGet, trunks + "?page=9", "", 404},
	} {
		r := withRules(t, test.rules)
		status, body, _ := r.ask(test.method, test.path, test.body)
		assert.Equal(t, test.status, status, "%s: %s", test.name, body)
	}
}

func TestPagesOfRules(t *testing.T) {
	t.Parallel()
	page := func(r *ruled, query string) (page, perPage, items int) {
		_, body, _ := r.ask(http.MethodGet, "/phone-numbers/trunks?"+query, "")
		var envelope struct {
			Data struct {
				Items      []any
				Pagination struct {
					CurrentPage int `json:"current_page"`
					PerPage     int `json:"per_page"`
				}
			}
		}
		require.NoError(r, json.Unmarshal([]byte(body), &envelope), body)
		return envelope.Data.Pagination.CurrentPage, envelope.Data.Pagination.PerPage, len(envelope.Data.Items)
	}
	r := withRules(t, mihutest.Rules{MaxPerPage: 2, ClampPerPage: true, OnPageAfterLast: mihutest.LastPageAgain})
	require.Equal(t, 201, r.create(otherNumber, 1))
	for query, want := range map[string][3]int{"": {1, 2, 2}, "per_page=50": {1, 2, 2}, "per_page=1&page=2": {2, 1, 1}, "per_page=1&page=7": {2, 1, 1}} {
		number, size, items := page(r, query)
		assert.Equal(t, want, [3]int{number, size, items}, query)
	}
}

func TestErrorShapesByStatus(t *testing.T) {
	t.Parallel()
	r := withRules(t, mihutest.Rules{
		ErrorShape: mihutest.ErrorData, ErrorShapes: map[int]mihutest.ErrorShape{422: mihutest.ErrorFramework}, RequestIDHeaders: []string{"X-Trace"},
	})
	_, body, header := r.ask(http.MethodPost, "/phone-numbers/trunks", "{}")
	assert.Contains(t, body, `"errors":{`)
	assert.NotEmpty(t, header.Get("X-Trace"))
	assert.Empty(t, header.Get("X-Request-Id"))
	_, body, _ = r.ask(http.MethodGet, "/nowhere", "")
	assert.Contains(t, body, `"data":{"error":"route_not_found"}`)
}

func TestUpdatedAt(t *testing.T) {
	t.Parallel()
	at := func(r *ruled) string {
		page, err := r.Client(r).Trunks.List(r.Context(), nil)
		require.NoError(r, err)
		return page.Items[0].UpdatedAt.Format(time.RFC3339Nano)
	}
	r := withRules(t, mihutest.Rules{UpdatedAt: true})
	first := at(r)
	_, err := r.Client(t).Trunks.Update(t.Context(), callOf(ruledNumber), &mihu.TrunkUpdateRequest{Name: new("x")})
	require.NoError(t, err)
	second := at(r)
	assert.NotEqual(t, first, second)
	_, err = r.Client(t).Trunks.Assign(t.Context(), callOf(ruledNumber), r.agents[1])
	require.NoError(t, err)
	assert.NotEqual(t, second, at(r))
}

func TestImpossibleChoices(t *testing.T) {
	t.Parallel()
	for want, rules := range map[string]mihutest.Rules{
		"UnknownTrunkStatus cannot be 500":   {UnknownTrunkStatus: 500},
		"there is no OnDuplicate 3":          {OnDuplicate: 3},
		"there is no OnBusyAgent -1":         {OnBusyAgent: -1},
		"there is no OnPageAfterLast 3":      {OnPageAfterLast: 3},
		"MaxPerPage cannot be 201":           {MaxPerPage: 201},
		"ErrorShapes cannot have 200":        {ErrorShapes: map[int]mihutest.ErrorShape{200: mihutest.ErrorData}},
		"there is no ErrorShape 9":           {ErrorShapes: map[int]mihutest.ErrorShape{404: 9}},
		`RequestIDHeaders cannot have "x y"`: {RequestIDHeaders: []string{"x y"}},
	} {
		_, err := mihutest.Start(mihutest.WithRules(rules))
		require.ErrorContains(t, err, want)
	}
}
