package probe

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// role names a number or an agent in questions and reports, in the place of its value.
type role string

const (
	number1 role = "number-1"
	number2 role = "number-2"
	agent1  role = "agent-1"
	agent2  role = "agent-2"
	// nobody is a random UUID that no agent has.
	nobody role = "nobody"
	// malformed is what is no UUID.
	malformed role = "malformed"
	// unbound is the agent of a number without a trunk, anyAgent any agent of this probe's, and
	// stranger any other agent.
	unbound  role = ""
	anyAgent role = "any agent"
	stranger role = "stranger"
)

const (
	trunksPath   = "/phone-numbers/trunks"
	assignPath   = "/phone-numbers/trunks/assign"
	channelsPath = "/phone-numbers/channels"
	numbersPath  = "/phone-numbers"
	agentsPath   = "/agents"

	callChannel     = "call"
	whatsAppChannel = "whatsapp"
)

// field is a field of a body or of a query. A value that is a role stands for the number or the agent.
type field struct {
	name  string
	value any
}

// step is a request of a question.
type step struct {
	method, path string
	fields       []field // of the body, or of the query of a GET or DELETE
	raw          string  // a body that is no JSON
	noToken      bool
	// accepted is set if the request is sent only if the first of the question is accepted.
	accepted bool
	// control is set if a control read of the question may stand for the request.
	control bool
	// later is set if the request is sent only a second after the one before.
	later bool
	// poll is set if the request is repeated until it shows the last change; until is the agent that it
	// shows then.
	poll  bool
	until role
	// soon is set if the request is sent at once.
	soon bool
	// find is set if the request is that for the page of the list that has these numbers.
	find []role

	// number and agent are what the request is about, on the channel call or that of channel.
	number, agent role
	channel       string
}

// changes reports whether the request may change something.
func (s *step) changes() bool { return s.method != http.MethodGet }

func post(number, agent role, more ...field) step {
	return step{
		method: http.MethodPost, path: trunksPath, number: number, agent: agent,
		fields: append([]field{{"phone_number", number}, {"channel", callChannel}, {"agent_uuid", agent}}, more...),
	}
}

func patch(more ...field) step {
	return step{
		method: http.MethodPatch, path: trunksPath, number: number1,
		fields: append([]field{{"phone_number", number1}, {"channel", callChannel}}, more...),
	}
}

func put(number, agent role) step {
	return step{
		method: http.MethodPut, path: assignPath, number: number, agent: agent,
		fields: []field{{"phone_number", number}, {"channel", callChannel}, {"agent_uuid", agent}},
	}
}

func remove(number role) step {
	return step{method: http.MethodDelete, path: trunksPath, number: number, fields: []field{{"phone_number", number}, {"channel", callChannel}}}
}

func get(path string, query ...field) step {
	return step{method: http.MethodGet, path: path, fields: query}
}

// listAgents is the control read: it works if the token does.
func listAgents() step { return get(agentsPath, field{"per_page", "1"}) }

func channelsOf(number role) step {
	s := get(channelsPath, field{"number", number})
	s.number = number
	return s
}

func page(number, size string) step {
	return get(trunksPath, field{"page", number}, field{"per_page", size})
}

func (s step) ifAccepted() step {
	s.accepted = true
	return s
}

func (s step) atOnce() step {
	s.soon, s.until = true, agent1
	return s
}

func (s step) polled(until role) step {
	s.poll, s.until = true, until
	return s
}

// on returns the same request for a channel.
func (s step) on(channel string) step {
	s.fields = slices.Clone(s.fields)
	for i := range s.fields {
		if s.fields[i].name == "channel" {
			s.fields[i].value = channel
		}
	}
	s.channel = channel
	return s
}

// String describes the request by roles.
func (s *step) String() string {
	text := s.method + " " + s.path
	if s.noToken {
		text += " without a token"
	}
	if s.find != nil {
		return text + " page with " + joined(s.find, " and ")
	}
	if s.raw != "" {
		return text + " " + s.raw
	}
	texts := []string{text}
	for _, f := range s.fields {
		value, ok := f.value.(role)
		if !ok {
			value = role(strings.Trim(string(encoded(f.value)), `"`))
		}
		texts = append(texts, f.name+"="+string(value))
	}
	return strings.Join(texts, " ")
}

func joined(roles []role, separator string) string {
	var texts []string
	for _, r := range roles {
		texts = append(texts, string(r))
	}
	return strings.Join(texts, separator)
}

// encode returns the query and the body of the request, with the values of roles.
func (s *step) encode(values map[role]string) (query string, body []byte) {
	if s.raw != "" {
		return "", []byte(s.raw)
	}
	value := func(f field) any {
		if r, ok := f.value.(role); ok {
			return values[r]
		}
		return f.value
	}
	if s.method == http.MethodGet || s.method == http.MethodDelete {
		q := url.Values{}
		for _, f := range s.fields {
			text, _ := value(f).(string)
			q.Set(f.name, text)
		}
		return q.Encode(), nil
	}
	var b bytes.Buffer
	for i, f := range s.fields {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.Write(encoded(f.name))
		b.WriteByte(':')
		b.Write(encoded(value(f)))
	}
	b.WriteByte('}')
	return "", b.Bytes()
}

// encoded returns the JSON of a value of a question. All of them can be encoded.
func encoded(value any) []byte {
	data, _ := json.Marshal(value) //nolint:errchkjson // see above
	return data
}
