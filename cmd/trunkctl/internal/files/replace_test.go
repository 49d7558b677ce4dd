package files_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func content(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// TestReplaceRemovesLeftovers: Replace removes what killed runs have left of the same file, and
// nothing else.
func TestReplaceRemovesLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "trunks.csv")
	for _, name := range []string{
		".trunks.csv.trunkctl-123", ".trunks.csv.trunkctl-4", // leftovers
		".trunks.csv.trunkctl-", ".trunks.csv.trunkctl-12a", ".trunks.csv-123", ".other.csv.trunkctl-123", "trunks.csv.trunkctl-123",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, os.Symlink("trunks.csv", filepath.Join(dir, ".trunks.csv.trunkctl-5")))
	require.NoError(t, files.Replace(path, content("new")))
	require.Equal(t, []string{
		".other.csv.trunkctl-123", ".trunks.csv-123", ".trunks.csv.trunkctl-", ".trunks.csv.trunkctl-12a", ".trunks.csv.trunkctl-5",
		"trunks.csv", "trunks.csv.trunkctl-123",
	}, names(t, dir))
}

// TestReplaceKeepsRunning: a temporary file that is being written is not a leftover, however many
// runs write the same file.
func TestReplaceKeepsRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "trunks.csv")
	var work sync.WaitGroup
	for range 50 {
		work.Go(func() {
			assert.NoError(t, files.Replace(path, func(w io.Writer) error {
				return errors.Join(content("old ")(w), files.Replace(path, content("nested")), content("new")(w))
			}))
		})
	}
	work.Wait()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, []string{"nested", "old new"}, string(text))
	require.Equal(t, []string{"trunks.csv"}, names(t, dir))
}

// TestReplaceFails: if it cannot be written, the file is unchanged.
func TestReplaceFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "trunks.csv")
	require.NoError(t, files.Replace(path, content("old")))
	full := errors.New("full")
	require.ErrorIs(t, files.Replace(path, func(w io.Writer) error { return errors.Join(content("new")(w), full) }), full)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(text))
	require.Equal(t, []string{"trunks.csv"}, names(t, dir))
	require.Error(t, files.Replace(filepath.Join(dir, "trunks.csv", "below"), content("new")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "directory"), 0o700))
	require.Error(t, files.Replace(filepath.Join(dir, "directory"), content("new")))
	require.Equal(t, []string{"directory", "trunks.csv"}, names(t, dir))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.False(t, files.ReadableByOthers(info))
}
