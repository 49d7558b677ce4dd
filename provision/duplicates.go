package provision

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
)

// duplicates finds the items of a run that are the same as an earlier one.
type duplicates interface {
	// check reports whether an earlier item asks for the same. If one asks for something else of
	// the same trunk, the error is a *DuplicateError; if one wants the same agent, it is a
	// *SharedAgentError. It is called once for every valid item, in order.
	check(item *Item, index int) (repeats bool, err error)
}

// knownDuplicates are the indexes of the items that are the same as an earlier one, ascending. No
// items contradict each other. Those that want one agent were found before.
type knownDuplicates []uint32

func (d knownDuplicates) check(_ *Item, index int) (repeats bool, err error) {
	_, repeats = slices.BinarySearch(d, short(index))
	return repeats, nil
}

// comparison compares each item with those before it.
type comparison struct {
	seen   *seenTrunks
	lines  lineNumbers
	agents *table // hashes of the agents, with the same entries as seen; nil if they may be shared
}

func newComparison(shared bool) *comparison {
	c := &comparison{seen: newSeenTrunks()}
	if !shared {
		c.agents = new(table)
	}
	return c
}

func (c *comparison) check(item *Item, index int) (repeats bool, err error) {
	c.lines.add(index, item.Line)
	first, again, same := c.seen.add(item, index)
	switch {
	case !again:
		return false, c.checkAgent(item)
	case same:
		return true, nil
	}
	return true, &DuplicateError{Trunk: item.Trunk.TrunkID, FirstIndex: first, FirstLine: c.lines.of(first)}
}

// checkAgent compares the agent of an item with those of the items before it, by a hash of 64 bits.
// It is called for every item that seen has added.
func (c *comparison) checkAgent(item *Item) error {
	if c.agents == nil {
		return nil
	}
	agent, _ := agentOf(item.Trunk.AgentUUID, item.Trunk.Channel)
	hash := hashAgent(c.seen.seed, agent)
	entry, again := c.agents.add(hash)
	if !again {
		return nil
	}
	c.agents.skip() // so that entries have the same numbers as those of seen
	first := c.seen.places.of(entry)
	return &SharedAgentError{
		Trunk: item.Trunk.TrunkID, AgentUUID: item.Trunk.AgentUUID, FirstIndex: first, FirstLine: c.lines.of(first),
	}
}

// seenTrunks remembers the trunks of items, in twelve bytes each and four for each slot of a table.
// It holds no pointer to an item, so that the garbage collector need not scan it.
//
// Of the first item with a trunk it keeps its place in the input, and a hash of what it asks for.
// The seed of the hash is secret, since it covers credentials. Different items have the same hash
// once in four billion times. The trunk itself is compared exactly.
type seenTrunks struct {
	seed   maphash.Seed
	trunks table
	sums   pages[uint32] // by the trunk's entry
	places lineNumbers   // by the trunk's entry
}

func newSeenTrunks() *seenTrunks { return &seenTrunks{seed: maphash.MakeSeed()} }

// add returns the place of the first item with the trunk of this one, and whether it asks for the
// same. again is false if this is the first.
func (s *seenTrunks) add(item *Item, place int) (first int, again, same bool) {
	key, ok := keyOf(item.Trunk.TrunkID)
	if !ok {
		return 0, false, false
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	writeItem(&h, item, true)
	sum := uint32(h.Sum64()) //nolint:gosec // half of it is enough
	entry, again := s.trunks.add(uint64(key))
	if !again {
		s.sums.add(sum)
		s.places.add(entry, place)
		return 0, false, false
	}
	return s.places.of(entry), true, *s.sums.at(entry) == sum
}

// table numbers keys in the order in which they are added. It takes eight bytes for each and four
// for each slot, half of what a map takes.
type table struct {
	keys  pages[uint64]
	slots []uint32 // one more than the entry of a key, 0 for none; a power of two, of which three quarters are used at most
	used  int
}

// add adds a key, or returns the entry of the same key.
func (t *table) add(key uint64) (entry int, again bool) {
	if 4*t.used >= 3*len(t.slots) {
		old := t.slots
		t.slots = make([]uint32, max(64, 2*len(old)))
		for _, at := range old {
			if at != 0 {
				*t.slot(*t.keys.at(int(at) - 1)) = at
			}
		}
	}
	s := t.slot(key)
	if *s != 0 {
		return int(*s) - 1, true
	}
	t.keys.add(key)
	t.used++
	*s = short(t.keys.count)
	return t.keys.count - 1, false
}

// skip adds an entry that is never found.
func (t *table) skip() { t.keys.add(0) }

// slot returns the slot of a key, or the free one for it.
func (t *table) slot(key uint64) *uint32 {
	for i := key * 0x9e3779b97f4a7c15 >> 32; ; i++ { // spreads numbers that follow each other
		s := &t.slots[i&uint64(len(t.slots)-1)] //nolint:gosec // a length is not negative
		if *s == 0 || *t.keys.at(int(*s) - 1) == key {
			return s
		}
	}
}

// pages is a slice that grows without being copied, so that nothing is allocated in vain.
type pages[T any] struct {
	pages []*[pageSize]T
	count int
}

func (p *pages[T]) add(v T) {
	if p.count%pageSize == 0 {
		p.pages = append(p.pages, new([pageSize]T))
	}
	p.count++
	*p.at(p.count - 1) = v
}

func (p *pages[T]) at(i int) *T { return &p.pages[i/pageSize][i%pageSize] }

// short keeps a place in the input in four bytes. There are fewer trunks than that.
func short(n int) uint32 { return uint32(max(0, min(n, math.MaxInt32))) }

// lineNumbers finds the line of an item by its index. It takes memory only for items that are not
// in the line after that of the item before.
type lineNumbers struct{ stretches []stretch }

// stretch begins with an item. The items after it have consecutive lines, or none if it has none.
type stretch struct{ index, line uint32 }

func (s stretch) at(index uint32) uint32 {
	if s.line == 0 {
		return 0
	}
	return s.line + index - s.index
}

// add adds the next item.
func (l *lineNumbers) add(index, line int) {
	next := stretch{short(index), short(line)}
	if n := len(l.stretches); n == 0 || l.stretches[n-1].at(next.index) != next.line {
		l.stretches = append(l.stretches, next)
	}
}

// of returns the line of an item that was added; 0 if it has none.
func (l *lineNumbers) of(index int) int {
	i, found := slices.BinarySearchFunc(l.stretches, short(index), func(s stretch, index uint32) int { return cmp.Compare(s.index, index) })
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return int(l.stretches[i].at(short(index)))
}
