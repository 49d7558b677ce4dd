package mihutest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/mihu-go/mihu/mihutest"
)

// A probe that ends early may have seen a status elsewhere than in the answer to its own question.
func TestReadRulesOfAnEarlyEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		question, observed string
		want               mihutest.Rules
	}{
		{"assign.same", "accepted 204", mihutest.Rules{AssignStatus: 204}},
		{"agent.busy_assign", "shared 204", mihutest.Rules{AssignStatus: 204, OnBusyAssign: new(mihutest.ShareBusyAgent)}},
		{"agent.busy_assign", "taken 202", mihutest.Rules{AssignStatus: 202, OnBusyAssign: new(mihutest.TakeBusyAgent)}},
		{"agent.unknown", "accepted 200", mihutest.Rules{CreateStatus: 200, AnyAgent: true}},
		{"unknown.delete", "accepted 204", mihutest.Rules{DeleteStatus: 204, DeleteMissing: true}},
		{"update.name_empty", "accepted 202", mihutest.Rules{UpdateStatus: 202}},
	} {
		t.Run(tt.question+" "+tt.observed, func(t *testing.T) {
			t.Parallel()
			r := report.Report{Format: report.Format, Date: "2026-01-02", Observations: []report.Observation{{Question: tt.question, Observed: tt.observed}}}
			text, err := r.Write()
			require.NoError(t, err)
			rules, _, err := mihutest.ReadRules(text)
			require.NoError(t, err)
			assert.Equal(t, tt.want, rules)
		})
	}
}
