package probe_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/mihu-go/mihu/mihutest"
)

// mutant is a server that no rule describes: a fake server whose requests and responses are changed.
type mutant struct {
	name  string
	rules mihutest.Rules
	wrap  func(m *altered) http.RoundTripper
	// want is how the probe names the deviation. It is the beginning of one of: a question whose answer
	// no rule expresses or that contradicts the contract, such as "delete.twice: accepted 200"; the
	// reason why the probe stops or does not begin; or "as rules" if rules do express it.
	want string
	// evidence is set if responses have members that no server of rules has: the answers are the same,
	// and the structures are not.
	evidence bool
}

// altered is the server behind a mutant.
type altered struct {
	srv  *mihutest.Server
	next http.RoundTripper
	t    *testing.T
}

// request is a request as mutants read it.
type request struct {
	*http.Request
	path, number, agent string
	body                []byte
}

func read(t *testing.T, r *http.Request) request {
	t.Helper()
	q := request{Request: r, path: r.URL.Path[strings.Index(r.URL.Path, "/v1/")+3:]}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		q.body = body
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	var fields struct {
		Number string `json:"phone_number"`
		Agent  string `json:"agent_uuid"`
	}
	_ = json.Unmarshal(q.body, &fields)
	q.number, q.agent = fields.Number, fields.Agent
	for _, name := range []string{"phone_number", "number"} {
		if value := r.URL.Query().Get(name); value != "" {
			q.number = value
		}
	}
	return q
}

func (q *request) is(method, path string) bool { return q.Method == method && q.path == path }

const trunks, channels, assign = "/phone-numbers/trunks", "/phone-numbers/channels", "/phone-numbers/trunks/assign"

// send sends a request to the server.
func (m *altered) send(q *request) *http.Response {
	m.t.Helper()
	r := q.Clone(q.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(q.body)), int64(len(q.body))
	resp, err := m.next.RoundTrip(r)
	require.NoError(m.t, err)
	return resp
}

// other sends another request to the server.
func (m *altered) other(q *request, method, path, body string) *http.Response {
	m.t.Helper()
	r, err := http.NewRequestWithContext(q.Context(), method, m.srv.URL()+path, strings.NewReader(body))
	require.NoError(m.t, err)
	r.Header = q.Header.Clone()
	if body == "" {
		r.Body = nil
	}
	resp, err := m.next.RoundTrip(r)
	require.NoError(m.t, err)
	return resp
}

// replace replaces responses: do returns nil where the server's stays.
func replace(do func(m *altered, q *request) *http.Response) func(*altered) http.RoundTripper {
	return func(m *altered) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			q := read(m.t, r)
			if resp := do(m, &q); resp != nil {
				return resp, nil
			}
			return m.send(&q), nil
		})
	}
}

// edit changes responses after the fact.
func edit(do func(q *request, resp *http.Response, text string) (status int, body string)) func(*altered) http.RoundTripper {
	return replace(func(m *altered, q *request) *http.Response {
		resp := m.send(q)
		data, err := io.ReadAll(resp.Body)
		require.NoError(m.t, err)
		status, body := do(q, resp, string(data))
		resp.StatusCode, resp.ContentLength = status, int64(len(body))
		resp.Header.Del("Content-Length")
		resp.Body = io.NopCloser(strings.NewReader(body))
		return resp
	})
}

// errorsAs changes the responses that refuse something.
func errorsAs(do func(status int, text string) (int, string)) func(*altered) http.RoundTripper {
	return edit(func(_ *request, resp *http.Response, text string) (int, string) {
		if resp.StatusCode < 400 {
			return resp.StatusCode, text
		}
		return do(resp.StatusCode, text)
	})
}

// decoded changes the JSON of responses that succeed.
func decoded(do func(q *request, object map[string]any) any) func(*altered) http.RoundTripper {
	return edit(func(q *request, resp *http.Response, text string) (int, string) {
		var object map[string]any
		if resp.StatusCode >= 400 || json.Unmarshal([]byte(text), &object) != nil {
			return resp.StatusCode, text
		}
		data, _ := json.Marshal(do(q, object)) // it was JSON
		return resp.StatusCode, string(data)
	})
}

