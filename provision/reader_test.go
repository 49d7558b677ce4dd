package provision_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// lookUp looks up the trunks of numbers, of which those below have exist, and reports whether all
// readings are right.
func lookUp(t *testing.T, r *provision.Reader, have int, numbers ...int) {
	t.Helper()
	for _, i := range numbers {
		found, err := r.Get(t.Context(), trunk(i))
		require.NoError(t, err)
		assert.Equal(t, i < have, found.Exists, "number %d", i)
		if found.Exists {
			assert.Equal(t, agent(i), found.AgentUUID)
		}
		assert.False(t, found.Purchased)
	}
}

// upTo returns the numbers from first, n of them.
func upTo(first, n int) []int {
	var all []int
	for i := range n {
		all = append(all, first+i)
	}
	return all
}

// A Reader never takes more requests than it promises.
func TestReaderRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		have     int
		numbers  []int
		expected int
		requests int
	}{
		{"an empty workspace", 0, upTo(0, 300), 0, 1},
		{"one page", 200, upTo(0, 300), 0, 1},
		{"the first page has them", 1000, upTo(0, 200), 0, 1},
		{"fewer than pages are left", 1000, upTo(900, 4), 0, 5},
		{"as many as the pages", 1000, upTo(900, 5), 0, 1 + 4 + 4},
		{"all", 1000, upTo(0, 1200), 0, 1 + 4 + 4},
		{"all, which is known", 1000, upTo(0, 1200), 1200, 5},
		{"few, which is known", 1000, upTo(900, 4), 4, 5},
		{"just enough for a list, which is known", 1000, upTo(900, 5), 5, 5},
		{"nobody has them", 1000, upTo(5000, 100), 0, 1 + 4 + 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			add(t, srv, same(0, test.have)...)
			r := provision.NewReader(srv.Client(t), provision.ReaderOptions{Expected: test.expected})
			lookUp(t, r, test.have, test.numbers...)
			assert.Equal(t, test.requests, srv.RequestCount())
		})
	}
}

func TestReaderConcurrently(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, same(0, 1000)...)
	r := provision.NewReader(srv.Client(t), provision.ReaderOptions{})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < 1200; i += 8 {
				found, err := r.Get(context.Background(), trunk(i))
				assert.NoError(t, err)
				assert.Equal(t, i < 1000, found.Exists)
			}
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, srv.RequestCount(), 2*5-1)
}

// What the caller has written is read.
func TestReaderAfterWrites(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, same(0, 10)...)
	client := srv.Client(t)
	r := provision.NewReader(client, provision.ReaderOptions{})
	lookUp(t, r, 10, 0, 11)
	_, err := client.Trunks.Assign(t.Context(), trunk(0), agent(50))
	require.NoError(t, err)
	r.Wrote(trunk(0))
	r.Wrote(mihu.TrunkID{}) // no trunk
	found, err := r.Get(t.Context(), trunk(0))
	require.NoError(t, err)
	numberOf := func(i int) string {
		snap, err := srv.Client(t).Channels.GetByNumber(t.Context(), trunk(i).PhoneNumber)
		require.NoError(t, err)
		return snap.PhoneNumberUUID
	}
	assert.Equal(t, provision.Reading{Exists: true, AgentUUID: agent(50), PhoneNumberUUID: numberOf(0), Known: provision.KnownRead}, found)
	found, err = r.Get(t.Context(), trunk(1))
	require.NoError(t, err)
	assert.Equal(t, provision.Reading{Exists: true, AgentUUID: agent(1), PhoneNumberUUID: numberOf(1), Known: provision.KnownListed}, found)
	assert.Equal(t, 3+2, srv.RequestCount(), "two of them by the test")
}

func TestReaderArguments(t *testing.T) {
	t.Parallel()
	api := newMemory()
	for wrong, get := range map[string]func() (provision.Reading, error){
		"client: ": func() (provision.Reading, error) {
			return provision.NewReader(nil, provision.ReaderOptions{}).Get(t.Context(), trunk(1))
		},
		"context: ": func() (provision.Reading, error) {
			return provision.NewReader(api.client(t), provision.ReaderOptions{}).Get(nil, trunk(1)) //nolint:staticcheck // that is the test
		},
		"trunk ": func() (provision.Reading, error) {
			return provision.NewReader(api.client(t), provision.ReaderOptions{}).Get(t.Context(), mihu.TrunkID{PhoneNumber: "+12340000001"})
		},
	} {
		_, err := get()
		require.ErrorIs(t, err, mihu.ErrInvalid)
		require.ErrorContains(t, err, wrong)
		require.NotContains(t, err.Error(), "+12340000001")
	}
	assert.Empty(t, api.Flow())
}

// lists serves the items of a list, and every number below have singly.
type lists struct {
	*memory
	items func(page int) (status int, items []string, pagination string)
	reads int
	pages int
}

