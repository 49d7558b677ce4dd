package mihu_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

func TestListSendsTheRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options *mihu.ListOptions
		want    string
	}{
		{"no options", nil, ""},
		{"zero options", &mihu.ListOptions{}, ""},
		{"a page", &mihu.ListOptions{Page: 3}, "page=3"},
		{"a size", &mihu.ListOptions{PerPage: 200}, "per_page=200"},
		{"both", &mihu.ListOptions{Page: 2, PerPage: 1}, "page=2&per_page=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, got := endpoint(t, http.MethodGet, trunks, pageJSON)
			page, err := client.Trunks.List(t.Context(), tt.options)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got.Query)
			assert.Empty(t, got.Body)
			require.Len(t, page.Items, 1)
			assert.Equal(t, number, page.Items[0].Number)
			assert.Equal(t, &mihu.Pagination{CurrentPage: 1, PerPage: 50, Total: 1, LastPage: 1, From: 1, To: 1}, page.Pagination)
		})
	}
}

func TestListRejectsInvalidOptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		options mihu.ListOptions
		fields  []string
	}{
		{mihu.ListOptions{Page: -1}, []string{"page"}},
		{mihu.ListOptions{PerPage: -1}, []string{"per_page"}},
		{mihu.ListOptions{PerPage: 201}, []string{"per_page"}},
		{mihu.ListOptions{Page: -1, PerPage: 1000}, []string{"page", "per_page"}},
	}
	for _, tt := range tests {
		page, err := mustNotSend(t).Trunks.List(t.Context(), &tt.options)
		assert.Nil(t, page)
		requireViolations(t, err, "trunks.list", tt.fields...)

		var errs []error
		for item, err := range mustNotSend(t).Trunks.All(t.Context(), &mihu.AllOptions{Page: tt.options.Page, PerPage: tt.options.PerPage}) {
			assert.Equal(t, mihu.PhoneNumber{}, item)
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		requireViolations(t, errs[0], "trunks.all", tt.fields...)
	}
}

// listing is the list of a listServer, and how the server paginates it.
type listing struct {
	numbers int
	// perPage is the size of the pages; 0 is that of the request.
	perPage int
	// ignoresPage makes every page the first one.
	ignoresPage bool
	// shuffled changes the order with every request.
	shuffled bool
	// pagination returns the JSON of the pagination; nil sends none.
	pagination func(page, perPage, total int) string
	// failsAt is the page whose response is an error; 0 is none.
	failsAt int
}

// listServer is a transport that serves a list of numbers and records the requested pages.
type listServer struct {
	listing
	t         *testing.T
	mu        sync.Mutex
	requested []string
}

func newListServer(t *testing.T, l listing) *listServer {
	t.Helper()
	return &listServer{listing: l, t: t}
}

func (l *listServer) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	l.mu.Lock()
	l.requested = append(l.requested, query.Get("page"))
	requests := len(l.requested)
	l.mu.Unlock()
	if requests > 50 {
		assert.Fail(l.t, "the iteration does not end")
		return nil, errLost
	}
	page, _ := strconv.Atoi(query.Get("page"))
	if page == l.failsAt {
		return response(http.StatusForbidden, `{"success": false, "message": "No"}`), nil
	}
	perPage := l.perPage
	if perPage == 0 {
		perPage, _ = strconv.Atoi(query.Get("per_page"))
	}
	first := (page - 1) * perPage
	if l.ignoresPage {
		first, perPage = 0, max(perPage, 1)
	}
	var items []string
	for i := first; i < min(first+perPage, l.numbers); i++ {
		n := i
		if l.shuffled {
			n = (i*7 + requests*requests) % l.numbers
		}
		items = append(items, fmt.Sprintf(`{"number": "+1555%07d"}`, n))
	}
	body := `{"success": true, "data": {"items": [` + strings.Join(items, ",") + `]`
	if l.pagination != nil {
		body += `, "pagination": ` + l.pagination(page, perPage, l.numbers)
	}
	return response(http.StatusOK, body+`}}`), nil
}

// Requested returns the pages that were requested.
func (l *listServer) Requested() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.requested...)
}

// fullPagination returns a pagination with every field.
func fullPagination(page, perPage, total int) string {
	perPage = max(1, perPage)
	last := max(1, (total+perPage-1)/perPage)
	return fmt.Sprintf(`{"current_page": %d, "per_page": %d, "total": %d, "last_page": %d, "from": null, "to": null, "has_more": %t}`,
		page, perPage, total, last, page < last)
}

