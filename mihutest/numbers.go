package mihutest

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// settingChange is the fields of a channel's settings that a request sets; nil leaves a field
// unchanged.
type settingChange struct {
	enabled      *bool
	limit        *int
	destinations []string
}

// settingsChange is a change of the settings of a number.
type settingsChange struct{ voice, sms, inbound settingChange }

// apply returns the settings after the change.
func (c *settingsChange) apply(s *settings) *settings {
	changed := *s
	c.voice.apply(&changed.voice)
	c.sms.apply(&changed.sms)
	inbound := settingData{inboundData: changed.inbound}
	c.inbound.apply(&inbound)
	changed.inbound = inbound.inboundData
	return &changed
}

func (c *settingChange) apply(d *settingData) {
	set(&d.Enabled, c.enabled)
	if c.limit != nil {
		d.ChannelLimit = c.limit
	}
	if c.destinations != nil {
		d.WhitelistedDestinations = c.destinations
	}
}

// settings reads the change of a number's settings.
func (f *form) settings() *settingsChange {
	if _, sent := f.fields["channel_settings"]; !sent {
		f.refuse("channel_settings", "is required")
	}
	all := &form{fields: f.object("channel_settings"), prefix: "channel_settings."}
	all.only([]string{"voice", "sms", "inbound"})
	c := &settingsChange{voice: all.setting("voice", true), sms: all.setting("sms", true), inbound: all.setting("inbound", false)}
	if f.problem == nil {
		f.problem = all.problem
	}
	return c
}

func (f *form) setting(name string, hasDestinations bool) (c settingChange) {
	fields := &form{fields: f.object(name), prefix: f.prefix + name + "."}
	names := []string{"enabled", "channel_limit"}
	if hasDestinations {
		names = append(names, "whitelisted_destinations")
	}
	fields.only(names)
	if enabled, sent := fields.fields["enabled"]; sent {
		on, ok := enabled.(bool)
		if c.enabled = &on; !ok {
			fields.refuse("enabled", "must be true or false")
		}
	}
	if limit, sent := fields.fields["channel_limit"]; sent {
		n, ok := limit.(float64)
		if c.limit = new(int(n)); !ok || n < 0 || n > math.MaxInt32 || n != math.Trunc(n) {
			fields.refuse("channel_limit", "must be an integer, 0 or more")
		}
	}
	if list, sent := fields.fields["whitelisted_destinations"]; sent && hasDestinations {
		c.destinations = fields.countries("whitelisted_destinations", list)
	}
	if f.problem == nil {
		f.problem = fields.problem
	}
	return c
}

func (f *form) countries(name string, v any) []string {
	list, ok := v.([]any)
	codes := make([]string, 0, len(list))
	for _, each := range list {
		code, isText := each.(string)
		ok = ok && isText && isCountry(code)
		codes = append(codes, code)
	}
	if !ok {
		f.refuse(name, "must be a list of two capital letters each")
	}
	return codes
}

