package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mihu-go/mihu"
)

// findToken looks for the token of a base URL: --token-file, MIHU_API_TOKEN, and what login has kept
// for that very URL. A token is never an argument, since those are for everybody on the machine to
// see.
func (a *app) findToken(ctx context.Context, base string) (token, from string, err error) {
	if name := a.global.tokenFile; name != "" {
		token, err := a.readSecret("--token-file", name)
		return token, "--token-file", err
	}
	if token := a.getenv(mihu.EnvToken); token != "" {
		return token, mihu.EnvToken, nil
	}
	token, from, err = a.storedToken(ctx, base)
	if err == nil && token == "" {
		err = &usageError{
			problem: "no token for " + base,
			advice:  "run \"trunkctl login\", set MIHU_API_TOKEN, or give --token-file;\nto try this command without an account, add --demo",
		}
	}
	return token, from, err
}

// storedToken is the token that login has kept; "" where there is none.
func (a *app) storedToken(ctx context.Context, base string) (token, from string, err error) {
	path, err := a.tokenPath(base)
	if err != nil {
		return "", "", err
	}
	content, err := os.ReadFile(path) //nolint:gosec // a file of this program's own
	switch {
	case err == nil:
		if info, err := os.Stat(path); err == nil && othersMayRead(info) {
			a.note("warning: %s can be read by others; run: chmod 600 %[1]s", path)
		}
		return strings.TrimSpace(string(content)), path, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", err
	}
	token, err = a.askKeyring(ctx, func(k keyring) (string, error) { return k.get(base) })
	switch {
	case errors.Is(err, errNoSecret), errors.Is(err, errNoKeyring):
		return "", "", nil
	case err != nil:
		return "", "", &advisedError{
			fmt.Errorf("the system's keyring: %w", err),
			"set MIHU_API_TOKEN, give --token-file, or run \"trunkctl login --file\"",
		}
	}
	return token, "the system's keyring", nil
}

// storeToken keeps a token in the system's keyring, or in a file where there is none, and says where.
func (a *app) storeToken(ctx context.Context, base, token string, inFile bool) (where string, err error) {
	path, err := a.tokenPath(base)
	if err != nil {
		return "", err
	}
	if !inFile {
		_, err := a.askKeyring(ctx, func(k keyring) (string, error) { return "", k.set(base, token) })
		if err == nil {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			return "the system's keyring", nil
		}
		if ctx.Err() != nil {
			return "", err
		}
		a.note("the system's keyring cannot be used: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, writeFile(path, []byte(token+"\n"))
}

// dropToken forgets a token, wherever it is kept, and says whether there was one.
func (a *app) dropToken(ctx context.Context, base string) (found bool, err error) {
	path, err := a.tokenPath(base)
	if err != nil {
		return false, err
	}
	switch err := os.Remove(path); {
	case err == nil:
		found = true
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	_, err = a.askKeyring(ctx, func(k keyring) (string, error) { return "", k.remove(base) })
	switch {
	case errors.Is(err, errNoSecret), errors.Is(err, errNoKeyring):
		return found, nil
	case err != nil:
		return found, fmt.Errorf("the system's keyring: %w", err)
	}
	return true, nil
}

// tokenPath is the file of the token for a base URL.
func (a *app) tokenPath(base string) (string, error) {
	dir, err := a.configDir()
	if err != nil {
		return "", &usageError{
			problem: "there is no place for tokens: " + err.Error(),
			advice:  "set one of these, or give the token in MIHU_API_TOKEN or with --token-file",
		}
	}
	return filepath.Join(dir, "trunkctl", url.QueryEscape(base)+".token"), nil
}

// writeFile writes a file that its owner alone can read, or leaves the one that is there as it is.
func writeFile(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

const mostSecret = 64 << 10

// readSecret reads a secret from a file, or from the standard input where its name is "-". The line
// end that editors and echo add is not part of it.
func (a *app) readSecret(flag, name string) (string, error) {
	reader, done, err := a.input(flag, name)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.LimitReader(reader, mostSecret+1))
	done()
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", flag, err)
	case len(content) > mostSecret:
		return "", usagef("%s: the file is too large to hold a secret", flag)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if secret == "" {
		return "", usagef("%s: nothing is in it", flag)
	}
	return secret, nil
}

// input opens a file, or the standard input where its name is "-", which one flag can have.
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
		return nil, nil, usagef("%s and %s cannot both read the standard input", a.stdinUsed, flag)
	}
	a.stdinUsed = flag
	return &interruptibleReader{a.stdin, a.interrupts}, func() {}, nil
}
