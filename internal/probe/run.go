package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu/internal/probe/report"
)

// Options are what a probe needs.
type Options struct {
	// BaseURL is the address of the workspace's API, and Token its token.
	BaseURL, Token string
	// Transport sends the requests; nil is that of net/http.
	Transport http.RoundTripper
	// Numbers are one or two phone numbers that nobody uses, in E.164, and Agents one or two UUIDs of
	// agents that serve no number.
	Numbers, Agents []string
	// WhatsApp allows requests for the channel whatsapp.
	WhatsApp bool
	// MaxRequests bounds the requests, beside those of the preflight. 0 means 80, or 45 with one number
	// and one agent.
	MaxRequests int
	// Interval is the time between two requests. Reads that measure how late a read is do not wait.
	Interval time.Duration
	// Late is how long a change without a response may take to be applied. 0 means 30 s.
	Late time.Duration
	// Timeout is that of a request. 0 means none.
	Timeout time.Duration
	// UserAgent is the header of that name.
	UserAgent string
	// Journal records the changes.
	Journal Journal
	// Recorded is called after each line of the journal of a clean-up. nil is not called.
	Recorded func(Change)
	// Stop ends the questions when it is closed; what is registered is still removed. nil never does.
	Stop <-chan struct{}
	// Progress is called before each question. nil is not called.
	Progress func(asked, total int, question string)
}

const (
	defaultLate = 30 * time.Second
	// unknownLag is how long reads may be late if it was not measured.
	unknownLag = 10 * time.Second
	// reserve is how many requests are kept for the removal of one number.
	reserve = 5
)

