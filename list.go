package mihu

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"strconv"
	"sync"
)

const maxPerPage = 200

// List gives one page of the numbers that have trunks, one item per number. nil options ask for the
// first page.
//
// API: GET /phone-numbers/trunks. Its parameters are not documented, see [ListOptions].
func (s TrunksService) List(ctx context.Context, options *ListOptions, opts ...CallOption) (*PhoneNumberPage, error) {
	const op = OpTrunksList
	if options == nil {
		options = new(ListOptions)
	}
	if err := options.check(op); err != nil {
		return nil, err
	}
	return s.page(ctx, *options, opts)
}

// page fetches a page by options that were checked.
func (s TrunksService) page(ctx context.Context, options ListOptions, opts []CallOption) (*PhoneNumberPage, error) {
	page := new(PhoneNumberPage)
	req := &Request{op: OpTrunksList, Method: http.MethodGet, Path: trunksPath, Query: options}
	if err := s.client.Do(ctx, req, page, opts...); err != nil {
		return nil, err
	}
	return page, nil
}

func (o ListOptions) check(op string) error {
	var found violations
	o.gather(&found)
	return found.err(op)
}

func (o ListOptions) gather(found *violations) {
	if o.Page < 0 {
		found.add("page", strconv.Itoa(o.Page), "want 1 or more, or 0 for the first page")
	}
	if o.PerPage < 0 || o.PerPage > maxPerPage {
		found.add("per_page", strconv.Itoa(o.PerPage), "want 1 to 200, or 0 for the default")
	}
}

func (o AllOptions) page() ListOptions { return ListOptions{Page: o.Page, PerPage: o.PerPage} }

// check refuses one Response for pages that are fetched concurrently.
func (o AllOptions) check(op string, opts []CallOption) error {
	var cfg callConfig
	for _, opt := range opts {
		if opt != nil {
			opt.applyCall(&cfg)
		}
	}
	var found violations
	if o.Prefetch < 0 {
		found.add("prefetch", strconv.Itoa(o.Prefetch), "want a number of pages, or 0 for none")
	}
	if o.Prefetch > 0 && cfg.response != nil {
		found.add("prefetch", "", "cannot be combined with WithResponse, since pages are fetched concurrently")
	}
	o.page().gather(&found)
	return found.err(op)
}

// All gives every number that has trunks, from the page of the options on, fetching a page when the
// one before is used up, or earlier with Prefetch. Pages are of 200 numbers where the options name
// no size. An error is given once, with a zero number, and ends the iteration; so does leaving the
// loop, which cancels what is under way. Numbers that are added or removed meanwhile may be missed
// or given twice, since pages are all the API has. [WithResponse] tells of the last page; it is
// refused with Prefetch, where pages are fetched at the same time.
//
// A server that ignores the page parameter and sends no pagination gives its numbers once. One that
// says that there is more and sends an empty page, or the same again, is an error, since numbers are missing.
func (s TrunksService) All(ctx context.Context, options *AllOptions, opts ...CallOption) iter.Seq2[PhoneNumber, error] {
	const op = OpTrunksAll
	first := AllOptions{}
	if options != nil {
		first = *options
	}
	orDefault(&first.PerPage, maxPerPage)
	orDefault(&first.Page, 1)
	return func(yield func(PhoneNumber, error) bool) {
		if err := first.check(op, opts); err != nil {
			yield(PhoneNumber{}, err)
			return
		}
		seed := maphash.MakeSeed()
		seen := map[uint64]bool{}
		at, given := first.Page, 0
		for page, err := range s.pages(ctx, first, opts) {
			if err != nil {
				yield(PhoneNumber{}, err)
				return
			}
			sum := page.sum(seed)
			if seen[sum] || len(page.Items) == 0 {
				more, told := page.more(at)
				if told && more || page.Pagination != nil && first.Page == 1 && given < page.Pagination.Total {
					yield(PhoneNumber{}, fmt.Errorf("mihu: %s: %w: page %d is empty or repeats an earlier one though there is said to be more",
						op, ErrMalformedResponse, at))
				}
				return
			}
			seen[sum] = true
			for _, number := range page.Items {
				if given++; !yield(number, nil) {
					return
				}
			}
			at++
		}
	}
}

// pages gives page after page, until one says that it is the last, is empty or fails.
func (s TrunksService) pages(ctx context.Context, options AllOptions, opts []CallOption) iter.Seq2[*PhoneNumberPage, error] {
	if options.Prefetch > 0 && ctx != nil {
		return s.pagesAhead(ctx, options, opts)
	}
	return func(yield func(*PhoneNumberPage, error) bool) {
		for ; ; options.Page++ {
			page, err := s.page(ctx, options.page(), opts)
			if !yield(page, err) || err != nil || page.isLast(options.Page) {
				return
			}
		}
	}
}

// fetched is a page that is on its way.
type fetched struct {
	number int
	page   *PhoneNumberPage
	err    error
	done   chan struct{}
}

// pagesAhead fetches the pages after the one that is being used: one after the other, and at the
// same time where the server has told how many there are.
func (s TrunksService) pagesAhead(ctx context.Context, options AllOptions, opts []CallOption) iter.Seq2[*PhoneNumberPage, error] {
	return func(yield func(*PhoneNumberPage, error) bool) {
		var work sync.WaitGroup
		defer work.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		window := make(chan struct{}, options.Prefetch+1)
		order := make(chan *fetched, options.Prefetch+2)
		work.Go(func() {
			defer close(order)
			var before *fetched
			for known := options.Page; ; options.Page++ {
				ended := false
				select {
				case window <- struct{}{}:
				case <-ctx.Done():
					ended = true // one more page is asked for, whose error says so
				}
				if !ended && options.Page > known {
					<-before.done
					if before.err != nil || before.page.isLast(before.number) {
						return
					}
					known = options.Page
					if before.page.Pagination != nil {
						known = max(known, before.page.Pagination.LastPage)
					}
				}
				next, asked := &fetched{number: options.Page, done: make(chan struct{})}, options.page()
				work.Go(func() {
					defer close(next.done)
					next.page, next.err = s.page(ctx, asked, opts)
				})
				order <- next
				if ended {
					return
				}
				before = next
			}
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

// isLast says that no page is to be fetched after this one.
func (p *PhoneNumberPage) isLast(number int) bool {
	more, told := p.more(number)
	return told && !more || len(p.Items) == 0
}

// more says whether there is another page, and whether the server told.
func (p *PhoneNumberPage) more(number int) (more, told bool) {
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

// sum tells pages apart without keeping them, in whatever order their numbers are.
func (p *PhoneNumberPage) sum(seed maphash.Seed) (sum uint64) {
	var h maphash.Hash
	h.SetSeed(seed)
	for i := range p.Items {
		h.Reset()
		_, _ = h.WriteString(p.Items[i].Number)
		_, _ = h.WriteString(p.Items[i].PhoneNumberUUID)
		sum += h.Sum64()
	}
	return sum
}
