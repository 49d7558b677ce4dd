package mihutest

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/mihu-go/mihu"
)

// Trunk is the stored state of a trunk, including the fields that the API cannot read back. When
// printed, it masks the number and omits the name, the SIP credentials and the settings.
type Trunk struct {
	// ID is the number and the channel.
	ID mihu.TrunkID
	// AgentUUID is the agent that answers, in lower case.
	AgentUUID string
	// Name is a label. If it is "", AddTrunk sets the default of the API, such as
	// "call_trunk_12345678901". It is "" after an update that cleared it.
	Name string
	// Direction applies to calls. If it is "", AddTrunk sets mihu.DirectionBoth. It is always "" on
	// WhatsApp, where the API ignores it.
	Direction mihu.Direction
	// SIP applies to calls; the zero value means none. It is always zero on WhatsApp, where the API
	// ignores it. A credential that was cleared is zero.
	SIP mihu.SIPCredentials
	// AdditionalSettings have the types of encoding/json: numbers are float64. nil means that they
	// were never set; empty but not nil, that they were set to {}.
	AdditionalSettings map[string]any
	// PhoneNumberUUID is the UUID of the number. The trunks of one number share it. If it is "",
	// AddTrunk uses the number's UUID, or a random one if the number is new.
	PhoneNumberUUID string
}

// String returns the masked number, the channel, the agent, the direction, whether there are SIP
// credentials and the number of settings.
func (t Trunk) String() string {
	return fmt.Sprintf("%s %s agent=%s direction=%s sip=%t settings=%d",
		mask(t.ID.PhoneNumber), t.ID.Channel, t.AgentUUID, t.Direction, t.SIP != mihu.SIPCredentials{}, len(t.AdditionalSettings))
}

// Format prints String, whatever the verb.
func (t Trunk) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue returns the same as String, as a group.
func (t Trunk) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("phone_number", mask(t.ID.PhoneNumber)),
		slog.String("channel", string(t.ID.Channel)),
		slog.String("agent_uuid", t.AgentUUID),
		slog.String("direction", string(t.Direction)),
		slog.Bool("sip", t.SIP != mihu.SIPCredentials{}),
		slog.Int("settings", len(t.AdditionalSettings)),
	)
}

// MarshalText returns String, for loggers that encode their arguments.
func (t Trunk) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// mask keeps the first and the last four digits of a number with at least nine digits.
func mask(number string) string {
	if len(number) <= 9 {
		return "+•••"
	}
	return number[:5] + "•••" + number[len(number)-4:]
}

// Trunk returns a copy of a trunk; false means that the trunk does not exist.
func (s *Server) Trunk(id mihu.TrunkID) (Trunk, bool) {
	if !slices.Contains(channels[:], id.Channel) {
		return Trunk{}, false
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	n, b, p := s.state.trunk(id, "")
	if p != nil {
		return Trunk{}, false
	}
	return newTrunk(n, id.Channel, b), true
}

// Trunks returns copies of all trunks in order of creation.
func (s *Server) Trunks() []Trunk {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	type row struct {
		seq   int
		trunk Trunk
	}
	rows := make([]row, 0, s.state.external.size)
	for _, n := range s.state.external.slice(0, s.state.external.size) {
		for i, b := range n.bindings {
			if b != nil {
				rows = append(rows, row{b.seq, newTrunk(n, channels[i], b)})
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.seq, b.seq) })
	trunks := make([]Trunk, 0, len(rows))
	for _, r := range rows {
		trunks = append(trunks, r.trunk)
	}
	return trunks
}

func newTrunk(n *number, channel mihu.Channel, b *binding) Trunk {
	settings, _ := cloneJSON(b.settings).(map[string]any)
	return Trunk{
		ID:                 mihu.TrunkID{PhoneNumber: n.e164, Channel: channel},
		AgentUUID:          b.agent,
		Name:               b.name,
		Direction:          b.direction,
		SIP:                b.sip,
		AdditionalSettings: settings,
		PhoneNumberUUID:    n.uuid,
	}
}

// cloneJSON returns a deep copy of a decoded JSON value. A nil map stays nil.
func cloneJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = cloneJSON(value)
		}
		return m
	case []any:
		a := make([]any, len(v))
		for i, value := range v {
			a[i] = cloneJSON(value)
		}
		return a
	}
	return v
}
