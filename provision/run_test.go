package provision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// Every action, and the requests that it makes.
func TestRun(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	for i := 1; i <= 3; i++ {
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(i), AgentUUID: agent(i)}))
	}
	named := func(item provision.Item, name string) provision.Item {
		item.Trunk.Name = name
		return item
	}
	again := want(0, 0)
	again.Line, again.Trunk.AgentUUID = 99, strings.ToUpper(again.Trunk.AgentUUID)
	whatsApp := want(0, 0)
	whatsApp.Trunk.Channel = mihu.ChannelWhatsApp
	items := []provision.Item{
		want(0, 0),                  // created
		named(want(1, 11), "Moved"), // assigned
		named(want(2, 2), "Sent"),   // updated
		want(3, 3),                  // unchanged
		again,                       // duplicate
		want(0, 12),                 // another wish for the first
		named(want(4, 4), "line\n"), // cannot be
		whatsApp,                    // another trunk of the first number
		{},                          // nothing at all
	}
	var told []provision.Progress
	run := provision.Run(t.Context(), srv.Client(t), stream(nil, items...), provision.Options{
		Progress: func(p provision.Progress) { told = append(told, p) },
	})
	results, err := collect(t, run)
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{
		provision.Created, provision.Assigned, provision.Updated, provision.Unchanged, provision.Duplicate,
		provision.Failed, provision.Failed, provision.Created, provision.Failed,
	}, actions(results))
	for i, result := range results {
		assert.Equal(t, i, result.Index)
		assert.Equal(t, items[i], result.Item)
	}
	assert.Equal(t, agent(0), results[0].Ensured.Snapshot.Binding(mihu.ChannelCall).AgentUUID)
	assert.Equal(t, agent(1), results[1].Ensured.PreviousAgentUUID)
	assert.Equal(t, mihu.ActionAssigned, results[1].Ensured.Action)
	assert.Nil(t, results[4].Ensured)
	duplicate, ok := errors.AsType[*provision.DuplicateError](results[5].Err)
	require.True(t, ok)
	assert.Equal(t, provision.DuplicateError{Trunk: trunk(0), FirstIndex: 0, FirstLine: 2}, *duplicate)
	assert.EqualError(t, duplicate, "provision: not sent: +1234•••0000/call has different content in line 2; keep one of the two")
	require.ErrorIs(t, duplicate, mihu.ErrInvalid)
	assert.EqualError(t, &provision.DuplicateError{Trunk: trunk(0), FirstIndex: 6},
		"provision: not sent: +1234•••0000/call has different content in item 7; keep one of the two")
	for _, i := range []int{6, 8} {
		_, ok := errors.AsType[*mihu.ValidationError](results[i].Err)
		assert.True(t, ok)
		assert.Nil(t, results[i].Ensured, "nothing was sent")
	}
	require.Len(t, told, len(items))
	assert.Equal(t, provision.Progress{Done: 9, Failed: 3, Duplicate: 1}, told[len(told)-1])
	assert.Equal(t, 1+1+2+1+0+1, srv.RequestCount(), "the list, and what changes")
	for i, known := range []provision.Known{
		provision.KnownWritten, provision.KnownWritten, provision.KnownWritten, provision.KnownListed, "", "", "", provision.KnownWritten, "",
	} {
		assert.Equal(t, known, results[i].Known, "item %d", i)
	}

	// The same once more has nothing to create or move.
	results, err = collect(t, run)
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{
		provision.Unchanged, provision.Updated, provision.Updated, provision.Unchanged, provision.Duplicate,
		provision.Failed, provision.Failed, provision.Unchanged, provision.Failed,
	}, actions(results))
}

func TestRunOfNothing(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	results, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil), provision.Options{Stop: closed()}))
	require.NoError(t, err)
	assert.Empty(t, results)
	assert.Zero(t, srv.RequestCount())
}

