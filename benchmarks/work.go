package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// The work is to update a trunk and to read a page of numbers. Every contender sends the same values
// to the same URL and decodes the same response into structs with the same fields.

const (
	number     = "+12345678901"
	token      = "benchmarkt0ken9f8e7d6c"
	trunksPath = "/v1/phone-numbers/trunks"
)

// place is the server of a contender.
type place struct {
	// URL has no trailing slash.
	URL string
	// Transport replaces the contender's own transport in measurements without a socket.
	Transport http.RoundTripper `json:"-"`
}

// caller is a contender's client of a server.
type caller struct {
	update func(ctx context.Context) error
	// page returns the number of numbers on the page. It is nil if a contender reads no responses.
	page func(ctx context.Context, number int) (int, error)
	// close closes idle connections.
	close func()
}

// own returns the contender's own transport, or that of the place.
func (p place) own(made *http.Transport) (transport http.RoundTripper, closeIdle func()) {
	if p.Transport != nil {
		return p.Transport, func() {}
	}
	return made, made.CloseIdleConnections
}

// standard returns net/http's transport, for contenders without their own.
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

// update is the body that every contender but this package encodes.
var update = updateBody{
	PhoneNumber: number, Channel: "call", Name: new("Reception"),
	SIP: &sip{Gateway: new("sip.example.com"), Username: new("reception"), Password: new("s3cret-0123456789")},
}

// reply is the response to an update.
type reply struct {
	Success bool     `json:"success"`
	Message string   `json:"message"`
	Data    snapshot `json:"data"`
}

var errResponse = errors.New("the response was not decoded")

// check detects a contender that does not decode.
func (a *reply) check() error {
	if !a.Success || a.Data.Number != number || a.Data.Channels.Call.AgentName == "" {
		return errResponse
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

// pageReply is the response of the list.
type pageReply struct {
	Success bool `json:"success"`
	Data    page `json:"data"`
}

// check returns the number of numbers on the page.
func (a *pageReply) check() (int, error) {
	if !a.Success || len(a.Data.Items) == 0 || a.Data.Items[0].Bindings.Call.AgentName == "" {
		return 0, errResponse
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

// plainCaller does the work with a contender that accepts any method, path, body and response.
func plainCaller(do func(ctx context.Context, method, path string, in, into any) error, closeIdle func()) caller {
	return caller{
		update: func(ctx context.Context) error {
			var got reply
			if err := do(ctx, http.MethodPatch, trunksPath, &update, &got); err != nil {
				return err
			}
			return got.check()
		},
		page: func(ctx context.Context, number int) (int, error) {
			var got pageReply
			if err := do(ctx, http.MethodGet, trunksPath+"?page="+strconv.Itoa(number)+"&per_page=200", nil, &got); err != nil {
				return 0, err
			}
			return got.check()
		},
		close: closeIdle,
	}
}
