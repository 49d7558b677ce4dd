package provision

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// binding is a trunk and the agent that it answers to; the zero agent where the API names none.
type binding struct {
	trunk trunkKey
	agent agentKey
}

// listed are the trunks of the workspace.
func (e *engine) listed() iter.Seq2[binding, error] {
	return func(yield func(binding, error) bool) {
		for number, err := range e.client.Trunks.All(e.ctx, &mihu.AllOptions{Prefetch: 1}, e.call...) {
			if err != nil {
				yield(binding{}, err)
				return
			}
			for _, channel := range [...]mihu.Channel{mihu.ChannelCall, mihu.ChannelWhatsApp} {
				bound := number.Binding(channel)
				trunk, ok := keyOf(mihu.TrunkID{PhoneNumber: number.Number, Channel: channel})
				if !ok || !bound.Bound {
					continue
				}
				agent, ok := agentOf(bound.AgentUUID, channel)
				if !ok {
					agent = agentKey{}
				}
				if !yield(binding{trunk, agent}, nil) {
					return
				}
			}
		}
	}
}

// mayWait says that the API refused an item in a way that an agent which serves another number would
// explain. Which way that is, is not documented.
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

// settlement is the end of a run: what waits for agents, and who has these.
type settlement struct {
	*engine
	queues  map[agentKey][]*job   // who wants an agent, in the order of the input
	waiting map[trunkKey]*job     // who waits
	holder  map[agentKey]trunkKey // who has an agent that is wanted
	serves  map[trunkKey]agentKey // the agents of those who wait
	ready   []*job
	back    chan *job
}

// settle tries what waits again, as agents come free, and says of the rest why it cannot be done.
func (e *engine) settle() {
	if len(e.aside) == 0 {
		return
	}
	if e.ended() {
		e.leaveUndone()
		return
	}
	s := &settlement{
		engine: e, queues: map[agentKey][]*job{}, waiting: map[trunkKey]*job{}, holder: map[agentKey]trunkKey{},
		serves: map[trunkKey]agentKey{}, back: make(chan *job, e.opts.Workers),
	}
	slices.SortFunc(e.aside, func(a, b *job) int { return cmp.Compare(a.index, b.index) })
	for _, j := range e.aside {
		j.back = s.back
		j.trunk, _ = keyOf(j.item.Trunk.TrunkID)
		j.agent, _ = agentOf(j.item.Trunk.AgentUUID, j.item.Trunk.Channel)
		s.queues[j.agent] = append(s.queues[j.agent], j)
		s.waiting[j.trunk] = j
	}
	if err := s.look(); err != nil {
		for _, j := range e.aside {
			if e.ended() {
				e.leaveUndone()
				return
			}
			e.finish(j, j.ensured, fmt.Errorf("%w; who has its agent could not be looked up: %w", j.err, err), -1)
		}
		return
	}
	for _, j := range e.aside {
		s.release(j.agent)
	}
	s.work()
	s.explain()
}

// look finds out who has the agents that are wanted.
func (s *settlement) look() error {
	for at, err := range s.bindings() {
		if err != nil {
			return err
		}
		if s.waiting[at.trunk] != nil {
			s.serves[at.trunk] = at.agent
		}
		if s.queues[at.agent] != nil {
			s.holder[at.agent] = at.trunk
		}
	}
	return nil
}

// release makes ready the first who wants an agent that nobody has, or the one who has it already.
func (s *settlement) release(agent agentKey) {
	queue := s.queues[agent]
	first := 0
	if holder := s.holder[agent]; holder != 0 {
		first = slices.IndexFunc(queue, func(j *job) bool { return j.trunk == holder })
	}
	if len(queue) == 0 || first < 0 {
		return
	}
	j := queue[first]
	s.queues[agent] = slices.Delete(queue, first, first+1)
	s.ready = append(s.ready, j)
	s.holder[agent] = j.trunk // for nobody else until it is known what becomes of it
}

