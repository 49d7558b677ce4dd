package provision_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// What plans and their errors say, without a whole number.
func TestPlanTexts(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.apply(file(t, same(0, 2)...))
	_, err := o.client.Trunks.Assign(t.Context(), trunk(0), agent(9))
	require.NoError(t, err)
	plan, err := o.plan(file(t, [2]int{0, 0}), prunes)
	require.NoError(t, err)
	change, drift := slices.Collect(plan.Changes())[0], slices.Collect(plan.Drift())[0]
	for _, test := range []struct {
		value any
		want  string
	}{
		{plan, "Reconciliation{0 create, 1 assign, 0 update, 1 delete, 0 unchanged, 0 failed}"},
		{change, "PlannedChange{assign +1234•••0000/call}"},
		{drift, "Drift{+1234•••0000/call moved}"},
		{&provision.LimitError{Action: provision.Delete, Count: 11, Max: 10}, "provision: nothing was changed: this would delete 11 trunks, and the limit is 10"},
		{&provision.LimitError{Action: provision.Assign, Count: 51, Max: 50}, "provision: nothing was changed: this would move 51 trunks to other agents, and the limit is 50"},
		{&provision.StalePlanError{Expected: "a", Finished: true}, "provision: nothing was changed: plan a was applied before; make a new plan"},
		{&provision.StalePlanError{Expected: "a", ID: "b"}, "provision: nothing was changed: the plan is b now, and a was expected: the input, its credentials or the workspace have changed since; look at the new plan and approve that"},
	} {
		assert.Equal(t, test.want, fmt.Sprintf("%v", test.value))
		if _, isError := test.value.(error); !isError {
			assert.Equal(t, test.want, fmt.Sprintf("%+v", test.value))
		}
	}
	assert.Equal(t, trunk(0), change.Trunk())

	plain, err := provision.Reconcile(t.Context(), o.client, file(t, [2]int{5, 5}), provision.ReconcileOptions{})
	require.NoError(t, err)
	assert.Empty(t, plain.ID(), "it needs the key of a state")
	results, err := collect(t, plain.Run(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Created}, actions(results))
}

// Without a directory for journals, an approved plan is compared, and not resumed.
func TestReconcileExpectsWithoutJournals(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	source := file(t, same(0, 2)...)
	approved, err := o.plan(source)
	require.NoError(t, err)
	expects := func(opts *provision.ReconcileOptions) { opts.Expect = strings.ToUpper(approved.ID()) }
	plan, err := o.plan(source, expects)
	require.NoError(t, err)
	_, err = collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	_, err = o.plan(source, expects)
	require.ErrorIs(t, err, provision.ErrPlanStale)
}

// A journal of a plan that is not as it was written is an error, and nothing is sent.
func TestDamagedPlanJournal(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]struct {
		edit func(content string) string
		want error
	}{
		"a byte has changed": {func(s string) string { return strings.Replace(s, `"begun":true`, `"begun":tru3`, 1) + "\n" }, provision.ErrJournalDamaged},
		"of another plan": {func(string) string {
			return provision.Checksummed(`{"plan":"mihu-plan","version":1,"id":"0123456789abcdef01234567","key_id":"x"`)
		}, provision.ErrOtherInput},
		"a digest that is none":        {func(s string) string { return s + provision.Checksummed(`{"changes":["?"]`) }, provision.ErrJournalDamaged},
		"its last line was cut, begun": {func(s string) string { return s + `{"fin` }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			source := file(t, same(0, 3)...)
			expects, path := o.interrupted(source)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(damage.edit(string(content))), 0o600))
			before := o.writes()
			_, err = o.plan(source, expects)
			if damage.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, damage.want)
			assert.Equal(t, before, o.writes())
		})
	}
}

// Every field that the state has as set can be cleared by an empty cell.
func TestReconcileClearsEachField(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const header = "phone_number,channel,agent_uuid,name,direction,sip_gateway,sip_port,sip_username,sip_password,sip_secondary_gateway,additional_settings\n"
	full := `,Desk,inbound,sip.example.com,5061,user,password,sip2.example.com,"{""a"":1}"` + "\n"
	rows := func(first string) *provision.Source {
		source, err := spool(t, header+trunk(0).PhoneNumber+",call,"+agent(0)+first+trunk(1).PhoneNumber+",call,"+agent(1)+full, provision.ReadOptions{})
		require.NoError(t, err)
		return source
	}
	o.apply(rows(full))
	is, _ := o.srv.Trunk(trunk(0))
	require.Equal(t, 5061, is.SIP.Port)
	plan, err := o.plan(rows(",,,,,,,,\n"))
	require.NoError(t, err)
	change := slices.Collect(plan.Changes())[0]
	assert.Len(t, change.Clears, 8)
	_, err = collect(t, plan.Run(t.Context()))
	require.NoError(t, err)
	is, _ = o.srv.Trunk(trunk(0))
	assert.Equal(t, mihu.SIPCredentials{}, is.SIP)
	assert.Equal(t, mihu.DirectionBoth, is.Direction)
	assert.Empty(t, is.AdditionalSettings)
	assert.Equal(t, "call_trunk_12340000000", is.Name)
}

// Limits that cannot be counted are refused.
func TestLimitsThatCannotBeCounted(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	limits := provision.Options{Limits: new(provision.Limits)}
	_, err := collect(t, provision.Run(t.Context(), o.client, many(1), limits))
	require.ErrorContains(t, err, "not possible for a stream")
	limits.Lookup = provision.LookupEach
	_, err = collect(t, file(t, same(0, 1)...).Run(t.Context(), o.client, limits))
	require.ErrorContains(t, err, "not possible with LookupEach")
	limits = provision.Options{Limits: &provision.Limits{MaxAssign: new(-1)}}
	_, err = collect(t, file(t, same(0, 1)...).Run(t.Context(), o.client, limits))
	require.ErrorContains(t, err, "negative")
	require.NoError(t, (*provision.Limits)(nil).Check(5, 5, 5, 0))
	require.ErrorIs(t, (*provision.Limits)(nil).Check(6, 0, 0, 0), provision.ErrLimit)
	assert.Zero(t, o.writes())
}
