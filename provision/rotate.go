package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
)

// ErrAlreadyRotated is what a [PasswordStore] returns for a trunk that has its new password
// already.
var ErrAlreadyRotated = errors.New("provision: password already rotated")

// confirmTimeout bounds PasswordStore.Confirm, which the context of the run does not end.
const confirmTimeout = 30 * time.Second

// PasswordStore keeps the new passwords of a rotation, in a database, a vault or a file. [Rotate]
// calls it from several goroutines, never for one trunk at the same time. Its errors are reported
// as they are, so they must not contain a password.
type PasswordStore interface {
	// Prepare returns the new password of a trunk. The password must be stored durably when Prepare
	// returns, because it is sent after that and the API never returns it.
	//
	// If the store has a password of the trunk that was prepared and not confirmed, Prepare must
	// return the same one: the trunk may have it already. If the trunk's new password is confirmed,
	// Prepare returns [ErrAlreadyRotated]. With any other error nothing is sent.
	Prepare(ctx context.Context, id mihu.TrunkID) (password string, err error)
	// Confirm records that the trunk has the password that Prepare returned. It is called after the
	// API has accepted the password, even if the context of the run has ended since, and has 30
	// seconds.
	Confirm(ctx context.Context, id mihu.TrunkID) error
}

// RotateOptions are the options of [Rotate]. The zero value of each is its default.
type RotateOptions struct {
	// Workers is the number of trunks in progress at the same time, 1 to 1024. 0 means 8.
	Workers int
	// Limiter limits every request, retries included, in addition to the client's own limiter. nil
	// means no limit.
	Limiter mihu.Limiter
	// MaxFailures ends the rotation with [ErrTooManyFailures] after that many trunks have failed. 0
	// means no limit.
	MaxFailures int
	// Stop, once closed, ends the rotation with [ErrStopped] after the trunks in progress are
	// finished. nil means never.
	Stop <-chan struct{}
	// State remembers what was last sent, for the trunks that it has. A run with the same state does
	// not send the old password of a file again; it sends any other. nil means none.
	State *State
	// Audit is called for every trunk to which a password was sent, once the outcome is known and
	// before the result is yielded, one call at a time, from the goroutine of the loop. It must
	// return soon. nil means no calls.
	Audit func(AuditRecord)
}

// Rotation is the result for one trunk. It holds no password, and prints with the
// number masked.
type Rotation struct {
	// Trunk is the trunk.
	Trunk mihu.TrunkID `json:"-"`
	// Index is its position in the stream, from 0.
	Index int
	// Action is [Updated] if the API accepted the password and the store has confirmed it,
	// [Resumed] if an earlier rotation had done so, [Duplicate] if the trunk came earlier in the
	// stream, and [Failed] otherwise.
	Action Action
	// Err is why the trunk failed, nil if it did not. If it matches [mihu.ErrOutcomeUnknown], the
	// trunk has either the old password or the new one. Otherwise, unless Confirm has failed, the
	// trunk has the old one. In every case the next rotation sends the same new password.
	Err error
}

