package probe

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// updatedAt returns updated_at of the first number in a list; false means that the list does not show
// the number, or not that field.
func updatedAt(p *past, a *answer) (at any, listed, has bool) {
	l := a.list(p.wrapped, p.shaped)
	if l == nil {
		return nil, false, false
	}
	i := l.index(p.numbers[number1])
	if i < 0 {
		return nil, false, false
	}
	at, has = l.items[i]["updated_at"]
	return at, true, has
}

// readTimes reads the form of times from the item of the first number, or else from that of another.
func readTimes(p *past, _ []answer) (observed, missing string) {
	missing = "not observable: the list was empty"
	for i := range p.answers {
		a := &p.answers[i]
		l := a.list(p.wrapped, p.shaped)
		if a.step.path != trunksPath || a.step.method != http.MethodGet || l == nil || len(l.items) == 0 {
			continue
		}
		if at, listed, has := updatedAt(p, a); listed {
			return timeForm(at, has) + p.isOff(at), ""
		}
		at, has := l.items[0]["updated_at"]
		observed, missing = timeForm(at, has), ""
	}
	return observed, missing
}

func timeForm(at any, has bool) string {
	if !has {
		return "absent"
	}
	switch at := at.(type) {
	case nil:
		return "null"
	case float64:
		return "seconds"
	case string:
		if _, err := time.Parse(time.RFC3339, at); err == nil {
			return "RFC 3339"
		}
		if _, err := time.Parse(time.DateTime, at); err == nil {
			return "without zone"
		}
	}
	return "other"
}

// maxOff is how far the clock of a database may be wrong.
const maxOff = 5 * time.Minute

// isOff returns ", another time" if a time is none of this probe's, as those of its own numbers must be.
func (p *past) isOff(at any) string {
	var t time.Time
	switch at := at.(type) {
	case float64:
		t = time.Unix(int64(at), 0)
	case string:
		var err error
		if t, err = time.Parse(time.RFC3339, at); err != nil {
			t, err = time.Parse(time.DateTime, at)
		}
		if err != nil {
			return ""
		}
	default:
		return ""
	}
	if t.Before(p.began.Add(-maxOff)) || t.After(time.Now().Add(maxOff)) {
		return ", another time"
	}
	return ""
}

func readMoves(p *past, a []answer) (observed, missing string) {
	before, listed, _ := updatedAt(p, &a[0])
	after, still, _ := updatedAt(p, &a[2])
	switch {
	case !listed || !still:
		return "", notListed
	case !a[1].accepted():
		return "", notApplied
	case before == nil && after == nil:
		return "", "not observable: there is no time"
	case before == after:
		return "stays", ""
	}
	return "moves", ""
}

func readPaging(p *past, a []answer) (observed, missing string) {
	if p.listed < 2 {
		return "", tooFew
	}
	if !a[0].accepted() || !a[1].accepted() {
		return a[0].outcome() + ", " + a[1].outcome(), ""
	}
	one, two := a[0].list(p.wrapped, p.shaped), a[1].list(p.wrapped, p.shaped)
	if one == nil || two == nil || len(one.items) == 0 {
		return "other", ""
	}
	p.head = name(one.items[0])
	sized := len(one.items) == 1
	paged := len(two.items) == 0 || name(two.items[0]) != p.head
	switch {
	case sized && one.perPage > 1 || paged && two.page == 1:
		return "other", "" // what it says of itself is not what it does
	case sized && paged && len(two.items) == 1:
		return "page and per_page", ""
	case sized && !paged:
		return "per_page only", ""
	case !sized && !paged:
		return "neither", ""
	}
	return "other", ""
}

// aList returns a page of the list of trunks.
func (p *past) aList() *list {
	for i := range p.answers {
		if a := &p.answers[i]; a.step.path == trunksPath && a.step.method == http.MethodGet && a.accepted() {
			return a.list(p.wrapped, p.shaped)
		}
	}
	return nil
}

// varies reports whether lists differ in something.
func (p *past) varies(what func(*list) string) bool {
	first := ""
	for i := range p.answers {
		a := &p.answers[i]
		if !slices.Contains([]string{numbersPath, trunksPath, agentsPath}, a.step.path) || a.step.method != http.MethodGet || !a.accepted() {
			continue
		}
		l := a.list(p.wrapped, p.shaped)
		if l == nil || first != "" && what(l) != first {
			return true
		}
		first = what(l)
	}
	return false
}

func readMembers(p *past, _ []answer) (observed, missing string) {
	l := p.aList()
	switch {
	case l == nil:
		return "other", ""
	case p.varies(func(l *list) string { return l.members }):
		return "varies", ""
	}
	return l.members, ""
}

func readItems(p *past, _ []answer) (observed, missing string) {
	l := p.aList()
	if l == nil {
		return "other", ""
	}
	if l.members == "array" || l.members == "framework" || l.members == "simple" {
		return "", "not observable: the form of the list decides it"
	}
	if p.varies(func(l *list) string { return l.key }) {
		return "varies", ""
	}
	return l.key, ""
}

func readMax(p *past, _ []answer) (observed, missing string) {
	switch {
	case p.size.refused != 0:
		return fmt.Sprintf("%d, larger refused %d", p.size.asked, p.size.refused), ""
	case !strings.Contains(p.observed["list.paging"], "per_page"):
		return "", "not observable: per_page was not seen to be obeyed"
	case p.size.echo == 0 && p.size.full == 0:
		return "", "not observable: a page does not report its size"
	case cmp.Or(p.size.echo, p.size.full) < p.size.asked:
		return fmt.Sprintf("%d, larger clamped", cmp.Or(p.size.echo, p.size.full)), ""
	}
	return strconv.Itoa(p.size.asked), ""
}

func readAfterLast(p *past, a []answer) (observed, missing string) {
	if paging := p.observed["list.paging"]; paging != "" && paging != "page and per_page" {
		return "", pageIgnored
	}
	l := a[0].list(p.wrapped, p.shaped)
	switch {
	case !a[0].accepted():
		return a[0].outcome(), ""
	case l == nil:
		return "other", ""
	case len(l.items) == 0:
		return "empty", ""
	case p.listed >= 2 && name(l.items[0]) == p.head:
		return "first page", ""
	case p.tail != "" && name(l.items[len(l.items)-1]) != p.tail:
		return "another page", ""
	}
	return "last page", ""
}

func readOrder(p *past, _ []answer) (observed, missing string) {
	if p.order == "" {
		return "", "not observable: no page shows a number beside another"
	}
	return p.order, ""
}