// everywhere changes members of this name at any depth.
func everywhere(value any, name string, do func(any) any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			if key == name {
				value[key] = do(v)
				continue
			}
			value[key] = everywhere(v, name, do)
		}
	case []any:
		for i := range value {
			value[i] = everywhere(value[i], name, do)
		}
	}
	return value
}

// members changes all members of a name in responses that succeed.
func members(name string, do func(any) any) func(*altered) http.RoundTripper {
	return decoded(func(_ *request, object map[string]any) any { return everywhere(object, name, do) })
}

// texts changes all members of a name that are texts in responses that succeed.
func texts(name string, do func(string) string) func(*altered) http.RoundTripper {
	return members(name, func(v any) any {
		if text, ok := v.(string); ok {
			return do(text)
		}
		return v
	})
}

// listed changes the data of the list of trunks.
func listed(do func(data map[string]any, items []any)) func(*altered) http.RoundTripper {
	return decoded(func(q *request, object map[string]any) any {
		data, ok := object["data"].(map[string]any)
		if items, isList := data["items"].([]any); ok && isList && q.path == trunks {
			do(data, items)
		}
		return object
	})
}

const ok200 = `{"success":true,"message":"done"}`

// kept keeps only the first n of every responses.
func counted(do func(n int, m *altered, q *request) *http.Response) func(*altered) http.RoundTripper {
	return func(m *altered) http.RoundTripper {
		n := 0
		return replace(func(m *altered, q *request) *http.Response {
			n++
			return do(n, m, q)
		})(m)
	}
}

