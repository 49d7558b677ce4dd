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
func mayWait(item *Item, done *mihu.EnsureResult, err error) bool {
	if err == nil || done == nil || errors.Is(err, mihu.ErrOutcomeUnknown) || !errors.Is(err, mihu.ErrConflict) && !errors.Is(err, mihu.ErrInvalid) {
		return false
	}
	if _, unsent := errors.AsType[*mihu.ValidationError](err); unsent {
		return false
	}
	there := done.Snapshot
	return there == nil || there.External() && !strings.EqualFold(there.Binding(item.Trunk.Channel).AgentUUID, item.Trunk.AgentUUID)
}

// waiting is an item that waits for its agent.
type waiting struct {
	*job
	ensured *mihu.EnsureResult // of the last attempt
	err     error              // of the last attempt
	trunk   trunkKey
	agent   agentKey
	visited int // by the search for cycles
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
}

// add adds an item that was refused.
func (l *waitlist) add(j *job, done *mihu.EnsureResult, err error) {
	w := &waiting{job: j, ensured: done, err: err}
	w.trunk, _ = keyOf(j.item.Trunk.TrunkID)
	w.agent, _ = agentOf(j.item.Trunk.AgentUUID, j.item.Trunk.Channel)
	l.mu.Lock()
	l.items = append(l.items, w)
	l.mu.Unlock()
	l.events <- waits{}
}

// finish reports the result of an item.
func (l *waitlist) finish(w *waiting, err error) { l.report(w.job, w.ensured, err, true) }

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
	l.tryReady()
	l.explain()
}

// findHolders finds out which trunks have the agents.
func (l *waitlist) findHolders() error {
	for at, err := range l.mode.bindings() {
		if err != nil {
			return err
		}
		if l.byTrunk[at.trunk] != nil {
			l.serves[at.trunk] = at.agent
		}
		if l.queues[at.agent] != nil {
			l.holder[at.agent] = at.trunk
		}
	}
	return nil
}

// failAll fails every item, because the trunks could not be listed.
func (l *waitlist) failAll(err error) {
	for _, w := range l.items {
		if l.ended() {
			l.leaveUndone()
			return
		}
		l.finish(w, fmt.Errorf("%w; cannot look up which trunk has the agent: %w", w.err, err))
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
	done, err := l.mode.attempt(&w.item)
	if mayWait(&w.item, done, err) && errors.Is(err, mihu.ErrConflict) && !l.isPurchased(l.ctx, w.item.Trunk.PhoneNumber) {
		err = busy(w.item.Trunk, 0, err)
	}
	w.ensured, w.err = done, err
	l.tried <- w
}

// complete reports an item that was tried, and releases the agent that is free now.
func (l *waitlist) complete(w *waiting) {
	delete(l.byTrunk, w.trunk)
	had, free := l.serves[w.trunk], agentKey{}
	switch moved := w.err == nil || w.ensured != nil && w.ensured.Action == mihu.ActionAssigned; {
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
	l.finish(w, w.err)
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
	var left []*waiting
	for _, w := range l.items {
		if l.byTrunk[w.trunk] != nil {
			left = append(left, w)
		}
	}
	if len(left) > 0 && l.ended() {
		l.leaveUndone()
		return
	}
	reasons := make(map[*waiting]error, len(left))
	for i, from := range left {
		at := from
		for ; at != nil && at.visited == 0; at = l.next(at) {
			at.visited = i + 1
		}
		if at == nil || at.visited != i+1 {
			continue
		}
		// The walk came back to an item of its own: a cycle, of which that item is a part.
		cycle := l.cycle(at)
		for w := range l.around(at) {
			reasons[w] = cycle
		}
	}
	for _, w := range left {
		err := reasons[w]
		if err == nil {
			err = busy(w.item.Trunk, l.holder[w.agent], w.err)
		}
		l.finish(w, err)
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
	for w := range l.around(from) {
		if w.index < from.index {
			from = w
		}
	}
	e := new(CycleError)
	for w := range l.around(from) {
		trunk := w.item.Trunk
		e.Swaps = append(e.Swaps, Swap{Trunk: trunk.TrunkID, AgentUUID: l.serves[w.trunk].uuid(), WantedUUID: strings.ToLower(trunk.AgentUUID)})
	}
	return e
}
