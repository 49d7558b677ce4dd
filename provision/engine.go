package provision

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"

	"github.com/mihu-go/mihu"
)

// engine is one run, or one plan. A producer takes items from the stream and settles in the end what
// waits, workers attempt them, a writer records what became of them, and the caller's loop is told.
type engine struct {
	op     string
	ctx    context.Context
	client *mihu.Client
	items  iter.Seq2[Item, error]
	opts   Options
	call   []mihu.CallOption

	// prepare comes before everything else, where it is not nil.
	prepare func() error
	// attempt does what an item asks for, or finds out what would be done. The result is nil where
	// nothing was asked.
	attempt func(*Item) (*mihu.EnsureResult, error)
	// bindings are all trunks with their agents.
	bindings func() iter.Seq2[binding, error]
	records  bool // in the journal

	// met tells whether an item before said the same, or otherwise: then the error is a
	// *DuplicateError. It is asked once for every acceptable item, in their order.
	met func(*job) (again bool, err error)

	flight  sync.WaitGroup // jobs that workers have
	workers sync.WaitGroup
	all     sync.WaitGroup
	work    chan *job
	done    chan *outcome
	results chan *outcome
	over    chan struct{} // closed when nothing else is to begin

	mu         sync.Mutex
	reason     error // why nothing else is to begin
	unrecorded error // of the journal
	failures   int
	undone     bool // an item was left undone
	aside      []*job
}

// job is an item on its way.
type job struct {
	item    Item
	index   int
	digest  uint64
	ensured *mihu.EnsureResult
	err     error
	// back is where the job goes after an attempt that settles; nil before that.
	back  chan<- *job
	trunk trunkKey
	agent agentKey
	mark  int // of the search for cycles
}

// outcome is what the loop is told: a result, a change of what waits, or both.
type outcome struct {
	Result
	digest  uint64
	waiting int
}

func (o *outcome) isResult() bool { return o.Action != "" }

// finished says that the item need not be done again.
func (o *outcome) finished() bool {
	switch o.Action {
	case Created, Assigned, Updated, Unchanged:
		return true
	default:
		return false
	}
}

func newEngine(op string, ctx context.Context, client *mihu.Client, items iter.Seq2[Item, error], opts Options) *engine { //nolint:revive // the context is kept, as a run is one call
	return &engine{
		op: op, ctx: ctx, client: client, items: items, opts: opts, met: compare(),
		call: []mihu.CallOption{mihu.WithCallLimiter(opts.Limiter)},
	}
}

// check refuses what cannot be used.
func (e *engine) check() error {
	var faults []mihu.FieldViolation
	add := func(field, value, problem string) {
		faults = append(faults, mihu.FieldViolation{Field: field, Value: value, Problem: problem})
	}
	if e.ctx == nil {
		add("context", "", "nil; use context.Background() where there is none")
	}
	if e.client == nil || e.client.BaseURL() == "" {
		add("client", "", "not made by mihu.New")
	}
	if e.items == nil {
		add("items", "", "nil; want a stream of items")
	}
	if e.opts.Workers < 0 || e.opts.Workers > mostWorkers {
		add("workers", strconv.Itoa(e.opts.Workers), "want 1 to 1024, or 0 for 8")
	}
	if e.opts.MaxFailures < 0 {
		add("max failures", strconv.Itoa(e.opts.MaxFailures), "negative; want a number of failures, or 0 for no bound")
	}
	if len(faults) > 0 {
		return invalid(e.op, faults...)
	}
	return nil
}

// run does everything, and has nothing left running when it returns.
func (e *engine) run(yield func(Result, error) bool) {
	if err := e.check(); err != nil {
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
	if e.opts.Workers == 0 {
		e.opts.Workers = defaultWorkers
	}
	if e.prepare != nil {
		if err := e.prepare(); err != nil {
			yield(Result{}, err)
			return
		}
	}
	e.start()
	defer e.leave()
	var progress Progress
	for o := range e.results {
		progress.add(o)
		if e.opts.Progress != nil {
			e.opts.Progress(progress)
		}
		if o.isResult() && !yield(o.Result, nil) {
			return
		}
	}
	if err := e.verdict(); err != nil {
		yield(Result{}, err)
	}
}

func (e *engine) start() {
	e.work = make(chan *job)
	e.done = make(chan *outcome, e.opts.Workers)
	e.results = make(chan *outcome, e.opts.Workers)
	e.over = make(chan struct{})
	for range e.opts.Workers {
		e.workers.Go(e.toil)
	}
	e.all.Go(func() {
		e.produce()
		close(e.work)
		e.workers.Wait()
		close(e.done)
	})
	e.all.Go(e.record)
}

var errLeft = errors.New("provision: the loop was left")

// leave waits for what has begun, where the loop was left early.
func (e *engine) leave() {
	e.end(errLeft)
	for range e.results {
		continue // nobody wants them
	}
	e.all.Wait()
}

// end lets nothing else begin. The first reason is the one that is told.
func (e *engine) end(reason error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason == nil {
		e.reason = reason
		close(e.over)
	}
}

// ended says whether nothing else is to begin.
func (e *engine) ended() bool {
	select {
	case <-e.over:
		return true
	case <-e.ctx.Done():
		e.end(e.contextError())
		return true
	case <-e.opts.Stop:
		e.end(ErrStopped)
		return true
	default:
		return false
	}
}

func (e *engine) contextError() error {
	err, cause := e.ctx.Err(), context.Cause(e.ctx)
	if errors.Is(err, cause) {
		return fmt.Errorf("provision: %w", err)
	}
	return fmt.Errorf("provision: %w: %w", err, cause)
}

// leaveUndone notes that an item was not done.
func (e *engine) leaveUndone() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.undone = true
}

