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
	// the same trunk, the error is a *DuplicateError. It is called once for every valid item, in
	// order.
	check(item *Item, index int) (repeats bool, err error)
}

// knownDuplicates are the indexes of the items that are the same as an earlier one, ascending. No
// items contradict each other.
type knownDuplicates []uint32

func (d knownDuplicates) check(_ *Item, index int) (repeats bool, err error) {
	_, repeats = slices.BinarySearch(d, short(index))
	return repeats, nil
}

// comparison compares each item with those before it.
type comparison struct {
	seen  *seenTrunks
	lines lineNumbers
}

func newComparison() *comparison { return &comparison{seen: newSeenTrunks()} }

func (c *comparison) check(item *Item, index int) (repeats bool, err error) {
	c.lines.add(index, item.Line)
	first, again, same := c.seen.add(item, index)
	if !again || same {
		return again, nil
	}
	return true, &DuplicateError{Trunk: item.Trunk.TrunkID, FirstIndex: first, FirstLine: c.lines.of(first)}
}

// seenTrunks remembers the trunks of items, in sixteen bytes each and the empty slots of a map. It
// holds no pointer, so that the garbage collector need not scan it.
type seenTrunks struct {
	seed  maphash.Seed
	first map[trunkKey]mention
}

// mention is the first item with a trunk: its place in the input, and a hash of what it asks for.
// The seed of the hash is secret, since it covers credentials. Different items have the same hash
// once in four billion times. The trunk itself is compared exactly.
type mention struct{ place, sum uint32 }

func newSeenTrunks() *seenTrunks {
	return &seenTrunks{seed: maphash.MakeSeed(), first: map[trunkKey]mention{}}
}

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
	before, again := s.first[key]
	if !again {
		s.first[key] = mention{short(place), sum}
		return 0, false, false
	}
	return int(before.place), true, before.sum == sum
}

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
