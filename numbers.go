package mihu

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/internal/lenient"
	"github.com/mihu-go/mihu/internal/redact"
)

const numbersPath = "/phone-numbers"

// NumbersService lists the numbers of the workspace, changes their channel settings, and lists the
// rates of outbound calls. It is a field of [Client].
//
// The API documents the rates. The list of numbers and the change of settings are seen in examples
// only.
type NumbersService struct{ client *Client }

// List returns one page of all numbers of the workspace, purchased and external. nil options are
// those of the first page. [TrunksService.List] lists only the numbers that have trunks.
//
// API: GET /phone-numbers, which is seen in an example only. Its parameters are not documented, see
// [ListOptions].
func (s NumbersService) List(ctx context.Context, options *ListOptions, opts ...CallOption) (*Page[PhoneNumber], error) {
	return listNumbers(ctx, s.client, OpNumbersList, numbersPath, options, opts)
}

// All iterates over every number of the workspace, purchased and external, each once, as
// [TrunksService.All] does over the numbers that have trunks: the list is whole, or All yields an
// error, once and with a zero number.
//
// API: GET /phone-numbers, which is seen in an example only.
func (s NumbersService) All(ctx context.Context, options *AllOptions, opts ...CallOption) iter.Seq2[PhoneNumber, error] {
	return allNumbers(ctx, s.client, OpNumbersAll, OpNumbersList, numbersPath, options, opts)
}

// ChannelSettingsUpdate is a change of the channel settings of a number. A nil field is not sent;
// this package expects that it stays unchanged, as in other updates of the API. A request that
// would change nothing is refused before it is sent. null is never sent, since the API does not
// document it: a limit cannot be removed with this type.
type ChannelSettingsUpdate struct {
	// Voice changes the settings of calls; snapshots call this channel call. nil, or a struct without
	// any field set, leaves them unchanged.
	Voice *ChannelSettingUpdate `json:"voice,omitempty"`
	// SMS changes the settings of text messages, as Voice does.
	SMS *ChannelSettingUpdate `json:"sms,omitempty"`
	// Inbound changes the settings of inbound traffic, as Voice does.
	Inbound *InboundSettingUpdate `json:"inbound,omitempty"`
}

// ChannelSettingUpdate is a change of the settings of one channel.
type ChannelSettingUpdate struct {
	// Enabled switches the channel on or off; nil leaves it unchanged.
	Enabled *bool `json:"enabled,omitempty"`
	// ChannelLimit sets the maximum number of simultaneous calls or messages, 0 or more; nil leaves it
	// unchanged. The API does not document what 0 means.
	ChannelLimit *int `json:"channel_limit,omitempty"`
	// WhitelistedDestinations replaces the countries that may be called: ISO 3166-1 alpha-2 codes
	// of two capital letters, by the API's example. nil leaves them unchanged. An empty list that
	// is not nil is sent as []. The API does not document whether that allows every destination or
	// none.
	WhitelistedDestinations []string `json:"whitelisted_destinations,omitzero"`
}

// InboundSettingUpdate is a change of the settings of inbound traffic.
type InboundSettingUpdate struct {
	// Enabled accepts or refuses inbound traffic; nil leaves it unchanged.
	Enabled *bool `json:"enabled,omitempty"`
	// ChannelLimit is as in ChannelSettingUpdate.
	ChannelLimit *int `json:"channel_limit,omitempty"`
}

// channelSettingsBody is the body of PATCH.
type channelSettingsBody struct {
	ChannelSettings ChannelSettingsUpdate `json:"channel_settings"`
}

// settingChange is one field that an update sets: a bool, an int or a []string.
type settingChange struct {
	channel, field string
	want           any
}

func (c *settingChange) path() string { return c.channel + "." + c.field }

// changes returns what the update sets, in the order of its fields.
func (u *ChannelSettingsUpdate) changes() []settingChange {
	var all []settingChange
	add := func(channel string, enabled *bool, limit *int) {
		if enabled != nil {
			all = append(all, settingChange{channel, "enabled", *enabled})
		}
		if limit != nil {
			all = append(all, settingChange{channel, "channel_limit", *limit})
		}
	}
	for _, each := range []struct {
		channel string
		update  *ChannelSettingUpdate
	}{{"voice", u.Voice}, {"sms", u.SMS}} {
		if each.update == nil {
			continue
		}
		add(each.channel, each.update.Enabled, each.update.ChannelLimit)
		if destinations := each.update.WhitelistedDestinations; destinations != nil {
			all = append(all, settingChange{each.channel, "whitelisted_destinations", slices.Clone(destinations)})
		}
	}
	if u.Inbound != nil {
		add("inbound", u.Inbound.Enabled, u.Inbound.ChannelLimit)
	}
	return all
}

// body returns the body of the request, without structs that set nothing.
func (u ChannelSettingsUpdate) body(changes []settingChange) *channelSettingsBody {
	sets := func(channel string) bool {
		return slices.ContainsFunc(changes, func(c settingChange) bool { return c.channel == channel })
	}
	if !sets("voice") {
		u.Voice = nil
	}
	if !sets("sms") {
		u.SMS = nil
	}
	if !sets("inbound") {
		u.Inbound = nil
	}
	return &channelSettingsBody{u}
}

