package provision_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// office is a workspace with a state, for tests of plans.
type office struct {
	*testing.T
	srv    *mihutest.Server
	client *mihu.Client
	state  *provision.State
}

func newOffice(t *testing.T) *office {
	t.Helper()
	srv := newServer(t)
	client := srv.Client(t, mihu.WithMaxReadLag(-1))
	return &office{t, srv, client, newState(t, client)}
}

// calls is the scope of all call trunks.
func calls() provision.Scope { return provision.Scope{Channels: []mihu.Channel{mihu.ChannelCall}} }

// plan makes a plan. edit may change its options.
func (o *office) plan(source *provision.Source, edit ...func(*provision.ReconcileOptions)) (*provision.Reconciliation, error) {
	o.Helper()
	opts := provision.ReconcileOptions{Options: provision.Options{State: o.state}}
	for _, e := range edit {
		e(&opts)
	}
	return provision.Reconcile(o.Context(), o.client, source, opts)
}

// writes returns the number of requests that change something.
func (o *office) writes() int {
	n := 0
	for _, req := range o.srv.Requests() {
		if req.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// prunes deletes what no row names.
func prunes(opts *provision.ReconcileOptions) { opts.Prune, opts.Scope = true, calls() }

// anyNumber allows any number of changes.
func anyNumber(opts *provision.ReconcileOptions) {
	opts.Limits = &provision.Limits{MaxDelete: new(1 << 30), MaxAssign: new(1 << 30), MaxClear: new(1 << 30)}
}

// apply plans and carries the plan out.
func (o *office) apply(source *provision.Source) []provision.Result {
	o.Helper()
	plan, err := o.plan(source)
	require.NoError(o, err)
	results, err := collect(o.T, plan.Run(o.Context()))
	require.NoError(o, err)
	for _, result := range results {
		require.NoError(o, result.Err)
	}
	return results
}

// shown returns the changes of a plan in a short form.
func shown(plan *provision.Reconciliation) []string {
	all := []string{}
	for c := range plan.Changes() {
		var text strings.Builder
		fmt.Fprintf(&text, "%s %s", c.Action, c.PhoneNumber[len(c.PhoneNumber)-4:])
		for _, part := range []struct {
			name   string
			values []string
		}{{"sends", c.Sends}, {"clears", c.Clears}, {"since", c.Reasons}} {
			if len(part.values) > 0 {
				fmt.Fprintf(&text, "; %s %s", part.name, strings.Join(part.values, ", "))
			}
		}
		all = append(all, text.String())
	}
	return all
}

// sheet returns a source with columns for name, direction and gateway.
func sheet(t *testing.T, lines ...string) *provision.Source {
	t.Helper()
	source, err := spool(t, "phone_number,channel,agent_uuid,name,direction,sip_gateway,sip_password\n"+strings.Join(lines, "\n")+"\n", provision.ReadOptions{})
	require.NoError(t, err)
	return source
}

func sheetRow(number, agentOf int, rest string) string {
	return trunk(number).PhoneNumber + ",call," + agent(agentOf) + "," + rest
}

// What a plan shows, and what applying it changes.
func TestReconcile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	add(t, o.srv, [2]int{1, 1}, [2]int{2, 2}, [2]int{7, 7})
	first := sheet(t, sheetRow(0, 0, "Desk,inbound,sip.example.com,secret-1"), sheetRow(1, 1, ",,,"), sheetRow(2, 3, ",,,"), sheetRow(3, 4, ",,,secret-2"))
	plan, err := o.plan(first)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"create 0000; sends name, direction, sip.gateway, sip.password; since not in the workspace",
		"assign 0002; since on another agent",
		"create 0003; sends sip.password; since not in the workspace",
	}, shown(plan))
	assert.Equal(t, provision.PlanSummary{Create: 2, Assign: 1, Unchanged: 1}, plan.Summary())
	assert.Zero(t, o.writes(), "a plan changes nothing")
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Created, provision.Unchanged, provision.Assigned, provision.Created}, actions(results))
	trunk0, _ := o.srv.Trunk(trunk(0))
	assert.Equal(t, "secret-1", trunk0.SIP.Password)

	again, err := o.plan(first)
	require.NoError(t, err)
	assert.Empty(t, shown(again))
	assert.NotEqual(t, plan.ID(), again.ID())

	second := sheet(t, sheetRow(0, 0, ",,sip2.example.com,secret-3"), sheetRow(3, 4, "Hall,both,,secret-2"))
	plan, err = o.plan(second, prunes)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"update 0000; sends sip.gateway, sip.password; clears name, direction; since differs from what was sent, the cell is empty, and the field was set",
		"delete 0001; since no row names it",
		"delete 0002; since no row names it",
		"update 0003; sends name, direction; since not sent before, as far as the state knows",
	}, shown(plan))
	assert.Equal(t, provision.PlanSummary{Update: 2, Delete: 2, Clear: 1, Managed: 4}, plan.Summary())
	results, err = collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	assert.ElementsMatch(t, []provision.Action{provision.Updated, provision.Updated, provision.Deleted, provision.Deleted}, actions(results))
	trunk0, _ = o.srv.Trunk(trunk(0))
	assert.Equal(t, "call_trunk_12340000000", trunk0.Name)
	assert.Equal(t, mihu.DirectionBoth, trunk0.Direction)
	assert.Equal(t, "sip2.example.com", trunk0.SIP.Gateway)
	assert.Len(t, o.srv.Trunks(), 3, "the one that nothing manages stays")
	_, is := o.srv.Trunk(trunk(7))
	assert.True(t, is)
}

