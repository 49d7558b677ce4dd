package config

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const asWriter = "TRUNKCTL_TEST_CONFIG_WRITER"

const perProcess = 50

func TestMain(m *testing.M) {
	if name := os.Getenv(asWriter); name != "" {
		addMany(name)
		return
	}
	os.Exit(m.Run())
}

// addMany adds workspaces one by one.
func addMany(name string) {
	f := File{Dir: func() (string, error) { return os.Getenv("DIR"), nil }}
	for i := range perProcess {
		err := f.Change(context.Background(), func(c *Config) error {
			added := fmt.Sprintf("%s-%d", name, i)
			c.Workspaces = append(c.Workspaces, Workspace{Name: added, Address: "https://" + added + ".mihu.ai/api/v1"})
			c.Current = added
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
}

// TestTwoProcesses: of the changes that several processes make at once, none is lost.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var writers []*exec.Cmd
	for _, name := range []string{"a", "b", "c"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = []string{asWriter + "=" + name, "DIR=" + dir}
		require.NoError(t, cmd.Start())
		writers = append(writers, cmd)
	}
	for _, cmd := range writers {
		require.NoError(t, cmd.Wait())
	}
	f := File{Dir: func() (string, error) { return dir, nil }}
	c, err := f.Read()
	require.NoError(t, err)
	for _, name := range []string{"a", "b", "c"} {
		for i := range perProcess {
			require.NotNil(t, c.Find(fmt.Sprintf("%s-%d", name, i)))
		}
	}
	path, err := f.Path()
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestInvalidFiles: a file that cannot be used is an error that names it, and is not changed.
func TestInvalidFiles(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{`:                           "not valid JSON",
		`{"version":2}`:               "written by a later version",
		`{"version":1,"current":"x"}`: "not in the list",
		`{"version":1,"workspaces":[{"name":"a b","address":"x"}]}`:                          "invalid name",
		`{"version":1,"workspaces":[{"name":"a"}]}`:                                          "no address",
		`{"version":1,"workspaces":[{"name":"a","address":"x"},{"name":"a","address":"y"}]}`: "duplicate name a",
		`{"version":1,"workspaces":[{"name":"a","address":"x"},{"name":"b","address":"x"}]}`: "duplicate address",
	} {
		dir := t.TempDir()
		f := File{Dir: func() (string, error) { return dir, nil }}
		path, _ := f.Path()
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := f.Read()
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, f.Change(t.Context(), func(*Config) error { return nil }), want)
		left, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(left))
	}
}

func TestValidName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"acme": true, "Acme_2.prod-eu": true, "": false, "-x": false, ".x": false, "a b": false, "a/b": false, "ü": false,
		strings.Repeat("x", 63): true, strings.Repeat("x", 64): false,
	} {
		require.Equal(t, want, ValidName(name), name)
	}
}
