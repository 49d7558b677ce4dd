package main

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) numbersCommand() *cobra.Command {
	var filter numberFilter
	var order string
	cmd := &cobra.Command{
		Use:   "numbers",
		Short: "List all numbers, purchased and external",
		Long: `List all numbers of the workspace, purchased and external, as they arrive, with the channels that
have an agent. The API has no filter, so all of them are fetched. "?" marks a number whose agents are
missing in the response or cannot be read. "trunkctl list" lists trunks only.`,
		Example: `  trunkctl numbers --unbound
  trunkctl numbers --agent "Front desk"
  trunkctl numbers --country US --number 0123 --sort number`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.numbers(cmd.Context(), filter, order) },
	}
	filter.add(cmd)
	addSort(cmd, &order, numberOrders)
	return cmd
}

// boundChannels are the channels that a number may have an agent on, in the order in which they are
// shown.
var boundChannels = []mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp}

// numberFilter selects numbers; an empty field selects all.
type numberFilter struct {
	agent, channel, country, number string
	unbound                         bool
}

func (f *numberFilter) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	addAgent(cmd, &f.agent, "only numbers of this agent, by `NAME` or UUID")
	flags.StringVar(&f.channel, "channel", "", "only numbers with an agent on this `CHANNEL`: call, sms or whatsapp")
	flags.StringVar(&f.country, "country", "", "only numbers of this country, by its `CODE` of two letters, such as US")
	flags.BoolVar(&f.unbound, "unbound", false, "only numbers without an agent")
	addNumberFilter(cmd, &f.number)
	completeWords(cmd, "channel", "call", "sms", "whatsapp")
	completeNothing(cmd, "country")
	cmd.MarkFlagsMutuallyExclusive("unbound", "agent")
	cmd.MarkFlagsMutuallyExclusive("unbound", "channel")
}

func (f *numberFilter) check() error {
	if f.channel != "" && !slices.Contains(boundChannels, mihu.Channel(f.channel)) {
		return usagef("--channel: want call, sms or whatsapp")
	}
	var err error
	if f.country, err = countryCode("--country", f.country); err != nil {
		return err
	}
	return checkNumberText(f.number)
}

// countryCode returns the code of a country in capital letters; "" means none.
func countryCode(flag, text string) (string, error) {
	code := strings.ToUpper(text)
	if code != "" && (len(code) != 2 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return "", usagef("%s: want two letters, such as IT", flag)
	}
	return code, nil
}

func (f *numberFilter) text() string {
	text := flagText([2]string{"--agent", f.agent}, [2]string{"--channel", f.channel}, [2]string{"--country", f.country}, [2]string{"--number", shownPart(f.number)})
	if f.unbound {
		text = strings.TrimSpace("--unbound " + text)
	}
	return text
}

// matches reports whether the number is selected. --agent with --channel selects the numbers that
// the agent serves on that channel.
func (f *numberFilter) matches(n *mihu.PhoneNumber) bool {
	bound := false
	for _, channel := range boundChannels {
		binding := n.Binding(channel)
		bound = bound || binding.Bound && (f.unbound || (f.channel == "" || f.channel == string(channel)) &&
			(f.agent == "" || strings.EqualFold(f.agent, binding.AgentUUID)))
	}
	switch {
	case f.unbound && (bound || hasUnreadableBindings(n)), !f.unbound && !bound && (f.channel != "" || f.agent != ""):
		return false
	}
	return f.matchesNumber(n)
}

// matchesNumber reports whether what is not about agents selects the number.
func (f *numberFilter) matchesNumber(n *mihu.PhoneNumber) bool {
	return (f.country == "" || strings.EqualFold(f.country, n.CountryCode)) && strings.Contains(n.Number, numberText(f.number))
}

// numberRow is a number of a list. It is not masked.
type numberRow struct {
	PhoneNumber     string       `json:"phone_number"`
	PhoneNumberUUID string       `json:"phone_number_uuid"`
	CountryCode     string       `json:"country_code"`
	External        bool         `json:"external"`
	Status          string       `json:"status"`
	Bindings        []bindingRow `json:"bindings"`
	// Unreadable is set if the number may have other agents.
	Unreadable bool `json:"unreadable,omitempty"`
}