func TestInvalidArguments(t *testing.T) {
	t.Parallel()
	api := newMemory()
	client := api.client(t)
	tests := []struct {
		name   string
		ctx    context.Context
		client *mihu.Client
		items  iter.Seq2[provision.Item, error]
		opts   provision.Options
		wrong  string
	}{
		{"context", nil, client, many(1), provision.Options{}, "context: nil"},
		{"no client", t.Context(), nil, many(1), provision.Options{}, "client: not created by mihu.New"},
		{"zero client", t.Context(), new(mihu.Client), many(1), provision.Options{}, "client: not created by mihu.New"},
		{"items", t.Context(), client, nil, provision.Options{}, "items: nil"},
		{"few workers", t.Context(), client, many(1), provision.Options{Workers: -1}, `workers "-1": want 1 to 1024`},
		{"many workers", t.Context(), client, many(1), provision.Options{Workers: 1025}, `workers "1025": want 1 to 1024`},
		{"failures", t.Context(), client, many(1), provision.Options{MaxFailures: -1}, `max failures "-1": negative`},
		{"journal", t.Context(), client, many(1), provision.Options{Journal: new(provision.Journal)}, "journal: not opened by OpenJournal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, run := range []iter.Seq2[provision.Result, error]{
				provision.Run(test.ctx, test.client, test.items, test.opts),
				provision.Plan(test.ctx, test.client, test.items, test.opts),
			} {
				results, err := collect(t, run)
				require.ErrorIs(t, err, mihu.ErrInvalid)
				require.ErrorContains(t, err, test.wrong)
				assert.Empty(t, results)
			}
		})
	}
	t.Cleanup(func() { assert.Empty(t, api.Flow()) })
}

func TestTheStreamBreaks(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	api := newMemory()
	results, err := collect(t, provision.Run(t.Context(), api.client(t), stream(broken, want(0, 0), want(1, 1)), provision.Options{}))
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "provision: after 2 items: the disk is gone")
	assert.Len(t, results, 2, "what has begun is finished")
}

func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newMemory()
		api.latency = time.Second
		stop := make(chan struct{})
		time.AfterFunc(2500*time.Millisecond, func() { close(stop) })
		results, err := collect(t, provision.Run(t.Context(), api.client(t), many(100), provision.Options{Workers: 4, Stop: stop}))
		require.ErrorIs(t, err, provision.ErrStopped)
		assert.Len(t, results, 8, "the second four were under way")
		assert.Equal(t, 4, api.inFlightMax)
		for _, result := range results {
			assert.Equal(t, provision.Created, result.Action)
		}
	})
}

func TestStopAfterAllIsDoneIsNoError(t *testing.T) {
	t.Parallel()
	api := newMemory()
	stop := make(chan struct{})
	var once sync.Once
	results, err := collect(t, provision.Run(t.Context(), api.client(t), many(1), provision.Options{
		Stop: stop, Progress: func(provision.Progress) { once.Do(func() { close(stop) }) },
	}))
	require.NoError(t, err)
	assert.Len(t, results, 1)
}

// Items that wait are not done when a run is stopped, and have no result.
func TestStopWhileItemsWait(t *testing.T) {
	t.Parallel()
	items := []provision.Item{want(1, 2), want(2, 3), want(3, 1)}
	for _, when := range []string{"PUT 1", "LIST 1", "PUT 3"} { // the third is the first again, when its agent is free
		srv := newServer(t)
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(1), AgentUUID: agent(1)}))
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(2), AgentUUID: agent(2)}))
		stop := make(chan struct{})
		var puts, lists atomic.Int32
		srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
			var at string
			switch {
			case req.Method == http.MethodPut:
				at = fmt.Sprintf("PUT %d", puts.Add(1))
			case req.Path == "/phone-numbers/trunks" && req.Method == http.MethodGet:
				at = fmt.Sprintf("LIST %d", lists.Add(1))
			}
			if at == when {
				close(stop)
			}
			return nil
		})
		var last provision.Progress
		results, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, items...), provision.Options{
			Workers: 1, Stop: stop, Lookup: provision.LookupEach, Progress: func(p provision.Progress) { last = p },
		}))
		require.ErrorIs(t, err, provision.ErrStopped, when)
		assert.Equal(t, len(results), last.Done)
		assert.Positive(t, last.Waiting)
		assert.Less(t, len(results), len(items))

		srv.InjectFunc(nil)
		results, err = collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, items...), provision.Options{}))
		require.NoError(t, err)
		assert.Len(t, results, len(items))
	}
}

