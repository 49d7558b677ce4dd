package provision_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// openState opens the state of a client's workspace in a file. Its store is closed with the test, or
// with the second result.
func openState(t *testing.T, client *mihu.Client, path string, key provision.StateKey) (state *provision.State, closeFile func()) {
	t.Helper()
	file, err := provision.OpenStateFile(path, provision.StateFileOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	state, err = provision.OpenState(t.Context(), file, key, client.BaseURL())
	require.NoError(t, err)
	return state, func() { require.NoError(t, file.Close()) }
}

// newState opens a new state.
func newState(t *testing.T, client *mihu.Client) *provision.State {
	t.Helper()
	state, _ := openState(t, client, filepath.Join(t.TempDir(), "state.jsonl"), provision.NewStateKey())
	return state
}

// wideFile returns a source of n rows with name, direction and SIP. edit may change the i-th.
func wideFile(t *testing.T, n int, edit func(i int, item *provision.Item)) *provision.Source {
	t.Helper()
	var b strings.Builder
	out := provision.NewWriter(&b, provision.FormatCSV)
	for i := range n {
		item := want(i, i)
		item.Trunk.Name, item.Trunk.Direction = fmt.Sprintf("Desk %d", i), mihu.DirectionInbound
		item.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: fmt.Sprintf("user-%d", i), Password: fmt.Sprintf("password-%d", i)}
		if edit != nil {
			edit(i, &item)
		}
		require.NoError(t, out.Write(item, ""))
	}
	require.NoError(t, out.Flush())
	source, err := spool(t, b.String(), provision.ReadOptions{})
	require.NoError(t, err)
	return source
}

// How many requests runs of one file take that share a state.
func TestStateRequests(t *testing.T) {
	t.Parallel()
	const n, pages = 600, 3
	srv := newServer(t)
	client := srv.Client(t)
	state := newState(t, client)
	newPassword := func(i int, item *provision.Item) {
		if i%100 == 0 {
			item.Trunk.SIP.Password = "changed"
		}
	}
	for _, test := range []struct {
		name     string
		edit     func(int, *provision.Item)
		opts     provision.Options
		requests int // of the run
		plan     int // of a plan before it
		actions  map[provision.Action]int
	}{
		{name: "all new", requests: n + 1, plan: 1, actions: map[provision.Action]int{provision.Created: n}},
		{name: "unchanged", requests: pages, plan: pages, actions: map[provision.Action]int{provision.Unchanged: n}},
		{name: "1 % changed", edit: newPassword, requests: n/100 + pages, plan: pages, actions: map[provision.Action]int{provision.Updated: n / 100, provision.Unchanged: n - n/100}},
		{name: "unchanged again", edit: newPassword, requests: pages, plan: pages, actions: map[provision.Action]int{provision.Unchanged: n}},
		{name: "unchanged, each read", edit: newPassword, opts: provision.Options{Lookup: provision.LookupEach}, requests: n, plan: n, actions: map[provision.Action]int{provision.Unchanged: n}},
		{name: "all sent again", edit: newPassword, opts: provision.Options{Resend: true}, requests: n + pages, plan: pages, actions: map[provision.Action]int{provision.Updated: n}},
	} {
		source := wideFile(t, n, test.edit)
		test.opts.State = state
		srv.ResetRequests()
		planned, err := collect(t, source.Plan(t.Context(), client, test.opts))
		require.NoError(t, err, test.name)
		assert.Equal(t, test.plan, srv.RequestCount(), "%s: plan", test.name)
		srv.ResetRequests()
		results, err := collect(t, source.Run(t.Context(), client, test.opts))
		require.NoError(t, err, test.name)
		assert.Equal(t, test.requests, srv.RequestCount(), "%s: run", test.name)
		counts := map[provision.Action]int{}
		for i, result := range results {
			require.NoError(t, result.Err)
			counts[result.Action]++
			assert.Equal(t, planned[i].Sent, result.Sent)
		}
		assert.Equal(t, test.actions, counts, test.name)
		assert.Equal(t, verbs(results), actions(planned), test.name)
	}
	for i := range n {
		is, _ := srv.Trunk(trunk(i))
		password := fmt.Sprintf("password-%d", i)
		if i%100 == 0 {
			password = "changed"
		}
		assert.Equal(t, password, is.SIP.Password)
	}
}

