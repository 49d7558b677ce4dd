package main

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) channelsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "channels NUMBER|UUID",
		Short: "Show the channels of a number and their agents",
		Long: `Show which channels of a number are enabled, and which agent answers on each. NUMBER is E.164, such
as +12025550123; UUID is the number's, from "trunkctl list -o json". JSON and YAML have everything that
the API returns.`,
		Example:           `  trunkctl channels +12025550123`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.channels(cmd.Context(), args[0])
		},
	}
}

func (a *app) channels(ctx context.Context, numberOrUUID string) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	get := w.client.Channels.GetByNumber
	if strings.Count(numberOrUUID, "-") == 4 && !strings.HasPrefix(numberOrUUID, "+") {
		get = w.client.Channels.Get
	}
	snap, err := get(ctx, numberOrUUID)
	if err != nil {
		return err
	}
	switch a.global.output {
	case term.FormatJSON, term.FormatYAML:
		return a.printOne(nil, snapshotRecord{snap})
	}
	out := a.records([]term.Column{
		{Name: "phone_number", Only: term.FormatCSV},
		{Name: "number", Only: term.FormatTable},
		{Name: "channel"},
		{Name: "agent", Only: term.FormatTable, Flexible: true},
		{Name: "agent_uuid", Spare: true},
		{Name: "agent_name", Only: term.FormatCSV},
		{Name: "enabled"},
		{Name: "limit"},
	})
	for _, row := range channelRows(snap) {
		if err := out.Add(row); err != nil {
			return err
		}
	}
	return out.End()
}

// snapshotRecord prints all fields of the API.
type snapshotRecord struct{ *mihu.ChannelSnapshot }

func (snapshotRecord) Cells() []string { return nil }

// channelRow is one channel of a number, in the table and in CSV.
type channelRow []string

func (r channelRow) Cells() []string { return r }

func channelRows(snap *mihu.ChannelSnapshot) []channelRow {
	row := func(channel string, binding mihu.Binding, enabled bool, limit *int) channelRow {
		maximum := ""
		if limit != nil {
			maximum = strconv.Itoa(*limit)
		}
		return channelRow{
			snap.Number, snap.Number, channel, cmp.Or(binding.AgentName, binding.AgentUUID), binding.AgentUUID, binding.AgentName, strconv.FormatBool(enabled), maximum,
		}
	}
	channels := snap.Channels
	return []channelRow{
		row(string(mihu.ChannelCall), channels.Call.Binding, channels.Call.Enabled, channels.Call.ChannelLimit),
		row(string(mihu.ChannelSMS), channels.SMS.Binding, channels.SMS.Enabled, channels.SMS.ChannelLimit),
		row(string(mihu.ChannelWhatsApp), channels.WhatsApp, channels.WhatsApp.Bound, nil),
		row("inbound", mihu.Binding{}, channels.Inbound.Enabled, channels.Inbound.ChannelLimit),
	}
}
