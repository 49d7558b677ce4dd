package mihuriver

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/mihu-go/mihu"
)

// db is what is read through: a pool or a transaction.
type db interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// table is River's table of jobs in the schema that the client has, and what is read from it.
type table struct {
	newest, siblings, join, summary, problems    string
	members, lockJobs, unfinished, leave, cancel string
}

func newTable(schema string) table {
	name := func(of string) string {
		if schema == "" {
			return pgx.Identifier{of}.Sanitize()
		}
		return pgx.Identifier{schema, of}.Sanitize()
	}
	job := name("river_job")
	// The condition of River's index of unique jobs, which PostgreSQL wants to read before it uses it.
	indexed := "j.unique_states IS NOT NULL AND " + name("river_job_state_in_bitmask") + "(j.unique_states, j.state)"
	return table{
		// OFFSET 0 keeps PostgreSQL from comparing all trunks with all jobs, which it takes for cheaper.
		newest: `SELECT k.n - 1, j.* FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS k(low, high, n)
			CROSS JOIN LATERAL (
				SELECT j.id, j.state::text, j.unique_key, j.metadata ? 'cancel_attempted_at', coalesce(j.metadata->'` + batchesKey + `' ? $3, false)
				FROM ` + job + ` j WHERE j.unique_key BETWEEN k.low AND k.high AND ` + indexed + ` AND ` + counts + ` OFFSET 0) j`,
		siblings: `SELECT j.id, j.state::text FROM ` + job + ` j
			WHERE j.unique_key BETWEEN $1 AND $2 AND ` + indexed + ` AND ` + counts + ` AND j.id <> $3 ORDER BY j.id`,
		join: `UPDATE ` + job + ` SET metadata = jsonb_set(metadata, '{` + batchesKey + `}', coalesce(metadata->'` + batchesKey + `', '[]') || to_jsonb($2::text))
			WHERE id = ANY($1)`,
		summary: `SELECT ` + status + ` AS status, j.state::text, count(*) FROM ` + job + ` j
			WHERE j.metadata @> $1 AND j.kind = $2 GROUP BY 1, 2`,
		problems: `SELECT * FROM (SELECT j.id, j.args->'trunk'->>'phone_number', j.args->'trunk'->>'channel', coalesce((j.args->>'line')::int, 0),
				j.attempt::int, ` + status + ` AS status,
				CASE WHEN ` + status + ` = 'canceled' THEN 'canceled with its batch'
					WHEN j.state = 'cancelled' AND ` + status + ` = 'unknown' THEN 'canceled by somebody' || coalesce('; before that: ' || ` + failure + `, '')
					ELSE coalesce(` + failure + `, '') END AS reason
			FROM ` + job + ` j WHERE j.metadata @> $1 AND j.kind = $2) p
			WHERE p.status = ANY($3) AND (p.status <> 'waiting' OR p.reason <> '') ORDER BY p.id`,
		members: `SELECT j.id FROM ` + job + ` j WHERE j.metadata @> $1 AND j.kind = $2 AND j.id > $3 AND ` + unfinished + ` ORDER BY j.id LIMIT $4`,
		// The first byte of the key is that of the hash of the trunk, as for lock.
		lockJobs: `SELECT pg_advisory_xact_lock($1, k.stripe) FROM (
			SELECT DISTINCT get_byte(j.unique_key, 0) AS stripe FROM ` + job + ` j WHERE j.id = ANY($2) ORDER BY 1) k`,
		unfinished: `SELECT j.id, j.state = 'running', jsonb_array_length(j.metadata->'` + batchesKey + `') > 1 FROM ` + job + ` j
			WHERE j.id = ANY($1) AND j.metadata @> $2 AND ` + unfinished + ` ORDER BY j.id FOR UPDATE`,
		leave: `UPDATE ` + job + ` SET metadata = jsonb_set(metadata, '{` + batchesKey + `}', (metadata->'` + batchesKey + `') - $2::text)
			WHERE id = ANY($1)`,
		cancel: `UPDATE ` + job + ` SET state = 'cancelled', finalized_at = now(), metadata = CASE
				WHEN attempt = 0 AND NOT metadata ? 'output' THEN metadata || '{"output": {"outcome": "canceled"}}' ELSE metadata END
			WHERE id = ANY($1)`,
	}
}

