// Handle-errors provokes every kind of error and says what a program does about it. It always runs
// against a fake server, because that is where the faults are made.
//
//	go run ./examples/handle-errors
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

func main() { example.Main("handle-errors", run) }

func run(ctx context.Context, env example.Env) error {
	if err := env.Parse(flag.NewFlagSet("handle-errors", flag.ContinueOnError)); err != nil {
		return err
	}
	for _, s := range scenarios {
		provoked, err := s.provoke(ctx)
		if err != nil {
			return err
		}
		env.Printf("%s\n  %v\n  -> %s\n\n", s.kind, provoked, advice(provoked))
	}
	return nil
}

// advice is the part to copy. Its order matters, because an error can be of several kinds: an
// outcome that is not known goes before its cause, and a page that a proxy sent with 404 does not
// say that there is no such trunk.
func advice(err error) string {
	if outcome, ok := errors.AsType[*mihu.UnknownOutcomeError](err); ok {
		return "it may have been carried out: " + outcome.Advice
	}
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, context.Canceled):
		return "the program is ending: stop"
	case errors.Is(err, mihu.ErrRateLimited):
		if answer, ok := errors.AsType[*mihu.APIError](err); ok {
			return fmt.Sprintf("put this and all other work off for %v", answer.RetryAfter)
		}
		return "put this and all other work off"
	case errors.Is(err, context.DeadlineExceeded):
		return "the time for this call is over: stop, or give it more"
	case errors.Is(err, mihu.ErrServer):
		return "try later; if it stays, report the request id"
	case errors.Is(err, mihu.ErrMalformedResponse), errors.Is(err, mihu.ErrRedirect):
		return "that was not the API: check the base URL and the proxies"
	case errors.Is(err, mihu.ErrInvalid):
		return "correct the request"
	case errors.Is(err, mihu.ErrUnauthorized):
		return "stop, and get a new token"
	case errors.Is(err, mihu.ErrForbidden):
		return "stop, and ask for the permission"
	case errors.Is(err, mihu.ErrNotFound):
		return "there is no such number or trunk: register it"
	case errors.Is(err, mihu.ErrConflict):
		return "the number or the agent is taken: choose another"
	}
	return "no answer: check the network"
}
