package mihu

import (
	"encoding/json"
	"iter"
	"strconv"
	"time"
)

// Channel is a way in which a phone number reaches an agent. It is an open set: a value that
// this package does not know decodes as it stands.
type Channel string

// The channels that the API documents. A trunk is on ChannelCall or ChannelWhatsApp; ChannelSMS
// appears in snapshots only, because the API binds SMS through another endpoint,
// POST /agents/{uuid}/channels/sms.
const (
	ChannelCall     Channel = "call"
	ChannelSMS      Channel = "sms"
	ChannelWhatsApp Channel = "whatsapp"
)

// Direction says which calls a trunk carries. It applies to ChannelCall only. It is an open set.
type Direction string

// The directions that the API documents. The API uses DirectionBoth where none is given.
const (
	DirectionInbound  Direction = "inbound"
	DirectionOutbound Direction = "outbound"
	DirectionBoth     Direction = "both"
)

// Source says where a number came from. It is an open set.
type Source string

// The sources that the API documents.
const (
	SourcePurchased Source = "purchased"
	SourceExternal  Source = "external"
)

// TrunkID is what a trunk is called by. A trunk has no id of its own: the pair of phone number
// and channel is its identity, documented as fixed for the life of the trunk. To change either,
// delete the trunk and create another.
//
// It prints with its number masked; read PhoneNumber for the whole of it. TrunkID is comparable
// and can be the key of a map. Its zero value names no trunk.
type TrunkID struct {
	// PhoneNumber in E.164: "+", a country code and the rest, 2 to 15 digits, no spaces.
	PhoneNumber string `json:"phone_number"`
	// Channel is ChannelCall or ChannelWhatsApp.
	Channel Channel `json:"channel"`
}

// TrunkCreateRequest registers a number of yours on one channel of one agent.
//
// The fields that may be left out are left out of the request when they are zero, and the API
// then applies its documented default. It prints without SIP username, password and settings.
type TrunkCreateRequest struct {
	// TrunkID is the number and channel to register. Both are required.
	TrunkID
	// AgentUUID is the agent that is to answer. Required. The API documents that the agent must
	// not serve another number on the same channel.
	AgentUUID string `json:"agent_uuid"`
	// Name is a label for people. The API's documented default is "{channel}_trunk_{digits}",
	// such as "call_trunk_12345678901".
	Name string `json:"name,omitempty"`
	// Direction is for ChannelCall only. The API's documented default is DirectionBoth. On
	// ChannelWhatsApp the API would ignore it in silence, so this package refuses it there.
	Direction Direction `json:"direction,omitempty"`
	// SIP is how to reach the number's own trunk; nil sends none. For ChannelCall only: on
	// ChannelWhatsApp this package refuses it. A struct without any value is not sent.
	SIP *SIPCredentials `json:"sip,omitempty"`
	// AdditionalSettings is a free-form JSON object that the API keeps on the binding, such as
	// {"ani_format": "e164"}. nil sends none; an empty map sends {}. Decode large integers with
	// json.Decoder.UseNumber, since a float64 changes them.
	AdditionalSettings map[string]any `json:"additional_settings,omitzero"`
}

// SIPCredentials are those of a trunk to be created. A zero field is not sent. The API documents
// that they are encrypted at rest and never read back. It prints without username and password.
type SIPCredentials struct {
	// Gateway is a host name or an IP address, without scheme, port or path.
	Gateway string `json:"gateway,omitempty"`
	// Port is 1 to 65535; 0 sends none.
	Port int `json:"port,omitempty"`
	// Username and Password are what the gateway asks for.
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	// SecondaryGateway is used where Gateway fails; of the same form.
	SecondaryGateway string `json:"secondary_gateway,omitempty"`
}

// TrunkUpdateRequest says what to change of a trunk. A nil field is not sent and the API leaves
// what it has, as documented. A request that would change nothing is refused before it is sent.
// It prints without SIP username, password and settings.
type TrunkUpdateRequest struct {
	// Name renames the trunk; nil leaves it. A pointer to "" is sent, but what the API does with
	// an empty name is not documented.
	Name *string `json:"name,omitempty"`
	// Direction changes the direction; nil leaves it. It cannot be cleared: a pointer to "" is
	// refused. For ChannelCall only: on ChannelWhatsApp this package refuses it.
	Direction *Direction `json:"direction,omitempty"`
	// SIP changes the credentials that are set in it; nil, or a struct without any field set,
	// leaves all of them. For ChannelCall only: on ChannelWhatsApp this package refuses it.
	SIP *SIPUpdate `json:"sip,omitempty"`
	// AdditionalSettings replaces the stored object as a whole. nil leaves it; an empty map is
	// sent as {} and clears it.
	AdditionalSettings map[string]any `json:"additional_settings,omitzero"`
}

