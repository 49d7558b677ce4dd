package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shape is where a list has its items and the signs of its extent.
type shape int

const (
	shapeItems     shape = iota // data.items, data.pagination
	shapePaginator              // data.data with everything beside it
	shapeSimple                 // the same without total and last_page
	shapeArray                  // data is the array, without signs
	shapeCursor                 // data.items with next_cursor and has_more
	shapeMeta                   // data is the array; meta and links at the top level
	numShapes
)

var shapeNames = [numShapes]string{"items and pagination", "paginator in data", "simple paginator", "array", "cursor", "meta and links"}

// signs are what a page says about the extent of its list; nil is not said.
type signs struct {
	total, lastPage *int
	hasMore, next   *bool
	perPage         *int
	current         bool
}

// listPage is one page: its numbers in order, the indexes of those that cannot be read, and its
// signs.
type listPage struct {
	numbers []string
	broken  map[int]bool
	signs   signs
}

// plan is a list as one call of the client sees it, page by page.
type plan struct {
	shape   shape
	traits  []string // for the counters
	all     []string
	pages   []listPage
	beyond  listPage // every page after them
	perPage int
}

func (p *plan) at(number int) *listPage {
	if number >= 1 && number <= len(p.pages) {
		return &p.pages[number-1]
	}
	return &p.beyond
}

// newPlan draws plans until one is fair.
func newPlan(d *dice, all []string, perPage int, rate float64) *plan {
	const tries = 200
	for range tries {
		if p := drawPlan(d, all, perPage, rate); p.fair() {
			return p
		}
	}
	return drawPlan(d, all, perPage, 0)
}

// fair reports whether the list carries enough truth for its extent. At every page at which numbers
// are still missing, a sign of that page or a total or last page of an earlier one must show that
// there is more, if any sign claims the end or the page has nothing new.
func (p *plan) fair() bool {
	seen := map[string]bool{}
	var totals, lasts []int
	for number := 1; number <= len(p.pages)+1; number++ {
		page := p.at(number)
		before := len(seen)
		for _, n := range page.numbers {
			seen[n] = true
		}
		s := &page.signs
		if s.total != nil {
			totals = append(totals, *s.total)
		}
		if s.lastPage != nil {
			lasts = append(lasts, *s.lastPage)
		}
		if len(seen) == len(p.all) {
			continue
		}
		more := said(s.hasMore, true) || said(s.next, true) ||
			slices.ContainsFunc(totals, func(n int) bool { return n > len(seen) }) ||
			slices.ContainsFunc(lasts, func(n int) bool { return n > number })
		ended := said(s.hasMore, false) || said(s.next, false) || len(totals)+len(lasts) > 0
		if !more && (ended || len(seen) == before) {
			return false
		}
	}
	return true
}

func said(sign *bool, value bool) bool { return sign != nil && *sign == value }

// drawPlan draws a list that may be unfair.
func drawPlan(d *dice, all []string, perPage int, rate float64) *plan {
	p := &plan{all: slices.Clone(all), perPage: perPage, shape: shape(d.IntN(int(numShapes)))}
	slices.Sort(p.all)
	size := perPage
	if d.Float64() < 0.8 { // so that there is more than one page
		size = min(size, 1+d.IntN(5))
		p.trait("per_page clamped")
	}
	p.cut(size)
	odd := func(kind string) bool {
		if d.Float64() >= rate/5 {
			return false
		}
		p.trait(kind)
		return true
	}
	p.deform(d, odd)
	p.drawBeyond(d, size, odd)
	for i := range p.pages {
		p.sign(d, &p.pages[i], i+1, size, rate)
	}
	p.sign(d, &p.beyond, len(p.pages)+1, size, rate)
	if p.shape == shapeArray {
		p.trait("no sign at all")
	}
	return p
}

func (p *plan) trait(kind string) { p.traits = append(p.traits, "list: "+kind) }

// cut divides the numbers into pages.
func (p *plan) cut(size int) {
	for chunk := range slices.Chunk(p.all, size) {
		p.pages = append(p.pages, listPage{numbers: slices.Clone(chunk)})
	}
	if len(p.pages) == 0 {
		p.pages = []listPage{{}}
	}
}

// deform changes which numbers are on which page.
func (p *plan) deform(d *dice, odd func(string) bool) {
	last := len(p.pages) - 1
	if last > 0 {
		p.deformPages(d, 1+d.IntN(last), odd)
		return
	}
	switch {
	case odd("page and per_page ignored, whole list"):
		p.beyond = p.pages[0]
	case len(p.all) > 0 && odd("item twice on a page"):
		page := &p.pages[0]
		page.numbers = append(page.numbers, page.numbers[0])
	case len(p.all) > 0 && odd("item that cannot be read"):
		page := &p.pages[0]
		page.broken = map[int]bool{d.IntN(len(page.numbers)): true}
	}
}

