package mihu

import (
	"cmp"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu/internal/lenient"
)

// Channel is a way in which a phone number reaches an agent. It is an open set: an unknown value
// decodes as it is.
type Channel string

// The channels that the API documents. A trunk is on ChannelCall or ChannelWhatsApp. ChannelSMS
// appears in snapshots only, since the API binds SMS through another endpoint, POST
// /agents/{uuid}/channels/sms.
const (
	ChannelCall     Channel = "call"
	ChannelSMS      Channel = "sms"
	ChannelWhatsApp Channel = "whatsapp"
)

// Direction is which calls a trunk carries. It applies to ChannelCall only. It is an open set.
type Direction string

// The directions that the API documents. Its default is DirectionBoth.
const (
	DirectionInbound  Direction = "inbound"
	DirectionOutbound Direction = "outbound"
	DirectionBoth     Direction = "both"
)

// Source is where a number came from. It is an open set.
type Source string

// The sources that the API documents.
const (
	SourcePurchased Source = "purchased"
	SourceExternal  Source = "external"
)

// TrunkID identifies a trunk. A trunk has no ID of its own: the pair of phone number and channel is
// its identity, which the API documents as fixed. To change either, delete the trunk and create
// another.
//
// It prints with its number masked; PhoneNumber has it unmasked. TrunkID is comparable, so it
// can be a map key. Its zero value identifies no trunk.
type TrunkID struct {
	// PhoneNumber is in E.164: "+", a country code and the rest, 2 to 15 digits, no spaces.
	PhoneNumber string `json:"phone_number"`
	// Channel is ChannelCall or ChannelWhatsApp.
	Channel Channel `json:"channel"`
}

// TrunkCreateRequest registers a number of yours with an agent on one channel.
//
// Optional fields are omitted from the request if they are zero, and the API then applies its
// documented default. It prints without SIP username, password and settings.
type TrunkCreateRequest struct {
	// TrunkID is the number and channel to register. Both are required.
	TrunkID
	// AgentUUID is the agent that answers. Required. The API documents that the agent must not
	// serve another number on the same channel.
	AgentUUID string `json:"agent_uuid"`
	// Name is a label for people. The API's documented default is "{channel}_trunk_{digits}",
	// such as "call_trunk_12345678901".
	Name string `json:"name,omitempty"`
	// Direction is for ChannelCall only. The API's documented default is DirectionBoth. On
	// ChannelWhatsApp the API would ignore it silently, so this package refuses it there.
	Direction Direction `json:"direction,omitempty"`
	// SIP has the credentials of your SIP trunk; nil sends none. For ChannelCall only: this package
	// refuses it on ChannelWhatsApp. A struct without any value is not sent.
	SIP *SIPCredentials `json:"sip,omitempty"`
	// AdditionalSettings is a free-form JSON object that the API stores with the binding, such as
	// {"ani_format": "e164"}. nil sends none; an empty map sends {}. Decode large integers with
	// json.Decoder.UseNumber, since a float64 changes them.
	AdditionalSettings map[string]any `json:"additional_settings,omitzero"`
}

// SIPCredentials are those of a trunk to create. A zero field is not sent. The API documents that
// they are encrypted at rest; no response has them. It prints without username and password.
type SIPCredentials struct {
	// Gateway is a host name or an IP address, without scheme, port or path.
	Gateway string `json:"gateway,omitempty"`
	// Port is 1 to 65535; 0 is not sent.
	Port int `json:"port,omitempty"`
	// Username and Password are those that the gateway expects.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// SecondaryGateway is used if Gateway fails. It has the same form.
	SecondaryGateway string `json:"secondary_gateway,omitempty"`
}

// TrunkUpdateRequest is a change of a trunk. A nil field is not sent and stays unchanged, as the
// API documents. A request that would change nothing is refused before it is sent. It prints
// without SIP username, password and settings.
type TrunkUpdateRequest struct {
	// Name renames the trunk; nil leaves it unchanged. A pointer to "" is sent, but the API does
	// not document what an empty name does.
	Name *string `json:"name,omitempty"`
	// Direction sets the direction; nil leaves it unchanged. It cannot be cleared: a pointer to ""
	// is refused. For ChannelCall only: this package refuses it on ChannelWhatsApp.
	Direction *Direction `json:"direction,omitempty"`
	// SIP changes the credentials that are set in it; nil, or a struct without any field set,
	// leaves all of them unchanged. For ChannelCall only: this package refuses it on
	// ChannelWhatsApp.
	SIP *SIPUpdate `json:"sip,omitempty"`
	// AdditionalSettings replaces the stored object as a whole. nil leaves it unchanged; an empty
	// map is sent as {} and clears it.
	AdditionalSettings map[string]any `json:"additional_settings,omitzero"`
}

