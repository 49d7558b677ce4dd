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

// fetchPage fetches a page of a list; its options were checked.
func fetchPage[T any, P item[T]](ctx context.Context, c *Client, op, path string, query any, opts []CallOption) (*pageTarget[T, P], error) {
	page := new(pageTarget[T, P])
	if err := c.do(ctx, &spec{op: op, method: http.MethodGet, path: path, query: query}, page, opts); err != nil {
		return nil, err
	}
	return page, nil
}

type numberPage = pageTarget[PhoneNumber, *PhoneNumber]

// listNumbers returns a page of a list of numbers.
func listNumbers(ctx context.Context, c *Client, op, path string, options *ListOptions, opts []CallOption) (*Page[PhoneNumber], error) {
	if err := value(options).check(op); err != nil {
		return nil, err
	}
	page, err := fetchPage[PhoneNumber](ctx, c, op, path, value(options), opts)
	if err != nil {
		return nil, err
	}
	return page.page(), nil
}

// allNumbers iterates over a list of numbers; listOp is the operation of its pages.
func allNumbers(ctx context.Context, c *Client, op, listOp, path string, options *AllOptions, opts []CallOption) iter.Seq2[PhoneNumber, error] {
	return allItems(ctx, op, value(options), opts, func(ctx context.Context, page ListOptions) (*numberPage, error) {
		return fetchPage[PhoneNumber](ctx, c, listOp, path, page, opts)
	})
}

// allItems iterates over the items of all pages. fetch is called with the page that it fetches, and
// concurrently if pages are fetched ahead.
func allItems[T any, P item[T]](
	ctx context.Context, op string, options AllOptions, opts []CallOption,
	fetch func(context.Context, ListOptions) (*pageTarget[T, P], error),
) iter.Seq2[T, error] {
	orDefault(&options.PerPage, maxPerPage)
	orDefault(&options.Page, 1)
	return func(yield func(T, error) bool) {
		if err := options.check(op, opts); err != nil {
			var zero T
			yield(zero, err)
			return
		}
		list := &pager[T, P]{
			op: op, options: options,
			fetch: func(ctx context.Context, number int) (*pageTarget[T, P], error) {
				return fetch(ctx, ListOptions{Page: number, PerPage: options.PerPage})
			},
		}
		list.items(ctx, yield)
	}
}

// mapPage returns the page with its items in another form.
func mapPage[T, U any](page *Page[T], to func(T) U) *Page[U] {
	mapped := &Page[U]{Items: make([]U, len(page.Items)), Pagination: page.Pagination}
	for i, each := range page.Items {
		mapped.Items[i] = to(each)
	}
	return mapped
}

// mapItems returns the items in another form.
func mapItems[T, U any](items iter.Seq2[T, error], to func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for each, err := range items {
			if !yield(to(each), err) {
				return
			}
		}
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
		return &incompleteError{p.op, notWhole + fmt.Sprintf("the server reported %d items and sent %d; list again", p.total, p.count())}
	case number < p.lastPage || number == p.lastPage && !hasNew && number > p.options.Page:
		return &incompleteError{p.op, notWhole + fmt.Sprintf("page %d is empty or has nothing new, though the server reported more; list again", number)}
	}
	return nil
}

// notWhole begins what an incompleteError says of a list.
const notWhole = "the list is not whole: "

// incompleteError is a list, or another set of responses, that lacks something.
type incompleteError struct{ op, why string }

func (e *incompleteError) Error() string {
	return "mihu: " + e.op + ": malformed response: " + e.why
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
