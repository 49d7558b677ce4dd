package provision_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// call sends a change.
func call(client *mihu.Client, change provision.StateChange) func(context.Context) (*mihu.ChannelSnapshot, error) {
	return func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		switch {
		case change.Create != nil:
			done, err := client.Trunks.Ensure(ctx, change.Create)
			return done.Snapshot, err
		case change.Update != nil:
			return client.Trunks.Update(ctx, change.Trunk, change.Update)
		case change.Delete:
			return nil, client.Trunks.Delete(ctx, change.Trunk)
		}
		return client.Trunks.Assign(ctx, change.Trunk, change.AgentUUID)
	}
}

// creation is the change that creates the first trunk.
func creation() provision.StateChange {
	return provision.StateChange{Trunk: trunk(1), Create: &mihu.TrunkCreateRequest{
		TrunkID: trunk(1), AgentUUID: agent(1), Name: "Desk", SIP: &mihu.SIPCredentials{Password: "p"},
	}}
}

// What a program changes singly is in the state, so that a run does not find an old digest.
func TestTrack(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	store := newTable()
	state := stateIn(t, client, store, provision.NewStateKey())
	track := func(change provision.StateChange) (provision.StateEntry, bool) {
		t.Helper()
		_, err := state.Track(t.Context(), change, call(client, change))
		require.NoError(t, err)
		entry, there, err := state.Entry(t.Context(), change.Trunk)
		require.NoError(t, err)
		assert.Equal(t, there, entry.Managed)
		if there {
			assert.False(t, entry.Pending())
		}
		return entry, there
	}
	run := func(password string) provision.Result {
		t.Helper()
		item := want(1, 1)
		item.Trunk.Name, item.Trunk.SIP = "Desk", &mihu.SIPCredentials{Password: password}
		results, err := collect(t, provision.Run(t.Context(), client, stream(nil, item), provision.Options{State: state}))
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		return results[0]
	}
	created, _ := track(creation())
	assert.Equal(t, agent(1), created.AgentUUID)
	assert.Equal(t, []string{"name", "sip.password"}, created.Sent.Names())
	is, _ := srv.Trunk(trunk(1))
	assert.Equal(t, is.PhoneNumberUUID, created.PhoneNumberUUID)
	assert.Equal(t, provision.Unchanged, run("p").Action)

	track(provision.StateChange{Trunk: trunk(1), Update: &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: new("other")}}})
	assert.Equal(t, []string{"sip.password"}, run("p").Sent, "the state has the other password")
	track(provision.StateChange{Trunk: trunk(1), Update: &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: new("")}}})
	assert.Equal(t, []string{"sip.password"}, run("p").Sent, "it was cleared")

	moved, _ := track(provision.StateChange{Trunk: trunk(1), AgentUUID: agent(7)})
	assert.Equal(t, agent(7), moved.AgentUUID)
	assert.Equal(t, provision.Assigned, run("p").Action)

	_, there := track(provision.StateChange{Trunk: trunk(1), Delete: true})
	assert.False(t, there)
	add(t, srv, [2]int{1, 1}, [2]int{2, 2})
	assert.Len(t, run("p").Sent, 2, "the state does not have it any more")

	for _, change := range []provision.StateChange{
		{Trunk: trunk(2), Update: &mihu.TrunkUpdateRequest{Name: new("Desk")}}, {Trunk: trunk(2), AgentUUID: agent(8)}, {Trunk: trunk(2), Delete: true},
	} {
		_, there = track(change)
		assert.False(t, there, "a trunk that the state does not have is not managed by a change of it")
	}
	require.NoError(t, state.Forget(t.Context(), trunk(1)))
	assert.Empty(t, store.entries)
}