// Validate checks the update as UpdateChannelSettings does. It returns nil or a *ValidationError
// with every violation. Nothing is sent.
func (u *ChannelSettingsUpdate) Validate() error {
	if u == nil {
		return nilRequest(OpValidate)
	}
	var found violations
	found.settingChanges(u.changes())
	return found.err(OpValidate)
}

func (f *violations) settingChanges(changes []settingChange) {
	if len(changes) == 0 {
		f.add("request", "", "changes nothing; set at least one field")
	}
	for _, c := range changes {
		switch want := c.want.(type) {
		case int:
			if want < 0 {
				f.add(c.path(), strconv.Itoa(want), "negative; want 0 or more")
			}
		case []string:
			for i, country := range want {
				f.country(c.path()+"["+strconv.Itoa(i)+"]", country)
			}
		}
	}
}

// country checks the code of a country.
func (f *violations) country(field, code string) {
	if len(code) != 2 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		f.add(field, shown(code, words), `want two capital letters such as "IT"`)
	}
}

// LogValue shows what is to change.
func (u ChannelSettingsUpdate) LogValue() slog.Value {
	var a []slog.Attr
	for _, c := range u.changes() {
		a = append(a, slog.String(c.path(), shownSetting(c.want)))
	}
	return slog.GroupValue(a...)
}

// Format prints what LogValue shows, under every verb.
func (u ChannelSettingsUpdate) Format(f fmt.State, verb rune) {
	formatGroup(f, verb, "ChannelSettingsUpdate", u)
}

// shownSetting returns the value of a setting on one short line.
func shownSetting(v any) string { return redact.Text(redact.OneLine(fmt.Sprint(v), 128)) }

// UpdateChannelSettings changes the channel settings of the number with that UUID, which lists and
// snapshots contain, and returns the number after the change. It changes what req sets; see
// [ChannelSettingsUpdate]. It is idempotent and retried. It returns ErrNotFound if the workspace
// does not have the number.
//
// It returns a number only if the API shows that the change was made: the response must be about
// that number, and must not show other settings than those that req sets. If the response does not
// prove it, UpdateChannelSettings reads the number's channels until they show the change, for as
// long as reads may lag behind writes. The result then has what a snapshot contains: UUID, number,
// source, channel settings and bindings. If they do not show it, the error is an
// *UnknownOutcomeError, also if the API sets another value than the one sent, such as a limit that
// it caps.
//
// API: PATCH /phone-numbers/{uuid}, which is seen in an example only.
func (s NumbersService) UpdateChannelSettings(ctx context.Context, phoneNumberUUID string, req *ChannelSettingsUpdate, opts ...CallOption) (*PhoneNumber, error) {
	const op = OpNumbersUpdateChannelSettings
	if req == nil {
		return nil, nilRequest(op)
	}
	changes := req.changes()
	var found violations
	found.uuid("phone_number_uuid", phoneNumberUUID)
	found.settingChanges(changes)
	if err := found.err(op); err != nil {
		return nil, err
	}
	t := &numberTarget{uuid: phoneNumberUUID, changes: changes}
	c, err := s.client.newCall(ctx, &spec{
		op: op, method: http.MethodPatch, path: numbersPath + "/{uuid}", args: map[string]string{"uuid": phoneNumberUUID},
		body:   req.body(changes),
		advice: "read the number's channels with Channels.Get and compare their settings, or send the update again: it is idempotent",
	}, t, opts)
	if err != nil {
		return nil, err
	}
	number := &t.number
	err = c.run()
	if isUnproven(err) {
		number, err = c.reconcileWith(s.client, TrunkID{}, opts).readSettings(phoneNumberUUID, changes)
	}
	if err = c.finish(err); err != nil {
		return nil, err
	}
	return number, nil
}

// readSettings reads the number's channels until they show the changes.
func (r *reconciliation) readSettings(uuid string, changes []settingChange) (*PhoneNumber, error) {
	t := new(settingsTarget)
	snap, err := r.verifyBy(
		func(isFirst bool) (*ChannelSnapshot, error) {
			*t = settingsTarget{}
			err := r.readInto(&spec{
				op: OpNumbersUpdateChannelSettingsRead, method: http.MethodGet, path: numbersPath + "/{uuid}/channels",
				args: map[string]string{"uuid": uuid},
			}, t, isFirst)
			return found(&t.snapshotTarget, err), err
		},
		func(snap *ChannelSnapshot) error {
			expect := expectation{uuid: uuid}
			if err := expect.check(snap); err != nil {
				return err
			}
			return checkSettings(changes, t.shown, true)
		},
	)
	if err != nil {
		return nil, err
	}
	return snap.phoneNumber(uuid), nil
}