func TestMaxFailures(t *testing.T) {
	t.Parallel()
	bad := want(0, 0)
	bad.Trunk.AgentUUID = "nobody"
	api := newMemory()
	all := slices.Repeat([]provision.Item{bad}, 5)
	results, err := collect(t, provision.Run(t.Context(), api.client(t), stream(nil, append(all, want(9, 9))...), provision.Options{MaxFailures: 3}))
	require.ErrorIs(t, err, provision.ErrTooManyFailures)
	require.EqualError(t, err, "provision: too many failures: 3")
	assert.Len(t, results, 3)
	assert.Empty(t, api.Flow(), "nothing else was begun")

	// Nothing else is begun after a failure at the API either.
	for range 20 {
		api := newMemory()
		api.fault = func(_ int, req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodPost {
				return problem(http.StatusForbidden), nil
			}
			return passes()
		}
		_, err = collect(t, provision.Run(t.Context(), api.client(t), many(3), provision.Options{MaxFailures: 1, Workers: 1}))
		require.ErrorIs(t, err, provision.ErrTooManyFailures)
		require.Equal(t, []string{"GET /trunks", "POST /trunks"}, api.Flow())
	}

	// A failure of the last item leaves nothing undone.
	results, err = collect(t, provision.Run(t.Context(), api.client(t), stream(nil, all[:3]...), provision.Options{MaxFailures: 3}))
	require.NoError(t, err)
	assert.Len(t, results, 3)
}

func TestARefusedTokenEndsTheRun(t *testing.T) {
	t.Parallel()
	api := newMemory()
	api.fault = func(int, *http.Request) (*http.Response, error) { return problem(http.StatusUnauthorized), nil }
	for _, run := range []func(context.Context, *mihu.Client, iter.Seq2[provision.Item, error], provision.Options) iter.Seq2[provision.Result, error]{provision.Run, provision.Plan} {
		results, err := collect(t, run(t.Context(), api.client(t), many(1000), provision.Options{Workers: 4}))
		require.ErrorIs(t, err, mihu.ErrUnauthorized)
		assert.LessOrEqual(t, len(results), 8, "what has begun is finished")
		assert.LessOrEqual(t, len(api.Flow()), 9)
	}
}

func TestTheContextEndsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	leaving := errors.New("leaving")
	for _, run := range []func(context.Context, *mihu.Client, iter.Seq2[provision.Item, error], provision.Options) iter.Seq2[provision.Result, error]{provision.Run, provision.Plan} {
		synctest.Test(t, func(t *testing.T) {
			api := newMemory()
			api.latency = time.Minute
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(leaving) })
			started := time.Now()
			results, err := collect(t, run(ctx, api.client(t), many(100), provision.Options{Workers: 4}))
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, leaving)
			assert.Equal(t, time.Second, time.Since(started))
			assert.LessOrEqual(t, len(results), 4)
			for _, result := range results {
				require.ErrorIs(t, result.Err, context.Canceled)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	api := newMemory()
	_, err := collect(t, provision.Run(ctx, api.client(t), many(100), provision.Options{}))
	require.EqualError(t, err, "provision: context canceled")
	assert.Empty(t, api.Flow())
}

// Leaving the loop, even by a panic, waits for items in progress, and for nothing else.
func TestLeavingTheLoop(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			api := newMemory()
			api.latency = time.Second
			path := t.TempDir() + "/journal"
			journal, err := provision.OpenSwiftJournal(path, "many")
			require.NoError(t, err)
			func() {
				defer func() { assert.Equal(t, panics, recover() != nil) }()
				for _, err := range provision.Run(t.Context(), api.client(t), many(100), provision.Options{Workers: 4, Journal: journal}) {
					require.NoError(t, err)
					if panics {
						panic("the caller's own")
					}
					break
				}
			}()
			assert.Zero(t, api.inFlight)
			assert.Len(t, api.trunks, journal.Finished(), "what was done is recorded")
			assert.LessOrEqual(t, len(api.trunks), 8)
			require.NoError(t, journal.Close())
		})
	}
}

