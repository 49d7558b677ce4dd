package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu"
)

// errInterrupted is the cause of a context that a signal has canceled.
var errInterrupted = errors.New("interrupted")

// usageError is a command line that cannot be run.
type usageError struct {
	problem string
	// see is a command that shows more, advice what to do; either may be "".
	see, advice string
}

func (e *usageError) Error() string { return e.problem }

// usagef returns a usage error without advice.
func usagef(format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...)}
}

// inputError is a file that cannot be used. Its violations have been printed.
type inputError struct{ problem string }

func (e *inputError) Error() string { return e.problem }

// partialError is the end of a command over many items of which some failed. The failures have been
// printed.
type partialError struct {
	failed, unknown int
	advice          string
	// told is set if the counts have been printed.
	told bool
	// problem replaces the count of failed items, if it is not "".
	problem string
}

func (e *partialError) Error() string {
	text := cmp.Or(e.problem, counted(e.failed, "item")+" failed")
	if e.unknown > 0 {
		text += fmt.Sprintf("; outcome unknown for %d of them", e.unknown)
	}
	return text
}

// failures sums up the errors of a command over many items.
func failures(errs []error) *partialError {
	end := &partialError{failed: len(errs)}
	for _, err := range errs {
		if errors.Is(err, mihu.ErrOutcomeUnknown) {
			end.unknown++
		}
	}
	return end
}

// unknownError is the end of a command during which outcomes remained unknown. They have been
// printed.
type unknownError struct {
	error
	unknown int
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("%v; outcome unknown for %d", e.error, e.unknown)
}

func (e *unknownError) Unwrap() []error { return []error{e.error, mihu.ErrOutcomeUnknown} }

// withUnknown adds the number of unknown outcomes to the error that a command ends with.
func withUnknown(err error, unknown int) error {
	if unknown == 0 {
		return err
	}
	return &unknownError{err, unknown}
}

// advisedError is an error with advice of its own.
type advisedError struct {
	error
	advice string
}

func (e *advisedError) Unwrap() error { return e.error }

// toldError is an error whose reason has been printed. Only its advice is still to be told.
type toldError struct{ error }

func (e *toldError) Unwrap() error { return e.error }

// isA reports whether an error of a type is in the chain.
func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// plainText returns an error's text without package names, and without advice for programs: this
// program has its own.
func plainText(err error) string {
	text := reworded(err, err.Error())
	if unknown, ok := errors.AsType[*mihu.UnknownOutcomeError](err); ok && unknown.Advice != "" {
		text = strings.ReplaceAll(text, "; "+unknown.Advice, "")
	}
	for _, name := range []string{"mihu: ", "provision: ", "probe: ", "validate: ", "new: "} {
		text = strings.TrimPrefix(text, name)
	}
	return strings.NewReplacer(
		": mihu: ", ": ", ": provision: ", ": ",
		context.Canceled.Error()+": "+errInterrupted.Error(), errInterrupted.Error(),
	).Replace(text)
}
