package mihu

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/mihu-go/mihu/internal/lenient"
)

// Price is an amount of money.
type Price struct {
	// Amount is in units of Currency, with the digits that the API sent; "" if it sends none.
	Amount Decimal `json:"amount"`
	// Currency is an ISO 4217 code, by the API's example.
	Currency string `json:"currency"`
}

// Rate is what outbound calls to a destination cost. Fields that the API does not send are zero. A
// rate has no ID, and several may look alike.
type Rate struct {
	// CountryCode is an ISO 3166-1 alpha-2 code, by the API's example.
	CountryCode string `json:"country_code"`
	CountryName string `json:"country_name"`
	// DestinationPrefix is how the numbers begin that the rate applies to. The API does not document
	// whether it has a plus.
	DestinationPrefix string `json:"destination_prefix"`
	// Origination is where calls come from. Its values are not documented.
	Origination string `json:"origination"`
	Description string `json:"description"`
	// MinDurationSeconds is the shortest time that is billed, BillingIncrementSeconds the step in
	// which longer calls are billed. The API does not document the unit of time that Price is for.
	MinDurationSeconds      int   `json:"min_duration_seconds"`
	BillingIncrementSeconds int   `json:"billing_increment_seconds"`
	Price                   Price `json:"price"`
	// Unreadable names the fields that the API sent in a form that cannot be read, such as
	// "price.amount"; they are zero. nil is none.
	Unreadable []string `json:"-"`
}

// RateOptions select a page of the rates. The API documents all four. The zero value selects the
// first page of all rates.
type RateOptions struct {
	// CountryCode selects the rates of a country: two capital letters, such as "IT"; "" is any.
	CountryCode string `url:"country_code,omitempty"`
	// Prefix selects the rates whose prefix starts with it: 1 to 15 digits, with or without a plus; ""
	// is any. It is sent as it is.
	Prefix string `url:"prefix,omitempty"`
	// Page counts from 1; 0 is not sent, and means the first page.
	Page int `url:"page,omitempty"`
	// PerPage is 1 to 200 rates; 0 is not sent, and means 50.
	PerPage int `url:"per_page,omitempty"`
}

// AllRatesOptions are the options of [NumbersService.AllRates]. The zero value iterates over all
// rates, as [AllOptions] describes.
type AllRatesOptions struct {
	// CountryCode and Prefix are as in RateOptions.
	CountryCode, Prefix string
	// Page, PerPage and Prefetch are as in AllOptions.
	Page, PerPage, Prefetch int
}

func (o RateOptions) check(op string) error {
	var found violations
	found.rates(o.CountryCode, o.Prefix)
	found.page(o.Page, o.PerPage)
	return found.err(op)
}

func (f *violations) rates(countryCode, prefix string) {
	if countryCode != "" {
		f.country("country_code", countryCode)
	}
	digits := strings.TrimPrefix(prefix, "+")
	if prefix != "" && (digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "") {
		f.add("prefix", shown(prefix, "0123456789+- ."), `want the first digits of a number such as "39", with or without a plus`)
	}
}

// Rates returns one page of the rates of outbound calls. nil options are those of the first page of
// all rates.
//
// API: GET /phone-numbers/rates, which is documented with its parameters and its pagination.
func (s NumbersService) Rates(ctx context.Context, options *RateOptions, opts ...CallOption) (*Page[Rate], error) {
	if options == nil {
		options = new(RateOptions)
	}
	if err := options.check(OpNumbersRates); err != nil {
		return nil, err
	}
	page, err := s.ratePage(ctx, *options, opts)
	if err != nil {
		return nil, err
	}
	return mapPage(page.page(), rateOf), nil
}

func (s NumbersService) ratePage(ctx context.Context, options RateOptions, opts []CallOption) (*ratePage, error) {
	return fetchPage[rateItem, *rateItem](ctx, s.client, OpNumbersRates, numbersPath+"/rates", options, opts)
}