// After Ensure of a trunk that may be another, what was sent before is in doubt.
func TestTrackDoubtsWhatWasSentBefore(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	state := stateIn(t, client, newTable(), provision.NewStateKey())
	first := creation()
	_, err := state.Track(t.Context(), first, call(client, first))
	require.NoError(t, err)
	second := provision.StateChange{Trunk: trunk(1), Create: &mihu.TrunkCreateRequest{TrunkID: trunk(1), AgentUUID: agent(1), Name: "Desk 2"}}
	_, err = state.Track(t.Context(), second, call(client, second))
	require.NoError(t, err)
	entry, _, err := state.Entry(t.Context(), trunk(1))
	require.NoError(t, err)
	assert.Equal(t, []string{"name", "sip.password"}, entry.Sent.Names())
	assert.Equal(t, []string{"sip.password"}, entry.Sent.InDoubt())
}

// What a response does not prove is in doubt. What was refused is as before.
func TestTrackOfFailures(t *testing.T) {
	t.Parallel()
	lost := errors.New("disk full")
	for _, test := range []struct {
		name    string
		change  provision.StateChange
		fault   mihutest.Fault
		puts    int // of the state that succeed; 0 is all
		err     error
		pending bool
		there   bool
	}{
		{name: "refused", change: provision.StateChange{AgentUUID: agent(9)}, fault: mihutest.Fault{Status: http.StatusForbidden}, err: mihu.ErrForbidden, there: true},
		{name: "refused deletion", change: provision.StateChange{Delete: true}, fault: mihutest.Fault{Status: http.StatusForbidden}, err: mihu.ErrForbidden, there: true},
		{name: "gone", change: provision.StateChange{Delete: true}, fault: mihutest.Fault{Status: http.StatusNotFound}, err: mihu.ErrNotFound},
		{name: "unknown deletion", change: provision.StateChange{Delete: true}, fault: mihutest.Fault{Status: http.StatusInternalServerError}, err: mihu.ErrOutcomeUnknown, there: true, pending: true},
		{name: "unknown update", change: provision.StateChange{Update: &mihu.TrunkUpdateRequest{Name: new("n")}}, fault: mihutest.Fault{Drop: true}, err: mihu.ErrOutcomeUnknown, there: true, pending: true},
		{name: "unmarked", change: provision.StateChange{Update: &mihu.TrunkUpdateRequest{Name: new("n")}}, puts: -1, err: lost, there: true},
		{name: "unrecorded", change: provision.StateChange{Update: &mihu.TrunkUpdateRequest{Name: new("n")}}, puts: 1, err: lost, there: true, pending: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			client := srv.Client(t, onceOnly)
			store := newTable()
			state := stateIn(t, client, store, provision.NewStateKey())
			first := creation()
			_, err := state.Track(t.Context(), first, call(client, first))
			require.NoError(t, err)
			before := store.entries[trunk(1)]
			if test.puts == 0 {
				test.fault.On = mihutest.Match{Times: -1}
				require.NoError(t, srv.Inject(test.fault))
			} else {
				left := test.puts
				store.fails = func(string) error {
					if left--; left < 0 {
						return lost
					}
					return nil
				}
			}
			srv.ResetRequests()
			test.change.Trunk = trunk(1)
			_, err = state.Track(t.Context(), test.change, call(client, test.change))
			require.ErrorIs(t, err, test.err)
			assert.Equal(t, test.puts == -1, srv.RequestCount() == 0, "nothing is sent that was not marked")
			entry, there := store.entries[trunk(1)]
			assert.Equal(t, test.there, there)
			assert.Equal(t, test.pending, there && entry.Pending())
			if there && !test.pending {
				assert.Equal(t, before, entry)
			}
			if there {
				assert.True(t, entry.Managed)
			}
		})
	}
}