// The ID is the approval: it covers what the plan changes, from what, and to which values.
func TestReconcileExpects(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// meanwhile happens between the approval and the run; it returns the source of the run.
		meanwhile func(o *office, source *provision.Source) *provision.Source
		stale     bool
	}{
		{"nothing", func(_ *office, source *provision.Source) *provision.Source { return source }, false},
		{"the file was written again, in another order", func(o *office, _ *provision.Source) *provision.Source {
			return sheet(o.T, sheetRow(2, 3, ",,,"), sheetRow(0, 0, "Desk,,sip.example.com,secret-1"), sheetRow(1, 1, "Sales,,,"))
		}, false},
		{"an unrelated trunk was added", func(o *office, source *provision.Source) *provision.Source {
			add(o.T, o.srv, [2]int{50, 50})
			return source
		}, false},
		{"an unrelated row was added, which is as it should be", func(o *office, _ *provision.Source) *provision.Source {
			add(o.T, o.srv, [2]int{50, 50})
			return sheet(o.T, sheetRow(0, 0, "Desk,,sip.example.com,secret-1"), sheetRow(1, 1, "Sales,,,"), sheetRow(2, 3, ",,,"), sheetRow(50, 50, ",,,"))
		}, false},
		{"a password was changed", func(o *office, _ *provision.Source) *provision.Source {
			return sheet(o.T, sheetRow(0, 0, "Desk,,sip.example.com,secret-2"), sheetRow(1, 1, "Sales,,,"), sheetRow(2, 3, ",,,"))
		}, true},
		{"a gateway was changed", func(o *office, _ *provision.Source) *provision.Source {
			return sheet(o.T, sheetRow(0, 0, "Desk,,sip.example.net,secret-1"), sheetRow(1, 1, "Sales,,,"), sheetRow(2, 3, ",,,"))
		}, true},
		{"a trunk of the plan was moved", func(o *office, source *provision.Source) *provision.Source {
			_, err := o.client.Trunks.Assign(o.Context(), trunk(2), agent(40))
			require.NoError(o, err)
			return source
		}, true},
		{"a trunk of the plan was deleted", func(o *office, source *provision.Source) *provision.Source {
			require.NoError(o, o.client.Trunks.Delete(o.Context(), trunk(2)))
			return source
		}, true},
		{"a managed trunk was moved, which adds a change", func(o *office, source *provision.Source) *provision.Source {
			_, err := o.client.Trunks.Assign(o.Context(), trunk(1), agent(40))
			require.NoError(o, err)
			return source
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			add(t, o.srv, [2]int{2, 2})
			o.apply(sheet(t, sheetRow(1, 1, "Sales,,,")))
			source := sheet(t, sheetRow(0, 0, "Desk,,sip.example.com,secret-1"), sheetRow(1, 1, "Sales,,,"), sheetRow(2, 3, ",,,"))
			approved, err := o.plan(source)
			require.NoError(t, err)
			require.Len(t, approved.ID(), 24)
			source = test.meanwhile(o, source)
			before := o.writes()
			expects := func(opts *provision.ReconcileOptions) {
				opts.Expect, opts.JournalDir = approved.ID(), filepath.Join(t.TempDir(), "plans")
			}
			dir := ""
			plan, err := o.plan(source, expects, func(opts *provision.ReconcileOptions) { dir = opts.JournalDir })
			if test.stale {
				stale, ok := errors.AsType[*provision.StalePlanError](err)
				require.True(t, ok, "%v", err)
				require.ErrorIs(t, err, provision.ErrPlanStale)
				assert.False(t, stale.Finished)
				assert.Equal(t, before, o.writes())
				return
			}
			require.NoError(t, err)
			_, err = collect(t, plan.Run(t.Context()))
			require.NoError(t, err)
			_, err = o.plan(source, expects, func(opts *provision.ReconcileOptions) { opts.JournalDir = dir })
			stale, ok := errors.AsType[*provision.StalePlanError](err)
			require.True(t, ok, "a plan is applied once")
			assert.True(t, stale.Finished)
		})
	}
}

