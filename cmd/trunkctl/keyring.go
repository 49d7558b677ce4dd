package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	system "github.com/zalando/go-keyring"
)

// keyring keeps secrets by name. Its zero value is a machine that has none.
type keyring struct {
	get    func(name string) (string, error)
	set    func(name, secret string) error
	remove func(name string) error
	// usable says why there is no keyring on this machine, without asking it; nil where there may be.
	usable func(getenv func(string) string) error
}

var (
	errNoKeyring = errors.New("there is none on this machine")
	errNoSecret  = system.ErrNotFound
)

// keyringTimeout bounds a keyring that hangs: a D-Bus that nobody answers, or a window on a screen
// that nobody sees.
const keyringTimeout = 3 * time.Second

const keyringService = "trunkctl"

func systemKeyring() keyring {
	return keyring{
		get:    func(name string) (string, error) { return system.Get(keyringService, name) },
		set:    func(name, secret string) error { return system.Set(keyringService, name, secret) },
		remove: func(name string) error { return system.Delete(keyringService, name) },
		usable: hasSystemKeyring,
	}
}

// hasSystemKeyring looks for a session bus on systems whose keyring is reached by one: without it
// the library would start a bus of its own.
func hasSystemKeyring(getenv func(string) string) error {
	switch runtime.GOOS {
	case "darwin", "windows":
		return nil
	}
	if getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "bus")); err == nil {
			return nil
		}
	}
	return errNoKeyring
}

// askKeyring asks the keyring and waits for its answer for a bounded time. The library cannot be
// told to give up, so the goroutine of a keyring that hangs ends with the process.
func (a *app) askKeyring(ctx context.Context, ask func(keyring) (string, error)) (string, error) {
	if a.keyring.get == nil {
		return "", errNoKeyring
	}
	if err := a.keyring.usable(a.getenv); err != nil {
		return "", err
	}
	type answer struct {
		secret string
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		secret, err := ask(a.keyring)
		answers <- answer{secret, err}
	}()
	select {
	case got := <-answers:
		return got.secret, got.err
	case <-time.After(keyringTimeout):
		return "", fmt.Errorf("no answer within %v", keyringTimeout)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