// SIPUpdate changes single SIP credentials, as documented: nil leaves a credential, a pointer to
// "" clears it, any other value sets it. It prints without username and password.
type SIPUpdate struct {
	// Gateway is a host name or an IP address, without scheme, port or path. nil leaves it;
	// new("") clears it.
	Gateway *string `json:"gateway,omitempty"`
	// Port is made by [SetPort] or [ClearPort]; nil leaves it.
	Port *PortUpdate `json:"port,omitempty"`
	// Username is what the gateway asks for. nil leaves it; new("") clears it.
	Username *string `json:"username,omitempty"`
	// Password is what the gateway asks for. nil leaves it; new("") clears it.
	Password *string `json:"password,omitempty"`
	// SecondaryGateway is of the same form as Gateway. nil leaves it; new("") clears it.
	SecondaryGateway *string `json:"secondary_gateway,omitempty"`
}

// PortUpdate is a change of a SIP port: a new port, or no port. It has constructors of its own
// so that a port that happens to be 0 cannot clear the stored one by accident. The zero value is
// refused when it is sent.
type PortUpdate struct {
	port  int
	clear bool
}

// SetPort sets the port, 1 to 65535. Anything else is refused when the update is sent.
func SetPort(port int) *PortUpdate { return &PortUpdate{port: port} }

// ClearPort clears the port. It is sent as the empty string: the API documents that an empty
// string clears any SIP credential, though not how that goes with a port's type.
func ClearPort() *PortUpdate { return &PortUpdate{clear: true} }

// String is the port, or "clear".
func (p PortUpdate) String() string {
	if p.clear {
		return "clear"
	}
	return strconv.Itoa(p.port)
}

