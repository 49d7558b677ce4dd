package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/spf13/cobra"
)

func (a *app) channelsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "channels NUMBER|UUID",
		Short: "Show the channels of a number, and who answers",
		Long: `Show what a number can do, what of it is enabled, and which agent answers where. A number is in
E.164 such as +12025550123; a UUID is that of the number, as "trunkctl list -o json" has it. As JSON
and YAML, it is all that the API says.`,
		Example:           `  trunkctl channels +12025550123`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.channels(cmd.Context(), args[0])
		},
	}
}

func (a *app) channels(ctx context.Context, which string) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	get := w.client.Channels.GetByNumber
	if strings.Count(which, "-") == 4 && !strings.HasPrefix(which, "+") {
		get = w.client.Channels.Get
	}
	snap, err := get(ctx, which)
	if err != nil {
		return err
	}
	switch a.global.output {
	case formatJSON, formatYAML:
		return a.printOne(nil, snapshotRecord{snap})
	}
	out := a.records([]column{
		{name: "phone_number"},
		{name: "channel"},
		{name: "agent_uuid"},
		{name: "agent_name", flexible: true},
		{name: "enabled"},
		{name: "limit"},
	})
	for _, row := range channelRows(snap) {
		if err := out.add(row); err != nil {
			return err
		}
	}
	return out.end()
}

// snapshotRecord prints as the API has sent it.
type snapshotRecord struct{ *mihu.ChannelSnapshot }

func (snapshotRecord) cells() []string { return nil }

// channelRow is one channel of a number, in the table and in CSV.
type channelRow []string

func (r channelRow) cells() []string { return r }

func channelRows(snap *mihu.ChannelSnapshot) []channelRow {
	row := func(channel string, binding mihu.Binding, enabled bool, limit *int) channelRow {
		most := ""
		if limit != nil {
			most = strconv.Itoa(*limit)
		}
		return channelRow{snap.Number, channel, binding.AgentUUID, binding.AgentName, strconv.FormatBool(enabled), most}
	}
	channels := snap.Channels
	return []channelRow{
		row(string(mihu.ChannelCall), channels.Call.Binding, channels.Call.Enabled, channels.Call.ChannelLimit),
		row(string(mihu.ChannelSMS), channels.SMS.Binding, channels.SMS.Enabled, channels.SMS.ChannelLimit),
		row(string(mihu.ChannelWhatsApp), channels.WhatsApp, channels.WhatsApp.Bound, nil),
		row("inbound", mihu.Binding{}, channels.Inbound.Enabled, channels.Inbound.ChannelLimit),
	}
}
