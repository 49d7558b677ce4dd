package provision_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// Every change is made and every response to it lost, and from then on no read succeeds. No trunk
// that was made is reported as refused.
func TestRunStaysUnknown(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]struct {
		status int // 0: the connection is lost
		page   string
	}{
		"dropped": {}, "400": {status: 400}, "401": {status: 401}, "403": {status: 403}, "409": {status: 409}, "422": {status: 422}, "429": {status: 429},
		"503": {status: 503}, "a proxy's 404": {404, "<html>not here</html>"}, "a page": {200, "<html>sign in</html>"},
	} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, moved: %v", name, before), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const items = 4
					api := newMemory()
					api.late = true
					for i := range items {
						if before {
							api.trunks[trunk(i)] = agent(i + 100)
						}
					}
					var out atomic.Bool
					api.fault = func(_ int, req *http.Request) (*http.Response, error) {
						switch {
						case req.Method != http.MethodGet:
							out.Store(true)
							return nil, errLost
						case !out.Load():
							return passes()
						case read.status == 0:
							return nil, errLost
						case read.page != "":
							return answer(read.status, read.page), nil
						}
						return problem(read.status), nil
					}
					results, _ := collect(t, provision.Run(t.Context(), api.client(t), many(items), provision.Options{Workers: items}))
					assert.NotEmpty(t, results)
					made := 0
					for _, result := range results {
						if api.trunks[result.Item.Trunk.TrunkID] != result.Item.Trunk.AgentUUID {
							continue
						}
						made++
						require.Equal(t, provision.Failed, result.Action)
						require.ErrorIs(t, result.Err, mihu.ErrOutcomeUnknown)
						require.False(t, mihu.IsRefusal(result.Err), result.Err)
					}
					assert.Positive(t, made)
				})
			})
		}
	}
}

// A later attempt that reads finds out what an earlier one has done.
func TestRunFindsOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		late    bool // the change is made
		refuses bool // what follows is refused
		unknown bool
	}{
		"made":                             {late: true},
		"not made, and then refused":       {refuses: true},
		"made, and then the rest refused":  {late: true, refuses: true, unknown: true},
		"not made, and then made by a run": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := newMemory()
				api.late = test.late
				changes, reads := 0, 0
				api.fault = func(_ int, req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodGet {
						if changes == 1 {
							if reads++; reads == 1 {
								return nil, errLost // while the client reconciles
							}
						}
						return passes()
					}
					if changes++; changes == 1 {
						return nil, errLost
					}
					if test.refuses {
						return problem(http.StatusForbidden), nil
					}
					return passes()
				}
				item := want(0, 0)
				item.Trunk.Name = "desk"
				results, err := collect(t, provision.Run(t.Context(), api.client(t, onceOnly), stream(nil, item), provision.Options{}))
				require.NoError(t, err)
				require.Len(t, results, 1)
				result := results[0]
				assert.Equal(t, test.unknown, errors.Is(result.Err, mihu.ErrOutcomeUnknown), "%v", result.Err)
				assert.Equal(t, test.refuses, errors.Is(result.Err, mihu.ErrForbidden), "%v", result.Err)
				assert.Equal(t, test.refuses, result.Err != nil, "%v", result.Err)
			})
		})
	}
}

// The agent of a purchased number serves it, if the list shows the number, and the number can have
// no trunk.
func TestPlanHoldsAgentsOfPurchasedNumbers(t *testing.T) {
	t.Parallel()
	const listed = `{"success":true,"data":{"items":[` +
		`{"number":"+12340000000","source":"purchased","bindings":{"call":{"bound":true,"agent_uuid":%q},"whatsapp":{"bound":false}}},` +
		`{"number":"+12340000001","source":"purchased"},` +
		`{"number":"+12340000002","is_external":true,"bindings":{"call":{"bound":true,"agent_uuid":%q}}}],` +
		`"pagination":{"current_page":1,"last_page":1,"total":3}}}`
	api := newMemory()
	api.fault = func(_ int, req *http.Request) (*http.Response, error) {
		if req.URL.Query().Has("number") {
			return passes()
		}
		return answer(http.StatusOK, fmt.Sprintf(listed, agent(0), agent(2))), nil
	}
	moves, err := collect(t, provision.Plan(t.Context(), api.client(t), stream(nil, want(2, 0)), provision.Options{}))
	require.NoError(t, err)
	items := []provision.Item{
		want(3, 0), // the agent serves the purchased number
		want(1, 1), // a purchased number that is not bound
		want(0, 6), // one that is
		want(4, 2), // the agent of a trunk
		want(5, 5),
	}
	results, err := collect(t, provision.Plan(t.Context(), api.client(t), stream(nil, items...), provision.Options{}))
	require.NoError(t, err)
	require.Len(t, results, len(items))
	results = slices.Insert(results, 1, moves...) // so for a trunk that is there
	for i, holder := range map[int]mihu.TrunkID{0: trunk(0), 1: trunk(0), 4: trunk(2)} {
		busy, ok := errors.AsType[*provision.AgentBusyError](results[i].Err)
		require.True(t, ok, "item %d: %v", i, results[i].Err)
		assert.Equal(t, holder, busy.Holder)
	}
	for _, i := range []int{2, 3} {
		conflict, ok := errors.AsType[*mihu.ConflictError](results[i].Err)
		require.True(t, ok, "item %d: %v", i, results[i].Err)
		assert.True(t, conflict.Purchased)
		assert.ErrorContains(t, conflict, "purchased")
	}
	assert.Equal(t, provision.Create, results[5].Action)
}

// An outage begins while creates are under way: some are made and their responses lost, and then
// every request is refused or lost. No trunk that was made is reported as refused, and none that is
// reported as made is missing.
func TestOutages(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]mihutest.Fault{
		"dropped": {Drop: true}, "refused": {Status: http.StatusForbidden}, "invalid": {Status: http.StatusUnprocessableEntity},
		"a proxy": {Status: http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			var posts atomic.Int64
			srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
				if req.Method == http.MethodPost {
					if n := posts.Add(1); n > 24 && n <= 40 {
						return &mihutest.Fault{Drop: true, AfterChange: true}
					}
				}
				if posts.Load() > 24 {
					return &during
				}
				return nil
			})
			client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}))
			results, err := collect(t, provision.Run(t.Context(), client, many(64), provision.Options{Workers: 16}))
			require.NoError(t, err)
			require.Len(t, results, 64)
			made := map[mihu.TrunkID]bool{}
			for _, held := range srv.Trunks() {
				made[held.ID] = true
			}
			unknown := 0
			for _, result := range results {
				id := result.Item.Trunk.TrunkID
				switch {
				case result.Err == nil:
					assert.True(t, made[id], "%s is reported as %s", id, result.Action)
				case errors.Is(result.Err, mihu.ErrOutcomeUnknown):
					unknown++
				default:
					assert.False(t, made[id], "%s: %v", id, result.Err)
				}
			}
			assert.Positive(t, unknown)
			assert.Greater(t, len(made), 24)
		})
	}
}
