package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// confirm asks whether to go on. --yes and --demo answer for the person; where nobody can be asked
// it is a usage error.
func (a *app) confirm(ctx context.Context, yes bool, question string) error {
	if yes || a.global.demo {
		return nil
	}
	if a.stdinUsed != "" || !isTerminal(a.stdin) {
		return &usageError{
			problem: "nobody can be asked, because the standard input is not a terminal; nothing was sent",
			advice:  "look at what would be done with --dry-run, then add --yes",
		}
	}
	_, _ = fmt.Fprintf(a.console, "%s [y/N] ", question)
	answer, err := interruptible(ctx, func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	if err != nil {
		_, _ = fmt.Fprintln(a.console) // there was no Enter
	}
	if err != nil && err != io.EOF { //nolint:errorlint // ReadString gives it as it is
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &usageError{problem: "not confirmed; nothing was sent"}
}

// askSecret asks for a secret on the terminal, without showing it. instead says what to do where there
// is no terminal, "" for what is true of most secrets.
func (a *app) askSecret(ctx context.Context, what, instead string) (string, error) {
	file, ok := a.stdin.(*os.File)
	if !ok || a.stdinUsed != "" || !isTerminal(file) {
		return "", &usageError{
			problem: "the " + what + " cannot be asked for, because the standard input is not a terminal",
			advice:  otherwise(instead, "give it in a file or in a variable of the environment, never as an argument"),
		}
	}
	fd := int(file.Fd())
	// Nothing is shown from before the question on, for somebody who types or pastes ahead of it.
	state, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, state) }()
	dialog := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{file, a.console}, "")
	secret, err := interruptible(ctx, func() (string, error) { return dialog.ReadPassword(what + ": ") })
	if errors.Is(err, io.EOF) {
		a.interrupts.signal() // the terminal gives Ctrl-C as a character now
		err = errInterrupted
	}
	if err != nil {
		_, _ = io.WriteString(a.console, "\r\n") // there was no Enter
	}
	if err == nil && secret == "" {
		err = usagef("no %s was given", what)
	}
	return secret, err
}

// interruptible waits for a read that knows no context. A read of a terminal cannot be ended: where
// the context ends first, the goroutine ends with the process, which is about to.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		got T
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		got, err := read()
		answers <- answer{got, err}
	}()
	select {
	case answer := <-answers:
		return answer.got, answer.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// interruptibleReader is a standard input that a signal ends the wait for.
type interruptibleReader struct {
	io.Reader
	interrupts *interrupts
}

// Read has memory of its own read into, since a read that is not waited for any more may still end.
func (r *interruptibleReader) Read(p []byte) (int, error) {
	own := make([]byte, len(p))
	n, err := interruptible(r.interrupts.ctx, func() (int, error) { return r.Reader.Read(own) })
	return copy(p, own[:n]), err
}
