package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// errPending is the end of a dry run with --detailed-exitcode.
var errPending = errors.New("changes are pending")

// showPlan prints a plan and writes it to --out. It returns the error that a dry run ends with, or for
// which the plan is not applied.
func (a *app) showPlan(w *workspace, plan *provision.Reconciliation, f *syncFlags) error {
	if f.out != "" {
		if err := files.Replace(f.out, plan.WriteJSON); err != nil {
			return err
		}
	}
	if err := a.printPlan(plan, f); err != nil {
		return err
	}
	for drift := range plan.Drift() {
		a.note("%s", driftText(drift, a.names))
	}
	summary := plan.Summary()
	a.note("Plan for %s: %s.%s", w.name, planText(summary), planEnd(plan, f))
	if err := plan.CheckLimits(); err != nil {
		return limitError(err)
	}
	switch {
	case !f.dryRun:
		return nil
	case summary.Failed > 0:
		return &partialError{
			failed: summary.Failed, problem: counted(summary.Failed, "item") + " would fail", told: true,
			advice: "these items would fail; the others would be applied",
		}
	case f.detailedExitCode && summary.Changes() > 0:
		return errPending
	}
	return nil
}

// planEnd is what follows the counts.
func planEnd(plan *provision.Reconciliation, f *syncFlags) string {
	end := ""
	if id := plan.ID(); id != "" && plan.Summary().Changes() > 0 {
		end = " Plan ID: " + id + "."
	}
	if f.dryRun {
		end += " No changes made."
	}
	return end
}

// planText returns the counts of a plan: "2 create, 1 assign, 1 unchanged".
func planText(s provision.PlanSummary) string {
	var parts []string
	for _, part := range []struct {
		n    int
		name string
	}{
		{s.Create, "create"},
		{s.Assign, "assign"},
		{s.Update, "update"},
		{s.Delete, "delete"},
		{s.Unchanged, "unchanged"},
		{s.Failed, "cannot be done"},
		{s.Drift, "changed elsewhere"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.name))
		}
	}
	if parts == nil {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// printPlan prints the changes: as lines, or as data.
func (a *app) printPlan(plan *provision.Reconciliation, f *syncFlags) error {
	switch {
	case f.dryRun && a.global.output == term.FormatJSON:
		return plan.WriteJSON(a.stdout)
	case !f.dryRun && f.results:
		return nil // the data is what was done
	}
	out := a.changes(true, resultColumns())
	for c := range plan.Changes() {
		if err := out.add(plannedChange(c)); err != nil {
			return err
		}
	}
	for failure := range plan.Failures() {
		if err := out.add(changeOfResult(failure)); err != nil {
			return err
		}
	}
	return out.end()
}

// plannedChange returns a change of a plan as data.
func plannedChange(c provision.PlannedChange) change {
	return change{
		Action: c.Action, PhoneNumber: c.PhoneNumber, Channel: c.Channel, AgentUUID: cmp.Or(c.AgentUUID, c.PreviousAgentUUID),
		PreviousAgentUUID: c.PreviousAgentUUID, Sends: append(c.Sends, cleared(c.Clears)...), Line: c.Line,
	}
}

func cleared(fields []string) (texts []string) {
	for _, field := range fields {
		texts = append(texts, "-"+field)
	}
	return texts
}

// driftText describes what somebody else has changed.
func driftText(d provision.Drift, names knownNames) string {
	switch d.Kind {
	case provision.DriftMoved:
		return fmt.Sprintf("changed elsewhere: %v was moved from %s to %s", d.Trunk, names.of(d.WasAgentUUID, "…"), cmp.Or(names.of(d.AgentUUID, "…"), "no agent"))
	case provision.DriftRecreated:
		return fmt.Sprintf("changed elsewhere: %v was deleted and made again", d.Trunk)
	case provision.DriftDeleted:
		return fmt.Sprintf("changed elsewhere: %v was deleted", d.Trunk)
	default:
		return fmt.Sprintf("changed elsewhere: %v: %s", d.Trunk, d.Kind)
	}
}

// limitError adds the flag that allows more.
func limitError(err error) error {
	limit, ok := errors.AsType[*provision.LimitError](err)
	if !ok {
		return err
	}
	flag := "--max-delete"
	switch limit.Action {
	case provision.Assign:
		flag = "--max-assign"
	case provision.Update:
		flag = "--max-clear"
	default:
	}
	return &advisedError{err, fmt.Sprintf("check the file; if it is right, add %s %d", flag, limit.Count)}
}
