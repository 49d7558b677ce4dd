package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"

	"github.com/mihu-go/mihu"
)

// engine is one call of Run or Plan. A producer takes items from the stream and hands them to
// workers, and in the end tries the waitlist. A recorder writes what became of them to the journal.
// The caller's loop receives it last.
type engine struct {
	*stopper
	workspace
	mode       mode
	items      iter.Seq2[Item, error]
	source     *Source // of the items; nil for a stream
	duplicates duplicates
	opts       Options
	planID     string   // of the plan that the run applies; "" if there is none
	sync       *syncing // of a plan that is made or applied; nil for a plain run
	world      *world   // nil for a run that reads every number

	pool     *pool
	waitlist waitlist
	events   chan event // from producer and workers
	recorded chan event // the same, after they were recorded
	all      sync.WaitGroup
}

// mode is the difference between Run and Plan.
type mode interface {
	// name is that of the operation, for errors.
	name() string
	// begin is called before everything else.
	begin()
	// expect looks up, before the first item, what it can. asks is what the items ask about, nil if
	// that is not known.
	expect(asks *expectation) error
	// attempt does what an item asks for, or finds out what would be done.
	attempt(item *Item) effect
	// holds reports whether a trunk or number that the list shows on an agent is still on it.
	holds(holder trunkKey, agent agentKey) bool
	// remove deletes a trunk that no row names. The record is nil if nothing was sent.
	remove(d *deletion) (*AuditRecord, error)
	// assignSpare puts a trunk on the spare agent.
	assignSpare(id mihu.TrunkID, from agentKey) error
	// records reports whether results are written to the journal.
	records() bool
	// action returns the word for what was done, or would be.
	action(done Action) Action
}

// job is an item on its way.
type job struct {
	item   Item
	index  int
	digest uint64
}

func newEngine(ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options, duplicates duplicates) *engine {
	return &engine{
		stopper: newStopper(ctx, opts.Stop, opts.MaxFailures), workspace: newWorkspace(client, opts.Limiter),
		items: items, duplicates: duplicates, opts: opts,
	}
}

// from sets the source of the items.
func (e *engine) from(s *Source) *engine {
	e.source = s
	return e
}

// validate returns an error for arguments that cannot be used.
func (e *engine) validate() error {
	violations := validateRun(e.ctx, e.client, e.opts.Workers, e.opts.MaxFailures)
	if e.items == nil {
		violations = append(violations, mihu.FieldViolation{Field: "items", Problem: "nil; want a stream of items"})
	}
	switch e.opts.Lookup {
	case LookupAuto, LookupRows, LookupList, LookupEach:
	default:
		violations = append(violations, mihu.FieldViolation{Field: "lookup", Value: plain(string(e.opts.Lookup)), Problem: "unknown; want rows, list or each, or nothing for whichever is cheaper"})
	}
	violations = append(violations, e.opts.State.violations(e.client)...)
	violations = append(violations, e.limitViolations()...)
	if _, ok := agentOf(e.opts.SpareAgent, mihu.ChannelCall); !ok && e.opts.SpareAgent != "" {
		violations = append(violations, mihu.FieldViolation{Field: "spare agent", Value: plain(e.opts.SpareAgent), Problem: "not a UUID"})
	}
	if len(violations) > 0 {
		return invalid(e.mode.name(), violations...)
	}
	return nil
}

// validateRun returns the violations of the arguments that every run has.
func validateRun(ctx context.Context, client *mihu.Client, workers, maxFailures int) []mihu.FieldViolation {
	var violations []mihu.FieldViolation
	add := func(field, value, problem string) {
		violations = append(violations, mihu.FieldViolation{Field: field, Value: value, Problem: problem})
	}
	if ctx == nil {
		add("context", "", "nil; use context.Background() if you have none")
	}
	if client == nil || client.BaseURL() == "" {
		add("client", "", "not created by mihu.New")
	}
	if workers < 0 || workers > maxWorkers {
		add("workers", strconv.Itoa(workers), "want 1 to 1024, or 0 for 8")
	}
	if maxFailures < 0 {
		add("max failures", strconv.Itoa(maxFailures), "negative; want a number of failures, or 0 for no limit")
	}
	return violations
}