// work hands out what is ready until nothing is.
func (s *settlement) work() {
	under := 0
	over, stop, gone := s.over, s.opts.Stop, s.ctx.Done()
	for {
		var to chan<- *job
		var next *job
		if len(s.ready) > 0 && over != nil {
			to, next = s.engine.work, s.ready[0]
		} else if under == 0 {
			return
		}
		select {
		case to <- next:
			s.ready = s.ready[1:]
			under++
			continue
		case j := <-s.back:
			under--
			s.settled(j)
			continue
		case <-over:
		case <-stop:
			s.end(ErrStopped)
		case <-gone:
			s.end(s.contextError())
		}
		over, stop, gone = nil, nil, nil
	}
}

// settled takes note of what became of a job that was tried again.
func (s *settlement) settled(j *job) {
	delete(s.waiting, j.trunk)
	had, free := s.serves[j.trunk], agentKey{}
	switch moved := j.err == nil || j.ensured != nil && j.ensured.Action == mihu.ActionAssigned; {
	case had == j.agent:
	case moved:
		s.serves[j.trunk], free = j.agent, had
	default:
		free = j.agent // as far as is known
	}
	if free != (agentKey{}) && s.holder[free] == j.trunk {
		delete(s.holder, free)
		s.release(free)
	}
	s.finish(j, j.ensured, j.err, -1)
}

// settleOne is the attempt of a worker.
func (e *engine) settleOne(j *job) {
	done, err := e.attempt(&j.item)
	if mayWait(&j.item, done, err) && errors.Is(err, mihu.ErrConflict) && !e.isPurchased(j) {
		err = busy(j, 0, err)
	}
	j.ensured, j.err = done, err
	j.back <- j
}

// isPurchased says that it may be the number that is refused, and not the agent.
func (e *engine) isPurchased(j *job) bool {
	found, err := e.client.Channels.GetByNumber(e.ctx, j.item.Trunk.PhoneNumber, e.call...)
	if err != nil {
		return !errors.Is(err, mihu.ErrNotFound)
	}
	return !found.External()
}

// busy is the error of an item whose agent is not to be had.
func busy(j *job, holder trunkKey, err error) *AgentBusyError {
	if errors.Is(err, errHeld) {
		err = nil
	}
	return &AgentBusyError{Trunk: j.item.Trunk.TrunkID, AgentUUID: j.item.Trunk.AgentUUID, Holder: holder.id(), Err: err}
}

// explain says of what still waits why it cannot be done: every item waits for the agent of another,
// and so they lead into cycles, or to a trunk that does not move.
func (s *settlement) explain() {
	var left []*job
	for _, j := range s.aside {
		if s.waiting[j.trunk] != nil {
			left = append(left, j)
		}
	}
	if len(left) > 0 && s.ended() {
		s.leaveUndone()
		return
	}
	reasons := make(map[*job]error, len(left))
	for i, from := range left {
		path := from
		for ; path != nil && path.mark == 0; path = s.next(path) {
			path.mark = i + 1
		}
		if path == nil || path.mark != i+1 {
			continue
		}
		// The walk came back to where it has been: a cycle, of which path is a part.
		cycle := s.cycle(path)
		for j := range s.around(path) {
			reasons[j] = cycle
		}
	}
	for _, j := range left {
		err := reasons[j]
		if err == nil {
			err = busy(j, s.holder[j.agent], j.err)
		}
		s.finish(j, j.ensured, err, -1)
	}
}

// next is who has the agent that a job waits for, nil where that one does not wait itself.
func (s *settlement) next(j *job) *job { return s.waiting[s.holder[j.agent]] }

// around goes round a cycle once.
func (s *settlement) around(from *job) iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for j := from; yield(j); {
			if j = s.next(j); j == from {
				return
			}
		}
	}
}

// cycle is the error of a cycle, from the item that came first.
func (s *settlement) cycle(from *job) *CycleError {
	for j := range s.around(from) {
		if j.index < from.index {
			from = j
		}
	}
	e := new(CycleError)
	for j := range s.around(from) {
		e.Swaps = append(e.Swaps, Swap{Trunk: j.item.Trunk.TrunkID, AgentUUID: s.serves[j.trunk].uuid(), WantedUUID: strings.ToLower(j.item.Trunk.AgentUUID)})
	}
	return e
}