// LogValue returns the trunk with its number masked, the action and the error.
func (r Rotation) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("index", r.Index), slog.String("action", string(r.Action)), slog.Any("trunk", r.Trunk)}
	if r.Err != nil {
		attrs = append(attrs, slog.String("error", r.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// String returns what LogValue returns, as text.
func (r Rotation) String() string {
	text := "Rotation{index:" + strconv.Itoa(r.Index) + " action:" + string(r.Action) + " trunk:" + r.Trunk.String()
	if r.Err != nil {
		text += " error:" + strconv.Quote(r.Err.Error())
	}
	return text + "}"
}

// Format prints String for every verb.
func (r Rotation) Format(f fmt.State, verb rune) { format(f, verb, r.String()) }

// Rotate sets new SIP passwords for call trunks, and yields one result per trunk as trunks
// complete. With one worker the results are in the order of the stream.
//
// No password is lost, whenever the program stops. The store keeps each password before it is sent,
// and the same password is sent until the API has accepted it and the store has confirmed it. To
// resume a rotation that was stopped or killed, or that failed in part, call Rotate again with the
// same trunks and the same store.
//
// A trunk with an invalid ID, or of another channel than call, fails before the store is called. A
// trunk that comes twice is rotated once.
//
// A transient error is retried up to twice, as in [Run], always with the same password. An outcome
// that was unknown once stays unknown until an attempt succeeds, even if a later one is refused.
//
// An error of the rotation itself is yielded once, last, with a zero Rotation: the context's error,
// [ErrStopped], [ErrTooManyFailures], an error of the stream, or [mihu.ErrUnauthorized]. Invalid
// arguments are a [*mihu.ValidationError]. An error of the store fails its trunk alone; to end the
// rotation, leave the loop or set MaxFailures.
//
// Nothing happens before the loop begins. If the loop is left early, trunks in progress are
// finished first. No goroutine outlives the loop.
func Rotate(ctx context.Context, client *mihu.Client, trunks iter.Seq2[mihu.TrunkID, error], store PasswordStore, opts RotateOptions) iter.Seq2[Rotation, error] {
	return func(yield func(Rotation, error) bool) {
		r := &rotation{
			stopper: newStopper(ctx, opts.Stop, opts.MaxFailures), workspace: newWorkspace(client, opts.Limiter),
			trunks: trunks, store: store, opts: opts, seen: map[trunkKey]bool{},
		}
		r.run(yield)
	}
}

// rotation is one call of Rotate.
type rotation struct {
	*stopper
	workspace
	trunks iter.Seq2[mihu.TrunkID, error]
	store  PasswordStore
	opts   RotateOptions

	pool    *pool
	seen    map[trunkKey]bool
	results chan rotated
	all     sync.WaitGroup
}

// rotated is a result, and the record of the change; nil if none was tried.
type rotated struct {
	Rotation
	audit *AuditRecord
}

// validate returns an error for arguments that cannot be used.
func (r *rotation) validate() error {
	violations := validateRun(r.ctx, r.client, r.opts.Workers, r.opts.MaxFailures)
	if r.trunks == nil {
		violations = append(violations, mihu.FieldViolation{Field: "trunks", Problem: "nil; want a stream of trunks"})
	}
	if r.store == nil {
		violations = append(violations, mihu.FieldViolation{Field: "store", Problem: "nil; without it the new passwords would be lost"})
	}
	violations = append(violations, r.opts.State.violations(r.client)...)
	if len(violations) > 0 {
		return invalid("rotate", violations...)
	}
	return nil
}

func (r *rotation) run(yield func(Rotation, error) bool) {
	if err := r.validate(); err != nil {
		yield(Rotation{}, err)
		return
	}
	r.opts.Workers = cmp.Or(r.opts.Workers, defaultWorkers)
	r.pool = newPool(r.stopper, r.opts.Workers)
	r.results = make(chan rotated, r.opts.Workers)
	r.all.Go(func() {
		r.produce()
		r.pool.close()
		close(r.results)
	})
	defer r.leave()
	for result := range r.results {
		r.tellAudit(result)
		if !yield(result.Rotation, nil) {
			return
		}
	}
	if err := r.err(); err != nil {
		yield(Rotation{}, err)
	}
}

// leave waits for what has begun. The loop may have been left early.
func (r *rotation) leave() {
	r.end(errLeft)
	for result := range r.results { // only the audit sink receives it
		r.tellAudit(result)
	}
	r.all.Wait()
}

func (r *rotation) tellAudit(result rotated) {
	if result.audit != nil && r.opts.Audit != nil {
		r.opts.Audit(*result.audit)
	}
}

// produce takes trunks from the stream until that or the rotation ends.
func (r *rotation) produce() {
	index := 0
	for id, err := range r.trunks {
		switch {
		case r.ended():
			r.leaveUndone()
			return
		case err != nil:
			r.end(fmt.Errorf("provision: after %d trunks: %w", index, err))
			return
		}
		if !r.take(id, index) {
			return
		}
		index++
	}
}

// take reports, skips or submits a trunk. It returns false if the rotation ends.
func (r *rotation) take(id mihu.TrunkID, index int) bool {
	if r.opts.Workers == 1 {
		r.pool.wait() // a result from here must not come before that of the trunk before
	}
	if err := passwordUpdate("placeholder").Validate(id); err != nil {
		r.report(id, index, err, nil)
		return true
	}
	key, _ := keyOf(id)
	if r.seen[key] {
		r.results <- rotated{Rotation: Rotation{Trunk: id, Index: index, Action: Duplicate}}
		return true
	}
	r.seen[key] = true
	return r.pool.submit(func() { r.rotate(id, index) })
}

func passwordUpdate(password string) *mihu.TrunkUpdateRequest {
	return &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: &password}}
}

// rotate is the task of a worker: it stores a password, sends it, and confirms it.
func (r *rotation) rotate(id mihu.TrunkID, index int) {
	password, err := r.store.Prepare(r.ctx, id)
	switch {
	case errors.Is(err, ErrAlreadyRotated):
		r.results <- rotated{Rotation: Rotation{Trunk: id, Index: index, Action: Resumed}}
		return
	case err != nil:
		r.report(id, index, fmt.Errorf("provision: %s: not sent: preparing the password: %w", id, err), nil)
		return
	case password == "": // it would clear the trunk's
		r.report(id, index, invalid("rotate", mihu.FieldViolation{Field: "sip.password", Problem: "the store returned an empty password"}), nil)
		return
	}
	change, err := r.send(id, password)
	if err != nil {
		if _, lost := errors.AsType[*stateError](err); lost {
			r.end(err)
		}
		r.report(id, index, fmt.Errorf("provision: %s: %w", id, err), change)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), confirmTimeout)
	defer cancel()
	if err := r.store.Confirm(ctx, id); err != nil {
		r.stopper.fail(err, false)
		err = fmt.Errorf("provision: %s: the trunk has its new password, but the store has not confirmed it: %w", id, err)
		r.results <- rotated{Rotation{Trunk: id, Index: index, Action: Failed, Err: err}, change}
		return
	}
	r.results <- rotated{Rotation{Trunk: id, Index: index, Action: Updated}, change}
}

