package mihutest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// lagViolation is the rule that the ReadLag of a fault breaks; "" means none.
func (r *Rules) lagViolation(lag time.Duration) string {
	if lag > r.MaxReadLag {
		return fmt.Sprintf("ReadLag %v is more than %v, the MaxReadLag of the Rules", lag, r.MaxReadLag)
	}
	return ""
}

// pastNumber is a number as it was before a change.
type pastNumber struct {
	changed time.Time
	e164    string
	before  *number // nil: the number did not exist
}

// remember records a number before it changes, for reads that lag.
func (st *state) remember(e164 string) {
	if st.rules.MaxReadLag == 0 {
		return
	}
	now := time.Now()
	expired, _ := slices.BinarySearchFunc(st.past, now.Add(-st.rules.MaxReadLag), func(p pastNumber, t time.Time) int {
		return p.changed.Compare(t)
	})
	past := pastNumber{changed: now, e164: e164}
	if n := st.numbers[e164]; n != nil {
		past.before = new(*n) // its bindings are replaced, never modified
	}
	st.past = append(st.past[expired:], past)
}

// since returns the numbers that have changed within a lag as they were before; nil means that a
// number did not exist.
func (st *state) since(lag time.Duration) map[string]*number {
	if lag <= 0 {
		return nil
	}
	visible := time.Now().Add(-lag)
	before := map[string]*number{}
	for _, p := range slices.Backward(st.past) {
		if !p.changed.After(visible) {
			break
		}
		before[p.e164] = p.before
	}
	return before
}

// numberAt returns the number with an E.164 number as it was a lag ago, or nil.
func (st *state) numberAt(e164 string, lag time.Duration) *number {
	if n, changed := st.since(lag)[e164]; changed {
		return n
	}
	return st.numbers[e164]
}

// uuidAt returns the number with a UUID as it was a lag ago, or nil.
func (st *state) uuidAt(uuid string, lag time.Duration) *number {
	before := st.since(lag)
	for _, n := range before {
		if n != nil && n.uuid == uuid {
			return n
		}
	}
	n := st.uuids[uuid]
	if n == nil {
		return nil
	}
	if _, changed := before[n.e164]; changed { // it had another UUID, or did not exist
		return nil
	}
	return n
}

// numbersAt returns a part of a list as it was a lag ago, and the size of the list.
func (st *state) numbersAt(l *numberList, lag time.Duration, offset, limit int) (numbers []*number, total int) {
	before := st.since(lag)
	if len(before) == 0 {
		return l.slice(offset, limit), l.size
	}
	var all []*number
	for _, n := range l.slice(0, l.size) {
		if _, changed := before[n.e164]; !changed {
			all = append(all, n)
		}
	}
	for _, n := range before {
		if n != nil && (!n.purchased || l == &st.inventory) {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *number) int { return cmp.Compare(a.seq, b.seq) })
	offset = min(offset, len(all))
	return all[offset:min(len(all), offset+limit)], len(all)
}
