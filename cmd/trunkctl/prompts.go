package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// confirm asks whether to continue. --yes and --demo skip the question. If it cannot ask, or the
// reply is not yes, it returns a usage error.
func (a *app) confirm(ctx context.Context, yes bool, question string) error {
	if yes || a.global.demo {
		return nil
	}
	if a.stdinUsed != "" || !term.IsTerminal(a.stdin) {
		return &usageError{
			problem: "cannot prompt: standard input is not a terminal; nothing was sent",
			advice:  "preview with --dry-run, then add --yes",
		}
	}
	confirmed, err := term.Confirm(ctx, a.stdin, a.console, question)
	if err == nil && !confirmed {
		err = &usageError{problem: "not confirmed; nothing was sent"}
	}
	return err
}

// askSecret prompts for a secret without showing it. otherwise is the advice if it cannot prompt;
// "" is what fits most secrets.
func (a *app) askSecret(ctx context.Context, what, otherwise string) (string, error) {
	file, ok := a.stdin.(*os.File)
	if !ok || a.stdinUsed != "" || !term.IsTerminal(file) {
		return "", &usageError{
			problem: "cannot prompt for the " + what + ": standard input is not a terminal",
			advice:  cmp.Or(otherwise, "pass a file or an environment variable; secrets are never arguments"),
		}
	}
	secret, err := term.ReadSecret(ctx, file, a.console, what)
	if errors.Is(err, io.EOF) {
		a.interrupts.signal() // Ctrl-C, which raises no signal while the terminal does not echo
		err = errInterrupted
	}
	if err == nil && secret == "" {
		err = usagef("empty %s", what)
	}
	return secret, err
}
