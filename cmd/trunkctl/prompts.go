package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// confirm asks whether to change a workspace. --yes and --demo skip the question. A production
// workspace wants its name typed, or --workspace beside --yes. If confirm cannot ask, or the reply
// is not yes, it returns a usage error.
func (a *app) confirm(ctx context.Context, w *workspace, yes bool, question string) error {
	production := w.production()
	if a.global.demo || yes && (!production || a.global.workspace != "") {
		return nil
	}
	next := "--yes"
	if production {
		next = term.ShellLine("--workspace", w.name, "--yes")
		question += "\n" + w.name + " is a production workspace. Type its name to continue:"
	}
	if yes {
		return &usageError{
			problem: w.name + " is a production workspace, and --yes does not name it; nothing was sent", advice: "pass " + next,
		}
	}
	if a.stdinUsed != "" || !term.IsTerminal(a.stdin) {
		return &usageError{
			problem: "cannot prompt: standard input is not a terminal; nothing was sent",
			advice:  "preview with --dry-run, then add " + next,
		}
	}
	var confirmed bool
	var err error
	if production {
		confirmed, err = term.ConfirmName(ctx, a.stdin, a.console, question, w.name)
	} else {
		confirmed, err = term.Confirm(ctx, a.stdin, a.console, question)
	}
	if err == nil && !confirmed {
		err = &usageError{problem: "not confirmed; nothing was sent"}
	}
	return err
}

// confirmProduction is confirm for a command that needs no confirmation in other workspaces.
func (a *app) confirmProduction(ctx context.Context, w *workspace, question string) error {
	if !w.production() {
		return nil
	}
	return a.confirm(ctx, w, a.yes, question)
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