// Changes of one trunk wait for each other, so that the state has what was sent last.
func TestTrackOneTrunkAtATime(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	state := stateIn(t, client, newTable(), provision.NewStateKey())
	first := creation()
	_, err := state.Track(t.Context(), first, call(client, first))
	require.NoError(t, err)
	var all sync.WaitGroup
	var mu sync.Mutex
	now, most := 0, 0
	for range 8 {
		all.Go(func() {
			_, err := state.Track(t.Context(), provision.StateChange{Trunk: trunk(1), AgentUUID: agent(1)}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				snap, err := client.Trunks.Assign(ctx, trunk(1), agent(1))
				mu.Lock()
				now--
				mu.Unlock()
				return snap, err
			})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, 1, most)

	ctx, cancel := context.WithCancel(t.Context())
	_, err = state.Track(t.Context(), provision.StateChange{Trunk: trunk(1), AgentUUID: agent(1)}, func(context.Context) (*mihu.ChannelSnapshot, error) {
		cancel()
		_, err := state.Track(ctx, provision.StateChange{Trunk: trunk(1), AgentUUID: agent(1)}, nil)
		require.ErrorIs(t, err, context.Canceled, "it waits, and obeys its context")
		return nil, errors.New("not sent")
	})
	require.EqualError(t, err, "not sent")
}

// Without a state, everything is sent and nothing is remembered.
func TestNoState(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	var state *provision.State
	change := creation()
	snap, err := state.Track(t.Context(), change, call(client, change))
	require.NoError(t, err)
	assert.Equal(t, agent(1), snap.Binding(mihu.ChannelCall).AgentUUID)
	_, there, err := state.Entry(t.Context(), trunk(1))
	require.NoError(t, err)
	assert.False(t, there)
	require.NoError(t, state.Forget(t.Context(), trunk(1)))
	for entry, err := range state.All(t.Context()) {
		t.Error(entry, err)
	}
	assert.Empty(t, state.Workspace())
}

// Rotate keeps the state of the trunks that it has: a run of a file with the new passwords sends
// nothing.
func TestRotateKeepsTheState(t *testing.T) {
	t.Parallel()
	const n = 5
	srv := newServer(t)
	client := srv.Client(t)
	store := newTable()
	key := provision.NewStateKey()
	state := stateIn(t, client, store, key)
	_, err := collect(t, wideFile(t, n, nil).Run(t.Context(), client, provision.Options{State: state}))
	require.NoError(t, err)
	add(t, srv, [2]int{n, n}) // unmanaged
	passwords := newStore(t)
	var records []provision.AuditRecord
	results, err := rotated(t, provision.Rotate(t.Context(), client, trunks(n+1), passwords, provision.RotateOptions{
		State: state, Audit: func(r provision.AuditRecord) { records = append(records, r) },
	}))
	require.NoError(t, err)
	require.Len(t, results, n+1)
	require.Len(t, records, n+1)
	for _, r := range records {
		assert.Equal(t, provision.Update, r.Op)
		assert.Equal(t, provision.AuditApplied, r.Outcome)
		assert.Equal(t, []string{"sip.password"}, r.Fields)
		assert.Equal(t, r.Before, r.After)
		assert.NotEmpty(t, r.RequestID)
	}
	assert.Len(t, store.entries, n, "a trunk that the state does not have is not managed by a rotation")
	item := wideFile(t, n, func(i int, item *provision.Item) { item.Trunk.SIP.Password = passwords.prepared[trunk(i).PhoneNumber] })
	srv.ResetRequests()
	unchanged, err := collect(t, item.Run(t.Context(), client, provision.Options{State: state}))
	require.NoError(t, err)
	for _, result := range unchanged {
		assert.Equal(t, provision.Unchanged, result.Action)
	}
	assert.Equal(t, 1, srv.RequestCount())

	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Drop: true} })
	failing := srv.Client(t, onceOnly)
	results, err = rotated(t, provision.Rotate(t.Context(), failing, trunks(1), newStore(t), provision.RotateOptions{
		State: state, Audit: func(r provision.AuditRecord) { records = append(records, r) },
	}))
	require.NoError(t, err)
	require.ErrorIs(t, results[0].Err, mihu.ErrOutcomeUnknown)
	assert.Equal(t, provision.AuditUnknown, records[len(records)-1].Outcome)
	assert.Equal(t, []string{"sip.password"}, store.entries[trunk(0)].Sent.InDoubt())
}
