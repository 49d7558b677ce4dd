package mihu_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// A refusal that the API is known to give for a trunk that exists, or for a busy agent, is a conflict.
func TestConflictStatuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusLocked, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusBadRequest} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			srv := mihutest.NewServer(t, mihutest.WithRules(mihutest.Rules{DuplicateStatus: status, AgentBusyStatus: status}))
			ada, eve := srv.AddAgent("Ada"), srv.AddAgent("Eve")
			addOnCreate := true
			srv.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
				if r.Method == http.MethodPost && addOnCreate { // another program is faster
					addOnCreate = false
					assert.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: ada}))
				}
				return nil
			})
			client := srv.Client(t, mihu.WithConflictStatuses(status))
			result, err := client.Trunks.Ensure(t.Context(), &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: ada})
			require.NoError(t, err)
			assert.Equal(t, mihu.ActionUnchanged, result.Action)

			second := mihu.TrunkID{PhoneNumber: "+12025550109", Channel: mihu.ChannelCall}
			require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: second, AgentUUID: eve}))
			_, err = client.Trunks.Assign(t.Context(), second, ada)
			if status == http.StatusNotFound {
				require.ErrorIs(t, err, mihu.ErrNotFound, "it is about the trunk")
				return
			}
			require.ErrorIs(t, err, mihu.ErrConflict)
			assert.True(t, mihu.IsRefusal(err))
			assert.False(t, mihu.IsTransient(err))
			for _, other := range []error{mihu.ErrForbidden, mihu.ErrNotFound, mihu.ErrInvalid} {
				assert.NotErrorIs(t, err, other)
			}
		})
	}
}

// Other calls, and clients without the option, keep the meaning of a status.
func TestConflictStatusesOfOtherCalls(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t, mihutest.WithRules(mihutest.Rules{DuplicateStatus: http.StatusForbidden, UnknownTrunkStatus: http.StatusForbidden}))
	agent := srv.AddAgent("Ada")
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: frontDesk, AgentUUID: agent}))
	request := &mihu.TrunkCreateRequest{TrunkID: frontDesk, AgentUUID: agent}

	_, err := srv.Client(t).Trunks.Create(t.Context(), request)
	require.ErrorIs(t, err, mihu.ErrForbidden)
	require.NotErrorIs(t, err, mihu.ErrConflict)

	client := srv.Client(t, mihu.WithConflictStatuses(http.StatusForbidden))
	_, err = client.Trunks.Create(t.Context(), request)
	require.ErrorIs(t, err, mihu.ErrConflict)
	err = client.Trunks.Delete(t.Context(), mihu.TrunkID{PhoneNumber: "+12025550109", Channel: mihu.ChannelCall})
	require.ErrorIs(t, err, mihu.ErrForbidden)

	client = srv.Client(t, mihu.WithConflictStatuses(http.StatusForbidden), mihu.WithConflictStatuses())
	_, err = client.Trunks.Create(t.Context(), request)
	require.ErrorIs(t, err, mihu.ErrForbidden, "the last of the options takes effect")
}

// A status that is about the token, the time or the rate is never a conflict.
func TestConflictStatusesAreChecked(t *testing.T) {
	t.Parallel()
	for status := range 700 {
		_, err := mihu.New("acme", "token", mihu.WithConflictStatuses(status))
		switch {
		case status < 400 || status > 498, status == 401, status == 408, status == 425, status == 429:
			_, ok := err.(*mihu.ValidationError) //nolint:errorlint // New returns it as it is
			require.True(t, ok, "%d: %v", status, err)
			require.ErrorContains(t, err, "WithConflictStatuses")
		default:
			require.NoError(t, err, "%d", status)
		}
	}
}
