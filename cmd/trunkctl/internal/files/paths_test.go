package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/stretchr/testify/require"
)

// TestSame: two names of one file are recognized, whether or not it exists yet.
func TestSame(t *testing.T) { //nolint:paralleltest // it changes the working directory
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("real", 0o700))
	require.NoError(t, os.Symlink("real", "dir"))
	require.NoError(t, os.Symlink("real/file", "link"))
	require.NoError(t, os.Symlink("link", "link2"))
	require.NoError(t, os.Symlink("loop", "loop"))
	names := []string{"real/file", "dir/file", "./real/../real/file", dir + "/real/file", "link", "link2"}
	for range 2 {
		for _, name := range names {
			require.True(t, files.Same("real/file", name), name)
			require.False(t, files.Same("real/other", name), name)
			require.False(t, files.Same("loop", name), name)
			require.False(t, files.Same("", name), name)
		}
		require.NoError(t, os.WriteFile("real/file", nil, 0o600)) // and again with the file
	}
}

// TestResolveParent: ".." after a symbolic link is the parent of the link's target, and after a name that
// does not exist it is the parent of that name.
func TestResolveParent(t *testing.T) { //nolint:paralleltest // it changes the working directory
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	t.Chdir(dir)
	require.NoError(t, os.MkdirAll("other/sub", 0o700))
	require.NoError(t, os.Symlink("other/sub", "link"))
	require.NoError(t, os.Symlink("link/../file", "file"))
	for name, want := range map[string]string{"link/../x": "other/x", "file": "other/file", "none/../x": "x", "x": "x"} {
		require.Equal(t, filepath.Join(dir, want), files.Resolve(name), name)
	}
	input, err := os.Create("x")
	require.NoError(t, err)
	defer func() { require.NoError(t, input.Close()) }()
	require.True(t, files.IsOpenAs(input, "none/../x"))
	require.False(t, files.IsOpenAs(input, "link/../x"))
	require.True(t, files.Same("x", "none/../x"))
	require.False(t, files.Same("x", "link/../x"))
}
