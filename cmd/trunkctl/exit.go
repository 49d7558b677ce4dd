package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// The exit codes. The help topic below is their documentation.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInput       = 3
	exitRefused     = 4
	exitPartly      = 5
	exitUnknown     = 6
	exitInterrupted = 130
	exitClosed      = 141
)

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `  0    done
  1    failed for another reason: no network, a server that fails, a file that cannot be written
  2    bad usage: the command line, or a value on it; nothing was sent
  3    bad input: a file has faults, which are all listed with line and column; nothing was sent
  4    refused by the API: 401, 403, 404, 409, 422, 429
  5    partly done: some items failed; their rows and reasons are in the file that is named
  6    the outcome of a change is not known; what was printed says how to find out
  130  interrupted; what was printed says how to go on
  141  the standard output was closed early, as by "head"

6 goes before 130 and 5, for it is the one to look into.`,
	}
}

// errInterrupted is the cause of a context that a signal has ended.
var errInterrupted = errors.New("interrupted")

// usageError is a command line that cannot be carried out.
type usageError struct {
	problem string
	// see is a command that tells more, advice what to do; "" for none.
	see, advice string
}

func (e *usageError) Error() string { return e.problem }

// usagef is a usage error without advice.
func usagef(format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...)}
}

// inputError is of input other than that of package provision, whose faults are printed already.
type inputError struct{ problem string }

func (e *inputError) Error() string { return e.problem }

// partlyError is the end of a command over many items of which some failed; they have been printed.
type partlyError struct {
	failed, unknown int
	advice          string
}

func (e *partlyError) Error() string {
	if e.unknown > 0 {
		return fmt.Sprintf("%s failed, of %d the outcome is not known", counted(e.failed, "item"), e.unknown)
	}
	return counted(e.failed, "item") + " failed"
}

// unknownError is the end of a command that leaves outcomes open. They have been printed.
type unknownError struct {
	error
	unknown int
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("%v, of %d the outcome is not known", e.error, e.unknown)
}

func (e *unknownError) Unwrap() []error { return []error{e.error, mihu.ErrOutcomeUnknown} }

// withUnknown adds to an end how many outcomes it leaves open.
func withUnknown(end error, unknown int) error {
	if unknown == 0 {
		return end
	}
	return &unknownError{end, unknown}
}

// advisedError is an error with advice of its own.
type advisedError struct {
	error
	advice string
}

func (e *advisedError) Unwrap() error { return e.error }

// exitCode is the code of an error.
func exitCode(err error, interrupted bool) int {
	switch {
	case err == nil && !interrupted:
		return exitDone
	case isA[*partlyError](err):
		partly, _ := errors.AsType[*partlyError](err)
		switch {
		case partly.unknown > 0:
			return exitUnknown
		case interrupted:
			return exitInterrupted
		}
		return exitPartly
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		return exitUnknown
	case interrupted:
		return exitInterrupted
	case errors.Is(err, syscall.EPIPE):
		return exitClosed
	case isA[*usageError](err):
		return exitUsage
	case isA[*inputError](err), isA[*provision.InputError](err):
		return exitInput
	case isA[*mihu.ValidationError](err):
		return exitUsage
	case isRefusal(err):
		return exitRefused
	}
	return exitFailed
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isRefusal(err error) bool {
	for _, kind := range []error{
		mihu.ErrUnauthorized, mihu.ErrForbidden, mihu.ErrNotFound, mihu.ErrConflict, mihu.ErrInvalid, mihu.ErrRateLimited,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// report prints an error with what to do about it, and gives the exit code.
func (a *app) report(err error, interrupted bool) int {
	code := exitCode(err, interrupted)
	if code == exitClosed {
		return code
	}
	_, _ = fmt.Fprintf(a.console, "%s %s\n", a.paintErr(alarm, "trunkctl:"), printableLines(plainText(err)))
	if advice := a.advice(err); advice != "" {
		a.tell("  " + strings.ReplaceAll(advice, "\n", "\n  "))
	}
	return code
}

// plainText is an error's text without the names of the packages.
func plainText(err error) string {
	text := err.Error()
	for _, name := range []string{"mihu: ", "provision: ", "validate: ", "new: "} {
		text = strings.TrimPrefix(text, name)
	}
	return strings.NewReplacer(
		": mihu: ", ": ", ": provision: ", ": ",
		context.Canceled.Error()+": "+errInterrupted.Error(), errInterrupted.Error(),
	).Replace(text)
}

// advice says what to do about an error, "" where nothing can be said.
func (a *app) advice(err error) string {
	if advised, ok := errors.AsType[*advisedError](err); ok {
		return advised.advice
	}
	if usage, ok := errors.AsType[*usageError](err); ok {
		if usage.advice == "" && usage.see != "" {
			return "see: " + usage.see
		}
		return usage.advice
	}
	if partly, ok := errors.AsType[*partlyError](err); ok {
		return partly.advice
	}
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		return "the change may or may not have been made: \"trunkctl channels NUMBER\" shows what is there;\n" +
			"update, assign, delete and ensure can simply be repeated"
	case errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, mihu.ErrUnauthorized):
		return "the token was refused: run \"trunkctl login\", or correct MIHU_API_TOKEN or --token-file"
	case errors.Is(err, mihu.ErrForbidden):
		return "the token may not do this: make one that may, and run \"trunkctl login\""
	case errors.Is(err, mihu.ErrMalformedResponse):
		return "something else than the API answered: check --tenant and --base-url, and run \"trunkctl doctor\""
	case errors.Is(err, mihu.ErrNotFound):
		return "it is not there: \"trunkctl list\" shows what is; check the number, --channel and --tenant"
	case errors.Is(err, mihu.ErrConflict):
		return "\"trunkctl channels NUMBER\" shows who answers, \"trunkctl list --agent UUID\" what an agent serves;\n" +
			"\"trunkctl assign\" moves a trunk"
	case errors.Is(err, mihu.ErrRateLimited):
		return "too many requests: wait, or slow down with --rate 5/s"
	case errors.Is(err, mihu.ErrRedirect):
		return "redirects are not followed: check --tenant and --base-url"
	case errors.Is(err, mihu.ErrServer):
		return "the API itself failed: try again later"
	case isA[*net.DNSError](err):
		return "the host name is not known: check --tenant or MIHU_TENANT, and run \"trunkctl doctor\""
	case isA[*tls.CertificateVerificationError](err), isA[*net.OpError](err):
		return "run \"trunkctl doctor\" to see what is wrong with the connection"
	}
	return ""
}

// withAdvice adds to what can be said about an error how to go on.
func (a *app) withAdvice(err error, onward string) error {
	if advice := a.advice(err); advice != "" {
		onward = advice + "\nthen " + onward
	}
	return &advisedError{err, onward}
}

// counted is a number of things: "1 item", "2 items".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