// send sends a password, with retries. Sending the same password again is idempotent. The record is
// nil if nothing was sent.
func (r *rotation) send(id mihu.TrunkID, password string) (*AuditRecord, error) {
	update := passwordUpdate(password)
	change := AuditRecord{Op: Update, PhoneNumber: id.PhoneNumber, Channel: id.Channel, Fields: []string{sentPassword.name()}}
	sent := false
	_, err := r.opts.State.Track(r.ctx, StateChange{Trunk: id, Update: update, Rotates: true}, func(ctx context.Context) (snap *mihu.ChannelSnapshot, err error) {
		sent = true
		var outcome unknownOutcome
		var response mihu.Response
		err = r.retry(func() error {
			snap, err = r.client.Trunks.Update(ctx, id, update, append(slices.Clip(r.call), mihu.WithResponse(&response))...)
			return outcome.keep(err, nil) // a password cannot be read back
		})
		if change.RequestID = response.RequestID; err == nil {
			change.Before = boundTo(snap.Binding(id.Channel).AgentUUID)
			change.After = change.Before
		}
		return snap, err
	})
	if !sent {
		return nil, err
	}
	return change.as(err, false), err
}

// report reports a trunk that failed. change is nil if nothing was sent.
func (r *rotation) report(id mihu.TrunkID, index int, err error, change *AuditRecord) {
	r.fail(err, change != nil)
	r.results <- rotated{Rotation{Trunk: id, Index: index, Action: Failed, Err: err}, change}
}
