package credentials

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKeyringThatHangs: a call that hangs is given up after a few seconds.
func TestKeyringThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		woken := make(chan struct{})
		defer close(woken)
		tokens := &Tokens{
			Keyring: Keyring{
				Get:    func(string) (string, error) { <-woken; return "", ErrNoSecret },
				Usable: func(func(string) string) error { return nil },
			},
			ConfigDir: func() (string, error) { return t.TempDir(), nil },
			Getenv:    func(string) string { return "" },
		}
		start := time.Now()
		_, _, err := tokens.Load(t.Context(), "x")
		require.ErrorContains(t, err, "no reply within 3s")
		require.Equal(t, keyringTimeout, time.Since(start))
	})
}

func TestHasSystemKeyring(t *testing.T) {
	t.Parallel()
	env := func(name, value string) func(string) string {
		return func(variable string) string {
			if variable == name {
				return value
			}
			return ""
		}
	}
	require.NoError(t, hasSystemKeyring(env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")))
	if hasSystemKeyring(env("", "")) != nil { // this system reaches its keyring over a bus
		require.ErrorIs(t, hasSystemKeyring(env("XDG_RUNTIME_DIR", t.TempDir())), errNoKeyring)
	}
}
