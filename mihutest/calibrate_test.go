package mihutest_test

import (
	"errors"
	"fmt"
	"strings"
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

// What is not a report, or has answers that no rule expresses, makes no server that is wrong in silence.
func TestReadRulesRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                "not a report of a probe",
		`null`:            "has the format 0",
		`[]`:              "not a report of a probe",
		`{"format":2}`:    "has the format 2, and this version reads 1",
		`{"format":1}`:    "its date is malformed",
		observed("", "x"): "observation 1 is malformed",
		observed("create.status", "accepted\u202e201"):                         "observation 1 is malformed",
		strings.Replace(observed("a", "b"), `"date"`, `"demo":true,"date"`, 1): "not about your API",
	} {
		_, _, err := mihutest.ReadRules([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "mihutest: ReadRules: ", text)
		_, ok := errors.AsType[*mihutest.BeyondError](err)
		assert.False(t, ok, text)
	}
	for question, answer := range map[string]string{
		"create.status": "accepted 299", "create.duplicate": "refused 500", "list.max": "201", "list.paging": "page only", "delete.body": "other",
		"error.shapes": "404 html", "http.clock": "stopped", "read.after_write": "within 2s", "success.shape": "varies", "no.such": "answer",
	} {
		_, _, err := mihutest.ReadRules([]byte(observed(question, answer)))
		beyond, ok := errors.AsType[*mihutest.BeyondError](err)
		require.True(t, ok, "%s: %v", question, err)
		assert.Equal(t, []string{question}, beyond.Questions)
		require.ErrorContains(t, err, question+": "+answer)
	}
}

// observed is a report with one answer.
func observed(question, answer string) string {
	return fmt.Sprintf(`{"format":1,"date":"2026-01-02","observations":[{"question":%q,"observed":%q}]}`, question, answer)
}