func TestTheLimiterIsCalledBeforeEveryRequest(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodPost}, Status: http.StatusTooManyRequests, RetryAfter: "0"}))
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(7), AgentUUID: agent(7)}))
	var asked atomic.Int32
	limiter := limiterFunc(func(context.Context) error { asked.Add(1); return nil })
	client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{RateLimitDelay: time.Millisecond}))
	opts := provision.Options{Limiter: limiter}
	_, err := collect(t, provision.Plan(t.Context(), client, many(3), opts))
	require.NoError(t, err)
	assert.EqualValues(t, 1, asked.Load())
	results, err := collect(t, provision.Run(t.Context(), client, stream(nil, want(0, 0), want(1, 1), want(2, 7)), opts))
	require.NoError(t, err)
	assert.Len(t, results, 3)
	assert.EqualValues(t, srv.RequestCount(), asked.Load())
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	missing := errors.New("no such entry")
	secrets := func(_ context.Context, name string) (mihu.SIPCredentials, error) {
		switch name {
		case "lobby":
			return mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "lobby", Password: "hunter2", SecondaryGateway: "b.example.com"}, nil
		case "bad":
			return mihu.SIPCredentials{Gateway: "https://sip.example.com", Password: "hunter2"}, nil
		}
		return mihu.SIPCredentials{}, missing
	}
	named := func(i int, name string) provision.Item {
		item := want(i, i)
		item.SecretName = name
		return item
	}
	own := named(1, "lobby")
	own.Trunk.SIP = &mihu.SIPCredentials{Port: 5080, Username: "own"}
	whatsApp := named(4, "lobby")
	whatsApp.Trunk.Channel = mihu.ChannelWhatsApp
	items := []provision.Item{named(0, "lobby"), own, named(2, "attic"), named(3, "bad"), whatsApp}
	client := srv.Client(t)

	for _, run := range []iter.Seq2[provision.Result, error]{
		provision.Plan(t.Context(), client, stream(nil, items...), provision.Options{Secrets: secrets}),
		provision.Run(t.Context(), client, stream(nil, items...), provision.Options{Secrets: secrets}),
	} {
		results, err := collect(t, run)
		require.NoError(t, err)
		assert.Equal(t, []provision.Action{provision.Create, provision.Create, provision.Failed, provision.Failed, provision.Failed}, verbs(results))
		require.EqualError(t, results[2].Err, `provision: +1234•••0002/call: not sent: credentials "attic": no such entry`)
		require.ErrorIs(t, results[2].Err, missing)
		for _, i := range []int{3, 4} {
			_, ok := errors.AsType[*mihu.ValidationError](results[i].Err)
			assert.True(t, ok, "%v", results[i].Err)
			assert.NotContains(t, results[i].Err.Error(), "hunter2")
		}
	}
	first, _ := srv.Trunk(trunk(0))
	assert.Equal(t, mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "lobby", Password: "hunter2", SecondaryGateway: "b.example.com"}, first.SIP)
	second, _ := srv.Trunk(trunk(1))
	assert.Equal(t, mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5080, Username: "own", Password: "hunter2", SecondaryGateway: "b.example.com"}, second.SIP)
	assert.Equal(t, mihu.SIPCredentials{Port: 5080, Username: "own"}, *own.Trunk.SIP, "the item is not changed")

	sent := srv.RequestCount()
	results, err := collect(t, provision.Run(t.Context(), client, stream(nil, named(0, "lobby")), provision.Options{}))
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Err, mihu.ErrInvalid)
	require.ErrorContains(t, results[0].Err, `secret name "lobby": nothing looks it up; set Options.Secrets`)
	assert.Equal(t, sent, srv.RequestCount())

	done, err := provision.Apply(t.Context(), client, named(0, "lobby"), secrets)
	require.NoError(t, err)
	assert.Equal(t, mihu.ActionUpdated, done.Action)
	done, err = provision.Apply(t.Context(), client, named(0, "attic"), secrets)
	require.ErrorIs(t, err, missing)
	require.NotNil(t, done)
	done, err = provision.Apply(t.Context(), nil, want(0, 0), nil)
	require.ErrorIs(t, err, mihu.ErrInvalid)
	require.NotNil(t, done)
	done, err = provision.Apply(t.Context(), client, provision.Item{SecretName: "lobby"}, func(context.Context, string) (mihu.SIPCredentials, error) {
		t.Error("looked up for an item that cannot be sent")
		return mihu.SIPCredentials{}, nil
	})
	require.ErrorIs(t, err, mihu.ErrInvalid)
	require.NotNil(t, done)
}

