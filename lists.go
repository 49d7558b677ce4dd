package mihu

import (
	"context"
	"iter"
	"net/http"
)

// fetchPage fetches a page of a list; its options were checked.
func fetchPage[T any, P item[T]](ctx context.Context, c *Client, op, path string, query any, opts []CallOption) (*pageTarget[T, P], error) {
	page := new(pageTarget[T, P])
	if err := c.do(ctx, &spec{op: op, method: http.MethodGet, path: path, query: query}, page, opts); err != nil {
		return nil, err
	}
	return page, nil
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
