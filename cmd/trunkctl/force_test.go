package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/stretchr/testify/require"
)

// TestForceReplacesNothingElse: --force replaces a file that an earlier run has written, and no
// input, journal, directory or device.
func TestForceReplacesNothingElse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/numbers.csv"},
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/./numbers.csv"},
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/link"},
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/numbers.csv.journal"},
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/one", "--journal", "DIR/one"},
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/secrets", "--secrets", "DIR/secrets"},
		{"import", "DIR/numbers.csv", "--yes", "--force", "--failed", "DIR/empty"},
		{"import", "DIR/numbers.csv", "--yes", "--failed", "DIR/empty"},
		{"export", "--file", "DIR/empty", "--force"},
	} {
		t.Run(term.ShellLine(args...), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			const rows = "phone_number,channel,agent_uuid\n+12025550001,call," + agent9 + "\n"
			f.file("numbers.csv", rows)
			f.file("secrets", "{}")
			require.NoError(t, os.Symlink("numbers.csv", filepath.Join(f.dir, "link")))
			require.NoError(t, os.Mkdir(filepath.Join(f.dir, "empty"), 0o700))
			refused := f.run(args...)
			require.Equal(t, exitUsage, refused.code, refused.stderr)
			require.Contains(t, refused.stderr, "name another file")
			require.Zero(t, f.RequestCount(), "nothing is sent")
			require.Equal(t, rows, f.read("numbers.csv"))
			require.Equal(t, "{}", f.read("secrets"))
			require.DirExists(t, filepath.Join(f.dir, "empty"))
			left, err := fs.Glob(os.DirFS(f.dir), "*")
			require.NoError(t, err)
			require.Len(t, left, 4, "%v", left)
		})
	}
}
