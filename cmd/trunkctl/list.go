package main

import (
	"context"
	"iter"
	"regexp"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	var filter trunkFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List trunks",
		Long: `List trunks, a row for each number and channel, as they come: the API has no filter, so all of them
are fetched. A number on which nobody answers has a row without channel.`,
		Example: `  trunkctl list
  trunkctl list --channel whatsapp -o csv
  trunkctl list --agent 3c90c3cc-0d44-4b50-8888-8dd25736052a`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.list(cmd.Context(), filter) },
	}
	filter.add(cmd)
	return cmd
}

// trunkFilter selects trunks; "" is any.
type trunkFilter struct{ channel, agent string }

func (f *trunkFilter) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.channel, "channel", "", "only this `channel`: call or whatsapp")
	fixed(cmd, "channel", string(mihu.ChannelCall), string(mihu.ChannelWhatsApp))
	addAgent(cmd, &f.agent, "only what the agent of this `UUID` answers")
}

func (f trunkFilter) check() error {
	switch mihu.Channel(f.channel) {
	case "", mihu.ChannelCall, mihu.ChannelWhatsApp:
	default:
		return usagef("--channel: want call or whatsapp")
	}
	if f.agent != "" && !uuidForm.MatchString(f.agent) {
		return usagef("--agent: not a UUID such as 3c90c3cc-0d44-4b50-8888-8dd25736052a")
	}
	return nil
}

var uuidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (f trunkFilter) takes(t trunkRow) bool {
	return (f.channel == "" || f.channel == string(t.Channel)) && (f.agent == "" || strings.EqualFold(f.agent, t.AgentUUID))
}

// trunkRow is a trunk as a list has it. Its numbers are whole.
type trunkRow struct {
	PhoneNumber     string       `json:"phone_number"`
	Channel         mihu.Channel `json:"channel"`
	AgentUUID       string       `json:"agent_uuid"`
	AgentName       string       `json:"agent_name"`
	PhoneNumberUUID string       `json:"phone_number_uuid"`
	CountryCode     string       `json:"country_code"`
	Status          string       `json:"status"`
}

var trunkColumns = []column{
	{name: "phone_number"},
	{name: "channel"},
	{name: "agent_uuid"},
	{name: "agent_name", flexible: true},
	{name: "phone_number_uuid", only: formatCSV},
	{name: "country_code", only: formatCSV},
	{name: "status", only: formatCSV},
}

func (t trunkRow) cells() []string {
	return []string{t.PhoneNumber, string(t.Channel), t.AgentUUID, t.AgentName, t.PhoneNumberUUID, t.CountryCode, t.Status}
}

func (a *app) list(ctx context.Context, filter trunkFilter) error {
	if err := filter.check(); err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	out := a.records(trunkColumns)
	for trunk, err := range trunks(ctx, w.client, filter) {
		if err != nil {
			if out.count > 0 {
				_ = out.end() // what came before it is shown, and the error says that it is not all
			}
			return err
		}
		if err := out.add(trunk); err != nil {
			return err
		}
	}
	return out.end()
}

// trunks gives all trunks of a workspace, fetching a page while the one before is used.
func trunks(ctx context.Context, client *mihu.Client, filter trunkFilter) iter.Seq2[trunkRow, error] {
	return func(yield func(trunkRow, error) bool) {
		for number, err := range client.Trunks.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			if err != nil {
				yield(trunkRow{}, err)
				return
			}
			for _, trunk := range trunksOf(number) {
				if filter.takes(trunk) && !yield(trunk, nil) {
					return
				}
			}
		}
	}
}

// trunksOf are the trunks of a number, or a row without channel where it has none.
func trunksOf(number mihu.PhoneNumber) []trunkRow {
	row := trunkRow{
		PhoneNumber: number.Number, PhoneNumberUUID: number.PhoneNumberUUID, CountryCode: number.CountryCode, Status: number.Status,
	}
	var rows []trunkRow
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
		if binding := number.Binding(channel); binding.Bound {
			row.Channel, row.AgentUUID, row.AgentName = channel, binding.AgentUUID, binding.AgentName
			rows = append(rows, row)
		}
	}
	if rows == nil {
		rows = append(rows, row)
	}
	return rows
}