// SIPUpdate changes single SIP credentials, as the API documents: nil leaves a credential
// unchanged, a pointer to "" clears it, and any other value sets it. It prints without username and
// password.
type SIPUpdate struct {
	// Gateway is a host name or an IP address, without scheme, port or path. nil leaves it
	// unchanged; new("") clears it.
	Gateway *string `json:"gateway,omitempty"`
	// Port is made by [SetPort] or [ClearPort]; nil leaves it unchanged.
	Port *PortUpdate `json:"port,omitempty"`
	// Username is the one that the gateway expects. nil leaves it unchanged; new("") clears it.
	Username *string `json:"username,omitempty"`
	// Password is the one that the gateway expects. nil leaves it unchanged; new("") clears it.
	Password *string `json:"password,omitempty"`
	// SecondaryGateway has the same form as Gateway. nil leaves it unchanged; new("") clears it.
	SecondaryGateway *string `json:"secondary_gateway,omitempty"`
}

// PortUpdate is a change of a SIP port: a new port, or no port. It has constructors, so that a port
// of 0, such as an unset variable, does not clear the stored port. The zero value is refused when
// it is sent.
type PortUpdate struct {
	port  int
	clear bool
}

// SetPort sets the port, 1 to 65535. Anything else is refused when the update is sent.
func SetPort(port int) *PortUpdate { return &PortUpdate{port: port} }

// ClearPort clears the port. It is sent as the empty string: the API documents that an empty string
// clears any SIP credential. It does not document whether that includes the port, which is a
// number.
func ClearPort() *PortUpdate { return &PortUpdate{clear: true} }

// String returns the port, or "clear".
func (p PortUpdate) String() string {
	if p.clear {
		return "clear"
	}
	return strconv.Itoa(p.port)
}

// MarshalJSON returns the port as a number, and a cleared port as "".
func (p PortUpdate) MarshalJSON() ([]byte, error) {
	if p.clear {
		return []byte(`""`), nil
	}
	return strconv.AppendInt(nil, int64(p.port), 10), nil
}

// UnmarshalJSON reads what MarshalJSON returns.
func (p *PortUpdate) UnmarshalJSON(b []byte) error {
	if string(b) == `""` {
		*p = *ClearPort()
		return nil
	}
	var port int
	if err := json.Unmarshal(b, &port); err != nil {
		return err
	}
	*p = *SetPort(port)
	return nil
}

// trunkUpdateBody is the body of PATCH: the identity of the trunk, and what changes.
type trunkUpdateBody struct {
	TrunkID
	TrunkUpdateRequest
}

// trunkAssignBody is the body of PUT assign.
type trunkAssignBody struct {
	TrunkID
	AgentUUID string `json:"agent_uuid"`
}

// trunkDeleteQuery is the query of DELETE, which takes no body.
type trunkDeleteQuery struct {
	PhoneNumber string  `url:"phone_number,omitempty"`
	Channel     Channel `url:"channel,omitempty"`
}

// numberQuery is the query of GET channels by number.
type numberQuery struct {
	Number string `url:"number,omitempty"`
}

// ListOptions select a page of a list. The API documents both parameters for its rates, and not for
// its trunks. The zero value selects the first page, with the API's default size.
type ListOptions struct {
	// Page counts from 1; 0 is not sent, and means the first page.
	Page int `url:"page,omitempty"`
	// PerPage is 1 to 200 items; 0 is not sent, and means 50, as the API documents for its rates.
	PerPage int `url:"per_page,omitempty"`
}

// AllOptions are the options of an iterator over all pages of a list. The zero value starts at the
// first page, with pages of 200 items, and fetches a page when it is needed.
type AllOptions struct {
	// Page is the page to start from, counted from 1; 0 is the first.
	Page int
	// PerPage is the size of a page, 1 to 200; 0 is 200.
	PerPage int
	// Prefetch is how many pages to fetch ahead of the page in use: concurrently if the server
	// reports how many pages there are, one after the other if not. As many pages are held in
	// memory. 0 fetches none ahead.
	Prefetch int
}

// Binding is which agent answers on a channel.
type Binding struct {
	// Bound reports whether an agent is bound.
	Bound bool `json:"bound"`
	// AgentUUID and AgentName are "" if the API sends null or omits them. Compare UUIDs with
	// strings.EqualFold, since upper and lower case mean the same.
	AgentUUID string `json:"agent_uuid"`
	AgentName string `json:"agent_name"`
}