func isCountry(s string) bool {
	return len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func (s *Server) updateSettings(in input) response {
	c := in.settings()
	if in.problem != nil {
		return in.problem.response()
	}
	data, changed, p := s.state.updateSettings(in.uuid, c)
	return respond(p, changed, http.StatusOK, "Phone number updated", data)
}

// updateSettings changes the settings of a number. changed reports whether any value is different
// afterwards.
func (st *state) updateSettings(uuid string, c *settingsChange) (data itemData, changed bool, p *problem) {
	st.mu.Lock()
	defer st.mu.Unlock()
	n := st.uuids[uuid]
	if n == nil {
		return itemData{}, false, noNumber()
	}
	updated := c.apply(n.settings)
	if changed = !updated.equal(n.settings); changed {
		st.remember(n.e164)
		n.settings = updated
	}
	return st.item(n), changed, nil
}

func noNumber() *problem {
	return refused(http.StatusNotFound, "PHONE_NUMBER_NOT_FOUND", "", "There is no such number")
}

func (s *settings) equal(other *settings) bool {
	same := func(a, b settingData) bool {
		return a.inboundData.equal(b.inboundData) && slices.Equal(a.WhitelistedDestinations, b.WhitelistedDestinations)
	}
	return same(s.voice, other.voice) && same(s.sms, other.sms) && s.inbound.equal(other.inbound)
}

func (d inboundData) equal(other inboundData) bool {
	limit := func(d inboundData) int {
		if d.ChannelLimit == nil {
			return -1
		}
		return *d.ChannelLimit
	}
	return d.Enabled == other.Enabled && limit(d) == limit(other)
}

// ChannelSettings returns a copy of the channel settings of a number; false means that the number
// does not exist.
func (s *Server) ChannelSettings(e164 string) (mihu.ChannelSettings, bool) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	n := s.state.numbers[e164]
	if n == nil {
		return mihu.ChannelSettings{}, false
	}
	inbound := func(d inboundData) mihu.InboundChannel {
		c := mihu.InboundChannel{Enabled: d.Enabled}
		if d.ChannelLimit != nil {
			c.ChannelLimit = new(*d.ChannelLimit)
		}
		return c
	}
	setting := func(d settingData) mihu.ChannelSetting {
		c := inbound(d.inboundData)
		return mihu.ChannelSetting{Enabled: c.Enabled, ChannelLimit: c.ChannelLimit, WhitelistedDestinations: slices.Clone(d.WhitelistedDestinations)}
	}
	return mihu.ChannelSettings{Voice: setting(n.settings.voice), SMS: setting(n.settings.sms), Inbound: inbound(n.settings.inbound)}, true
}

// rateData is a rate as the contract shows it.
type rateData struct {
	CountryCode             string `json:"country_code"`
	CountryName             string `json:"country_name"`
	DestinationPrefix       string `json:"destination_prefix"`
	Origination             string `json:"origination"`
	Description             string `json:"description"`
	MinDurationSeconds      int    `json:"min_duration_seconds"`
	BillingIncrementSeconds int    `json:"billing_increment_seconds"`
	Price                   struct {
		Amount   mihu.Decimal `json:"amount"`
		Currency string       `json:"currency"`
	} `json:"price"`
}

// AddRates adds rates of outbound calls, in this order. Rates may look alike. It returns an error,
// and adds none, if a country code is not two capital letters, a prefix has other characters than
// digits and a plus in front, or an amount is not a number.
func (s *Server) AddRates(rates ...mihu.Rate) error {
	for i, r := range rates {
		_, isNumber := r.Price.Amount.Rat()
		switch {
		case !isCountry(r.CountryCode):
			return fmt.Errorf("mihutest: AddRates: rate %d: the country code is not two capital letters", i)
		case strings.Trim(digits(r.DestinationPrefix), "0123456789") != "":
			return fmt.Errorf("mihutest: AddRates: rate %d: the prefix is not of digits", i)
		case !isNumber:
			return fmt.Errorf("mihutest: AddRates: rate %d: the amount is not a number", i)
		}
	}
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.rates = append(s.state.rates, rates...)
	return nil
}

// digits returns a number or a prefix without its plus.
func digits(s string) string { return strings.TrimPrefix(s, "+") }

// listRates is the source of the list of rates, as they are now.
func (st *state) listRates(in input, part *slice, limit int) {
	country, prefix := in.text("country_code"), in.text("prefix")
	if country != nil && !isCountry(*country) {
		in.refuse("country_code", "must be two capital letters")
	}
	if prefix != nil && (digits(*prefix) == "" || strings.Trim(digits(*prefix), "0123456789") != "") {
		in.refuse("prefix", "must be digits, with or without a plus")
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	var found []mihu.Rate
	for _, r := range st.rates {
		if (country == nil || r.CountryCode == *country) && (prefix == nil || strings.HasPrefix(digits(r.DestinationPrefix), digits(*prefix))) {
			found = append(found, r)
		}
	}
	items := []rateData{}
	for _, r := range window(found, part.offset, limit) {
		d := rateData{
			CountryCode: r.CountryCode, CountryName: r.CountryName, DestinationPrefix: r.DestinationPrefix, Origination: r.Origination,
			Description: r.Description, MinDurationSeconds: r.MinDurationSeconds, BillingIncrementSeconds: r.BillingIncrementSeconds,
		}
		d.Price.Amount, d.Price.Currency = r.Price.Amount, r.Price.Currency
		items = append(items, d)
	}
	part.items, part.count, part.total = items, len(items), len(found)
}