// What changes between a plan and its run is not applied.
func TestReconcileRunsWhatWasPlanned(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(o *office){
		"somebody creates the trunk on another agent": func(o *office) { add(o.T, o.srv, [2]int{0, 40}) },
		"somebody takes the agent":                    func(o *office) { add(o.T, o.srv, [2]int{41, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			plan, err := o.plan(sheet(t, sheetRow(0, 0, "Desk,,,"), sheetRow(1, 1, "Sales,,,")))
			require.NoError(t, err)
			meanwhile(o)
			trunks := len(o.srv.Trunks())
			results, err := collect(t, plan.Run(t.Context()))
			require.NoError(t, err)
			assert.Equal(t, []provision.Action{provision.Failed, provision.Created}, actions(results))
			assert.Len(t, o.srv.Trunks(), trunks+1)
			if is, ok := o.srv.Trunk(trunk(0)); ok {
				assert.Equal(t, agent(40), is.AgentUUID, "it stays with whoever made it")
			}
		})
	}
}

// An interrupted plan is resumed by its ID, though what is left is another plan.
func TestReconcileResumes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 30)...))
	source := file(t, append(same(0, 20), same(30, 10)...)...)
	dir := t.TempDir()
	approved, err := o.plan(source, prunes, anyNumber)
	require.NoError(t, err)
	assert.Equal(t, provision.PlanSummary{Create: 10, Delete: 10, Unchanged: 20, Managed: 30}, approved.Summary())
	expects := func(opts *provision.ReconcileOptions) {
		opts.Expect, opts.JournalDir, opts.Workers = approved.ID(), dir, 1
	}
	for stop := 25; ; stop += 3 {
		plan, err := o.plan(source, prunes, anyNumber, expects)
		require.NoError(t, err)
		left := plan.Summary().Changes()
		if stop > 25 {
			assert.Positive(t, left)
			assert.Less(t, left, 20)
		}
		n, ended := 0, true
		for result, err := range plan.Run(t.Context()) {
			require.NoError(t, err)
			require.NoError(t, result.Err)
			if n++; n == stop {
				ended = false
				break
			}
		}
		if ended {
			break
		}
	}
	require.Len(t, o.srv.Trunks(), 30)
	_, err = o.plan(source, prunes, anyNumber, expects)
	stale, ok := errors.AsType[*provision.StalePlanError](err)
	require.True(t, ok)
	assert.True(t, stale.Finished)
}