// writeMutants differ in what a change does.
var writeMutants = []mutant{
	{name: "upsert that changes nothing", rules: mihutest.Rules{OnDuplicate: mihutest.KeepDuplicate, DuplicateStatus: 200}, wrap: plain, want: "as rules"},
	{name: "agents are stolen by PUT only", rules: mihutest.Rules{OnBusyAssign: new(mihutest.TakeBusyAgent)}, wrap: plain, want: "as rules"},
	{
		name: "second DELETE gets 200, the first 204", rules: mihutest.Rules{DeleteStatus: 204}, want: "delete.twice: accepted 200",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.Method == http.MethodDelete && resp.StatusCode == http.StatusNotFound {
				return 200, ok200
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "null is accepted for one field", want: "update.null: varies",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			q.body = bytes.ReplaceAll(q.body, []byte(`"additional_settings":null`), []byte(`"additional_settings":{}`))
			return nil
		}),
	},
	{
		name: "an unknown field is accepted at the top only", want: "update.unknown_field: varies",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			q.body = bytes.ReplaceAll(q.body, []byte(`,"x_probe":true`), nil)
			return nil
		}),
	},
	{
		name: "202, then applied late", want: "create.status: accepted 202, no channels",
		wrap: func(m *altered) http.RoundTripper {
			return replace(func(m *altered, q *request) *http.Response {
				if q.is("POST", trunks) && q.agent == agentOne && q.number == numberOne {
					if _, ok := m.srv.Trunk(mihu.TrunkID{PhoneNumber: numberOne, Channel: mihu.ChannelCall}); !ok {
						late := *q
						late.Request = q.Clone(m.t.Context())
						go func() {
							time.Sleep(2 * time.Second)
							m.send(&late)
						}()
						return respondWith(202, `{"success":true,"message":"accepted"}`)
					}
				}
				return nil
			})(m)
		},
	},
	{
		name: "DELETE gets 200 and does nothing", want: "delete.status: accepted 200, not shown",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			if q.Method == http.MethodDelete {
				return respondWith(200, ok200)
			}
			return nil
		}),
	},
	{
		name: "POST registers and gets 422", want: "create.status: refused 422",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.is("POST", trunks) && resp.StatusCode == http.StatusCreated {
				return 422, `{"success":false,"message":"no","error":{"code":"X","details":"x"}}`
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "a refused duplicate is applied", want: "duplicate.other: refused 409, yet applied",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if q.is("POST", trunks) && q.agent == agentTwo && q.number == numberOne {
				resp := m.send(q)
				m.other(q, "PUT", assign, string(q.body))
				return resp
			}
			return nil
		}),
	},
	{
		name: "a refused assignment of a busy agent is applied", rules: mihutest.Rules{OnBusyAssign: new(mihutest.ShareBusyAgent)},
		want: "agent.busy_assign: refused 409, yet applied",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.is("PUT", assign) && q.number == numberTwo && q.agent == agentOne && resp.StatusCode == http.StatusOK {
				return 409, `{"success":false,"message":"no","error":{"code":"X","details":"x"}}`
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "PATCH moves the agent", want: "update.status: accepted 200, other channels",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if q.Method == http.MethodPatch {
				m.other(q, "PUT", assign, `{"phone_number":"`+q.number+`","channel":"call","agent_uuid":"`+agentTwo+`"}`)
			}
			return nil
		}),
	},
	{
		name: "PUT gets 200 and does nothing", want: "assign.status: accepted 200, no channels, not shown",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			if q.is("PUT", assign) && q.agent == agentTwo {
				return respondWith(200, ok200)
			}
			return nil
		}),
	},
	{
		name: "DELETE removes the other number too", want: "a trunk has changed without a request of the probe",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if q.Method == http.MethodDelete && q.number == numberTwo {
				m.other(q, "DELETE", trunks+"?channel=call&phone_number=%2B"+numberOne[1:], "")
			}
			return nil
		}),
	},
	{
		name: "an update with an empty name removes the trunk", want: "update.port_empty: refused 404",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if q.Method == http.MethodPatch && bytes.Contains(q.body, []byte(`"name":""`)) {
				resp := m.send(q)
				m.other(q, "DELETE", trunks+"?channel=call&phone_number=%2B"+numberOne[1:], "")
				return resp
			}
			return nil
		}),
	},
	{
		name: "a trunk binds SMS too", want: "create.status: accepted 201, other channels",
		wrap: decoded(func(q *request, object map[string]any) any {
			if q.number == numberOne {
				return everywhere(object, "sms", func(v any) any {
					if sms, ok := v.(map[string]any); ok && sms["bound"] == false {
						sms["bound"], sms["agent_uuid"] = true, agentOne
					}
					return v
				})
			}
			return object
		}),
	},
	{
		name: "PUT registers", want: "unknown.assign: accepted 201",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if _, bound := m.srv.Trunk(mihu.TrunkID{PhoneNumber: q.number, Channel: mihu.ChannelCall}); q.is("PUT", assign) && !bound {
				return m.other(q, "POST", trunks, string(q.body))
			}
			return nil
		}),
	},
	{
		name: "a duplicate gets 500", want: "a change got a server error, and may have been applied",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.is("POST", trunks) && resp.StatusCode == http.StatusConflict {
				return 500, text
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "the same trunk gets 200 again, and 409 with another agent", want: "duplicate.other: refused 409",
		wrap: replace(func(m *altered, q *request) *http.Response {
			trunk, bound := m.srv.Trunk(mihu.TrunkID{PhoneNumber: q.number, Channel: mihu.ChannelCall})
			if q.is("POST", trunks) && bound && trunk.AgentUUID == q.agent {
				return m.other(q, "PUT", assign, string(q.body))
			}
			return nil
		}),
	},
	{
		name: "assigning the same agent removes the trunk", want: "list.shows: not all",
		wrap: replace(func(m *altered, q *request) *http.Response {
			trunk, _ := m.srv.Trunk(mihu.TrunkID{PhoneNumber: q.number, Channel: mihu.ChannelCall})
			if q.is("PUT", assign) && q.number == numberOne && trunk.AgentUUID == q.agent {
				resp := m.send(q)
				m.other(q, "DELETE", trunks+"?channel=call&phone_number=%2B"+numberOne[1:], "")
				return resp
			}
			return nil
		}),
	},
	{
		name: "a trunk of a busy agent is accepted, and not there", want: "agent.busy: accepted 201, not shown",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if q.is("POST", trunks) && q.number == numberTwo && q.agent == agentOne {
				resp := m.other(q, "GET", channels+"?number=%2B"+numberOne[1:], "")
				data, err := io.ReadAll(resp.Body)
				require.NoError(m.t, err)
				return respondWith(201, strings.ReplaceAll(string(data), numberOne, numberTwo))
			}
			return nil
		}),
	},
	{
		name: "a deletion is applied after 2 s", want: "as rules",
		wrap: func(m *altered) http.RoundTripper {
			return replace(func(m *altered, q *request) *http.Response {
				if _, bound := m.srv.Trunk(mihu.TrunkID{PhoneNumber: q.number, Channel: mihu.ChannelCall}); q.Method == http.MethodDelete && bound {
					late := *q
					late.Request = q.Clone(m.t.Context())
					go func() {
						time.Sleep(2 * time.Second)
						m.send(&late)
					}()
					return respondWith(200, ok200)
				}
				return nil
			})(m)
		},
	},
	{
		name: "an unknown agent is accepted as another", want: "agent.unknown: accepted 201, other channels",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			if q.is("POST", trunks) && q.agent != agentOne && q.agent != agentTwo && len(q.agent) == 36 {
				q.body = bytes.ReplaceAll(q.body, []byte(q.agent), []byte(agentOne))
			}
			return nil
		}),
	},
}

