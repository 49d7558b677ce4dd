package mihutest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// agent is an agent of the server. It is replaced, never modified.
type agent struct {
	mihu.Agent
	more map[string]any // fields that mihu.Agent does not have
}

// agentData is an agent as the contract shows it. An optional field that is empty is null.
type agentData struct {
	UUID        string  `json:"agent_uuid"`
	Name        string  `json:"name"`
	Status      *string `json:"status"`
	Description *string `json:"description"`
	CompanyName *string `json:"company_name"`
	Role        *string `json:"role"`
	Language    *string `json:"language"`
	Timezone    *string `json:"timezone"`
	more        map[string]any
}

// MarshalJSON adds the fields of more, which do not replace others.
func (d agentData) MarshalJSON() ([]byte, error) {
	type plain agentData
	b, err := json.Marshal(plain(d))
	if err != nil || len(d.more) == 0 {
		return b, err
	}
	all := maps.Clone(d.more)
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

func (a *agent) data() agentData {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return agentData{
		a.UUID, a.Name, optional(a.Status), optional(a.Description), optional(a.CompanyName), optional(a.Role),
		optional(a.Language), optional(a.Timezone), a.more,
	}
}

// AddAgent adds an active agent and returns its random UUID. Names need not be unique.
func (s *Server) AddAgent(name string) (uuid string) {
	uuid = newUUID()
	s.setAgent(&agent{Agent: mihu.Agent{UUID: uuid, Name: name, Status: "active"}})
	return uuid
}

// AddAgentWithUUID adds an active agent, or renames the agent with this UUID. It returns an error
// if uuid is not a UUID. UUIDs are not case-sensitive; the server sends them in lower case.
func (s *Server) AddAgentWithUUID(uuid, name string) error {
	if !isUUID(uuid) {
		return errors.New("mihutest: AddAgentWithUUID: not a UUID")
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	renamed := agent{Agent: mihu.Agent{UUID: strings.ToLower(uuid), Status: "active"}}
	if old := s.state.agents[renamed.UUID]; old != nil {
		renamed = *old
	}
	renamed.Name = name
	s.state.put(&renamed)
	return nil
}

// PutAgent adds an agent with all its fields, or replaces the agent with this UUID, and returns its
// UUID in lower case, which is random if a.UUID is "". An optional field that is "" is sent as
// null. If a.Raw is not nil, it must be a JSON object: the server also sends those of its fields
// that [mihu.Agent] does not have. It returns an error if the UUID or the JSON is malformed, or if
// the name is empty.
func (s *Server) PutAgent(a mihu.Agent) (uuid string, err error) {
	a.UUID = strings.ToLower(cmp.Or(a.UUID, newUUID()))
	put := &agent{Agent: a}
	if a.Raw != nil {
		if put.more, err = decodeObject(a.Raw); err != nil {
			return "", fmt.Errorf("mihutest: PutAgent: Raw %w", err)
		}
	}
	switch {
	case !isUUID(a.UUID):
		return "", errors.New("mihutest: PutAgent: not a UUID")
	case a.Name == "":
		return "", errors.New("mihutest: PutAgent: the name is empty")
	}
	s.setAgent(put)
	return a.UUID, nil
}

func (s *Server) setAgent(a *agent) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.put(a)
}

// put adds an agent, or replaces the one with its UUID.
func (st *state) put(a *agent) {
	if old := st.agents[a.UUID]; old != nil {
		st.listed[slices.Index(st.listed, old)] = a
	} else {
		st.listed = append(st.listed, a)
	}
	st.agents[a.UUID] = a
}

// RemoveAgent removes an agent as if it had been deleted elsewhere. Its trunks are removed with it,
// as by DELETE, and the channels of purchased numbers that it served are then unbound. The API does
// not document what becomes of them. It returns an error if the agent does not exist.
func (s *Server) RemoveAgent(uuid string) error {
	uuid = strings.ToLower(uuid)
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	removed := st.agents[uuid]
	if removed == nil {
		return errors.New("mihutest: RemoveAgent: there is no such agent")
	}
	for _, channel := range channels {
		if e164, ok := st.serving[agentChannel{uuid, channel}]; ok {
			st.removeBinding(st.numbers[e164], channel)
		}
	}
	delete(st.agents, uuid)
	st.listed = slices.DeleteFunc(st.listed, func(a *agent) bool { return a == removed })
	return nil
}

// listAgents is the source of the list of agents, as they are now.
func (st *state) listAgents(_ input, part *slice, limit int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	items := []agentData{}
	for _, a := range window(st.listed, part.offset, limit) {
		items = append(items, a.data())
	}
	part.items, part.count, part.total = items, len(items), len(st.listed)
}

// window returns up to limit items from offset on.
func window[T any](all []T, offset, limit int) []T {
	offset = min(offset, len(all))
	return all[offset : offset+min(limit, len(all)-offset)]
}
