package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

const maxSecretSize = 64 << 10

// readSecret reads a secret from a file, or from standard input if its name is "-". It drops the
// byte order mark and the line ending that editors add.
func (a *app) readSecret(flag, name string) (string, error) {
	reader, done, err := a.input(flag, name)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.LimitReader(reader, maxSecretSize+1))
	done()
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", flag, err)
	case len(content) > maxSecretSize:
		return "", usagef("%s: the file is larger than %d KiB", flag, maxSecretSize>>10)
	}
	secret := strings.TrimPrefix(string(content), byteOrderMark)
	secret = strings.TrimSuffix(strings.TrimSuffix(secret, "\n"), "\r")
	switch {
	case secret == "":
		return "", usagef("%s: the file is empty", flag)
	case !utf8.ValidString(secret):
		return "", usagef("%s: %v", flag, errNotUTF8)
	}
	return secret, nil
}

// input opens a file, or standard input if its name is "-". Only one flag can read standard input.
func (a *app) input(flag, name string) (r io.Reader, done func(), err error) {
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the user names the file
		if err != nil {
			return nil, nil, &usageError{problem: flag + ": " + err.Error()}
		}
		if info, err := file.Stat(); err == nil && info.IsDir() {
			_ = file.Close()
			return nil, nil, usagef("%s: %s is a directory; want a file", flag, name)
		}
		return file, func() { _ = file.Close() }, nil
	}
	if a.stdinUsed != "" {
		return nil, nil, usagef("%s and %s cannot both read standard input", a.stdinUsed, flag)
	}
	a.stdinUsed = flag
	return term.InterruptibleReader(a.interrupts.ctx, a.stdin), func() {}, nil
}