// responseMutants differ in the form of responses.
var responseMutants = []mutant{
	{
		name: "errors are HTML", want: "error.shapes: 400 html",
		wrap: errorsAs(func(status int, _ string) (int, string) { return status, "<!doctype html><html>no</html>" }),
	},
	{
		name: "the code of errors is a number", want: "error.shapes: 400 other",
		wrap: errorsAs(func(status int, text string) (int, string) {
			var object map[string]any
			_ = json.Unmarshal([]byte(text), &object)
			data, _ := json.Marshal(everywhere(object, "code", func(any) any { return 40901 }))
			return status, string(data)
		}),
	},
	{
		name: "418 without a body", want: "error.shapes: 418 empty",
		wrap: errorsAs(func(int, string) (int, string) { return 418, "" }),
	},
	{
		name: "errors are 302 to /login", want: "auth.missing: redirected 302",
		wrap: edit(func(_ *request, resp *http.Response, text string) (int, string) {
			if resp.StatusCode < 400 {
				return resp.StatusCode, text
			}
			resp.Header.Set("Location", "/login")
			return 302, ""
		}),
	},
	{
		name: "errors are 200 with success false", want: "auth.missing: refused 200",
		wrap: errorsAs(func(_ int, text string) (int, string) { return 200, text }),
	},
	{
		name: "a new trunk gets 201 with success false", want: "create.status: refused 201",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.is("POST", trunks) {
				return resp.StatusCode, strings.Replace(text, `"success":true`, `"success":false`, 1)
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "success is a text", want: "success.shape: success is no boolean",
		wrap: edit(func(_ *request, resp *http.Response, text string) (int, string) {
			return resp.StatusCode, strings.Replace(text, `"success":true`, `"success":"true"`, 1)
		}),
	},
	{
		name: "agents in upper case", want: "success.values: agent in upper case",
		wrap: texts("agent_uuid", strings.ToUpper),
	},
	{
		name: "numbers without plus", want: "success.values: number without plus",
		wrap: texts("number", func(v string) string { return strings.TrimPrefix(v, "+") }),
	},
	{
		name: "bound is a number", want: "success.values: bound is no boolean",
		wrap: members("bound", func(v any) any { return map[bool]int{true: 1}[v.(bool)] }),
	},
	{
		name: "the UUID of a number is a number", want: "success.values: phone_number_uuid is no UUID",
		wrap: members("phone_number_uuid", func(v any) any { return map[bool]any{true: nil, false: 7}[v == nil] }),
	},
	{
		name: "a new trunk shows another number", want: "create.status: accepted 201, other channels",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.is("POST", trunks) {
				text = strings.ReplaceAll(text, numberOne, "+12025550177")
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "a new trunk shows no agent", want: "create.status: accepted 201, other channels",
		wrap: decoded(func(q *request, object map[string]any) any {
			if q.is("POST", trunks) {
				return everywhere(object, "agent_uuid", func(any) any { return nil })
			}
			return object
		}),
	},
	{
		name: "reads show no agent", want: "another agent answers at a number of the probe",
		wrap: decoded(func(q *request, object map[string]any) any {
			if q.path == channels {
				return everywhere(object, "agent_uuid", func(any) any { return nil })
			}
			return object
		}),
	},
	{
		name: "channels are wrapped twice", want: "create.body: other",
		wrap: decoded(func(q *request, object map[string]any) any {
			if q.is("POST", trunks) {
				object["data"] = map[string]any{"data": map[string]any{"data": object["data"]}}
			}
			return object
		}),
	},
	{
		name: "success is missing after DELETE only", want: "success.shape: varies",
		wrap: decoded(func(q *request, object map[string]any) any {
			if q.Method == http.MethodDelete {
				delete(object, "success")
			}
			return object
		}),
	},
	{
		name: "an unknown number gets the channels of another", want: "number-1 is in use or purchased",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if _, bound := m.srv.Trunk(mihu.TrunkID{PhoneNumber: q.number, Channel: mihu.ChannelCall}); q.path == channels && !bound {
				q.URL.RawQuery = "number=%2B12025550100"
			}
			return nil
		}),
	},
	{
		name: "channels are wrapped after POST only", want: "success.shape: varies",
		wrap: decoded(func(q *request, object map[string]any) any {
			if q.is("POST", trunks) {
				object["data"] = map[string]any{"data": object["data"]}
			}
			return object
		}),
	},
	{
		name: "successes are text/plain", want: "success.shape: another content type",
		wrap: edit(func(_ *request, resp *http.Response, text string) (int, string) {
			resp.Header.Set("Content-Type", "text/plain")
			return resp.StatusCode, text
		}),
	},
	{
		name: "a deletion says OK in plain text", want: "delete.status: unreadable 200",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.Method == http.MethodDelete && resp.StatusCode == http.StatusOK {
				return 200, "OK"
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "an unknown path gets a page with 200", want: "error.route: unreadable 200",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if strings.HasSuffix(q.path, "/probe-no-such") {
				return 200, "<html>welcome</html>"
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "channels get 304 when they are read again", want: "read.again: no",
		wrap: func(m *altered) http.RoundTripper {
			reads := 0
			return replace(func(m *altered, q *request) *http.Response {
				if _, bound := m.srv.Trunk(mihu.TrunkID{PhoneNumber: numberOne, Channel: mihu.ChannelCall}); !bound || q.path != channels {
					return nil
				}
				if reads++; reads > 1 {
					return respondWith(304, "")
				}
				return nil
			})(m)
		},
	},
	{
		name: "channels get 304 later", want: "duplicate.other: refused 409, then unclear",
		wrap: func(m *altered) http.RoundTripper {
			reads := 0
			return replace(func(m *altered, q *request) *http.Response {
				if _, bound := m.srv.Trunk(mihu.TrunkID{PhoneNumber: numberOne, Channel: mihu.ChannelCall}); !bound || q.path != channels {
					return nil
				}
				if reads++; reads > 3 {
					return respondWith(304, "")
				}
				return nil
			})(m)
		},
	},
	{
		name: "bodies are gzip that nobody asked for", want: "a list of numbers cannot be read",
		wrap: edit(func(_ *request, resp *http.Response, text string) (int, string) {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = io.WriteString(w, text)
			_ = w.Close()
			resp.Header.Set("Content-Encoding", "gzip")
			return resp.StatusCode, b.String()
		}),
	},
	{
		name: "a change gets a body that is cut off", want: "a request got no response",
		wrap: replace(func(m *altered, q *request) *http.Response {
			if !q.is("POST", trunks) || q.agent != agentOne {
				return nil
			}
			resp := m.send(q)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"success":`), failing{}))
			return resp
		}),
	},
	{
		name: "a protocol of its own", want: "http.protocol: varies",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.Method == http.MethodPatch {
				resp.Proto = "HTTP/1.0"
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "a status of 199", want: "assign.same: redirected 199",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.is("PUT", assign) && resp.StatusCode == http.StatusOK && q.agent == agentOne {
				return 199, text
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "401 for updates only", want: "update.status: refused 401",
		wrap: edit(func(q *request, resp *http.Response, text string) (int, string) {
			if q.Method == http.MethodPatch {
				return 401, `{"success":false,"message":"no","error":{"code":"X","details":"x"}}`
			}
			return resp.StatusCode, text
		}),
	},
	{
		name: "every second request gets 429", want: "an answer could not be confirmed",
		wrap: counted(func(n int, _ *altered, _ *request) *http.Response {
			if n%2 == 0 {
				return respondWith(429, `{"message":"slow down"}`)
			}
			return nil
		}),
	},
	{
		name: "from the first trunk on, every second request gets 429", want: "an answer could not be confirmed",
		wrap: func(m *altered) http.RoundTripper {
			n := 0
			return replace(func(_ *altered, q *request) *http.Response {
				if q.is("POST", trunks) && q.agent == agentOne || n > 0 {
					n++
				}
				if n > 0 && n%2 == 0 {
					return respondWith(429, `{"message":"slow down"}`)
				}
				return nil
			})(m)
		},
	},
	{
		name: "slow responses", want: "as rules",
		wrap: replace(func(*altered, *request) *http.Response {
			time.Sleep(4 * time.Second)
			return nil
		}),
	},
	{
		name: "404 only for channels by number, 422 for trunks", rules: mihutest.Rules{UnknownTrunkStatus: 422}, wrap: plain, want: "as rules",
	},
	{
		name: "the token is not needed", want: "auth.missing: accepted 200",
		wrap: replace(func(m *altered, q *request) *http.Response {
			q.Header.Set("Authorization", "Bearer "+m.srv.Token())
			return nil
		}),
	},
	{
		name: "reads flap", want: "reads go back to an older state",
		wrap: func(m *altered) http.RoundTripper {
			reads := 0
			return replace(func(_ *altered, q *request) *http.Response {
				if reads++; q.path == channels && reads%2 == 0 {
					return respondWith(404, `{"success":false,"message":"no","error":{"code":"PHONE_NUMBER_NOT_FOUND","details":"no"}}`)
				} else if q.path != channels {
					reads--
				}
				return nil
			})(m)
		},
	},
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// listMutants differ in lists.
var listMutants = []mutant{
	{
		name: "page is ignored from the third on", want: "list.after_last: another page",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			if query := q.URL.Query(); q.path == trunks && len(query.Get("page")) > 1 {
				query.Set("page", "2")
				q.URL.RawQuery = query.Encode()
			}
			return nil
		}),
	},
	{
		name: "page is ignored, and the page says otherwise", want: "list.paging: other",
		wrap: replace(func(m *altered, q *request) *http.Response {
			query := q.URL.Query()
			if q.path != trunks || query.Get("page") != "2" {
				return nil
			}
			query.Set("page", "3")
			q.URL.RawQuery = query.Encode()
			resp := m.send(q)
			data, err := io.ReadAll(resp.Body)
			require.NoError(m.t, err)
			return respondWith(200, strings.Replace(string(data), `"current_page":3`, `"current_page":1`, 1))
		}),
	},
	{
		name: "the list of agents has another form", want: "list.items: varies",
		wrap: decoded(func(q *request, object map[string]any) any {
			if data, ok := object["data"].(map[string]any); ok && q.path == "/agents" {
				data["agents"] = data["items"]
				delete(data, "items")
			}
			return object
		}),
	},
	{
		name: "the list of agents has no pagination", want: "list.members: varies",
		wrap: decoded(func(q *request, object map[string]any) any {
			if data, ok := object["data"].(map[string]any); ok && q.path == "/agents" {
				delete(data, "pagination")
			}
			return object
		}),
	},
	{
		name: "pages count from 0", want: "a list of numbers ",
		wrap: replace(func(_ *altered, q *request) *http.Response {
			if query := q.URL.Query(); query.Get("page") == "1" {
				query.Set("page", "2")
				q.URL.RawQuery = query.Encode()
			}
			return nil
		}),
	},
	{
		name: "the list is 20 s late, channels are not", want: "list.shows: not all",
		wrap: func(m *altered) http.RoundTripper {
			since := time.Now()
			return listed(func(data map[string]any, items []any) {
				if time.Since(since) > 40*time.Second {
					return
				}
				left := slices.DeleteFunc(items, func(item any) bool { return item.(map[string]any)["number"] == numberOne })
				data["items"], data["pagination"].(map[string]any)["total"] = left, len(left)
			})(m)
		},
	},
	{name: "no bindings", want: "a list does not show which agents serve its numbers", wrap: listed(func(_ map[string]any, items []any) {
		for _, item := range items {
			delete(item.(map[string]any), "bindings")
		}
	})},
	{name: "each number twice", want: "a list of numbers shows a number twice", wrap: listed(func(data map[string]any, items []any) {
		data["items"] = append(items, items...)
		data["pagination"].(map[string]any)["total"] = 2 * len(items)
	})},
	{name: "a new number twice", want: "list.shows: twice", wrap: listed(func(data map[string]any, items []any) {
		for _, item := range items {
			if item.(map[string]any)["number"] == numberOne {
				data["items"] = append(items, item)
			}
		}
	})},
	{name: "a total that is too large", want: "a list of numbers ends before its last page", wrap: listed(func(data map[string]any, items []any) {
		data["pagination"].(map[string]any)["total"] = len(items) + 1
	})},
	{name: "a total that is too small", want: "a list of numbers changes while it is read, or has another total", wrap: listed(func(data map[string]any, items []any) {
		data["pagination"].(map[string]any)["total"] = len(items) - 1
	})},
	{name: "a total that forgets new numbers", want: "list.shows: another total", wrap: listed(func(data map[string]any, _ []any) {
		data["pagination"].(map[string]any)["total"] = 3
	})},
	{name: "totals are texts", want: "list.members: varies", wrap: listed(func(data map[string]any, _ []any) {
		p := data["pagination"].(map[string]any)
		p["total"], p["last_page"] = "3", "1"
	})},
	{name: "new numbers are hidden", want: "list.shows: not all", wrap: listed(func(data map[string]any, items []any) {
		left := slices.DeleteFunc(items, func(item any) bool {
			number := item.(map[string]any)["number"]
			return number == numberOne || number == numberTwo
		})
		data["items"] = left
		if p := data["pagination"].(map[string]any); p["per_page"].(float64) > 1 {
			p["total"] = len(left)
		}
	})},
	{
		name: "times are in the future", rules: mihutest.Rules{UpdatedAt: true}, want: "list.times: RFC 3339, another time",
		wrap: texts("updated_at", func(v string) string {
			at, err := time.Parse(time.RFC3339, v)
			if err != nil {
				return v
			}
			return at.AddDate(1, 0, 0).Format(time.RFC3339)
		}),
	},
	{
		name: "times have the zone of Berlin, and do not say so", rules: mihutest.Rules{UpdatedAt: true, TimeFormat: mihutest.TimeWithoutZone},
		want: "list.times: without zone, another time",
		wrap: texts("updated_at", func(v string) string {
			at, err := time.Parse(time.DateTime, v)
			if err != nil {
				return v
			}
			return at.Add(2 * time.Hour).Format(time.DateTime)
		}),
	},
	{
		name: "responses have more members", want: "as rules", evidence: true,
		wrap: decoded(func(_ *request, object map[string]any) any {
			object["request_time_ms"] = 12
			if data, ok := object["data"].(map[string]any); ok {
				data["tenant"] = "acme"
			}
			return object
		}),
	},
	{name: "the list says the wrong size of its pages", want: "list.paging: other", wrap: listed(func(data map[string]any, _ []any) {
		data["pagination"].(map[string]any)["per_page"] = 50
	})},
}

// plain leaves the server as it is.
func plain(m *altered) http.RoundTripper { return m.next }

// A server that no rule describes is named for what it is: by the report, or by the reason why the probe
// does not go on. Where the report can be read as rules, a server of these rules has the same answers.
// In any case, nothing else is touched, and nothing is left without a word.
func TestMutants(t *testing.T) {
	t.Parallel()
	all := slices.Concat(writeMutants, responseMutants, listMutants)
	assert.GreaterOrEqual(t, len(all), 26)
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.probe(t)
		})
	}
}

// probe probes a mutant and checks what the report names.
func (m *mutant) probe(t *testing.T) {
	t.Helper()
	var names []string
	var text []byte
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, m.rules)
		before := srv.Trunks()
		o := options(srv, new(probe.Memory))
		o.Transport = m.wrap(&altered{srv, o.Transport, t})
		result, err := probe.Run(t.Context(), o)
		names = reasons(t, srv, before, err)
		if result == nil {
			return
		}
		result.Report.Date = "2026-01-02"
		text, err = result.Report.Write()
		require.NoError(t, err)
		names = append(names, result.Report.Stopped)
		for _, question := range result.Report.Contract {
			names = append(names, question+": "+result.Report.Observed(question))
		}
	})
	if text != nil {
		names = append(names, m.calibrated(t, text)...)
	}
	named := slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(strings.ToLower(name), strings.ToLower(m.want)) })
	assert.True(t, named, "want %q, named are %q", m.want, names)
}

// reasons returns why a probe did not end well, and checks what it left.
func reasons(t *testing.T, srv *mihutest.Server, before []mihutest.Trunk, err error) (why []string) {
	t.Helper()
	if refused, ok := errors.AsType[*probe.RefusedError](err); ok {
		why = append(why, refused.Why)
		for _, r := range srv.Requests() {
			assert.Equal(t, http.MethodGet, r.Method)
		}
	} else if err != nil {
		why = append(why, err.Error())
	}
	left := map[string]bool{}
	if e, ok := errors.AsType[*probe.LeftError](err); ok {
		for _, l := range e.Left {
			left[l.Number] = true
		}
	}
	time.Sleep(time.Minute) // what is applied late has been
	var others []mihutest.Trunk
	for _, trunk := range srv.Trunks() {
		if number := trunk.ID.PhoneNumber; number != numberOne && number != numberTwo {
			others = append(others, trunk)
		} else {
			assert.True(t, left[number], "%s was left without a word", number)
		}
	}
	assert.Equal(t, before, others)
	return why
}

// calibrated reads a report as rules, and probes a server of them. It returns the answers that no rule
// expresses.
func (m *mutant) calibrated(t *testing.T, text []byte) []string {
	t.Helper()
	rules, _, err := mihutest.ReadRules(text)
	if beyond, ok := errors.AsType[*mihutest.BeyondError](err); ok {
		r, err := report.Read(text)
		require.NoError(t, err)
		var names []string
		for _, question := range beyond.Questions {
			names = append(names, question+": "+r.Observed(question))
		}
		return names
	}
	require.NoError(t, err)
	_, again, err := attempt(t, rules, nil)
	require.NoError(t, err)
	if r, err := report.Read(text); err == nil && r.Stopped == "" && !m.evidence {
		assert.Equal(t, string(text), string(again), "the calibrated server differs")
	} else {
		assert.Empty(t, disagreements(t, text, again), "the calibrated server differs")
	}
	return []string{"as rules"}
}
