package mihu_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	otherUUID = "8d1f5f0e-6f5c-4a53-9f0e-2b6f4f3c9a10"
	adaJSON   = `{ "agent_uuid": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "name": "Ada", "status": "active", "voice": {"id": 12345678901234567890}, "role": null }`
)

// paged is a success with one page of these items, which says that it is the last.
func paged(items ...string) string {
	return fmt.Sprintf(`{"success": true, "data": {"items": [%s], "pagination": {"current_page": 1, "per_page": 200, "total": %d, "last_page": 1, "has_more": false}}}`,
		strings.Join(items, ","), len(items))
}

func namedAgent(uuid, name string) string {
	return fmt.Sprintf(`{"agent_uuid": %q, "name": %q}`, uuid, name)
}

func TestAgentsList(t *testing.T) {
	t.Parallel()
	ada := mihu.Agent{UUID: agentUUID, Name: "Ada", Status: "active", Raw: json.RawMessage(adaJSON)}
	for name, c := range map[string]struct {
		response string
		want     mihu.Agent
		rawAlike bool // the raw JSON is encoded again
	}{
		"documented": {paged(adaJSON), ada, false},
		"framework":  {`{"data": {"current_page": 1, "data": [` + adaJSON + `], "last_page": 1}}`, ada, true},
		"array":      {`{"success": 1, "data": [` + adaJSON + `]}`, ada, true},
		"list with gaps": {
			`{"success": true, "data": {"items": {"0": ` + adaJSON + `}}}`, ada, true,
		},
		"every field": {
			paged(`{"agent_uuid": "a", "name": "b", "status": "c", "description": "d", "company_name": "e", "role": "f", "language": "g", "timezone": "h"}`),
			mihu.Agent{
				UUID: "a", Name: "b", Status: "c", Description: "d", CompanyName: "e", Role: "f", Language: "g", Timezone: "h",
				Raw: json.RawMessage(`{"agent_uuid": "a", "name": "b", "status": "c", "description": "d", "company_name": "e", "role": "f", "language": "g", "timezone": "h"}`),
			},
			false,
		},
		"unreadable fields": {
			paged(`{"agent_uuid": "a", "name": ["b"], "role": {"x": 1}, "language": 5}`),
			mihu.Agent{
				UUID: "a", Language: "5", Unreadable: []string{"name", "role"}, Raw: json.RawMessage(`{"agent_uuid": "a", "name": ["b"], "role": {"x": 1}, "language": 5}`),
			},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodGet, "/agents", c.response)
			page, err := client.Agents.List(t.Context(), &mihu.ListOptions{Page: 2, PerPage: 7})
			require.NoError(t, err)
			assert.Equal(t, "page=2&per_page=7", got.Query)
			require.Len(t, page.Items, 1)
			if agent := &page.Items[0]; c.rawAlike {
				assert.JSONEq(t, string(c.want.Raw), string(agent.Raw))
				assert.Contains(t, string(c.want.Raw), "agent_uuid")
				agent.Raw = c.want.Raw
			}
			assert.Equal(t, c.want, page.Items[0])
		})
	}
}

func TestAgentsWithoutUUIDAreMalformed(t *testing.T) {
	t.Parallel()
	for name, item := range map[string]string{
		"missing": `{"name": "Ada"}`, "null": `{"agent_uuid": null, "name": "Ada"}`, "empty": `{"agent_uuid": "", "name": "Ada"}`,
		"an object": `{"agent_uuid": {}, "name": "Ada"}`, "no object": `"Ada"`, "null item": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := endpoint(t, http.MethodGet, "/agents", paged(adaJSON, item))
			_, err := client.Agents.List(t.Context(), nil)
			require.ErrorIs(t, err, mihu.ErrMalformedResponse)
			for agent, err := range client.Agents.All(t.Context(), nil) {
				require.ErrorIs(t, err, mihu.ErrMalformedResponse)
				assert.Equal(t, mihu.Agent{}, agent)
			}
			_, err = client.Agents.Find(t.Context(), "Ada")
			require.ErrorIs(t, err, mihu.ErrMalformedResponse, "a list that cannot be read proves nothing")
		})
	}
}

