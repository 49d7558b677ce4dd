package provision

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
)

// trunkKey is a trunk in eight bytes: the up to 15 digits of its number, which do not begin with a
// zero, and its channel. 0 means none.
type trunkKey uint64

// agentKey is an agent on a channel, where it serves one number only.
type agentKey struct {
	agent    [16]byte
	whatsApp bool
}

// keyOf returns the key of a trunk. It returns false if the ID is invalid, as it may be in a list
// of the API.
func keyOf(id mihu.TrunkID) (trunkKey, bool) {
	digits := strings.TrimPrefix(id.PhoneNumber, "+")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || len(digits) > 15 || digits[0] == '0' || !hasTrunks(id.Channel) {
		return 0, false
	}
	key := trunkKey(n) << 1
	if id.Channel == mihu.ChannelWhatsApp {
		key |= 1
	}
	return key, true
}

// id returns the trunk of the key.
func (k trunkKey) id() mihu.TrunkID {
	if k == 0 {
		return mihu.TrunkID{}
	}
	id := mihu.TrunkID{PhoneNumber: "+" + strconv.FormatUint(uint64(k>>1), 10), Channel: mihu.ChannelCall}
	if k.isWhatsApp() {
		id.Channel = mihu.ChannelWhatsApp
	}
	return id
}

// number returns the number, as a number.
func (k trunkKey) number() uint64 { return uint64(k >> 1) }

func (k trunkKey) isWhatsApp() bool { return k&1 == 1 }

func hasTrunks(channel mihu.Channel) bool {
	return channel == mihu.ChannelCall || channel == mihu.ChannelWhatsApp
}

// agentOf returns the key of an agent. It returns false if the UUID is invalid.
func agentOf(uuid string, channel mihu.Channel) (agentKey, bool) {
	key := agentKey{whatsApp: channel == mihu.ChannelWhatsApp}
	digits := strings.ReplaceAll(uuid, "-", "")
	n, err := hex.Decode(key.agent[:], []byte(digits[:min(len(digits), 2*len(key.agent))]))
	return key, err == nil && n == len(key.agent) && len(uuid) == 36
}

// uuid returns the agent's UUID as the API writes it.
func (k agentKey) uuid() string {
	s := hex.EncodeToString(k.agent[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// uuidOf returns a UUID as bytes; zero if the text has not the form of one.
func uuidOf(text string) [16]byte {
	if key, ok := agentOf(text, ""); ok {
		return key.agent
	}
	return [16]byte{}
}

// uuidText returns what uuidOf has read; "" for zero.
func uuidText(uuid [16]byte) string {
	if uuid == ([16]byte{}) {
		return ""
	}
	return agentKey{agent: uuid}.uuid()
}

// writeItem writes what an item asks for: the same bytes for equal items, and different bytes for
// others. withSecrets includes SIP username and password; it is false if a hash of the bytes is
// kept.
func writeItem(w io.Writer, item *Item, withSecrets bool) {
	var sip mihu.SIPCredentials
	if item.Trunk.SIP != nil {
		sip = *item.Trunk.SIP
	}
	if !withSecrets {
		sip.Username, sip.Password = "", ""
	}
	settings := []byte("none")
	if item.Trunk.AdditionalSettings != nil {
		settings, _ = json.Marshal(item.Trunk.AdditionalSettings) //nolint:errchkjson // validation refuses what cannot be encoded
	}
	var length [8]byte
	for _, field := range [...]string{
		item.Trunk.PhoneNumber, string(item.Trunk.Channel), strings.ToLower(item.Trunk.AgentUUID), item.Trunk.Name,
		string(item.Trunk.Direction), item.SecretName, sip.Gateway, strconv.Itoa(sip.Port), sip.Username, sip.Password,
		sip.SecondaryGateway, string(settings),
	} {
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		_, _ = w.Write(length[:])
		_, _ = io.WriteString(w, field)
	}
}
