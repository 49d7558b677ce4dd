package mihuriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// turn is how long a job waits for an older job of its trunk before it checks again.
const turn = time.Second

// WorkerOptions configure [NewWorker]. The zero value of each field is its default.
type WorkerOptions struct {
	// Secrets looks up the credentials that items name. nil means that jobs with a secret name fail and are
	// retried. River stores the text of its errors, which must hold no secret.
	Secrets provision.Secrets
	// Sealer opens sealed credentials. nil means that jobs with sealed credentials fail and are retried.
	Sealer *Sealer
	// Contended reports whether a refusal by the API may pass once another trunk has been moved, because its
	// agent still serves that trunk. nil means [mihu.ErrConflict] and [mihu.ErrNotFound]. The API does not
	// document how it refuses a busy agent: if yours returns [mihu.ErrInvalid], report it here.
	Contended func(error) bool
	// ContendedAttempts is the number of such refusals after which a job is refused, 1 for the first. 0 or
	// less means 8, which is after 78 minutes of River's own backoff.
	ContendedAttempts int
	// MaxSnooze is the maximum wait after a 429 response; 0 or less means 15 minutes. Up to a quarter of the
	// wait is added at random, so that not all jobs come back at once.
	MaxSnooze time.Duration
	// TokenPause is how long a job waits after the API rejected the token, and up to a quarter more; 0 or
	// less means a minute. The job waits until the token is accepted, and uses no attempt.
	TokenPause time.Duration
}

// Worker works on the jobs: it creates the trunk of each, or updates it to match. [NewWorker] creates one
// for [river.AddWorker].
type Worker struct {
	river.WorkerDefaults[Args]
	pool    *pgxpool.Pool
	client  *mihu.Client
	options WorkerOptions
}

// NewWorker creates a worker from the pool of connections that River has and a client of the workspace. Both
// stay the caller's, who closes the pool after River's client has stopped. A job uses a connection only while
// it looks for other jobs of its trunk, not while it sends requests. A nil pool or client is an error of
// every job, never a panic.
func NewWorker(pool *pgxpool.Pool, client *mihu.Client, options WorkerOptions) *Worker {
	if options.Contended == nil {
		options.Contended = isContended
	}
	if options.ContendedAttempts <= 0 {
		options.ContendedAttempts = 8
	}
	if options.MaxSnooze <= 0 {
		options.MaxSnooze = 15 * time.Minute
	}
	if options.TokenPause <= 0 {
		options.TokenPause = time.Minute
	}
	return &Worker{pool: pool, client: client, options: options}
}

// Work creates the trunk of a job, or updates it to match, unless it is not the job's turn.
func (w *Worker) Work(ctx context.Context, job *river.Job[Args]) error {
	if w.pool == nil {
		return errNoPool
	}
	if w.client == nil {
		return errors.New("mihuriver: no client of the workspace; create one with mihu.New")
	}
	act, err := w.takeTurn(ctx, job)
	if err != nil {
		return w.fail(ctx, job, "", err)
	}
	switch {
	case act.newer != 0:
		return river.RecordOutput(ctx, output{Outcome: outcomeSuperseded, By: act.newer})
	case act.wait:
		return river.JobSnooze(turn)
	}
	ctx, end := uninterrupted(ctx)
	defer end()
	item, err := job.Args.item(w.options.Sealer)
	if err != nil {
		return w.fail(ctx, job, "", err)
	}
	if item.SecretName != "" && w.options.Secrets == nil {
		return w.fail(ctx, job, "", errNoSecrets) // another worker may have them
	}
	ensured, err := provision.Apply(ctx, w.client, item, w.options.Secrets)
	if err != nil {
		return w.fail(ctx, job, ensured.Action, err)
	}
	return river.RecordOutput(ctx, output{Outcome: outcomeDone, Action: string(ensured.Action), Attempt: job.Attempt})
}

// move is what a job may do now. The zero value means that it is the job's turn.
type move struct {
	newer int64 // the job that supersedes it; 0 if there is none
	wait  bool  // an older job of the trunk runs
}

// takeTurn decides whether the job may send requests: no job of its trunk is newer, and no older one can
// still send any. It supersedes older jobs that wait. No lock is needed: of two jobs that run, both were
// running before the later one looked.
func (w *Worker) takeTurn(ctx context.Context, job *river.Job[Args]) (move, error) {
	rc, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return move{}, err
	}
	others, err := newQueries(rc.Schema()).others(ctx, w.pool, job.Args.Trunk.TrunkID, job.ID)
	if err != nil {
		return move{}, fmt.Errorf("mihuriver: look for other jobs of the trunk: %w", err)
	}
	if len(others) == 0 {
		return move{}, nil
	}
	if last := others[len(others)-1]; last.id > job.ID {
		return move{newer: last.id}, nil
	}
	for _, older := range others {
		if older.state == rivertype.JobStateRunning {
			return move{wait: true}, nil
		}
	}
	for _, older := range others {
		if finished(older.state) {
			continue
		}
		// It must not come back when this job is done and removed.
		switch runs, err := supersede(ctx, rc, w.pool, older.id, job.ID); {
		case err != nil:
			return move{}, fmt.Errorf("mihuriver: supersede an older job of the trunk: %w", err)
		case runs:
			return move{wait: true}, nil
		}
	}
	return move{}, nil
}

// supersede ends an older job, unless it runs by now: then it finds out by itself that it is superseded.
func supersede(ctx context.Context, rc *river.Client[pgx.Tx], pool *pgxpool.Pool, older, newer int64) (runs bool, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var state rivertype.JobState
		switch err := tx.QueryRow(ctx, newQueries(rc.Schema()).lockState, older).Scan(&state); {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // River has removed it
		case err != nil:
			return err
		case state == rivertype.JobStateRunning:
			runs = true
			return nil
		case finished(state):
			return nil
		}
		if _, err := rc.JobCancelTx(ctx, tx, older); err != nil {
			if errors.Is(err, river.ErrNotFound) {
				return nil // River has removed it
			}
			return err
		}
		_, err := rc.JobUpdateTx(ctx, tx, older, &river.JobUpdateParams{Output: output{Outcome: outcomeSuperseded, By: newer}})
		return err
	})
	return runs, err
}

var errNoSecrets = errors.New("mihuriver: the job names credentials; set WorkerOptions.Secrets, which looks them up")

// output is what a worker records of a job, in River's metadata.
type output struct {
	Outcome string `json:"outcome"`
	// Action is what was done: created, assigned, updated or unchanged.
	Action string `json:"action,omitempty"`
	// By is the newer job.
	By int64 `json:"by,omitempty"`
	// Reason is why it was refused, is unknown or waits.
	Reason string `json:"reason,omitempty"`
	// Contended counts the refusals that may pass.
	Contended int `json:"contended,omitempty"`
	// Attempt is the last attempt that was recorded and counts.
	Attempt int `json:"attempt,omitempty"`
	// Unresolved means that an attempt may have changed the trunk, and none since has found out.
	Unresolved bool `json:"unresolved,omitempty"`
}

const (
	outcomeDone       = "done"
	outcomeSuperseded = "superseded"
	outcomeRefused    = "refused"
	outcomeUnknown    = "unknown"
	outcomeWaiting    = "waiting"
)

// recorded returns the output of the attempt before; zero if there is none.
func recorded(metadata []byte) output {
	var holds struct {
		Output output `json:"output"`
	}
	if json.Unmarshal(metadata, &holds) != nil {
		return output{} // another program's
	}
	return holds.Output
}
