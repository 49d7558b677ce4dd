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

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// turn is how long a job waits for an older one of its trunk before it looks again.
const turn = time.Second

// WorkerOptions are those of [NewWorker]. The zero value of each is its default.
type WorkerOptions struct {
	// Secrets looks up the credentials that items name; nil: a job that names some fails and is tried
	// again. The text of its errors is kept by River: it must hold no secret.
	Secrets provision.Secrets
	// Sealer opens the credentials that came sealed; nil: a job that has some fails and is tried again.
	Sealer *Sealer
	// Contended says of a refusal by the API that it may pass once another trunk has been moved, because
	// the agent serves that one still. nil: [mihu.ErrConflict] and [mihu.ErrNotFound]. The API does not
	// document how it refuses a busy agent; where it is [mihu.ErrInvalid], say so here.
	Contended func(error) bool
	// ContendedAttempts is after how many such refusals a job counts as refused, 1 for the first; 0 or less
	// means 8, which is after 78 minutes of River's own backoff.
	ContendedAttempts int
	// MaxSnooze bounds how long a job waits for what a 429 asks for; 0 or less means 15 minutes. Up to a
	// quarter of the wait is added at random, so that not all jobs come back at once.
	MaxSnooze time.Duration
	// TokenPause is how long a job waits after the API has refused the token, and up to a quarter more;
	// 0 or less means a minute. It is repeated until the token is right, and uses no attempt.
	TokenPause time.Duration
}

// Worker makes trunks be what the jobs say. It is made by [NewWorker], for [river.AddWorker].
type Worker struct {
	river.WorkerDefaults[Args]
	pool    *pgxpool.Pool
	client  *mihu.Client
	options WorkerOptions
}

// NewWorker makes a worker of the pool of connections that River has, and of a client of the workspace.
// Both stay the caller's, who closes the pool after River's client has stopped. A job has a connection
// only while it looks for others of its trunk, not while it sends. What is missing is an error of every
// job, never a panic.
func NewWorker(pool *pgxpool.Pool, client *mihu.Client, options WorkerOptions) *Worker {
	if options.Contended == nil {
		options.Contended = contended
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

// Work makes the trunk of a job be what the job says, unless it is not the job's turn.
func (w *Worker) Work(ctx context.Context, job *river.Job[Args]) error {
	if w.pool == nil {
		return errNoPool
	}
	if w.client == nil {
		return errors.New("mihuriver: no client of the workspace")
	}
	mine, err := w.takeTurn(ctx, job)
	if err != nil || !mine {
		return err
	}
	ctx, end := unbroken(ctx)
	defer end()
	item, err := job.Args.item(w.options.Sealer)
	if err != nil {
		return w.judge(ctx, job, err)
	}
	if item.SecretName != "" && w.options.Secrets == nil {
		return w.judge(ctx, job, errNoSecrets) // the worker's fault, and none of the item
	}
	ensured, err := provision.Apply(ctx, w.client, item, w.options.Secrets)
	if err != nil {
		return w.judge(ctx, job, err)
	}
	return river.RecordOutput(ctx, output{Outcome: outcomeDone, Action: string(ensured.Action)})
}

// takeTurn says whether the job may be worked on: there is no newer one of its trunk, and no older one
// can still send anything. What is read is enough for that, without a lock: of two jobs that run, both
// were there before the later one looked.
func (w *Worker) takeTurn(ctx context.Context, job *river.Job[Args]) (bool, error) {
	rc, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return false, err
	}
	others, err := newTable(rc.Schema()).others(ctx, w.pool, job.Args.Trunk.TrunkID, job.ID)
	if err != nil {
		return false, fmt.Errorf("mihuriver: look for other jobs of the trunk: %w", err)
	}
	if len(others) == 0 {
		return true, nil
	}
	if last := others[len(others)-1]; last.id > job.ID {
		return false, river.RecordOutput(ctx, output{Outcome: outcomeSuperseded, By: last.id})
	}
	for _, older := range others {
		if older.state == "running" {
			return false, river.JobSnooze(turn)
		}
	}
	for _, older := range others {
		if !finished(older.state) {
			// It must not come back when this job is done and forgotten.
			if err := supersede(ctx, rc, w.pool, older.id, job.ID); err != nil {
				return false, fmt.Errorf("mihuriver: supersede an older job of the trunk: %w", err)
			}
		}
	}
	return true, nil
}

// supersede ends an older job that is not running.
func supersede(ctx context.Context, rc *river.Client[pgx.Tx], pool *pgxpool.Pool, older, newer int64) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := rc.JobCancelTx(ctx, tx, older); err != nil {
			if errors.Is(err, river.ErrNotFound) {
				return nil // River has removed it meanwhile
			}
			return err
		}
		_, err := rc.JobUpdateTx(ctx, tx, older, &river.JobUpdateParams{Output: output{Outcome: outcomeSuperseded, By: newer}})
		return err
	})
}

var errNoSecrets = errors.New("mihuriver: the job names credentials; give WorkerOptions Secrets that look them up")

// output is what a worker records of a job, in River's metadata.
type output struct {
	Outcome string `json:"outcome"`
	// Action is what was done: created, assigned, updated or unchanged.
	Action string `json:"action,omitempty"`
	// By is the newer job.
	By int64 `json:"by,omitempty"`
	// Reason is why it was refused, or why it waits.
	Reason string `json:"reason,omitempty"`
	// Contended counts the refusals that may pass.
	Contended int `json:"contended,omitempty"`
}

const (
	outcomeDone       = "done"
	outcomeSuperseded = "superseded"
	outcomeRefused    = "refused"
	outcomeWaiting    = "waiting"
)

// recorded is the output of the attempt before; zero where there was none.
func recorded(metadata []byte) output {
	var holds struct {
		Output output `json:"output"`
	}
	_ = json.Unmarshal(metadata, &holds) // what is not ours counts as nothing
	return holds.Output
}
