package provision

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
)

// sentField is a field that is sent and cannot be read back.
type sentField uint8

// The fields, in the order in which they are listed.
const (
	sentName sentField = iota
	sentDirection
	sentGateway
	sentPort
	sentUsername
	sentPassword
	sentSecondaryGateway
	sentSettings
	numSentFields
)

// name returns the field's name in the API.
func (f sentField) name() string {
	return [numSentFields]string{
		"name", "direction", "sip.gateway", "sip.port", "sip.username", "sip.password", "sip.secondary_gateway", "additional_settings",
	}[f]
}

// ofFile returns the field of a file.
func (f sentField) ofFile() field {
	return [numSentFields]field{
		fieldName, fieldDirection, fieldSIPGateway, fieldSIPPort, fieldSIPUsername, fieldSIPPassword, fieldSIPSecondaryGateway, fieldAdditionalSettings,
	}[f]
}

// fieldSet is a set of fields that cannot be read back.
type fieldSet uint8

const allSentFields fieldSet = 1<<numSentFields - 1

func (s fieldSet) has(f sentField) bool { return s&(1<<f) != 0 }

func (s *fieldSet) add(f sentField) { *s |= 1 << f }

// all iterates over the fields of the set, in order.
func (s fieldSet) all(yield func(sentField) bool) {
	for f := range numSentFields {
		if s.has(f) && !yield(f) {
			return
		}
	}
}

// names returns the names of the fields, in order.
func (s fieldSet) names() []string {
	var names []string
	for f := range s.all {
		names = append(names, f.name())
	}
	return names
}

// valueOf returns the value of a field in a request as text; "" if the request does not set it.
func (f sentField) valueOf(req *mihu.TrunkCreateRequest) string {
	var sip mihu.SIPCredentials
	if req.SIP != nil {
		sip = *req.SIP
	}
	switch f {
	case sentName:
		return req.Name
	case sentDirection:
		return string(req.Direction)
	case sentGateway:
		return sip.Gateway
	case sentPort:
		if sip.Port != 0 {
			return strconv.Itoa(sip.Port)
		}
	case sentUsername:
		return sip.Username
	case sentPassword:
		return sip.Password
	case sentSecondaryGateway:
		return sip.SecondaryGateway
	case sentSettings:
		if req.AdditionalSettings != nil {
			return settingsText(req.AdditionalSettings)
		}
	case numSentFields:
	}
	return ""
}

// settingsText returns settings as text: the same for equal settings.
func settingsText(settings map[string]any) string {
	text, _ := json.Marshal(settings) //nolint:errchkjson // validation refuses what cannot be encoded
	return string(text)
}

// fieldsOf returns the fields that a request sets and that cannot be read back.
func fieldsOf(req *mihu.TrunkCreateRequest) fieldSet {
	var set fieldSet
	for f := range numSentFields {
		if f.valueOf(req) != "" {
			set.add(f)
		}
	}
	return set
}

// valuesOf returns what an update sends, as text by field; a cleared field is "".
func valuesOf(update *mihu.TrunkUpdateRequest) (set fieldSet, values [numSentFields]string) {
	add := func(f sentField, value string) {
		set.add(f)
		values[f] = value
	}
	text := func(f sentField, value *string) {
		if value != nil {
			add(f, *value)
		}
	}
	text(sentName, update.Name)
	if update.Direction != nil {
		add(sentDirection, string(*update.Direction))
	}
	if sip := update.SIP; sip != nil {
		text(sentGateway, sip.Gateway)
		text(sentUsername, sip.Username)
		text(sentPassword, sip.Password)
		text(sentSecondaryGateway, sip.SecondaryGateway)
		if sip.Port != nil {
			add(sentPort, strings.TrimPrefix(sip.Port.String(), "clear"))
		}
	}
	switch {
	case update.AdditionalSettings == nil:
	case len(update.AdditionalSettings) == 0:
		add(sentSettings, "")
	default:
		add(sentSettings, settingsText(update.AdditionalSettings))
	}
	return set, values
}

// SentFields has a digest for each field that cannot be read back: what was last sent of it. The
// zero value has none. It is comparable.
type SentFields struct {
	digests [numSentFields]uint64
	// rotatedFrom is the password that a file may still have since a rotation; 0 if there is none.
	rotatedFrom uint64
}

// The digests that are none.
const (
	notSent     uint64 = iota // nothing was sent, or the field was cleared
	inDoubt                   // a request was begun, and may have set or cleared the field
	firstDigest               // the smallest of a value
)

