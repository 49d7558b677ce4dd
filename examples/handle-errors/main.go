// Handle-errors causes every kind of error and prints how to handle it. It always runs against a
// fake server, which can inject errors.
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
		callErr, err := s.run(ctx)
		if err != nil {
			return err
		}
		env.Printf("%s\n  %v\n  -> %s\n\n", s.name, callErr, advice(callErr))
	}
	return nil
}

// advice is the part to copy. The order of the checks matters, because an error can be of several
// kinds. First find out whether the change may have been applied, then whether a later attempt can
// succeed, and only then why the request was refused.
func advice(err error) string {
	if unknown, ok := errors.AsType[*mihu.UnknownOutcomeError](err); ok {
		return "may have been applied: " + unknown.Advice
	}
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, context.Canceled):
		return "the program is stopping: return"
	case mihu.IsTransient(err):
		return adviceForTransient(err)
	case mihu.IsRefusal(err):
		return adviceForRefusal(err)
	case errors.Is(err, context.DeadlineExceeded):
		return "the deadline of this call has passed: return, or allow more time"
	case errors.Is(err, mihu.ErrUnauthorized):
		return "stop, and get a new token"
	}
	return "not the API: check the base URL and the proxies"
}

// adviceForTransient handles errors of the server and the network. Nothing was applied.
func adviceForTransient(err error) string {
	switch wait, ok := mihu.RetryAfter(err); {
	case ok:
		return fmt.Sprintf("pause all calls for %v, then try later", wait)
	case errors.Is(err, mihu.ErrRateLimited):
		return "pause all calls, then try later"
	case errors.Is(err, mihu.ErrServer):
		return "try later; if it keeps failing, report the request ID"
	case errors.Is(err, mihu.ErrMalformedResponse):
		return "not the API: check the base URL and the proxies"
	}
	return "no response: check the network"
}

// adviceForRefusal handles requests that are wrong as they are. Nothing was applied.
func adviceForRefusal(err error) string {
	switch {
	case errors.Is(err, mihu.ErrInvalid):
		return "correct the request"
	case errors.Is(err, mihu.ErrForbidden):
		return "stop, and ask for the permission"
	case errors.Is(err, mihu.ErrNotFound):
		return "the number or the trunk does not exist: create it"
	case errors.Is(err, mihu.ErrConflict):
		return "the number or the agent is in use: choose another"
	}
	return "the API refused the request: see the message"
}