// run does everything. Nothing is left running when it returns.
func (e *engine) run(yield func(Result, error) bool) {
	if err := e.validate(); err != nil {
		yield(Result{}, err)
		return
	}
	if e.opts.Journal != nil {
		if err := e.opts.Journal.acquire(); err != nil {
			yield(Result{}, err)
			return
		}
		defer e.opts.Journal.release()
	}
	e.opts.Workers = cmp.Or(e.opts.Workers, defaultWorkers)
	e.mode.begin()
	e.start()
	defer e.leave()
	var progress Progress
	for event := range e.recorded {
		e.tellAudit(event)
		event.addTo(&progress)
		if e.opts.Progress != nil {
			e.opts.Progress(progress)
		}
		if o, ok := event.(*outcome); ok && !yield(o.Result, nil) {
			return
		}
	}
	if err := e.err(); err != nil {
		yield(Result{}, err)
	}
}

func (e *engine) start() {
	e.pool = newPool(e.stopper, e.opts.Workers)
	if _, plans := e.mode.(*plan); plans || e.opts.Lookup != LookupEach || e.opts.State != nil {
		if e.world == nil { // a plan has looked already
			e.world = newWorld(NewReader(e.client, ReaderOptions{Limiter: e.opts.Limiter}))
			e.world.reader.each, e.world.reader.noUUIDs = e.opts.Lookup == LookupEach, e.opts.State == nil
		}
	}
	e.waitlist.engine = e
	e.events = make(chan event, e.opts.Workers)
	e.recorded = make(chan event, e.opts.Workers)
	e.all.Go(func() {
		e.produce()
		e.pool.close()
		if err := e.opts.State.flush(context.WithoutCancel(e.ctx)); err != nil {
			e.abort(notRecorded(err))
		}
		close(e.events)
	})
	e.all.Go(e.record)
}

// errLeft ends a run whose loop was left.
var errLeft = errors.New("provision: the loop was left")

// leave waits for what has begun. The loop may have been left early.
func (e *engine) leave() {
	e.end(errLeft)
	for event := range e.recorded { // only the audit sink receives it
		e.tellAudit(event)
	}
	e.all.Wait()
}

// produce takes items from the stream until that or the run ends, and then tries the waitlist.
func (e *engine) produce() {
	if !e.survey() {
		return
	}
	e.deletions(true)
	index := 0
	for item, err := range e.items {
		switch {
		case e.ended():
			e.leaveUndone()
			return
		case err != nil:
			e.end(fmt.Errorf("provision: after %d items: %w", index, err))
			return
		}
		if !e.take(&job{item: item, index: index}) {
			return
		}
		index++
	}
	if journal := e.opts.Journal; journal != nil && journal.end() > index {
		e.end(fmt.Errorf("%w: the journal has item %d as finished, and the input has only %d", ErrOtherInput, journal.end(), index))
	}
	e.pool.wait()
	e.waitlist.resolve()
	e.pool.wait()
	e.deletions(false)
}

// survey finds out what it can before the first item. It returns false if the run ends.
func (e *engine) survey() bool {
	var asks *expectation
	if e.source != nil {
		s := &survey{source: e.source, ended: e.ended, shared: e.opts.AllowSharedAgents, spare: e.opts.SpareAgent, finished: func(int) bool { return false }}
		if e.opts.Journal != nil {
			s.finished = e.opts.Journal.has
		}
		found, ok, err := s.rows()
		switch {
		case err != nil:
			e.end(err)
			return false
		case !ok:
			e.leaveUndone()
			return false
		}
		asks = found
		if err := e.candidates(asks); err != nil {
			e.end(err)
			return false
		}
		if e.world != nil {
			e.world.reader.expected, e.world.reader.keeps = len(asks.trunks), asks.asksFor
		}
	}
	for _, step := range []func() error{func() error { return e.mode.expect(asks) }, e.judge, e.limit} {
		if err := step(); err != nil {
			e.end(err)
			return false
		}
	}
	return true
}