// CarrierChannel is the state of a channel that a carrier provides: call or sms.
type CarrierChannel struct {
	// Capable reports whether the carrier supports the channel, Enabled whether it is switched on.
	Capable bool `json:"capable"`
	Enabled bool `json:"enabled"`
	// ChannelLimit is the maximum number of simultaneous calls or messages; nil if the API sends
	// none, which is not the same as 0.
	ChannelLimit *int `json:"channel_limit"`
	// WhitelistedDestinations are countries, as ISO 3166-1 alpha-2 codes by the API's example.
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
	// Binding is the agent that answers.
	Binding
}

// InboundChannel is the state of inbound traffic.
type InboundChannel struct {
	// Enabled reports whether inbound traffic is accepted.
	Enabled bool `json:"enabled"`
	// ChannelLimit is as in CarrierChannel.
	ChannelLimit *int `json:"channel_limit"`
}

// SnapshotChannels are the channels of a number. A channel that the API omits, or sends as null, is
// the zero value: not bound.
type SnapshotChannels struct {
	Call     CarrierChannel `json:"call"`
	SMS      CarrierChannel `json:"sms"`
	WhatsApp Binding        `json:"whatsapp"`
	Inbound  InboundChannel `json:"inbound"`
}

// ChannelSnapshot is what a number can do, what of it is enabled, and which agent answers on which
// channel. The API documents it as the response to creating, updating and assigning a trunk and to
// reading a number's channels. Fields that the API does not send are zero. It prints with the
// number masked.
type ChannelSnapshot struct {
	// PhoneNumberUUID is "" if the API sends null.
	PhoneNumberUUID string `json:"phone_number_uuid"`
	// Number is the number, unmasked, in E.164.
	Number string `json:"number"`
	// IsExternal and Source are as the API sends them. They may contradict each other; use External
	// to decide.
	IsExternal bool   `json:"is_external"`
	Source     Source `json:"source"`
	// Channels holds the state of every channel.
	Channels SnapshotChannels `json:"channels"`
	// Unreadable names the fields that the API sent in a form that cannot be read, such as
	// "channels.call.channel_limit"; they are zero. It also names "channels.call.bound" and
	// "channels.whatsapp.bound" if the response does not say whether the channel is bound. nil is
	// none.
	Unreadable []string `json:"-"`
}

// Binding returns the binding on a channel; the zero Binding if the snapshot has no such channel.
func (s ChannelSnapshot) Binding(channel Channel) Binding {
	return bindingOf(channel, s.Channels.Call.Binding, s.Channels.SMS.Binding, s.Channels.WhatsApp)
}

// External reports whether the number is owned elsewhere, as every number with a trunk is. One of
// its two marks, IsExternal and Source, is enough, since the API's own examples set only one.
func (s ChannelSnapshot) External() bool { return s.IsExternal || s.Source == SourceExternal }

// ChannelSetting is the setting of one channel of a listed number.
type ChannelSetting struct {
	// Enabled reports whether the channel is switched on.
	Enabled bool `json:"enabled"`
	// ChannelLimit is as in CarrierChannel.
	ChannelLimit *int `json:"channel_limit"`
	// WhitelistedDestinations are as in CarrierChannel.
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
}

// ChannelSettings are the settings of a listed number. What is called voice here is called call in
// snapshots.
type ChannelSettings struct {
	Voice   ChannelSetting `json:"voice"`
	SMS     ChannelSetting `json:"sms"`
	Inbound InboundChannel `json:"inbound"`
}

// Bindings are the agents bound to a listed number.
type Bindings struct {
	Call     Binding `json:"call"`
	SMS      Binding `json:"sms"`
	WhatsApp Binding `json:"whatsapp"`
}

// ComplianceRequirement is one requirement of a regulator, as seen in an example of the API.
type ComplianceRequirement struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
}

// Compliance is the regulatory state of a number, as seen in an example of the API.
type Compliance struct {
	Status       string                  `json:"status"`
	Requirements []ComplianceRequirement `json:"requirements"`
}

// Capabilities are what the carrier can do with a number, as seen in an example of the API.
type Capabilities struct {
	Voice        bool `json:"voice"`
	SMS          bool `json:"sms"`
	MMS          bool `json:"mms"`
	Fax          bool `json:"fax"`
	Emergency    bool `json:"emergency"`
	LocalCalling bool `json:"local_calling"`
}

