package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// The work: to update a trunk, and to read a page of numbers. Every contender sends the same values
// to the same place and decodes the same answer into structs of the same fields.

const (
	number     = "+12345678901"
	token      = "benchmarkt0ken9f8e7d6c"
	trunksPath = "/v1/phone-numbers/trunks"
)

// place is where a contender sends to.
type place struct {
	// URL has no slash at its end.
	URL string
	// Transport takes the place of the contender's own where there is to be no socket.
	Transport http.RoundTripper `json:"-"`
}

// caller is a contender's client of one place.
type caller struct {
	update func(ctx context.Context) error
	// page gives how many numbers the page has. It is nil where a contender reads no answers.
	page func(ctx context.Context, number int) (int, error)
	// close closes what is idle.
	close func()
}

// own is the transport that a contender made itself, or the place's.
func (p place) own(made *http.Transport) (transport http.RoundTripper, closeIdle func()) {
	if p.Transport != nil {
		return p.Transport, func() {}
	}
	return made, made.CloseIdleConnections
}

// standard is the transport of contenders that make none of their own: that of net/http.
func standard() *http.Transport {
	shared, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		panic("http.DefaultTransport was replaced")
	}
	return shared.Clone()
}

type updateBody struct {
	PhoneNumber string  `json:"phone_number"`
	Channel     string  `json:"channel"`
	Name        *string `json:"name,omitempty"`
	SIP         *sip    `json:"sip,omitempty"`
}

type sip struct {
	Gateway  *string `json:"gateway,omitempty"`
	Username *string `json:"username,omitempty"`
	Password *string `json:"password,omitempty"`
}

// update is what every contender but this package encodes.
var update = updateBody{
	PhoneNumber: number, Channel: "call", Name: new("Reception"),
	SIP: &sip{Gateway: new("sip.example.com"), Username: new("reception"), Password: new("s3cret-0123456789")},
}

// answer is what an update is answered with.
type answer struct {
	Success bool     `json:"success"`
	Message string   `json:"message"`
	Data    snapshot `json:"data"`
}

var errAnswer = errors.New("the answer was not decoded")

// check keeps a contender from winning by not decoding.
func (a *answer) check() error {
	if !a.Success || a.Data.Number != number || a.Data.Channels.Call.AgentName == "" {
		return errAnswer
	}
	return nil
}

type snapshot struct {
	PhoneNumberUUID string   `json:"phone_number_uuid"`
	Number          string   `json:"number"`
	IsExternal      bool     `json:"is_external"`
	Source          string   `json:"source"`
	Channels        channels `json:"channels"`
}

type channels struct {
	Call     carrierChannel `json:"call"`
	SMS      carrierChannel `json:"sms"`
	WhatsApp binding        `json:"whatsapp"`
	Inbound  inboundChannel `json:"inbound"`
}

type binding struct {
	Bound     bool   `json:"bound"`
	AgentUUID string `json:"agent_uuid"`
	AgentName string `json:"agent_name"`
}

type carrierChannel struct {
	Capable                 bool     `json:"capable"`
	Enabled                 bool     `json:"enabled"`
	ChannelLimit            *int     `json:"channel_limit"`
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
	binding
}

type inboundChannel struct {
	Enabled      bool `json:"enabled"`
	ChannelLimit *int `json:"channel_limit"`
}

// pageAnswer is what the list is answered with.
type pageAnswer struct {
	Success bool `json:"success"`
	Data    page `json:"data"`
}

// check gives how many numbers the page has.
func (a *pageAnswer) check() (int, error) {
	if !a.Success || len(a.Data.Items) == 0 || a.Data.Items[0].Bindings.Call.AgentName == "" {
		return 0, errAnswer
	}
	return len(a.Data.Items), nil
}

type page struct {
	Items      []item      `json:"items"`
	Pagination *pagination `json:"pagination"`
}

type pagination struct {
	CurrentPage int  `json:"current_page"`
	PerPage     int  `json:"per_page"`
	Total       int  `json:"total"`
	LastPage    int  `json:"last_page"`
	From        int  `json:"from"`
	To          int  `json:"to"`
	HasMore     bool `json:"has_more"`
}

type item struct {
	PhoneNumberUUID string          `json:"phone_number_uuid"`
	Number          string          `json:"number"`
	CountryCode     string          `json:"country_code"`
	Location        string          `json:"location"`
	Type            string          `json:"type"`
	IsExternal      bool            `json:"is_external"`
	Source          string          `json:"source"`
	Status          string          `json:"status"`
	Compliance      *compliance     `json:"compliance"`
	Capabilities    *capabilities   `json:"capabilities"`
	ChannelSettings channelSettings `json:"channel_settings"`
	Billing         *billing        `json:"billing"`
	Bindings        bindings        `json:"bindings"`
	PurchasedAt     time.Time       `json:"purchased_at"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

type compliance struct {
	Status       string   `json:"status"`
	Requirements []demand `json:"requirements"`
}

type demand struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
}

type capabilities struct {
	Voice        bool `json:"voice"`
	SMS          bool `json:"sms"`
	MMS          bool `json:"mms"`
	Fax          bool `json:"fax"`
	Emergency    bool `json:"emergency"`
	LocalCalling bool `json:"local_calling"`
}

type channelSettings struct {
	Voice   channelSetting `json:"voice"`
	SMS     channelSetting `json:"sms"`
	Inbound inboundChannel `json:"inbound"`
}

type channelSetting struct {
	Enabled                 bool     `json:"enabled"`
	ChannelLimit            *int     `json:"channel_limit"`
	WhitelistedDestinations []string `json:"whitelisted_destinations"`
}

type billing struct {
	MonthlyFee *float64 `json:"monthly_fee"`
	Currency   string   `json:"currency"`
}

type bindings struct {
	Call     binding `json:"call"`
	SMS      binding `json:"sms"`
	WhatsApp binding `json:"whatsapp"`
}

// plainCaller does the work with a contender that takes any method, path, body and answer.
func plainCaller(do func(ctx context.Context, method, path string, in, into any) error, closeIdle func()) caller {
	return caller{
		update: func(ctx context.Context) error {
			var got answer
			if err := do(ctx, http.MethodPatch, trunksPath, &update, &got); err != nil {
				return err
			}
			return got.check()
		},
		page: func(ctx context.Context, number int) (int, error) {
			var got pageAnswer
			if err := do(ctx, http.MethodGet, trunksPath+"?page="+strconv.Itoa(number)+"&per_page=200", nil, &got); err != nil {
				return 0, err
			}
			return got.check()
		},
		close: closeIdle,
	}
}