// bindingRow is an agent of a number.
type bindingRow struct {
	Channel   mihu.Channel `json:"channel"`
	AgentUUID string       `json:"agent_uuid"`
	AgentName string       `json:"agent_name"`
}

func (b bindingRow) agent() string {
	if b.AgentName != "" {
		return b.AgentName
	}
	return b.AgentUUID
}

var numberColumns = []term.Column{
	{Name: "agent", Only: term.FormatTable, Flexible: true},
	{Name: "number", Only: term.FormatTable},
	{Name: "phone_number", Only: term.FormatCSV},
	{Name: "channels"},
	{Name: "country", Only: term.FormatTable},
	{Name: "country_code", Only: term.FormatCSV},
	{Name: "source"},
	{Name: "status", Spare: true},
	{Name: "agent_uuids", Only: term.FormatCSV},
	{Name: "agent_names", Only: term.FormatCSV},
	{Name: "phone_number_uuid", Only: term.FormatCSV},
}

var numberOrders = orders[numberRow]{
	{name: "number", key: func(n numberRow) string { return n.PhoneNumber }},
	{name: "country", key: func(n numberRow) string { return n.CountryCode }},
	{name: "agent", key: func(n numberRow) string { return n.agents() }},
	{name: "status", key: func(n numberRow) string { return n.Status }},
}

// agents returns the agents of a number, with their channels if they are not the same.
func (n *numberRow) agents() string {
	var agents []string
	same := true
	for _, b := range n.Bindings {
		agents = append(agents, b.agent()+" ("+string(b.Channel)+")")
		same = same && b.AgentUUID == n.Bindings[0].AgentUUID
	}
	if same && len(n.Bindings) > 0 {
		return n.Bindings[0].agent()
	}
	return strings.Join(agents, ", ")
}

func (n numberRow) Cells() []string {
	var channels, uuids, names []string
	for _, b := range n.Bindings {
		channels, uuids, names = append(channels, string(b.Channel)), append(uuids, b.AgentUUID), append(names, b.AgentName)
	}
	agents := n.agents()
	if n.Unreadable {
		channels = append(channels, inDoubt)
		agents = strings.TrimPrefix(agents+", "+inDoubt, ", ")
	}
	source := string(mihu.SourcePurchased)
	if n.External {
		source = string(mihu.SourceExternal)
	}
	return []string{
		agents, n.PhoneNumber, n.PhoneNumber, strings.Join(channels, ","), n.CountryCode, n.CountryCode, source, n.Status,
		strings.Join(uuids, ","), strings.Join(names, ","), n.PhoneNumberUUID,
	}
}

func (a *app) numbers(ctx context.Context, filter numberFilter, order string) error {
	if err := filter.check(); err != nil {
		return err
	}
	less, err := numberOrders.find(order)
	if err != nil {
		return err
	}
	text := filter.text()
	w, err := a.openFor(ctx, &filter.agent)
	if err != nil {
		return err
	}
	doubtful := 0
	err = printList(a, w, numberColumns, listOf[numberRow]{
		rows: selectedNumbers(ctx, w.client, filter, &doubtful), order: less, what: "number", filter: text,
	})
	a.noteDoubtful(doubtful)
	return err
}

// selectedNumbers returns the numbers of a workspace, and counts those of which it is not known which
// agents they have.
func selectedNumbers(ctx context.Context, client *mihu.Client, filter numberFilter, doubtful *int) iter.Seq2[numberRow, error] {
	return func(yield func(numberRow, error) bool) {
		for number, err := range client.Numbers.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			if err != nil {
				yield(numberRow{}, err)
				return
			}
			if hasUnreadableBindings(&number) && filter.matchesNumber(&number) {
				*doubtful++
			}
			if filter.matches(&number) && !yield(numberRowOf(&number), nil) {
				return
			}
		}
	}
}

func numberRowOf(n *mihu.PhoneNumber) numberRow {
	row := numberRow{
		PhoneNumber: n.Number, PhoneNumberUUID: n.PhoneNumberUUID, CountryCode: n.CountryCode, External: n.External(), Status: n.Status,
		Bindings: []bindingRow{}, Unreadable: hasUnreadableBindings(n),
	}
	for _, channel := range boundChannels {
		if b := n.Binding(channel); b.Bound {
			row.Bindings = append(row.Bindings, bindingRow{channel, b.AgentUUID, b.AgentName})
		}
	}
	return row
}