// interrupted runs a plan that was approved, until its first change. It returns the options that resume
// the plan, and its journal.
func (o *office) interrupted(source *provision.Source) (expects func(*provision.ReconcileOptions), journal string) {
	o.Helper()
	dir := o.TempDir()
	approved, err := o.plan(source)
	require.NoError(o, err)
	expects = func(opts *provision.ReconcileOptions) {
		opts.Expect, opts.JournalDir, opts.Workers = approved.ID(), dir, 1
	}
	plan, err := o.plan(source, expects)
	require.NoError(o, err)
	for _, err := range plan.Run(o.Context()) {
		require.NoError(o, err)
		break
	}
	return expects, filepath.Join(dir, approved.ID()+".plan")
}

// A plan of another world is not resumed.
func TestReconcileDoesNotResumeAnother(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	source := file(t, same(0, 10)...)
	expects, _ := o.interrupted(source)
	_, err := o.plan(file(t, same(0, 11)...), expects)
	require.ErrorIs(t, err, provision.ErrPlanStale, "the file has another row")
	_, err = o.plan(source, expects)
	require.NoError(t, err)
}

// What frees an agent comes before what needs it, in one run and without a refusal.
func TestReconcileOrder(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 4)...))
	before := o.srv.RequestCount()
	plan, err := o.plan(file(t, [2]int{10, 0}, [2]int{1, 1}, [2]int{2, 3}, [2]int{3, 2}), prunes, func(opts *provision.ReconcileOptions) { opts.SpareAgent = agent(90) })
	require.NoError(t, err)
	assert.Equal(t, []string{"delete 0000; since no row names it", "assign 0002; since on another agent", "assign 0003; since on another agent", "create 0010; since not in the workspace"}, shown(plan))
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	for _, result := range results {
		require.NoError(t, result.Err)
	}
	assert.Equal(t, before+1+2+1+3, o.srv.RequestCount(), "a page, the read and the deletion, the creation, three assignments for the swap")
}

// Deletions that free no agent come last, and only if nothing has failed.
func TestReconcileDeletesLast(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 4)...))
	plan, err := o.plan(file(t, append(same(0, 3), [2]int{5, 5})...), prunes)
	require.NoError(t, err)
	o.srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		if req.Method != http.MethodPost {
			return nil
		}
		return &mihutest.Fault{Status: http.StatusUnprocessableEntity}
	})
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Unchanged, provision.Unchanged, provision.Unchanged, provision.Failed}, actions(results))
	_, is := o.srv.Trunk(trunk(3))
	assert.True(t, is, "not deleted")
}

// Only what the state manages, is in the scope, and is as the state has it, is deleted.
func TestReconcilePrunes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		before func(o *office)
		edit   func(*provision.ReconcileOptions)
		drift  []provision.DriftKind
		stays  bool
	}{
		{"managed, and in the scope", func(*office) {}, nil, nil, false},
		{"outside the scope", func(*office) {}, func(opts *provision.ReconcileOptions) { opts.Scope.Prefixes = []string{"+12340000000"} }, nil, true},
		{"forgotten", func(o *office) { require.NoError(o, o.state.Forget(o.Context(), trunk(1))) }, nil, nil, true},
		{"moved by somebody else", func(o *office) {
			_, err := o.client.Trunks.Assign(o.Context(), trunk(1), agent(9))
			require.NoError(o, err)
		}, nil, []provision.DriftKind{provision.DriftMoved}, true},
		{"made again by somebody else", func(o *office) {
			require.NoError(o, o.client.Trunks.Delete(o.Context(), trunk(1)))
			add(o.T, o.srv, [2]int{1, 1})
		}, nil, []provision.DriftKind{provision.DriftRecreated}, true},
		{"deleted by somebody else", func(o *office) { require.NoError(o, o.client.Trunks.Delete(o.Context(), trunk(1))) }, nil, []provision.DriftKind{provision.DriftDeleted}, false},
		{"the state has another key", func(o *office) {
			store := newTable()
			old := stateIn(o.T, o.client, store, provision.NewStateKey())
			o.state = old
			o.apply(file(o.T, same(0, 2)...))
			o.state = stateIn(o.T, o.client, store, provision.NewStateKey())
		}, nil, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.apply(file(t, same(0, 2)...))
			test.before(o)
			edit := []func(*provision.ReconcileOptions){prunes}
			if test.edit != nil {
				edit = append(edit, test.edit)
			}
			plan, err := o.plan(file(t, same(0, 1)...), edit...)
			require.NoError(t, err)
			var drift []provision.DriftKind
			for d := range plan.Drift() {
				drift = append(drift, d.Kind)
			}
			assert.Equal(t, test.drift, drift)
			_, err = collect(t, plan.Run(t.Context()))
			require.NoError(t, err)
			_, stays := o.srv.Trunk(trunk(1))
			assert.Equal(t, test.stays, stays)
		})
	}
}

