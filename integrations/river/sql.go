package mihuriver

import "github.com/jackc/pgx/v5"

// queries is the SQL that reads and changes River's table of jobs in the client's schema. Jobs are
// inserted, and running jobs canceled, with River's own functions.
type queries struct {
	newest, siblings, lockState, join, summary, problems string
	members, lockJobs, unfinished, leave, cancel         string
}

func newQueries(schema string) queries {
	name := func(of string) string {
		if schema == "" {
			return pgx.Identifier{of}.Sanitize()
		}
		return pgx.Identifier{schema, of}.Sanitize()
	}
	job := name("river_job")
	// The condition of River's index of unique jobs, without which PostgreSQL does not use the index.
	indexed := "j.unique_states IS NOT NULL AND " + name("river_job_state_in_bitmask") + "(j.unique_states, j.state)"
	return queries{
		// The newest jobs of the trunks whose keys are between $1 and $2. OFFSET 0 keeps PostgreSQL from
		// comparing all trunks with all jobs, which it estimates to be cheaper.
		newest: `SELECT k.n - 1, j.* FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS k(low, high, n)
			CROSS JOIN LATERAL (
				SELECT j.id, j.state::text, j.unique_key, j.metadata ? 'cancel_attempted_at', coalesce(j.metadata->'` + batchesKey + `' ? $3, false)
				FROM ` + job + ` j WHERE j.unique_key BETWEEN k.low AND k.high AND ` + indexed + ` AND ` + ordered + ` OFFSET 0) j`,
		// The jobs of a trunk but one.
		siblings: `SELECT j.id, j.state::text FROM ` + job + ` j
			WHERE j.unique_key BETWEEN $1 AND $2 AND ` + indexed + ` AND ` + ordered + ` AND j.id <> $3 ORDER BY j.id`,
		// The state of a job, which stays as it is until the transaction ends: River starts no locked job.
		lockState: `SELECT j.state::text FROM ` + job + ` j WHERE j.id = $1 FOR UPDATE`,
		// Add jobs to a batch.
		join: `UPDATE ` + job + ` SET metadata = jsonb_set(metadata, '{` + batchesKey + `}', coalesce(metadata->'` + batchesKey + `', '[]') || to_jsonb($2::text))
			WHERE id = ANY($1)`,
		summary: `SELECT ` + status + ` AS status, j.state::text, count(*) FROM ` + job + ` j
			WHERE j.metadata @> $1 AND j.kind = $2 GROUP BY 1, 2`,
		// Somebody may have inserted rows by hand: what they lack is empty.
		problems: `SELECT * FROM (SELECT j.id, coalesce(j.args->'trunk'->>'phone_number', ''), coalesce(j.args->'trunk'->>'channel', ''),
				` + line + `, j.attempt::int, ` + status + ` AS status, ` + reasonText + ` AS reason
			FROM ` + job + ` j WHERE j.metadata @> $1 AND j.kind = $2) p
			WHERE p.status = ANY($3) AND (p.status <> 'waiting' OR p.reason <> '') ORDER BY p.id`,
		// The ids of a batch's unfinished jobs, by pages.
		members: `SELECT j.id FROM ` + job + ` j WHERE j.metadata @> $1 AND j.kind = $2 AND j.id > $3 AND ` + unfinished + ` ORDER BY j.id LIMIT $4`,
		// The first byte of a key is that of the hash of the trunk, as for lock.
		lockJobs: `SELECT pg_advisory_xact_lock($1, k.stripe) FROM (
			SELECT DISTINCT get_byte(j.unique_key, 0) AS stripe FROM ` + job + ` j WHERE j.id = ANY($2) AND j.unique_key <> '' ORDER BY 1) k`,
		// Of some jobs of a batch those that are unfinished, whether they run, and whether other batches share them.
		unfinished: `SELECT j.id, j.state = 'running', jsonb_array_length(j.metadata->'` + batchesKey + `') > 1 FROM ` + job + ` j
			WHERE j.id = ANY($1) AND j.metadata @> $2 AND ` + unfinished + ` ORDER BY j.id FOR UPDATE`,
		// Remove jobs from a batch.
		leave: `UPDATE ` + job + ` SET metadata = jsonb_set(metadata, '{` + batchesKey + `}', (metadata->'` + batchesKey + `') - $2::text)
			WHERE id = ANY($1)`,
		// Cancel jobs that wait.
		cancel: `UPDATE ` + job + ` SET state = 'cancelled', finalized_at = now(), metadata = CASE
				WHEN attempt = 0 AND NOT metadata ? 'output' THEN metadata || '{"output": {"outcome": "canceled"}}' ELSE metadata END
			WHERE id = ANY($1)`,
	}
}

// batchesKey is where the metadata of a job has the names of its batches.
const batchesKey = "mihu_batches"

// unfinished jobs wait or run, and nobody has asked to cancel them.
const unfinished = `j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled') AND NOT j.metadata ? 'cancel_attempted_at'`

// ordered jobs have a place in the order of their trunk. A job that was canceled before it began has none:
// it did nothing, and has superseded no other.
const ordered = `NOT ` + untouched

// untouched jobs were canceled before they began, by Queue.Cancel or by River's JobCancel, which records
// no output. A job that was retried by hand after that, and began, has an attempt or another output.
const untouched = `(j.state = 'cancelled' AND j.attempt = 0 AND CASE
	WHEN j.metadata #>> '{output,outcome}' IS NULL THEN j.metadata ? 'cancel_attempted_at'
	ELSE j.metadata #>> '{output,outcome}' = 'canceled' END)`

// line is the line of an item; 0 if it is not a number of at most nine digits.
const line = `CASE WHEN j.args->>'line' ~ '^[0-9]{1,9}$' THEN (j.args->>'line')::int ELSE 0 END`

// failure is why a job is not done; NULL if nothing has failed.
const failure = `coalesce(j.metadata #>> '{output,reason}', j.errors[array_upper(j.errors, 1)]->>'error')`

// reasonText is the reason of a problem.
const reasonText = `CASE
	WHEN ` + untouched + ` THEN CASE WHEN j.metadata ? 'output' THEN 'canceled with its batch' ELSE 'canceled by JobCancel' END
	WHEN j.state = 'cancelled' AND ` + status + ` = 'unknown' AND coalesce(j.metadata #>> '{output,outcome}', '') <> 'unknown'
		THEN 'canceled by somebody' || coalesce('; before that: ' || ` + failure + `, '')
	ELSE coalesce(` + failure + `, '') END`

// status is the status of a job, by its state and by what its worker has recorded.
const status = `CASE
	WHEN j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled') THEN 'waiting'
	WHEN j.metadata #>> '{output,outcome}' = 'superseded' THEN 'superseded'
	WHEN j.state = 'completed' AND j.metadata #>> '{output,outcome}' = 'done' THEN 'done'
	WHEN j.state = 'cancelled' AND j.metadata #>> '{output,outcome}' = 'refused' THEN 'refused'
	WHEN ` + untouched + ` THEN 'canceled'
	ELSE 'unknown' END`