// unfinished jobs are those that wait or run, unless somebody has asked to cancel them.
const unfinished = `j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled') AND NOT j.metadata ? 'cancel_attempted_at'`

// counts says that a job has its place in the order of its trunk. One that was canceled before it began
// has none: it has done nothing, and nothing for the jobs before it.
const counts = `NOT ` + untouched

// untouched jobs were canceled before they began; not those that somebody has retried since, and that began.
const untouched = `(j.state = 'cancelled' AND j.attempt = 0 AND coalesce(j.metadata #>> '{output,outcome}', '') = 'canceled')`

// failure is why a job is not done, NULL where nothing has failed.
const failure = `coalesce(j.metadata #>> '{output,reason}', j.errors[array_upper(j.errors, 1)]->>'error')`

// status tells what became of a job, by its state and by what its worker has recorded.
const status = `CASE
	WHEN j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled') THEN 'waiting'
	WHEN j.metadata #>> '{output,outcome}' = 'superseded' THEN 'superseded'
	WHEN j.state = 'completed' AND j.metadata #>> '{output,outcome}' = 'done' THEN 'done'
	WHEN j.state = 'cancelled' AND j.metadata #>> '{output,outcome}' = 'refused' THEN 'refused'
	WHEN ` + untouched + ` THEN 'canceled'
	ELSE 'unknown' END`

// batchesKey is where the metadata of a job has the batches that want it.
const batchesKey = "mihu_batches"

// current is the newest job of a trunk.
type current struct {
	id      int64 // 0 for one that is about to be inserted
	key     []byte
	open    bool // unfinished, and nobody has asked to cancel it
	inBatch bool
}

// currents finds the newest job of each trunk.
func (t table) currents(ctx context.Context, tx db, ids []mihu.TrunkID, batch string) (map[mihu.TrunkID]current, error) {
	lows, highs := make([][]byte, len(ids)), make([][]byte, len(ids))
	for i, id := range ids {
		lows[i], highs[i] = bounds(id)
	}
	// It would compile the query for longer than it takes.
	var jit string
	rows, err := tx.Query(ctx, "SELECT current_setting('jit'), set_config('jit', 'off', true)")
	if err != nil {
		return nil, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&jit, nil}, func() error { return nil }); err != nil {
		return nil, err
	}
	if rows, err = tx.Query(ctx, t.newest, planned, lows, highs, batch); err != nil {
		return nil, err
	}
	found := map[mihu.TrunkID]current{}
	var (
		n      int
		state  string
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
	// The transaction may be the caller's.
	rows, err = tx.Query(ctx, "SELECT set_config('jit', $1, true)", jit)
	if err != nil {
		return nil, err
	}
	rows.Close()
	return found, rows.Err()
}

// planned has a query planned each time: a plan that was made for an empty table would be kept when
// it has a million rows.
const planned = pgx.QueryExecModeCacheDescribe

// sibling is another job of the same trunk.
type sibling struct {
	id    int64
	state string
}

// others finds the other jobs of a job's trunk, whatever their state, oldest first.
func (t table) others(ctx context.Context, pool db, id mihu.TrunkID, job int64) ([]sibling, error) {
	low, high := bounds(id)
	rows, err := pool.Query(ctx, t.siblings, planned, low, high, job)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (one sibling, err error) {
		err = row.Scan(&one.id, &one.state)
		return one, err
	})
}

func finished(state string) bool {
	switch rivertype.JobState(state) {
	case rivertype.JobStateCancelled, rivertype.JobStateCompleted, rivertype.JobStateDiscarded:
		return true
	default:
		return false
	}
}

// lockClass is "mihu", in the space of two integers, which River does not use.
const lockClass = 0x6d696875

// lock makes those who enqueue jobs of the same trunks do so one after the other, until the end of the
// transaction. There are 256 locks, for PostgreSQL has room for some thousands only.
func lock(ctx context.Context, tx pgx.Tx, ids []mihu.TrunkID) error {
	var wanted [256]bool
	for _, id := range ids {
		wanted[hash(id)[0]] = true
	}
	var stripes []int32 // in order, so that no two wait for each other
	for stripe, is := range wanted {
		if is {
			stripes = append(stripes, int32(stripe))
		}
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, k) FROM unnest($2::int[]) AS k", int32(lockClass), stripes)
	return err
}

var errNoPool = errors.New("mihuriver: no pool of connections")