// bodies returns the bodies of the requests of a method.
func bodies(srv *mihutest.Server, method string) []string {
	var all []string
	for _, req := range srv.Requests() {
		if req.Method == method {
			all = append(all, string(req.Body))
		}
	}
	return all
}

// Only fields that were not sent with the same value are sent. A column that a file does not have is
// left as it is.
func TestStateSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	state := newState(t, client)
	run := func(item provision.Item, opts provision.Options) provision.Result {
		srv.ResetRequests()
		opts.State = state
		results, err := collect(t, provision.Run(t.Context(), client, stream(nil, item), opts))
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		return results[0]
	}
	item := want(1, 1)
	item.Trunk.Name, item.Trunk.SIP = "Desk", &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "u", Password: "p"}
	item.Trunk.AdditionalSettings = map[string]any{"ani_format": "e164"}
	assert.Equal(t, provision.Created, run(item, provision.Options{}).Action)
	assert.Equal(t, provision.Unchanged, run(item, provision.Options{}).Action)

	for _, test := range []struct {
		field string
		edit  func(*mihu.TrunkCreateRequest)
		body  string
	}{
		{"name", func(r *mihu.TrunkCreateRequest) { r.Name = "Desk 2" }, `"name":"Desk 2"`},
		{"direction", func(r *mihu.TrunkCreateRequest) { r.Direction = mihu.DirectionInbound }, `"direction":"inbound"`},
		{"sip.gateway", func(r *mihu.TrunkCreateRequest) { r.SIP.Gateway = "sip2.example.com" }, `"sip":{"gateway":"sip2.example.com"}`},
		{"sip.port", func(r *mihu.TrunkCreateRequest) { r.SIP.Port = 5061 }, `"sip":{"port":5061}`},
		{"sip.username", func(r *mihu.TrunkCreateRequest) { r.SIP.Username = "u2" }, `"sip":{"username":"u2"}`},
		{"sip.password", func(r *mihu.TrunkCreateRequest) { r.SIP.Password = "p2" }, `"sip":{"password":"p2"}`},
		{"sip.secondary_gateway", func(r *mihu.TrunkCreateRequest) { r.SIP.SecondaryGateway = "b.example.com" }, `"sip":{"secondary_gateway":"b.example.com"}`},
		{"additional_settings", func(r *mihu.TrunkCreateRequest) { r.AdditionalSettings["ani_format"] = "national" }, `"additional_settings":{"ani_format":"national"}`},
	} {
		test.edit(&item.Trunk)
		result := run(item, provision.Options{})
		assert.Equal(t, []string{test.field}, result.Sent)
		assert.Equal(t, []string{`{"phone_number":"+12340000001","channel":"call",` + test.body + `}`}, bodies(srv, http.MethodPatch))
		assert.Equal(t, provision.Unchanged, run(item, provision.Options{}).Action)
	}
	assert.Len(t, run(item, provision.Options{Resend: true}).Sent, 8)

	fewer := want(1, 1)
	fewer.Trunk.Name = "Desk 2"
	assert.Equal(t, provision.Unchanged, run(fewer, provision.Options{}).Action)
	assert.Equal(t, provision.Unchanged, run(item, provision.Options{}).Action, "what is not in the item is remembered")

	item.Trunk.AgentUUID = agent(2)
	assert.Equal(t, provision.Assigned, run(item, provision.Options{}).Action)
	assert.Empty(t, bodies(srv, http.MethodPatch), "a moved trunk keeps its fields")
	item.Trunk.AgentUUID, item.Trunk.Name = agent(3), "Desk 3"
	moved := run(item, provision.Options{})
	assert.Equal(t, provision.Assigned, moved.Action)
	assert.Equal(t, []string{"name"}, moved.Sent)
}