// verdict is the error of the run itself.
func (e *engine) verdict() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.unrecorded != nil:
		return e.unrecorded
	case e.ctx.Err() != nil:
		return e.contextError()
	case !e.undone && (errors.Is(e.reason, ErrStopped) || errors.Is(e.reason, ErrTooManyFailures)):
		return nil // too late to leave anything out
	}
	return e.reason
}

// produce takes items from the stream until that or the run ends, and then settles what waits.
func (e *engine) produce() {
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
	if journal := e.opts.Journal; journal != nil && journal.places() > index {
		e.end(fmt.Errorf("%w: it has item %d as finished, and the input ends after %d", ErrOtherInput, journal.places(), index))
	}
	e.flight.Wait()
	e.settle()
}

// take decides what is to become of an item; false ends the run.
func (e *engine) take(j *job) bool {
	if e.opts.Workers == 1 {
		e.flight.Wait() // what is decided here must not be told before the item in front of it
	}
	if journal := e.opts.Journal; journal != nil {
		j.digest = journal.digest(&j.item)
		switch finished, same := journal.wasFinished(j.index, j.digest); {
		case finished && same:
			_, _ = e.met(j)
			e.tell(&outcome{Result: Result{Item: j.item, Index: j.index, Action: Resumed}})
			return true
		case finished:
			e.end(fmt.Errorf("%w: item %d, line %d, is %s here, and another in the journal", ErrOtherInput, j.index+1, j.item.Line, j.item.Trunk.TrunkID))
			return false
		}
	}
	if err := j.item.Trunk.Validate(); err != nil {
		e.finish(j, nil, err, 0)
		return true
	}
	switch again, err := e.met(j); {
	case err != nil:
		e.finish(j, nil, err, 0)
		return true
	case again:
		e.tell(&outcome{Result: Result{Item: j.item, Index: j.index, Action: Duplicate}})
		return true
	}
	e.flight.Add(1)
	select {
	case e.work <- j:
		return true
	case <-e.over:
	case <-e.opts.Stop:
		e.end(ErrStopped)
	case <-e.ctx.Done():
		e.end(e.contextError())
	}
	e.flight.Done()
	e.leaveUndone()
	return false
}

// toil is the work of one worker.
func (e *engine) toil() {
	for j := range e.work {
		if j.back != nil {
			e.settleOne(j)
			continue
		}
		done, err := e.attempt(&j.item)
		if mayWait(&j.item, done, err) {
			e.putAside(j, done, err)
		} else {
			e.finish(j, done, err, 0)
		}
		e.flight.Done()
	}
}

func (e *engine) putAside(j *job, done *mihu.EnsureResult, err error) {
	j.ensured, j.err = done, err
	e.mu.Lock()
	e.aside = append(e.aside, j)
	e.mu.Unlock()
	e.tell(&outcome{waiting: 1})
}

// finish tells what became of an item, and ends the run where that means the end.
func (e *engine) finish(j *job, done *mihu.EnsureResult, err error, waiting int) {
	o := &outcome{Result: Result{Item: j.item, Index: j.index, Action: actionOf(done, err), Ensured: done, Err: err}, digest: j.digest, waiting: waiting}
	if err != nil {
		e.fail(done != nil && errors.Is(err, mihu.ErrUnauthorized), err)
	}
	e.tell(o)
}

func (e *engine) tell(o *outcome) { e.done <- o }

// fail counts a failure.
func (e *engine) fail(unauthorized bool, err error) {
	e.mu.Lock()
	e.failures++
	failures := e.failures
	e.mu.Unlock()
	switch {
	case unauthorized:
		e.end(fmt.Errorf("provision: no item can be done: %w", err))
	case failures == e.opts.MaxFailures:
		e.end(fmt.Errorf("%w: %d", ErrTooManyFailures, failures))
	}
}

// record passes on what became of items, after it was written down: all that arrived while the last
// writing was synced goes into one.
func (e *engine) record() {
	defer close(e.results)
	batch := make([]*outcome, 0, cap(e.done)+1)
	for first := range e.done {
		batch = append(batch[:0], first)
	gather:
		for len(batch) < cap(batch) {
			select {
			case o, ok := <-e.done:
				if !ok {
					break gather
				}
				batch = append(batch, o)
			default:
				break gather
			}
		}
		e.write(batch)
		for _, o := range batch {
			e.results <- o
		}
		clear(batch)
	}
}

// write writes what became of items into the journal. What is done and could not be written has failed.
func (e *engine) write(batch []*outcome) {
	if !e.records || e.opts.Journal == nil {
		return
	}
	lines := make([]*outcome, 0, len(batch))
	for _, o := range batch {
		if o.finished() || o.Action == Failed {
			lines = append(lines, o)
		}
	}
	if len(lines) == 0 {
		return
	}
	e.mu.Lock()
	err := e.unrecorded
	e.mu.Unlock()
	if err == nil {
		err = e.opts.Journal.record(lines)
	}
	if err == nil {
		return
	}
	e.mu.Lock()
	e.unrecorded = err
	e.mu.Unlock()
	e.end(err)
	for _, o := range lines {
		if o.finished() {
			o.Action, o.Err = Failed, fmt.Errorf("provision: done, but not recorded: %w", err)
		}
	}
}
