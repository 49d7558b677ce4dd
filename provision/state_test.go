package provision_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// table is a store such as a service has in its database.
type table struct {
	mu      sync.Mutex
	head    provision.StateHead
	entries map[mihu.TrunkID]provision.StateEntry
	// fails is called before every write.
	fails func(write string) error
}

func newTable() *table {
	return &table{entries: map[mihu.TrunkID]provision.StateEntry{}, fails: func(string) error { return nil }}
}

func (s *table) Head(context.Context) (provision.StateHead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, nil
}

func (s *table) SetHead(_ context.Context, head provision.StateHead) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if head.Serial != s.head.Serial+1 {
		return provision.ErrStateStale
	}
	s.head = head
	return s.fails("head")
}

func (s *table) Get(_ context.Context, id mihu.TrunkID) (provision.StateEntry, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, ok := s.entries[id]
	return entry, ok, nil
}

func (s *table) Put(_ context.Context, entries ...provision.StateEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails("put"); err != nil {
		return err
	}
	for _, entry := range entries {
		s.entries[entry.Trunk] = entry
	}
	return nil
}

func (s *table) Delete(_ context.Context, ids ...mihu.TrunkID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails("delete"); err != nil {
		return err
	}
	for _, id := range ids {
		delete(s.entries, id)
	}
	return nil
}

