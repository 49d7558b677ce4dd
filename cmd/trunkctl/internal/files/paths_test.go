package files_test

import (
	"os"
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