// A trunk that changes between plan and deletion is not deleted.
func TestReconcileReadsBeforeItDeletes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 2)...))
	plan, err := o.plan(file(t, same(0, 1)...), prunes)
	require.NoError(t, err)
	_, err = o.client.Trunks.Assign(t.Context(), trunk(1), agent(9))
	require.NoError(t, err)
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	require.Len(t, results, 2)
	at := slices.IndexFunc(results, func(r provision.Result) bool { return r.Err != nil })
	require.ErrorIs(t, results[at].Err, provision.ErrPlanStale)
	_, stays := o.srv.Trunk(trunk(1))
	assert.True(t, stays)
}

// No list, however wrong, makes a plan delete what should stay.
func TestReconcileOddLists(t *testing.T) {
	t.Parallel()
	page := func(change func(items []any, pagination map[string]any) []any) func([]byte) []byte {
		return func(body []byte) []byte {
			var envelope struct {
				Success bool           `json:"success"`
				Data    map[string]any `json:"data"`
			}
			if json.Unmarshal(body, &envelope) != nil || envelope.Data["items"] == nil {
				return body
			}
			pagination, _ := envelope.Data["pagination"].(map[string]any)
			items, _ := envelope.Data["items"].([]any)
			envelope.Data["items"] = change(items, pagination)
			changed, _ := json.Marshal(envelope)
			return changed
		}
	}
	for name, change := range map[string]func([]byte) []byte{
		"as it is":        page(func(items []any, _ map[string]any) []any { return items }),
		"repeats numbers": page(func(items []any, _ map[string]any) []any { return append(items, items...) }),
		"lacks bindings": page(func(items []any, _ map[string]any) []any {
			for _, item := range items {
				delete(item.(map[string]any), "bindings")
			}
			return items
		}),
		"lacks UUIDs": page(func(items []any, _ map[string]any) []any {
			for _, item := range items {
				delete(item.(map[string]any), "phone_number_uuid")
			}
			return items
		}),
		"ends early": page(func(items []any, _ map[string]any) []any { return items[:len(items)/2] }),
		"is empty":   page(func([]any, map[string]any) []any { return []any{} }),
		"is empty, and says so": page(func(_ []any, pagination map[string]any) []any {
			pagination["total"], pagination["last_page"] = 0, 1
			return []any{}
		}),
		"shows other agents": func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(agent(1)), []byte(agent(77))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.apply(file(t, same(0, 8)...))
			o.client = o.through(change)
			plan, err := o.plan(file(t, same(0, 6)...), prunes, anyNumber)
			if err == nil {
				for _, err := range plan.Run(t.Context()) {
					assert.NoError(t, err)
				}
			}
			for i := range 6 {
				is, stays := o.srv.Trunk(trunk(i))
				require.True(t, stays, "trunk %d of the file", i)
				assert.Equal(t, agent(i), is.AgentUUID)
			}
		})
	}
}

// through returns a client of the workspace, the responses of which are changed on the way.
func (o *office) through(change func(body []byte) []byte) *mihu.Client {
	o.Helper()
	client, err := mihu.New("", o.srv.Token(), mihu.WithBaseURL(o.client.BaseURL()), mihu.WithMaxReadLag(-1),
		mihu.WithHTTPClient(&http.Client{Transport: rewriting{change}}))
	require.NoError(o, err)
	return client
}

// runsWithinLimits applies a plan. If an error is wanted, nothing may be sent.
func (o *office) runsWithinLimits(plan *provision.Reconciliation, want *provision.LimitError) {
	o.Helper()
	before := o.writes()
	_, err := collect(o.T, plan.Run(o.Context()))
	if want == nil {
		require.NoError(o, err)
		return
	}
	limit, ok := errors.AsType[*provision.LimitError](err)
	require.True(o, ok, "%v", err)
	assert.Equal(o, want, limit)
	require.ErrorIs(o, err, provision.ErrLimit)
	require.Equal(o, err, plan.CheckLimits())
	assert.Equal(o, before, o.writes())
}