var (
	isNumber = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	isUUID   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// complete returns o with its defaults, and checks the targets.
func (o Options) complete() (*Options, error) {
	one, other := append(slices.Clone(o.Numbers), "", "")[0], append(slices.Clone(o.Numbers), "", "")[1]
	oneAgent, otherAgent := append(slices.Clone(o.Agents), "", "")[0], append(slices.Clone(o.Agents), "", "")[1]
	switch {
	case len(o.Numbers) < 1 || len(o.Numbers) > 2 || len(o.Agents) < 1 || len(o.Agents) > 2:
		return nil, errors.New("probe: want one or two numbers, and one or two agents")
	case !isNumber.MatchString(one) || other != "" && !isNumber.MatchString(other):
		return nil, errors.New("probe: a number is not in E.164, such as +12025550123")
	case !isUUID.MatchString(oneAgent) || otherAgent != "" && !isUUID.MatchString(otherAgent):
		return nil, errors.New("probe: an agent is not a UUID")
	case one == other || strings.EqualFold(oneAgent, otherAgent):
		return nil, errors.New("probe: the two numbers, and the two agents, must differ")
	case o.Journal == nil:
		return nil, errors.New("probe: there is no journal")
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	o.Late = cmp.Or(o.Late, defaultLate)
	o.MaxRequests = MaxRequests(o)
	return &o, nil
}

// MaxRequests returns the most requests of a probe with these options, beside those of the preflight.
func MaxRequests(o Options) int {
	byDefault := 80
	if len(o.Numbers) == 1 && len(o.Agents) == 1 {
		byDefault = 45
	}
	return cmp.Or(o.MaxRequests, byDefault)
}

// Why a probe ends early.
const (
	stopInterrupted = "interrupted"
	stopUnsure      = "an answer could not be confirmed: the token, the rate limit or the server failed meanwhile"
	stopLost        = "a request got no response"
	stopUnknown     = "a change got a server error, and may have been applied"
	stopStranger    = "another agent answers at a number of the probe"
	stopSetUp       = "a trunk could not be registered or removed"
	stopLag         = "no read has shown a change within 10 seconds"
)

const requestLimit = "not asked: the request limit"

// stopError ends the questions.
type stopError struct{ why string }

func (e *stopError) Error() string { return "probe: " + e.why }

// limitError is the end of the requests that questions may send.
type limitError struct{}

func (limitError) Error() string { return "probe: " + requestLimit }

// Result is the end of a probe.
type Result struct {
	// Report is what was observed.
	Report *report.Report
	// Requests is how many requests were sent, Preflight how many of them only looked at the targets.
	Requests, Preflight int
	// Left are the trunks that may be left.
	Left []Left
}

// run is a probe that runs.
type run struct {
	*Options
	wire      *wire
	past      past
	world     map[role]role // the agent of each number on the channel call
	pages     string        // the page of the list with the first number
	report    *report.Report
	preflight int
	// control and preflightCheck can be replaced in tests.
	control        func(context.Context) (bool, error)
	preflightCheck func(context.Context) error
}

// Run asks all questions that the targets allow, and removes what it registers. If ctx ends, requests
// are canceled, and what is left stays: use Stop for an orderly end.
//
// The error is a [RefusedError] if a target is in use: nothing was changed. It is a [LeftError] if
// something may be left; the journal then stays. Both come with what was observed, if anything was.
func Run(ctx context.Context, options Options) (*Result, error) {
	r, err := newRun(options)
	if err != nil {
		return nil, err
	}
	return r.run(ctx)
}

func newRun(options Options) (*run, error) {
	o, err := options.complete()
	if err != nil {
		return nil, err
	}
	w, err := newWire(o, randomUUID())
	if err != nil {
		return nil, err
	}
	r := &run{
		Options: o, wire: w, world: map[role]role{number1: unbound, number2: unbound},
		past: past{observed: map[string]string{}, lag: -1, numbers: w.values},
		report: &report.Report{
			Format: report.Format, Date: time.Now().UTC().Format(time.DateOnly), Numbers: len(o.Numbers), Agents: len(o.Agents), WhatsApp: o.WhatsApp,
			Beyond: []string{}, Contract: []string{},
		},
	}
	r.control, r.preflightCheck = r.controlRead, r.look
	return r, nil
}

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (r *run) run(ctx context.Context) (*Result, error) {
	if err := r.preflightCheck(ctx); err != nil {
		return nil, err
	}
	r.preflight = r.wire.count
	header := Header{BaseURL: r.BaseURL, Numbers: r.Numbers, Agents: r.Agents, Nobody: r.wire.values[nobody]}
	if err := r.Journal.Begin(header); err != nil {
		return nil, err
	}
	failed := r.askAll(ctx)
	r.conclude()
	left := r.cleaner().clean(ctx)
	result := &Result{Report: r.report, Requests: r.wire.count, Preflight: r.preflight, Left: left}
	if len(left) > 0 {
		return result, errors.Join(&LeftError{left}, failed)
	}
	return result, errors.Join(failed, r.Journal.End())
}

// last returns the number that is deleted in the end.
func (r *run) lastNumber() role {
	if len(r.Numbers) == 2 && len(r.Agents) == 2 {
		return number2
	}
	return number1
}

// askAll asks the questions in order, until one ends the probe. It returns errors that are none of the
// API's.
func (r *run) askAll(ctx context.Context) error {
	all := questions(r.lastNumber())
	stopped := ""
	var failed error
	for i := range all {
		q := &all[i]
		if r.Progress != nil {
			r.Progress(i, len(all), q.id)
		}
		missing := r.excluded(q, all[i:])
		switch {
		case stopped == requestLimit:
			missing = requestLimit
		case stopped != "":
			missing = "not asked: the probe ended early"
		}
		var answers []answer
		if missing == "" {
			var err error
			if answers, err = r.ask(ctx, q); err != nil {
				stopped, missing = why(err)
				if stopped == "" {
					failed, stopped = err, "an error of this program"
				}
			}
		}
		r.observe(q, answers, missing)
		if stopped == "" {
			stopped = r.hopeless(q)
		}
	}
	if r.Progress != nil {
		r.Progress(len(all), len(all), "")
	}
	r.report.Stopped = stopped
	if stopped == requestLimit {
		r.report.Stopped = ""
	}
	return failed
}

// why returns why a question ends the probe, and why it has no answer.
func why(err error) (stopped, missing string) {
	if _, ok := errors.AsType[limitError](err); ok {
		return requestLimit, requestLimit
	}
	if stop, ok := errors.AsType[*stopError](err); ok {
		return stop.why, "not observed: " + stop.why
	}
	if _, ok := errors.AsType[*lostError](err); ok {
		return stopLost, "not observed: " + stopLost
	}
	return "", "not observed: an error of this program"
}

// hopeless returns why the questions after this one cannot be asked.
func (r *run) hopeless(q *question) string {
	switch {
	case r.past.lag == len(samples):
		return stopLag
	case q.id == "create.status" && r.world[number1] != agent1:
		return stopSetUp
	}
	return ""
}

// excluded returns why a question is not asked in this probe.
func (r *run) excluded(q *question, rest []question) string {
	needed := 0
	for i := range rest {
		if !rest[i].optional && !rest[i].whatsApp {
			needed += len(rest[i].steps)
		}
	}
	if missing := r.missingTargets(q); missing != "" {
		return missing
	}
	switch {
	case (q.optional || q.whatsApp) && !r.affordable(needed+len(q.steps)):
		return requestLimit
	case !r.affordable(1):
		return requestLimit
	}
	return ""
}

// affordable reports whether questions may send so many requests.
func (r *run) affordable(requests int) bool {
	return r.wire.count-r.preflight+requests+reserve*len(r.Numbers) <= r.MaxRequests
}

// ask brings the numbers into the state that a question begins with, and sends its requests.
func (r *run) ask(ctx context.Context, q *question) ([]answer, error) {
	for _, given := range q.given {
		if err := r.bring(ctx, given); err != nil {
			return nil, err
		}
	}
	answers := make([]answer, len(q.steps))
	for i := range q.steps {
		s := &q.steps[i]
		if s.accepted && !answers[0].accepted() || s.poll && !answers[0].accepted() || !r.has(s.find) {
			continue
		}
		a, err := r.perform(ctx, s)
		if err != nil {
			return answers, err
		}
		answers[i] = a
	}
	return answers, nil
}

// has reports whether the probe was given all of these roles.
func (r *run) has(roles []role) bool {
	return !slices.ContainsFunc(roles, func(each role) bool { return r.wire.values[each] == "" })
}

// perform sends a request of a question, and makes sure that its response is about it.
func (r *run) perform(ctx context.Context, s *step) (answer, error) {
	switch {
	case s.poll:
		return r.poll(ctx, s)
	case s.find != nil:
		return r.find(ctx, s)
	case s.later:
		if err := r.sleep(ctx, 1100*time.Millisecond); err != nil {
			return answer{}, err
		}
	}
	return r.sure(ctx, s)
}

// bring registers, assigns or removes a trunk, unless the number has the agent.
func (r *run) bring(ctx context.Context, to binding) error {
	number, agent := to.number, to.agent
	if agent == anyAgent {
		agent = map[role]role{number1: agent1, number2: agent2}[number]
		if r.world[number] != unbound {
			return nil
		}
	}
	if r.wire.values[number] == "" || agent != unbound && r.wire.values[agent] == "" || r.world[number] == agent {
		return nil
	}
	s := put(number, agent)
	switch {
	case agent == unbound:
		s = remove(number)
	case r.world[number] == unbound:
		s = post(number, agent)
	}
	a, err := r.sure(ctx, &s)
	if err == nil && !a.accepted() {
		err = &stopError{stopSetUp}
	}
	return err
}

// sure sends a request. A response that may be about the token, the rate limit or the server counts
// only if a control read succeeds after it, and the request gets the same status again.
func (r *run) sure(ctx context.Context, s *step) (answer, error) {
	a, err := r.send(ctx, s)
	if err != nil || !a.uncertain() {
		return a, r.learn(err, &a)
	}
	if s.changes() && a.status >= http.StatusInternalServerError {
		return a, &stopError{stopUnknown}
	}
	ok, err := r.control(ctx)
	if err != nil {
		return answer{}, err
	}
	if !ok {
		return answer{}, &stopError{stopUnsure}
	}
	if s.noToken && a.status == http.StatusUnauthorized {
		return a, r.learn(nil, &a)
	}
	again, err := r.send(ctx, s)
	if err == nil && again.status != a.status {
		err = &stopError{stopUnsure}
	}
	return again, r.learn(err, &again)
}

// controlRead reports whether a read that works as a rule works now.
func (r *run) controlRead(ctx context.Context) (bool, error) {
	s := get(agentsPath, field{"per_page", "1"})
	a, err := r.send(ctx, &s)
	return err == nil && a.accepted(), err
}

// learn keeps a response that is sure, and what it shows of the numbers.
func (r *run) learn(err error, a *answer) error {
	if err != nil {
		return err
	}
	r.past.answers = append(r.past.answers, *a)
	s := a.step
	snap := a.snapshot()
	if snap != nil {
		_, r.past.wrapped = a.data()
		r.past.shaped = true
	}
	switch {
	case s.channel != "" || s.number == unbound || !a.accepted() && s.path != channelsPath:
	case s.path == channelsPath:
		if snap != nil && digits(snap.number) == digits(a.number) {
			r.world[s.number] = snap.agent(callChannel)
		} else if a.refused() {
			r.world[s.number] = unbound
		}
	case s.method == http.MethodDelete:
		r.world[s.number] = unbound
	case s.method != http.MethodPatch:
		r.world[s.number] = s.agent
	}
	if r.world[number1] == stranger || r.world[number2] == stranger {
		return &stopError{stopStranger}
	}
	return nil
}

// send sends a request of a question, at its time and within the limit. A read waits until it can show
// the last change.
func (r *run) send(ctx context.Context, s *step) (answer, error) {
	if !r.affordable(1) {
		return answer{}, limitError{}
	}
	until := r.wire.last.Add(r.Interval)
	if s.poll {
		until = time.Time{}
	} else if !s.changes() {
		if visible := r.wire.changed.Add(r.lag()); visible.After(until) {
			until = visible
		}
	}
	if err := r.sleep(ctx, time.Until(until)); err != nil {
		return answer{}, err
	}
	return r.sendNow(ctx, s)
}

func (r *run) sendNow(ctx context.Context, s *step) (answer, error) {
	want, exists := s.agent, s.changes()
	if s.method == http.MethodPatch {
		want = r.world[s.number]
	}
	if s.method != http.MethodPost && s.number != unbound && r.world[s.number] == unbound {
		exists = false
	}
	a, err := r.wire.send(ctx, s, want)
	a.exists = exists
	return a, err
}

// lag is how late reads may be, as far as it was measured.
func (r *run) lag() time.Duration {
	if r.past.lag < 1 {
		return 0
	}
	return samples[min(r.past.lag, len(samples)-1)]
}

// poll repeats a read until it shows the last change, and measures how late it is.
func (r *run) poll(ctx context.Context, s *step) (a answer, err error) {
	changed := r.wire.changed
	for i := max(0, r.past.lag-1); i < len(samples); i++ {
		if err := r.sleep(ctx, time.Until(changed.Add(samples[i]))); err != nil {
			return a, err
		}
		began := time.Now() // a read that has to be made sure of ends later
		if a, err = r.glance(ctx, s); err != nil {
			return a, err
		}
		if r.world[s.number] == s.until {
			a.shown = true
			r.past.lag = max(r.past.lag, sampleOf(began.Sub(changed)))
			return a, nil
		}
	}
	if r.past.lag < 0 {
		r.past.lag = len(samples)
	}
	return a, nil
}

// glance reads a number that may not show the last change yet. What an unknown number gets is known by
// then.
func (r *run) glance(ctx context.Context, s *step) (answer, error) {
	if s.until == unbound || !strings.HasPrefix(r.past.observed["channels.unknown"], "refused ") {
		return r.sure(ctx, s)
	}
	a, err := r.send(ctx, s)
	switch {
	case err != nil || !a.uncertain():
		return a, r.learn(err, &a)
	case a.outcome() == r.past.observed["channels.unknown"]:
		r.world[s.number] = unbound
		return a, nil
	}
	return a, &stopError{stopUnsure}
}

// sampleOf returns the sample by which a read was sent. Clocks and timers are not exact.
func sampleOf(after time.Duration) int {
	i := 0
	for i < len(samples)-1 && after > samples[i]+50*time.Millisecond {
		i++
	}
	return i
}

// find reads the page of the list that has the numbers: the first or the last.
func (r *run) find(ctx context.Context, s *step) (a answer, err error) {
	size := fmt.Sprint(r.past.size.asked)
	if r.past.size.asked == 0 {
		size = "50"
	}
	tries := []string{"1"}
	if items := cmp.Or(r.past.size.full, r.past.size.items); items > 0 {
		if last := (r.listed() + items - 1) / items; last > 1 {
			tries = append(tries, fmt.Sprint(last))
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
		if l != nil && !slices.ContainsFunc(s.find, func(n role) bool { return l.index(r.wire.values[n]) < 0 }) {
			r.pages = number
			r.notice(l, s.find, number != "1")
			break
		}
	}
	if len(s.find) > 1 {
		r.pages = ""
	}
	return a, nil
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

// observe adds what the responses to a question say.
func (r *run) observe(q *question, answers []answer, missing string) {
	r.past.listed = r.listed()
	for i, of := range append([]answerOf{q.answerOf}, q.also...) {
		o := report.Observation{Question: of.id, Asks: of.asks, Documented: of.documented, Missing: missing}
		if missing == "" {
			o.Observed, o.Missing = of.read(&r.past, answers)
			r.past.observed[of.id] = o.Observed
		}
		if i == 0 {
			o.Evidence = r.evidence(q, answers)
		}
		r.report.Observations = append(r.report.Observations, o)
	}
}

// evidence has the requests as the question describes them: the number of a page would tell how many
// numbers there are.
func (r *run) evidence(q *question, answers []answer) []report.Exchange {
	var all []report.Exchange
	for i := range answers {
		if a := &answers[i]; a.sent() {
			all = append(all, report.Exchange{Request: q.steps[i].String(), Status: a.status, Body: r.wire.structure(a)})
		}
	}
	return all
}

// conclude adds what all responses say, and what contradicts the contract.
func (r *run) conclude() {
	if !r.past.shaped { // a list may tell
		for i := range r.past.answers {
			_, wrapped := r.past.answers[i].data()
			r.past.wrapped = r.past.wrapped || wrapped
		}
		r.past.shaped = true
	}
	for _, of := range byAll() {
		o := report.Observation{Question: of.id, Asks: of.asks, Documented: of.documented}
		o.Observed, o.Missing = of.read(&r.past, nil)
		r.report.Observations = append(r.report.Observations, o)
	}
	for _, o := range r.report.Observations {
		if report.Contradicts(o.Question, o.Observed) {
			r.report.Contract = append(r.report.Contract, o.Question)
		}
	}
}

// sleep waits, unless the probe is to end.
func (r *run) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-r.Stop:
		return &stopError{stopInterrupted}
	default:
	}
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.Stop:
		return &stopError{stopInterrupted}
	case <-ctx.Done():
		return ctx.Err()
	}
}
