package mihu_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const rateJSON = `{"country_code": "IT", "country_name": "Italy", "destination_prefix": "39", "origination": "any", "description": "Italy fixed",
	"min_duration_seconds": 1, "billing_increment_seconds": 60, "price": {"amount": 0.0120, "currency": "EUR"}}`

var italy = mihu.Rate{
	CountryCode: "IT", CountryName: "Italy", DestinationPrefix: "39", Origination: "any", Description: "Italy fixed", MinDurationSeconds: 1,
	BillingIncrementSeconds: 60, Price: mihu.Price{Amount: "0.0120", Currency: "EUR"},
}

func TestRates(t *testing.T) {
	t.Parallel()
	client, got := endpoint(t, http.MethodGet, "/phone-numbers/rates", paged(rateJSON, rateJSON, `{"destination_prefix": "1", "price": {"amount": "1,5"}, "min_duration_seconds": "6"}`))
	want := []mihu.Rate{italy, italy, {DestinationPrefix: "1", MinDurationSeconds: 6, Unreadable: []string{"price.amount"}}}
	page, err := client.Numbers.Rates(t.Context(), &mihu.RateOptions{CountryCode: "IT", Prefix: "+39", Page: 2, PerPage: 100})
	require.NoError(t, err)
	assert.Equal(t, "country_code=IT&page=2&per_page=100&prefix=%2B39", got.Query)
	assert.Equal(t, want, page.Items, "rates that look alike are kept, with the digits of their amounts")
	assert.Equal(t, 3, page.Pagination.Total)
	_, err = client.Numbers.Rates(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, got.Query)

	all, err := allRates(t.Context(), client, &mihu.AllRatesOptions{CountryCode: "IT", Prefix: "39"})
	require.NoError(t, err)
	assert.Equal(t, want, all)
	assert.Equal(t, "country_code=IT&page=1&per_page=200&prefix=39", got.Query)
	_, err = allRates(t.Context(), client, nil)
	require.NoError(t, err)
}

func allRates(ctx context.Context, client *mihu.Client, options *mihu.AllRatesOptions) (rates []mihu.Rate, err error) {
	for rate, err := range client.Numbers.AllRates(ctx, options) {
		if err != nil {
			return rates, err
		}
		rates = append(rates, rate)
	}
	return rates, nil
}

func TestRatesRefuse(t *testing.T) {
	t.Parallel()
	client := mustNotSend(t)
	for name, c := range map[string]struct {
		options mihu.RateOptions
		fields  []string
	}{
		"a small country":     {mihu.RateOptions{CountryCode: "it"}, []string{"country_code"}},
		"a long country":      {mihu.RateOptions{CountryCode: "ITA"}, []string{"country_code"}},
		"letters in a prefix": {mihu.RateOptions{Prefix: "39x"}, []string{"prefix"}},
		"a bare plus":         {mihu.RateOptions{Prefix: "+"}, []string{"prefix"}},
		"a long prefix":       {mihu.RateOptions{Prefix: "1234567890123456"}, []string{"prefix"}},
		"both":                {mihu.RateOptions{CountryCode: "I1", Prefix: "+39 02"}, []string{"country_code", "prefix"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Numbers.Rates(t.Context(), &c.options)
			requireViolations(t, err, mihu.OpNumbersRates, c.fields...)
			_, err = allRates(t.Context(), client, &mihu.AllRatesOptions{CountryCode: c.options.CountryCode, Prefix: c.options.Prefix})
			requireViolations(t, err, mihu.OpNumbersAllRates, c.fields...)
		})
	}
	_, err := client.Numbers.Rates(t.Context(), &mihu.RateOptions{Page: -1, PerPage: 201})
	requireViolations(t, err, mihu.OpNumbersRates, "page", "per_page")
	_, err = allRates(t.Context(), client, &mihu.AllRatesOptions{Page: -1, PerPage: 201, Prefetch: -1})
	requireViolations(t, err, mihu.OpNumbersAllRates, "prefetch", "page", "per_page")
}

func TestRatesWithoutADestinationAreMalformed(t *testing.T) {
	t.Parallel()
	client, _ := endpoint(t, http.MethodGet, "/phone-numbers/rates", paged(rateJSON, `{"price": {"amount": 1}}`))
	_, err := client.Numbers.Rates(t.Context(), nil)
	require.ErrorIs(t, err, mihu.ErrMalformedResponse)
	require.ErrorContains(t, err, "item 2 does not say what it is")
}

