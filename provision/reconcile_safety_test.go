package provision_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// A plan that was interrupted is not resumed if somebody else has changed a trunk that is left: that
// change was never approved.
func TestReconcileDoesNotResumeInAnotherWorld(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		meanwhile func(o *office)
		stale     bool
	}{
		{"nothing changes", func(*office) {}, false},
		{"a trunk to create is made on another agent", func(o *office) { add(o.T, o.srv, [2]int{9, 49}) }, true},
		{"a trunk to create is made on the agent", func(o *office) { add(o.T, o.srv, [2]int{9, 9}) }, false},
		{"a trunk to move is on a third agent", func(o *office) {
			_, err := o.client.Trunks.Assign(o.Context(), trunk(8), agent(48))
			require.NoError(o, err)
		}, true},
		{"a trunk to move is gone", func(o *office) { require.NoError(o, o.client.Trunks.Delete(o.Context(), trunk(8))) }, true},
		{"a trunk to update is moved", func(o *office) {
			_, err := o.client.Trunks.Assign(o.Context(), trunk(7), agent(47))
			require.NoError(o, err)
		}, true},
		{"a trunk to delete is made again, with the state", func(o *office) {
			_, err := o.state.Track(o.Context(), provision.StateChange{Trunk: trunk(6), Delete: true}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
				return nil, o.client.Trunks.Delete(ctx, trunk(6))
			})
			require.NoError(o, err)
			req := &mihu.TrunkCreateRequest{TrunkID: trunk(6), AgentUUID: agent(6)}
			_, err = o.state.Track(o.Context(), provision.StateChange{Trunk: trunk(6), Create: req}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
				return o.client.Trunks.Create(ctx, req)
			})
			require.NoError(o, err)
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.apply(sheet(t, sheetRow(6, 6, ",,,"), sheetRow(7, 7, "Old,,,"), sheetRow(8, 58, ",,,")))
			source := sheet(t, sheetRow(0, 0, ",,,"), sheetRow(7, 7, "New,,,"), sheetRow(8, 8, ",,,"), sheetRow(9, 9, ",,,"))
			dir := t.TempDir()
			approved, err := o.plan(source, prunes)
			require.NoError(t, err)
			require.Equal(t, provision.PlanSummary{Create: 2, Assign: 1, Update: 1, Delete: 1, Managed: 3}, approved.Summary())
			expects := func(opts *provision.ReconcileOptions) {
				opts.Expect, opts.JournalDir, opts.Workers = approved.ID(), dir, 1
			}
			plan, err := o.plan(source, prunes, expects)
			require.NoError(t, err)
			for result, err := range plan.Run(t.Context()) {
				require.NoError(t, err)
				require.NoError(t, result.Err)
				break // it is interrupted
			}
			test.meanwhile(o)
			before := o.writes()
			_, err = o.plan(source, prunes, expects)
			if !test.stale {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, provision.ErrPlanStale)
			assert.Equal(t, before, o.writes())
		})
	}
}

// between is a transport that answers the first request of a method with 502 without passing it on,
// after something has happened.
type between struct {
	method  string
	happens func()
	done    atomic.Bool
}

func (b *between) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != b.method || b.done.Swap(true) {
		return http.DefaultTransport.RoundTrip(req)
	}
	b.happens()
	return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{}, Body: http.NoBody, Request: req, ProtoMajor: 1, ProtoMinor: 1}, nil
}

