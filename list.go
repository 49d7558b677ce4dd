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
// of the first page. A page without items, or with an item that has no number, is an
// ErrMalformedResponse. What cannot be read of a single item is in its Unreadable.
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
	page, err := s.page(ctx, *options, opts)
	if err != nil {
		return nil, err
	}
	return page.page(), nil
}

// page fetches a page; the options were checked.
func (s TrunksService) page(ctx context.Context, options ListOptions, opts []CallOption) (*numberPage, error) {
	page := new(numberPage)
	if err := s.client.do(ctx, &spec{op: OpTrunksList, method: http.MethodGet, path: trunksPath, query: options}, page, opts); err != nil {
		return nil, err
	}
	return page, nil
}

type numberPage = pageTarget[PhoneNumber, *PhoneNumber]

// All iterates over every number that has trunks, each once. It fetches the next page when the one
// before is used up, or ahead of that with [AllOptions.Prefetch]. If the loop is left, the fetches
// in progress are canceled. [WithResponse] describes the last page; it is refused with Prefetch,
// since pages are then fetched concurrently.
//
// The list is complete, or All yields an error, once and with a zero number. If a page reports a
// total, a last page or a next page and the list ends earlier, All yields an error that matches
// ErrMalformedResponse. If the pages report nothing of this kind, All continues until a page is
// empty or has nothing new. What cannot be read of a single item is in its Unreadable.
//
// Numbers that are added while All runs may be missed. If numbers are removed while All runs, it
// may yield an error: list again. All remembers some 16 bytes of every number.
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
		list := &pager[PhoneNumber, *PhoneNumber]{
			op: op, options: o,
			fetch: func(ctx context.Context, number int) (*numberPage, error) {
				return s.page(ctx, ListOptions{Page: number, PerPage: o.PerPage}, opts)
			},
		}
		list.items(ctx, yield)
	}
}

// pager iterates over the pages of a list.
type pager[T any, P item[T]] struct {
	op      string
	options AllOptions
	fetch   func(ctx context.Context, number int) (*pageTarget[T, P], error)

	seen     map[uint64]struct{} // hashes of the items so far
	total    int                 // the highest total that a page reported
	lastPage int                 // the highest number of pages that a page reported or implied
	size     int                 // of a page
}

// items yields the items of all pages.
func (p *pager[T, P]) items(ctx context.Context, yield func(T, error) bool) {
	var zero T
	p.seen, p.size = map[uint64]struct{}{}, p.options.PerPage
	seed := maphash.MakeSeed()
	number := p.options.Page
	hasNew := true
	for page, err := range p.pages(ctx) {
		if err != nil {
			yield(zero, err)
			return
		}
		before := len(p.seen)
		for i := range page.wire.Items {
			hash := maphash.String(seed, P(&page.wire.Items[i]).identity())
			if _, again := p.seen[hash]; again {
				continue
			}
			p.seen[hash] = struct{}{}
			if !yield(page.wire.Items[i], nil) {
				return
			}
		}
		p.note(page.wire.Pagination, number)
		if hasNew = len(p.seen) > before; !hasNew || !p.wantsMore(page.wire.Pagination, number) {
			break
		}
		number++
	}
	if missing := p.missing(number, hasNew); missing != nil {
		yield(zero, missing)
	}
}

// note keeps what a page reports of the extent of the list.
func (p *pager[T, P]) note(e *extent, number int) {
	if e == nil {
		return
	}
	if size := value(e.PerPage); size > 0 {
		p.size = size
	}
	p.total = max(p.total, value(e.Total))
	p.lastPage = max(p.lastPage, value(e.LastPage))
	if e.reportsMore() {
		p.lastPage = max(p.lastPage, number+1)
	}
}

// reportsMore reports whether the page says that another one follows.
func (e *extent) reportsMore() bool {
	return value(e.HasMore) || value(e.NextPageURL) != "" || value(e.NextCursor) != ""
}

// isSilent reports whether the page says nothing of the extent of the list.
func (e *extent) isSilent() bool {
	return e == nil || e.Total == nil && e.LastPage == nil && e.HasMore == nil && !e.reportsMore()
}

// count is how many items there are up to here, including those of skipped pages.
func (p *pager[T, P]) count() int { return len(p.seen) + (p.options.Page-1)*p.size }

