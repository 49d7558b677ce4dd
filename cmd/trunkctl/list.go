package main

import (
	"cmp"
	"context"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	var filter trunkFilter
	var order string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List trunks",
		Long: `List trunks, one row per number and channel, as they arrive. The API has no filter, so all of them
are fetched. A number without an agent has a row without channel. "?" marks a number whose agents are
missing in the response or cannot be read.`,
		Example: `  trunkctl list
  trunkctl list --channel whatsapp -o csv
  trunkctl list --agent "Front desk"
  trunkctl list --number 0123 --sort agent`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.list(cmd.Context(), filter, order) },
	}
	filter.add(cmd)
	filter.addNumber(cmd)
	addSort(cmd, &order, trunkOrders)
	return cmd
}

// trunkFilter selects trunks; an empty field selects all.
type trunkFilter struct {
	channel, agent string
	number         string // a part of it
}

func (f *trunkFilter) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.channel, "channel", "", "only this `CHANNEL`: call or whatsapp")
	completeWords(cmd, "channel", string(mihu.ChannelCall), string(mihu.ChannelWhatsApp))
	addAgent(cmd, &f.agent, "only trunks of this agent, by `NAME` or UUID")
}

func (f *trunkFilter) addNumber(cmd *cobra.Command) { addNumberFilter(cmd, &f.number) }

func addNumberFilter(cmd *cobra.Command, number *string) {
	cmd.Flags().StringVar(number, "number", "", "only numbers that contain `TEXT`; blanks, dashes and brackets are ignored")
	completeNothing(cmd, "number")
}

func (f trunkFilter) check() error {
	if err := checkChannel(f.channel); err != nil {
		return err
	}
	return checkNumberText(f.number)
}

// checkNumberText checks --number.
func checkNumberText(text string) error {
	if text != "" && numberText(text) == "" || strings.Trim(numberText(text), "+0123456789") != "" {
		return usagef("--number: want a part of a phone number, such as 0123")
	}
	return nil
}

// numberText returns a part of a number without what only separates digits.
func numberText(text string) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(text)
}

// shownPart returns a part of a number for an error or a note: a long one is masked.
func shownPart(text string) string {
	const maxShown = 4
	if len(text) > maxShown {
		return mihu.MaskNumber(text)
	}
	return text
}

// text returns the filter as flags, to end a sentence about what it does not match.
func (f trunkFilter) text() string {
	return flagText([2]string{"--agent", f.agent}, [2]string{"--channel", f.channel}, [2]string{"--number", shownPart(f.number)})
}

// flagText returns the flags that have a value, as on a command line. Each pair is a name and a value.
func flagText(pairs ...[2]string) string {
	var flags []string
	for _, pair := range pairs {
		if pair[1] != "" {
			flags = append(flags, pair[0]+" "+quotedWord(pair[1]))
		}
	}
	return strings.Join(flags, " ")
}

// quotedWord quotes what is not one word.
func quotedWord(text string) string {
	if strings.ContainsAny(text, " \t\"'") {
		return strconv.Quote(text)
	}
	return text
}

var uuidForm = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (f trunkFilter) matches(t trunkRow) bool {
	return (f.channel == "" || f.channel == string(t.Channel)) && (f.agent == "" || strings.EqualFold(f.agent, t.AgentUUID)) &&
		f.matchesNumber(t.PhoneNumber)
}

func (f trunkFilter) matchesNumber(number string) bool {
	return strings.Contains(number, numberText(f.number))
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
	// Unreadable is set in the row of a number if it is not known which trunks it has besides those
	// of other rows.
	Unreadable bool `json:"unreadable,omitempty"`

	external bool
}

// inDoubt is shown for what is missing in a response or cannot be read.
const inDoubt = "?"

var trunkColumns = []term.Column{
	{Name: "agent", Only: term.FormatTable, Flexible: true},
	{Name: "number", Only: term.FormatTable},
	{Name: "phone_number", Only: term.FormatCSV},
	{Name: "channel"},
	{Name: "agent_uuid", Spare: true},
	{Name: "agent_name", Only: term.FormatCSV},
	{Name: "phone_number_uuid", Only: term.FormatCSV},
	{Name: "country_code", Only: term.FormatCSV},
	{Name: "status", Only: term.FormatCSV},
}

var trunkOrders = orders[trunkRow]{
	{name: "agent", key: func(t trunkRow) string { return t.AgentName }},
	{name: "number", key: func(t trunkRow) string { return t.PhoneNumber }},
	{name: "channel", key: func(t trunkRow) string { return string(t.Channel) }},
}

func (t trunkRow) Cells() []string {
	channel, agent := string(t.Channel), cmp.Or(t.AgentName, t.AgentUUID)
	if t.Unreadable {
		channel, agent = inDoubt, inDoubt
	}
	return []string{
		agent, t.PhoneNumber,
		t.PhoneNumber, channel, t.AgentUUID, t.AgentName, t.PhoneNumberUUID, t.CountryCode, t.Status,
	}
}

func (a *app) list(ctx context.Context, filter trunkFilter, order string) error {
	if err := filter.check(); err != nil {
		return err
	}
	less, err := trunkOrders.find(order)
	if err != nil {
		return err
	}
	text := filter.text()
	w, err := a.openFor(ctx, &filter.agent)
	if err != nil {
		return err
	}
	doubtful := 0
	err = printList(a, w, trunkColumns, listOf[trunkRow]{
		rows: trunks(ctx, w.client, filter, &doubtful), order: less, what: "trunk", filter: text,
		counts: func(t trunkRow) bool { return t.Channel != "" },
	})
	a.noteDoubtful(doubtful)
	return err
}

// noteDoubtful says of how many numbers a list may miss something.
func (a *app) noteDoubtful(numbers int) {
	if numbers > 0 {
		a.note("the agents of %s are not known: the response lacks them, or they cannot be read", counted(numbers, "number"))
	}
}

// trunks returns the trunks of a workspace, and counts the numbers of which it is not known which
// trunks they have. It fetches a page while the one before is used.
func trunks(ctx context.Context, client *mihu.Client, filter trunkFilter, doubtful *int) iter.Seq2[trunkRow, error] {
	return func(yield func(trunkRow, error) bool) {
		for number, err := range client.Trunks.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			if err != nil {
				yield(trunkRow{}, err)
				return
			}
			if isDoubtful(number) && filter.matchesNumber(number.Number) {
				*doubtful++
			}
			for _, trunk := range rowsOf(number) {
				if filter.matches(trunk) && !yield(trunk, nil) {
					return
				}
			}
		}
	}
}

// rowsOf returns a row for every trunk of a number, and one without channel if it has none, or may
// have others.
func rowsOf(number mihu.PhoneNumber) []trunkRow {
	row := trunkRow{
		PhoneNumber: number.Number, PhoneNumberUUID: number.PhoneNumberUUID, CountryCode: number.CountryCode, Status: number.Status,
		external: number.External(),
	}
	var rows []trunkRow
	for id, binding := range number.Trunks() {
		trunk := row
		trunk.Channel, trunk.AgentUUID, trunk.AgentName = id.Channel, binding.AgentUUID, binding.AgentName
		rows = append(rows, trunk)
	}
	if row.Unreadable = isDoubtful(number); row.Unreadable || rows == nil {
		rows = append(rows, row)
	}
	return rows
}
