package mihuriver

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river"

	"github.com/mihu-go/mihu"
)

// verdict is what a failure means for its job.
type verdict int

const (
	retry       verdict = iota // by River's backoff
	rateLimited                // snooze for as long as the API asks
	badToken                   // snooze until the token may be right
	contended                  // retry, but only so often
	refused                    // cancel
)

// judge returns what a failure means. The rows are those of the README, in the order in which they apply.
func judge(err error, mayPass func(error) bool) verdict {
	switch {
	case errors.Is(err, mihu.ErrRateLimited):
		return rateLimited
	case errors.Is(err, mihu.ErrUnauthorized):
		return badToken
	case errors.Is(err, ErrUnsealable):
		return refused
	case !mihu.IsRefusal(err): // also an unknown outcome, which Ensure finds out, and a proxy's page
		return retry
	case isFinal(err):
		return refused
	case mayPass(err):
		return contended
	}
	return refused
}

// isFinal reports whether the request can never succeed: it is invalid, or the number is purchased.
func isFinal(err error) bool {
	if _, ok := errors.AsType[*mihu.ValidationError](err); ok {
		return true
	}
	_, conflict := errors.AsType[*mihu.ConflictError](err)
	return conflict
}

// isContended is the default of WorkerOptions.Contended. A trunk that somebody else has just removed is not
// found; the next attempt creates it.
func isContended(err error) bool {
	return errors.Is(err, mihu.ErrConflict) || errors.Is(err, mihu.ErrNotFound)
}

// fail records a failed attempt and returns the error that tells River what to do. Action is what the attempt
// did before it failed; "" if nothing.
func (w *Worker) fail(ctx context.Context, job *river.Job[Args], action mihu.Action, err error) error {
	before := recorded(job.Metadata)
	now := output{
		Outcome: outcomeWaiting, Action: string(action), Reason: reason(err, action), Contended: before.Contended, Attempt: job.Attempt,
		Unresolved: before.Unresolved || unrecorded(job.Attempt, before) || errors.Is(err, mihu.ErrOutcomeUnknown),
	}
	result := storable(err)
	what := judge(err, w.options.Contended)
	if ctx.Err() != nil {
		what = retry // River knows why it ended the work
		if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			now.Attempt-- // a stop does not count as an attempt
		}
	}
	switch what {
	case retry:
	case rateLimited:
		wait, _ := mihu.RetryAfter(err)
		now.Attempt-- // nor does a snooze
		result = river.JobSnooze(snooze(wait, w.options.MaxSnooze))
	case badToken:
		// Otherwise every job of the queue would be sent and refused once in each pause.
		hold(ctx, min(w.options.TokenPause/10, 5*time.Second))
		now.Attempt--
		result = river.JobSnooze(snooze(w.options.TokenPause, w.options.TokenPause))
	case contended:
		now.Contended++
		if now.Contended < w.options.ContendedAttempts {
			break
		}
		fallthrough
	case refused:
		result = river.JobCancel(result)
		now.refuse(err)
	}
	if recordErr := river.RecordOutput(ctx, now); recordErr != nil {
		return errors.Join(result, recordErr)
	}
	return result
}

// refuse sets the outcome of a refusal. If an earlier attempt may have changed the trunk, a refusal does not
// show that it did not, and the outcome stays unknown. The exception is the refusal of a Create: it is sent
// only after a read found no trunk, so nothing that an earlier attempt did is there.
func (o *output) refuse(err error) {
	o.Outcome = outcomeRefused
	if !o.Unresolved {
		return
	}
	if api, ok := errors.AsType[*mihu.APIError](err); ok && api.Op == mihu.OpTrunksCreate {
		return
	}
	o.Outcome = outcomeUnknown
	o.Reason = clip("an earlier attempt may have changed the trunk; then: " + o.Reason)
}

// unrecorded reports whether the attempt before was not recorded: its worker was killed, perhaps after it
// had sent something.
func unrecorded(attempt int, before output) bool { return attempt > 1 && before.Attempt < attempt-1 }

// snooze returns the wait, at least a second and at most the maximum, and up to a quarter more, so that not
// all jobs come back at once.
func snooze(wait, maximum time.Duration) time.Duration {
	wait = min(max(wait, time.Second), maximum)
	return wait + rand.N(wait/4+1) //nolint:gosec // nothing secret
}

// hold waits and keeps the worker from other jobs.
func hold(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// reason is an error's text for the table, with what was done before it.
func reason(err error, action mihu.Action) string {
	text := storable(err).Error()
	if action != "" {
		text += "; before that the trunk was " + string(action)
	}
	return clip(text)
}

// clip shortens a text to what a table can hold a million times.
func clip(text string) string {
	const maxLen = 500
	if len(text) <= maxLen {
		return text
	}
	cut := maxLen
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// storable returns an error whose text PostgreSQL can store. River stores the ends of many jobs at once, and
// one text with U+0000 would fail all of them.
func storable(err error) error {
	text := err.Error()
	clean := strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
	if clean == text {
		return err
	}
	return &cleanError{clean, err}
}

type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }

func (e *cleanError) Unwrap() error { return e.err }
