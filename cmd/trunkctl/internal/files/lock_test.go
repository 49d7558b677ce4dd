//go:build unix && !solaris && !aix

package files_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/stretchr/testify/require"
)

// TestLock: only a file that another process has locked is in use. Any other error is the system's.
func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	one, err := os.Create(path)
	require.NoError(t, err)
	other, err := os.Open(path)
	require.NoError(t, err)
	require.NoError(t, files.Lock(one))
	require.ErrorIs(t, files.Lock(other), files.ErrInUse)
	require.NoError(t, one.Close())
	require.NoError(t, files.Lock(other))
	require.NoError(t, other.Close())
	require.ErrorIs(t, files.Lock(other), syscall.EBADF)
	require.NotErrorIs(t, files.Lock(other), files.ErrInUse)
}
