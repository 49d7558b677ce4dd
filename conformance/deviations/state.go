package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
)

const (
	channelCall     = "call"
	channelWhatsApp = "whatsapp"
)

// trunk is what the server stores of a trunk. It is never changed: a change stores another one.
type trunk struct {
	agent, name, direction string
	sip                    map[string]string
	settings               string // as JSON
}

// state is what the server stores: number, then channel. A number without a trunk is not there. It
// is never changed either, so that reads can lag behind.
type state map[string]map[string]trunk

// version is a state, and since when it is the server's.
type version struct {
	since time.Time
	state state
}

// change is a request that changes a trunk.
type change struct {
	method, number, channel, agent string
	fields                         map[string]json.RawMessage
}

// refusal is why the server must refuse a change.
type refusal string

const (
	accepted       refusal = ""
	refusedExists  refusal = "trunk exists"
	refusedBusy    refusal = "agent serves another number"
	refusedMissing refusal = "no such trunk"
)

// check reports whether the change can be made.
func (s state) check(c *change) refusal {
	_, exists := s[c.number][c.channel]
	switch {
	case c.method == http.MethodPost && exists:
		return refusedExists
	case c.method != http.MethodPost && !exists:
		return refusedMissing
	case c.agent == "":
		return accepted
	}
	for number, channels := range s {
		if channels[c.channel].agent == c.agent && number != c.number {
			return refusedBusy
		}
	}
	return accepted
}

// with returns the state after a change that can be made.
func (s state) with(c *change) state {
	next := maps.Clone(s)
	channels := maps.Clone(next[c.number])
	if channels == nil {
		channels = map[string]trunk{}
	}
	next[c.number] = channels
	if c.method == http.MethodDelete {
		delete(channels, c.channel)
		if len(channels) == 0 {
			delete(next, c.number)
		}
		return next
	}
	t := channels[c.channel]
	if c.method == http.MethodPost {
		t = trunk{name: fmt.Sprintf("%s_trunk_%s", c.channel, strings.TrimPrefix(c.number, "+"))}
	}
	if c.agent != "" {
		t.agent = c.agent
	}
	if c.method != http.MethodPut {
		t = t.set(c.fields)
	}
	channels[c.channel] = t
	return next
}

// set returns the trunk with the fields of a request.
func (t trunk) set(fields map[string]json.RawMessage) trunk {
	for field, into := range map[string]*string{"name": &t.name, "direction": &t.direction} {
		if raw, ok := fields[field]; ok {
			*into = textOf(raw)
		}
	}
	if raw, ok := fields["additional_settings"]; ok {
		t.settings = string(raw)
	}
	var sip map[string]json.RawMessage
	if json.Unmarshal(fields["sip"], &sip) == nil && len(sip) > 0 {
		t.sip = maps.Clone(t.sip)
		if t.sip == nil {
			t.sip = map[string]string{}
		}
		for field, raw := range sip {
			t.sip[field] = textOf(raw)
		}
	}
	return t
}

// textOf returns a JSON string without its quotes, and a number as it is written.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// lacks returns a field of a request that the trunk does not have, or "".
func (t trunk) lacks(fields map[string]json.RawMessage) string {
	want := t.set(fields)
	switch {
	case want.name != t.name:
		return "name"
	case want.direction != t.direction:
		return "direction"
	case !maps.Equal(want.sip, t.sip):
		return "sip"
	case want.settings != t.settings:
		return "additional_settings"
	}
	return ""
}