// A retry does no more than the plan: what somebody else does between two attempts stays.
func TestReconcileRetriesWhatWasPlanned(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		row       string
		method    string
		meanwhile func(o *office)
		want      string // the agent in the end; "" if the trunk is not there
		stale     bool
	}{
		{"nothing happens to a trunk to create", sheetRow(0, 0, ",,,"), http.MethodPost, func(*office) {}, agent(0), false},
		{"nothing happens to a trunk to update", sheetRow(1, 1, "New,,,"), http.MethodPatch, func(*office) {}, agent(1), false},
		{"nothing happens to a trunk to move", sheetRow(1, 2, ",,,"), http.MethodPut, func(*office) {}, agent(2), false},
		{"a trunk to create is made on another agent", sheetRow(0, 0, ",,,"), http.MethodPost, func(o *office) { add(o.T, o.srv, [2]int{0, 40}) }, agent(40), true},
		{"a trunk to update is moved", sheetRow(1, 1, "New,,,"), http.MethodPatch, func(o *office) {
			_, err := o.srv.Client(o.T).Trunks.Assign(o.Context(), trunk(1), agent(40))
			require.NoError(o, err)
		}, agent(40), true},
		{"a trunk to update is deleted", sheetRow(1, 1, "New,,,"), http.MethodPatch, func(o *office) {
			require.NoError(o, o.srv.Client(o.T).Trunks.Delete(o.Context(), trunk(1)))
		}, "", true},
		{"a trunk to move is moved elsewhere", sheetRow(1, 2, ",,,"), http.MethodPut, func(o *office) {
			_, err := o.srv.Client(o.T).Trunks.Assign(o.Context(), trunk(1), agent(40))
			require.NoError(o, err)
		}, agent(40), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.apply(sheet(t, sheetRow(1, 1, "Old,,,")))
			var err error
			o.client, err = mihu.New("", o.srv.Token(), mihu.WithBaseURL(o.client.BaseURL()), mihu.WithMaxReadLag(-1), mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}),
				mihu.WithHTTPClient(&http.Client{Transport: &between{method: test.method, happens: func() { test.meanwhile(o) }}}))
			require.NoError(t, err)
			plan, err := o.plan(sheet(t, test.row))
			require.NoError(t, err)
			results, err := collect(t, plan.Run(t.Context()))
			require.NoError(t, err)
			require.Len(t, results, 1)
			id := results[0].Item.Trunk.TrunkID
			if is, there := o.srv.Trunk(id); there || test.want != "" {
				assert.Equal(t, test.want, is.AgentUUID)
			}
			if !test.stale {
				require.NoError(t, results[0].Err)
				return
			}
			require.ErrorIs(t, results[0].Err, provision.ErrPlanStale)
		})
	}
}

// A deletion that was cut short is done by the next plan.
func TestReconcilePrunesAfterAnUnknownDeletion(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(sheet(t, sheetRow(0, 0, ",,,"), sheetRow(1, 1, "Old,,,")))
	_, err := o.state.Track(t.Context(), provision.StateChange{Trunk: trunk(1), Delete: true}, func(context.Context) (*mihu.ChannelSnapshot, error) {
		return nil, mihu.ErrOutcomeUnknown
	})
	require.ErrorIs(t, err, mihu.ErrOutcomeUnknown)

	named, err := o.plan(sheet(t, sheetRow(0, 0, ",,,"), sheetRow(1, 1, "Old,,,")))
	require.NoError(t, err)
	assert.Equal(t, []string{"update 0001; sends name; since a request was begun, and its outcome is not known"}, shown(named))

	pruned, err := o.plan(sheet(t, sheetRow(0, 0, ",,,")), prunes)
	require.NoError(t, err)
	_, err = collect(t, pruned.Run(t.Context()))
	require.NoError(t, err)
	_, there := o.srv.Trunk(trunk(1))
	assert.False(t, there)
}

// A file that was written from the API has empty columns for what the API does not return. To bring
// such a file back clears nothing.
func TestReconcileClearsNothingByAnExport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(sheet(t, sheetRow(0, 0, "Desk,inbound,sip.example.com,secret-1"), sheetRow(1, 1, "Sales,,,secret-2")))
	var b strings.Builder
	out := provision.NewWriter(&b, provision.FormatCSV)
	for i := range 2 {
		require.NoError(t, out.Write(provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: trunk(i), AgentUUID: agent(i)}}, ""))
	}
	require.NoError(t, out.Flush())
	require.Contains(t, b.String(), "sip_password")
	source, err := spool(t, b.String(), provision.ReadOptions{})
	require.NoError(t, err)
	plan, err := o.plan(source)
	require.NoError(t, err)
	assert.Empty(t, shown(plan))

	plan, err = o.plan(sheet(t, sheetRow(0, 0, "Desk,,,secret-1"), sheetRow(1, 1, ",,,secret-2")))
	require.NoError(t, err)
	assert.Equal(t, []string{"update 0001; clears name; since the cell is empty, and the field was set"}, shown(plan))
}

// A row that cannot be done deletes no trunk for the agent that it wants.
func TestReconcileDeletesNothingForRowsThatFail(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 2)...))
	source, err := spool(t, "phone_number,channel,agent_uuid,secret_name\n"+trunk(0).PhoneNumber+",call,"+agent(0)+",\n"+
		trunk(5).PhoneNumber+",call,"+agent(1)+",lost\n", provision.ReadOptions{})
	require.NoError(t, err)
	plan, err := o.plan(source, prunes, func(opts *provision.ReconcileOptions) {
		opts.Secrets = func(context.Context, string) (mihu.SIPCredentials, error) {
			return mihu.SIPCredentials{}, errors.New("unknown")
		}
	})
	require.NoError(t, err)
	assert.Equal(t, 1, plan.Summary().Failed)
	results, err := collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Unchanged, provision.Failed}, actions(results))
	_, there := o.srv.Trunk(trunk(1))
	assert.True(t, there)
}

