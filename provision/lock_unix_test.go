//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package provision

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that is just being started has the open files of this one, and must not keep the
// journal.
func TestAClosedJournalIsFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal, err := OpenSwiftJournal(path, "three")
	require.NoError(t, err)
	file, ok := journal.file.(locked)
	require.True(t, ok)
	inherited, err := syscall.Dup(int(file.Fd()))
	require.NoError(t, err)
	defer func() { assert.NoError(t, syscall.Close(inherited)) }()
	_, err = OpenSwiftJournal(path, "three")
	require.ErrorIs(t, err, ErrJournalInUse)
	require.NoError(t, journal.Close())
	journal, err = OpenSwiftJournal(path, "three")
	require.NoError(t, err)
	require.NoError(t, journal.Close())
}