// What others do to a trunk and the list shows is noticed: that it is gone, that it was made again,
// and that it has another agent.
func TestStateNoticesWhatTheListShows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		others func(t *testing.T, srv *mihutest.Server)
		action provision.Action
		sent   int
	}{
		"gone": {func(t *testing.T, srv *mihutest.Server) {
			t.Helper()
			require.NoError(t, srv.Client(t).Trunks.Delete(t.Context(), trunk(1)))
		}, provision.Created, 6},
		"made again": {func(t *testing.T, srv *mihutest.Server) {
			t.Helper()
			require.NoError(t, srv.Client(t).Trunks.Delete(t.Context(), trunk(1)))
			add(t, srv, [2]int{1, 1})
		}, provision.Updated, 6},
		"moved": {func(t *testing.T, srv *mihutest.Server) {
			t.Helper()
			_, err := srv.Client(t).Trunks.Assign(t.Context(), trunk(1), agent(9))
			require.NoError(t, err)
		}, provision.Assigned, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t)
			client := srv.Client(t)
			opts := provision.Options{State: newState(t, client)}
			source := wideFile(t, 3, nil)
			_, err := collect(t, source.Run(t.Context(), client, opts))
			require.NoError(t, err)
			test.others(t, srv)
			for _, action := range []provision.Action{test.action, provision.Unchanged} {
				results, err := collect(t, source.Run(t.Context(), client, opts))
				require.NoError(t, err)
				assert.Equal(t, []provision.Action{provision.Unchanged, action, provision.Unchanged}, actions(results))
				if action != provision.Unchanged {
					assert.Len(t, results[1].Sent, test.sent)
				}
			}
			is, _ := srv.Trunk(trunk(1))
			assert.Equal(t, agent(1), is.AgentUUID)
			assert.Equal(t, "password-1", is.SIP.Password)
		})
	}
}

// A trunk that a plan found as a file wants it is managed from then on, without a request. A plain run
// takes over only what it writes.
func TestStateFindsTrunks(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, same(0, 600)...)
	client := srv.Client(t)
	state := newState(t, client)
	source := file(t, same(0, 600)...)
	_, err := collect(t, source.Run(t.Context(), client, provision.Options{State: state}))
	require.NoError(t, err)
	for entry, err := range state.All(t.Context()) {
		t.Fatal(entry, err)
	}
	plan, err := provision.Reconcile(t.Context(), client, source, provision.ReconcileOptions{Options: provision.Options{State: state}})
	require.NoError(t, err)
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([]provision.Action{provision.Unchanged}, 600), actions(results))
	n := 0
	for entry, err := range state.All(t.Context()) {
		require.NoError(t, err)
		require.True(t, entry.Managed)
		assert.Equal(t, trunk(n), entry.Trunk)
		assert.Equal(t, agent(n), entry.AgentUUID)
		is, _ := srv.Trunk(trunk(n))
		assert.Equal(t, is.PhoneNumberUUID, entry.PhoneNumberUUID)
		assert.True(t, entry.Sent.IsZero())
		n++
	}
	assert.Equal(t, 600, n)
}

// What was found during a run is written late. It does not replace what was changed meanwhile.
func TestStateKeepsWhatIsNewer(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, [2]int{1, 1}, [2]int{2, 2})
	client := srv.Client(t)
	state := newState(t, client)
	plan, err := provision.Reconcile(t.Context(), client, file(t, same(1, 3)...), provision.ReconcileOptions{Options: provision.Options{State: state, Workers: 1}})
	require.NoError(t, err)
	for result, err := range plan.Run(t.Context()) {
		require.NoError(t, err)
		if result.Index != 1 { // the first two are found, and not written yet
			continue
		}
		name := provision.StateChange{Trunk: trunk(1), Update: &mihu.TrunkUpdateRequest{Name: new("Desk")}}
		_, err := state.Track(t.Context(), name, call(client, name))
		require.NoError(t, err)
		require.NoError(t, state.Forget(t.Context(), trunk(2)))
	}
	entry, _, err := state.Entry(t.Context(), trunk(1))
	require.NoError(t, err)
	assert.Equal(t, []string{"name"}, entry.Sent.Names())
	_, there, err := state.Entry(t.Context(), trunk(2))
	require.NoError(t, err)
	assert.False(t, there)
}