func (s *table) All(context.Context) iter.Seq2[provision.StateEntry, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(maps.Values(s.entries), func(a, b provision.StateEntry) int {
		return cmp.Or(cmp.Compare(len(a.Trunk.PhoneNumber), len(b.Trunk.PhoneNumber)), cmp.Compare(a.Trunk.PhoneNumber, b.Trunk.PhoneNumber), cmp.Compare(a.Trunk.Channel, b.Trunk.Channel))
	})
	return func(yield func(provision.StateEntry, error) bool) {
		for _, entry := range all {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

// stateIn opens the state of a client's workspace in a store.
func stateIn(t *testing.T, client *mihu.Client, store provision.StateStore, key provision.StateKey) *provision.State {
	t.Helper()
	state, err := provision.OpenState(t.Context(), store, key, client.BaseURL())
	require.NoError(t, err)
	return state
}

// A key does not print, and is read as it was written.
func TestStateKey(t *testing.T) {
	t.Parallel()
	key := provision.NewStateKey()
	same, err := provision.ParseStateKey(" " + key.Encode() + "\n")
	require.NoError(t, err)
	assert.Equal(t, key, same)
	assert.Equal(t, key.ID(), same.ID())
	assert.NotEqual(t, key.ID(), provision.NewStateKey().ID())
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
	asJSON, err := json.Marshal(struct{ Key any }{key})
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %q %x %d", key, key, key, key, key, key, key), log.String(), string(asJSON)} {
		assert.NotContains(t, text, key.Encode())
	}
	for _, text := range []string{"", "short", strings.Repeat("A", 43), key.Encode() + "A", strings.Repeat("!", 43)} {
		_, err := provision.ParseStateKey(text)
		require.ErrorIs(t, err, mihu.ErrInvalid, text)
		if text != "" {
			assert.NotContains(t, err.Error(), text)
		}
	}
}

// A state of another workspace is refused when it is opened, and when it is used.
func TestStateOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	srv, other := newServer(t), newServer(t)
	store, key := newTable(), provision.NewStateKey()
	state := stateIn(t, srv.Client(t), store, key)
	_, err := collect(t, provision.Run(t.Context(), srv.Client(t), many(2), provision.Options{State: state}))
	require.NoError(t, err)
	_, err = provision.OpenState(t.Context(), store, key, other.Client(t).BaseURL())
	require.ErrorIs(t, err, provision.ErrOtherWorkspace)
	require.ErrorContains(t, err, srv.Client(t).BaseURL())

	other.ResetRequests()
	client := other.Client(t)
	for _, run := range []iter.Seq2[provision.Result, error]{
		provision.Run(t.Context(), client, many(2), provision.Options{State: state}), provision.Plan(t.Context(), client, many(2), provision.Options{State: state}),
	} {
		_, err = collect(t, run)
		require.ErrorIs(t, err, mihu.ErrInvalid)
		require.ErrorContains(t, err, "another workspace")
	}
	for _, err := range provision.Rotate(t.Context(), client, trunks(1), newStore(t), provision.RotateOptions{State: state}) {
		require.ErrorIs(t, err, mihu.ErrInvalid)
	}
	assert.Zero(t, other.RequestCount())

	for _, open := range []func() (*provision.State, error){
		func() (*provision.State, error) { return provision.OpenState(t.Context(), nil, key, "w") },
		func() (*provision.State, error) {
			return provision.OpenState(t.Context(), store, provision.StateKey{}, "w")
		},
		func() (*provision.State, error) { return provision.OpenState(t.Context(), store, key, "") },
	} {
		_, err := open()
		require.ErrorIs(t, err, mihu.ErrInvalid)
	}
}

// With another key, or with a lost state, everything is sent once, and nothing is managed until then.
func TestOtherKeyAndLostState(t *testing.T) {
	t.Parallel()
	const n = 20
	srv := newServer(t)
	client := srv.Client(t)
	path, key := filepath.Join(t.TempDir(), "state.jsonl"), provision.NewStateKey()
	source := wideFile(t, n, nil)
	run := func(key provision.StateKey) (managed, requests int) {
		state, closeFile := openState(t, client, path, key)
		defer closeFile()
		for entry, err := range state.All(t.Context()) {
			require.NoError(t, err)
			assert.True(t, entry.Managed)
			managed++
		}
		_, there, err := state.Entry(t.Context(), trunk(0))
		require.NoError(t, err)
		assert.Equal(t, managed > 0, there)
		srv.ResetRequests()
		_, err = collect(t, source.Run(t.Context(), client, provision.Options{State: state}))
		require.NoError(t, err)
		return managed, srv.RequestCount()
	}
	for _, test := range []struct {
		name              string
		key               provision.StateKey
		lose              bool
		managed, requests int
	}{
		{name: "new", key: key, requests: 1 + n},
		{name: "same", key: key, managed: n, requests: 1},
		{name: "lost", key: key, lose: true, requests: 1 + n},
		{name: "same again", key: key, managed: n, requests: 1},
		{name: "another key", key: provision.NewStateKey(), requests: 1 + n},
		{name: "the first key", key: key, requests: 1 + n},
		{name: "the first key again", key: key, managed: n, requests: 1},
	} {
		if test.lose {
			require.NoError(t, os.Remove(path))
		}
		managed, requests := run(test.key)
		assert.Equal(t, test.managed, managed, test.name)
		assert.Equal(t, test.requests, requests, test.name)
	}
}

// Of two processes that have read the same state, the second that writes is refused, and the first
// too, once a third has written.
func TestStaleState(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	store, key := newTable(), provision.NewStateKey()
	first, second := stateIn(t, client, store, key), stateIn(t, client, store, key)
	run := func(state *provision.State, from int) error {
		_, err := collect(t, provision.Run(t.Context(), client, stream(nil, want(from, from)), provision.Options{State: state}))
		return err
	}
	require.NoError(t, run(first, 1))
	srv.ResetRequests()
	require.ErrorIs(t, run(second, 2), provision.ErrStateStale)
	assert.Empty(t, bodies(srv, http.MethodPost), "nothing is sent without the state")
	require.NoError(t, run(first, 3))
	require.NoError(t, run(stateIn(t, client, store, key), 4))
	require.ErrorIs(t, run(first, 5), provision.ErrStateStale)
	require.ErrorIs(t, first.Forget(t.Context(), trunk(1)), provision.ErrStateStale)
}

// A change whose outcome is not known leaves its fields in doubt, and they are sent again. A refusal
// changes nothing.
func TestStateAfterFailures(t *testing.T) {
	t.Parallel()
	all := []string{"name", "direction", "sip.gateway", "sip.port", "sip.username", "sip.password"} // the retry sends all
	password := []string{"sip.password"}
	for _, test := range []struct {
		name    string
		fault   mihutest.Fault
		inDoubt []string
	}{
		{"refused", mihutest.Fault{Status: http.StatusForbidden}, nil},
		{"unknown, applied", mihutest.Fault{Drop: true, AfterChange: true}, all},
		{"unknown, not applied", mihutest.Fault{Status: http.StatusInternalServerError}, all},
		{"token", mihutest.Fault{Status: http.StatusUnauthorized}, password},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			client := srv.Client(t, onceOnly)
			state := stateIn(t, client, newTable(), provision.NewStateKey())
			run := func(password string) provision.Result {
				source := wideFile(t, 1, func(_ int, item *provision.Item) { item.Trunk.SIP.Password = password })
				results, _ := collect(t, source.Run(t.Context(), client, provision.Options{State: state}))
				require.Len(t, results, 1)
				return results[0]
			}
			require.NoError(t, run("old").Err)
			before, _, err := state.Entry(t.Context(), trunk(0))
			require.NoError(t, err)
			test.fault.On = mihutest.Match{Method: http.MethodPatch, Times: -1}
			require.NoError(t, srv.Inject(test.fault))
			require.Error(t, run("new").Err)
			after, _, err := state.Entry(t.Context(), trunk(0))
			require.NoError(t, err)
			assert.Equal(t, test.inDoubt, after.Sent.InDoubt())
			assert.Equal(t, test.inDoubt != nil, after.Pending())
			assert.True(t, after.Managed)
			if test.inDoubt == nil {
				assert.Equal(t, before, after)
			}
			srv.ClearFaults()
			result := run("new")
			assert.Equal(t, provision.Updated, result.Action)
			assert.Len(t, result.Sent, cmp.Or(len(test.inDoubt), 1))
			assert.Equal(t, provision.Unchanged, run("new").Action)
		})
	}
}

