package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// rotation is a run over the trunks that need new passwords.
type rotation struct {
	app *app
	// workspace is its name, for people.
	workspace string
	client    *mihu.Client
	passwords *credentials.Passwords
	flags     rotateFlags
	pending   []mihu.TrunkID
	stop      chan struct{}
	stopOnce  sync.Once

	mu      sync.Mutex
	stored  int
	errs    []error
	fatal   error         // ended the run early
	data    *term.Records // nil if no results are printed
	started int
	state   *openedState
}

func (r *rotation) run(ctx context.Context, w *workspace) (end error) {
	a := r.app
	state, err := a.openState(ctx, w, stateIfThere)
	if err != nil {
		return err
	}
	defer func() { end = state.close(end) }()
	r.state = state
	a.interrupts.onFirst(func() {
		r.end(nil)
		a.note(stoppingNote)
	})
	defer a.interrupts.onFirst(nil)
	show := a.progress(len(r.pending), "trunks", r.workspace, r.data)
	next := make(chan mihu.TrunkID)
	var work sync.WaitGroup
	for range min(r.flags.workers, len(r.pending)) {
		work.Go(func() {
			for id := range next {
				err := r.one(ctx, id)
				show.Step(err != nil, false)
				r.result(id, err)
			}
		})
	}
	r.feed(ctx, next)
	work.Wait()
	show.End()
	a.note("%s: new passwords for %s, %d failed; see %s", r.workspace, counted(r.stored, "trunk"), len(r.errs), r.flags.file)
	if skipped := r.passwords.StoredBefore(); skipped > 0 {
		a.note("%s skipped: stored by an earlier run", counted(skipped, "trunk"))
	}
	return r.verdict(ctx)
}

// stoppingNote is printed at the first Ctrl-C of a run over many items.
const stoppingNote = "stopping: finishing the requests in flight; press Ctrl-C again to stop at once"

// feed hands out the trunks until the run or the context ends.
func (r *rotation) feed(ctx context.Context, next chan<- mihu.TrunkID) {
	defer close(next)
	for _, id := range r.pending {
		select {
		case <-r.stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		select {
		case next <- id:
			r.started++
		case <-r.stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// end keeps further trunks from being started; err is the reason, nil for Ctrl-C.
func (r *rotation) end(err error) {
	r.stopOnce.Do(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.fatal = err
		close(r.stop)
	})
}

// one sets a new password: it writes it to the disk, sends it, and records the outcome.
func (r *rotation) one(ctx context.Context, id mihu.TrunkID) error {
	password, err := r.passwords.Begin(id, r.flags.length)
	if err != nil {
		err = fmt.Errorf("%v: not sent, because the file cannot be written: %w", id, err)
		r.end(err)
		return r.failed(err)
	}
	var meta mihu.Response
	update := &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: &password}}
	snap, err := r.state.Track(ctx, provision.StateChange{Trunk: id, Update: update, Rotates: true}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		return r.client.Trunks.Update(ctx, id, update, mihu.WithResponse(&meta))
	})
	r.app.recorder.change(ctx, logged{
		id: id, action: provision.Updated, after: bindingOf(snap, id.Channel), fields: []string{"sip.password"}, err: err, requestID: meta.RequestID,
	})
	state := credentials.Stored
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		state = credentials.Unknown
	case err != nil:
		state = credentials.Failed
	}
	if lost := r.passwords.Record(id, state, password); lost != nil {
		r.end(fmt.Errorf("the file cannot be written: %w", lost))
		err = errors.Join(err, fmt.Errorf("%s, which the file does not record: %w", state, lost))
	}
	if err != nil {
		if errors.Is(err, mihu.ErrUnauthorized) {
			r.end(err) // every other request would be refused too
		}
		return r.failed(fmt.Errorf("%v: %w", id, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored++
	return nil
}

// result prints the data of a trunk, without its password.
func (r *rotation) result(id mihu.TrunkID, err error) {
	if r.data == nil {
		return
	}
	done := passwordChange(id)
	if err != nil {
		done.Action, done.Error, done.Sends = provision.Failed, plainText(err), nil
	}
	r.mu.Lock()
	lost := r.data.Add(done)
	r.mu.Unlock()
	if lost != nil {
		r.end(lost)
	}
}

// maxShown is the number of failures that are printed one by one.
const maxShown = 10

func (r *rotation) failed(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
	if n := len(r.errs); n <= maxShown {
		r.app.printErr(plainText(err))
	} else if n == maxShown+1 {
		r.app.note("more failures are not shown; the file records all of them")
	}
	return err
}

func (r *rotation) verdict(ctx context.Context) error {
	const again = "run the same command again: passwords that are not stored are sent again unchanged"
	end := failures(r.errs)
	switch {
	case r.fatal != nil:
		return r.app.withAdvice(withUnknown(r.fatal, end.unknown), again)
	case r.started < len(r.pending) || ctx.Err() != nil:
		stopped := fmt.Errorf("stopped after %d of %s", r.started, counted(len(r.pending), "trunk"))
		return &advisedError{withUnknown(stopped, end.unknown), again}
	case len(r.errs) > 0:
		end.advice = again
		return end
	}
	return nil
}
