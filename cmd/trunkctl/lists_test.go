package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestFilters: each filter selects rows, and an order sorts them.
func TestFilters(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	uuids := f.named("Sales", "front desk", "Night line")
	for i, id := range []mihu.TrunkID{
		{PhoneNumber: number(3), Channel: mihu.ChannelCall},
		{PhoneNumber: number(2), Channel: mihu.ChannelCall},
		{PhoneNumber: number(2), Channel: mihu.ChannelWhatsApp},
	} {
		require.NoError(t, f.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: uuids[i]}))
	}
	_, err := f.AddPurchasedNumber("+442079460001")
	require.NoError(t, err)
	_, err = f.AddPurchasedNumber("+442079460002")
	require.NoError(t, err)
	require.NoError(t, f.BindPurchased("+442079460002", mihu.ChannelSMS, uuids[0]))
	const list, numbers, agents = "list", "numbers", "agents"
	for _, c := range []struct{ args, want string }{
		{list, "3 2 2"},
		{"list --sort number", "2 2 3"},
		{"list --sort agent", "2 2 3"},
		{"list --sort channel", "3 2 2"},
		{"list --agent Sales", "3"},
		{"list --channel whatsapp", "2"},
		{"list --number 5550003", "3"},
		{"list --number 555-0003", "3"},
		{"list --number 999", ""},
		{numbers, "3 2 1 2"},
		{"numbers --unbound", "1"},
		{"numbers --agent Sales", "3 2"},
		{"numbers --agent Sales --channel sms", "2"},
		{"numbers --agent Sales --channel whatsapp", ""},
		{"numbers --channel call", "3 2"},
		{"numbers --number +44", "1 2"},
		{"numbers --sort number", "2 3 1 2"},
		{"numbers --country us", ""},
	} {
		got := f.run(append(strings.Fields(c.args), "-o", "csv")...)
		require.Equal(t, exitDone, got.code, "%s: %s", c.args, got.stderr)
		var shown []string
		for _, line := range strings.Split(strings.TrimSpace(got.stdout), "\n")[1:] {
			phone, _, _ := strings.Cut(line, ",")
			shown = append(shown, phone[len(phone)-1:])
		}
		require.Equal(t, c.want, strings.Join(shown, " "), c.args)
	}
	got := f.run(agents, "--sort", "name", "-o", "csv")
	require.Regexp(t, `(?s)front desk.*Night line.*Sales`, got.stdout)
	for _, args := range []string{
		"numbers --unbound --agent Sales", "numbers --unbound --channel call", "numbers --channel fax", "numbers --country USA", "numbers --number x",
		"numbers --sort size", "list --sort size", "list --number desk", "rates --country Italy", "rates --prefix x", "rates --sort x", "agents --sort x", "agents x",
	} {
		got := f.run(strings.Fields(args)...)
		require.Equal(t, exitUsage, got.code, "%s: %s", args, got.stderr)
	}
}

// TestSortedListIsWhole: a list that fails is not printed in order, since some of its rows would
// pass for all of them.
func TestSortedListIsWhole(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for n := range 250 {
		f.trunk(n)
	}
	f.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		if r.Query.Get("page") == "2" {
			return &mihutest.Fault{Status: http.StatusForbidden}
		}
		return nil
	})
	got := f.run("list", "--sort", "number")
	require.Equal(t, exitRefused, got.code)
	require.Empty(t, got.stdout)
	got = f.run("list")
	require.Equal(t, exitRefused, got.code)
	require.Contains(t, got.stdout, number(0))
}

// TestRatesByPrice: prices of one currency are compared by their amounts, and what cannot be read comes
// last.
func TestRatesByPrice(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for prefix, price := range map[string]mihu.Price{
		"1": {Amount: "0.10", Currency: "USD"}, "2": {Amount: "0.0900", Currency: "USD"}, "3": {Amount: "10", Currency: "USD"},
		"4": {Amount: "9", Currency: "EUR"}, "5": {Amount: "1e-3", Currency: "USD"},
	} {
		require.NoError(t, f.AddRates(mihu.Rate{CountryCode: "XX", DestinationPrefix: prefix, Price: price}))
	}
	got := f.run("rates", "--sort", "price", "-o", "csv")
	require.Equal(t, exitDone, got.code, got.stderr)
	var shown []string
	for _, line := range strings.Split(strings.TrimSpace(got.stdout), "\n")[1:] {
		shown = append(shown, strings.Split(line, ",")[2])
	}
	require.Equal(t, []string{"4", "5", "2", "1", "3"}, shown)
	unreadable := rateRow{Amount: "cheap", Currency: "USD"}
	require.Positive(t, comparePrices(unreadable, rateRow{Amount: "1", Currency: "USD"}))
	require.Negative(t, comparePrices(rateRow{Amount: "1", Currency: "USD"}, unreadable))
}
