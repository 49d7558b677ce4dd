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
	withoutSettings := func(agent string) *mihu.TrunkCreateRequest {
		return &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agent}
	}
	tests := []struct {
		name     string
		before   string // the agent that the trunk is on; "" if there is no trunk
		req      func(agent string) *mihu.TrunkCreateRequest
		want     mihu.EnsureResult
		requests []string
	}{
		{"no trunk", "", createRequest, mihu.EnsureResult{Action: mihu.ActionCreated}, []string{"GET channels 404", "POST trunks 201"}},
		{"on the agent", "Ada", createRequest, mihu.EnsureResult{Action: mihu.ActionUpdated}, []string{"GET channels 200", "PATCH trunks 200"}},
		{"on the agent, without settings", "Ada", withoutSettings, mihu.EnsureResult{Action: mihu.ActionUnchanged}, []string{"GET channels 200"}},
		{"on another agent, without settings", "Eve", withoutSettings, mihu.EnsureResult{Action: mihu.ActionAssigned}, []string{"GET channels 200", "PUT trunks/assign 200"}},
		{
			"on another agent", "Eve", createRequest,
			mihu.EnsureResult{Action: mihu.ActionAssigned},
			[]string{"GET channels 200", "PUT trunks/assign 200", "PATCH trunks 200"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t)
			agents := map[string]string{"Ada": srv.AddAgent("Ada"), "Eve": srv.AddAgent("Eve")}
			if test.before != "" {
				require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: agents[test.before], Name: "Before"}))
			}
			client := srv.Client(t)
			result, err := client.Trunks.Ensure(t.Context(), test.req(agents["Ada"]))
			require.NoError(t, err)
			require.NotNil(t, result.Snapshot)
			assert.Equal(t, agents["Ada"], result.Snapshot.Binding(mihu.ChannelCall).AgentUUID)
			if result.Action == mihu.ActionAssigned {
				assert.Equal(t, agents["Eve"], result.PreviousAgentUUID)
			}
			result.Snapshot, result.PreviousAgentUUID = nil, ""
			assert.Equal(t, test.want, *result)
			assert.Equal(t, test.requests, requestLines(srv))

			second, err := client.Trunks.Ensure(t.Context(), test.req(agents["Ada"]))
			require.NoError(t, err)
			assert.NotContains(t, []mihu.Action{mihu.ActionCreated, mihu.ActionAssigned}, second.Action, "a second call creates and moves nothing")
			require.Len(t, srv.Trunks(), 1)
		})
	}
}

func TestEnsureFails(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada, eve := srv.AddAgent("Ada"), srv.AddAgent("Eve")
	client := srv.Client(t, fastRetries)
	other := mihu.TrunkID{PhoneNumber: "+12345678902", Channel: mihu.ChannelCall}

	result, err := client.Trunks.Ensure(t.Context(), nil)
	require.ErrorIs(t, err, mihu.ErrInvalid)
	require.NotNil(t, result)
	_, err = client.Trunks.Ensure(t.Context(), &mihu.TrunkCreateRequest{})
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.Zero(t, srv.RequestCount())

	// The agent serves another number: neither a new trunk nor a move is possible.
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: other, AgentUUID: ada}))
	result, err = client.Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrConflict)
	assert.Equal(t, mihu.EnsureResult{}, *result)
	assert.Equal(t, []string{"GET channels 404", "POST trunks 409", "GET channels 404"}, requestLines(srv))
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: eve}))
	result, err = client.Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrConflict)
	assert.NotNil(t, result.Snapshot)
	assert.Empty(t, result.Action)

	// If a later request fails, the result reports the action of the earlier one.
	require.NoError(t, client.Trunks.Delete(t.Context(), other))
	require.NoError(t, srv.Inject(onPatch(mihutest.Fault{Status: http.StatusUnprocessableEntity})))
	result, err = client.Trunks.Ensure(t.Context(), createRequest(ada))
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.Equal(t, mihu.ActionAssigned, result.Action, "the update failed")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Trunks.Ensure(ctx, createRequest(ada))
	require.ErrorIs(t, err, context.Canceled)
}

func TestEnsureOnAPurchasedNumber(t *testing.T) {
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

// Many callers ensure the same trunk at once, and half of the responses are lost.
func TestConcurrentEnsure(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	ada := srv.AddAgent("Ada")
	client := srv.Client(t, fastRetries)
	require.NoError(t, srv.Inject(onPost(mihutest.Fault{On: mihutest.Match{Times: 4}, Drop: true, AfterChange: true})))
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

// A number is not purchased because its marks are missing or cannot be read.
func TestEnsureOfANumberWithoutAReadableSource(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"", `"is_external": "perhaps", `, `"source": ["purchased"], `} {
		channels := `{"success": true, "data": {` + mark + `"number": "` + frontDesk.PhoneNumber + `", "channels": {` +
			`"call": {"bound": true, "agent_uuid": "` + agentUUID + `"}, "whatsapp": {"bound": false}}}}`
		client := newClient(t, newWire(t, respondWith(http.StatusOK, channels)))
		done, err := client.Trunks.Ensure(t.Context(), &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agentUUID})
		require.NoError(t, err, mark)
		assert.Equal(t, mihu.ActionUnchanged, done.Action, mark)
	}
}