// isHeld reports whether an agent serves another number, as far as is known.
func (e *engine) isHeld(trunk trunkKey, agent agentKey) bool {
	if e.opts.AllowSharedAgents {
		return false
	}
	holder := e.world.holderOf(agent)
	return holder != 0 && holder != trunk
}

// take decides what becomes of an item. It returns false if the run ends.
func (e *engine) take(j *job) bool {
	if e.opts.Workers == 1 {
		e.pool.wait() // a result from here must not come before that of the item before
	}
	if journal := e.opts.Journal; journal != nil {
		j.digest = journal.digest(&j.item)
		switch finished, same := journal.wasFinished(j.index, j.digest); {
		case finished && same:
			_, _ = e.duplicates.check(&j.item, j.index)
			e.events <- &outcome{Result: Result{Item: j.item, Index: j.index, Action: Resumed}}
			return true
		case finished:
			e.end(fmt.Errorf("%w: item %d, line %d, is %s here, and another in the journal", ErrOtherInput, j.index+1, j.item.Line, j.item.Trunk.TrunkID))
			return false
		}
	}
	if err := j.item.Trunk.Validate(); err != nil {
		e.finish(j, effect{err: err})
		return true
	}
	switch repeats, err := e.duplicates.check(&j.item, j.index); {
	case err != nil:
		e.finish(j, effect{err: err})
		return true
	case repeats:
		e.events <- &outcome{Result: Result{Item: j.item, Index: j.index, Action: Duplicate}}
		return true
	}
	return e.pool.submit(func() { e.do(j) })
}

// do is the task of a worker: the first attempt of an item.
func (e *engine) do(j *job) {
	done := e.mode.attempt(&j.item)
	if mayWait(&j.item, done) {
		e.waitlist.add(j, done)
		return
	}
	e.finish(j, done)
}

// finish reports the result of an item that did not wait.
func (e *engine) finish(j *job, done effect) { e.report(j, done, false) }

// report reports the result of an item, and ends the run if the result demands it.
func (e *engine) report(j *job, done effect, waited bool) {
	if e.world != nil && e.sync == nil {
		e.world.forget(j.item.Trunk.TrunkID)
	}
	if done.err != nil {
		e.fail(done.err, done.ensured != nil)
	}
	e.events <- &outcome{
		Result: Result{
			Item: j.item, Index: j.index, Action: e.mode.action(actionOf(done.ensured, done.err)), Ensured: done.ensured,
			Known: done.known, Sent: done.sent.names(), Spare: done.spare, Err: done.err, sent: done.sent, planned: done.planned,
		},
		digest: j.digest, waited: waited, audit: auditOf(&j.item, done),
	}
}

// record passes events on after it has written them to the journal. Everything that arrives during
// one sync is written and synced together.
func (e *engine) record() {
	defer close(e.recorded)
	batch := make([]event, 0, cap(e.events)+1)
	for first := range e.events {
		batch = append(batch[:0], first)
	gather:
		for len(batch) < cap(batch) {
			select {
			case event, ok := <-e.events:
				if !ok {
					break gather
				}
				batch = append(batch, event)
			default:
				break gather
			}
		}
		e.write(batch)
		for _, event := range batch {
			e.recorded <- event
		}
		clear(batch)
	}
}

// write writes results to the journal. An item that was done and cannot be recorded has failed.
func (e *engine) write(batch []event) {
	if !e.mode.records() || e.opts.Journal == nil {
		return
	}
	lines := make([]*outcome, 0, len(batch))
	for _, event := range batch {
		if o, ok := event.(*outcome); ok && (o.finished() || o.Action == Failed) {
			lines = append(lines, o)
		}
	}
	if len(lines) == 0 {
		return
	}
	err := e.aborted()
	if err == nil {
		err = e.opts.Journal.record(lines)
	}
	if err == nil {
		return
	}
	e.abort(err)
	for _, o := range lines {
		if o.finished() {
			o.Action, o.Err = Failed, fmt.Errorf("provision: done, but not recorded: %w", err)
		}
	}
}