// The list is whole, with the rates that look alike on one page and on several, or it is an error.
func TestAllRatesAreWhole(t *testing.T) {
	t.Parallel()
	const alike = `{"destination_prefix": "39"}`
	rate := func(prefix int) string { return `{"destination_prefix": "` + strconv.Itoa(prefix) + `"}` }
	// page is a page of a list; extent is what it says, after a comma.
	page := func(extent string, items ...string) string {
		return `{"success": true, "data": {"items": [` + strings.Join(items, ",") + `], "pagination": {` + extent + `}}}`
	}
	at := func(number, last, total int) string {
		return fmt.Sprintf(`"current_page": %d, "last_page": %d, "total": %d`, number, last, total)
	}
	for name, c := range map[string]struct {
		pages    []string // the last one repeats
		want     int
		is       error
		text     string
		requests int
	}{
		"alike on one page":             {[]string{page(at(1, 1, 3), alike, alike, alike)}, 3, nil, "", 1},
		"alike on two pages":            {[]string{page(at(1, 2, 4), rate(1), alike), page(at(2, 2, 4), alike, alike)}, 4, nil, "", 2},
		"pages of one, alike":           {[]string{page(at(1, 3, 3), alike), page(at(2, 3, 3), alike), page(at(3, 3, 3), alike)}, 3, nil, "", 3},
		"alike, without an extent":      {[]string{page("", rate(1), alike), page("", alike, rate(2)), page("")}, 4, nil, "", 3},
		"a server that ignores pages":   {[]string{page(at(1, 2, 4), rate(1), alike)}, 2, mihu.ErrMalformedResponse, "the server reported 4 items and sent 2", 2},
		"pages of one that are ignored": {[]string{page(at(1, 2, 2), alike)}, 1, mihu.ErrMalformedResponse, "the server reported 2 items and sent 1", 2},
		"ignores pages, says nothing":   {[]string{page("", alike, alike)}, 2, nil, "", 2},
		"one, ignores, says nothing":    {[]string{page("", alike)}, 1, nil, "", 2},
		"ignores pages, has more":       {[]string{page(`"has_more": true`, alike, rate(1))}, 2, mihu.ErrMalformedResponse, "page 2 is empty or has nothing new", 2},
		"echoes the page, same rates":   {[]string{page(at(1, 2, 4), rate(1), rate(2)), page(at(2, 2, 4), rate(1), rate(2))}, 2, mihu.ErrMalformedResponse, "reported 4 items and sent 2", 2},
		"a total that grows":            {[]string{page(at(1, 2, 4), rate(1), rate(2)), page(at(2, 3, 5), rate(2), rate(3))}, 2, mihu.ErrMalformedResponse, "the server reported 4 items, and then 5; list again", 2},
		"a total that shrinks":          {[]string{page(at(1, 2, 4), rate(1), rate(2)), page(at(2, 2, 3), rate(4))}, 2, mihu.ErrMalformedResponse, "the server reported 4 items, and then 3", 2},
		"fewer than the total":          {[]string{page(at(1, 2, 4), rate(1), rate(2)), page(at(2, 2, 4), rate(3))}, 3, mihu.ErrMalformedResponse, "the server reported 4 items and sent 3", 3},
		"empty":                         {[]string{page(at(1, 1, 0))}, 0, nil, "", 1},
	} {
		for _, prefetch := range []int{0, 1} {
			t.Run(fmt.Sprint(name, " prefetch ", prefetch), func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				client := newClient(t, byPage(c.pages, &requests))
				rates, err := allRates(t.Context(), client, &mihu.AllRatesOptions{Prefetch: prefetch})
				if prefetch == 0 {
					assert.Equal(t, c.requests, int(requests.Load()))
				}
				assert.Len(t, rates, c.want)
				if c.is == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, c.is)
				require.ErrorContains(t, err, "mihu: numbers.all_rates: malformed response: the list is not whole: ")
				require.ErrorContains(t, err, c.text)
			})
		}
	}
}

// byPage is a transport that responds with the page that is asked for, and with the last one for
// all others.
func byPage(pages []string, requests *atomic.Int64) transportFunc {
	return func(req *http.Request) (*http.Response, error) {
		requests.Add(1)
		number, err := strconv.Atoi(req.URL.Query().Get("page"))
		if err != nil {
			return nil, err
		}
		return response(http.StatusOK, pages[min(number, len(pages))-1]), nil
	}
}

// The fake server and the client agree, whatever the shape of the list.
func TestRatesOfTheFakeServer(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]mihutest.Rules{
		"documented":    {},
		"all at once":   {NoPagination: true},
		"partial":       {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingPartial}},
		"framework":     {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingFramework}},
		"simple":        {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingSimple}},
		"array":         {SuccessShape: mihutest.SuccessShape{Paging: mihutest.PagingArray}},
		"ignores pages": {SuccessShape: mihutest.SuccessShape{IgnorePage: true}},
	} {
		for _, prefetch := range []int{0, 3} {
			t.Run(fmt.Sprint(name, " prefetch ", prefetch), func(t *testing.T) {
				t.Parallel()
				srv := mihutest.NewServer(t, mihutest.WithInMemoryTransport(), mihutest.WithRules(rules))
				var seeded []mihu.Rate
				for i := range 130 {
					rate := italy
					rate.Price.Amount = mihu.Decimal(fmt.Sprintf("0.%03d0", i/7))
					seeded = append(seeded, rate)
				}
				require.NoError(t, srv.AddRates(seeded...))
				require.NoError(t, srv.AddRates(mihu.Rate{CountryCode: "US", DestinationPrefix: "1", Price: mihu.Price{Amount: "2", Currency: "EUR"}}))
				rates, err := allRates(t.Context(), srv.Client(t), &mihu.AllRatesOptions{CountryCode: "IT", PerPage: 20, Prefetch: prefetch})
				if rules.SuccessShape.IgnorePage {
					require.ErrorIs(t, err, mihu.ErrMalformedResponse)
					return
				}
				require.NoError(t, err)
				assert.True(t, slices.EqualFunc(seeded, rates, func(a, b mihu.Rate) bool { return a.Price == b.Price }))
				assert.Len(t, rates, 130)
			})
		}
	}
}