// deformPages changes a page, which is not the first, or a list that has it.
func (p *plan) deformPages(d *dice, at int, odd func(string) bool) {
	page, before := &p.pages[at], p.pages[at-1].numbers
	switch {
	case odd("empty page in the middle"):
		p.pages = slices.Insert(p.pages, at, listPage{})
	case odd("page repeated in the middle"):
		p.pages = slices.Insert(p.pages, at, listPage{numbers: slices.Clone(before)})
	case odd("pages overlap, nothing missing"):
		page.numbers = slices.Insert(page.numbers, 0, before[len(before)-1])
	case odd("pages overlap, a number missing"):
		page.numbers[d.IntN(len(page.numbers))] = before[d.IntN(len(before))]
	case odd("page repeated instead of another"):
		page.numbers = slices.Clone(before)
	case odd("page parameter ignored, part of the list"):
		p.pages = p.pages[:1]
		p.beyond = p.pages[0]
	case odd("page and per_page ignored, whole list"):
		p.pages = []listPage{{numbers: slices.Clone(p.all)}}
		p.beyond = p.pages[0]
	case odd("item twice on a page"):
		page.numbers = append(page.numbers, page.numbers[0])
	case odd("items missing from a page"):
		page.numbers = nil
	case odd("item that cannot be read"):
		page.broken = map[int]bool{d.IntN(len(page.numbers)): true}
	}
}

// drawBeyond draws what the server sends for pages that are not there.
func (p *plan) drawBeyond(d *dice, size int, odd func(string) bool) {
	if p.beyond.numbers != nil {
		return
	}
	switch {
	case odd("last page again after the end"):
		p.beyond.numbers = slices.Clone(p.pages[len(p.pages)-1].numbers)
	case odd("first page again after the end"):
		p.beyond.numbers = slices.Clone(p.pages[0].numbers[:min(size, len(p.pages[0].numbers))])
	case d.Float64() < 0.01:
		p.beyond.numbers = slices.Clone(p.all)
	}
}

// sign draws the signs of a page: missing, true, or now and then wrong.
func (p *plan) sign(d *dice, page *listPage, number, size int, rate float64) {
	wrong := func(kind string) bool {
		if d.Float64() >= rate/4 {
			return false
		}
		p.trait(kind + " is wrong")
		return true
	}
	has := func(kind string) bool {
		if d.Float64() < 0.6 {
			return true
		}
		p.trait(kind + " missing")
		return false
	}
	s := &page.signs
	more := number < len(p.pages)
	if slices.Contains([]shape{shapeItems, shapePaginator, shapeMeta}, p.shape) {
		if has("total") {
			s.total = new(len(p.all))
			if wrong("total") {
				*s.total = one(d, 0, 1, len(p.all)-1, len(p.all)+1, len(page.numbers), 1000)
			}
		}
		if has("last_page") {
			s.lastPage = new(len(p.pages))
			if wrong("last_page") {
				*s.lastPage = one(d, 0, 1, number, len(p.pages)-1, len(p.pages)+1, 99)
			}
		}
	}
	if slices.Contains([]shape{shapeItems, shapeCursor}, p.shape) && has("has_more") {
		s.hasMore = new(more != wrong("has_more"))
	}
	if slices.Contains([]shape{shapePaginator, shapeSimple, shapeCursor, shapeMeta}, p.shape) && has("next link") {
		s.next = new(more != wrong("next link"))
	}
	if p.shape != shapeArray && p.shape != shapeCursor && has("per_page") {
		s.perPage = new(size)
		if wrong("per_page") {
			*s.perPage = one(d, 0, 1, p.perPage, 200)
		}
	}
	s.current = has("current_page")
}

// body is a page as it is sent.
func (p *plan) body(d *dice, number int, uuid func(string) string, channels func(string) map[string]trunk) object {
	d.tag("shape: " + shapeNames[p.shape])
	page := p.at(number)
	var items []any
	for i, n := range page.numbers {
		if page.broken[i] {
			items = append(items, d.brokenItem(n, uuid(n)))
			continue
		}
		items = append(items, d.item(n, uuid(n), channels(n)))
	}
	if items == nil {
		items = []any{}
	}
	list := d.list("items", items)
	signs := p.encodeSigns(d, number, &page.signs)
	switch p.shape {
	case shapePaginator, shapeSimple:
		return d.envelope(append(object{{"data", list}}, signs...))
	case shapeArray:
		return d.envelope(list)
	case shapeCursor:
		return d.envelope(append(object{{"items", list}}, signs...))
	case shapeMeta:
		var links, meta object
		for _, f := range signs {
			if f.key == "next" {
				links = links.with(f.key, f.value)
			} else {
				meta = meta.with(f.key, f.value)
			}
		}
		return d.message(nil).with("data", list).with("links", links).with("meta", meta)
	default:
		o := object{{"items", list}}
		switch {
		case len(signs) > 0:
			o = o.with("pagination", signs)
		case d.odd("pagination null or empty"):
			o = o.with("pagination", one[any](d, nil, []any{}, object{}))
		}
		return d.envelope(o)
	}
}

