package mihuriver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/mihu-go/mihu"
)

// Status is the state of a job.
type Status string

// The statuses.
const (
	// Done: the trunk was created, or updated to match.
	Done Status = "done"
	// Superseded: a newer job of the same trunk replaced it. It may have been applied before that, in part or
	// as a whole.
	Superseded Status = "superseded"
	// Refused: the API, or validation, refused it.
	Refused Status = "refused"
	// Canceled: [Queue.Cancel] or River's JobCancel ended it before it began; nothing was sent for it.
	Canceled Status = "canceled"
	// Waiting: it is unfinished. It waits for its turn or its next attempt, or runs.
	Waiting Status = "waiting"
	// Unknown: it ended without a definite result: after all attempts, because somebody canceled it, or because
	// it was refused after an attempt that may have changed the trunk. Look at the trunk, or enqueue the item
	// again.
	Unknown Status = "unknown"
)

// Summary counts the jobs of a batch by status. Jobs that River's retention has removed are not counted, not
// even in Wanted.
type Summary struct {
	// Wanted is the number of jobs: Done, Superseded, Refused, Canceled, Waiting and Unknown.
	Wanted, Done, Superseded, Refused, Canceled, Waiting, Unknown int
	// Running, Ready and Later are parts of Waiting: jobs that run, that wait for a worker, and that wait for
	// their time. River stores the ends of many jobs at once, a moment late, so Running can exceed the number
	// of workers, and a wait of some seconds can count as Ready.
	Running, Ready, Later int
}

// Finished reports whether no job waits.
func (s Summary) Finished() bool { return s.Waiting == 0 }

// String returns the summary as one line.
func (s Summary) String() string {
	return fmt.Sprintf("wanted %d: done %d, superseded %d, refused %d, canceled %d, unknown %d, waiting %d (running %d, ready %d, later %d)",
		s.Wanted, s.Done, s.Superseded, s.Refused, s.Canceled, s.Unknown, s.Waiting, s.Running, s.Ready, s.Later)
}

// Summary counts the jobs of a batch by status. It reads all jobs of the batch, which takes a second or more for
// a million of them. A batch that does not exist has none.
func (q *Queue) Summary(ctx context.Context, batch string) (Summary, error) {
	var sum Summary
	if err := q.check(batch); err != nil {
		return sum, err
	}
	holds, err := holding(batch)
	if err != nil {
		return sum, err
	}
	rows, err := q.pool.Query(ctx, q.queries.summary, holds, JobKind)
	if err != nil {
		return sum, fmt.Errorf("mihuriver: summary: %w", err)
	}
	var (
		status Status
		state  string
		n      int
	)
	_, err = pgx.ForEachRow(rows, []any{&status, &state, &n}, func() error {
		sum.add(status, rivertype.JobState(state), n)
		return nil
	})
	if err != nil {
		return Summary{}, fmt.Errorf("mihuriver: summary: %w", err)
	}
	return sum, nil
}

func (s *Summary) add(status Status, state rivertype.JobState, n int) {
	s.Wanted += n
	switch status {
	case Done:
		s.Done += n
	case Superseded:
		s.Superseded += n
	case Refused:
		s.Refused += n
	case Canceled:
		s.Canceled += n
	case Unknown:
		s.Unknown += n
	case Waiting:
		s.Waiting += n
		switch state {
		case rivertype.JobStateRunning:
			s.Running += n
		case rivertype.JobStateAvailable:
			s.Ready += n
		default:
			s.Later += n
		}
	}
}

// holding returns what the metadata of every job of a batch contains.
func holding(batch string) (string, error) {
	text, err := json.Marshal(map[string][]string{batchesKey: {batch}})
	return string(text), err
}

// Problem is a job that is not done, and why. It prints with the number masked.
type Problem struct {
	// Job is River's id of the job.
	Job int64
	// Trunk is the trunk of the job; empty if the job was inserted by hand without one.
	Trunk mihu.TrunkID `json:"-"`
	// Line is the line of the item in its file; 0 if it has none.
	Line int
	// Status is Refused, Unknown or Waiting, or Canceled if Problems was called with it.
	Status Status
	// Reason is the API's error or the last failure, with numbers masked, of at most some hundred bytes.
	Reason string
	// Attempts counts the attempts, without those that were snoozed.
	Attempts int
}

// String returns the problem as one line.
func (p Problem) String() string {
	line := ""
	if p.Line > 0 {
		line = fmt.Sprintf(" (line %d)", p.Line)
	}
	return fmt.Sprintf("%v%s %s: %s", p.Trunk, line, p.Status, p.Reason)
}

// Format prints String under every verb.
func (p Problem) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// LogValue returns String.
func (p Problem) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Problems yields the jobs of a batch that were refused, are unknown, or wait after a failure; or those of the
// given statuses, which are these three and Canceled. They are in the order in which they were enqueued, and
// are read one by one, with one connection of the pool: stop early if you need only some. An error ends the
// sequence.
func (q *Queue) Problems(ctx context.Context, batch string, statuses ...Status) iter.Seq2[Problem, error] {
	if len(statuses) == 0 {
		statuses = []Status{Refused, Unknown, Waiting}
	}
	return func(yield func(Problem, error) bool) {
		fail := func(err error) { yield(Problem{}, fmt.Errorf("mihuriver: problems: %w", err)) }
		if err := q.check(batch); err != nil {
			yield(Problem{}, err)
			return
		}
		holds, err := holding(batch)
		if err != nil {
			fail(err)
			return
		}
		rows, err := q.pool.Query(ctx, q.queries.problems, holds, JobKind, statuses)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var p Problem
			if err := rows.Scan(&p.Job, &p.Trunk.PhoneNumber, &p.Trunk.Channel, &p.Line, &p.Attempts, &p.Status, &p.Reason); err != nil {
				fail(err)
				return
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
		}
	}
}
