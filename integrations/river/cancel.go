package mihuriver

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// page is how many ids of jobs are read at once: each page looks through the whole batch.
const page = 20 * chunk

// Cancellation counts what a call of [Queue.Cancel] has done.
type Cancellation struct {
	// Canceled counts the jobs that waited. They will not be worked on.
	Canceled int
	// Running counts the jobs that are worked on. Each may finish what it has begun and is not tried again.
	Running int
	// Shared counts the jobs that another batch wants as well. They are of the other batch alone now, and go
	// on for it.
	Shared int
}

// String is the counts as one line.
func (c Cancellation) String() string {
	return fmt.Sprintf("canceled %d, running %d, shared %d", c.Canceled, c.Running, c.Shared)
}

// Cancel ends what is left of a batch, as after the wrong file was enqueued. It is the end of all that
// was enqueued under the name; later an item can be enqueued again, under this name or another. A batch
// that does not exist has nothing to cancel, which is no error.
//
// Nothing is broken off. A job that waits, for its turn or its next attempt, is canceled. One that runs
// may finish what it has begun, and is not tried again if that fails: the batch is at rest when its
// [Summary] is Finished, after JobTimeout at the latest where no process was killed. What is done stays done:
// Cancel takes nothing back. [Summary] counts as Canceled the jobs that were never worked on, of which
// nothing was sent. A job that is canceled after an attempt is Unknown and among the problems, for the
// attempt may have changed the trunk.
//
// Other batches go on. A job that one of them wants as well is left to it, and not counted for this batch
// any more. A job that counts as Canceled has no place in the order of its trunk: an older one that
// waits still, of another batch, is worked on as if the newer had not been there. What was superseded
// before stays so; enqueue it again.
//
// End an Enqueue of the batch that still goes on first, for what it adds after Cancel has looked is not
// canceled. With a million jobs it takes minutes, in constant memory, 1,000 jobs in a transaction.
// After an error the counts are those of the jobs before it; to call it again is safe, and goes on.
func (q *Queue) Cancel(ctx context.Context, batch string) (Cancellation, error) {
	if err := q.check(batch); err != nil {
		return Cancellation{}, err
	}
	sum, err := q.cancel(ctx, q.pool, batch, func(ids []int64) (done Cancellation, err error) {
		err = retried(func() error {
			tx, err := q.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
			if err != nil {
				return err
			}
			return committed(ctx, tx, func() error {
				done, err = q.cancelTx(ctx, tx, batch, ids)
				return err
			})
		})
		return done, err
	})
	if err != nil {
		return sum, fmt.Errorf("mihuriver: cancel: %w; %v; it is safe to cancel again, for the rest", err, sum)
	}
	return sum, nil
}

// CancelTx is Cancel inside of the caller's transaction, so that the right file can be enqueued by
// EnqueueTx as the wrong one is canceled. After an error nothing of the call is in the transaction, which
// can go on. It has to be READ COMMITTED, as for EnqueueTx. Until its end others who enqueue wait, and the
// ends of jobs that run cannot be stored: keep it short, and the batch small.
func (q *Queue) CancelTx(ctx context.Context, tx pgx.Tx, batch string) (Cancellation, error) {
	if err := q.check(batch); err != nil {
		return Cancellation{}, err
	}
	fail := func(err error) (Cancellation, error) {
		return Cancellation{}, fmt.Errorf("mihuriver: cancel: %w; nothing is canceled", err)
	}
	if err := readCommitted(ctx, tx); err != nil {
		return fail(err)
	}
	part, err := tx.Begin(ctx)
	if err != nil {
		return fail(err)
	}
	var sum Cancellation
	err = committed(ctx, part, func() error {
		sum, err = q.cancel(ctx, part, batch, func(ids []int64) (Cancellation, error) {
			return q.cancelTx(ctx, part, batch, ids)
		})
		return err
	})
	if err != nil {
		return fail(err)
	}
	return sum, nil
}

// committed does something in a transaction, and ends that: after an error nothing of it is left.
func committed(ctx context.Context, tx pgx.Tx, do func() error) error {
	if err := do(); err != nil {
		return errors.Join(err, undo(ctx, tx))
	}
	return tx.Commit(ctx)
}

// cancel hands over the ids of the unfinished jobs of a batch, some at a time, the oldest first: they
// would be worked on first.
func (q *Queue) cancel(ctx context.Context, from db, batch string, do func([]int64) (Cancellation, error)) (sum Cancellation, err error) {
	holds, err := holding(batch)
	if err != nil {
		return sum, err
	}
	last := int64(0)
	for {
		rows, err := from.Query(ctx, q.table.members, planned, holds, JobKind, last, page)
		if err != nil {
			return sum, err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return sum, err
		}
		for rest := ids; len(rest) > 0; {
			some := rest[:min(chunk, len(rest))]
			rest = rest[len(some):]
			done, err := do(some)
			if err != nil {
				return sum, err
			}
			sum = Cancellation{sum.Canceled + done.Canceled, sum.Running + done.Running, sum.Shared + done.Shared}
		}
		if len(ids) < page {
			return sum, nil
		}
		last = ids[len(ids)-1]
	}
}

// cancelTx cancels jobs by their ids. Whoever enqueues for their trunks waits for the end of the
// transaction, and cannot rely on a job that is about to be canceled.
func (q *Queue) cancelTx(ctx context.Context, tx pgx.Tx, batch string, ids []int64) (done Cancellation, err error) {
	if _, err := tx.Exec(ctx, q.table.lockJobs, planned, int32(lockClass), ids); err != nil {
		return done, err
	}
	holds, err := holding(batch)
	if err != nil {
		return done, err
	}
	rows, err := tx.Query(ctx, q.table.unfinished, planned, ids, holds)
	if err != nil {
		return done, err
	}
	var (
		waiting, running, shared []int64
		id                       int64
		runs, others             bool
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &runs, &others}, func() error {
		switch {
		case others:
			shared = append(shared, id)
		case runs:
			running = append(running, id)
		default:
			waiting = append(waiting, id)
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	if len(shared) > 0 {
		if _, err := tx.Exec(ctx, q.table.leave, planned, shared, batch); err != nil {
			return done, err
		}
	}
	if len(waiting) > 0 {
		if _, err := tx.Exec(ctx, q.table.cancel, planned, waiting); err != nil {
			return done, err
		}
	}
	for _, id := range running { // as many as there are workers
		if _, err := q.client.JobCancelTx(ctx, tx, id); err != nil {
			return done, err
		}
	}
	return Cancellation{Canceled: len(waiting), Running: len(running), Shared: len(shared)}, nil
}

// unbroken is the context of work that has begun: that somebody cancels the job does not end it, for the
// trunk would be left half-done. River's stop and the job's timeout do; the timeout alone once the job was
// canceled, for then River's own context has ended already.
func unbroken(ctx context.Context) (context.Context, context.CancelFunc) {
	whole, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		if !errors.Is(cause, river.ErrJobCancelledRemotely) && !errors.Is(cause, context.DeadlineExceeded) {
			end(cause)
		}
	})
	release := func() {
		stop()
		end(nil)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return whole, release
	}
	timed, cancel := context.WithDeadline(whole, deadline)
	return timed, func() {
		cancel()
		release()
	}
}
