package mihutest

import (
	"encoding/json"
	"time"

	"github.com/mihu-go/mihu"
)

// The types of this file are written from the contract and not from the structs of package mihu,
// so that a mistake there does not hide here.

// nullable is a string that is sent as null if it is "".
type nullable string

// MarshalJSON implements [json.Marshaler].
func (s nullable) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

type bindingData struct {
	Bound     bool    `json:"bound"`
	AgentUUID *string `json:"agent_uuid"`
	AgentName *string `json:"agent_name"`
}

type inboundData struct {
	Enabled      bool `json:"enabled"`
	ChannelLimit *int `json:"channel_limit"`
}

type settingData struct {
	inboundData
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
}

type carrierData struct {
	Capable bool `json:"capable"`
	settingData
	bindingData
}

type snapshotData struct {
	PhoneNumberUUID nullable `json:"phone_number_uuid"`
	Number          string   `json:"number"`
	IsExternal      bool     `json:"is_external"`
	Source          string   `json:"source"`
	Channels        struct {
		Call     carrierData `json:"call"`
		SMS      carrierData `json:"sms"`
		WhatsApp bindingData `json:"whatsapp"`
		Inbound  inboundData `json:"inbound"`
	} `json:"channels"`
}

type capabilitiesData struct {
	Voice        bool `json:"voice"`
	SMS          bool `json:"sms"`
	MMS          bool `json:"mms"`
	Fax          bool `json:"fax"`
	Emergency    bool `json:"emergency"`
	LocalCalling bool `json:"local_calling"`
}

type itemData struct {
	PhoneNumberUUID string           `json:"phone_number_uuid"`
	Number          string           `json:"number"`
	CountryCode     *string          `json:"country_code"`
	Location        *string          `json:"location"`
	Type            *string          `json:"type"`
	IsExternal      bool             `json:"is_external"`
	Source          string           `json:"source"`
	Status          string           `json:"status"`
	Compliance      *struct{}        `json:"compliance"`
	Capabilities    capabilitiesData `json:"capabilities"`
	ChannelSettings struct {
		Voice   settingData `json:"voice"`
		SMS     settingData `json:"sms"`
		Inbound inboundData `json:"inbound"`
	} `json:"channel_settings"`
	Billing  *struct{} `json:"billing"`
	Bindings struct {
		Call     bindingData `json:"call"`
		SMS      bindingData `json:"sms"`
		WhatsApp bindingData `json:"whatsapp"`
	} `json:"bindings"`
	PurchasedAt *string `json:"purchased_at"`
	UpdatedAt   any     `json:"updated_at"`
}

type pagination struct {
	CurrentPage int  `json:"current_page"`
	PerPage     int  `json:"per_page"`
	Total       int  `json:"total"`
	LastPage    int  `json:"last_page"`
	From        *int `json:"from"`
	To          *int `json:"to"`
	HasMore     bool `json:"has_more"`
}

type partialPagination struct {
	CurrentPage int `json:"current_page"`
	PerPage     int `json:"per_page"`
}

type paginationData struct {
	Pagination any `json:"pagination"`
}

type cursorData struct {
	NextCursor *string `json:"next_cursor"`
	HasMore    bool    `json:"has_more"`
}

// paginatorData is the framework's paginator; its simple form has no last_page and total.
type paginatorData struct {
	CurrentPage int     `json:"current_page"`
	Data        any     `json:"data"`
	From        *int    `json:"from"`
	LastPage    *int    `json:"last_page,omitempty"`
	NextPageURL *string `json:"next_page_url"`
	PerPage     int     `json:"per_page"`
	PrevPageURL *string `json:"prev_page_url"`
	To          *int    `json:"to"`
	Total       *int    `json:"total,omitempty"`
}

func (st *state) bindingData(n *number, channel mihu.Channel) bindingData {
	b := *n.at(channel)
	if b == nil {
		return bindingData{}
	}
	a, _ := st.agent(b.agent)
	return bindingData{Bound: true, AgentUUID: new(b.agent), AgentName: new(a.Name)}
}

// settings are the channel settings of a number.
type settings struct {
	voice, sms settingData
	inbound    inboundData
}

// newSettings returns the settings of a new number. Calls are enabled on all numbers, SMS on
// purchased numbers only. Only purchased numbers have a limit.
func newSettings(purchased bool) *settings {
	s := &settings{
		voice:   settingData{inboundData{Enabled: true}, []string{}},
		sms:     settingData{inboundData{}, []string{}},
		inbound: inboundData{Enabled: true},
	}
	if purchased {
		s.voice.ChannelLimit, s.inbound.ChannelLimit = new(10), new(10)
		s.sms = s.voice
	}
	return s
}

func (n *number) source() string {
	if n.purchased {
		return string(mihu.SourcePurchased)
	}
	return string(mihu.SourceExternal)
}

func (st *state) snapshot(n *number) snapshotData {
	d := snapshotData{PhoneNumberUUID: nullable(n.uuid), Number: n.e164, IsExternal: !n.purchased, Source: n.source()}
	d.Channels.Call = carrierData{true, n.settings.voice, st.bindingData(n, mihu.ChannelCall)}
	d.Channels.SMS = carrierData{n.purchased, n.settings.sms, st.bindingData(n, mihu.ChannelSMS)}
	d.Channels.WhatsApp = st.bindingData(n, mihu.ChannelWhatsApp)
	d.Channels.Inbound = n.settings.inbound
	return d
}

// of returns a time as it is sent.
func (f TimeFormat) of(t time.Time) any {
	switch f {
	case TimeWithoutZone:
		return t.Format(time.DateTime)
	case TimeSeconds:
		return t.Unix()
	default:
		return t.Format(time.RFC3339Nano)
	}
}

func (st *state) item(n *number) itemData {
	d := itemData{PhoneNumberUUID: n.uuid, Number: n.e164, Type: new("local"), IsExternal: !n.purchased, Source: n.source(), Status: "active"}
	d.ChannelSettings.Voice, d.ChannelSettings.SMS, d.ChannelSettings.Inbound = n.settings.voice, n.settings.sms, n.settings.inbound
	d.Capabilities = capabilitiesData{Voice: true, SMS: n.purchased}
	if st.rules.UpdatedAt && !n.updated.IsZero() {
		d.UpdatedAt = st.rules.TimeFormat.of(n.updated.UTC())
	}
	d.Bindings.Call = st.bindingData(n, mihu.ChannelCall)
	d.Bindings.SMS = st.bindingData(n, mihu.ChannelSMS)
	d.Bindings.WhatsApp = st.bindingData(n, mihu.ChannelWhatsApp)
	return d
}
