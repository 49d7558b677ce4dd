package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// readSecret reads a file of one line, such as a token or a password, or standard input if its name
// is "-". A name without a directory is not shown if there is no such file: it may be the secret.
func (a *app) readSecret(flag, name string) (string, error) {
	reader, done, err := a.input(flag, name)
	if err != nil {
		if _, missing := os.Stat(name); errors.Is(missing, fs.ErrNotExist) && filepath.Base(name) == name {
			return "", usagef("%s: no such file; want the name of a file, not what it holds", flag)
		}
		return "", err
	}
	defer done()
	secret, err := provision.ReadSecret(reader, name)
	return secret, usageOf(flag, err)
}

// usageOf returns the violations of a flag's value as a usage error, and any other error with the
// name of the flag.
func usageOf(flag string, err error) error {
	if err == nil {
		return nil
	}
	input, ok := errors.AsType[*provision.InputError](err)
	if !ok {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return usagef("%s: %s", flag, input.Violations[0])
}

// input opens a file, or standard input if its name is "-". Only one flag can read standard input.
// A signal ends opening and reading, which wait if the file is a pipe.
func (a *app) input(flag, name string) (r io.Reader, done func(), err error) {
	if name != "-" {
		file, err := term.Interruptible(a.interrupts.ctx, func() (*os.File, error) { return os.Open(name) }) //nolint:gosec // the user names the file
		switch {
		case errors.Is(err, errInterrupted):
			return nil, nil, err
		case err != nil:
			return nil, nil, &usageError{problem: flag + ": " + err.Error()}
		}
		if info, err := file.Stat(); err == nil && info.IsDir() {
			_ = file.Close()
			return nil, nil, usagef("%s: %s is a directory; want a file", flag, name)
		}
		return term.InterruptibleReader(a.interrupts.ctx, file), func() { _ = file.Close() }, nil
	}
	if a.stdinUsed != "" {
		return nil, nil, usagef("%s and %s cannot both read standard input", a.stdinUsed, flag)
	}
	a.stdinUsed = flag
	return term.InterruptibleReader(a.interrupts.ctx, a.stdin), func() {}, nil
}
