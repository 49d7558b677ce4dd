package provision

import (
	"cmp"
	"slices"

	"github.com/mihu-go/mihu"
)

// record is what a list shows of a number on a channel, in 24 bytes.
type record struct {
	bits  uint64 // a trunkKey, and flags above it
	agent [16]byte
}

// The flags of a record. A trunkKey has 51 bits.
const (
	// isUncertain: the list leaves open whether there is a trunk, so it is read singly.
	isUncertain uint64 = 1 << (iota + 60)
	// isOfPurchased: the number is purchased, so there can be no trunk.
	isOfPurchased
	// hasAgent: the agent is known.
	hasAgent

	keyMask uint64 = 1<<60 - 1
)

func (r *record) key() trunkKey { return trunkKey(r.bits & keyMask) }

// listing is what a list shows, without pointers, so that the garbage collector need not scan it.
type listing struct {
	records []record
	numbers []numberUUID // nil if they are not kept
	byAgent []uint32     // indexes of the records that have an agent, by agent; nil until it is needed
}

// numberUUID is the UUID of a number, in 24 bytes.
type numberUUID struct {
	number uint64
	uuid   [16]byte
}

// addNumber adds the UUID of a number.
func (l *listing) addNumber(at binding) {
	n := numberUUID{at.trunk.number(), at.number}
	if last := len(l.numbers) - 1; last < 0 || l.numbers[last] != n { // its other channel
		l.numbers = append(l.numbers, n)
	}
}

// add adds a binding. Call sort before the next lookup.
func (l *listing) add(at binding) {
	r := record{bits: uint64(at.trunk), agent: at.agent.agent}
	if at.uncertain {
		r.bits |= isUncertain
	}
	if at.purchased {
		r.bits |= isOfPurchased
	}
	if at.agent != (agentKey{}) {
		r.bits |= hasAgent
	}
	l.records = append(l.records, r)
}

// sort sorts the records by trunk, and discards those that are listed again.
func (l *listing) sort() {
	byTrunk := func(a, b record) int { return cmp.Compare(a.key(), b.key()) }
	slices.SortStableFunc(l.records, byTrunk)
	l.records = slices.CompactFunc(l.records, func(a, b record) bool { return a.key() == b.key() })
	l.byAgent = nil
	slices.SortStableFunc(l.numbers, func(a, b numberUUID) int { return cmp.Compare(a.number, b.number) })
	l.numbers = slices.CompactFunc(l.numbers, func(a, b numberUUID) bool { return a.number == b.number })
}

// find returns the binding of a trunk.
func (l *listing) find(key trunkKey) (binding, bool) {
	i, ok := slices.BinarySearchFunc(l.records, key, func(r record, key trunkKey) int { return cmp.Compare(r.key(), key) })
	if !ok {
		return binding{}, false
	}
	at := l.records[i].binding()
	if j, ok := slices.BinarySearchFunc(l.numbers, key.number(), func(n numberUUID, number uint64) int { return cmp.Compare(n.number, number) }); ok {
		at.number = l.numbers[j].uuid
	}
	return at, true
}

func (r *record) binding() binding {
	at := binding{trunk: r.key(), purchased: r.bits&isOfPurchased != 0, uncertain: r.bits&isUncertain != 0}
	if r.bits&hasAgent != 0 {
		at.agent = r.agentKey()
	}
	return at
}

func (r *record) agentKey() agentKey { return agentKey{r.agent, r.key().isWhatsApp()} }

// holder returns the trunk or number that has an agent; 0 if none is listed.
func (l *listing) holder(agent agentKey) trunkKey {
	if l.byAgent == nil {
		l.byAgent = make([]uint32, 0, len(l.records))
		for i := range l.records {
			if l.records[i].bits&hasAgent != 0 {
				l.byAgent = append(l.byAgent, uint32(i))
			}
		}
		slices.SortFunc(l.byAgent, func(a, b uint32) int { return compareAgents(l.records[a].agentKey(), l.records[b].agentKey()) })
	}
	i, ok := slices.BinarySearchFunc(l.byAgent, agent, func(at uint32, agent agentKey) int {
		return compareAgents(l.records[at].agentKey(), agent)
	})
	if !ok {
		return 0
	}
	return l.records[l.byAgent[i]].key()
}

func compareAgents(a, b agentKey) int {
	if a.whatsApp != b.whatsApp {
		return cmp.Compare(btoi(a.whatsApp), btoi(b.whatsApp))
	}
	return slices.Compare(a.agent[:], b.agent[:])
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// extent is how far a list reaches, as its first page reports.
type extent struct {
	pages int // 0 if it does not say
	total int // numbers; 0 if it does not say
}

// extentOf returns what the first page reports.
func extentOf(page *mihu.Page[mihu.PhoneNumber], size int) extent {
	p := page.Pagination
	switch {
	case p == nil && len(page.Items) == 0:
		return extent{pages: 1}
	case p == nil:
		return extent{}
	}
	size = cmp.Or(p.PerPage, size)
	e := extent{pages: max(p.LastPage, (p.Total+size-1)/size), total: p.Total}
	switch {
	case e.pages <= 1 && p.HasMore:
		e.pages = 0 // it has more, and does not say how many
	case e.pages == 0 && len(page.Items) == 0:
		e.pages = 1
	}
	return e
}
