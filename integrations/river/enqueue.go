package mihuriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// chunk is how many items are enqueued in one transaction.
const chunk = 1000

// Enqueued counts what a call enqueued.
type Enqueued struct {
	// Items counts the items that are in the queue now: Inserted plus Unfinished.
	Items int
	// Inserted counts the items that got a new job.
	Inserted int
	// Unfinished counts the items whose trunk already had an unfinished job that wants the same, and no newer
	// one. That job is part of the batch as well.
	Unfinished int
}

// EnqueueError is an error of a call and how far the call got. It is safe to enqueue all items again.
type EnqueueError struct {
	// Enqueued counts what is in the queue: the first items, without a gap.
	Enqueued Enqueued
	// Unsure counts the items after those that may be in the queue, because the connection was lost while
	// they were committed.
	Unsure int
	// Index is the index of the invalid item, from 0, and Line its line. They are -1 and 0 if the error is not
	// that of an item.
	Index, Line int
	// Err is the cause.
	Err error
}

// Error returns the item, the cause, and what is enqueued.
func (e *EnqueueError) Error() string {
	var b strings.Builder
	b.WriteString("mihuriver: enqueue: ")
	if e.Index >= 0 {
		fmt.Fprintf(&b, "item %d", e.Index+1)
		if e.Line > 0 {
			fmt.Fprintf(&b, " (line %d)", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(strings.TrimPrefix(e.Err.Error(), "mihuriver: "))
	if e.Enqueued.Items == 0 && e.Unsure == 0 {
		b.WriteString("; nothing is enqueued")
		return b.String()
	}
	fmt.Fprintf(&b, "; the first %d items are enqueued", e.Enqueued.Items)
	if e.Unsure > 0 {
		fmt.Fprintf(&b, ", the next %d may be", e.Unsure)
	}
	b.WriteString(", the rest is not; it is safe to enqueue all of them again")
	return b.String()
}

// Unwrap returns Err.
func (e *EnqueueError) Unwrap() error { return e.Err }

// Enqueue enqueues a sequence of items as part of a batch, 1,000 in each transaction, in constant memory. The
// name of the batch has 1 to 100 characters. Items can be added to a batch at any time.
//
// If the trunk of an item has an unfinished job that wants the same, and no newer one, Enqueue adds no job: that
// job becomes part of the batch.
//
// Every error is an [*EnqueueError]. Its cause is an error of the sequence, a [*mihu.ValidationError] of an
// item that the API or the database cannot accept, [ErrPlainSecret] for credentials without a Sealer, or an
// error of the database. The first error ends the call.
func (q *Queue) Enqueue(ctx context.Context, batch string, items iter.Seq2[provision.Item, error]) (Enqueued, error) {
	return q.each(ctx, batch, items, func(jobs []Args) (Enqueued, int, error) {
		var done Enqueued
		var unsure int
		err := retried(func() (err error) {
			done, unsure, err = q.commit(ctx, batch, jobs)
			return err
		})
		return done, unsure, err
	})
}

// retried runs a transaction, up to five times if it meets a deadlock: workers may finish the same jobs in
// another order.
func retried(run func() error) (err error) {
	for range 5 {
		err = run()
		if failed, ok := errors.AsType[*pgconn.PgError](err); !ok || failed.Code != "40P01" && failed.Code != "40001" {
			return err
		}
	}
	return err
}

// commit enqueues some items in a transaction of its own.
func (q *Queue) commit(ctx context.Context, batch string, jobs []Args) (done Enqueued, unsure int, err error) {
	tx, err := q.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return Enqueued{}, 0, err
	}
	done, err = q.insert(ctx, tx, batch, jobs)
	if err != nil {
		return Enqueued{}, 0, errors.Join(err, undo(ctx, tx))
	}
	if err := tx.Commit(ctx); err != nil {
		if _, definite := errors.AsType[*pgconn.PgError](err); definite {
			return Enqueued{}, 0, err
		}
		return Enqueued{}, len(jobs), fmt.Errorf("commit: %w", err)
	}
	return done, 0, nil
}

// EnqueueTx is [Queue.Enqueue] within the caller's transaction: workers see the jobs when it commits, and never
// if it does not. After an error nothing of the call is in the transaction, which can continue. The
// transaction must be READ COMMITTED, PostgreSQL's default. Until it ends, other calls that enqueue jobs of the
// same trunks wait, and for each trunk those of a 256th of all others: keep it short.
func (q *Queue) EnqueueTx(ctx context.Context, tx pgx.Tx, batch string, items iter.Seq2[provision.Item, error]) (Enqueued, error) {
	if err := q.check(batch); err != nil {
		return Enqueued{}, &EnqueueError{Index: -1, Err: err}
	}
	if err := readCommitted(ctx, tx); err != nil {
		return Enqueued{}, &EnqueueError{Index: -1, Err: err}
	}
	part, err := tx.Begin(ctx)
	if err != nil {
		return Enqueued{}, &EnqueueError{Index: -1, Err: err}
	}
	done, err := q.each(ctx, batch, items, func(jobs []Args) (Enqueued, int, error) {
		done, err := q.insert(ctx, part, batch, jobs)
		return done, 0, err
	})
	if err == nil {
		if err = part.Commit(ctx); err == nil {
			return done, nil
		}
		err = &EnqueueError{Index: -1, Err: err}
	}
	if failed, ok := errors.AsType[*EnqueueError](err); ok {
		failed.Enqueued = Enqueued{}
		if err := undo(ctx, part); err != nil {
			failed.Err = errors.Join(failed.Err, err)
		}
	}
	return Enqueued{}, err
}

// readCommitted returns an error for another isolation level: its snapshot would be older than the lock, and
// would miss what others have enqueued in the meantime.
func readCommitted(ctx context.Context, tx pgx.Tx) error {
	if tx == nil {
		return errors.New("no transaction")
	}
	var isolation string
	if err := tx.QueryRow(ctx, "SHOW transaction_isolation").Scan(&isolation); err != nil {
		return err
	}
	if isolation != "read committed" {
		return fmt.Errorf("the transaction is %s; want read committed", isolation)
	}
	return nil
}

// undo rolls a transaction back, unless it or its connection has ended.
func undo(ctx context.Context, tx pgx.Tx) error {
	gone := tx.Conn().IsClosed()
	err := tx.Rollback(context.WithoutCancel(ctx))
	if gone || errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// each calls do with the jobs of the items, some at a time.
func (q *Queue) each(ctx context.Context, batch string, items iter.Seq2[provision.Item, error], do func([]Args) (Enqueued, int, error)) (Enqueued, error) {
	var sum Enqueued
	if err := q.check(batch); err != nil {
		return sum, &EnqueueError{Index: -1, Err: err}
	}
	if items == nil {
		return sum, &EnqueueError{Index: -1, Err: errors.New("no items: the sequence is nil")}
	}
	jobs := make([]Args, 0, chunk)
	flush := func() error {
		if len(jobs) == 0 {
			return nil
		}
		done, unsure, err := do(jobs)
		if err != nil {
			return &EnqueueError{Enqueued: sum, Unsure: unsure, Index: -1, Err: err}
		}
		sum = Enqueued{sum.Items + done.Items, sum.Inserted + done.Inserted, sum.Unfinished + done.Unfinished}
		jobs = jobs[:0]
		return nil
	}
	index := 0
	for item, err := range items {
		var args Args
		if err == nil {
			args, err = newArgs(item, q.options.Sealer)
		}
		if err != nil {
			return sum, &EnqueueError{Enqueued: sum, Index: index, Line: item.Line, Err: err}
		}
		index++
		if jobs = append(jobs, args); len(jobs) == chunk {
			if err := flush(); err != nil {
				return sum, err
			}
		}
		if ctx.Err() != nil {
			return sum, &EnqueueError{Enqueued: sum, Index: -1, Err: context.Cause(ctx)}
		}
	}
	return sum, flush()
}

// insert enqueues some items in a transaction: it looks up the jobs of their trunks, decides what to do, and
// does it. Other transactions that enqueue jobs of these trunks wait until this one ends.
func (q *Queue) insert(ctx context.Context, tx pgx.Tx, batch string, jobs []Args) (Enqueued, error) {
	ids := trunksOf(jobs)
	if err := lock(ctx, tx, ids); err != nil {
		return Enqueued{}, err
	}
	newest, err := q.queries.currents(ctx, tx, ids, batch)
	if err != nil {
		return Enqueued{}, err
	}
	d := decide(jobs, newest)
	if err := q.carryOut(ctx, tx, batch, d); err != nil {
		return Enqueued{}, err
	}
	return Enqueued{Items: len(jobs), Inserted: len(d.insert), Unfinished: len(jobs) - len(d.insert)}, nil
}

// trunksOf returns the trunks of jobs, each once, in order.
func trunksOf(jobs []Args) []mihu.TrunkID {
	ids := make([]mihu.TrunkID, 0, len(jobs))
	seen := make(map[mihu.TrunkID]bool, len(jobs))
	for i := range jobs {
		if id := jobs[i].Trunk.TrunkID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// decision is what enqueuing some items means for the table of jobs.
type decision struct {
	insert []Args  // items that need a job
	join   []int64 // jobs that already want the same as an item, and become part of the batch
}

// decide compares each item with the newest job of its trunk: an item needs no job if that one is unfinished
// and wants the same. It changes newest, so that later items are compared with the jobs of earlier ones.
func decide(jobs []Args, newest map[mihu.TrunkID]current) (d decision) {
	for _, args := range jobs {
		id := args.Trunk.TrunkID
		now := newest[id]
		if !now.open || !args.wants(now.key) {
			d.insert = append(d.insert, args)
			newest[id] = current{key: args.key(), open: true, inBatch: true}
			continue
		}
		if !now.inBatch {
			d.join = append(d.join, now.id)
			now.inBatch = true
			newest[id] = now
		}
	}
	return d
}

// carryOut writes a decision to the table.
func (q *Queue) carryOut(ctx context.Context, tx pgx.Tx, batch string, d decision) error {
	if len(d.join) > 0 {
		if _, err := tx.Exec(ctx, q.queries.join, d.join, batch); err != nil {
			return err
		}
	}
	if len(d.insert) == 0 {
		return nil
	}
	metadata, err := json.Marshal(map[string][]string{batchesKey: {batch}})
	if err != nil {
		return err
	}
	opts := &river.InsertOpts{Metadata: metadata, Priority: q.options.Priority}
	params := make([]river.InsertManyParams, len(d.insert))
	for i, args := range d.insert {
		params[i] = river.InsertManyParams{Args: args, InsertOpts: opts}
	}
	n, err := q.client.InsertManyFastTx(ctx, tx, params)
	if err == nil && n != len(params) {
		err = fmt.Errorf("River inserted %d of %d jobs", n, len(params)) //nolint:staticcheck // a name
	}
	return err
}