func TestAgentsFind(t *testing.T) {
	t.Parallel()
	const third, fourth = "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004"
	list := paged(
		namedAgent(agentUUID, "Front desk"), namedAgent(otherUUID, "Night desk"), namedAgent(third, "Front desk"), namedAgent(fourth, otherUUID),
	)
	for name, c := range map[string]struct {
		wanted string
		uuid   string // of the agent; "" for an error
		is     error
		text   string
	}{
		"a name":                  {"Night desk", otherUUID, nil, ""},
		"a UUID":                  {third, third, nil, ""},
		"a UUID in upper case":    {strings.ToUpper(agentUUID), agentUUID, nil, ""},
		"a UUID before a name":    {otherUUID, otherUUID, nil, ""},
		"a name of several":       {"Front desk", "", mihu.ErrAmbiguous, `mihu: agents.find: ambiguous: 2 agents are named "Front desk": ` + agentUUID + `, ` + third + `; use the UUID of one of them`},
		"a name in another case":  {"night desk", "", mihu.ErrNotFound, `mihu: agents.find: not found: no agent has the name or UUID "night desk"; did you mean "Night desk" (` + otherUUID + `)?`},
		"a name with a space":     {"Night desk ", "", mihu.ErrNotFound, `"Night desk "; did you mean "Night desk" (` + otherUUID + `)?`},
		"a name with a typo":      {"Nihgt desk", "", mihu.ErrNotFound, `did you mean "Night desk" (` + otherUUID + `)?`},
		"a part of a name":        {"Night", "", mihu.ErrNotFound, `did you mean "Night desk" (` + otherUUID + `)?`},
		"several near names":      {"Fron desk", "", mihu.ErrNotFound, `did you mean "Front desk" (` + agentUUID + `), "Front desk" (` + third + `)?`},
		"no such name":            {"Reception", "", mihu.ErrNotFound, `mihu: agents.find: not found: no agent has the name or UUID "Reception"`},
		"no such UUID":            {numberUUID, "", mihu.ErrNotFound, `mihu: agents.find: not found: no agent has the name or UUID "` + numberUUID + `"`},
		"a number in its place":   {"+12345678901", "", mihu.ErrNotFound, `no agent has the name or UUID "` + maskedNumber + `"`},
		"a text of several lines": {strings.Repeat("é", 99), "", mihu.ErrNotFound, strings.Repeat("é", 32) + `…"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := endpoint(t, http.MethodGet, "/agents", list)
			agent, err := client.Agents.Find(t.Context(), c.wanted)
			if c.uuid != "" {
				require.NoError(t, err)
				assert.Equal(t, c.uuid, agent.UUID)
				return
			}
			require.ErrorIs(t, err, c.is)
			assert.Nil(t, agent)
			var lookup *mihu.AgentLookupError
			require.ErrorAs(t, err, &lookup)
			assert.Equal(t, mihu.OpAgentsFind, lookup.Op)
			assert.Equal(t, c.wanted, lookup.Wanted)
			require.ErrorContains(t, err, c.text)
			assert.True(t, strings.HasSuffix(err.Error(), c.text), err.Error())
			assert.NotErrorIs(t, err, map[error]error{mihu.ErrNotFound: mihu.ErrAmbiguous, mihu.ErrAmbiguous: mihu.ErrNotFound}[c.is])
			assert.True(t, mihu.IsRefusal(err))
			assert.False(t, mihu.IsTransient(err))
		})
	}
}

// The error of a name that many agents have stays small, and reports the number of agents.
func TestAmbiguousNamesAreBounded(t *testing.T) {
	t.Parallel()
	var items []string
	for i := range 150 {
		items = append(items, namedAgent(fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "Desk"))
	}
	client, _ := endpoint(t, http.MethodGet, "/agents", paged(items...))
	_, err := client.Agents.Find(t.Context(), "Desk")
	var lookup *mihu.AgentLookupError
	require.ErrorAs(t, err, &lookup)
	assert.Equal(t, 150, lookup.Count)
	assert.Len(t, lookup.Candidates, 20)
	assert.Nil(t, lookup.Nearest)
	assert.Contains(t, err.Error(), "150 agents are named")
	assert.Contains(t, err.Error(), "000000000004 and 145 more; use")
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, err.Error(), fmt.Sprintf(format, lookup))
	}
	assert.Equal(t, slog.KindGroup, lookup.LogValue().Kind())
}

func TestAgentsFindRefuses(t *testing.T) {
	t.Parallel()
	client := mustNotSend(t)
	for name, wanted := range map[string]string{"nothing": "", "a line end": "Front desk\n", "no text": "\xff"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Agents.Find(t.Context(), wanted)
			requireViolations(t, err, mihu.OpAgentsFind, "agent")
		})
	}
	_, err := client.Agents.List(t.Context(), &mihu.ListOptions{PerPage: 201})
	requireViolations(t, err, mihu.OpAgentsList, "per_page")
	for _, err := range client.Agents.All(t.Context(), &mihu.AllOptions{Prefetch: -1}) {
		requireViolations(t, err, mihu.OpAgentsAll, "prefetch")
	}
	_, err = mihu.AgentsService{}.Find(t.Context(), "a")
	require.ErrorIs(t, err, mihu.ErrInvalid)
}

// An agent whose name cannot be read may be the one.
func TestAgentsFindWithAnUnreadableName(t *testing.T) {
	t.Parallel()
	client, _ := endpoint(t, http.MethodGet, "/agents", paged(namedAgent(agentUUID, "Ada"), `{"agent_uuid": "`+otherUUID+`", "name": {"en": "Ada"}}`))
	_, err := client.Agents.Find(t.Context(), "Ada")
	require.ErrorIs(t, err, mihu.ErrMalformedResponse)
	require.ErrorContains(t, err, otherUUID)
	agent, err := client.Agents.Find(t.Context(), agentUUID)
	require.NoError(t, err)
	assert.Equal(t, "Ada", agent.Name)

	client, _ = endpoint(t, http.MethodGet, "/agents", paged(namedAgent(agentUUID, "Ada"), `{"agent_uuid": "`+otherUUID+`"}`))
	_, err = client.Agents.Find(t.Context(), "Ada")
	require.ErrorIs(t, err, mihu.ErrMalformedResponse)
	client, _ = endpoint(t, http.MethodGet, "/agents", paged(namedAgent(agentUUID, "Ada"), `{"agent_uuid": "`+otherUUID+`", "name": null}`))
	_, err = client.Agents.Find(t.Context(), "Ada")
	require.NoError(t, err, "an agent without a name is not the one")
}

// An API without the list is an API error, and no answer to the question who has the name.
func TestAgentsOfAnAPIWithoutThem(t *testing.T) {
	t.Parallel()
	for status, is := range map[int]error{http.StatusNotFound: mihu.ErrNotFound, http.StatusForbidden: mihu.ErrForbidden} {
		wire := newWire(t, apiError(status))
		_, err := newClient(t, wire).Agents.Find(t.Context(), "Ada")
		require.ErrorIs(t, err, is)
		assert.Equal(t, mihu.OpAgentsList, requireAPIError(t, err).Op)
		_, isLookup := errors.AsType[*mihu.AgentLookupError](err)
		assert.False(t, isLookup)
		assert.Equal(t, 1, wire.Attempts())
	}
}

// A list that ends early is an error for Find, whichever agent it has.
func TestAgentsFindInAListThatIsNotWhole(t *testing.T) {
	t.Parallel()
	client, _ := endpoint(t, http.MethodGet, "/agents", `{"success": true, "data": {"items": [`+adaJSON+`], "pagination": {"total": 3}}}`)
	_, err := client.Agents.Find(t.Context(), "Ada")
	require.ErrorIs(t, err, mihu.ErrMalformedResponse)
	require.ErrorContains(t, err, "mihu: agents.find: malformed response: the list is not whole")
	_, err = client.Agents.Find(t.Context(), agentUUID)
	require.NoError(t, err, "a UUID is found whatever follows")
}

func TestAgentsPrint(t *testing.T) {
	t.Parallel()
	agent := mihu.Agent{
		UUID: agentUUID, Name: "Ada +12345678901\nx", Status: "active", Description: "planted", CompanyName: "planted", Role: "planted",
		Raw: json.RawMessage(`{"planted":1}`),
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		text := fmt.Sprintf(format, agent)
		assert.Equal(t, `Agent{agent_uuid:"`+agentUUID+`" name:"Ada `+maskedNumber+` x" status:"active"}`, text)
	}
	var log logbook
	log.logger().Info("found", "agent", agent)
	assert.NotContains(t, log.String(), "planted")
	assert.NotContains(t, log.String(), number)
}

func TestTrunksByAgent(t *testing.T) {
	t.Parallel()
	const (
		none      = `{"bound": false}`
		onBoth    = `{"number": "+12345678901", "is_external": true, "bindings": {"call": {"bound": true, "agent_uuid": "` + agentUUID + `"}, "whatsapp": {"bound": true, "agent_uuid": "` + agentUUID + `"}}}`
		onUpper   = `{"number": "+12345678902", "source": "external", "bindings": {"call": {"bound": true, "agent_uuid": "3C90C3CC-0D44-4B50-8888-8DD25736052A"}, "whatsapp": ` + none + `}}`
		onOther   = `{"number": "+12345678903", "is_external": true, "bindings": {"call": {"bound": true, "agent_uuid": "` + otherUUID + `"}, "sms": {"bound": true, "agent_uuid": "` + agentUUID + `"}, "whatsapp": ` + none + `}}`
		purchased = `{"number": "+12345678904", "source": "purchased", "bindings": {"call": {"bound": true, "agent_uuid": "` + agentUUID + `"}, "whatsapp": ` + none + `}}`
		unbound   = `{"number": "+12345678905", "is_external": true, "bindings": {"call": {"bound": false, "agent_uuid": "` + agentUUID + `"}, "whatsapp": ` + none + `}}`
	)
	client, got := endpoint(t, http.MethodGet, "/phone-numbers/trunks", paged(onBoth, onUpper, onOther, purchased, unbound))
	trunks, err := client.Trunks.ByAgent(t.Context(), agentUUID)
	require.NoError(t, err)
	assert.Equal(t, []mihu.TrunkID{frontDesk, whatsAppTrunk, {PhoneNumber: "+12345678902", Channel: mihu.ChannelCall}}, trunks)
	assert.Equal(t, "page=1&per_page=200", got.Query)

	trunks, err = client.Trunks.ByAgent(t.Context(), numberUUID)
	require.NoError(t, err)
	assert.Equal(t, []mihu.TrunkID{}, trunks)

	for name, item := range map[string]string{
		"bindings":         `{"number": "+12345678905", "is_external": true, "bindings": 5}`,
		"a binding":        `{"number": "+12345678905", "is_external": true, "bindings": {"call": "x"}}`,
		"whether bound":    `{"number": "+12345678905", "is_external": true, "bindings": {"call": {"bound": [1]}}}`,
		"the agent":        `{"number": "+12345678905", "is_external": true, "bindings": {"whatsapp": {"bound": true, "agent_uuid": {}}}}`,
		"whether external": `{"number": "+12345678905", "is_external": "perhaps", "bindings": {"call": ` + none + `, "whatsapp": ` + none + `}}`,
		"no mark":          `{"number": "+12345678905", "bindings": {"call": ` + none + `, "whatsapp": ` + none + `}}`,
		"no bindings":      `{"number": "+12345678905", "is_external": true}`,
		"no channel":       `{"number": "+12345678905", "is_external": true, "bindings": {"call": ` + none + `}}`,
	} {
		client, _ := endpoint(t, http.MethodGet, "/phone-numbers/trunks", paged(onBoth, item))
		trunks, err := client.Trunks.ByAgent(t.Context(), agentUUID)
		require.ErrorIs(t, err, mihu.ErrMalformedResponse, name)
		require.ErrorContains(t, err, "mihu: trunks.by_agent: malformed response: the list is not whole: the bindings of +1234•••8905 are missing or cannot be read", name)
		assert.Nil(t, trunks)
	}
	client, _ = endpoint(t, http.MethodGet, "/phone-numbers/trunks", paged(onBoth, `{"number": "+12345678905", "is_external": true, "billing": 5, "bindings": {"call": `+none+`, "whatsapp": `+none+`}}`))
	_, err = client.Trunks.ByAgent(t.Context(), agentUUID)
	require.NoError(t, err, "what does not decide may be unreadable")

	_, err = mustNotSend(t).Trunks.ByAgent(t.Context(), "Ada")
	requireViolations(t, err, mihu.OpTrunksByAgent, "agent_uuid")
}

func TestPredicatesOfANumber(t *testing.T) {
	t.Parallel()
	n := mihu.PhoneNumber{Bindings: mihu.Bindings{SMS: mihu.Binding{Bound: true}}}
	assert.True(t, n.Bound(mihu.ChannelSMS))
	assert.False(t, n.Bound(mihu.ChannelCall))
	assert.False(t, n.Bound("fax"))
}

// endless is a transport with lists of any length, which it makes page by page.
type endless struct {
	requests atomic.Int64
	total    int
	item     func(i int) string
}

func (e *endless) RoundTrip(req *http.Request) (*http.Response, error) {
	e.requests.Add(1)
	query, _ := url.ParseQuery(req.URL.RawQuery)
	page, _ := strconv.Atoi(query.Get("page"))
	size, _ := strconv.Atoi(query.Get("per_page"))
	last := (e.total + size - 1) / size
	var b strings.Builder
	b.WriteString(`{"success":true,"data":{"items":[`)
	first := (page - 1) * size
	for i := first; i < min(first+size, e.total); i++ {
		if i > first {
			b.WriteByte(',')
		}
		b.WriteString(e.item(i))
	}
	fmt.Fprintf(&b, `],"pagination":{"current_page":%d,"per_page":%d,"total":%d,"last_page":%d,"has_more":%t}}}`, page, size, e.total, last, page < last)
	return response(http.StatusOK, b.String()), nil
}

// Lists of any length are read page by page: the pages and nothing more are requested, and no more
// is held than the pages of the window and a hash of every item.
func TestListsAreBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	filler := strings.Repeat("x", 500)
	for name, c := range map[string]struct {
		total, pages int
		item         func(i int) string
		count        func(ctx context.Context, c *mihu.Client, options *mihu.AllOptions, each func()) error
	}{
		"numbers": {100_000, 500, func(i int) string {
			return fmt.Sprintf(`{"number":"+1%010d","location":%q,"is_external":true,"bindings":{"call":{"bound":false},"sms":{"bound":false},"whatsapp":{"bound":false}}}`, i, filler)
		}, func(ctx context.Context, c *mihu.Client, options *mihu.AllOptions, each func()) error {
			for _, err := range c.Numbers.All(ctx, options) {
				if err != nil {
					return err
				}
				each()
			}
			return nil
		}},
		"agents": {5_000, 25, func(i int) string {
			return fmt.Sprintf(`{"agent_uuid":"00000000-0000-4000-8000-%012d","name":"Agent %d","description":%q}`, i, i, filler)
		}, func(ctx context.Context, c *mihu.Client, options *mihu.AllOptions, each func()) error {
			for _, err := range c.Agents.All(ctx, options) {
				if err != nil {
					return err
				}
				each()
			}
			return nil
		}},
		"rates": {40_000, 200, func(i int) string {
			return fmt.Sprintf(`{"country_code":"IT","destination_prefix":"39","description":"%s%d","price":{"amount":0.01,"currency":"EUR"}}`, filler, i/3)
		}, func(ctx context.Context, c *mihu.Client, options *mihu.AllOptions, each func()) error {
			for _, err := range c.Numbers.AllRates(ctx, &mihu.AllRatesOptions{Prefetch: options.Prefetch}) {
				if err != nil {
					return err
				}
				each()
			}
			return nil
		}},
	} {
		for _, prefetch := range []int{0, 4} {
			t.Run(fmt.Sprint(name, " prefetch ", prefetch), func(t *testing.T) {
				api := &endless{total: c.total, item: c.item}
				seen := 0
				var before, now runtime.MemStats
				var highest uint64
				runtime.GC()
				runtime.ReadMemStats(&before)
				err := c.count(t.Context(), newClient(t, api), &mihu.AllOptions{Prefetch: prefetch}, func() {
					if seen++; seen%10_000 == 0 {
						runtime.GC()
						runtime.ReadMemStats(&now)
						highest = max(highest, now.HeapAlloc)
					}
				})
				require.NoError(t, err)
				assert.Equal(t, c.total, seen)
				assert.Equal(t, int64(c.pages), api.requests.Load(), "the pages and nothing more")
				if highest > 0 {
					assert.Less(t, int64(highest)-int64(before.HeapAlloc), int64(16<<20), "bytes held")
				}
			})
		}
	}
}

// Find keeps a few agents of many.
func TestAgentsFindAmongMany(t *testing.T) {
	t.Parallel()
	api := &endless{total: 5_000, item: func(i int) string {
		return namedAgent(fmt.Sprintf("00000000-0000-4000-8000-%012d", i), fmt.Sprintf("Agent %d", i))
	}}
	client := newClient(t, api)
	agent, err := client.Agents.Find(t.Context(), "Agent 4999")
	require.NoError(t, err)
	assert.Equal(t, "00000000-0000-4000-8000-000000004999", agent.UUID)
	assert.Equal(t, int64(25), api.requests.Load())
	_, err = client.Agents.Find(t.Context(), "00000000-0000-4000-8000-000000000001")
	require.NoError(t, err)
	assert.Equal(t, int64(26), api.requests.Load(), "a UUID ends the list")
	_, err = client.Agents.Find(t.Context(), "Agent 49999")
	require.ErrorContains(t, err, `did you mean "Agent 4999" (`)
}

// The fake server and the client agree, whatever the shape of the list.
func TestAgentsOfTheFakeServer(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]mihutest.Rules{
		"documented":    {},
		"all at once":   {NoPagination: true},
		"partial":       {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingPartial}},
		"framework":     {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingFramework}},
		"simple":        {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingSimple}},
		"array":         {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingArray}},
		"wrapped":       {SuccessShape: mihutest.SuccessShape{Wrapped: true}},
		"byte order":    {SuccessShape: mihutest.SuccessShape{ByteOrderMark: true, OmitSuccess: true}},
		"ignores pages": {SuccessShape: mihutest.SuccessShape{IgnorePage: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport(), mihutest.WithRules(rules))
			const total = 450
			for i := range total {
				srv.AddAgent(fmt.Sprint("Agent ", i))
			}
			client := srv.Client(t)
			names := map[string]bool{}
			var failed error
			for agent, err := range client.Agents.All(t.Context(), nil) {
				if failed = err; err == nil {
					names[agent.Name] = true
				}
			}
			agent, err := client.Agents.Find(t.Context(), "Agent 449")
			if rules.SuccessShape.IgnorePage {
				require.ErrorIs(t, failed, mihu.ErrMalformedResponse)
				require.ErrorIs(t, err, mihu.ErrMalformedResponse)
				return
			}
			require.NoError(t, failed)
			assert.Len(t, names, total)
			require.NoError(t, err)
			assert.Equal(t, "active", agent.Status)
			assert.Contains(t, string(agent.Raw), `"name":"Agent 449"`)
		})
	}
}