// A transient error is retried up to twice, after at most half a second and at most a second.
func TestRetries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer func() (*http.Response, error)
		late   bool
		times  int // how many requests fail
		action provision.Action
		is     error
		flow   int
		least  time.Duration
	}{
		{"a server error", func() (*http.Response, error) { return problem(503), nil }, false, 1, provision.Created, nil, 3, 250 * time.Millisecond},
		{"two of them", func() (*http.Response, error) { return problem(500), nil }, false, 2, provision.Created, nil, 4, 750 * time.Millisecond},
		{"three of them", func() (*http.Response, error) { return problem(500), nil }, false, 3, provision.Failed, mihu.ErrServer, 3, 750 * time.Millisecond},
		{"no answer", func() (*http.Response, error) { return nil, errLost }, false, 2, provision.Created, nil, 4, 750 * time.Millisecond},
		{"too many requests", func() (*http.Response, error) { return problem(429), nil }, false, 1, provision.Created, nil, 3, 250 * time.Millisecond},
		{"too many requests, for a while", func() (*http.Response, error) { return problem(429, "Retry-After", "50"), nil }, false, 1, provision.Created, nil, 3, 50 * time.Second},
		{"too many requests, for too long", func() (*http.Response, error) { return problem(429, "Retry-After", "3600"), nil }, false, 1, provision.Failed, mihu.ErrRateLimited, 1, 0},
		{"forbidden", func() (*http.Response, error) { return problem(403), nil }, false, 1, provision.Failed, mihu.ErrForbidden, 1, 0},
		{"not JSON", func() (*http.Response, error) { return answer(404, "hello"), nil }, false, 2, provision.Created, nil, 4, 750 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := newMemory()
				api.fault = func(n int, _ *http.Request) (*http.Response, error) {
					if n > test.times {
						return passes()
					}
					return test.answer()
				}
				started := time.Now()
				results, err := collect(t, provision.Run(t.Context(), api.client(t, onceOnly), many(1), provision.Options{Lookup: provision.LookupEach}))
				require.NoError(t, err)
				assert.Equal(t, []provision.Action{test.action}, actions(results))
				if test.is != nil {
					require.ErrorIs(t, results[0].Err, test.is)
				}
				assert.Len(t, api.Flow(), test.flow)
				assert.GreaterOrEqual(t, time.Since(started), test.least)
				assert.LessOrEqual(t, time.Since(started), max(2*test.least, 52*time.Second))
			})
		})
	}
}

// The responses to a POST and to its reconciliation are lost. The retry finds out the outcome.
func TestRetryFindsOutAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newMemory()
		api.late = true
		api.fault = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 2 || n == 3 {
				return nil, errLost
			}
			return passes()
		}
		item := want(0, 0)
		item.Trunk.Name = "Front desk"
		results, err := collect(t, provision.Run(t.Context(), api.client(t, onceOnly), stream(nil, item), provision.Options{}))
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		assert.Equal(t, provision.Updated, results[0].Action, "whose trunk it was nobody knows")
		assert.Equal(t, agent(0), api.trunks[trunk(0)])
	})
}

// What an attempt did before it failed counts.
func TestRetriesAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newMemory()
		api.trunks[trunk(0)] = agent(5)
		api.fault = func(n int, req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodPatch && n < 6 {
				return problem(503), nil
			}
			return passes()
		}
		item := want(0, 0)
		item.Trunk.Name = "Front desk"
		results, err := collect(t, provision.Run(t.Context(), api.client(t, onceOnly), stream(nil, item), provision.Options{}))
		require.NoError(t, err)
		assert.Equal(t, provision.Assigned, results[0].Action)
		assert.Equal(t, agent(5), results[0].Ensured.PreviousAgentUUID)
		assert.Equal(t, mihu.ActionAssigned, results[0].Ensured.Action)
		assert.Equal(t, 1, api.updated)
	})
}

// A run that ends does not wait for a retry, unless the outcome is unknown.
func TestStopEndsABackoff(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		lost   bool
		takes  time.Duration
		action provision.Action
		is     error // of the run
	}{
		{"refused for now", false, time.Second, provision.Failed, provision.ErrStopped},
		{"unknown", true, 50 * time.Second, provision.Updated, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := newMemory()
				api.late = test.lost
				api.fault = func(n int, _ *http.Request) (*http.Response, error) {
					switch {
					case test.lost && n == 2:
						return nil, errLost
					case test.lost && n == 3, !test.lost && n == 1:
						return problem(429, "Retry-After", "50"), nil
					}
					return passes()
				}
				item := want(0, 0)
				item.Trunk.Name = "Front desk"
				stop := make(chan struct{})
				time.AfterFunc(time.Second, func() { close(stop) })
				started := time.Now()
				results, err := collect(t, provision.Run(t.Context(), api.client(t, onceOnly), stream(nil, item), provision.Options{Stop: stop, Lookup: provision.LookupEach}))
				require.ErrorIs(t, err, test.is)
				assert.Equal(t, []provision.Action{test.action}, actions(results))
				assert.InDelta(t, test.takes, time.Since(started), float64(2*time.Second))
			})
		})
	}
}

func TestTheContextEndsABackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newMemory()
		api.fault = func(int, *http.Request) (*http.Response, error) { return problem(429, "Retry-After", "50"), nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		results, err := collect(t, provision.Run(ctx, api.client(t, onceOnly), many(1), provision.Options{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, results, 1)
		require.ErrorIs(t, results[0].Err, mihu.ErrRateLimited)
		assert.Equal(t, time.Second, time.Since(started))
	})
}