// wantsMore reports whether another page is to be fetched: any sign that there is one counts.
func (p *pager[T, P]) wantsMore(e *extent, number int) bool {
	return e.isSilent() || number < p.lastPage || p.count() < p.total
}

// missing returns an error if a page reported more than what was received. number is that of the
// last page, and hasNew reports whether it had a new item.
func (p *pager[T, P]) missing(number int, hasNew bool) error {
	switch {
	case p.count() < p.total:
		return &incompleteError{p.op, fmt.Sprintf("the server reported %d items and sent %d", p.total, p.count())}
	case number < p.lastPage || number == p.lastPage && !hasNew && number > p.options.Page:
		return &incompleteError{p.op, fmt.Sprintf("page %d is empty or has nothing new, though the server reported more", number)}
	}
	return nil
}

// incompleteError is a list that is not whole.
type incompleteError struct{ op, why string }

func (e *incompleteError) Error() string {
	return "mihu: " + e.op + ": malformed response: the list is not whole: " + e.why + "; list again"
}

func (e *incompleteError) Unwrap() error { return ErrMalformedResponse }

// pages yields page after page, until the caller has enough or one fails.
func (p *pager[T, P]) pages(ctx context.Context) iter.Seq2[*pageTarget[T, P], error] {
	if p.options.Prefetch > 0 && ctx != nil {
		return p.pagesAhead(ctx)
	}
	return func(yield func(*pageTarget[T, P], error) bool) {
		for number := p.options.Page; ; number++ {
			page, err := p.fetch(ctx, number)
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// fetching is a page that is being fetched.
type fetching[T any, P item[T]] struct {
	*fetched
	page *pageTarget[T, P]
	err  error
}

// fetched is what a page says of its list. It outlives the page, which is not kept.
type fetched struct {
	number, items int
	extent        *extent
	done          chan struct{} // closed when all else is known
}

// reach is how far a list reaches, as its pages so far report.
type reach struct{ lastPage, total, received int }

// follows reports whether a page may follow this one.
func (r *reach) follows(number int, e *extent, items int) bool {
	if items == 0 {
		return false
	}
	r.received += items
	if e != nil {
		r.lastPage, r.total = max(r.lastPage, value(e.LastPage)), max(r.total, value(e.Total))
	}
	return e.isSilent() || e.reportsMore() || number < r.lastPage || r.received < r.total
}

// pagesAhead fetches the pages after the one that is in use: one after the other, and concurrently
// if the server reported how many there are.
func (p *pager[T, P]) pagesAhead(ctx context.Context) iter.Seq2[*pageTarget[T, P], error] {
	return func(yield func(*pageTarget[T, P], error) bool) {
		var work sync.WaitGroup
		defer work.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		window := make(chan struct{}, p.options.Prefetch+1)
		order := make(chan *fetching[T, P], p.options.Prefetch+2)
		work.Go(func() {
			defer close(order)
			p.fetchAhead(ctx, &work, window, order)
		})
		for next := range order {
			<-next.done
			if !yield(next.page, next.err) || next.err != nil {
				return
			}
			<-window
		}
	}
}

// fetchAhead starts a fetch for each place in the window, in order, and stops after the last page
// or a failure.
func (p *pager[T, P]) fetchAhead(ctx context.Context, work *sync.WaitGroup, window chan<- struct{}, order chan<- *fetching[T, P]) {
	var unread []*fetched
	far := reach{received: (p.options.Page - 1) * p.options.PerPage}
	known := p.options.Page // up to this page the list is known to reach
	for number := p.options.Page; ; number++ {
		ended := false
		select {
		case window <- struct{}{}:
		case <-ctx.Done():
			ended = true // one more page is fetched, whose error is that of the context
		}
		if !ended && number > known {
			follows := false
			for _, page := range unread {
				<-page.done
				follows = far.follows(page.number, page.extent, page.items)
			}
			if unread = unread[:0]; !follows {
				return
			}
			known = max(number, far.lastPage)
		}
		next := &fetching[T, P]{fetched: &fetched{number: number, done: make(chan struct{})}}
		work.Go(func() {
			defer close(next.done)
			if next.page, next.err = p.fetch(ctx, next.number); next.err == nil {
				next.extent, next.items = next.page.wire.Pagination, len(next.page.wire.Items)
			}
		})
		order <- next
		if ended {
			return
		}
		unread = append(unread, next.fetched)
	}
}
