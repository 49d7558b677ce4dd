package provision_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// A plan reports for every item what a run then does.
func TestPlanMatchesRun(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	for i := range 450 { // three pages
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(i), AgentUUID: agent(i)}))
	}
	line := mihu.TrunkID{PhoneNumber: trunk(1).PhoneNumber, Channel: mihu.ChannelWhatsApp}
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: line, AgentUUID: agent(1)}))
	change := func(item provision.Item, f func(*mihu.TrunkCreateRequest)) provision.Item {
		f(&item.Trunk)
		return item
	}
	items := []provision.Item{
		want(0, 0),
		change(want(1, 1), func(r *mihu.TrunkCreateRequest) { r.Name = "Front desk" }),
		change(want(2, 2), func(r *mihu.TrunkCreateRequest) { r.Direction = mihu.DirectionInbound }),
		change(want(3, 3), func(r *mihu.TrunkCreateRequest) { r.AdditionalSettings = map[string]any{} }),
		change(want(4, 4), func(r *mihu.TrunkCreateRequest) { r.SIP = &mihu.SIPCredentials{Port: 5060} }),
		change(want(5, 5), func(r *mihu.TrunkCreateRequest) { r.SIP = &mihu.SIPCredentials{} }),
		change(want(1, 9001), func(r *mihu.TrunkCreateRequest) { r.TrunkID = line }),
		change(want(9, 9), func(r *mihu.TrunkCreateRequest) { r.AgentUUID = strings.ToUpper(r.AgentUUID) }),
		change(want(449, 9002), func(r *mihu.TrunkCreateRequest) { r.Name = "Back office" }),
		want(9000, 449),
		want(9001, 9003),
	}
	srv.ResetRequests()
	client := srv.Client(t)
	planned, err := collect(t, provision.Plan(t.Context(), client, stream(nil, items...), provision.Options{Workers: 64}))
	require.NoError(t, err)
	assert.Equal(t, 3, srv.RequestCount())
	results, err := collect(t, provision.Run(t.Context(), client, stream(nil, items...), provision.Options{Workers: 1}))
	require.NoError(t, err)
	require.Len(t, results, len(items))
	for i := range results {
		assert.Equal(t, results[i].Action.Planned(), planned[i].Action, "item %d", i)
		require.NotNil(t, planned[i].Ensured)
		assert.Nil(t, planned[i].Ensured.Snapshot)
		results[i].Ensured.Snapshot = nil
		assert.Equal(t, results[i].Ensured, planned[i].Ensured, "item %d", i)
	}
	assert.Equal(t, agent(449), planned[8].Ensured.PreviousAgentUUID)
}

// A list may have what no client would register.
func TestPlanOfAnOddList(t *testing.T) {
	t.Parallel()
	api := newMemory()
	api.fault = func(int, *http.Request) (*http.Response, error) {
		return answer(http.StatusOK, `{"success":true,"data":{"items":[
			{"number":"12340000001","is_external":true,"bindings":{"call":{"bound":true,"agent_uuid":"`+strings.ToUpper(agent(1))+`"}}},
			{"number":"+12340000002","is_external":true,"bindings":{"call":{"bound":true,"agent_uuid":null},"whatsapp":{"bound":false,"agent_uuid":"`+agent(2)+`"}}},
			{"number":"0123","bindings":{"call":{"bound":true,"agent_uuid":"`+agent(3)+`"}}},
			{"number":"+1234567890123456","bindings":{"call":{"bound":true,"agent_uuid":"`+agent(3)+`"}}}
		]}}`), nil
	}
	whatsApp := want(2, 2)
	whatsApp.Trunk.Channel = mihu.ChannelWhatsApp
	results, err := collect(t, provision.Plan(t.Context(), api.client(t), stream(nil, want(1, 1), want(2, 2), whatsApp, want(3, 3)), provision.Options{}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Unchanged, provision.Assign, provision.Create, provision.Create}, actions(results))
	assert.Empty(t, results[1].Ensured.PreviousAgentUUID)
}

func TestPlanWithoutAList(t *testing.T) {
	t.Parallel()
	api := newMemory()
	api.fault = func(int, *http.Request) (*http.Response, error) { return problem(http.StatusForbidden), nil }
	results, err := collect(t, provision.Plan(t.Context(), api.client(t), many(3), provision.Options{}))
	require.ErrorIs(t, err, mihu.ErrForbidden)
	require.ErrorContains(t, err, "provision: listing the trunks: ")
	assert.Empty(t, results)
}

func TestPlanOfABusyAgentWasNotRefusedByTheAPI(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(1), AgentUUID: agent(1)}))
	results, err := collect(t, provision.Plan(t.Context(), srv.Client(t), stream(nil, want(0, 1)), provision.Options{}))
	require.NoError(t, err)
	require.Len(t, results, 1)
	assert.Equal(t, &provision.AgentBusyError{Trunk: trunk(0), AgentUUID: agent(1), Holder: trunk(1)}, results[0].Err)
	assert.EqualError(t, results[0].Err, "provision: +1234•••0000/call cannot have agent "+agent(1)+
		", which serves +1234•••0001/call; assign another agent to that number or delete its trunk first, or use another agent")
}

// A result that needs no lookup does not come before those of earlier items.
func TestPlanIsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow, bad := want(0, 0), want(1, 1)
		slow.SecretName = "gateway"
		bad.Trunk.AgentUUID = "nobody"
		look := func(context.Context, string) (mihu.SIPCredentials, error) {
			time.Sleep(time.Second)
			return mihu.SIPCredentials{Gateway: "sip.example.com"}, nil
		}
		items := stream(nil, slow, slow, bad, want(2, 2), want(0, 2), want(3, 3))
		var order []int
		for result, err := range provision.Plan(t.Context(), newMemory().client(t), items, provision.Options{Secrets: look}) {
			require.NoError(t, err)
			order = append(order, result.Index)
		}
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
	})
}