func newLists(have int, items func(page int) (int, []string, string)) *lists {
	l := &lists{memory: newMemory(), items: items}
	for i := range have {
		l.trunks[trunk(i)] = agent(i)
	}
	l.fault = func(_ int, req *http.Request) (*http.Response, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if req.Method != http.MethodGet {
			return passes()
		}
		if req.URL.Query().Has("number") {
			l.reads++
			return passes()
		}
		l.pages++
		status, items, pagination := l.items(pageOf(req.URL))
		if status >= 400 {
			return problem(status), nil
		}
		return answer(http.StatusOK, `{"success":true,"data":{"items":[`+strings.Join(items, ",")+`]`+pagination+`}}`), nil
	}
	return l
}

func pageOf(u *url.URL) (page int) {
	_, _ = fmt.Sscan(u.Query().Get("page"), &page)
	return max(1, page)
}

// listed returns the items of numbers.
func listed(first, n int) (items []string) {
	for i := range n {
		items = append(items, fmt.Sprintf(`{"number":%q,"is_external":true,"bindings":{"call":{"bound":true,"agent_uuid":%q}}}`, trunk(first+i).PhoneNumber, agent(first+i)))
	}
	return items
}

// pagination is that of a list of total numbers, with 200 on a page.
func pagination(page, total int) string {
	return fmt.Sprintf(`,"pagination":{"current_page":%d,"per_page":200,"last_page":%d,"total":%d}`, page, (total+199)/200, total)
}

// A list that is wrong does not make a reading wrong: 450 numbers exist, in three pages.
func TestReaderOfWrongLists(t *testing.T) {
	t.Parallel()
	const have = 450
	right := func(page int) (int, []string, string) {
		return 200, listed(200*(page-1), max(0, min(200, have-200*(page-1)))), pagination(page, have)
	}
	tests := []struct {
		name  string
		items func(page int) (int, []string, string)
		pages int // of all requests
		reads int
	}{
		{"it is right", right, 3, 0},
		{"it may not be listed", func(int) (int, []string, string) { return 403, nil, "" }, 3, 500},
		{"the second page fails", func(page int) (int, []string, string) {
			if page == 2 {
				return 403, nil, ""
			}
			return right(page)
		}, 0, 300}, // the third page may be fetched ahead
		{"the second page is empty", func(page int) (int, []string, string) {
			if page == 2 {
				return 200, nil, pagination(2, have)
			}
			return right(page)
		}, 0, 300},
		{"it ends early, and reports it", func(page int) (int, []string, string) {
			if page > 2 {
				return 200, nil, pagination(page, have)
			}
			return right(page)
		}, 0, 100},
		{"the first page comes again and again", func(page int) (int, []string, string) { return 200, listed(0, 200), pagination(page, have) }, 0, 300},
		{"the first page comes again, and there are but two", func(page int) (int, []string, string) {
			return 200, listed(0, 200), pagination(page, 400)
		}, 0, 300},
		{"the first page has fewer than it reports", func(int) (int, []string, string) {
			return 200, listed(0, 100), `,"pagination":{"current_page":1,"per_page":200,"last_page":1,"total":450}`
		}, 0, 400},
		{"the first page lacks some", func(page int) (int, []string, string) {
			status, items, p := right(page)
			if page == 1 {
				items = items[:150]
			}
			return status, items, p
		}, 0, 100},
		{"the first page comes again, and the total is not reported", func(int) (int, []string, string) {
			return 200, listed(0, 200), `,"pagination":{"current_page":1,"per_page":200,"last_page":2}`
		}, 0, 300},
		{"it does not report its extent", func(page int) (int, []string, string) { _, items, _ := right(page); return 200, items, "" }, 4, 0},
		{"it ignores the page, and reports nothing", func(int) (int, []string, string) { return 200, listed(0, have), "" }, 3, 0},
		{"numbers are repeated", func(page int) (int, []string, string) {
			_, items, p := right(page)
			return 200, append(items, items...), p
		}, 3, 0},
		{"it has no bindings", func(page int) (int, []string, string) {
			_, items, p := right(page)
			for i := range items {
				items[i], _, _ = strings.Cut(items[i], `,"bindings"`)
				items[i] += "}"
			}
			return 200, items, p
		}, 3, have},
		{"bindings cannot be read", func(page int) (int, []string, string) {
			_, items, p := right(page)
			for i := range items {
				items[i], _, _ = strings.Cut(items[i], `,"bindings"`)
				items[i] += `,"bindings":{"call":{"bound":"perhaps","agent_uuid":"x"}}}`
			}
			return 200, items, p
		}, 3, have},
		{"it does not say that numbers are external", func(page int) (int, []string, string) {
			_, items, p := right(page)
			for i := range items {
				items[i] = strings.Replace(items[i], `"is_external":true,`, "", 1)
			}
			return 200, items, p
		}, 3, have},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			api := newLists(have, test.items)
			r := provision.NewReader(api.client(t, onceOnly), provision.ReaderOptions{Expected: 500})
			lookUp(t, r, have, upTo(0, 500)...)
			assert.Equal(t, test.reads, api.reads, "reads")
			if test.pages > 0 {
				assert.Equal(t, test.pages, api.pages, "pages")
			}
			assert.LessOrEqual(t, api.pages, 3*3+1)

			// A run of all comes to the right end, with the same list.
			for i := range 20 {
				api.trunks[trunk(i)] = agent(1000 + i)
			}
			moved := func(page int) (int, []string, string) {
				status, items, p := test.items(page)
				for i := range items {
					for n := range 20 {
						items[i] = strings.Replace(items[i], agent(n)+`"`, agent(1000+n)+`"`, 1)
					}
				}
				return status, items, p
			}
			api.items = moved
			results, err := collect(t, provision.Run(t.Context(), api.client(t), many(500), provision.Options{Workers: 8}))
			require.NoError(t, err)
			for i, result := range results {
				require.NoError(t, result.Err, "item %d", i)
				assert.Equal(t, agent(i), api.trunks[trunk(i)])
			}
		})
	}
}

