package main

import (
	"context"
	"iter"
	"regexp"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	var filter trunkFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List trunks",
		Long: `List trunks, one row per number and channel, as they arrive. The API has no filter, so all of them
are fetched. A number without an agent has a row without channel.`,
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

// trunkFilter selects trunks; an empty field selects all.
type trunkFilter struct{ channel, agent string }

func (f *trunkFilter) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.channel, "channel", "", "only this `CHANNEL`: call or whatsapp")
	completeWords(cmd, "channel", string(mihu.ChannelCall), string(mihu.ChannelWhatsApp))
	addAgent(cmd, &f.agent, "only trunks of the agent with this `UUID`")
}

func (f trunkFilter) check() error {
	if err := checkChannel(f.channel); err != nil {
		return err
	}
	if f.agent != "" && !uuidForm.MatchString(f.agent) {
		return usagef("--agent: not a UUID such as 3c90c3cc-0d44-4b50-8888-8dd25736052a")
	}
	return nil
}

// text returns the filter as flags, to end a sentence about what it does not match.
func (f trunkFilter) text() string {
	var flags []string
	if f.channel != "" {
		flags = append(flags, "--channel "+f.channel)
	}
	if f.agent != "" {
		flags = append(flags, "--agent "+f.agent)
	}
	if flags == nil {
		return ""
	}
	return " match " + strings.Join(flags, " ")
}

var uuidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (f trunkFilter) matches(t trunkRow) bool {
	return (f.channel == "" || f.channel == string(t.Channel)) && (f.agent == "" || strings.EqualFold(f.agent, t.AgentUUID))
}

// trunkRow is a trunk of a list. Its number is not masked.
type trunkRow struct {
	PhoneNumber     string       `json:"phone_number"`
	Channel         mihu.Channel `json:"channel"`
	AgentUUID       string       `json:"agent_uuid"`
	AgentName       string       `json:"agent_name"`
	PhoneNumberUUID string       `json:"phone_number_uuid"`
	CountryCode     string       `json:"country_code"`
	Status          string       `json:"status"`
}

var trunkColumns = []term.Column{
	{Name: "phone_number"},
	{Name: "channel"},
	{Name: "agent_uuid"},
	{Name: "agent_name", Flexible: true},
	{Name: "phone_number_uuid", Only: term.FormatCSV},
	{Name: "country_code", Only: term.FormatCSV},
	{Name: "status", Only: term.FormatCSV},
}

func (t trunkRow) Cells() []string {
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
	out.OmitEmptyTable()
	for trunk, err := range trunks(ctx, w.client, filter) {
		if err != nil {
			if out.Count() > 0 {
				_ = out.End() // shows the trunks so far; the error says that there are more
			}
			return err
		}
		if err := out.Add(trunk); err != nil {
			return err
		}
	}
	if out.Count() == 0 && a.global.output == term.FormatTable {
		a.note("no trunks%s in %s", filter.text(), w.name)
	}
	return out.End()
}

// trunks returns the trunks of a workspace. It fetches a page while the one before is used.
func trunks(ctx context.Context, client *mihu.Client, filter trunkFilter) iter.Seq2[trunkRow, error] {
	return func(yield func(trunkRow, error) bool) {
		for number, err := range client.Trunks.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			if err != nil {
				yield(trunkRow{}, err)
				return
			}
			for _, trunk := range rowsOf(number) {
				if filter.matches(trunk) && !yield(trunk, nil) {
					return
				}
			}
		}
	}
}

// rowsOf returns a row for every trunk of a number, or one without channel if it has none.
func rowsOf(number mihu.PhoneNumber) []trunkRow {
	row := trunkRow{
		PhoneNumber: number.Number, PhoneNumberUUID: number.PhoneNumberUUID, CountryCode: number.CountryCode, Status: number.Status,
	}
	var rows []trunkRow
	for id, binding := range number.Trunks() {
		trunk := row
		trunk.Channel, trunk.AgentUUID, trunk.AgentName = id.Channel, binding.AgentUUID, binding.AgentName
		rows = append(rows, trunk)
	}
	if rows == nil {
		rows = append(rows, row)
	}
	return rows
}
