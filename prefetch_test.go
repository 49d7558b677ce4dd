package mihu_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
)

// pagedList is a transport that serves a list whose every page takes a second.
type pagedList struct {
	pages       int
	paginates   bool // the pages have a pagination
	perPage     int
	mu          sync.Mutex
	requested   []int
	inFlight    int
	maxInFlight int
}

func (l *pagedList) RoundTrip(req *http.Request) (*http.Response, error) {
	number, err := strconv.Atoi(req.URL.Query().Get("page"))
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.requested = append(l.requested, number)
	l.inFlight++
	l.maxInFlight = max(l.maxInFlight, l.inFlight)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.inFlight--
		l.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	var items []string
	for i := range l.perPage {
		if number <= l.pages {
			items = append(items, fmt.Sprintf(`{"number":"+1%05d%05d"}`, number, i))
		}
	}
	pagination := ""
	if l.paginates {
		pagination = fmt.Sprintf(`,"pagination":{"current_page":%d,"last_page":%d,"has_more":%t}`, number, l.pages, number < l.pages)
	}
	body := fmt.Sprintf(`{"success":true,"data":{"items":[%s]%s}}`, strings.Join(items, ","), pagination)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

func (l *pagedList) client(t *testing.T) *mihu.Client {
	t.Helper()
	client, err := mihu.New("acme", "token", mihu.WithHTTPClient(&http.Client{Transport: l}))
	require.NoError(t, err)
	return client
}

func TestAllPrefetches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		paginates  bool
		prefetch   int
		work       time.Duration // how long the caller spends on a page
		want       time.Duration
		inFlight   int // at most
		extraPages int // requested after the last one
	}{
		{"no prefetching", true, 0, 0, 10 * time.Second, 1, 0},
		{"no prefetching, slow caller", true, 0, time.Second, 20 * time.Second, 1, 0},
		{"one page ahead, slow caller", true, 1, time.Second, 11 * time.Second, 2, 0},
		// The first page has the number of pages. The others are then fetched five at a time: one
		// that the caller waits for, and four ahead.
		{"four pages ahead", true, 4, 0, 3 * time.Second, 5, 0},
		{"more pages ahead than there are", true, 100, 0, 2 * time.Second, 9, 0},
		{"no pagination, slow caller", false, 4, time.Second, 11 * time.Second, 1, 1},
		{"no pagination", false, 0, 0, 11 * time.Second, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				list := &pagedList{pages: 10, paginates: test.paginates, perPage: 2}
				started := time.Now()
				var numbers []string
				for number, err := range list.client(t).Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: test.prefetch}) {
					require.NoError(t, err)
					numbers = append(numbers, number.Number)
					if strings.HasSuffix(number.Number, "1") {
						time.Sleep(test.work)
					}
				}
				assert.Len(t, numbers, 20)
				assert.IsIncreasing(t, numbers)
				assert.Equal(t, test.want, time.Since(started))
				assert.LessOrEqual(t, list.maxInFlight, test.inFlight)
				assert.Len(t, list.requested, 10+test.extraPages)
			})
		})
	}
}

// Leaving the loop cancels the requests in flight, and waits for them to end.
func TestAllStopsPrefetching(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := &pagedList{pages: 100, paginates: true, perPage: 2}
		client := list.client(t)
		started := time.Now()
		for _, err := range client.Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: 3}) {
			require.NoError(t, err)
			break
		}
		assert.Equal(t, time.Second, time.Since(started))
		assert.Zero(t, list.inFlight)
		assert.LessOrEqual(t, len(list.requested), 4, "no more pages than Prefetch are fetched ahead")
	})
}

func TestAllWithPrefetchYieldsItsErrorOnce(t *testing.T) {
	t.Parallel()
	leaving := errors.New("leaving")
	for _, prefetch := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			list := &pagedList{pages: 100, paginates: true, perPage: 2}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var numbers, failures int
			for _, err := range list.client(t).Trunks.All(ctx, &mihu.AllOptions{Prefetch: prefetch}) {
				if err != nil {
					failures++
					require.ErrorIs(t, err, context.Canceled)
					require.ErrorIs(t, err, leaving)
					continue
				}
				if numbers++; numbers == 3 {
					cancel(leaving)
				}
			}
			assert.Equal(t, 1, failures)
			assert.Zero(t, list.inFlight)
		})
	}
}

func TestAllYieldsTheErrorOfInvalidOptions(t *testing.T) {
	t.Parallel()
	list := &pagedList{pages: 1}
	for _, options := range []mihu.AllOptions{{Page: -1}, {PerPage: 201}, {PerPage: -1}, {Prefetch: -1}} {
		var failures int
		for _, err := range list.client(t).Trunks.All(t.Context(), &options) {
			require.ErrorIs(t, err, mihu.ErrInvalid)
			failures++
		}
		assert.Equal(t, 1, failures)
	}
	assert.Empty(t, list.requested)
}

// Pages that are fetched at the same time cannot share one Response.
func TestAllRejectsWithResponseWhenPrefetching(t *testing.T) {
	t.Parallel()
	list := &pagedList{pages: 1}
	for _, err := range list.client(t).Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: 1}, mihu.WithResponse(new(mihu.Response))) {
		require.ErrorIs(t, err, mihu.ErrInvalid)
		require.ErrorContains(t, err, "WithResponse")
	}
	assert.Empty(t, list.requested)
}