// collect ranges over All and returns the numbers and the errors.
func collect(ctx context.Context, client *mihu.Client, options *mihu.AllOptions) (numbers []string, errs []error) {
	for item, err := range client.Trunks.All(ctx, options) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		numbers = append(numbers, item.Number)
	}
	return numbers, errs
}

// All yields every number once and ends, however much the server reports about its pages.
func TestAllYieldsEveryNumber(t *testing.T) {
	t.Parallel()
	const anyPages = "any number"
	pairs := &mihu.AllOptions{PerPage: 2}
	tests := []struct {
		name    string
		server  listing
		options *mihu.AllOptions
		want    int
		pages   string
	}{
		{"no numbers", listing{pagination: fullPagination}, nil, 0, "1"},
		{"no numbers and no pagination", listing{}, nil, 0, "1"},
		{"one page", listing{numbers: 3, pagination: fullPagination}, nil, 3, "1"},
		{"pages of 200 by default", listing{numbers: 401, pagination: fullPagination}, nil, 401, "1 2 3"},
		{"pages of the caller's size", listing{numbers: 5, pagination: fullPagination}, pairs, 5, "1 2 3"},
		{"a full last page", listing{numbers: 4, pagination: fullPagination}, pairs, 4, "1 2"},
		{"pages smaller than requested", listing{numbers: 5, perPage: 2, pagination: fullPagination}, nil, 5, "1 2 3"},
		{"from a later page", listing{numbers: 5, pagination: fullPagination}, &mihu.AllOptions{Page: 2, PerPage: 2}, 3, "2 3"},
		{"has_more only", listing{numbers: 5, pagination: func(page, perPage, total int) string {
			return fmt.Sprintf(`{"current_page": %d, "has_more": %t}`, page, page*perPage < total)
		}}, pairs, 5, "1 2 3"},
		{"last_page only", listing{numbers: 5, pagination: func(int, int, int) string { return `{"last_page": 3}` }}, pairs, 5, "1 2 3"},
		{"total and per_page", listing{numbers: 5, perPage: 2, pagination: func(_, perPage, total int) string {
			return fmt.Sprintf(`{"per_page": %d, "total": %d}`, perPage, total)
		}}, nil, 5, "1 2 3"},
		{"total only", listing{numbers: 5, pagination: func(_, _, total int) string { return fmt.Sprintf(`{"total": %d}`, total) }}, pairs, 5, anyPages},
		{"total only, pages smaller than requested", listing{numbers: 5, perPage: 2, pagination: func(_, _, total int) string {
			return fmt.Sprintf(`{"total": %d}`, total)
		}}, nil, 5, anyPages},
		{"pagination as texts", listing{numbers: 3, pagination: func(page, _, _ int) string {
			return fmt.Sprintf(`{"current_page": "%d", "last_page": "2", "has_more": %d}`, page, max(0, 2-page))
		}}, pairs, 3, "1 2"},
		{"no pagination", listing{numbers: 5}, pairs, 5, "1 2 3 4"},
		{"an empty pagination", listing{numbers: 3, pagination: func(int, int, int) string { return `[]` }}, pairs, 3, "1 2 3"},
		{"a server that ignores page and per_page", listing{numbers: 3, perPage: 3, ignoresPage: true}, nil, 3, "1 2"},
		{"a server that ignores page and per_page, with last_page", listing{numbers: 3, perPage: 3, ignoresPage: true, pagination: func(int, int, int) string {
			return `{"total": 3, "per_page": 3, "last_page": 1}`
		}}, nil, 3, "1"},
		{"a server that ignores page and per_page, with total only", listing{numbers: 3, perPage: 3, ignoresPage: true, pagination: func(int, int, int) string { return `{"total": 3}` }}, nil, 3, anyPages},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newListServer(t, tt.server)
			got, errs := collect(t.Context(), newClient(t, server), tt.options)
			require.Empty(t, errs)
			skipped := 0
			if tt.options != nil && tt.options.Page > 1 {
				skipped = (tt.options.Page - 1) * tt.options.PerPage
			}
			var want []string
			for i := range tt.want {
				want = append(want, fmt.Sprintf("+1555%07d", skipped+i))
			}
			assert.Equal(t, want, got)
			if tt.pages != anyPages {
				assert.Equal(t, tt.pages, strings.Join(server.Requested(), " "))
			}
		})
	}
}