// MarshalJSON writes the port as a number, and a cleared port as "".
func (p PortUpdate) MarshalJSON() ([]byte, error) {
	if p.clear {
		return []byte(`""`), nil
	}
	return strconv.AppendInt(nil, int64(p.port), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
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

// trunkUpdateBody is the PATCH body: what the trunk is called by beside what changes.
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

// ListOptions choose a page of a list. The API documents both parameters for its rates and not
// for its trunks. The zero value asks for the first page at the API's default size.
type ListOptions struct {
	// Page counts from 1; 0 sends none, which is the first page.
	Page int `url:"page,omitempty"`
	// PerPage is 1 to 200 numbers; 0 sends none, for which the API documents 50.
	PerPage int `url:"per_page,omitempty"`
}

// AllOptions are the options of an iterator over all pages of a list. The zero value starts at the first
// page, with pages of 200 items, and fetches a page when it is needed.
type AllOptions struct {
	// Page is the page to start from, counted from 1; 0 is the first.
	Page int
	// PerPage is the size of a page, 1 to 200; 0 is 200.
	PerPage int
	// Prefetch is how many pages to fetch ahead of the page in use: concurrently if the server reports how
	// many pages there are, one after the other if not. As many pages are held in memory. 0 fetches none
	// ahead.
	Prefetch int
}

// Binding says which agent answers on a channel.
type Binding struct {
	// Bound is true when an agent is wired up.
	Bound bool `json:"bound"`
	// AgentUUID and AgentName are "" where the API sends null or nothing. Compare UUIDs with
	// strings.EqualFold, since they are the same in either case.
	AgentUUID string `json:"agent_uuid"`
	AgentName string `json:"agent_name"`
}

// CarrierChannel is the state of a channel that a carrier provides: call or sms.
type CarrierChannel struct {
	// Capable says that the carrier supports the channel, Enabled that it is switched on.
	Capable bool `json:"capable"`
	Enabled bool `json:"enabled"`
	// ChannelLimit is the number of simultaneous calls or messages; nil where the API names none,
	// which is not the same as 0.
	ChannelLimit *int `json:"channel_limit"`
	// WhitelistedDestinations are countries, as ISO 3166-1 alpha-2 codes by the API's example.
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
	// Binding is the agent that answers.
	Binding
}

// InboundChannel is the state of inbound traffic.
type InboundChannel struct {
	// Enabled says that inbound traffic is accepted.
	Enabled bool `json:"enabled"`
	// ChannelLimit is as in CarrierChannel.
	ChannelLimit *int `json:"channel_limit"`
}

// SnapshotChannels are the channels of a number. A channel that the API leaves out, or sends as
// null, is the zero value: not bound.
type SnapshotChannels struct {
	Call     CarrierChannel `json:"call"`
	SMS      CarrierChannel `json:"sms"`
	WhatsApp Binding        `json:"whatsapp"`
	Inbound  InboundChannel `json:"inbound"`
}

// ChannelSnapshot is what a number can do, what of it is enabled, and which agent answers where.
// The API documents it as the answer to creating, updating and assigning a trunk and to both
// channel look-ups. What the API does not send is zero. It prints with the number masked.
type ChannelSnapshot struct {
	// PhoneNumberUUID is "" where the API sends null.
	PhoneNumberUUID string `json:"phone_number_uuid"`
	// Number is the whole number, in E.164.
	Number string `json:"number"`
	// IsExternal and Source are as the API sends them; they may contradict each other, see
	// External.
	IsExternal bool   `json:"is_external"`
	Source     Source `json:"source"`
	// Channels holds the state of every channel.
	Channels SnapshotChannels `json:"channels"`
}

// Binding is the binding on a channel, the zero Binding where the snapshot has no such channel.
func (s ChannelSnapshot) Binding(channel Channel) Binding {
	return bindingOf(channel, s.Channels.Call.Binding, s.Channels.SMS.Binding, s.Channels.WhatsApp)
}

// External says that the number was brought from elsewhere, as every number with a trunk is. One
// of the two marks of it is enough, since the API's own examples set only one.
func (s ChannelSnapshot) External() bool { return s.IsExternal || s.Source == SourceExternal }

// ChannelSetting is the setting of a channel of a listed number.
type ChannelSetting struct {
	// Enabled says that the channel is switched on.
	Enabled bool `json:"enabled"`
	// ChannelLimit is as in CarrierChannel.
	ChannelLimit *int `json:"channel_limit"`
	// WhitelistedDestinations are as in CarrierChannel.
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
}

// ChannelSettings are the settings of a listed number. The API says voice here and call in
// snapshots.
type ChannelSettings struct {
	Voice   ChannelSetting `json:"voice"`
	SMS     ChannelSetting `json:"sms"`
	Inbound InboundChannel `json:"inbound"`
}

// Bindings are the agents wired up to a listed number.
type Bindings struct {
	Call     Binding `json:"call"`
	SMS      Binding `json:"sms"`
	WhatsApp Binding `json:"whatsapp"`
}

// ComplianceRequirement is one thing a regulator asks for.
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

// PhoneNumber is an item of a list of numbers. Only its shape is documented, by an example. What
// the API does not send is zero. It prints with the number masked.
type PhoneNumber struct {
	PhoneNumberUUID string `json:"phone_number_uuid"`
	// Number is the whole number, in E.164.
	Number      string `json:"number"`
	CountryCode string `json:"country_code"`
	Location    string `json:"location"`
	Type        string `json:"type"`
	// IsExternal and Source may contradict each other, see External.
	IsExternal bool   `json:"is_external"`
	Source     Source `json:"source"`
	Status     string `json:"status"`
	// Compliance, Capabilities and Billing are nil where the API says nothing of them.
	Compliance      *Compliance     `json:"compliance"`
	Capabilities    *Capabilities   `json:"capabilities"`
	ChannelSettings ChannelSettings `json:"channel_settings"`
	Billing         *Billing        `json:"billing"`
	Bindings        Bindings        `json:"bindings"`
	// PurchasedAt and UpdatedAt are zero where the API sends none, or one that is not a time.
	PurchasedAt time.Time `json:"purchased_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Binding is the binding on a channel, the zero Binding where the item has no such channel. Of an
// external number, a binding on ChannelCall or ChannelWhatsApp that is Bound is a trunk.
func (n PhoneNumber) Binding(channel Channel) Binding {
	return bindingOf(channel, n.Bindings.Call, n.Bindings.SMS, n.Bindings.WhatsApp)
}

// Trunks iterates over the trunks of the number: the channels of an external number, ChannelCall and
// ChannelWhatsApp, that an agent is bound to. It yields nothing for a purchased number.
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

// External says that the number was brought from elsewhere; see [ChannelSnapshot.External].
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

// Pagination says where a page stands. The API documents it for its rates and not for its
// trunks. What the API does not send is zero.
type Pagination struct {
	CurrentPage int  `json:"current_page"`
	PerPage     int  `json:"per_page"`
	Total       int  `json:"total"`
	LastPage    int  `json:"last_page"`
	From        int  `json:"from"`
	To          int  `json:"to"`
	HasMore     bool `json:"has_more"`
}

// PhoneNumberPage is one page of a list of numbers.
type PhoneNumberPage struct {
	// Items has one entry per number, however many channels of it are bound.
	Items []PhoneNumber `json:"items"`
	// Pagination is nil where the API sends none.
	Pagination *Pagination `json:"pagination"`
}
