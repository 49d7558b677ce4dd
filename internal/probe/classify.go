package probe

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// past is what a probe has learned, for the questions that build on others.
type past struct {
	answers  []answer // those that are sure
	observed map[string]string
	wrapped  bool // data is wrapped once more
	shaped   bool // wrapped is known
	lag      int  // the sample of samples that showed the last of the writes; -1 is unknown
	listed   int  // how many numbers the list of trunks has
	size     sizes
	head     string // the first item of the list
	tail     string // its last item; "" is unknown
	began    time.Time
	unknown  answer // what the channels of a number without a trunk got last, if they are refused
	shows    shows
	order    string // of the list; "" is unknown
	numbers  map[role]string
}

// otherText stands for a text that is not on a list of allowed ones.
const otherText = "<string>"

// samples are the times after a write at which reads look for it.
var samples = [...]time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second, 6 * time.Second, 10 * time.Second}

const (
	tooFew      = "not observable: fewer than two numbers are listed"
	notListed   = "not observable: the list does not show the number"
	notApplied  = "not observable: the update was refused"
	pageIgnored = "not observable: page is ignored"
)

func readRefusal(_ *past, a []answer) (observed, missing string) { return a[0].result(), "" }

func readAgents(p *past, a []answer) (observed, missing string) {
	l := a[1].list(p.wrapped, p.shaped)
	switch {
	case l == nil:
		return "other", ""
	case len(l.items) == 0:
		return "", "not observable: no agent is listed"
	}
	_, hasUUID := l.items[0]["agent_uuid"].(string)
	if _, hasName := l.items[0]["name"].(string); !hasUUID || !hasName {
		return "other", ""
	}
	return "as documented", ""
}

// readUnbound reads the channels of a number without a trunk.
func readUnbound(_ *past, a []answer) (observed, missing string) { return noTrunk(&a[0]), "" }

func noTrunk(a *answer) string {
	snap := a.snapshot()
	switch {
	case !a.accepted():
		return a.outcome()
	case snap == nil:
		return a.outcome() + ", no channels"
	case digits(snap.number) != digits(a.number):
		return a.outcome() + ", other channels"
	case !snap.isUnbound():
		return fmt.Sprintf("bound %d", a.status)
	}
	return fmt.Sprintf("unbound %d", a.status)
}

// readStatus reads a change that a later read must show.
func readStatus(p *past, a []answer) (observed, missing string) {
	observed = a[0].result()
	if a[0].accepted() && a[1].sent() && !a[1].shown && p.lag < len(samples) {
		observed += ", not shown"
	}
	return observed, ""
}

func readBody(_ *past, a []answer) (observed, missing string) { return bodyOf(&a[0]) }

func bodyOf(a *answer) (observed, missing string) {
	switch {
	case !a.accepted():
		return "", "not observable: refused"
	case a.status == http.StatusNoContent:
		return "no body", ""
	case a.empty():
		return "empty", ""
	case a.snapshot() != nil:
		return "channels", ""
	}
	return "other", ""
}

func readDeleteBody(p *past, _ []answer) (observed, missing string) {
	missing = "not observable: nothing was deleted"
	for i := range p.answers {
		a := &p.answers[i]
		if a.step.method != http.MethodDelete || !a.accepted() {
			continue
		}
		body, _ := bodyOf(a)
		if object, ok := a.json.(map[string]any); ok && body == "other" && object["data"] == nil {
			body = "message"
		}
		if observed != "" && body != observed {
			body = "varies"
		}
		observed, missing = body, ""
	}
	return observed, missing
}

func readAfterDelete(_ *past, a []answer) (observed, missing string) {
	if !a[1].sent() {
		return "", "not observable: refused"
	}
	return noTrunk(&a[1]), ""
}

// readDuplicate reads a trunk that exists, registered with another agent.
func readDuplicate(_ *past, a []answer) (observed, missing string) {
	now := a[1].agentAfter()
	if !a[0].accepted() {
		return unlessApplied(&a[0], now, agent1), ""
	}
	if shown := a[0].snapshot(); shown != nil && (shown.agent(callChannel) != now || digits(shown.number) != digits(a[0].number)) {
		return a[0].outcome() + ", other channels", ""
	}
	return became(&a[0], now, map[role]string{agent1: "kept", agent2: "updated"}), ""
}

// unlessApplied describes what was not accepted, by the agent that the number has afterwards and before.
func unlessApplied(a *answer, now, before role) string {
	switch now {
	case before:
		return a.outcome()
	case stranger:
		return a.outcome() + ", then unclear"
	default:
		return a.outcome() + ", yet applied"
	}
}

