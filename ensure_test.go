package mihu_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

func TestEnsure(t *testing.T) {
	t.Parallel()
	bare := func(agent string) *mihu.TrunkCreateRequest {
		return &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agent}
	}
	tests := []struct {
		name string
		has  string // the agent that the trunk has before
		want func(agent string) *mihu.TrunkCreateRequest
		does mihu.EnsureResult
		flow []string
	}{
		{"created", "", createRequest, mihu.EnsureResult{Action: mihu.ActionCreated}, []string{"GET channels 404", "POST trunks 201"}},
		{"sent", "Ada", createRequest, mihu.EnsureResult{Action: mihu.ActionUpdated}, []string{"GET channels 200", "PATCH trunks 200"}},
		{"nothing to send", "Ada", bare, mihu.EnsureResult{Action: mihu.ActionUnchanged}, []string{"GET channels 200"}},
		{"moved", "Eve", bare, mihu.EnsureResult{Action: mihu.ActionAssigned}, []string{"GET channels 200", "PUT trunks/assign 200"}},
		{
			"moved and sent", "Eve", createRequest,
			mihu.EnsureResult{Action: mihu.ActionAssigned},
			[]string{"GET channels 200", "PUT trunks/assign 200", "PATCH trunks 200"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			agents := map[string]string{"Ada": srv.AddAgent("Ada"), "Eve": srv.AddAgent("Eve")}
			if test.has != "" {
				require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: agents[test.has], Name: "Before"}))
			}
			client := srv.Client(t)
			done, err := client.Trunks.Ensure(t.Context(), test.want(agents["Ada"]))
			require.NoError(t, err)
			require.NotNil(t, done.Snapshot)
			assert.Equal(t, agents["Ada"], done.Snapshot.Binding(mihu.ChannelCall).AgentUUID)
			if done.Action == mihu.ActionAssigned {
				assert.Equal(t, agents["Eve"], done.PreviousAgentUUID)
			}
			done.Snapshot, done.PreviousAgentUUID = nil, ""
			assert.Equal(t, test.does, *done)
			assert.Equal(t, test.flow, requestLines(srv))

			again, err := client.Trunks.Ensure(t.Context(), test.want(agents["Ada"]))
			require.NoError(t, err)
			assert.NotContains(t, []mihu.Action{mihu.ActionCreated, mihu.ActionAssigned}, again.Action, "repeating it makes and moves nothing")
			require.Len(t, srv.Trunks(), 1)
		})
	}
}

func TestEnsureRefused(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada, eve := srv.AddAgent("Ada"), srv.AddAgent("Eve")
	client := srv.Client(t, fastRetries)
	other := mihu.TrunkID{PhoneNumber: "+12345678902", Channel: mihu.ChannelCall}

	done, err := client.Trunks.Ensure(t.Context(), nil)
	require.ErrorIs(t, err, mihu.ErrInvalid)
	require.NotNil(t, done)
	_, err = client.Trunks.Ensure(t.Context(), &mihu.TrunkCreateRequest{})
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.Zero(t, srv.RequestCount())

	// The agent serves another number: neither a new trunk nor a move is possible.
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: other, AgentUUID: ada}))
	done, err = client.Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrConflict)
	assert.Equal(t, mihu.EnsureResult{}, *done)
	assert.Equal(t, []string{"GET channels 404", "POST trunks 409", "GET channels 404"}, requestLines(srv))
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: eve}))
	done, err = client.Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrConflict)
	assert.NotNil(t, done.Snapshot)
	assert.Empty(t, done.Action)

	// A failure in the middle tells what was done before it.
	require.NoError(t, client.Trunks.Delete(t.Context(), other))
	require.NoError(t, srv.Inject(onPatch(mihutest.Fault{Status: http.StatusUnprocessableEntity})))
	done, err = client.Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.Equal(t, mihu.ActionAssigned, done.Action, "the update failed")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Trunks.Ensure(ctx, createRequest(ada))
	require.ErrorIs(t, err, context.Canceled)
}

func TestEnsureOfAPurchasedNumber(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada := srv.AddAgent("Ada")
	_, err := srv.AddPurchasedNumber(frontDesk.PhoneNumber)
	require.NoError(t, err)
	require.NoError(t, srv.BindPurchased(frontDesk.PhoneNumber, mihu.ChannelCall, ada))
	_, err = srv.Client(t).Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrConflict)
	assert.Contains(t, err.Error(), "purchased number")
}

// Many callers ensure the same trunk at once, and half of the answers are lost.
func TestEnsureByManyAtOnce(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada := srv.AddAgent("Ada")
	client := srv.Client(t, fastRetries)
	require.NoError(t, srv.Inject(onPost(mihutest.Fault{Drop: true, AfterChange: true, Times: 4})))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := client.Trunks.Ensure(t.Context(), createRequest(ada))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assertStored(t, srv, ada)
}
