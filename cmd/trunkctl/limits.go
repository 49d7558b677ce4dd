package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// limitChannels are the channels that have settings.
var limitChannels = []string{"call", "sms", "inbound"}

// limitFlags are a change of the settings of one channel.
type limitFlags struct {
	channel                        string
	enable, disable                bool
	limit                          int
	zeroLimit, withoutDestinations bool
	destinations                   []string
	dryRun, yes                    bool
	changes                        bool // a flag that changes something was given
	hasChannel                     bool
}

func (a *app) limitsCommand() *cobra.Command {
	var f limitFlags
	cmd := &cobra.Command{
		Use:   "limits NUMBER",
		Short: "Show or change the channel settings of a number",
		Long: `Show the channel settings of a number: whether a channel is enabled, how many calls or messages it
takes at once, and which countries may be called. With flags, change those of one channel; what has no
flag is unchanged. NUMBER is E.164, such as +12025550123.

The API does not document what a limit of 0 or an empty list of countries means: everything may be
allowed, or nothing. So each has a flag of its own and is confirmed. A limit cannot be removed.`,
		Example: `  trunkctl limits +12025550123
  trunkctl limits +12025550123 --limit 10 --destinations US,CA
  trunkctl limits +12025550123 --channel sms --disable`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := cmd.Flags().Changed
			f.changes = slices.ContainsFunc([]string{"enable", "disable", "limit", "zero-limit", "destinations", "no-destinations"}, changed)
			f.hasChannel = changed("channel")
			if changed("limit") && f.limit < 1 {
				return &usageError{problem: "--limit: want 1 or more", advice: "for 0, whose meaning the API does not document, use --zero-limit"}
			}
			if changed("destinations") && len(f.destinations) == 0 {
				return &usageError{
					problem: "--destinations: want countries, such as IT,FR",
					advice:  "for an empty list, whose meaning the API does not document, use --no-destinations",
				}
			}
			return a.limits(cmd.Context(), args[0], f)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *limitFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.channel, "channel", "call", "`CHANNEL` to change: call, sms or inbound")
	flags.BoolVar(&f.enable, "enable", false, "enable the channel")
	flags.BoolVar(&f.disable, "disable", false, "disable the channel")
	flags.IntVar(&f.limit, "limit", 0, "maximum `N` of simultaneous calls or messages, 1 or more")
	flags.BoolVar(&f.zeroLimit, "zero-limit", false, "set the limit to 0, which may lift it or block the channel")
	flags.StringSliceVar(&f.destinations, "destinations", nil, "countries that may be called, by `CODES` such as IT,FR; replaces the list")
	flags.BoolVar(&f.withoutDestinations, "no-destinations", false, "empty the list of countries, which may allow all of them or none")
	completeWords(cmd, "channel", limitChannels...)
	completeNothing(cmd, "limit", "destinations")
	cmd.MarkFlagsMutuallyExclusive("enable", "disable")
	cmd.MarkFlagsMutuallyExclusive("limit", "zero-limit")
	cmd.MarkFlagsMutuallyExclusive("destinations", "no-destinations")
	addDryRun(cmd, &f.dryRun)
	addYes(cmd, &f.yes)
}

// update returns the request, and the names of the fields that it sets.
func (f *limitFlags) update() (req *mihu.ChannelSettingsUpdate, fields []string, err error) {
	if !slices.Contains(limitChannels, f.channel) {
		return nil, nil, usagef("--channel: want call, sms or inbound")
	}
	var enabled *bool
	if f.enable || f.disable {
		enabled, fields = &f.enable, append(fields, f.channel+".enabled")
	}
	var limit *int
	if f.limit > 0 || f.zeroLimit {
		limit, fields = &f.limit, append(fields, f.channel+".channel_limit")
	}
	var destinations []string
	if len(f.destinations) > 0 || f.withoutDestinations {
		destinations, fields = []string{}, append(fields, f.channel+".whitelisted_destinations")
	}
	for _, each := range f.destinations {
		code, err := countryCode("--destinations", strings.TrimSpace(each))
		if err == nil && code == "" {
			err = usagef("--destinations: want two letters, such as IT")
		}
		if err != nil {
			return nil, nil, err
		}
		destinations = append(destinations, code)
	}
	req = new(mihu.ChannelSettingsUpdate)
	change := &mihu.ChannelSettingUpdate{Enabled: enabled, ChannelLimit: limit, WhitelistedDestinations: destinations}
	switch f.channel {
	case "call":
		req.Voice = change
	case "sms":
		req.SMS = change
	case "inbound":
		if destinations != nil {
			return nil, nil, usagef("--channel inbound has no destinations")
		}
		req.Inbound = &mihu.InboundSettingUpdate{Enabled: enabled, ChannelLimit: limit}
	}
	err = req.Validate()
	return req, fields, err
}

// settingRow is the settings of one channel.
type settingRow struct {
	PhoneNumber  string   `json:"phone_number"`
	Channel      string   `json:"channel"`
	Enabled      bool     `json:"enabled"`
	ChannelLimit *int     `json:"channel_limit"`
	Destinations []string `json:"whitelisted_destinations,omitzero"`
}

var settingColumns = []term.Column{
	{Name: "number", Only: term.FormatTable},
	{Name: "phone_number", Only: term.FormatCSV},
	{Name: "channel"},
	{Name: "enabled"},
	{Name: "limit", Only: term.FormatTable},
	{Name: "channel_limit", Only: term.FormatCSV},
	{Name: "destinations", Only: term.FormatTable, Flexible: true},
	{Name: "whitelisted_destinations", Only: term.FormatCSV},
}

