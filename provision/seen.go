package provision

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
)

// seen remembers which trunks were met, in sixteen bytes for each and the empty places of a map. It
// holds no pointer, so that the collector has nothing to look at.
type seen struct {
	seed  maphash.Seed
	first map[trunkKey]mention
}

// mention is the item that was the first to name a trunk, by its place in the input, and what it
// wants: as a sum whose seed nobody can know, since it covers the secrets. Items that want different
// things have the same sum once in four billion times; the trunk itself is never mistaken.
type mention struct{ place, sum uint32 }

func newSeen() *seen { return &seen{seed: maphash.MakeSeed(), first: map[trunkKey]mention{}} }

// add gives the place of the first item that names the trunk of this one, and whether it wants the
// same; false where this is the first.
func (s *seen) add(item *Item, place int) (first int, again, same bool) {
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

// compare compares each acceptable item with those before it.
func compare() func(*job) (again bool, err error) {
	seen, lines := newSeen(), new(lineNumbers)
	return func(j *job) (bool, error) {
		lines.add(j.index, j.item.Line)
		first, again, same := seen.add(&j.item, j.index)
		if !again || same {
			return again, nil
		}
		return true, &DuplicateError{Trunk: j.item.Trunk.TrunkID, FirstIndex: first, FirstLine: lines.of(first)}
	}
}

// lineNumbers tells the line of an item by its index. It takes memory only where an item is not in the
// line after that of the item before it.
type lineNumbers struct{ stretches []stretch }

// stretch begins with an item; those after it have a line each, or none where it has none.
type stretch struct{ index, line uint32 }

func (s stretch) at(index uint32) uint32 {
	if s.line == 0 {
		return 0
	}
	return s.line + index - s.index
}

// add takes the next item.
func (l *lineNumbers) add(index, line int) {
	next := stretch{short(index), short(line)}
	if n := len(l.stretches); n == 0 || l.stretches[n-1].at(next.index) != next.line {
		l.stretches = append(l.stretches, next)
	}
}

// of is the line of an item that was added; 0 where it has none.
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
