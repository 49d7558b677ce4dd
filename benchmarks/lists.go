package main

import "fmt"

// The ways to read a list of 100,000 numbers with 200 numbers and 20 ms per page.
const (
	naivePages = "NAIVE, page after page"
	ourPages   = "mihu List, page after page"
	ourAll     = "mihu All"
	ourAhead   = "mihu All, Prefetch 4"
)

var listings = []struct {
	name  string
	order order
}{
	{naivePages, order{Contender: naive}},
	{ourPages, order{Contender: ours}},
	{ourAll, order{Contender: ours, Iterate: true}},
	{ourAhead, order{Contender: ours, Iterate: true, Ahead: 4}},
}

// lists reads the list in a new process each time, so that its heap is that of the reader.
func (b *bench) lists() error {
	pages := lastPage
	if b.short {
		pages /= 10
	}
	got := newSheet()
	for round := range b.times(2) {
		for _, l := range rotated(listings, round) {
			w, err := startWorker(b.ctx, b.binary, b.servers[http2].root())
			if err != nil {
				return err
			}
			o := l.order
			b.servers[http1].play.Store(&play{manner: paged})
			o.Do, o.Pages, o.Place = "list", pages, place{URL: b.servers[http1].URL}
			result, err := w.do(o)
			w.stop()
			if err != nil {
				return err
			}
			if result.Numbers != pages*perPage {
				return fmt.Errorf("%s gave %d numbers of %d", l.name, result.Numbers, pages*perPage)
			}
			got.add(l.name, "seconds", result.Seconds)
			got.add(l.name, "cpu", result.CPU)
			got.add(l.name, "heap", result.HeapPeak)
		}
	}
	got.ratio("pages", "seconds", got.samples[naivePages]["seconds"])
	got.ratio("lazy", "seconds", got.samples[ourAll]["seconds"])
	b.tables = append(b.tables, got.table(table{
		Name: "list", Title: fmt.Sprintf("A list of %d numbers, %d and %s a page", pages*perPage, perPage, pageTime),
		Columns: []column{
			{Key: "seconds", Title: "seconds", Format: "%.2f", Spread: true},
			{Key: "pages", Title: "/ sum of the pages (NAIVE)", Format: "%.3f", Spread: true},
			{Key: "lazy", Title: "/ All", Format: "%.3f"},
			{Key: "cpu", Title: "CPU seconds", Format: "%.2f"},
			{Key: "heap", Title: "peak heap, MB", Format: "%.1f", Scale: 1e6},
		},
	}))
	return nil
}
