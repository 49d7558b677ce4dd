package main

import (
	"errors"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// entry is one call: what it was to do to a trunk, and what it reported.
type entry struct {
	op string
	id mihu.TrunkID
	// before and after are the trunk as it was and as it is to be; nil where there is none.
	before, after *mihutest.Trunk
	// doomed is a call that the server has to refuse: it can never reach after.
	doomed bool
	// repeatable is a DELETE that something in front of the server may repeat of its own accord, as
	// HTTP allows. Of such a call, not found says that the trunk is not there, and not who removed it.
	repeatable bool

	err error
	// snapshot is what a successful call gave; nil for one that gives none.
	snapshot *mihu.ChannelSnapshot
}

// report is what a call says of itself.
type report int

const (
	happened report = iota
	didNot
	unknown
)

func (e *entry) report() report {
	switch {
	case e.err == nil:
		return happened
	case errors.Is(e.err, mihu.ErrOutcomeUnknown):
		return unknown
	}
	return didNot
}

// ledger keeps what the calls reported, in the order in which they ended.
type ledger struct {
	mu      sync.Mutex
	entries []entry
}

func (l *ledger) add(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

// count counts the entries of an operation by what they report.
func (l *ledger) count(op string, wanted report) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.entries {
		if e := &l.entries[i]; e.op == op && e.report() == wanted {
			n++
		}
	}
	return n
}

// failures counts the entries of an operation that did not succeed.
func (l *ledger) failures(op string) int { return l.count(op, didNot) + l.count(op, unknown) }