func (s settingRow) limit() string {
	if s.ChannelLimit == nil {
		return ""
	}
	return strconv.Itoa(*s.ChannelLimit)
}

func (s settingRow) Cells() []string {
	enabled, destinations := "no", strings.Join(s.Destinations, ",")
	if s.Enabled {
		enabled = "yes"
	}
	return []string{s.PhoneNumber, s.PhoneNumber, s.Channel, enabled, s.limit(), s.limit(), destinations, destinations}
}

// settingRows returns the settings that a snapshot contains, in the order of limitChannels.
func settingRows(snap *mihu.ChannelSnapshot) []settingRow {
	row := func(channel string, c *mihu.CarrierChannel) settingRow {
		return settingRow{snap.Number, channel, c.Enabled, c.ChannelLimit, slices.Concat([]string{}, c.WhitelistedDestinations)}
	}
	inbound := snap.Channels.Inbound
	return []settingRow{
		row("call", &snap.Channels.Call), row("sms", &snap.Channels.SMS), {snap.Number, "inbound", inbound.Enabled, inbound.ChannelLimit, nil},
	}
}

// changed returns the settings after the change that the flags describe.
func (s settingRow) changed(f *limitFlags) settingRow {
	if f.enable || f.disable {
		s.Enabled = f.enable
	}
	if f.limit > 0 || f.zeroLimit {
		s.ChannelLimit = &f.limit
	}
	if len(f.destinations) > 0 || f.withoutDestinations {
		s.Destinations = nil
		for _, each := range f.destinations {
			s.Destinations = append(s.Destinations, strings.ToUpper(strings.TrimSpace(each)))
		}
	}
	return s
}

func (a *app) limits(ctx context.Context, number string, f limitFlags) error {
	var req *mihu.ChannelSettingsUpdate
	var fields []string
	var err error
	if f.changes {
		req, fields, err = f.update()
	} else if !slices.Contains(limitChannels, f.channel) {
		err = usagef("--channel: want call, sms or inbound")
	}
	if err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	snap, err := w.client.Channels.GetByNumber(ctx, number)
	if err != nil {
		return err
	}
	rows := settingRows(snap)
	at := slices.Index(limitChannels, f.channel)
	switch {
	case f.changes && f.dryRun:
		return a.planLimits(w, rows[at], rows[at].changed(&f))
	case f.changes:
		return a.changeLimits(ctx, w, snap, &f, req, fields)
	case f.hasChannel:
		rows = rows[at : at+1]
	}
	out := a.records(settingColumns)
	for _, row := range rows {
		if err := out.Add(row); err != nil {
			return err
		}
	}
	return out.End()
}

// planLimits prints what would change.
func (a *app) planLimits(w *workspace, before, after settingRow) error {
	if a.global.output != term.FormatTable {
		return a.printOne(settingColumns, after)
	}
	var changes []string
	was, is := before.Cells(), after.Cells()
	for i, column := range settingColumns {
		if column.Only != term.FormatCSV && was[i] != is[i] {
			changes = append(changes, fmt.Sprintf("%s %s -> %s", column.Name, cmp.Or(was[i], "none"), cmp.Or(is[i], "none")))
		}
	}
	action := provision.Updated
	if changes == nil {
		action = provision.Unchanged
	}
	plan := a.planTable()
	row := planRow{action: action.Planned(), number: before.PhoneNumber, channel: before.Channel, text: term.Printable(strings.Join(changes, ", "))}
	if err := cmp.Or(plan.add(row), plan.end()); err != nil {
		return err
	}
	counts := tally{}
	counts.add(row.action)
	a.notePlan(w, &counts)
	return nil
}

func (a *app) changeLimits(ctx context.Context, w *workspace, snap *mihu.ChannelSnapshot, f *limitFlags, req *mihu.ChannelSettingsUpdate, fields []string) error {
	if snap.PhoneNumberUUID == "" {
		return fmt.Errorf("the API does not return the UUID of %s, which a change of its settings needs", mihu.MaskNumber(snap.Number))
	}
	if err := a.confirmLimits(ctx, w, snap.Number, f); err != nil {
		return err
	}
	a.startRecord(ctx, w)
	var meta mihu.Response
	_, err := w.client.Numbers.UpdateChannelSettings(ctx, snap.PhoneNumberUUID, req, mihu.WithResponse(&meta))
	id := mihu.TrunkID{PhoneNumber: snap.Number, Channel: mihu.Channel(f.channel)}
	a.recorder.change(ctx, logged{id: id, action: provision.Updated, fields: fields, err: err, requestID: meta.RequestID})
	if err != nil {
		return err
	}
	a.note("updated the %s settings of %s in %s", f.channel, mihu.MaskNumber(snap.Number), w.name)
	return a.printOne(settingColumns, settingRows(snap)[slices.Index(limitChannels, f.channel)].changed(f))
}

// confirmLimits asks before a change whose effect is not documented.
func (a *app) confirmLimits(ctx context.Context, w *workspace, number string, f *limitFlags) error {
	var risks []string
	if f.withoutDestinations {
		risks = append(risks, "An empty list of countries may allow all of them or none: the API does not document it.")
	}
	if f.zeroLimit {
		risks = append(risks, "A limit of 0 may lift the limit or block the channel: the API does not document it.")
	}
	question := fmt.Sprintf("Change the %s settings of %s in %s?", f.channel, number, w.name)
	if len(risks) > 0 {
		return a.confirm(ctx, w, f.yes, strings.Join(append(risks, question), "\n"))
	}
	a.yes = f.yes
	return a.confirmProduction(ctx, w, question)
}
