package mihutest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// Trunk is a trunk as the server holds it, with what the API never reads back. It prints without
// the whole number, the name, the SIP credentials and the settings.
type Trunk struct {
	// ID is the number and the channel.
	ID mihu.TrunkID
	// AgentUUID is the agent that answers, in small letters.
	AgentUUID string
	// Name is a label. Adding a trunk with "" names it as the API does, "call_trunk_12345678901";
	// one that an update emptied has "".
	Name string
	// Direction is for calls; adding one with "" means mihu.DirectionBoth. It is "" on WhatsApp,
	// where the API ignores it.
	Direction mihu.Direction
	// SIP is for calls; the zero value means none. It is zero on WhatsApp. A credential that was
	// cleared is zero.
	SIP mihu.SIPCredentials
	// AdditionalSettings are as encoding/json decodes them: numbers are float64. nil means that
	// none were ever given; empty, that {} was.
	AdditionalSettings map[string]any
	// PhoneNumberUUID is that of the number, which the trunks of one number share. Adding a
	// trunk with "" means that of the number if it has one, and a random one otherwise.
	PhoneNumberUUID string
}

// String is the masked number, the channel, the agent and what else is set.
func (t Trunk) String() string {
	return fmt.Sprintf("%s %s agent=%s direction=%s sip=%t settings=%d",
		mask(t.ID.PhoneNumber), t.ID.Channel, t.AgentUUID, t.Direction, t.SIP != mihu.SIPCredentials{}, len(t.AdditionalSettings))
}

// Format prints String, whatever the verb.
func (t Trunk) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is what String says, as a group.
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

// MarshalText is String, for loggers that encode: a Trunk does not encode to its contents.
func (t Trunk) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// mask keeps the first and the last four digits of a number that has more than eight.
func mask(number string) string {
	if len(number) <= 9 {
		return "+•••"
	}
	return number[:5] + "•••" + number[len(number)-4:]
}

// AddAgent makes an agent with a random UUID, which it returns. Agents can share a name.
func (s *Server) AddAgent(name string) (uuid string) {
	uuid = newUUID()
	s.setAgent(uuid, name)
	return uuid
}

// AddAgentWithUUID makes an agent, or renames the one that has this UUID. It is an error if the
// UUID is none. UUIDs are the same in capitals and small letters; the server answers with small ones.
func (s *Server) AddAgentWithUUID(uuid, name string) error {
	if !isUUID(uuid) {
		return errors.New("mihutest: AddAgentWithUUID: not a UUID")
	}
	s.setAgent(strings.ToLower(uuid), name)
	return nil
}

func (s *Server) setAgent(uuid, name string) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.agents[uuid] = agent{uuid, name}
}

// AddTrunk registers a trunk without a request, by the rules that a POST follows: its agent has
// to exist, and what the API would ignore is ignored. An error says which rule it broke.
func (s *Server) AddTrunk(t Trunk) error {
	if t.PhoneNumberUUID != "" && !isUUID(t.PhoneNumberUUID) {
		return errors.New("mihutest: AddTrunk: PhoneNumberUUID is not a UUID")
	}
	type sip struct {
		Gateway          string `json:"gateway,omitempty"`
		Port             int    `json:"port,omitempty"`
		Username         string `json:"username,omitempty"`
		Password         string `json:"password,omitempty"`
		SecondaryGateway string `json:"secondary_gateway,omitempty"`
	}
	// By way of JSON, settings are copied and get the types that a request would give them.
	body, err := json.Marshal(struct {
		PhoneNumber        string         `json:"phone_number"`
		AgentUUID          string         `json:"agent_uuid"`
		Channel            string         `json:"channel"`
		Name               string         `json:"name"`
		Direction          string         `json:"direction,omitempty"`
		SIP                sip            `json:"sip"`
		AdditionalSettings map[string]any `json:"additional_settings,omitzero"`
	}{
		t.ID.PhoneNumber, t.AgentUUID, string(t.ID.Channel), t.Name, string(t.Direction), sip(t.SIP), t.AdditionalSettings,
	})
	if err != nil {
		return fmt.Errorf("mihutest: AddTrunk: %w", err)
	}
	fields, err := decodeObject(body)
	if err != nil {
		return fmt.Errorf("mihutest: AddTrunk: the trunk %w", err)
	}
	in := input{form: &form{fields: fields}, uuid: strings.ToLower(t.PhoneNumberUUID)}
	if p := s.createTrunk(in).problem; p != nil {
		return p.err("AddTrunk")
	}
	return nil
}

// AddPurchasedNumber adds a number to the purchased inventory and returns its UUID, which is
// random. Such a number cannot be registered as a trunk. It is an error if the number is not
// E.164 or is there already.
func (s *Server) AddPurchasedNumber(e164 string) (uuid string, err error) {
	if !isE164(e164) {
		return "", errors.New("mihutest: AddPurchasedNumber: not an E.164 number")
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	if s.state.numbers[e164] != nil {
		return "", errors.New("mihutest: AddPurchasedNumber: the number is there already")
	}
	return s.state.register(e164, "", true).uuid, nil
}

// BindPurchased wires an agent up to a channel of a purchased number, in the place of the one
// that the channel may have. The agent then serves this number and cannot serve a trunk on that
// channel. It is an error if the number is not in the purchased inventory, if the channel is not
// call, sms or whatsapp, and if the agent does not exist or serves another number there.
func (s *Server) BindPurchased(e164 string, channel mihu.Channel, agentUUID string) error {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	n := s.state.numbers[e164]
	switch {
	case n == nil || !n.purchased:
		return errors.New("mihutest: BindPurchased: not a purchased number")
	case !slices.Contains(channels[:], channel):
		return fmt.Errorf("mihutest: BindPurchased: channel %q cannot be bound", channel)
	case !isUUID(agentUUID):
		return errors.New("mihutest: BindPurchased: not the UUID of an agent")
	}
	agentUUID = strings.ToLower(agentUUID)
	if p := s.state.available(agentUUID, mihu.TrunkID{PhoneNumber: e164, Channel: channel}); p != nil {
		return p.err("BindPurchased")
	}
	s.state.bind(n, channel, &binding{agent: agentUUID})
	return nil
}

// Trunk is a copy of one trunk; false means that there is none of that ID.
func (s *Server) Trunk(id mihu.TrunkID) (Trunk, bool) {
	if !slices.Contains(channels[:], id.Channel) {
		return Trunk{}, false
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	n, b, p := s.state.trunk(id)
	if p != nil {
		return Trunk{}, false
	}
	return newTrunk(n, id.Channel, b), true
}

// Trunks are copies of all trunks, in the order in which they were created.
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

// cloneJSON is a deep copy of what encoding/json decodes. A nil map stays nil.
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

// newUUID is a random UUID of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
