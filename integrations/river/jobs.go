package mihuriver

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/mihu-go/mihu"
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// current is the newest job of a trunk.
type current struct {
	id      int64 // 0 for one that is about to be inserted
	key     []byte
	open    bool // unfinished, and nobody has asked to cancel it
	inBatch bool
}

// currents returns the newest job of each trunk that has one.
func (q queries) currents(ctx context.Context, tx querier, ids []mihu.TrunkID, batch string) (map[mihu.TrunkID]current, error) {
	lows, highs := make([][]byte, len(ids)), make([][]byte, len(ids))
	for i, id := range ids {
		lows[i], highs[i] = bounds(id)
	}
	// Compiling the query would take longer than running it.
	var jit string
	rows, err := tx.Query(ctx, "SELECT current_setting('jit'), set_config('jit', 'off', true)")
	if err != nil {
		return nil, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&jit, nil}, func() error { return nil }); err != nil {
		return nil, err
	}
	if rows, err = tx.Query(ctx, q.newest, planned, lows, highs, batch); err != nil {
		return nil, err
	}
	found := map[mihu.TrunkID]current{}
	var (
		n      int
		state  rivertype.JobState
		ending bool
		one    current
	)
	_, err = pgx.ForEachRow(rows, []any{&n, &one.id, &state, &one.key, &ending, &one.inBatch}, func() error {
		if one.id > found[ids[n]].id {
			one.open = !finished(state) && !ending
			found[ids[n]] = one
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The transaction may be the caller's: restore its setting.
	rows, err = tx.Query(ctx, "SELECT set_config('jit', $1, true)", jit)
	if err != nil {
		return nil, err
	}
	rows.Close()
	return found, rows.Err()
}

// planned has PostgreSQL plan a query every time: it would keep a plan for an empty table when the table has
// a million rows.
const planned = pgx.QueryExecModeCacheDescribe

// sibling is another job of the same trunk.
type sibling struct {
	id    int64
	state rivertype.JobState
}

// others returns the other jobs of a job's trunk, whatever their state, oldest first.
func (q queries) others(ctx context.Context, pool querier, id mihu.TrunkID, job int64) ([]sibling, error) {
	low, high := bounds(id)
	rows, err := pool.Query(ctx, q.siblings, planned, low, high, job)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (one sibling, err error) {
		err = row.Scan(&one.id, &one.state)
		return one, err
	})
}

// finished reports whether a job in this state is never worked on again, unless somebody retries it.
func finished(state rivertype.JobState) bool {
	switch state {
	case rivertype.JobStateCancelled, rivertype.JobStateCompleted, rivertype.JobStateDiscarded:
		return true
	default:
		return false
	}
}

// lockClass is "mihu". River uses no advisory locks of two integers.
const lockClass = 0x6d696875

// lock serializes transactions that enqueue jobs of the same trunks. There are 256 locks, because
// PostgreSQL has room for a few thousand only.
func lock(ctx context.Context, tx pgx.Tx, ids []mihu.TrunkID) error {
	var wanted [256]bool
	for _, id := range ids {
		wanted[hash(id)[0]] = true
	}
	var stripes []int32 // in order, so that no two transactions wait for each other
	for stripe, is := range wanted {
		if is {
			stripes = append(stripes, int32(stripe))
		}
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, k) FROM unnest($2::int[]) AS k", int32(lockClass), stripes)
	return err
}

var errNoPool = errors.New("mihuriver: no pool of connections; want the one that River has")
