package mihuriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// chunk is how many items are enqueued in one transaction.
const chunk = 1000

// QueueOptions are those of [NewQueue]. The zero value of each is its default.
type QueueOptions struct {
	// Sealer seals the SIP credentials that an item brings along; nil: such an item is refused.
	Sealer *Sealer
	// Priority is River's, 1 (first) to 4; 0 means 1.
	Priority int
}

// Queue enqueues items and tells what became of them. It is made by [NewQueue] and safe for concurrent
// use; its zero value answers everything with an error.
type Queue struct {
	client  *river.Client[pgx.Tx]
	pool    *pgxpool.Pool
	options QueueOptions
	table   table
}

// NewQueue makes a Queue of a client of River, which need not work on jobs, and its pool of connections.
// Both stay the caller's, who closes the pool.
func NewQueue(client *river.Client[pgx.Tx], pool *pgxpool.Pool, options QueueOptions) (*Queue, error) {
	switch {
	case client == nil:
		return nil, errors.New("mihuriver: NewQueue: no client of River")
	case pool == nil:
		return nil, errNoPool
	case options.Priority < 0 || options.Priority > 4:
		return nil, fmt.Errorf("mihuriver: NewQueue: Priority %d; want 1 to 4, or 0", options.Priority)
	}
	return &Queue{client, pool, options, newTable(client.Schema())}, nil
}

// Enqueued says what a call has enqueued.
type Enqueued struct {
	// Items counts the items that are in the queue now: Inserted and Unfinished.
	Items int
	// Inserted counts the items that got a job.
	Inserted int
	// Unfinished counts the items that had one already, which is the newest of its trunk and not
	// finished. It counts for the batch as well.
	Unfinished int
}

// EnqueueError says how far a call got. Enqueuing all of the items again is safe.
type EnqueueError struct {
	// Enqueued is what is in the queue: the first items of the stream, without a gap.
	Enqueued Enqueued
	// Unsure counts the items after those of which it is not known whether they are in the queue,
	// because the connection was lost while they were committed.
	Unsure int
	// Index is the item that was at fault, from 0, and Line its line; -1 and 0 where none was.
	Index, Line int
	// Err is what went wrong.
	Err error
}

// Error says what went wrong with which item, and what is enqueued.
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
		fmt.Fprintf(&b, ", the next %d perhaps", e.Unsure)
	}
	b.WriteString(", the rest is not; it is safe to enqueue all of them again")
	return b.String()
}

// Unwrap is Err.
func (e *EnqueueError) Unwrap() error { return e.Err }

// Enqueue enqueues a stream of items under the name of a batch, 1,000 in a transaction, in constant
// memory. An item whose trunk has an unfinished job that wants the same, and no newer one, is not
// enqueued again: that job is part of this batch as well. The name is of 1 to 100 characters; more
// can be added to a batch at any time.
//
// Every error is an [*EnqueueError]: an item that the stream gives with an error, one that
// the API's documentation rules out ([*mihu.ValidationError]), one with credentials in clear
// ([ErrPlainSecret]), and those of the database.
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

// retried does a transaction again after a deadlock: that a worker finishes the same jobs in another
// order is no reason to give up.
func retried(do func() error) (err error) {
	for range 5 {
		err = do()
		if failed, ok := errors.AsType[*pgconn.PgError](err); !ok || failed.Code != "40P01" && failed.Code != "40001" {
			return err
		}
	}
	return err
}

// commit enqueues some items in a transaction of their own.
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

// EnqueueTx is Enqueue inside of the caller's transaction, with all that it brings: the jobs are there
// for workers once it commits, and never if it does not. After an error nothing of the call is in the
// transaction, which can go on. It has to be READ COMMITTED, PostgreSQL's default. Until its end, others
// who enqueue jobs of the same trunks wait, and of a 256th part of all other trunks for each: keep it
// short.
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

// readCommitted refuses another transaction: a snapshot of before the lock does not have what others have
// enqueued meanwhile.
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

// undo rolls a transaction back, unless it has ended already, perhaps with its connection.
func undo(ctx context.Context, tx pgx.Tx) error {
	gone := tx.Conn().IsClosed()
	err := tx.Rollback(context.WithoutCancel(ctx))
	if gone || errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// each hands the jobs of the items over, some at a time.
func (q *Queue) each(ctx context.Context, batch string, items iter.Seq2[provision.Item, error], do func([]Args) (Enqueued, int, error)) (Enqueued, error) {
	var sum Enqueued
	if err := q.check(batch); err != nil {
		return sum, &EnqueueError{Index: -1, Err: err}
	}
	if items == nil {
		return sum, &EnqueueError{Index: -1, Err: errors.New("no stream of items")}
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
		if err == nil {
			// Before it is stored, for a wrong field may hide a secret.
			err = item.Trunk.Validate()
		}
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

// check refuses a Queue that NewQueue has not made, and a batch without a proper name.
func (q *Queue) check(batch string) error {
	if q == nil || q.pool == nil {
		return errors.New("mihuriver: a Queue that NewQueue has not made")
	}
	if batch == "" || !utf8.ValidString(batch) || utf8.RuneCountInString(batch) > 100 || strings.ContainsFunc(batch, unicode.IsControl) {
		return errors.New("mihuriver: the batch needs a name of 1 to 100 characters without control characters")
	}
	return nil
}

// insert enqueues some items in a transaction, which the jobs of their trunks wait for.
func (q *Queue) insert(ctx context.Context, tx pgx.Tx, batch string, jobs []Args) (Enqueued, error) {
	ids := make([]mihu.TrunkID, 0, len(jobs))
	seen := make(map[mihu.TrunkID]bool, len(jobs))
	for i := range jobs {
		if id := jobs[i].Trunk.TrunkID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if err := lock(ctx, tx, ids); err != nil {
		return Enqueued{}, err
	}
	newest, err := q.table.currents(ctx, tx, ids, batch)
	if err != nil {
		return Enqueued{}, err
	}
	metadata, err := json.Marshal(map[string][]string{batchesKey: {batch}})
	if err != nil {
		return Enqueued{}, err
	}
	opts := &river.InsertOpts{Metadata: metadata, Priority: q.options.Priority}
	done := Enqueued{Items: len(jobs)}
	var inserted []river.InsertManyParams
	var joined []int64
	for _, args := range jobs {
		id := args.Trunk.TrunkID
		now := newest[id]
		if !now.open || !args.wants(now.key) {
			inserted = append(inserted, river.InsertManyParams{Args: args, InsertOpts: opts})
			newest[id] = current{key: args.key(), open: true, inBatch: true}
			continue
		}
		done.Unfinished++
		if !now.inBatch {
			joined = append(joined, now.id)
			now.inBatch = true
			newest[id] = now
		}
	}
	if done.Inserted = len(inserted); done.Inserted > 0 {
		n, err := q.client.InsertManyFastTx(ctx, tx, inserted)
		if err != nil {
			return Enqueued{}, err
		}
		if n != len(inserted) {
			return Enqueued{}, errors.New("River inserted " + strconv.Itoa(n) + " jobs of " + strconv.Itoa(len(inserted)))
		}
	}
	if len(joined) > 0 {
		if _, err := tx.Exec(ctx, q.table.join, joined, batch); err != nil {
			return Enqueued{}, err
		}
	}
	return done, nil
}
