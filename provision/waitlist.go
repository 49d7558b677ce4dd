package provision

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/mihu-go/mihu"
)

// mayWait reports whether the API refused an item in a way that may mean that its agent serves
// another number. How the API says that is not documented.
func mayWait(item *Item, done effect) bool {
	err := done.err
	if err == nil || done.ensured == nil || errors.Is(err, mihu.ErrOutcomeUnknown) || !errors.Is(err, mihu.ErrConflict) && !errors.Is(err, mihu.ErrInvalid) {
		return false
	}
	if _, unsent := errors.AsType[*mihu.ValidationError](err); unsent {
		return false
	}
	there := done.ensured.Snapshot
	return there == nil || there.External() && !strings.EqualFold(there.Binding(item.Trunk.Channel).AgentUUID, item.Trunk.AgentUUID)
}

// waiting is an item that waits for its agent.
type waiting struct {
	*job
	done    effect // of the last attempt
	trunk   trunkKey
	agent   agentKey
	origin  string // the agent that the trunk was on before the spare agent
	visited int    // by the search for cycles
}

// waitlist holds the items that wait for agents. Workers add to it while the stream is read. After
// that, resolve tries the items as agents become free.
type waitlist struct {
	*engine
	mu    sync.Mutex
	items []*waiting

	queues  map[agentKey][]*waiting // who wants an agent, in the order of the input
	byTrunk map[trunkKey]*waiting   // who still waits
	holder  map[agentKey]trunkKey   // who has an agent that is wanted
	serves  map[trunkKey]agentKey   // the agents of those who wait
	ready   []*waiting
	tried   chan *waiting

	refusedSpare map[agentKey]bool // the API refused the spare agent
	confirmed    map[agentKey]bool // who has the agent was confirmed
}

// add adds an item that was refused.
func (l *waitlist) add(j *job, done effect) {
	w := &waiting{job: j, done: done}
	w.trunk, _ = keyOf(j.item.Trunk.TrunkID)
	w.agent, _ = agentOf(j.item.Trunk.AgentUUID, j.item.Trunk.Channel)
	l.mu.Lock()
	l.items = append(l.items, w)
	l.mu.Unlock()
	l.events <- waits{}
}

// finish reports the result of an item.
func (l *waitlist) finish(w *waiting, err error) {
	w.done.err = err
	if w.origin != "" {
		w.done.spare = true
		if w.done.ensured == nil {
			w.done.ensured = new(mihu.EnsureResult)
		}
		w.done.ensured.Action = cmp.Or(w.done.ensured.Action, mihu.ActionAssigned)
		w.done.ensured.PreviousAgentUUID = w.origin
	}
	l.report(w.job, w.done, true)
}

// resolve tries the items again as agents become free, and explains why the rest cannot be done.
func (l *waitlist) resolve() {
	if len(l.items) == 0 {
		return
	}
	if l.ended() {
		l.leaveUndone()
		return
	}
	l.queues, l.byTrunk = map[agentKey][]*waiting{}, map[trunkKey]*waiting{}
	l.holder, l.serves = map[agentKey]trunkKey{}, map[trunkKey]agentKey{}
	l.refusedSpare, l.confirmed = map[agentKey]bool{}, map[agentKey]bool{}
	l.tried = make(chan *waiting, l.opts.Workers)
	slices.SortFunc(l.items, func(a, b *waiting) int { return cmp.Compare(a.index, b.index) })
	for _, w := range l.items {
		l.queues[w.agent] = append(l.queues[w.agent], w)
		l.byTrunk[w.trunk] = w
	}
	if err := l.findHolders(); err != nil {
		l.failAll(err)
		return
	}
	for _, w := range l.items {
		l.release(w.agent)
	}
	for l.tryReady(); l.breakCycle() || l.confirm(); {
		l.tryReady()
	}
	l.explain()
}

// findHolders finds out which trunks have the agents. If the API has refused an item, something is
// other than was known, and the workspace is listed.
func (l *waitlist) findHolders() error {
	if l.world != nil && !slices.ContainsFunc(l.items, func(w *waiting) bool { return !errors.Is(w.done.err, errHeld) }) {
		for _, w := range l.items {
			if holder := l.world.holderOf(w.agent); holder != 0 {
				l.holder[w.agent] = holder
			}
			if found, err := l.world.get(l.ctx, w.trunk); err == nil && found.Exists {
				l.serves[w.trunk], _ = agentOf(found.AgentUUID, w.item.Trunk.Channel)
			}
		}
		return nil
	}
	for at, err := range l.workspace.bindings(l.ctx) {
		if err != nil {
			return err
		}
		if l.byTrunk[at.trunk] != nil {
			l.serves[at.trunk] = at.agent
		}
		if l.queues[at.agent] != nil || l.isSpare(at.agent) {
			l.holder[at.agent] = at.trunk
		}
	}
	if l.world != nil {
		for _, w := range l.items {
			l.world.hold(w.agent, l.holder[w.agent])
		}
	}
	return nil
}

// confirm asks who has the agents of items that were not sent, before these fail because of a list
// that may be old. Only holders that do not wait themselves matter. It reports whether an agent is
// free after all.
func (l *waitlist) confirm() bool {
	freed := false
	for _, w := range l.left() {
		holder := l.holder[w.agent]
		if holder == 0 || l.byTrunk[holder] != nil || l.confirmed[w.agent] || !errors.Is(w.done.err, errHeld) || l.ended() {
			continue
		}
		l.confirmed[w.agent] = true
		if l.mode.holds(holder, w.agent) {
			continue
		}
		l.world.hold(w.agent, 0)
		delete(l.holder, w.agent)
		l.release(w.agent)
		freed = true
	}
	return freed
}

