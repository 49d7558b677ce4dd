package probe

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// RefusedError is a probe that does not begin, since a target is in use or that cannot be told. Nothing
// was changed.
type RefusedError struct {
	// Why is the reason, and Advice what to do.
	Why, Advice string
	// Status is that of a response that was refused; 0 means none.
	Status int
}

func (e *RefusedError) Error() string { return "probe: " + e.Why + "; nothing was changed" }

// sizes are what the preflight has seen of the pages of lists.
type sizes struct {
	asked   int // the largest per_page that was accepted
	refused int // the status that a larger one got; 0 means that none was refused
	echo    int // per_page of a page; 0 means that it does not have it
	items   int // how many items a full page has
	full    int // how many items a page had after which there were others; 0 means that there was none
	listed  int // how many numbers the list of trunks has
}

// pageSizes are tried in order.
var pageSizes = [...]int{200, 100, 50, 20, 10, 5, 2, 1}

const maxPages = 1000

// look reads all numbers, and refuses a target that is in use. It changes nothing.
func (r *run) look(ctx context.Context) error {
	for i, path := range []string{numbersPath, trunksPath} {
		items, err := r.readAll(ctx, path)
		if err != nil {
			return err
		}
		for _, item := range items {
			if err := r.free(item); err != nil {
				return err
			}
		}
		if i == 1 {
			r.past.size.listed = len(items)
		}
	}
	for _, n := range r.numbers() {
		if err := r.freeNumber(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// read sends a read of the preflight, which does not count as a question's.
func (r *run) read(ctx context.Context, s *step) (answer, error) {
	r.preflight = r.wire.count
	a, err := r.send(ctx, s)
	if err == nil && a.status >= http.StatusInternalServerError {
		err = &RefusedError{Why: fmt.Sprintf("the API responds with %d", a.status), Advice: "try again later", Status: a.status}
	}
	return a, err
}

// freeNumber refuses a number whose channels are bound. A refusal of the read proves nothing: the lists
// have shown that the number is free.
func (r *run) freeNumber(ctx context.Context, n role) error {
	s := channelsOf(n)
	a, err := r.read(ctx, &s)
	if err != nil {
		return err
	}
	snap := a.snapshot()
	switch {
	case snap == nil && a.accepted():
		return &RefusedError{Why: "the channels of " + string(n) + " cannot be read"}
	case snap != nil && (snap.purchased || !snap.isUnbound()):
		return inUse(n)
	}
	return nil
}

func inUse(n role) error {
	return &RefusedError{Why: string(n) + " is in use or purchased", Advice: "name a number that nobody uses"}
}

// free refuses an item that shows a number of the probe's in use, or one of its agents.
func (r *run) free(item map[string]any) error {
	e164, _ := item["number"].(string)
	bindings, ok := item["bindings"].(map[string]any)
	if list, isList := item["bindings"].([]any); isList && len(list) == 0 {
		ok = true
	}
	if e164 == "" || !ok {
		return &RefusedError{
			Why: "a list does not show which agents serve its numbers", Advice: "the probe cannot tell that the agents are free",
		}
	}
	mine := r.numberOf(e164)
	if mine != unbound && !isExternal(item) {
		return inUse(mine)
	}
	for _, value := range bindings {
		binding, ok := value.(map[string]any)
		if value == nil {
			continue
		}
		agent := agentOf(binding, r.wire.known)
		uuid, _ := binding["agent_uuid"].(string)
		switch {
		case !ok || agent == stranger && uuid == "":
			return &RefusedError{Why: "a list does not show which agent serves a number", Advice: "the probe cannot tell that the agents are free"}
		case agent == unbound:
			continue
		case agent != stranger:
			return &RefusedError{Why: string(agent) + " serves a number", Advice: "name an agent that serves no number"}
		case mine != unbound:
			return inUse(mine)
		}
	}
	return nil
}

// numberOf returns which number of the probe a listed one is; unbound is none.
func (r *run) numberOf(e164 string) role {
	for _, n := range r.numbers() {
		if digits(r.wire.values[n]) == digits(strings.TrimSpace(e164)) {
			return n
		}
	}
	return unbound
}

// isExternal reports whether a listed number is known to be the company's own. A purchased one cannot be
// given back.
func isExternal(item map[string]any) bool {
	source, _ := item["source"].(string)
	external, said := item["is_external"]
	if strings.EqualFold(source, "purchased") || said && external != nil && !isTrue(external) {
		return false
	}
	return strings.EqualFold(source, "external") || isTrue(external)
}

// readAll reads all pages of a list. It returns a [RefusedError] if it cannot tell that it has.
func (r *run) readAll(ctx context.Context, path string) (all []map[string]any, err error) {
	first, err := r.firstPage(ctx, path)
	if err != nil {
		return nil, err
	}
	all = first.items
	before := first
	for n := 2; ; n++ {
		if showsTwice(all) {
			return nil, cannotSee("shows a number twice")
		}
		if done, err := complete(before, n-1, len(all)); done || err != nil {
			return all, err
		}
		if n > maxPages {
			return nil, cannotSee("has more than 1000 pages")
		}
		next, err := r.nextPage(ctx, path, before, n)
		switch {
		case err != nil || next == nil:
			return all, err
		case len(next.items) == 0 && !before.hasExtent():
			return all, nil
		case len(next.items) == 0 || len(before.items) == 0:
			return nil, cannotSee("ends before its last page")
		case name(next.items[0]) == name(before.items[0]):
			return all, r.repeated(ctx, path, before, n)
		}
		if n == 2 {
			r.past.size.full = len(first.items)
		}
		all = append(all, next.items...)
		before = next
	}
}

// nextPage reads the n-th page of a list. It returns nil if there is no such page.
func (r *run) nextPage(ctx context.Context, path string, before *list, n int) (*list, error) {
	s := get(path, field{"page", strconv.Itoa(n)}, field{"per_page", strconv.Itoa(r.past.size.asked)})
	if before.cursor != "" {
		s.fields = append(s.fields, field{"cursor", before.cursor})
	}
	a, err := r.read(ctx, &s)
	if err != nil {
		return nil, err
	}
	next := a.list(false, false)
	switch {
	case a.refused() && !before.hasExtent() && !a.uncertain():
		return nil, nil //nolint:nilnil // there is no such page
	case a.refused() && !before.hasExtent():
		return nil, r.sureOfEnd(ctx, &s, a.status)
	case next == nil:
		return nil, cannotSee(fmt.Sprintf("responds with %d to a page", a.status))
	}
	return next, nil
}

// showsTwice reports whether two items are about the same number.
func showsTwice(items []map[string]any) bool {
	seen := map[string]bool{}
	for _, item := range items {
		text, _ := item["number"].(string)
		if seen[digits(text)] {
			return true
		}
		seen[digits(text)] = text != ""
	}
	return false
}

// sureOfEnd checks that a page after the last is refused for what it is.
func (r *run) sureOfEnd(ctx context.Context, s *step, status int) error {
	control := listAgents()
	a, err := r.read(ctx, &control)
	if err != nil {
		return err
	}
	again, err := r.read(ctx, s)
	if err == nil && (!a.accepted() || again.status != status) {
		err = &RefusedError{Why: fmt.Sprintf("the API responds with %d", status), Advice: "check the token, or try again later", Status: status}
	}
	return err
}

// complete reports whether a page is known to be the last.
func complete(l *list, n, items int) (bool, error) {
	switch {
	case l.total >= 0 && items > l.total:
		return false, cannotSee("changes while it is read, or has another total")
	case l.total >= 0 && items == l.total:
		return true, nil
	case l.last > 0 && n >= l.last && l.total >= 0:
		return false, cannotSee("ends before its last page")
	case l.last > 0:
		return n >= l.last, nil
	case l.more != nil && !*l.more:
		return true, nil
	}
	return len(l.items) == 0, nil
}

// repeated decides what a page means that begins as the one before. If page is obeyed, the list has
// shown its last page again. If it ignores page and per_page, the list is whole, unless it has a round
// number of items, at which it may have been cut. Otherwise it cannot be seen as a whole.
func (r *run) repeated(ctx context.Context, path string, before *list, n int) error {
	if before.hasExtent() {
		return cannotSee("shows one page again and again")
	}
	if n > 2 {
		return nil
	}
	s := get(path, field{"page", "2"}, field{"per_page", "1"})
	a, err := r.read(ctx, &s)
	if err != nil {
		return err
	}
	count := len(before.items)
	l := a.list(false, false)
	switch {
	case l == nil || len(l.items) == 0 || count < 2:
		return cannotSee("does not tell how many pages it has")
	case len(l.items) == 1 && name(l.items[0]) != name(before.items[0]):
		return nil
	case len(l.items) == count && count%5 != 0:
		return nil
	}
	return cannotSee("ignores page, and may have more items")
}

func cannotSee(why string) error {
	return &RefusedError{
		Why: "a list of numbers " + why + ", so that it cannot be seen whether the agents are free", Advice: "use a workspace with fewer numbers",
	}
}

// firstPage reads the first page of a list, as large as the API allows.
func (r *run) firstPage(ctx context.Context, path string) (*list, error) {
	var refused answer
	for _, size := range pageSizes {
		s := get(path, field{"page", "1"}, field{"per_page", strconv.Itoa(size)})
		a, err := r.read(ctx, &s)
		if err != nil {
			return nil, err
		}
		if a.refused() {
			refused = a
			continue
		}
		l := a.list(false, false)
		if l == nil {
			return nil, &RefusedError{
				Why:    "a list of numbers cannot be read",
				Advice: fmt.Sprintf("a response with %d has none: check the address of the workspace, since a proxy may answer", a.status),
			}
		}
		if err := r.keepSize(ctx, path, &refused, size, l); err != nil {
			return nil, err
		}
		r.past.answers = append(r.past.answers, a)
		return l, nil
	}
	advice := "check the token"
	switch refused.status {
	case http.StatusTooManyRequests:
		advice = "try again later"
	case http.StatusNotFound:
		advice = "check the address of the workspace"
	}
	return nil, &RefusedError{Why: fmt.Sprintf("the API refuses to list numbers with %d", refused.status), Advice: advice, Status: refused.status}
}

// keepSize keeps what a first page says about the size of pages.
func (r *run) keepSize(ctx context.Context, path string, refused *answer, size int, l *list) error {
	r.past.size.asked, r.past.size.echo, r.past.size.items = size, l.perPage, size
	if l.perPage > 0 {
		r.past.size.items = min(size, l.perPage)
	}
	if r.past.size.refused = refused.status; !refused.sent() {
		return nil
	}
	if refused.uncertain() { // by now the token is known to work
		again := get(path, refused.step.fields...)
		a, err := r.read(ctx, &again)
		if err != nil {
			return err
		}
		if a.status != refused.status {
			return &RefusedError{Why: "the API refuses one request of several alike", Status: refused.status, Advice: "try again later"}
		}
	}
	r.past.answers = append(r.past.answers, *refused)
	return nil
}