// phoneNumber returns what a snapshot contains of a number.
func (s *ChannelSnapshot) phoneNumber(uuid string) *PhoneNumber {
	setting := func(c *CarrierChannel) ChannelSetting {
		return ChannelSetting{Enabled: c.Enabled, ChannelLimit: c.ChannelLimit, WhitelistedDestinations: c.WhitelistedDestinations}
	}
	c := &s.Channels
	var unreadable []string
	for _, path := range s.Unreadable {
		unreadable = append(unreadable, listedPath(path))
	}
	return &PhoneNumber{
		PhoneNumberUUID: firstOf(s.PhoneNumberUUID, uuid), Number: s.Number, IsExternal: s.IsExternal, Source: s.Source,
		ChannelSettings: ChannelSettings{Voice: setting(&c.Call), SMS: setting(&c.SMS), Inbound: c.Inbound},
		Bindings:        Bindings{Call: c.Call.Binding, SMS: c.SMS.Binding, WhatsApp: c.WhatsApp},
		Unreadable:      unreadable,
	}
}

// listedPath returns the path that a field of a snapshot has in a listed number.
func listedPath(path string) string {
	rest, ok := strings.CutPrefix(path, "channels.")
	if !ok {
		return path
	}
	channel, field, _ := strings.Cut(rest, ".")
	switch {
	case field == "bound" || strings.HasPrefix(field, "agent_"):
		return "bindings." + rest
	case channel == "call":
		channel = "voice"
	}
	return "channel_settings." + channel + "." + field
}

// checkSettings returns nil if the settings that are shown are those that were set. A setting that
// is not shown contradicts nothing; if all have to be shown, it is an error.
func checkSettings(changes []settingChange, shown map[string]any, all bool) error {
	for _, c := range changes {
		setting, _ := shown[c.channel].(map[string]any)
		got := setting[c.field]
		switch {
		case got == nil && all:
			return &contradiction{what: "it does not show " + c.path()}
		case got != nil && !c.is(got):
			return &contradiction{what: fmt.Sprintf("it shows %s %s, and not %s", c.path(), shownSetting(got), shownSetting(c.want))}
		}
	}
	return nil
}

// is reports whether a value that a response shows is the one that was set. The order of
// destinations has no meaning.
func (c *settingChange) is(got any) bool {
	want, isList := c.want.([]string)
	if !isList {
		return fmt.Sprint(got) == fmt.Sprint(c.want)
	}
	list, ok := got.([]any)
	countries := func(s []string) []string {
		slices.Sort(s)
		return slices.Compact(s)
	}
	var received []string
	for _, each := range list {
		received = append(received, strings.ToUpper(fmt.Sprint(each)))
	}
	return ok && slices.Equal(countries(received), countries(slices.Clone(want)))
}

// numberTarget is the number to decode after a change of its settings.
type numberTarget struct {
	number  PhoneNumber
	uuid    string
	changes []settingChange
	shown   map[string]any // the settings, as far as the response has them
}

func (t *numberTarget) into() any { return &t.number }

func (t *numberTarget) reset() { t.number, t.shown = PhoneNumber{}, nil }

// isWhole is false, since what is missing cannot be told from zero.
func (t *numberTarget) isWhole([]byte) bool { return false }

func (t *numberTarget) shape(data any, _ map[string]any, r *lenient.Reader) (any, error) {
	fields, ok := lenient.Object(data)
	if data == nil || ok && len(fields) == 0 {
		return nil, errNoData
	}
	if !ok {
		return nil, malformed("its data is not an object")
	}
	if inner, wrapped := fields["data"].(map[string]any); wrapped && fields["phone_number_uuid"] == nil {
		fields = inner
	}
	t.number.prepare(fields, r)
	fields = r.Fields(fields, reflect.TypeFor[PhoneNumber](), "")
	t.shown, _ = fields["channel_settings"].(map[string]any)
	return fields, nil
}

// note returns an error unless the response is about the number, with the settings that were set.
func (t *numberTarget) note(r *lenient.Reader) error {
	t.number.Unreadable = paths(r.Problems)
	switch got := t.number.PhoneNumberUUID; {
	case got == "":
		return malformed("it does not say which number it is about")
	case !strings.EqualFold(got, t.uuid):
		return &contradiction{what: "it is about another number, with UUID " + shownUUID(got)}
	case t.number.Number == "":
		return malformed("it has no number")
	}
	return checkSettings(t.changes, t.shown, false)
}

// settingsTarget is a snapshot to decode, of which it matters which settings it shows.
type settingsTarget struct {
	snapshotTarget
	shown map[string]any
}

func (t *settingsTarget) reset() { *t = settingsTarget{} }

// isWhole is false, since what is missing cannot be told from zero.
func (t *settingsTarget) isWhole([]byte) bool { return false }

func (t *settingsTarget) shape(data any, root map[string]any, r *lenient.Reader) (any, error) {
	shaped, err := t.snapshotTarget.shape(data, root, r)
	if err != nil {
		return nil, err
	}
	fields, _ := shaped.(map[string]any)
	channels, _ := fields["channels"].(map[string]any)
	t.shown = map[string]any{"voice": channels["call"], "sms": channels["sms"], "inbound": channels["inbound"]}
	return shaped, nil
}
