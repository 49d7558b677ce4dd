package main

import (
	"fmt"
	"strings"

	"github.com/mihu-go/mihu/provision"
)

// tally counts results by action.
type tally struct {
	counts  map[provision.Action]int
	unknown int // included in the failed ones
}

func (t *tally) add(action provision.Action) {
	if t.counts == nil {
		t.counts = map[provision.Action]int{}
	}
	t.counts[action]++
}

func (t *tally) failed() int { return t.counts[provision.Failed] }

func (t *tally) total() (n int) {
	for _, count := range t.counts {
		n += count
	}
	return n
}

// allActions returns the actions in the order in which they are printed.
func allActions() []provision.Action {
	return []provision.Action{
		provision.Created, provision.Assigned, provision.Updated, provision.Deleted, provision.Unchanged,
		provision.Duplicate, provision.Resumed, provision.Failed,
	}
}

// done returns what was done: "3 created, 1 failed".
func (t *tally) done() string {
	return t.text(allActions(), func(action provision.Action) string { return string(action) })
}

// plan returns what would be done: "3 create, 1 cannot be done".
func (t *tally) plan() string {
	actions := allActions()
	for i := range actions {
		actions[i] = actions[i].Planned()
	}
	return t.text(actions, func(action provision.Action) string {
		if action == provision.Failed {
			return "cannot be done"
		}
		return string(action)
	})
}

func (t *tally) text(actions []provision.Action, name func(provision.Action) string) string {
	var parts []string
	for _, action := range actions {
		if n := t.counts[action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name(action)))
		}
	}
	if parts == nil {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// counted returns a number of things: "1 item", "2 items".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