// became describes a success by the agent that a number has afterwards.
func became(a *answer, now role, names map[role]string) string {
	verb, ok := names[now]
	if !ok {
		return a.outcome() + ", other agent"
	}
	if result := a.result(); !strings.HasSuffix(result, ", other channels") && result != a.outcome() {
		return result // no proof of its own
	}
	return fmt.Sprintf("%s %d", verb, a.status)
}

// readBusy reads a request for an agent that serves the first number.
func readBusy(_ *past, a []answer) (observed, missing string) {
	if !a[0].accepted() {
		before := agent2
		if a[0].step.method == http.MethodPost {
			before = unbound
		}
		return unlessApplied(&a[0], a[2].agentAfter(), before), ""
	}
	if result := a[0].result(); result != a[0].outcome() {
		return result, ""
	}
	if a[2].agentAfter() != agent1 {
		return a[0].outcome() + ", not shown", ""
	}
	now := a[1].agentAfter()
	return became(&a[0], now, map[role]string{agent1: "shared", unbound: "taken"}), ""
}

// agentAfter returns the agent that a read of channels shows. A number whose channels are refused has
// none.
func (a *answer) agentAfter() role {
	if snap := a.snapshot(); snap != nil {
		return snap.agent(callChannel)
	}
	if a.refused() {
		return unbound
	}
	return stranger
}

// readAlike reads several requests that should get the same.
func readAlike(_ *past, a []answer) (observed, missing string) {
	observed = a[0].result()
	for i := range a {
		if a[i].result() != observed {
			return "varies", ""
		}
	}
	return observed, ""
}

// readAgain reads the channels of a number that a read before has shown with its agent.
func readAgain(_ *past, a []answer) (observed, missing string) {
	for i := range a {
		if a[i].agentAfter() != agent1 {
			return "no", ""
		}
	}
	return "yes", ""
}

// readUpdate reads the update among the responses.
func readUpdate(_ *past, a []answer) (observed, missing string) {
	for i := range a {
		if a[i].sent() && a[i].step.method == http.MethodPatch {
			return a[i].result(), ""
		}
	}
	return "", "not asked: the list was not read"
}

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

func readLag(p *past, _ []answer) (observed, missing string) {
	switch {
	case p.lag < 0:
		return "", "not observable: nothing was written"
	case p.lag == 0:
		return "at once", ""
	case p.lag == len(samples):
		return fmt.Sprintf("not within %v", samples[len(samples)-1]), ""
	}
	return fmt.Sprintf("within %v", samples[p.lag]), ""
}

func readProtocol(p *past, _ []answer) (observed, missing string) {
	if len(p.answers) == 0 {
		return "", "not observable: there was no response"
	}
	protocol := p.answers[0].proto
	for i := range p.answers {
		if p.answers[i].proto != protocol {
			return "varies", ""
		}
	}
	if protocol != "HTTP/1.1" && protocol != "HTTP/2.0" {
		return "other", ""
	}
	return protocol, ""
}

// maxSkew is how far a clock may be wrong: Date is in whole seconds.
const maxSkew = 2 * time.Second

func readClock(p *past, _ []answer) (observed, missing string) {
	var skews []time.Duration
	for _, a := range p.answers {
		if a.dated {
			skews = append(skews, a.skew)
		}
	}
	if len(skews) == 0 {
		return "no Date", ""
	}
	slices.Sort(skews)
	switch middle := skews[len(skews)/2] + time.Second/2; {
	case middle > maxSkew:
		return "ahead", ""
	case middle < -maxSkew:
		return "behind", ""
	}
	return "right", ""
}

// idHeaders and limitHeaders are the headers that a report names, in the form of net/http.
var (
	idHeaders    = []string{"X-Request-Id", "X-Correlation-Id", "Cf-Ray", "X-Trace-Id", "X-Amzn-Trace-Id", "X-Amzn-Requestid", "Request-Id", "Traceparent"}
	limitHeaders = []string{
		"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Ratelimit-Policy",
	}
	likeID    = regexp.MustCompile(`(?i)request-?id|trace|correlation`)
	likeLimit = regexp.MustCompile(`(?i)rate-?limit`)
)

func readRequestID(p *past, _ []answer) (observed, missing string) {
	return always(p, idHeaders, likeID), ""
}

func readRateLimit(p *past, _ []answer) (observed, missing string) {
	return always(p, limitHeaders, likeLimit), ""
}