// envelope is a success with or without its mark.
func (d *dice) envelope(data any) object {
	if d.Float64() < 0.1 {
		return d.unmarked(data)
	}
	return d.success(data)
}

// encodeSigns returns the signs that the shape has, under its names.
func (p *plan) encodeSigns(d *dice, number int, s *signs) object {
	var o object
	if s.current {
		o = o.with("current_page", d.integer(number))
	}
	if s.perPage != nil {
		o = o.with("per_page", d.integer(*s.perPage))
	}
	if s.total != nil {
		o = o.with("total", d.integer(*s.total))
	}
	if s.lastPage != nil {
		o = o.with("last_page", d.integer(*s.lastPage))
	}
	if s.hasMore != nil {
		o = o.with("has_more", d.boolean(*s.hasMore))
	}
	if s.next != nil {
		key := map[shape]string{shapeCursor: "next_cursor", shapeMeta: "next"}[p.shape]
		if key == "" {
			key = "next_page_url"
		}
		if *s.next {
			o = o.with(key, "https://api.test/api/v1/phone-numbers/trunks?page="+strconv.Itoa(number+1))
		} else {
			o = o.with(key, nil)
		}
	}
	if s.current && d.odd("from and to null") {
		o = o.with("from", nil).with("to", nil)
	}
	return o
}

// brokenItem is an item from which the number cannot be read.
func (d *dice) brokenItem(number, uuid string) any {
	kind := d.IntN(6)
	d.tag("list: broken item " + []string{"null", "list", "without a number", "number null", "number not UTF-8", "empty object"}[kind])
	switch kind {
	case 0:
		return nil
	case 1:
		return []any{}
	case 2:
		return object{{"phone_number_uuid", uuid}, {"status", "active"}}
	case 3:
		return object{{"phone_number_uuid", uuid}, {"number", nil}}
	case 4:
		return object{{"phone_number_uuid", uuid}, {"number", number[:6] + "\xe9" + number[7:]}}
	}
	return object{}
}

// item is a number of a list. It is true, whatever its form.
func (d *dice) item(number, uuid string, channels map[string]trunk) object {
	o := d.identity(number, uuid).with("country_code", "US").with("location", d.name()).with("status", "active")
	bindings := object{{"sms", d.binding(trunk{}, false)}}
	for _, channel := range slices.Sorted(maps.Keys(channels)) {
		bindings = bindings.with(channel, d.binding(channels[channel], true))
	}
	switch {
	case d.odd("bindings of another type"):
		o = o.with("bindings", one[any](d, "call", false, 7))
	case !d.odd("bindings missing"):
		o = o.with("bindings", bindings)
	}
	o = o.with("billing", d.either("billing of another type", false, object{{"monthly_fee", d.fee()}, {"currency", "EUR"}}))
	o = o.with("capabilities", d.either("capabilities of another type", []any{"voice"}, object{{"voice", d.boolean(true)}}))
	o = o.with("compliance", d.either("compliance of another type", "completed", nil))
	o = o.with("channel_settings", object{{"voice", object{{"enabled", d.boolean(true)}, {"whitelisted_destinations", d.destinations()}}}})
	o = o.with("purchased_at", d.time()).with("updated_at", d.time())
	return d.unknownField(o)
}

func (d *dice) either(kind string, deviating, usual any) any {
	if d.odd(kind) {
		return deviating
	}
	return usual
}

func (d *dice) fee() any {
	return d.either("fee as text", "1,234.50", one[any](d, raw("1.50"), nil, raw("0")))
}

func (d *dice) time() any {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(d.IntN(1e6)) * time.Second)
	if !d.odd("time in another form") {
		return at.Format(time.RFC3339)
	}
	return one[any](
		d, nil, "", "yesterday", int(at.Unix()), strconv.FormatInt(at.Unix(), 10), at.Format("2006-01-02 15:04:05"),
		at.Format("2006-01-02 15:04:05Z"), at.Format("2006-01-02T15:04:05-0700"), at.Format("2006-01-02T15:04:05.000000Z"),
		object{{"date", at.Format(time.DateTime)}},
	)
}

// String describes the list for reports.
func (p *plan) String() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "list of %d numbers, %s:", len(p.all), shapeNames[p.shape])
	for i := range len(p.pages) + 1 {
		page := p.at(i + 1)
		_, _ = fmt.Fprintf(&b, " page %d: %v%v", i+1, page.numbers, page.broken)
		for _, f := range p.encodeSigns(&dice{Rand: rand.New(rand.NewPCG(0, 0)), tag: func(string) {}}, i+1, &page.signs) { //nolint:gosec // nothing is drawn
			_, _ = fmt.Fprintf(&b, " %s=%v", f.key, f.value)
		}
	}
	return b.String()
}
