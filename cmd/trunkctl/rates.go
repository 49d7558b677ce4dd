package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) ratesCommand() *cobra.Command {
	var country, prefix, order string
	cmd := &cobra.Command{
		Use:   "rates",
		Short: "List the rates of outbound calls",
		Long: `List what outbound calls cost, as the rates arrive. MIN is the shortest time that is billed, and STEP
the step in which longer calls are billed, in seconds. The API does not document which unit of time
the price is for.`,
		Example: `  trunkctl rates --country IT
  trunkctl rates --prefix 44 --sort price -o csv`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.rates(cmd.Context(), mihu.AllRatesOptions{CountryCode: country, Prefix: prefix, Prefetch: 1}, order)
		},
	}
	cmd.Flags().StringVar(&country, "country", "", "only rates of this country, by its `CODE` of two letters, such as IT")
	cmd.Flags().StringVar(&prefix, "prefix", "", "only rates whose prefix begins with these `DIGITS`")
	completeNothing(cmd, "country", "prefix")
	addSort(cmd, &order, rateOrders)
	return cmd
}

// rateRow is a rate of a list.
type rateRow struct {
	CountryCode             string       `json:"country_code"`
	CountryName             string       `json:"country_name"`
	DestinationPrefix       string       `json:"destination_prefix"`
	Origination             string       `json:"origination"`
	Description             string       `json:"description"`
	MinDurationSeconds      int          `json:"min_duration_seconds"`
	BillingIncrementSeconds int          `json:"billing_increment_seconds"`
	Amount                  mihu.Decimal `json:"amount"`
	Currency                string       `json:"currency"`
}

var rateColumns = []term.Column{
	{Name: "country", Only: term.FormatTable},
	{Name: "country_code", Only: term.FormatCSV},
	{Name: "country_name", Only: term.FormatCSV},
	{Name: "prefix", Only: term.FormatTable},
	{Name: "destination_prefix", Only: term.FormatCSV},
	{Name: "origination", Spare: true},
	{Name: "price", Only: term.FormatTable},
	{Name: "amount", Only: term.FormatCSV},
	{Name: "currency"},
	{Name: "min", Only: term.FormatTable},
	{Name: "min_duration_seconds", Only: term.FormatCSV},
	{Name: "step", Only: term.FormatTable},
	{Name: "billing_increment_seconds", Only: term.FormatCSV},
	{Name: "description", Flexible: true},
}

var rateOrders = orders[rateRow]{
	{name: "country", key: func(r rateRow) string { return r.CountryCode }},
	{name: "prefix", key: func(r rateRow) string { return strings.TrimPrefix(r.DestinationPrefix, "+") }},
	{name: "price", compare: comparePrices},
}

// comparePrices puts prices of one currency together, the lowest first, and those that cannot be read
// last: amounts of two currencies do not compare.
func comparePrices(a, b rateRow) int {
	if currency := strings.Compare(a.Currency, b.Currency); currency != 0 {
		return currency
	}
	x, okX := a.Amount.Rat()
	y, okY := b.Amount.Rat()
	switch {
	case okX && okY:
		return x.Cmp(y)
	case okX:
		return -1
	case okY:
		return 1
	}
	return 0
}

func (r rateRow) Cells() []string {
	minimum, step, amount := strconv.Itoa(r.MinDurationSeconds), strconv.Itoa(r.BillingIncrementSeconds), r.Amount.String()
	return []string{
		r.CountryCode, r.CountryCode, r.CountryName, r.DestinationPrefix, r.DestinationPrefix, r.Origination,
		amount, amount, r.Currency, minimum, minimum, step, step, r.Description,
	}
}

func (a *app) rates(ctx context.Context, options mihu.AllRatesOptions, order string) error {
	less, err := rateOrders.find(order)
	if err != nil {
		return err
	}
	if options.CountryCode, err = countryCode("--country", options.CountryCode); err != nil {
		return err
	}
	digits := strings.TrimPrefix(options.Prefix, "+")
	if options.Prefix != "" && (digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "") {
		return usagef("--prefix: want the first digits of a number, such as 39")
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	rows := func(yield func(rateRow, error) bool) {
		for r, err := range w.client.Numbers.AllRates(ctx, &options) {
			row := rateRow{
				r.CountryCode, r.CountryName, r.DestinationPrefix, r.Origination, r.Description, r.MinDurationSeconds,
				r.BillingIncrementSeconds, r.Price.Amount, r.Price.Currency,
			}
			if !yield(row, err) {
				return
			}
		}
	}
	return printList(a, w, rateColumns, listOf[rateRow]{
		rows: rows, order: less, what: "rate", filter: flagText([2]string{"--country", options.CountryCode}, [2]string{"--prefix", options.Prefix}),
	})
}