// AllRates iterates over the rates of outbound calls. Its pages, its errors and its options are
// those of [TrunksService.All]. nil options are those of all rates.
//
// Since a rate has no ID, its place in the list identifies it: rates that look alike are all
// yielded. A page that repeats an earlier one, as a server sends that ignores the page, adds
// nothing. If the server's total changes while AllRates runs, it yields an error: list again.
//
// API: GET /phone-numbers/rates.
func (s NumbersService) AllRates(ctx context.Context, options *AllRatesOptions, opts ...CallOption) iter.Seq2[Rate, error] {
	const op = OpNumbersAllRates
	o := value(options)
	return func(yield func(Rate, error) bool) {
		var found violations
		if found.rates(o.CountryCode, o.Prefix); len(found) > 0 {
			yield(Rate{}, found.err(op))
			return
		}
		list := &rateList{op: op, seed: maphash.MakeSeed(), pages: map[uint64]int{}}
		fetch := func(ctx context.Context, at ListOptions) (*ratePage, error) {
			page, err := s.ratePage(ctx, RateOptions{o.CountryCode, o.Prefix, at.Page, at.PerPage}, opts)
			if err == nil {
				err = list.place(page, at.Page)
			}
			return page, err
		}
		mapItems(allItems(ctx, op, AllOptions{o.Page, o.PerPage, o.Prefetch}, opts, fetch), rateOf)(yield)
	}
}

// rateItem is a rate as it is decoded, with its place in the list.
type rateItem struct {
	Rate
	place string
}

type ratePage = pageTarget[rateItem, *rateItem]

// identity returns the place of the rate in its list, or something that the rate says of itself.
func (r *rateItem) identity() string {
	return firstOf(r.place, r.DestinationPrefix, r.CountryCode, r.CountryName, r.Description, r.Origination)
}

func (*rateItem) isWhole() bool                           { return true }
func (*rateItem) isListed([]byte, int) bool               { return true }
func (*rateItem) prepare(map[string]any, *lenient.Reader) {}

func (r *rateItem) unreadable(paths []string) { r.Unreadable = paths }

func rateOf(r rateItem) Rate { return r.Rate }

// rateList gives rates their places. Its pages may be fetched concurrently.
type rateList struct {
	op   string
	seed maphash.Seed

	mu    sync.Mutex
	pages map[uint64]int // the numbers of the pages by the hash of their content
	total *int
}

// place sets the place of every rate of a page. The rates of a page that repeats an earlier one
// have the places of that one.
func (l *rateList) place(page *ratePage, number int) error {
	rates, e := page.wire.Items, page.wire.Pagination
	if len(rates) == 0 {
		return nil
	}
	hash := l.hash(rates)
	l.mu.Lock()
	defer l.mu.Unlock()
	if e != nil && e.Total != nil {
		if l.total != nil && *l.total != *e.Total {
			return &incompleteError{l.op, notWhole + fmt.Sprintf("the server reported %d items, and then %d; list again", *l.total, *e.Total)}
		}
		l.total = e.Total
	}
	at := number
	// Two pages of one rate may well look alike: then what the page says of itself decides.
	isItself := len(rates) == 1 && e != nil && value(e.CurrentPage) == number && (e.Total != nil || e.LastPage != nil)
	if first, again := l.pages[hash]; again && !isItself {
		at = first
	} else {
		l.pages[hash] = number
	}
	for i := range rates {
		rates[i].place = strconv.Itoa(at) + "/" + strconv.Itoa(i)
	}
	return nil
}

// hash returns the hash of the content of a page.
func (l *rateList) hash(rates []rateItem) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	for i := range rates {
		r := &rates[i].Rate
		for _, text := range [...]string{
			r.CountryCode, r.CountryName, r.DestinationPrefix, r.Origination, r.Description,
			strconv.Itoa(r.MinDurationSeconds), strconv.Itoa(r.BillingIncrementSeconds), string(r.Price.Amount), r.Price.Currency,
		} {
			_, _ = h.WriteString(strconv.Itoa(len(text)) + ":" + text)
		}
	}
	return h.Sum64()
}
