package credentials

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

// Keyring stores secrets by name. Its zero value is a machine without a keyring.
type Keyring struct {
	Get    func(name string) (string, error)
	Set    func(name, secret string) error
	Remove func(name string) error
	// Usable returns an error if this machine has no keyring. It does not contact one.
	Usable func(getenv func(string) string) error
}

var (
	errNoKeyring = errors.New("this machine has none")
	// ErrNoSecret is what a keyring returns for a name that it does not have.
	ErrNoSecret = system.ErrNotFound
)

// keyringTimeout bounds a keyring that hangs: a D-Bus service that does not reply, or a window on a
// screen that nobody sees.
const keyringTimeout = 3 * time.Second

const keyringService = "trunkctl"

// SystemKeyring returns the keyring of the operating system.
func SystemKeyring() Keyring {
	return Keyring{
		Get:    func(name string) (string, error) { return system.Get(keyringService, name) },
		Set:    func(name, secret string) error { return system.Set(keyringService, name, secret) },
		Remove: func(name string) error { return system.Delete(keyringService, name) },
		Usable: hasSystemKeyring,
	}
}

// hasSystemKeyring looks for a session bus on systems that reach their keyring over one. Without it
// the keyring library would start a bus of its own.
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

// call calls the keyring and waits for at most [keyringTimeout]. The keyring library cannot be
// canceled, so the goroutine of a call that hangs ends with the process.
func (k Keyring) call(ctx context.Context, getenv func(string) string, do func() (string, error)) (string, error) {
	if k.Get == nil {
		return "", errNoKeyring
	}
	if err := k.Usable(getenv); err != nil {
		return "", err
	}
	type result struct {
		secret string
		err    error
	}
	results := make(chan result, 1)
	go func() {
		secret, err := do()
		results <- result{secret, err}
	}()
	select {
	case r := <-results:
		return r.secret, r.err
	case <-time.After(keyringTimeout):
		return "", fmt.Errorf("no reply within %v", keyringTimeout)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
