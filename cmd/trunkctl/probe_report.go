package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/mihu-go/mihu/mihutest"
)

// observation is a question of a probe with its answer.
type observation struct {
	Question   string `json:"question"`
	Documented string `json:"documented"`
	// Before is the answer of the report of --diff.
	Before   string `json:"before,omitempty"`
	Observed string `json:"observed,omitempty"`
	Missing  string `json:"missing,omitempty"`
}

func observationColumns(compared bool) []term.Column {
	columns := []term.Column{
		{Name: "question"},
		{Name: "documented", Flexible: true},
		{Name: "before", Flexible: true},
		{Name: "observed", Only: term.FormatTable, Flexible: true},
		{Name: "observed", Only: term.FormatCSV},
		{Name: "missing", Only: term.FormatCSV},
	}
	if !compared {
		columns[2].Only = term.FormatCSV
	}
	return columns
}

func (o observation) Cells() []string {
	return []string{o.Question, o.Documented, o.Before, cmp.Or(o.Observed, "- "+o.Missing), o.Observed, o.Missing}
}

// printReport prints the answers of a report, beside those of an older one unless that is nil. A table
// then has only those that differ.
func (a *app) printReport(r, baseline *report.Report) error {
	out := a.records(observationColumns(baseline != nil))
	out.OmitEmptyTable()
	for _, o := range r.Observations {
		row := observation{Question: o.Question, Documented: o.Documented, Observed: o.Observed, Missing: o.Missing}
		if baseline != nil {
			row.Before = baseline.Observed(o.Question)
			if row.Before == row.Observed && a.global.output == term.FormatTable {
				continue
			}
		}
		if err := out.Add(row); err != nil {
			return err
		}
	}
	return out.End()
}

// writeReport writes a report to a new file.
func writeReport(path string, r *report.Report) error {
	text, err := r.Write()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a file that the user names
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(cmp.Or(err, file.Sync()), file.Close()); err != nil {
		_ = os.Remove(path) // half a report is none
	}
	return err
}

// beyondRules returns the questions whose answers no rule of the fake server expresses.
func beyondRules(r *report.Report) []string {
	text, err := r.Write()
	if err == nil {
		_, _, err = mihutest.ReadRules(text)
	}
	if beyond, ok := errors.AsType[*mihutest.BeyondError](err); ok {
		return beyond.Questions
	}
	return []string{}
}

// showReport prints a report. written is whether it has its file.
func (a *app) showReport(w *workspace, f *probeFlags, result *probe.Result, baseline *report.Report, written bool) error {
	r := result.Report
	if err := a.printReport(r, baseline); err != nil {
		return err
	}
	answered, limited := 0, 0
	for _, o := range r.Observations {
		if o.Observed != "" {
			answered++
		}
		if o.Missing == probe.RequestLimit {
			limited++
		}
	}
	a.note("probed %s: %d of %s answered, %s and %d to read the lists",
		w.name, answered, counted(len(r.Observations), "question"), counted(result.Requests-result.Preflight, "request"), result.Preflight)
	if limited > 0 {
		a.note("not asked, because of the request limit: %s; --max-requests raises it", counted(limited, "question"))
	}
	switch {
	case written && a.global.demo:
		a.note("wrote %s, which is about the fake server and not about the API", f.report)
	case written:
		a.note("wrote %s", f.report)
	}
	if len(r.Contract) > 0 {
		a.note("other than documented: %s", strings.Join(r.Contract, ", "))
	}
	if len(r.Beyond) > 0 {
		a.note("no rule of mihutest expresses: %s", strings.Join(r.Beyond, ", "))
	}
	return nil
}

// endOfProbe returns what a probe ends with: that it ended early, or that answers have changed.
func (a *app) endOfProbe(result *probe.Result, f *probeFlags, baseline *report.Report, written bool) error {
	if why := result.Report.Stopped; why != "" {
		early := &partialError{problem: "the probe ended early: " + why, advice: "probe again"}
		if written {
			early.advice = "the other answers are in " + f.report + "; probe again with another --report"
		}
		return early
	}
	if baseline == nil {
		return nil
	}
	return a.compare(baseline, result.Report, f.diff)
}

// changedError is a report with other answers than an older one.
type changedError struct{ questions []string }

func (e *changedError) Error() string {
	return counted(len(e.questions), "answer") + " changed: " + strings.Join(e.questions, ", ")
}

// compare tells what has changed since an older report.
func (a *app) compare(before, after *report.Report, name string) error {
	changed, unseen := report.Diff(before, after)
	if len(unseen) > 0 {
		a.note("answered in %s only: %s", name, strings.Join(unseen, ", "))
	}
	if len(changed) == 0 {
		a.note("no answer differs from %s of %s", name, before.Date)
		return nil
	}
	questions := make([]string, 0, len(changed))
	for _, each := range changed {
		questions = append(questions, each.Question)
	}
	slices.Sort(questions)
	return &advisedError{
		&changedError{questions},
		fmt.Sprintf("compared with %s of %s; read the tests that depend on them, and keep the new report", name, before.Date),
	}
}

// warnOfAge warns of an old report.
func (a *app) warnOfAge(baseline *report.Report, name string) {
	if baseline != nil && baseline.IsStale(time.Now()) {
		a.printErr(fmt.Sprintf("warning: %s is of %s, more than 180 days ago", name, baseline.Date))
	}
}

// compareReports compares two files, and sends nothing.
func (a *app) compareReports(f *probeFlags) error {
	before, err := readReport("--diff", f.diff)
	if err != nil {
		return err
	}
	after, err := readReport("--report", f.report)
	if err != nil {
		return err
	}
	a.warnOfAge(before, f.diff)
	if err := a.printReport(after, before); err != nil {
		return err
	}
	return a.compare(before, after, f.diff)
}
