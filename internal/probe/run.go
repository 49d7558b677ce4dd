package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/mihu-go/mihu/internal/probe/report"
)

// Why a probe ends early.
const (
	stopInterrupted = "interrupted"
	stopUnsure      = "an answer could not be confirmed: the token, the rate limit or the server failed meanwhile"
	stopLost        = "a request got no response"
	stopUnknown     = "a change got a server error, and may have been applied"
	stopStranger    = "another agent answers at a number of the probe"
	stopSetUp       = "a trunk could not be registered or removed"
	stopLag         = "no read has shown a change within 10 seconds"
	stopJournal     = "the journal could not be written"
	stopProgram     = "an error of this program"
	stopBack        = "reads go back to an older state"
	stopChanged     = "a trunk has changed without a request of the probe"
)

// RequestLimit is why a question has no answer for which no request was left.
const RequestLimit = "not asked: the request limit"

// ErrInterrupted is returned if a probe is interrupted before its first change.
var ErrInterrupted = errors.New("probe: interrupted")

// stopError ends the questions.
type stopError struct{ why string }

func (e *stopError) Error() string { return "probe: " + e.why }

// limitError is the end of the requests that questions may send.
type limitError struct{}

func (limitError) Error() string { return "probe: " + RequestLimit }

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
	wire       *wire
	past       past
	world      map[role]role // the agent of each number on the channel call
	seen       map[role]bool // the numbers that were read since the preflight
	planned    int           // how many requests the questions before had, if none had to be made sure of
	pages      string        // the page of the list with the first number
	report     *report.Report
	preflight  int
	controlled *answer // the last control read of a question
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
		Options: o, wire: w, world: map[role]role{number1: unbound, number2: unbound}, seen: map[role]bool{},
		past: past{observed: map[string]string{}, lag: -1, numbers: w.values, began: time.Now()},
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
		if stop, ok := errors.AsType[*stopError](err); ok && stop.why == stopInterrupted || ctx.Err() != nil {
			err = ErrInterrupted
		}
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

// numbers returns the numbers of the probe.
func (r *run) numbers() []role { return []role{number1, number2}[:len(r.Numbers)] }

// lastNumber returns the number that is deleted in the end.
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
		case stopped == RequestLimit:
			missing = RequestLimit
		case stopped != "":
			missing = "not asked: the probe ended early"
		}
		var answers []answer
		if missing == "" {
			var err error
			r.planned += q.size()
			known := len(r.past.answers)
			if answers, err = r.ask(ctx, q); err != nil {
				answers, r.past.answers = nil, r.past.answers[:known] // half an answer is none
				var ours bool
				if stopped, ours = why(err); ours {
					failed = err
				}
				if missing = "not observed: " + stopped; stopped == RequestLimit {
					missing = RequestLimit
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
	if stopped == RequestLimit {
		r.report.Stopped = ""
	}
	return failed
}

// why returns why a question ends the probe. failed is set if that is none of the API's doing.
func why(err error) (stopped string, failed bool) {
	if _, ok := errors.AsType[limitError](err); ok {
		return RequestLimit, false
	}
	if stop, ok := errors.AsType[*stopError](err); ok {
		return stop.why, false
	}
	if _, ok := errors.AsType[*lostError](err); ok {
		return stopLost, false
	}
	if _, ok := errors.AsType[*guardError](err); ok {
		return stopProgram, true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return stopInterrupted, true
	}
	return stopJournal, true
}

// hopeless returns why the questions after this one cannot be asked.
func (r *run) hopeless(q *question) string {
	switch {
	case r.past.lag == len(samples):
		return stopLag
	case q.id == "create.status" && r.world[number1] != agent1:
		return stopSetUp
	case r.past.observed["read.again"] == "no":
		return stopBack
	}
	return ""
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
