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

// Status is what became of a job.
type Status string

// The statuses.
const (
	// Done: the trunk was made what the job says.
	Done Status = "done"
	// Superseded: a newer job of the same trunk took its place. It may have been done before that, in part
	// or as a whole.
	Superseded Status = "superseded"
	// Refused: the API, or our own check, refuses it.
	Refused Status = "refused"
	// Canceled: [Queue.Cancel] ended it before it was worked on; nothing was sent for it.
	Canceled Status = "canceled"
	// Waiting: it is not finished: it waits for its turn or its next attempt, or runs.
	Waiting Status = "waiting"
	// Unknown: it was given up without a definite answer, after all attempts or because somebody has
	// canceled it. Look at the trunk, or enqueue the item again.
	Unknown Status = "unknown"
)

// Summary counts what became of the jobs of a batch, as far as River keeps them: what its retention has
// removed is not counted, also not as wanted.
type Summary struct {
	// Wanted counts all: Done, Superseded, Refused, Canceled, Waiting and Unknown.
	Wanted, Done, Superseded, Refused, Canceled, Waiting, Unknown int
	// Running, Ready and Later are parts of Waiting: being worked on, to be worked on as soon as there is
	// a worker, and waiting for their time. River notes many ends at once, a moment late, so that Running
	// can be more than there are workers, and a wait of some seconds can count as Ready.
	Running, Ready, Later int
}

// Finished says that nothing waits any more.
func (s Summary) Finished() bool { return s.Waiting == 0 }

// String is the summary as one line.
func (s Summary) String() string {
	return fmt.Sprintf("wanted %d: done %d, superseded %d, refused %d, canceled %d, unknown %d, waiting %d (running %d, ready %d, later %d)",
		s.Wanted, s.Done, s.Superseded, s.Refused, s.Canceled, s.Unknown, s.Waiting, s.Running, s.Ready, s.Later)
}

// Summary counts what became of a batch. It reads all jobs of the batch: a second or more for a million
// of them. A batch that does not exist has nothing wanted.
func (q *Queue) Summary(ctx context.Context, batch string) (Summary, error) {
	var sum Summary
	if err := q.check(batch); err != nil {
		return sum, err
	}
	holds, err := holding(batch)
	if err != nil {
		return sum, err
	}
	rows, err := q.pool.Query(ctx, q.table.summary, holds, JobKind)
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

// holding is what the metadata of the jobs of a batch hold.
func holding(batch string) (string, error) {
	text, err := json.Marshal(map[string][]string{batchesKey: {batch}})
	return string(text), err
}

// Problem is a job that is not done, and why. It prints with the number masked.
type Problem struct {
	// Job is River's id of the job.
	Job int64
	// Trunk is what it is about.
	Trunk mihu.TrunkID `json:"-"`
	// Line is where the item was read; 0 where it has no line.
	Line int
	// Status is Refused, Unknown or Waiting, or Canceled if that was asked for.
	Status Status
	// Reason is why: what the API said, or the last failure. Numbers in it are masked, and it is at most
	// some hundred bytes.
	Reason string
	// Attempts counts how often it was worked on; those that were snoozed do not count.
	Attempts int
}

// String is the problem as one line.
func (p Problem) String() string {
	line := ""
	if p.Line > 0 {
		line = fmt.Sprintf(" (line %d)", p.Line)
	}
	return fmt.Sprintf("%v%s %s: %s", p.Trunk, line, p.Status, p.Reason)
}

// Format prints String under every verb.
func (p Problem) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// LogValue is String.
func (p Problem) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Problems yields the jobs of a batch that were refused, whose end is unknown, or that wait after a
// failure; or those of the statuses given, of these three and Canceled. They come in the order of
// enqueuing, and are read as they are asked for, with one connection of the pool: stop when there are
// enough. After an error it ends.
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
		rows, err := q.pool.Query(ctx, q.table.problems, holds, JobKind, statuses)
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