// A plan is applied once. To run it again makes it again.
func TestReconciliationRunsOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	add(t, o.srv, [2]int{1, 1})
	plan, err := o.plan(file(t, [2]int{0, 0}, [2]int{1, 2}))
	require.NoError(t, err)
	_, err = collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	_, err = o.srv.Client(t).Trunks.Assign(t.Context(), trunk(1), agent(40))
	require.NoError(t, err)
	before := o.writes()
	results, err := collect(t, plan.Run(t.Context()))
	require.ErrorIs(t, err, provision.ErrPlanStale)
	assert.Empty(t, results)
	assert.Equal(t, before, o.writes())
}

// The ID covers what a plan uses to carry itself out.
func TestReconcileIDCoversTheSpareAgent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	add(t, o.srv, [2]int{0, 0}, [2]int{1, 1})
	spare := func(n int) func(*provision.ReconcileOptions) {
		return func(opts *provision.ReconcileOptions) { opts.SpareAgent = agent(n) }
	}
	source := file(t, [2]int{0, 1}, [2]int{1, 0})
	first, err := o.plan(source, spare(90))
	require.NoError(t, err)
	_, err = o.plan(source, spare(91), func(opts *provision.ReconcileOptions) { opts.Expect = first.ID() })
	require.ErrorIs(t, err, provision.ErrPlanStale)
	_, err = o.plan(source, spare(90), func(opts *provision.ReconcileOptions) { opts.Expect = first.ID() })
	require.NoError(t, err)
}

// Credentials that are looked up can be placeholders too.
func TestReconcileRefusesPlaceholdersOfSecrets(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	source, err := spool(t, "phone_number,channel,agent_uuid,secret_name\n"+trunk(0).PhoneNumber+",call,"+agent(0)+",desk\n", provision.ReadOptions{})
	require.NoError(t, err)
	plan, err := o.plan(source, func(opts *provision.ReconcileOptions) {
		opts.Secrets = func(context.Context, string) (mihu.SIPCredentials, error) {
			return mihu.SIPCredentials{Gateway: "sip.example.com", Username: "desk", Password: "********"}, nil
		}
	})
	require.NoError(t, err)
	assert.Equal(t, provision.PlanSummary{Failed: 1}, plan.Summary())
	for failure := range plan.Failures() {
		require.ErrorIs(t, failure.Err, mihu.ErrInvalid)
		require.ErrorContains(t, failure.Err, "a placeholder")
	}
}

// What cannot be looked up is not taken for what stays where it is.
func TestLimitsCountWhatCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	add(t, o.srv, same(0, 500)...)
	shifted := make([][2]int, 0, 6)
	for i := range 6 {
		shifted = append(shifted, [2]int{i, 600 + i})
	}
	for status, want := range map[int]error{http.StatusServiceUnavailable: mihu.ErrServer, http.StatusUnauthorized: mihu.ErrUnauthorized, http.StatusUnprocessableEntity: provision.ErrLimit} {
		o.srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
			if req.Method == http.MethodGet {
				return &mihutest.Fault{Status: status}
			}
			return nil
		})
		_, err := collect(t, file(t, shifted...).Run(t.Context(), o.client, provision.Options{Limits: new(provision.Limits)}))
		require.ErrorIs(t, err, want)
		assert.Zero(t, o.writes())
	}
}

// The journal of a plan has digests, and no number, agent or value.
func TestPlanJournalIsPrivate(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	source := sheet(t, sheetRow(0, 0, "PLANTED-NAME,inbound,planted.example.com,PLANTED-PASSWORD"))
	approved, err := o.plan(source)
	require.NoError(t, err)
	dir := t.TempDir()
	plan, err := o.plan(source, func(opts *provision.ReconcileOptions) { opts.Expect, opts.JournalDir = approved.ID(), dir })
	require.NoError(t, err)
	_, err = collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, approved.ID()+".plan"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "finished")
	for _, planted := range []string{"planted", strings.ToLower(agent(0)), strings.TrimPrefix(trunk(0).PhoneNumber, "+")} {
		assert.NotContains(t, strings.ToLower(string(text)), planted)
	}
}
