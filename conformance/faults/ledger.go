package main

import (
	"errors"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// entry is one call: what it should do to a trunk, and what it reported.
type entry struct {
	op string
	id mihu.TrunkID
	// before and after are the trunk before the call and after its success; nil means no trunk.
	before, after *mihutest.Trunk
	// doomed means that the server must refuse the call.
	doomed bool
	// proxyRetries means that a proxy may retry this DELETE, as HTTP allows. If such a call reports
	// not found, the trunk does not exist, but the call itself may have removed it.
	proxyRetries bool

	err error
	// snapshot is the result of a successful call; nil if it has none.
	snapshot *mihu.ChannelSnapshot
}

// report is the outcome that a call reports.
type report int

const (
	applied report = iota
	notApplied
	unknown
)

func (e *entry) report() report {
	switch {
	case e.err == nil:
		return applied
	case errors.Is(e.err, mihu.ErrOutcomeUnknown):
		return unknown
	}
	return notApplied
}

// ledger keeps the reports of calls in the order of completion.
type ledger struct {
	mu      sync.Mutex
	entries []entry
}

func (l *ledger) add(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
}

// count returns the number of entries of an operation with a report.
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

// failures returns the number of entries of an operation that did not succeed.
func (l *ledger) failures(op string) int { return l.count(op, notApplied) + l.count(op, unknown) }