// Limits are counted before anything is sent.
func TestLimits(t *testing.T) {
	t.Parallel()
	shifted := func(n int) (pairs [][2]int) {
		for i := range n {
			pairs = append(pairs, [2]int{i, (i + 1) % n})
		}
		return pairs
	}
	for _, test := range []struct {
		name   string
		there  int
		wanted [][2]int
		limits *provision.Limits
		want   *provision.LimitError
	}{
		{"a shifted column", 200, shifted(200), nil, &provision.LimitError{Action: provision.Assign, Count: 200, Max: 20}},
		{"a tenth moves", 200, append(shifted(20), same(20, 180)...), nil, nil},
		{"five of six move", 6, append(shifted(5), [2]int{5, 5}), nil, nil},
		{"all may move", 200, shifted(200), &provision.Limits{MaxAssign: new(200)}, nil},
		{"none may move", 200, append(shifted(2), same(2, 198)...), &provision.Limits{MaxAssign: new(0)}, &provision.LimitError{Action: provision.Assign, Count: 2, Max: 0}},
		{"half of the rows are gone", 200, same(0, 100), nil, &provision.LimitError{Action: provision.Delete, Count: 100, Max: 10}},
		{"five are gone", 20, same(0, 15), nil, nil},
		{"six of twenty are gone", 20, same(0, 14), nil, &provision.LimitError{Action: provision.Delete, Count: 6, Max: 5}},
		{"six of twenty may go", 20, same(0, 14), &provision.Limits{MaxDelete: new(6)}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.apply(file(t, same(0, test.there)...))
			plan, err := o.plan(file(t, test.wanted...), prunes, func(opts *provision.ReconcileOptions) { opts.Limits, opts.SpareAgent = test.limits, agent(9000) })
			require.NoError(t, err)
			o.runsWithinLimits(plan, test.want)
		})
	}

	for name, test := range map[string]struct {
		there, cleared, moved int // the trunks; how many of the first lose their password, and move
		limits                *provision.Limits
		want                  *provision.LimitError
	}{
		"a column has lost its values": {200, 199, 0, nil, &provision.LimitError{Action: provision.Update, Count: 199, Max: 10}},
		"ten are cleared":              {200, 10, 0, nil, nil},
		"five of six are cleared":      {6, 5, 0, nil, nil},
		"six of six":                   {7, 6, 0, nil, &provision.LimitError{Action: provision.Update, Count: 6, Max: 5}},
		"six may be cleared":           {7, 6, 0, &provision.Limits{MaxClear: new(6)}, nil},
		"none may be cleared":          {7, 1, 0, &provision.Limits{MaxClear: new(0)}, &provision.LimitError{Action: provision.Update, Count: 1, Max: 0}},
		"what is moved counts too":     {7, 6, 6, &provision.Limits{MaxAssign: new(6)}, &provision.LimitError{Action: provision.Update, Count: 6, Max: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			source := func(cleared, moved int) *provision.Source {
				var lines []string
				for n := range test.there {
					password, agentOf := "secret", n
					if n < cleared {
						password = ""
					}
					if n < moved {
						agentOf += 1000
					}
					lines = append(lines, sheetRow(n, agentOf, ",,,"+password))
				}
				return sheet(t, lines...)
			}
			o.apply(source(0, 0))
			plan, err := o.plan(source(test.cleared, test.moved), func(opts *provision.ReconcileOptions) { opts.Limits = test.limits })
			require.NoError(t, err)
			assert.Equal(t, test.cleared, plan.Summary().Clear)
			o.runsWithinLimits(plan, test.want)
		})
	}

	t.Run("a run of a source", func(t *testing.T) {
		t.Parallel()
		o := newOffice(t)
		add(t, o.srv, same(0, 200)...)
		_, err := collect(t, file(t, shifted(200)...).Run(t.Context(), o.client, provision.Options{Limits: new(provision.Limits)}))
		limit, ok := errors.AsType[*provision.LimitError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, &provision.LimitError{Action: provision.Assign, Count: 200, Max: 20}, limit)
		assert.Zero(t, o.writes())
	})
}