// always names the headers that every success has.
func always(p *past, known []string, like *regexp.Regexp) string {
	counts, total := map[string]int{}, 0
	for _, a := range p.answers {
		if !a.accepted() {
			continue
		}
		total++
		for name := range a.header {
			if slices.Contains(known, name) {
				counts[name]++
			} else if like.MatchString(name) {
				counts[otherText]++
			}
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] >= total {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, " ")
}

func readSuccess(p *past, _ []answer) (observed, missing string) {
	forms := map[string]bool{}
	for _, a := range p.answers {
		object, ok := a.json.(map[string]any)
		if !a.accepted() || !ok {
			continue
		}
		var form []string
		// Lists and messages cannot tell whether data is wrapped once more.
		if _, wrapped := a.data(); a.snapshot() != nil && wrapped || a.snapshot() == nil && p.wrapped {
			form = append(form, "wrapped")
		}
		if !has(object, "success") {
			form = append(form, "no success")
		}
		if has(object, "success") && object["success"] != true {
			form = append(form, "success is no boolean")
		}
		if a.mark {
			form = append(form, "byte order mark")
		}
		if !strings.HasPrefix(strings.ToLower(a.header.Get("Content-Type")), "application/json") {
			form = append(form, "another content type")
		}
		forms[strings.Join(form, ", ")] = true
	}
	switch names := slices.Sorted(maps.Keys(forms)); {
	case len(names) == 0:
		return "", "not observable: there was no success"
	case len(names) > 1:
		return "varies", ""
	case names[0] == "":
		return "as documented", ""
	default:
		return names[0], ""
	}
}

// shape returns the form of an error.
func (a *answer) shape() string {
	object, ok := a.json.(map[string]any)
	if !ok {
		text := strings.ToLower(string(a.body))
		switch {
		case a.empty():
			return "empty"
		case strings.Contains(text, "<html") || strings.Contains(text, "<!doctype"):
			return "html"
		}
		return "text"
	}
	_, message := object["message"].(string)
	nested, isNested := object["error"].(map[string]any)
	data, _ := object["data"].(map[string]any)
	_, inData := data["error"].(string)
	switch {
	case message && object["success"] == false && isNested && isText(nested["code"]):
		return "envelope"
	case message && object["success"] == false && inData:
		return "data"
	case message && !has(object, "success") && !isNested && data == nil:
		return "framework"
	}
	return "other"
}

func isText(value any) bool {
	_, ok := value.(string)
	return ok
}

func readShapes(p *past, _ []answer) (observed, missing string) {
	shapes := map[int]string{}
	for _, a := range p.answers {
		if a.status < 400 || a.status > 499 {
			continue
		}
		shape := a.shape()
		if before, ok := shapes[a.status]; ok && before != shape {
			shape = "varies"
		}
		shapes[a.status] = shape
	}
	var texts []string
	for _, status := range slices.Sorted(maps.Keys(shapes)) {
		texts = append(texts, fmt.Sprintf("%d %s", status, shapes[status]))
	}
	if texts == nil {
		return "", "not observable: nothing was refused"
	}
	return strings.Join(texts, ", "), ""
}

// namesField reports whether an error names the field that it is about.
func (a *answer) namesField() bool {
	object, _ := a.json.(map[string]any)
	nested, _ := object["error"].(map[string]any)
	field, _ := nested["field"].(string)
	errors, _ := object["errors"].(map[string]any)
	return field != "" || len(errors) > 0
}

// isAboutField reports whether the request was refused because of one of its fields, as far as the
// request tells.
func (a *answer) isAboutField() bool {
	if a.status < 400 || a.status > 499 || a.step.raw != "" || a.step.noToken || a.shape() != "envelope" && a.shape() != "framework" {
		return false
	}
	return a.exists || a.step.path == agentsPath
}

func readField(p *past, _ []answer) (observed, missing string) {
	with, without := map[bool]bool{}, map[bool]bool{} // by whether the status is 422
	for _, a := range p.answers {
		if a.isAboutField() {
			map[bool]map[bool]bool{true: with, false: without}[a.namesField()][a.status == http.StatusUnprocessableEntity] = true
		}
	}
	switch {
	case len(with)+len(without) == 0 || len(with) == 0 && !without[true]:
		return "", "not observable: no error with 422 is about a field"
	case with[true] && without[true] || with[false] && without[false] || with[false] && without[true]:
		return "varies", ""
	case with[false]:
		return "always", ""
	case with[true]:
		return "with 422", ""
	}
	return "never", ""
}
