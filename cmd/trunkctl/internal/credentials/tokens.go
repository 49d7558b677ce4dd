package credentials

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// inKeyring is where a token is, for people.
const inKeyring = "the system keyring"

// Tokens stores API tokens, or other secrets. Each belongs to one base URL and is never returned for another.
type Tokens struct {
	Keyring Keyring
	// ConfigDir returns the directory that holds the settings of programs.
	ConfigDir func() (string, error)
	Getenv    func(name string) string
	// Kind is what is stored: "" is API tokens. Secrets of different kinds are kept apart.
	Kind string
	// Note shows a person a line that is not an error.
	Note func(format string, args ...any)
}

// NoDirectoryError is returned if there is no directory for tokens.
type NoDirectoryError struct{ Err error }

func (e *NoDirectoryError) Error() string { return "no directory for tokens: " + e.Err.Error() }
func (e *NoDirectoryError) Unwrap() error { return e.Err }

// KeyringError is returned if the system keyring exists and fails.
type KeyringError struct{ Err error }

func (e *KeyringError) Error() string { return "system keyring: " + e.Err.Error() }
func (e *KeyringError) Unwrap() error { return e.Err }

// Load returns the token of a base URL and where it is stored, or "" if there is none.
func (t *Tokens) Load(ctx context.Context, base string) (token, from string, err error) {
	path, err := t.path(base)
	if err != nil {
		return "", "", err
	}
	content, err := os.ReadFile(path) //nolint:gosec // a file of this program's own
	switch {
	case err == nil:
		if info, err := os.Stat(path); err == nil && files.ReadableByOthers(info) {
			t.Note("warning: others can read %s; run: chmod 600 %s", path, term.ShellQuote(path))
		}
		return strings.TrimSpace(string(content)), path, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", err
	}
	token, err = t.Keyring.call(ctx, t.Getenv, func() (string, error) { return t.Keyring.Get(t.name(base)) })
	switch {
	case errors.Is(err, ErrNoSecret), errors.Is(err, errNoKeyring):
		return "", "", nil
	case err != nil:
		return "", "", &KeyringError{err}
	}
	return token, inKeyring, nil
}

// Store stores a token in the system keyring and returns where it is. It uses a file if inFile is
// set or the keyring cannot be used.
func (t *Tokens) Store(ctx context.Context, base, token string, inFile bool) (where string, err error) {
	path, err := t.path(base)
	if err != nil {
		return "", err
	}
	if !inFile {
		_, err := t.Keyring.call(ctx, t.Getenv, func() (string, error) { return "", t.Keyring.Set(t.name(base), token) })
		if err == nil {
			// A file would take precedence over the keyring.
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			return inKeyring, nil
		}
		if ctx.Err() != nil {
			return "", err
		}
		t.Note("cannot use the system keyring: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, files.Replace(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, token)
		return err
	})
}

// Remove removes the token of a base URL, wherever it is stored, and reports whether there was one.
func (t *Tokens) Remove(ctx context.Context, base string) (found bool, err error) {
	path, err := t.path(base)
	if err != nil {
		return false, err
	}
	switch err := os.Remove(path); {
	case err == nil:
		found = true
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	_, err = t.Keyring.call(ctx, t.Getenv, func() (string, error) { return "", t.Keyring.Remove(t.name(base)) })
	switch {
	case errors.Is(err, ErrNoSecret), errors.Is(err, errNoKeyring):
		return found, nil
	case err != nil:
		return found, &KeyringError{err}
	}
	return true, nil
}

// name returns the name of a secret in the keyring.
func (t *Tokens) name(base string) string {
	if t.Kind == "" {
		return base
	}
	return t.Kind + " " + base
}

// path returns the name of the file that holds the token of a base URL.
func (t *Tokens) path(base string) (string, error) {
	dir, err := t.ConfigDir()
	if err != nil {
		return "", &NoDirectoryError{err}
	}
	return filepath.Join(dir, "trunkctl", url.QueryEscape(base)+"."+cmp.Or(t.Kind, "token")), nil
}
