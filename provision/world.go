package provision

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/mihu-go/mihu"
)

// world is what is known of the workspace during a run, and what the run makes of it. Run and Plan
// decide by it in the same way.
type world struct {
	reader *Reader

	mu     sync.Mutex
	read   map[trunkKey]readTrunk // trunks that were read singly and are not done, or were moved and still wait
	holder map[agentKey]trunkKey  // agents of these, and listed ones that the run has freed (0) or given away
}

// readTrunk is a Reading without pointers.
type readTrunk struct {
	agent             agentKey
	number            [16]byte
	exists, purchased bool
	written           bool
}

func (t readTrunk) reading() Reading {
	reading := Reading{Exists: t.exists, Purchased: t.purchased, Known: KnownRead}
	if t.agent != (agentKey{}) {
		reading.AgentUUID = t.agent.uuid()
	}
	reading.PhoneNumberUUID = uuidText(t.number)
	if t.written {
		reading.Known = KnownWritten
	}
	return reading
}

func newWorld(reader *Reader) *world {
	return &world{reader: reader, read: map[trunkKey]readTrunk{}, holder: map[agentKey]trunkKey{}}
}

// again returns what is known without what a plan has made of it.
func (w *world) again() *world {
	fresh := newWorld(w.reader)
	for key, known := range w.read {
		if known.written {
			continue
		}
		fresh.read[key] = known
		if known.agent != (agentKey{}) {
			fresh.holder[known.agent] = key
		}
	}
	return fresh
}

// get returns what is known of a trunk, from what was read before, from the list, or from a read.
func (w *world) get(ctx context.Context, key trunkKey) (Reading, error) {
	w.mu.Lock()
	known, ok := w.read[key]
	w.mu.Unlock()
	if ok {
		return known.reading(), nil
	}
	found, err := w.reader.Get(ctx, key.id())
	if err != nil || found.Known == KnownListed {
		return found, err
	}
	w.keep(key, found)
	return found, nil
}

// keep keeps what a single read shows.
func (w *world) keep(key trunkKey, found Reading) {
	w.mu.Lock()
	defer w.mu.Unlock()
	agent, ok := agentOf(found.AgentUUID, key.id().Channel)
	if !ok {
		agent = agentKey{}
	} else {
		w.holder[agent] = key
	}
	w.read[key] = readTrunk{agent: agent, number: uuidOf(found.PhoneNumberUUID), exists: found.Exists, purchased: found.Purchased}
}

// holderOf returns the trunk or number that has an agent; 0 if none is known to have it.
func (w *world) holderOf(agent agentKey) trunkKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holderLocked(agent)
}

func (w *world) holderLocked(agent agentKey) trunkKey {
	if holder, changed := w.holder[agent]; changed {
		return holder
	}
	return w.reader.holder(agent)
}

// moved notes that the run has put a trunk on an agent. before is the agent that it was on, or
// zero. Of agents that nothing else had, nothing is kept.
func (w *world) moved(key trunkKey, before, agent agentKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before != (agentKey{}) && before != agent && w.holderLocked(before) == key {
		w.holder[before] = 0
	}
	if _, contested := w.holder[agent]; contested || w.reader.holder(agent) != 0 {
		w.holder[agent] = key
	}
}

// forget forgets what was read of a trunk, which is done.
func (w *world) forget(id mihu.TrunkID) {
	key, _ := keyOf(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.read, key)
}

// hold notes which trunk or number has an agent, as a newer list shows it; 0 is none.
func (w *world) hold(agent agentKey, holder trunkKey) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holder[agent] = holder
}

// waits notes that a trunk was put on an agent for the time being, and will be moved again.
func (w *world) waits(key trunkKey, agent agentKey, number string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read[key] = readTrunk{agent: agent, number: uuidOf(number), exists: true, written: true}
	w.holder[agent] = key
}

// need is what an item needs.
type need int

const (
	needsNothing need = iota
	needsUpdate
	needsAgent // and to be assigned
	needsTrunk
	needsLook // whether there is a trunk is not what it seems
)

// needOf returns what the trunk of a request needs. more reports whether fields that cannot be read
// back are to be sent.
func needOf(req *mihu.TrunkCreateRequest, found Reading, more bool) need {
	switch {
	case found.Purchased:
		return needsLook
	case !found.Exists:
		return needsTrunk
	case !strings.EqualFold(found.AgentUUID, req.AgentUUID):
		return needsAgent
	case more:
		return needsUpdate
	default:
		return needsNothing
	}
}

// expectation is what is known of the rows of a run before it begins.
type expectation struct {
	trunks []trunkKey // of the rows that are not finished, ascending; duplicates may be repeated
	agents []uint64   // hashes of the agents that rows want, ascending
	seed   maphash.Seed
}

// asksFor reports whether a binding of the list is one of a trunk or of an agent of the rows.
func (e *expectation) asksFor(at binding) bool {
	if _, ok := slices.BinarySearch(e.trunks, at.trunk); ok {
		return true
	}
	_, ok := slices.BinarySearch(e.agents, hashAgent(e.seed, at.agent))
	return ok
}

func hashAgent(seed maphash.Seed, agent agentKey) uint64 {
	var b [len(agent.agent) + 1]byte
	copy(b[:], agent.agent[:])
	b[len(b)-1] = byte(btoi(agent.whatsApp)) //nolint:gosec // 0 or 1
	return maphash.Bytes(seed, b[:])
}