// What no plan can be made of is an error before anything is sent.
func TestReconcileRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		source func(t *testing.T) *provision.Source
		edit   func(*provision.ReconcileOptions)
		want   string
	}{
		{"prune without a scope", nil, func(opts *provision.ReconcileOptions) { opts.Prune = true }, "needs a Scope"},
		{"prune without a state", nil, func(opts *provision.ReconcileOptions) { prunes(opts); opts.State = nil }, "needs a State"},
		{"an ID without a state", nil, func(opts *provision.ReconcileOptions) { opts.State, opts.Expect = nil, "abc" }, "needs a State"},
		{"not an ID", nil, func(opts *provision.ReconcileOptions) { opts.Expect, opts.JournalDir = "../x", "y" }, "not the ID of a plan"},
		{"a negative limit", nil, func(opts *provision.ReconcileOptions) { opts.Limits = &provision.Limits{MaxDelete: new(-1)} }, "negative"},
		{"a negative limit of clears", nil, func(opts *provision.ReconcileOptions) { opts.Limits = &provision.Limits{MaxClear: new(-1)} }, "max clear"},
		{"a row outside the scope", nil, func(opts *provision.ReconcileOptions) { opts.Scope.Prefixes = []string{"+44"} }, "line 2, column 1: phone_number \"+1234•••0000\": outside the scope prefix=+44"},
		{"a placeholder", func(t *testing.T) *provision.Source { t.Helper(); return sheet(t, sheetRow(0, 0, ",,,******")) }, func(*provision.ReconcileOptions) {}, "line 2, column 1: sip_password: a placeholder"},
		{"no source", func(*testing.T) *provision.Source { return new(provision.Source) }, func(*provision.ReconcileOptions) {}, "nil or closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			source := file(t, [2]int{0, 0})
			if test.source != nil {
				source = test.source(t)
			}
			_, err := o.plan(source, test.edit)
			require.ErrorContains(t, err, test.want)
			require.ErrorIs(t, err, mihu.ErrInvalid)
			assert.Zero(t, o.srv.RequestCount())
		})
	}
}

// Rows that cannot be done are no part of the plan.
func TestReconcileFailures(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	add(t, o.srv, [2]int{7, 7}, [2]int{8, 8}, [2]int{9, 9})
	plan, err := o.plan(file(t, [2]int{0, 0}, [2]int{1, 7}, [2]int{8, 9}, [2]int{9, 8}))
	require.NoError(t, err)
	assert.Equal(t, provision.PlanSummary{Create: 1, Failed: 3}, plan.Summary())
	failures := slices.Collect(plan.Failures())
	require.Len(t, failures, 3)
	_, busy := errors.AsType[*provision.AgentBusyError](failures[0].Err)
	assert.True(t, busy)
	_, cycle := errors.AsType[*provision.CycleError](failures[1].Err)
	assert.True(t, cycle)
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Created, provision.Failed, provision.Failed, provision.Failed}, actions(results))
	assert.Equal(t, 1, o.writes())
}

// How many requests a plan and its run take.
func TestReconcileRequests(t *testing.T) {
	t.Parallel()
	const n, pages = 600, 3
	o := newOffice(t)
	rows := func(changed int) *provision.Source {
		return wideFile(t, n, func(i int, item *provision.Item) {
			if i < changed {
				item.Trunk.Name = "Renamed"
			}
		})
	}
	for _, test := range []struct {
		name     string
		changed  int
		requests int
	}{{"all new", 0, n + 1}, {"unchanged", 0, pages}, {"1 % changed", n / 100, n/100 + pages}} {
		before := o.srv.RequestCount()
		results := o.apply(rows(test.changed))
		assert.Len(t, results, n)
		assert.Equal(t, test.requests, o.srv.RequestCount()-before, test.name)
	}
	before := o.srv.RequestCount()
	plan, err := o.plan(rows(0))
	require.NoError(t, err)
	assert.Equal(t, n/100, plan.Summary().Update)
	assert.Equal(t, pages, o.srv.RequestCount()-before, "a dry run")
}