// Billing is what a number costs. The API documents that external numbers are not billed.
type Billing struct {
	// MonthlyFee is in units of Currency; "" if the API sends none.
	MonthlyFee Decimal `json:"monthly_fee"`
	// Currency is an ISO 4217 code by the API's example.
	Currency string `json:"currency"`
}

// PhoneNumber is an item of a list of numbers. Only its shape is documented, by an example. Fields
// that the API does not send are zero. It prints with the number masked.
type PhoneNumber struct {
	PhoneNumberUUID string `json:"phone_number_uuid"`
	// Number is the number, unmasked, in E.164.
	Number      string `json:"number"`
	CountryCode string `json:"country_code"`
	Location    string `json:"location"`
	Type        string `json:"type"`
	// IsExternal and Source are as the API sends them. They may contradict each other; use External
	// to decide.
	IsExternal bool   `json:"is_external"`
	Source     Source `json:"source"`
	Status     string `json:"status"`
	// Compliance, Capabilities and Billing are nil if the API does not send them.
	Compliance      *Compliance     `json:"compliance"`
	Capabilities    *Capabilities   `json:"capabilities"`
	ChannelSettings ChannelSettings `json:"channel_settings"`
	Billing         *Billing        `json:"billing"`
	Bindings        Bindings        `json:"bindings"`
	// PurchasedAt and UpdatedAt are zero if the API sends none, or a value that is not a time.
	PurchasedAt time.Time `json:"purchased_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	// Unreadable names the fields that the API sent in a form that cannot be read, such as
	// "billing.monthly_fee"; they are zero. It also names what decides on the trunks of the number
	// and is missing: "source" if the item does not say whether the number is external, "bindings",
	// or "bindings.call.bound" and "bindings.whatsapp.bound". nil is none.
	Unreadable []string `json:"-"`
}

// identity is the same for every way to write a number.
func (n *PhoneNumber) identity() string {
	digits := strings.TrimPrefix(n.Number, "+")
	if strings.Trim(digits, "0123456789") != "" {
		digits = digitsOf(n.Number)
	}
	return cmp.Or(digits, n.Number)
}

func (n *PhoneNumber) isWhole() bool {
	b := &n.Bindings
	return areWhole(&b.Call, &b.SMS, &b.WhatsApp) && (n.Source != "" || n.IsExternal)
}

func (*PhoneNumber) isListed(body []byte, n int) bool { return saysBound(body, "bindings", n) }

func (n *PhoneNumber) prepare(fields map[string]any, r *lenient.Reader) {
	noteSource(fields, r)
	bindings, ok := lenient.Object(fields["bindings"])
	if !ok {
		r.Problems = append(r.Problems, lenient.Problem{Path: "bindings"})
		return
	}
	fields["bindings"] = bindings
	inferBindings(bindings, "bindings.", r)
}

func (n *PhoneNumber) unreadable(paths []string) { n.Unreadable = paths }

// Binding returns the binding on a channel; the zero Binding if the item has no such channel. See
// [PhoneNumber.Trunks] for the bindings that are trunks.
func (n PhoneNumber) Binding(channel Channel) Binding {
	return bindingOf(channel, n.Bindings.Call, n.Bindings.SMS, n.Bindings.WhatsApp)
}

// Trunks iterates over the trunks of the number: the channels of an external number, ChannelCall
// and ChannelWhatsApp, that an agent is bound to. It yields nothing for a purchased number.
func (n PhoneNumber) Trunks() iter.Seq2[TrunkID, Binding] {
	return func(yield func(TrunkID, Binding) bool) {
		if !n.External() {
			return
		}
		for _, channel := range [...]Channel{ChannelCall, ChannelWhatsApp} {
			binding := n.Binding(channel)
			if binding.Bound && !yield(TrunkID{PhoneNumber: n.Number, Channel: channel}, binding) {
				return
			}
		}
	}
}

// Bound reports whether an agent is bound on a channel, which is false for a channel that the item
// does not have.
func (n PhoneNumber) Bound(channel Channel) bool { return n.Binding(channel).Bound }

// External reports whether the number is owned elsewhere; see [ChannelSnapshot.External].
func (n PhoneNumber) External() bool { return n.IsExternal || n.Source == SourceExternal }

func bindingOf(channel Channel, call, sms, whatsapp Binding) Binding {
	switch channel {
	case ChannelCall:
		return call
	case ChannelSMS:
		return sms
	case ChannelWhatsApp:
		return whatsapp
	}
	return Binding{}
}
