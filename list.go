package mihu

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"sync"
)

const maxPerPage = 200

// List returns one page of the numbers that have trunks, one item per number. nil options are those
// of the first page.
//
// API: GET /phone-numbers/trunks. Its parameters are not documented, see [ListOptions].
func (s TrunksService) List(ctx context.Context, options *ListOptions, opts ...CallOption) (*Page[PhoneNumber], error) {
	const op = OpTrunksList
	if options == nil {
		options = new(ListOptions)
	}
	if err := options.check(op); err != nil {
		return nil, err
	}
	return s.page(ctx, *options, opts)
}

// page fetches a page; the options were checked.
func (s TrunksService) page(ctx context.Context, options ListOptions, opts []CallOption) (*Page[PhoneNumber], error) {
	page := new(Page[PhoneNumber])
	if err := s.client.do(ctx, &spec{op: OpTrunksList, method: http.MethodGet, path: trunksPath, query: options}, page, opts); err != nil {
		return nil, err
	}
	return page, nil
}

// All iterates over every number that has trunks. It fetches the next page when the one before is
// used up, or ahead of that with [AllOptions.Prefetch]. An error is yielded once, with a zero
// number, and ends the iteration. If the loop is left, the fetches in progress are canceled.
// Numbers that are added or removed meanwhile may be missed or yielded twice, since pages are all
// that the API has. [WithResponse] describes the last page; it is refused with Prefetch, since
// pages are then fetched concurrently.
//
// If a server ignores the page parameter and sends no pagination, its numbers are yielded once. If
// it reports more numbers and then sends an empty page, or the same page again, All yields an
// error, since numbers are missing.
func (s TrunksService) All(ctx context.Context, options *AllOptions, opts ...CallOption) iter.Seq2[PhoneNumber, error] {
	const op = OpTrunksAll
	var o AllOptions
	if options != nil {
		o = *options
	}
	orDefault(&o.PerPage, maxPerPage)
	orDefault(&o.Page, 1)
	return func(yield func(PhoneNumber, error) bool) {
		if err := o.check(op, opts); err != nil {
			yield(PhoneNumber{}, err)
			return
		}
		list := &pager[PhoneNumber]{
			op: op, first: o.Page, prefetch: o.Prefetch,
			fetch: func(ctx context.Context, number int) (*Page[PhoneNumber], error) {
				return s.page(ctx, ListOptions{Page: number, PerPage: o.PerPage}, opts)
			},
			key: func(n *PhoneNumber) (string, string) { return n.Number, n.PhoneNumberUUID },
		}
		list.items(ctx, yield)
	}
}

// pager iterates over the pages of a list.
type pager[T any] struct {
	op              string
	first, prefetch int
	fetch           func(ctx context.Context, number int) (*Page[T], error)
	key             func(*T) (string, string) // identifies an item
}

// items yields the items of all pages.
func (p *pager[T]) items(ctx context.Context, yield func(T, error) bool) {
	var zero T
	seed := maphash.MakeSeed()
	seen := map[uint64]bool{}
	number, count := p.first, 0
	for page, err := range p.pages(ctx) {
		if err != nil {
			yield(zero, err)
			return
		}
		sum := p.sum(page, seed)
		if seen[sum] || len(page.Items) == 0 {
			more, told := page.more(number)
			if told && more || page.Pagination != nil && p.first == 1 && count < page.Pagination.Total {
				yield(zero, fmt.Errorf("mihu: %s: %w: page %d is empty or repeats an earlier one, though the server reports more",
					p.op, ErrMalformedResponse, number))
			}
			return
		}
		seen[sum] = true
		for _, item := range page.Items {
			if count++; !yield(item, nil) {
				return
			}
		}
		number++
	}
}

// pages yields page after page, until one reports that it is the last, is empty or fails.
func (p *pager[T]) pages(ctx context.Context) iter.Seq2[*Page[T], error] {
	if p.prefetch > 0 && ctx != nil {
		return p.pagesAhead(ctx)
	}
	return func(yield func(*Page[T], error) bool) {
		for number := p.first; ; number++ {
			page, err := p.fetch(ctx, number)
			if !yield(page, err) || err != nil || page.isLast(number) {
				return
			}
		}
	}
}

// fetching is a page that is being fetched.
type fetching[T any] struct {
	number int
	page   *Page[T]
	err    error
	done   chan struct{}
}

// pagesAhead fetches the pages after the one that is in use: one after the other, and concurrently
// if the server reported how many there are.
func (p *pager[T]) pagesAhead(ctx context.Context) iter.Seq2[*Page[T], error] {
	return func(yield func(*Page[T], error) bool) {
		var work sync.WaitGroup
		defer work.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		window := make(chan struct{}, p.prefetch+1)
		order := make(chan *fetching[T], p.prefetch+2)
		work.Go(func() {
			defer close(order)
			p.fetchAhead(ctx, &work, window, order)
		})
		for next := range order {
			<-next.done
			if !yield(next.page, next.err) || next.err != nil || next.page.isLast(next.number) {
				return
			}
			<-window
		}
	}
}

// fetchAhead starts a fetch for each place in the window, in order, and stops after the last page
// or a failure.
func (p *pager[T]) fetchAhead(ctx context.Context, work *sync.WaitGroup, window chan<- struct{}, order chan<- *fetching[T]) {
	var before *fetching[T]
	known := p.first // up to this page the list is known to reach
	for number := p.first; ; number++ {
		ended := false
		select {
		case window <- struct{}{}:
		case <-ctx.Done():
			ended = true // one more page is fetched, whose error is that of the context
		}
		if !ended && number > known {
			<-before.done
			if before.err != nil || before.page.isLast(before.number) {
				return
			}
			known = number
			if before.page.Pagination != nil {
				known = max(known, before.page.Pagination.LastPage)
			}
		}
		next := &fetching[T]{number: number, done: make(chan struct{})}
		work.Go(func() {
			defer close(next.done)
			next.page, next.err = p.fetch(ctx, next.number)
		})
		order <- next
		if ended {
			return
		}
		before = next
	}
}

// isLast reports whether no page is to be fetched after this one.
func (p *Page[T]) isLast(number int) bool {
	more, told := p.more(number)
	return told && !more || len(p.Items) == 0
}

// more reports whether there is another page, and whether the server told.
func (p *Page[T]) more(number int) (more, told bool) {
	at := p.Pagination
	switch {
	case at == nil, *at == Pagination{}:
		return false, false
	case at.HasMore:
		return true, true
	case at.LastPage > 0:
		return number < at.LastPage, true
	case at.Total > 0:
		return number*at.PerPage < at.Total, at.PerPage > 0
	}
	return false, true
}

// sum identifies a page without keeping it, in whatever order its items are.
func (p *pager[T]) sum(page *Page[T], seed maphash.Seed) (sum uint64) {
	var h maphash.Hash
	h.SetSeed(seed)
	for i := range page.Items {
		first, second := p.key(&page.Items[i])
		h.Reset()
		_, _ = h.WriteString(first)
		_, _ = h.WriteString(second)
		sum += h.Sum64()
	}
	return sum
}