// The end of one caller's context does not harm the others.
// The list leaves open whether a number has a trunk, so it is read singly. If that read leaves it open
// too, neither a reading nor a plan says anything of it.
func TestReaderOfUnreadableNumbers(t *testing.T) {
	t.Parallel()
	const external, free = `"is_external":true,`, `"whatsapp":{"bound":false}`
	for name, test := range map[string]struct {
		listed string // of the item
		read   string // of the snapshot
		open   string // what is left open; "" if the read shows the trunk
	}{
		"bindings missing": {external, external + `"channels":{"call":{"bound":true,"agent_uuid":"AGENT"},` + free + `}`, ""},
		"unreadable agent in the list": {
			external + `"bindings":{"call":{"bound":true,"agent_uuid":["x"]}},`,
			external + `"channels":{"call":{"bound":true,"agent_uuid":"AGENT"},` + free + `}`, "",
		},
		"unreadable":          {external, external + `"channels":{"call":{"bound":"perhaps"},` + free + `}`, "whether +1234•••0000/call is bound"},
		"nothing on it":       {external, external + `"channels":{"call":{},` + free + `}`, "whether +1234•••0000/call is bound"},
		"no such channel":     {external, external + `"channels":{` + free + `}`, "whether +1234•••0000/call is bound"},
		"a channel of text":   {external, external + `"channels":{"call":"AGENT",` + free + `}`, "whether +1234•••0000/call is bound"},
		"an unreadable agent": {external, external + `"channels":{"call":{"bound":true,"agent_uuid":["AGENT"]},` + free + `}`, "which agent +1234•••0000/call is on"},
		"no marks":            {external, `"channels":{"call":{"bound":true,"agent_uuid":"AGENT"},` + free + `}`, "whether +1234•••0000 is external"},
		"an unreadable mark":  {external, `"is_external":"perhaps","channels":{"call":{"bound":true,"agent_uuid":"AGENT"},` + free + `}`, "whether +1234•••0000 is external"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newMemory()
			api.fault = func(_ int, req *http.Request) (*http.Response, error) {
				body := `"items":[{` + test.listed + `"number":"` + trunk(0).PhoneNumber + `"}]` + pagination(1, 1)
				if req.URL.Query().Has("number") {
					body = strings.ReplaceAll(test.read, "AGENT", agent(0)) + `,"number":"` + trunk(0).PhoneNumber + `"`
				}
				return answer(http.StatusOK, `{"success":true,"data":{`+body+`}}`), nil
			}
			found, err := provision.NewReader(api.client(t), provision.ReaderOptions{}).Get(t.Context(), trunk(0))
			results, planErr := collect(t, provision.Plan(t.Context(), api.client(t), many(1), provision.Options{}))
			require.NoError(t, planErr)
			require.Len(t, results, 1)
			if test.open == "" {
				require.NoError(t, err)
				assert.Equal(t, provision.Reading{Exists: true, AgentUUID: agent(0), Known: provision.KnownRead}, found)
				assert.Equal(t, provision.Unchanged, results[0].Action)
				return
			}
			for _, err := range []error{err, results[0].Err} {
				require.ErrorIs(t, err, mihu.ErrMalformedResponse)
				require.ErrorContains(t, err, "it does not say "+test.open)
			}
			assert.Equal(t, provision.Reading{}, found)
			assert.Equal(t, provision.Failed, results[0].Action)
		})
	}
}

func TestReaderContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newMemory()
		api.trunks[trunk(1)] = agent(1)
		api.latency = time.Second
		r := provision.NewReader(api.client(t), provision.ReaderOptions{})
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := r.Get(short, trunk(1))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		wg.Go(func() {
			_, err := r.Get(short, trunk(1)) // waits for the list of the first
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		wg.Go(func() { lookUp(t, r, 2, 1) })
		wg.Wait()
		assert.Len(t, api.Flow(), 2)
	})
}

func TestReaderOfARefusedToken(t *testing.T) {
	t.Parallel()
	api := newMemory()
	api.fault = func(int, *http.Request) (*http.Response, error) { return problem(http.StatusUnauthorized), nil }
	_, err := provision.NewReader(api.client(t), provision.ReaderOptions{}).Get(t.Context(), trunk(1))
	require.ErrorIs(t, err, mihu.ErrUnauthorized)
	assert.Len(t, api.Flow(), 1)
}

// A run whose list lags behind, or that others outrun, ends as it should.
func TestRunWithAnOldList(t *testing.T) {
	t.Parallel()
	for _, status := range []int{409, 422, 403, 404, 423} {
		srv := newServer(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true, DuplicateStatus: status, AgentBusyStatus: status}))
		add(t, srv, [2]int{1, 1}, [2]int{2, 2}, [2]int{3, 3}, [2]int{4, 4}, [2]int{6, 6})
		client := srv.Client(t, mihu.WithConflictStatuses(status))
		other := srv.Client(t)
		outrun := false
		srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
			if req.Method == http.MethodGet || outrun {
				return nil
			}
			outrun = true // somebody else changes all after the list
			add(t, srv, [2]int{0, 50})
			for number, agentOf := range map[int]int{1: 51, 2: 52, 6: 5} {
				_, err := other.Trunks.Assign(t.Context(), trunk(number), agent(agentOf))
				assert.NoError(t, err)
			}
			for _, number := range []int{3, 4} {
				assert.NoError(t, other.Trunks.Delete(t.Context(), trunk(number)))
			}
			return nil
		})
		named := want(1, 1)
		named.Trunk.Name = "Front desk"
		gone := want(4, 4)
		gone.Trunk.Name = "Front desk"
		results, err := collect(t, provision.Run(t.Context(), client, stream(nil, want(0, 0), named, want(2, 20), want(3, 30), gone, want(5, 5), want(7, 6)), provision.Options{Workers: 1}))
		require.NoError(t, err)
		assert.Equal(t, []provision.Action{
			provision.Assigned, provision.Assigned, provision.Assigned, provision.Created, provision.Created, provision.Failed,
			provision.Created, // its agent is free, though the first list shows it on another number
		}, actions(results), "%d", status)
		assert.Equal(t, agent(50), results[0].Ensured.PreviousAgentUUID)
		for _, result := range results[:5] {
			is, ok := srv.Trunk(result.Item.Trunk.TrunkID)
			require.True(t, ok)
			assert.Equal(t, result.Item.Trunk.AgentUUID, is.AgentUUID)
			assert.Equal(t, provision.KnownWritten, result.Known)
		}
		var busy *provision.AgentBusyError
		require.ErrorAs(t, results[5].Err, &busy)
		assert.Equal(t, trunk(6), busy.Holder, "the workspace is listed again")
		require.Error(t, busy.Err)
	}
}

// The list shows an agent on a number that has another by now. Nothing was refused, and the number
// is read before an item fails.
func TestRunConfirmsWhoHasAnAgent(t *testing.T) {
	t.Parallel()
	api := newLists(0, func(page int) (int, []string, string) {
		return 200, append(listed(1, 2), listed(9, 1)...), pagination(page, 3)
	})
	for i := range 2 {
		api.trunks[trunk(i+1)] = agent(i + 1)
	}
	api.trunks[trunk(9)] = agent(99) // the list shows agent 9
	items := []provision.Item{want(1, 2), want(2, 9), want(3, 1)}
	results, err := collect(t, provision.Run(t.Context(), api.client(t), stream(nil, items...), provision.Options{Workers: 1}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Assigned, provision.Assigned, provision.Created}, actions(results))
	assert.Equal(t, 1, api.reads)

	api.trunks[trunk(9)] = agent(9) // and so it is
	api.trunks[trunk(2)] = agent(2)
	api.reads = 0
	results, err = collect(t, provision.Run(t.Context(), api.client(t), stream(nil, want(2, 9), want(4, 2)), provision.Options{Workers: 1}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Failed, provision.Failed}, actions(results))
	assert.Equal(t, 1, api.reads)
	var busy *provision.AgentBusyError
	require.ErrorAs(t, results[0].Err, &busy)
	assert.Equal(t, trunk(9), busy.Holder)
}
