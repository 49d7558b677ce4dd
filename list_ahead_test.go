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

// book is a list in memory whose pages take a second each.
type book struct {
	pages     int
	told      bool // pages say how many there are
	perPage   int
	mu        sync.Mutex
	asked     []int
	underWay  int
	mostAtOne int
}

func (b *book) RoundTrip(req *http.Request) (*http.Response, error) {
	number, err := strconv.Atoi(req.URL.Query().Get("page"))
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.asked = append(b.asked, number)
	b.underWay++
	b.mostAtOne = max(b.mostAtOne, b.underWay)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.underWay--
		b.mu.Unlock()
	}()
	select {
	case <-time.After(time.Second):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	var items []string
	for i := range b.perPage {
		if number <= b.pages {
			items = append(items, fmt.Sprintf(`{"number":"+1%05d%05d"}`, number, i))
		}
	}
	pagination := ""
	if b.told {
		pagination = fmt.Sprintf(`,"pagination":{"current_page":%d,"last_page":%d,"has_more":%t}`, number, b.pages, number < b.pages)
	}
	body := fmt.Sprintf(`{"success":true,"data":{"items":[%s]%s}}`, strings.Join(items, ","), pagination)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

func (b *book) client(t *testing.T) *mihu.Client {
	t.Helper()
	client, err := mihu.New("acme", "token", mihu.WithHTTPClient(&http.Client{Transport: b}))
	require.NoError(t, err)
	return client
}

func TestAllReadsAhead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		told      bool
		ahead     int
		work      time.Duration // what the caller does with a page
		want      time.Duration
		atOnce    int
		morePages int // asked for after the last
	}{
		{"lazy", true, 0, 0, 10 * time.Second, 1, 0},
		{"lazy, with work", true, 0, time.Second, 20 * time.Second, 1, 0},
		{"one ahead, with work", true, 1, time.Second, 11 * time.Second, 2, 0},
		// The first page tells how many there are; the others are then fetched five at a time, of
		// which the caller waits for one.
		{"four ahead", true, 4, 0, 3 * time.Second, 5, 0},
		{"more ahead than there are", true, 100, 0, 2 * time.Second, 9, 0},
		{"nobody tells, with work", false, 4, time.Second, 11 * time.Second, 1, 1},
		{"nobody tells", false, 0, 0, 11 * time.Second, 1, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				list := &book{pages: 10, told: test.told, perPage: 2}
				started := time.Now()
				var numbers []string
				for number, err := range list.client(t).Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: test.ahead}) {
					require.NoError(t, err)
					numbers = append(numbers, number.Number)
					if strings.HasSuffix(number.Number, "1") {
						time.Sleep(test.work)
					}
				}
				assert.Len(t, numbers, 20)
				assert.IsIncreasing(t, numbers)
				assert.Equal(t, test.want, time.Since(started))
				assert.LessOrEqual(t, list.mostAtOne, test.atOnce)
				assert.Len(t, list.asked, 10+test.morePages)
			})
		})
	}
}

// Leaving the loop cancels what is under way, and nothing goes on after it.
func TestAllStopsReadingAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := &book{pages: 100, told: true, perPage: 2}
		client := list.client(t)
		started := time.Now()
		for _, err := range client.Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: 3}) {
			require.NoError(t, err)
			break
		}
		assert.Equal(t, time.Second, time.Since(started))
		assert.Zero(t, list.underWay)
		assert.LessOrEqual(t, len(list.asked), 4, "the window bounds what is fetched")
	})
}

func TestAllAheadGivesItsErrorOnce(t *testing.T) {
	t.Parallel()
	leaving := errors.New("leaving")
	for _, ahead := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			list := &book{pages: 100, told: true, perPage: 2}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var numbers, failures int
			for _, err := range list.client(t).Trunks.All(ctx, &mihu.AllOptions{Prefetch: ahead}) {
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
			assert.Zero(t, list.underWay)
		})
	}
}

func TestAllRefusesItsOptionsInTheLoop(t *testing.T) {
	t.Parallel()
	list := &book{pages: 1}
	for _, options := range []mihu.AllOptions{{Page: -1}, {PerPage: 201}, {PerPage: -1}, {Prefetch: -1}} {
		var failures int
		for _, err := range list.client(t).Trunks.All(t.Context(), &options) {
			require.ErrorIs(t, err, mihu.ErrInvalid)
			failures++
		}
		assert.Equal(t, 1, failures)
	}
	assert.Empty(t, list.asked)
}

func TestAllRefusesOneResponseForPagesAtTheSameTime(t *testing.T) {
	t.Parallel()
	list := &book{pages: 1}
	for _, err := range list.client(t).Trunks.All(t.Context(), &mihu.AllOptions{Prefetch: 1}, mihu.WithResponse(new(mihu.Response))) {
		require.ErrorIs(t, err, mihu.ErrInvalid)
		require.ErrorContains(t, err, "WithResponse")
	}
	assert.Empty(t, list.asked)
}
