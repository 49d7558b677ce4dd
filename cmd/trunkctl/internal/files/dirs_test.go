package files

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDirectories: a variable overrides the default, and a relative one is ignored.
func TestDirectories(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // its names are different
	}
	env := map[string]string{"HOME": "/home/u", "XDG_STATE_HOME": "/state", "XDG_CACHE_HOME": "cache"}
	d := Directories{func(name string) string { return env[name] }}
	for want, find := range map[string]func() (string, error){
		"/home/u/.config": d.Config, "/state": d.State, "/home/u/.cache": d.Cache,
	} {
		got, err := find()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	delete(env, "HOME")
	_, err := d.Config()
	require.EqualError(t, err, "neither XDG_CONFIG_HOME nor HOME is set")
	got, err := d.State()
	require.NoError(t, err)
	require.Equal(t, "/state", got)
}