// failAll fails every item, because the trunks could not be listed.
func (l *waitlist) failAll(err error) {
	for _, w := range l.items {
		if l.ended() {
			l.leaveUndone()
			return
		}
		l.finish(w, fmt.Errorf("%w; cannot look up which trunk has the agent: %w", w.done.err, err))
	}
}

// release makes the first item ready that wants an agent that no trunk has, or the item whose trunk
// has the agent already.
func (l *waitlist) release(agent agentKey) {
	queue := l.queues[agent]
	first := 0
	if holder := l.holder[agent]; holder != 0 {
		first = slices.IndexFunc(queue, func(w *waiting) bool { return w.trunk == holder })
	}
	if len(queue) == 0 || first < 0 {
		return
	}
	w := queue[first]
	l.queues[agent] = slices.Delete(queue, first, first+1)
	l.ready = append(l.ready, w)
	l.holder[agent] = w.trunk // for no other item until this one's result is known
}

// tryReady hands ready items to the workers until there are none.
func (l *waitlist) tryReady() {
	inFlight := 0
	over, stop, canceled := l.over, l.stop, l.ctx.Done()
	for {
		var tasks chan<- func()
		var task func()
		if len(l.ready) > 0 && over != nil {
			next := l.ready[0]
			tasks, task = l.pool.tasks, func() { l.try(next) }
		} else if inFlight == 0 {
			return
		}
		select {
		case tasks <- task:
			l.ready = l.ready[1:]
			inFlight++
			continue
		case w := <-l.tried:
			inFlight--
			l.complete(w)
			continue
		case <-over:
		case <-stop:
			l.end(ErrStopped)
		case <-canceled:
			l.end(l.contextError())
		}
		over, stop, canceled = nil, nil, nil
	}
}

// try is the task of a worker: another attempt of an item.
func (l *waitlist) try(w *waiting) {
	done := l.mode.attempt(&w.item)
	if err := done.err; mayWait(&w.item, done) && errors.Is(err, mihu.ErrConflict) &&
		(errors.Is(err, errHeld) || !l.isPurchased(l.ctx, w.item.Trunk.PhoneNumber)) {
		done.err = busy(w.item.Trunk, 0, err)
	}
	w.done = done
	l.tried <- w
}

// complete reports an item that was tried, and releases the agent that is free now.
func (l *waitlist) complete(w *waiting) {
	delete(l.byTrunk, w.trunk)
	had, free := l.serves[w.trunk], agentKey{}
	switch moved := w.done.err == nil || w.done.ensured != nil && w.done.ensured.Action == mihu.ActionAssigned; {
	case had == w.agent:
	case moved:
		l.serves[w.trunk], free = w.agent, had
	default:
		free = w.agent // as far as is known
	}
	if free != (agentKey{}) && l.holder[free] == w.trunk {
		delete(l.holder, free)
		l.release(free)
	}
	l.finish(w, w.done.err)
}

// busy returns the error of a trunk that cannot have its agent.
func busy(trunk mihu.TrunkCreateRequest, holder trunkKey, err error) *AgentBusyError {
	if errors.Is(err, errHeld) {
		err = nil
	}
	return &AgentBusyError{Trunk: trunk.TrunkID, AgentUUID: trunk.AgentUUID, Holder: holder.id(), Err: err}
}

// explain reports why the items that still wait cannot be done. Each waits for the agent of another
// trunk. Followed from trunk to trunk, this leads into a cycle, or to a trunk that does not move.
func (l *waitlist) explain() {
	left := l.left()
	if len(left) > 0 && l.ended() {
		l.leaveUndone()
		return
	}
	reasons := make(map[*waiting]error, len(left))
	for cycle := range l.cycles(left) {
		err := l.cycle(cycle)
		for w := range l.around(cycle) {
			reasons[w] = err
		}
	}
	for _, w := range left {
		err := reasons[w]
		if err == nil {
			err = busy(w.item.Trunk, l.holder[w.agent], w.done.err)
		}
		l.finish(w, err)
	}
}

// left returns the items that still wait.
func (l *waitlist) left() []*waiting {
	return slices.Collect(func(yield func(*waiting) bool) {
		for _, w := range l.items {
			if l.byTrunk[w.trunk] != nil && !yield(w) {
				return
			}
		}
	})
}

// cycles iterates over the cycles among items, and yields one item of each.
func (l *waitlist) cycles(left []*waiting) iter.Seq[*waiting] {
	return func(yield func(*waiting) bool) {
		for _, w := range left {
			w.visited = 0
		}
		for i, from := range left {
			at := from
			for ; at != nil && at.visited == 0; at = l.next(at) {
				at.visited = i + 1
			}
			// If the walk came back to an item of its own, that is a part of a cycle.
			if at != nil && at.visited == i+1 && !yield(at) {
				return
			}
		}
	}
}

// next returns the item whose trunk has the agent that an item waits for, nil if that trunk does
// not wait.
func (l *waitlist) next(w *waiting) *waiting { return l.byTrunk[l.holder[w.agent]] }

// around iterates once over the items of a cycle.
func (l *waitlist) around(from *waiting) iter.Seq[*waiting] {
	return func(yield func(*waiting) bool) {
		for w := from; yield(w); {
			if w = l.next(w); w == from {
				return
			}
		}
	}
}

// cycle returns the error of a cycle, from the item that comes first in the input.
func (l *waitlist) cycle(from *waiting) *CycleError {
	from = l.firstOf(from)
	e := new(CycleError)
	for w := range l.around(from) {
		trunk := w.item.Trunk
		e.Swaps = append(e.Swaps, Swap{Trunk: trunk.TrunkID, AgentUUID: l.serves[w.trunk].uuid(), WantedUUID: strings.ToLower(trunk.AgentUUID)})
	}
	return e
}
