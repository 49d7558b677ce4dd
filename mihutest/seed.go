package mihutest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// AddTrunk registers a trunk without a request. It follows the rules of a POST: the agent must
// exist, and fields that the API ignores are ignored. The error contains the rule that the trunk
// breaks.
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
	// JSON copies the settings and converts them to the types that a request would have.
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

// AddPurchasedNumber adds a number to the purchased inventory and returns its random UUID. Such a
// number cannot be registered as a trunk. It returns an error if the number is not E.164 or exists
// already.
func (s *Server) AddPurchasedNumber(e164 string) (uuid string, err error) {
	if !isE164(e164) {
		return "", errors.New("mihutest: AddPurchasedNumber: not an E.164 number")
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	if s.state.numbers[e164] != nil {
		return "", errors.New("mihutest: AddPurchasedNumber: the number exists already")
	}
	s.state.remember(e164)
	return s.state.register(e164, "", true).uuid, nil
}

// BindPurchased binds an agent to a channel of a purchased number and replaces the channel's
// previous agent. The agent then serves this number and cannot serve a trunk on that channel. It
// returns an error if the number is not in the purchased inventory, if the channel is not call, sms
// or whatsapp, or if the agent does not exist or serves another number on that channel.
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
	if p := s.state.available(agentUUID, mihu.TrunkID{PhoneNumber: e164, Channel: channel}, s.rules.OnBusyAgent, s.rules.AgentBusyStatus); p != nil {
		return p.err("BindPurchased")
	}
	s.state.remember(e164)
	s.state.bind(n, channel, &binding{agent: agentUUID}, s.rules.OnBusyAgent)
	return nil
}

// newUUID returns a random UUID of version 4.
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