// If the server reports more numbers than it sends, All yields an error, since numbers are missing.
func TestAllReportsMissingNumbers(t *testing.T) {
	t.Parallel()
	constant := func(pagination string) func(int, int, int) string {
		return func(int, int, int) string { return pagination }
	}
	tests := []struct {
		name   string
		server listing
	}{
		{"the same page twice", listing{numbers: 2, perPage: 2, ignoresPage: true, pagination: constant(`{"has_more": true}`)}},
		{"an empty page", listing{numbers: 2, perPage: 2, pagination: constant(`{"has_more": true}`)}},
		{"the same page twice, with last_page", listing{numbers: 2, perPage: 2, ignoresPage: true, pagination: constant(`{"last_page": 3}`)}},
		{"the same page twice, with total", listing{numbers: 2, perPage: 2, ignoresPage: true, pagination: constant(`{"total": 5}`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, errs := collect(t.Context(), newClient(t, newListServer(t, tt.server)), nil)
			assert.Len(t, got, 2)
			require.Len(t, errs, 1)
			assertMatches(t, errs[0], mihu.ErrMalformedResponse)
			assert.Contains(t, errs[0].Error(), "mihu: trunks.all: ")
			assert.Contains(t, errs[0].Error(), "the list is not whole")
			assert.Contains(t, errs[0].Error(), "the server reported")
		})
	}
}

// All ends even if the server ignores page and per_page and changes the order with every request.
func TestAllEndsWithoutAStableOrder(t *testing.T) {
	t.Parallel()
	server := newListServer(t, listing{numbers: 100, perPage: 100, ignoresPage: true, shuffled: true})
	got, errs := collect(t.Context(), newClient(t, server), nil)
	require.Empty(t, errs)
	if len(got) != 100 {
		t.Errorf("%d numbers, want 100", len(got))
	}
}

func TestAllStops(t *testing.T) {
	t.Parallel()
	t.Run("nothing is sent before the loop begins", func(t *testing.T) {
		t.Parallel()
		_ = mustNotSend(t).Trunks.All(t.Context(), nil)
	})
	t.Run("a break fetches no further page", func(t *testing.T) {
		t.Parallel()
		server := newListServer(t, listing{numbers: 6, pagination: fullPagination})
		var got int
		for _, err := range newClient(t, server).Trunks.All(t.Context(), &mihu.AllOptions{PerPage: 2}) {
			require.NoError(t, err)
			if got++; got == 4 { // the last of its page
				break
			}
		}
		assert.Equal(t, []string{"1", "2"}, server.Requested())
	})
	t.Run("an error is yielded once and ends the loop", func(t *testing.T) {
		t.Parallel()
		server := newListServer(t, listing{numbers: 6, pagination: fullPagination, failsAt: 2})
		got, errs := collect(t.Context(), newClient(t, server), &mihu.AllOptions{PerPage: 2})
		assert.Len(t, got, 2)
		require.Len(t, errs, 1)
		assertMatches(t, errs[0], mihu.ErrForbidden)
		assert.Equal(t, []string{"1", "2"}, server.Requested())
	})
	t.Run("a break at an error ends the loop", func(t *testing.T) {
		t.Parallel()
		for _, err := range newClient(t, newWire(t, apiError(403))).Trunks.All(t.Context(), nil) {
			require.ErrorIs(t, err, mihu.ErrForbidden)
			break
		}
	})
	t.Run("the end of the context ends the loop", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		server := newListServer(t, listing{numbers: 6, pagination: fullPagination})
		var got int
		var last error
		for _, err := range newClient(t, server).Trunks.All(ctx, &mihu.AllOptions{PerPage: 2}) {
			if last = err; err == nil {
				got++
				cancel(errLost)
			}
		}
		assert.Equal(t, 2, got, "the numbers of the fetched page are yielded")
		require.ErrorIs(t, last, context.Canceled)
		require.ErrorIs(t, last, errLost)
		assert.Equal(t, []string{"1"}, server.Requested())
	})
}

func TestAllCopiesItsOptions(t *testing.T) {
	t.Parallel()
	server := newListServer(t, listing{numbers: 5, pagination: fullPagination})
	options := &mihu.AllOptions{PerPage: 2}
	all := newClient(t, server).Trunks.All(t.Context(), options)
	*options = mihu.AllOptions{Page: -1, PerPage: -1}
	got := 0
	for _, err := range all {
		require.NoError(t, err)
		got++
	}
	assert.Equal(t, 5, got)
	assert.Equal(t, mihu.AllOptions{Page: -1, PerPage: -1}, *options)
}

// Several loops can range over one iterator at once, each from the beginning.
func TestAllIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	server := newListServer(t, listing{numbers: 5, pagination: fullPagination})
	all := newClient(t, server).Trunks.All(t.Context(), &mihu.AllOptions{PerPage: 2})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			var got []string
			for item, err := range all {
				assert.NoError(t, err)
				got = append(got, item.Number)
			}
			assert.Len(t, got, 5)
		})
	}
	group.Wait()
	assert.Len(t, server.Requested(), 8*3)
}