// If the state cannot be written, nothing is sent. If it cannot be written after a change, the change
// is reported and done again.
func TestStateThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	for _, test := range []struct {
		name  string
		puts  int // that succeed
		posts int
	}{{"before", 0, 0}, {"after", 1, 1}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			client := srv.Client(t)
			store, key := newTable(), provision.NewStateKey()
			puts := 0
			store.fails = func(write string) error {
				if write == "put" {
					if puts++; puts > test.puts {
						return broken
					}
				}
				return nil
			}
			opts := provision.Options{State: stateIn(t, client, store, key), Workers: 1}
			results, err := collect(t, wideFile(t, 3, nil).Run(t.Context(), client, opts))
			require.ErrorIs(t, err, broken, "it ends the run")
			require.NotEmpty(t, results)
			assert.Equal(t, provision.Failed, results[0].Action)
			require.ErrorIs(t, results[0].Err, broken)
			assert.Len(t, bodies(srv, http.MethodPost), test.posts)

			store.fails = func(string) error { return nil }
			opts.State = stateIn(t, client, store, key)
			results, err = collect(t, wideFile(t, 1, nil).Run(t.Context(), client, opts))
			require.NoError(t, err)
			if test.posts == 0 {
				assert.Equal(t, provision.Created, results[0].Action)
				return
			}
			assert.Equal(t, provision.Updated, results[0].Action)
			assert.Len(t, results[0].Sent, 6)
		})
	}
}

// A field is cleared only if the state has it as set.
func TestStateClearsWhatWasSet(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, [2]int{2, 2})
	client := srv.Client(t)
	state := stateIn(t, client, newTable(), provision.NewStateKey())
	run := func(lookup provision.Lookup, item provision.Item) provision.Result {
		t.Helper()
		srv.ResetRequests()
		opts := provision.Options{State: state, Lookup: lookup}
		planned, err := collect(t, provision.Plan(t.Context(), client, stream(nil, item), opts))
		require.NoError(t, err)
		results, err := collect(t, provision.Run(t.Context(), client, stream(nil, item), opts))
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		assert.Equal(t, planned[0].Sent, results[0].Sent)
		assert.Equal(t, planned[0].Action, results[0].Action.Planned())
		return results[0]
	}
	full := want(1, 1)
	full.Trunk.Name, full.Trunk.Direction = "Desk", mihu.DirectionInbound
	full.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "u", Password: "p"}
	run("", full)
	all := []string{"name", "direction", "sip.gateway", "sip.port", "sip.username", "sip.password", "sip.secondary_gateway", "additional_settings"}
	assert.Equal(t, provision.Unchanged, run("", want(1, 1)).Action, "no column")
	cleared := run(provision.LookupEach, provision.Blank(want(1, 1), all...))
	assert.Equal(t, provision.Updated, cleared.Action)
	assert.Equal(t, all[:6], cleared.Sent)
	is, _ := srv.Trunk(trunk(1))
	assert.Equal(t, "call_trunk_12340000001", is.Name)
	assert.Equal(t, mihu.DirectionBoth, is.Direction)
	assert.Zero(t, is.SIP)
	assert.Equal(t, provision.Unchanged, run("", provision.Blank(want(1, 1), all...)).Action)
	assert.Equal(t, provision.Unchanged, run("", provision.Blank(want(2, 2), all...)).Action, "nothing was sent to it")
	both := run("", provision.Blank(full, "sip.secondary_gateway"))
	assert.Equal(t, all[:6], both.Sent)
}
