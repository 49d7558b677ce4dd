package probe

import (
	"cmp"
	"context"
	"slices"
	"strconv"
)

// find reads the page of the list that has the numbers: the first or the last.
func (r *run) find(ctx context.Context, s *step) (a answer, err error) {
	size := strconv.Itoa(r.past.size.asked)
	if r.past.size.asked == 0 {
		size = "50"
	}
	tries := []string{"1"}
	r.past.tail = ""
	if items := cmp.Or(r.past.size.full, r.past.size.items); items > 0 {
		if last := (r.listed() + items - 1) / items; last > 1 {
			tries = append(tries, strconv.Itoa(last))
		}
	}
	if r.pages != "" {
		tries = []string{r.pages}
	}
	for _, number := range tries {
		at := page(number, size)
		if a, err = r.sure(ctx, &at); err != nil {
			return a, err
		}
		l := a.list(r.past.wrapped, r.past.shaped)
		if l != nil {
			r.see(l, s.find)
		}
		if l != nil && !slices.ContainsFunc(s.find, func(n role) bool { return l.index(r.wire.values[n]) < 0 }) {
			r.pages = number
			r.notice(l, s.find, number != "1")
			if number == strconv.Itoa(max(1, l.last)) && l.hasExtent() {
				r.past.tail = name(l.items[len(l.items)-1])
			}
			break
		}
	}
	if len(s.find) > 1 {
		r.pages = ""
	}
	return a, nil
}

// see notes how a page shows the numbers that it may have.
func (r *run) see(l *list, found []role) {
	var numbers []string
	for _, n := range found {
		if r.world[n] != unbound {
			numbers = append(numbers, r.wire.values[n])
		}
	}
	r.past.shows.see(l, numbers)
}

// notice keeps the order of a list: the number of the probe that was registered last is after all others,
// or before them.
func (r *run) notice(l *list, found []role, later bool) {
	at := l.index(r.wire.values[found[len(found)-1]])
	before, after := later || at > 0, at < len(l.items)-1 || !later && r.listed() > len(l.items)
	order := map[[2]bool]string{{true, false}: "oldest first", {false, true}: "newest first", {true, true}: "other"}[[2]bool{before, after}]
	if order != "" && r.past.order != "" && order != r.past.order {
		order = "other"
	}
	if order != "" {
		r.past.order = order
	}
}

// listed is how many numbers the list of trunks has.
func (r *run) listed() int {
	n := r.past.size.listed
	for _, agent := range r.world {
		if agent != unbound {
			n++
		}
	}
	return n
}
