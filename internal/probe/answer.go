package probe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// answer is a response, as far as questions read it. Its zero value stands for a request that was not
// sent.
type answer struct {
	step   *step
	status int
	header http.Header
	proto  string
	body   []byte
	json   any // nil if the body is no JSON
	mark   bool
	skew   time.Duration // how far the header Date is ahead
	dated  bool
	agents agents
	// number is the number that the request is about, and want the agent that it must have in a response
	// that succeeds.
	number string
	want   role
	// exists is set if the request is a change, and not about a trunk that does not exist.
	exists bool
	// shown is set if a read that was repeated showed the change.
	shown bool
}

// agents are the roles of the UUIDs of a probe, in lower case.
type agents map[string]role

func (a agents) role(uuid string) role {
	if uuid == "" {
		return unbound
	}
	if r, ok := a[strings.ToLower(uuid)]; ok {
		return r
	}
	return stranger
}

var byteOrderMark = []byte("\ufeff")

func newAnswer(s *step, resp *http.Response, body []byte, known agents) answer {
	a := answer{step: s, status: resp.StatusCode, header: resp.Header, proto: resp.Proto, agents: known}
	a.body, a.mark = bytes.CutPrefix(body, byteOrderMark)
	if json.Unmarshal(a.body, &a.json) != nil {
		a.json = nil
	}
	return a
}

func (a *answer) sent() bool { return a.status != 0 }

func (a *answer) accepted() bool { return strings.HasPrefix(a.outcome(), "accepted ") }

func (a *answer) refused() bool { return strings.HasPrefix(a.outcome(), "refused ") }

func (a *answer) empty() bool { return len(bytes.TrimSpace(a.body)) == 0 }

// uncertain reports whether the response may be about something else than the request: the token, the
// rate, or the server.
func (a *answer) uncertain() bool {
	return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status == http.StatusTooManyRequests || a.status >= 500
}

// outcome is what became of a request: accepted, refused, failed, redirected or unreadable, with the
// status. It does not look at what a success shows.
func (a *answer) outcome() string {
	verb := "accepted"
	switch object, isObject := a.json.(map[string]any); {
	case a.status >= 500:
		verb = "failed"
	case a.status >= 400:
		verb = "refused"
	case a.status >= 300 || a.status < 200:
		verb = "redirected"
	case isObject && has(object, "success") && !isTrue(object["success"]):
		verb = "refused"
	case !isObject && !a.empty():
		verb = "unreadable"
	}
	return fmt.Sprintf("%s %d", verb, a.status)
}

// result is the outcome of a change, with what is wrong with the channels that a success shows.
func (a *answer) result() string {
	outcome := a.outcome()
	if !a.accepted() || a.step.method == http.MethodDelete || !a.step.changes() || a.status == http.StatusNoContent {
		return outcome
	}
	snap := a.snapshot()
	switch {
	case a.empty():
		return outcome + ", empty"
	case snap == nil:
		return outcome + ", no channels"
	case !snap.proves(a):
		return outcome + ", other channels"
	}
	return outcome
}

// data returns the member data, and whether it is wrapped once more.
func (a *answer) data() (data any, wrapped bool) {
	object, ok := a.json.(map[string]any)
	if !ok {
		return nil, false
	}
	data = object["data"]
	if inner, ok := data.(map[string]any); ok && len(inner) == 1 {
		if nested, has := inner["data"]; has {
			return nested, true
		}
	}
	return data, false
}

// snapshot is the channels of a number.
type snapshot struct {
	number    string
	purchased bool
	bound     map[string]role // by channel
}

// snapshot returns the channels that a response shows, or nil.
func (a *answer) snapshot() *snapshot {
	data, _ := a.data()
	object, _ := data.(map[string]any)
	number, hasNumber := object["number"].(string)
	channels, hasChannels := object["channels"].(map[string]any)
	if !hasNumber || !hasChannels {
		return nil
	}
	external, hasExternal := object["is_external"].(bool)
	s := &snapshot{number, object["source"] == "purchased" && (!hasExternal || !external), map[string]role{}}
	for name, value := range channels {
		if channel, ok := value.(map[string]any); ok {
			s.bound[name] = agentOf(channel, a.agents)
		}
	}
	return s
}

// agentOf returns the agent of a binding. A bound channel whose agent is not shown has a stranger.
func agentOf(binding map[string]any, known agents) role {
	uuid, _ := binding["agent_uuid"].(string)
	if isTrue(binding["bound"]) && uuid == "" {
		return stranger
	}
	return known.role(uuid)
}

// isTrue reports whether a value means true, in whatever form.
func isTrue(value any) bool {
	return value == true || value == 1.0 || value == "1" || value == "true"
}

func (s *snapshot) agent(channel string) role { return s.bound[channel] }

// isUnbound reports whether no channel has an agent.
func (s *snapshot) isUnbound() bool {
	for _, agent := range s.bound {
		if agent != unbound {
			return false
		}
	}
	return true
}

// proves reports whether the channels are those of the number, with the agent that it must have. Beside
// the channel of the request, only that for calls may have an agent.
func (s *snapshot) proves(a *answer) bool {
	channel := cmp.Or(a.step.channel, callChannel)
	for name, agent := range s.bound {
		if name != channel && name != callChannel && agent != unbound {
			return false
		}
	}
	return digits(s.number) == digits(a.number) && (a.want == anyAgent || s.agent(channel) == a.want)
}

func digits(number string) string { return strings.TrimPrefix(number, "+") }

func has(object map[string]any, name string) bool {
	_, ok := object[name]
	return ok
}

// counts reports whether all of these members are numbers.
func counts(object map[string]any, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, ok := object[name].(float64); return !ok })
}

func number(object map[string]any, name string, otherwise int) int {
	if n, ok := object[name].(float64); ok {
		return int(n)
	}
	return otherwise
}
