package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu/provision"
)

// planImport shows what an import would do, and changes nothing.
func (a *app) planImport(ctx context.Context, w *workspace, source *provision.Source, options provision.Options, f *importFlags) error {
	if path, _ := f.journalPath(); f.resume && exists(path) {
		journal, err := provision.OpenJournal(path, a.inputOf(w, source))
		if err != nil {
			return a.journalError(path, err)
		}
		defer func() { _ = journal.Close() }()
		options.Journal = journal
	}
	out := a.changes(true, resultColumns())
	var counts tally
	for result, err := range source.Plan(ctx, w.client, options) {
		if err != nil {
			return firstError(out.end(), err)
		}
		counts.add(result)
		if err := out.add(changeOfResult(result)); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	a.note("dry run of %s: %s; nothing was sent that changes anything", counted(source.Len(), "row"), counts.plan())
	if failed := counts.failed(); failed > 0 {
		return &partlyError{failed: failed, unknown: 0, advice: "they would fail as they are; the others would be done"}
	}
	return nil
}

// tally counts results by action.
type tally struct {
	counts  map[provision.Action]int
	unknown int
}

func (t *tally) add(result provision.Result) {
	if t.counts == nil {
		t.counts = map[provision.Action]int{}
	}
	t.counts[result.Action]++
}

func (t *tally) failed() int { return t.counts[provision.Failed] }

func (t *tally) all() (n int) {
	for _, count := range t.counts {
		n += count
	}
	return n
}

// allActions are the actions in the order in which they are told.
func allActions() []provision.Action {
	return []provision.Action{
		provision.Created, provision.Assigned, provision.Updated, provision.Unchanged,
		provision.Duplicate, provision.Resumed, provision.Failed,
	}
}

// done says what was done: "3 created, 1 failed".
func (t *tally) done() string {
	return t.text(func(action provision.Action) string { return string(action) })
}

// plan says what would be done: "3 to create, 1 cannot".
func (t *tally) plan() string {
	return t.text(func(action provision.Action) string {
		mark, verb, _ := marks(action)
		if mark == "+" || mark == "~" {
			return "to " + verb
		}
		return verb
	})
}

func (t *tally) text(name func(provision.Action) string) string {
	var parts []string
	for _, action := range allActions() {
		if n := t.counts[action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name(action)))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
