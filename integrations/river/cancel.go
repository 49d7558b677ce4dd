package mihuriver

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// page is how many ids of jobs are read at once: each page scans the whole batch.
const page = 20 * chunk

// Cancellation counts what a call of [Queue.Cancel] did.
type Cancellation struct {
	// Canceled counts the jobs that waited. Nobody will work on them.
	Canceled int
	// Running counts the jobs that run. Each finishes its attempt and is not retried.
	Running int
	// Shared counts the jobs that are also part of another batch. They were removed from this one only.
	Shared int
}

// String returns the counts as one line.
func (c Cancellation) String() string {
	return fmt.Sprintf("canceled %d, running %d, shared %d", c.Canceled, c.Running, c.Shared)
}

// Cancel cancels the unfinished jobs of a batch, for example if the wrong file was enqueued. Items can be
// enqueued again afterwards, in this batch or another. A batch that does not exist has nothing to cancel,
// which is not an error.
//
// Nothing is interrupted. Cancel cancels a job that waits for its turn or its next attempt. A job that runs
// finishes its attempt and is not retried. The batch is at rest when its [Summary] is Finished, at the latest
// after JobTimeout if no process was killed. Cancel does not revert completed jobs. [Summary] counts as
// Canceled the jobs that never began, for which nothing was sent. A job that had an attempt is Unknown and
// among the problems, because the attempt may have changed the trunk.
//
// Other batches continue. A job that is also part of another batch is removed from this one only. A canceled
// job has no place in the order of its trunk: an older job of another batch that still waits is worked on. A
// job that was superseded before stays superseded; enqueue its item again.
//
// Before you call Cancel, end every Enqueue of the batch: what it adds later is not canceled. A million jobs
// take minutes, in constant memory, 1,000 jobs in each transaction. After an error the counts are those of the
// jobs canceled so far, and it is safe to call Cancel again.
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
		return sum, fmt.Errorf("mihuriver: cancel: %w; %v; it is safe to cancel the rest again", err, sum)
	}
	return sum, nil
}

// CancelTx is [Queue.Cancel] within the caller's transaction, so that EnqueueTx can enqueue the right file in
// the same transaction. After an error nothing of the call is in the transaction, which can continue. The
// transaction must be READ COMMITTED, as for EnqueueTx. Until it ends, other calls that enqueue wait, and
// running jobs cannot store their ends: keep it short and the batch small.
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

// committed runs do in a transaction and commits it, or rolls it back after an error.
func committed(ctx context.Context, tx pgx.Tx, do func() error) error {
	if err := do(); err != nil {
		return errors.Join(err, undo(ctx, tx))
	}
	return tx.Commit(ctx)
}

// cancel calls do with the ids of the unfinished jobs of a batch, some at a time, oldest first, because those
// would be worked on first.
func (q *Queue) cancel(ctx context.Context, from querier, batch string, do func([]int64) (Cancellation, error)) (sum Cancellation, err error) {
	holds, err := holding(batch)
	if err != nil {
		return sum, err
	}
	last := int64(0)
	for {
		rows, err := from.Query(ctx, q.queries.members, planned, holds, JobKind, last, page)
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

// cancelTx cancels jobs by their ids. Calls that enqueue for their trunks wait for the end of the
// transaction, so they do not rely on a job that is about to be canceled.
func (q *Queue) cancelTx(ctx context.Context, tx pgx.Tx, batch string, ids []int64) (done Cancellation, err error) {
	if _, err := tx.Exec(ctx, q.queries.lockJobs, planned, int32(lockClass), ids); err != nil {
		return done, err
	}
	holds, err := holding(batch)
	if err != nil {
		return done, err
	}
	rows, err := tx.Query(ctx, q.queries.unfinished, planned, ids, holds)
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
		if _, err := tx.Exec(ctx, q.queries.leave, planned, shared, batch); err != nil {
			return done, err
		}
	}
	if len(waiting) > 0 {
		if _, err := tx.Exec(ctx, q.queries.cancel, planned, waiting); err != nil {
			return done, err
		}
	}
	for _, id := range running { // at most one for each worker
		if _, err := q.client.JobCancelTx(ctx, tx, id); err != nil {
			return done, err
		}
	}
	return Cancellation{Canceled: len(waiting), Running: len(running), Shared: len(shared)}, nil
}

// uninterrupted returns the context of an attempt: canceling the job does not end it, because the trunk would
// be left half-done. River's stop and the job's timeout end it. Once the job was canceled, only the timeout
// does, because River's own context has already ended.
func uninterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	detached, end := context.WithCancelCause(context.WithoutCancel(ctx))
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
		return detached, release
	}
	timed, cancel := context.WithDeadline(detached, deadline)
	return timed, func() {
		cancel()
		release()
	}
}
