package provision

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mihu-go/mihu"
)

// breakCycle puts a trunk of a cycle on the spare agent, so that its own agent is free for the
// next. It returns false if there is no cycle on a channel on which the spare agent serves no
// number. A cycle that was broken is done before the next, since the spare agent is free again only
// then.
func (l *waitlist) breakCycle() bool {
	if l.opts.SpareAgent == "" || l.ended() {
		return false
	}
	for w := range l.cycles(l.left()) {
		spare, _ := agentOf(l.opts.SpareAgent, w.item.Trunk.Channel)
		if l.holder[spare] == 0 && !l.isSpareHeld(spare) && !l.refusedSpare[spare] {
			l.putAside(l.firstOf(w), spare)
			return true
		}
	}
	return false
}

// isSpare reports whether an agent is the spare agent.
func (l *waitlist) isSpare(agent agentKey) bool {
	spare, ok := agentOf(l.opts.SpareAgent, mihu.ChannelCall)
	return ok && agent.agent == spare.agent
}

// isSpareHeld reports whether the spare agent serves a number, as far as is known.
func (l *waitlist) isSpareHeld(spare agentKey) bool {
	return l.world != nil && l.world.holderOf(spare) != 0
}

// firstOf returns the item of a cycle that comes first in the input.
func (l *waitlist) firstOf(from *waiting) *waiting {
	first := from
	for w := range l.around(from) {
		if w.index < first.index {
			first = w
		}
	}
	return first
}

// putAside puts the trunk of an item on the spare agent, and releases the agent that it had. If the
// API refuses the spare agent, the cycle stays, and is reported.
func (l *waitlist) putAside(w *waiting, spare agentKey) {
	had := l.serves[w.trunk]
	number := ""
	if l.world != nil {
		if found, err := l.world.get(l.ctx, w.trunk); err == nil {
			number = found.PhoneNumberUUID
		}
	}
	switch err := l.mode.assignSpare(w.item.Trunk.TrunkID, had); {
	case err == nil:
	case !errors.Is(err, mihu.ErrOutcomeUnknown) && (errors.Is(err, mihu.ErrConflict) || errors.Is(err, mihu.ErrInvalid)):
		l.refusedSpare[spare] = true
		return
	default:
		delete(l.byTrunk, w.trunk)
		l.queues[w.agent] = slices.DeleteFunc(l.queues[w.agent], func(other *waiting) bool { return other == w })
		l.finish(w, fmt.Errorf("provision: assigning %s to the spare agent: %w", w.item.Trunk.TrunkID, err))
		return
	}
	w.origin = had.uuid()
	l.serves[w.trunk], l.holder[spare] = spare, w.trunk
	if l.world != nil {
		l.world.moved(w.trunk, had, spare)
		l.world.waits(w.trunk, spare, number)
	}
	delete(l.holder, had)
	l.release(had)
}
