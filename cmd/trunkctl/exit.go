package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// The exit codes. The help topic below documents them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInput       = 3
	exitRefused     = 4
	exitPartial     = 5
	exitUnknown     = 6
	exitPending     = 7
	exitStale       = 8
	exitLimit       = 9
	exitChanged     = 10
	exitInterrupted = 130
	exitClosed      = 141
)

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "Exit codes and what they mean",
		Long: `  0    success
  1    failure for another reason: no network, a server error, a file that cannot be written
  2    usage error: the command line or a value on it; nothing was sent
  3    input error: a file has errors, all listed with line and column; nothing was sent
  4    refused by the API: 400, 401, 403, 404, 409, 422, 429, or "success": false
  5    partial failure: some items failed; the messages or the file that is named tell which
  6    outcome unknown: a change may have been applied; the message says how to find out
  7    changes are pending: only of "sync --dry-run --detailed-exitcode"
  8    the plan is stale: it is not the one that was expected; nothing was sent
  9    a limit: too many trunks would be deleted or moved, or a target of a probe is in use; nothing was
       changed
  10   answers have changed: only of "probe --diff"
  130  interrupted; the message says how to resume
  141  standard output was closed early, as by "head"

6 takes precedence over 130 and 5.`,
	}
}

// exitCode returns the exit code of an error.
func exitCode(err error, interrupted bool) int {
	switch {
	case err == nil && !interrupted:
		return exitDone
	case isA[*leftoverError](err):
		return exitUnknown
	case isA[*partialError](err):
		return exitCodePartial(err, interrupted)
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		return exitUnknown
	case interrupted:
		return exitInterrupted
	case errors.Is(err, syscall.EPIPE) && !isA[*net.OpError](err): // of a file, not of a connection
		return exitClosed
	case errors.Is(err, errPending):
		return exitPending
	case errors.Is(err, provision.ErrPlanStale):
		return exitStale
	case errors.Is(err, provision.ErrLimit), isA[*safetyError](err):
		return exitLimit
	case isA[*changedError](err):
		return exitChanged
	case isA[*usageError](err):
		return exitUsage
	case isA[*inputError](err), isA[*provision.InputError](err):
		return exitInput
	case isA[*mihu.ValidationError](err):
		return exitUsage
	case isRefused(err), isRefusedProbe(err):
		return exitRefused
	}
	return exitFailed
}

func exitCodePartial(err error, interrupted bool) int {
	partial, _ := errors.AsType[*partialError](err)
	switch {
	case partial.unknown > 0:
		return exitUnknown
	case interrupted:
		return exitInterrupted
	}
	return exitPartial
}

// isRefused reports whether the API has refused a request: the request itself, its token or its
// rate.
func isRefused(err error) bool {
	return mihu.IsRefusal(err) || errors.Is(err, mihu.ErrUnauthorized) || errors.Is(err, mihu.ErrRateLimited)
}

// isRefusedProbe reports whether the API has refused the first requests of a probe.
func isRefusedProbe(err error) bool {
	refused, ok := errors.AsType[*probe.RefusedError](err)
	return ok && refused.Status != 0 && refused.Status < http.StatusInternalServerError
}

// report prints an error and advice, and returns the exit code.
func (a *app) report(err error, interrupted bool) int {
	code := exitCode(err, interrupted)
	if code == exitClosed {
		return code
	}
	partial, ok := errors.AsType[*partialError](err)
	if told := ok && partial.told && !a.global.quiet || isA[*toldError](err); !told {
		name := term.Paint(a.colors(a.stderr), term.Alarm, "trunkctl:")
		_, _ = fmt.Fprintf(a.console, "%s %s\n", name, term.PrintableLines(plainText(err)))
	}
	if advice := a.advice(err); advice != "" {
		a.printErr("  " + strings.ReplaceAll(advice, "\n", "\n  "))
	}
	return code
}
