package provision

import (
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// Scope is the part of a workspace that a file is about. A trunk is in it if each list that is not
// empty has one of its values. The zero value is the whole workspace.
type Scope struct {
	// Channels are channels of trunks.
	Channels []mihu.Channel `json:"channels,omitempty"`
	// Prefixes are the beginnings of phone numbers: "+" and digits.
	Prefixes []string `json:"prefixes,omitempty"`
	// AgentUUIDs are the agents of trunks.
	AgentUUIDs []string `json:"agent_uuids,omitempty"`
}

// ParseScope reads a scope from text such as "channel=call,prefix=+1,prefix=+49": channel, prefix
// and agent (a UUID), each any number of times. "" is the zero Scope. The error is a
// [*mihu.ValidationError].
func ParseScope(text string) (Scope, error) {
	var s Scope
	if text == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "channel":
			s.Channels = append(s.Channels, mihu.Channel(value))
		case "prefix":
			s.Prefixes = append(s.Prefixes, value)
		case "agent":
			s.AgentUUIDs = append(s.AgentUUIDs, value)
		default:
			return Scope{}, invalid("scope", mihu.FieldViolation{Field: "scope", Value: plain(name), Problem: "unknown; want channel=call, prefix=+1 or agent=UUID, separated by commas"})
		}
	}
	if violations := s.violations(); len(violations) > 0 {
		return Scope{}, invalid("scope", violations...)
	}
	return s, nil
}

// String returns the text that ParseScope reads.
func (s Scope) String() string {
	var parts []string
	for _, channel := range s.Channels {
		parts = append(parts, "channel="+string(channel))
	}
	for _, prefix := range s.Prefixes {
		parts = append(parts, "prefix="+prefix)
	}
	for _, agent := range s.AgentUUIDs {
		parts = append(parts, "agent="+agent)
	}
	return strings.Join(parts, ",")
}

// IsZero reports whether the scope is the whole workspace.
func (s Scope) IsZero() bool { return len(s.Channels)+len(s.Prefixes)+len(s.AgentUUIDs) == 0 }

// Contains reports whether a trunk on an agent is in the scope.
func (s Scope) Contains(id mihu.TrunkID, agentUUID string) bool {
	return (len(s.Channels) == 0 || slices.Contains(s.Channels, id.Channel)) &&
		(len(s.Prefixes) == 0 || slices.ContainsFunc(s.Prefixes, func(p string) bool { return strings.HasPrefix(id.PhoneNumber, p) })) &&
		(len(s.AgentUUIDs) == 0 || slices.ContainsFunc(s.AgentUUIDs, func(a string) bool { return strings.EqualFold(a, agentUUID) }))
}

func (s Scope) violations() []mihu.FieldViolation {
	var violations []mihu.FieldViolation
	add := func(value, problem string) {
		violations = append(violations, mihu.FieldViolation{Field: "scope", Value: plain(value), Problem: problem})
	}
	for _, channel := range s.Channels {
		if !hasTrunks(channel) {
			add(string(channel), "not a channel of trunks; want call or whatsapp")
		}
	}
	for _, prefix := range s.Prefixes {
		digits, plus := strings.CutPrefix(prefix, "+")
		if !plus || digits == "" || strings.Trim(digits, "0123456789") != "" {
			add(prefix, "not the beginning of a number; want a plus and digits, such as +1")
		}
	}
	for _, agent := range s.AgentUUIDs {
		if !isUUID(agent) {
			add(agent, "not the UUID of an agent")
		}
	}
	return violations
}
