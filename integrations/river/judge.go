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

// judge turns why a job failed into what River can do about it.
//
//	the token is refused (401)           snoozed for TokenPause: a rotated token must not end a migration
//	too many requests (429)              snoozed for Retry-After, MaxSnooze at most
//	the outcome is not known             tried again by River's backoff; Ensure finds out
//	not acceptable, by our own check     canceled, with the reason
//	the API refuses it, and it may pass  tried again by River's backoff, ContendedAttempts times; then canceled
//	the API refuses it                   canceled, with the reason
//	anything else                        tried again by River's backoff
//
// A refusal that cannot be read is a proxy's and none of the API.
func (w *Worker) judge(ctx context.Context, job *river.Job[Args], err error) error {
	now := output{Outcome: outcomeWaiting, Reason: reason(err), Contended: recorded(job.Metadata).Contended}
	verdict := err
	switch {
	case ctx.Err() != nil:
		// River knows why it has ended the work.
	case errors.Is(err, mihu.ErrRateLimited):
		verdict = river.JobSnooze(snooze(retryAfter(err), w.options.MaxSnooze))
	case errors.Is(err, mihu.ErrUnauthorized):
		// Without this, every job of the queue would be sent and refused once in each pause.
		hold(ctx, min(w.options.TokenPause/10, 5*time.Second))
		verdict = river.JobSnooze(snooze(w.options.TokenPause, w.options.TokenPause))
	case errors.Is(err, mihu.ErrOutcomeUnknown), errors.Is(err, mihu.ErrMalformedResponse):
	case errors.Is(err, ErrUnsealable), refusedHere(err):
		now.Outcome, verdict = outcomeRefused, river.JobCancel(err)
	case w.options.Contended(err):
		if now.Contended++; now.Contended >= w.options.ContendedAttempts {
			now.Outcome, verdict = outcomeRefused, river.JobCancel(err)
		}
	case refused(err):
		now.Outcome, verdict = outcomeRefused, river.JobCancel(err)
	}
	if recordErr := river.RecordOutput(ctx, now); recordErr != nil {
		return errors.Join(verdict, recordErr)
	}
	return verdict
}

// refusedHere says that no answer of the API would be another one.
func refusedHere(err error) bool {
	if _, ok := errors.AsType[*mihu.ValidationError](err); ok {
		return true
	}
	_, purchasedOrTaken := errors.AsType[*mihu.ConflictError](err)
	return purchasedOrTaken
}

// refused says that the API has refused a request for what it asks.
func refused(err error) bool {
	return errors.Is(err, mihu.ErrInvalid) || errors.Is(err, mihu.ErrForbidden) ||
		errors.Is(err, mihu.ErrConflict) || errors.Is(err, mihu.ErrNotFound)
}

// contended is the default of WorkerOptions.Contended. Not found is what a trunk is that somebody else
// has removed just now; the next attempt registers it.
func contended(err error) bool {
	return errors.Is(err, mihu.ErrConflict) || errors.Is(err, mihu.ErrNotFound)
}

func retryAfter(err error) time.Duration {
	if answer, ok := errors.AsType[*mihu.APIError](err); ok && answer.RetryAfter > 0 {
		return answer.RetryAfter
	}
	if none, ok := errors.AsType[*mihu.TransportError](err); ok {
		return none.RetryAfter
	}
	return 0
}

// snooze is at least the wait, and up to a quarter more, so that not all come back at once.
func snooze(wait, most time.Duration) time.Duration {
	wait = min(max(wait, time.Second), most)
	return wait + rand.N(wait/4+1) //nolint:gosec // nothing secret
}

// hold waits, with the worker that River could give other work.
func hold(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// reason is an error's text, of a length that a table can hold a million times.
func reason(err error) string {
	const most = 500
	text := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "")
	if len(text) <= most {
		return text
	}
	cut := most
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