func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	const n = 300
	srv := newServer(t)
	var requests atomic.Int32
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		switch requests.Add(1) % 50 {
		case 7:
			return &mihutest.Fault{Drop: true, AfterChange: true}
		case 17:
			return &mihutest.Fault{Status: http.StatusServiceUnavailable}
		case 27:
			return &mihutest.Fault{Truncate: true}
		case 37:
			return &mihutest.Fault{Status: http.StatusInternalServerError, AfterChange: true}
		}
		return nil
	})
	client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond}))
	results, err := collect(t, provision.Run(t.Context(), client, many(n), provision.Options{Workers: 16}))
	require.NoError(t, err)
	require.Len(t, results, n)
	for _, result := range results {
		require.NoError(t, result.Err)
	}
	held := srv.Trunks()
	require.Len(t, held, n)
	for _, trunk := range held {
		assert.Equal(t, trunk.ID.PhoneNumber[len(trunk.ID.PhoneNumber)-3:], fmt.Sprintf("%03d", hexTail(trunk.AgentUUID)))
	}
}

func hexTail(uuid string) (n int) {
	_, _ = fmt.Sscanf(uuid[len(uuid)-6:], "%x", &n)
	return n
}

// The list of trunks fails when a waiting item needs it.
func TestTheHolderCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusUnauthorized} {
		srv := newServer(t)
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(1), AgentUUID: agent(1)}))
		require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodGet, Path: "/phone-numbers/trunks"}, Status: status}))
		results, err := collect(t, provision.Run(t.Context(), srv.Client(t), stream(nil, want(0, 1), want(2, 1)), provision.Options{
			Lookup: provision.LookupEach, AllowSharedAgents: true,
		}))
		if status == http.StatusUnauthorized {
			require.ErrorIs(t, err, mihu.ErrUnauthorized)
			require.Len(t, results, 1)
		} else {
			require.NoError(t, err)
			require.Len(t, results, 2)
			require.ErrorIs(t, results[1].Err, mihu.ErrForbidden)
		}
		require.ErrorIs(t, results[0].Err, mihu.ErrConflict)
		require.ErrorContains(t, results[0].Err, "cannot look up which trunk has the agent: ")
	}
}

// No form of printing shows a secret or a whole number.
func TestPrinting(t *testing.T) {
	t.Parallel()
	const user, password = "planted-user", "planted-passw0rd"
	item := want(8901, 1)
	item.SecretName = "vault/+12345678901"
	item.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Username: user, Password: password}
	item.Trunk.AdditionalSettings = map[string]any{"key": password}
	errs := []error{
		&provision.DuplicateError{Trunk: item.Trunk.TrunkID},
		&provision.AgentBusyError{Trunk: item.Trunk.TrunkID, AgentUUID: agent(1), Holder: trunk(4567)},
		&provision.CycleError{Swaps: []provision.Swap{{Trunk: item.Trunk.TrunkID, AgentUUID: agent(1), WantedUUID: agent(2)}, {Trunk: trunk(4567)}}},
	}
	values := []any{item, &item}
	for _, err := range errs {
		values = append(values, err, provision.Result{Item: item, Action: provision.Failed, Err: err}, &provision.Result{Item: item, Err: err})
	}
	for _, value := range values {
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("json", "value", value)
		texts := []string{logged.String()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, value))
		}
		for _, text := range texts {
			assert.Contains(t, text, "+1234•••8901", "%T", value)
			for _, secret := range []string{user, password, item.Trunk.PhoneNumber, trunk(4567).PhoneNumber, "+12345678901"} {
				assert.NotContains(t, text, secret)
			}
		}
	}
	assert.Equal(t, `Item{TrunkCreateRequest{trunk:"+1234•••8901/call" agent_uuid:"`+agent(1)+`" sip:{gateway:"sip.example.com" username:"[redacted]" password:"[redacted]"} additional_settings:1} secret_name:"vault/+1234•••8901" line:8903}`,
		fmt.Sprint(item))
	assert.Equal(t, `Result{index:3 action:failed Item{TrunkCreateRequest{trunk:"+1234•••0000/call"}} error:"connection lost"}`,
		fmt.Sprint(provision.Result{Index: 3, Action: provision.Failed, Item: provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: trunk(0)}}, Err: errLost}))

	// A caller that encodes the whole value as JSON has to protect it.
	_, err := json.Marshal(errs)
	require.NoError(t, err)
}