// The document of a plan has names and whole numbers, and no value of a field.
func TestPlanDocument(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, [2]int{5, 5}))
	_, err := o.client.Trunks.Assign(t.Context(), trunk(5), agent(6))
	require.NoError(t, err)
	add(t, o.srv, [2]int{7, 7})
	plan, err := o.plan(sheet(t, sheetRow(0, 0, "PLANTED-NAME,inbound,planted.example.com,PLANTED-PASSWORD"), sheetRow(1, 7, ",,,")), prunes)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, plan.WriteJSON(&out))
	var document map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &document))
	assert.Equal(t, map[string]any{
		"version": 1.0, "id": plan.ID(), "workspace": o.client.BaseURL(), "prune": true, "scope": "channel=call",
		"summary": map[string]any{"create": 1.0, "assign": 0.0, "update": 0.0, "delete": 0.0, "unchanged": 0.0, "failed": 1.0, "clear": 0.0, "drift": 1.0, "managed": 1.0},
		"changes": []any{map[string]any{
			"action": "create", "phone_number": trunk(0).PhoneNumber, "channel": "call", "agent_uuid": agent(0), "line": 2.0,
			"sends": []any{"name", "direction", "sip.gateway", "sip.password"}, "reasons": []any{"not in the workspace"},
		}},
		"failures": []any{map[string]any{
			"phone_number": trunk(1).PhoneNumber, "channel": "call", "line": 3.0,
			"error": slices.Collect(plan.Failures())[0].Err.Error(),
		}},
		"drift": []any{map[string]any{
			"phone_number": trunk(5).PhoneNumber, "channel": "call", "kind": "moved", "agent_uuid": agent(6), "was_agent_uuid": agent(5),
		}},
	}, document)
	for _, planted := range []string{"PLANTED", "planted"} {
		assert.NotContains(t, out.String(), planted)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", plan, plan, plan), planted)
	}
	assert.NotContains(t, fmt.Sprintf("%+v %v", plan, slices.Collect(plan.Changes())), trunk(0).PhoneNumber)
}

// The audit sink receives every change, with the plan that it belongs to.
func TestReconcileAudit(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 3)...))
	var records []provision.AuditRecord
	plan, err := o.plan(file(t, [2]int{0, 10}, [2]int{3, 3}), prunes, func(opts *provision.ReconcileOptions) {
		opts.Audit = func(record provision.AuditRecord) { records = append(records, record) }
	})
	require.NoError(t, err)
	assert.Empty(t, records)
	_, err = collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	var ops []string
	for _, record := range records {
		assert.Equal(t, plan.ID(), record.Plan)
		assert.Equal(t, provision.AuditApplied, record.Outcome)
		ops = append(ops, fmt.Sprintf("%s %s", record.Op, record.PhoneNumber[len(record.PhoneNumber)-1:]))
	}
	assert.ElementsMatch(t, []string{"assign 0", "create 3", "delete 1", "delete 2"}, ops)
}

func TestParseScope(t *testing.T) {
	t.Parallel()
	scope, err := provision.ParseScope("channel=call, prefix=+1,prefix=+49,agent=" + agent(1))
	require.NoError(t, err)
	assert.Equal(t, "channel=call,prefix=+1,prefix=+49,agent="+agent(1), scope.String())
	assert.True(t, scope.Contains(trunk(0), strings.ToUpper(agent(1))))
	assert.False(t, scope.Contains(trunk(0), agent(2)))
	assert.False(t, scope.Contains(mihu.TrunkID{PhoneNumber: "+4420", Channel: mihu.ChannelCall}, agent(1)))
	for _, text := range []string{"number=+1", "channel=sms", "prefix=1", "prefix=+", "agent=me", ","} {
		_, err := provision.ParseScope(text)
		require.ErrorIs(t, err, mihu.ErrInvalid, text)
	}
}

// rewriting is a transport that changes the bodies of responses.
type rewriting struct{ change func([]byte) []byte }

func (r rewriting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	body = r.change(body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, nil
}