// Names returns the names of the fields that were sent, in the API's words.
func (s SentFields) Names() []string {
	return s.which(func(d uint64) bool { return d != notSent }).names()
}

// InDoubt returns the names of the fields for which a request was begun, and which it may have
// changed. They are sent again.
func (s SentFields) InDoubt() []string {
	return s.which(func(d uint64) bool { return d == inDoubt }).names()
}

// IsZero reports whether no field was sent.
func (s SentFields) IsZero() bool { return s == SentFields{} }

func (s *SentFields) which(is func(uint64) bool) fieldSet {
	var set fieldSet
	for f := range numSentFields {
		if is(s.digests[f]) {
			set.add(f)
		}
	}
	return set
}

// set is the fields that have a value, or may have one.
func (s *SentFields) set() fieldSet { return s.which(func(d uint64) bool { return d != notSent }) }

// doubt marks fields.
func (s *SentFields) doubt(fields fieldSet) {
	for f := range fields.all {
		s.digests[f] = inDoubt
	}
}

// Format prints the names of the fields for every verb.
func (s SentFields) Format(f fmt.State, verb rune) { format(f, verb, fmt.Sprint(s.Names())) }

// MarshalJSON returns an object: the digests by the names of the fields, and "?" for one in doubt.
func (s SentFields) MarshalJSON() ([]byte, error) {
	members := map[string]string{}
	for f := range s.set().all {
		members[f.name()] = digestText(s.digests[f])
	}
	if s.rotatedFrom != notSent {
		members[rotatedFromMember] = digestText(s.rotatedFrom)
	}
	return json.Marshal(members)
}

func digestText(digest uint64) string {
	if digest == inDoubt {
		return "?"
	}
	return fmt.Sprintf("%016x", digest)
}

// UnmarshalJSON reads what MarshalJSON returns. Names that this package does not know are ignored.
func (s *SentFields) UnmarshalJSON(text []byte) error {
	var members map[string]string
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	*s = SentFields{}
	for f := range numSentFields {
		if err := readDigest(members, f.name(), &s.digests[f]); err != nil {
			return err
		}
	}
	return readDigest(members, rotatedFromMember, &s.rotatedFrom)
}

// rotatedFromMember is the name of rotatedFrom in JSON.
const rotatedFromMember = "rotated_from"

// readDigest reads a digest of an object; it stays 0 if there is none.
func readDigest(members map[string]string, name string, into *uint64) error {
	text, ok := members[name]
	switch {
	case !ok:
		return nil
	case text == "?":
		*into = inDoubt
		return nil
	}
	digest, err := strconv.ParseUint(text, 16, 64)
	if err != nil || digest < firstDigest || len(text) != 16 {
		return fmt.Errorf("provision: sent field %s: not a digest", name)
	}
	*into = digest
	return nil
}

// updateOf returns the update that sends some fields of a request, and clears others.
func updateOf(req *mihu.TrunkCreateRequest, send, clears fieldSet) *mihu.TrunkUpdateRequest {
	update := new(mihu.TrunkUpdateRequest)
	text := func(f sentField) *string {
		switch {
		case send.has(f):
			return new(f.valueOf(req))
		case clears.has(f):
			return new("")
		}
		return nil
	}
	update.Name = text(sentName)
	if clears.has(sentName) {
		update.Name = new(defaultName(req.TrunkID))
	}
	switch {
	case send.has(sentDirection):
		update.Direction = new(req.Direction)
	case clears.has(sentDirection):
		update.Direction = new(mihu.DirectionBoth)
	}
	switch {
	case send.has(sentSettings):
		update.AdditionalSettings = req.AdditionalSettings
	case clears.has(sentSettings):
		update.AdditionalSettings = map[string]any{}
	}
	sip := mihu.SIPUpdate{
		Gateway: text(sentGateway), Username: text(sentUsername), Password: text(sentPassword), SecondaryGateway: text(sentSecondaryGateway),
	}
	switch {
	case send.has(sentPort):
		sip.Port = mihu.SetPort(req.SIP.Port)
	case clears.has(sentPort):
		sip.Port = mihu.ClearPort()
	}
	if sip != (mihu.SIPUpdate{}) {
		update.SIP = &sip
	}
	return update
}

// defaultName returns the name that the API documents as the default.
func defaultName(id mihu.TrunkID) string {
	return string(id.Channel) + "_trunk_" + strings.TrimPrefix(id.PhoneNumber, "+")
}
