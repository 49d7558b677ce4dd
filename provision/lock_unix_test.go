//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package provision

import (
	"fmt"
	"os"
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

// A directory that cannot be synced, as on SMB and FUSE, is no obstacle. A disk that fails is.
func TestAJournalInADirectoryThatCannotBeSynced(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS, syscall.EACCES} {
		path := filepath.Join(t.TempDir(), "journal")
		system := fileSystem{lock, func(path string) error { return tolerated(&os.PathError{Op: "sync", Path: path, Err: errno}) }}
		journal, err := openJournal(path, "three", 1, system)
		require.NoError(t, err, errno)
		require.NoError(t, journal.Close())
	}

	path := filepath.Join(t.TempDir(), "journal")
	failing := fileSystem{lock, func(string) error { return tolerated(syscall.EIO) }}
	_, err := openJournal(path, "three", 1, failing)
	require.ErrorIs(t, err, syscall.EIO)
	// What that has left belongs to nobody, whatever the next input is.
	journal, err := OpenSwiftJournal(path, "another")
	require.NoError(t, err)
	require.NoError(t, journal.Close())
}

// A directory that can be written and not read cannot be synced.
func TestAJournalInADirectoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o300))
	journal, err := OpenSwiftJournal(filepath.Join(dir, "journal"), "three")
	require.NoError(t, err)
	require.NoError(t, journal.Close())
	require.NoError(t, os.Chmod(dir, 0o700))
}

func TestAJournalThatCannotBeLocked(t *testing.T) {
	t.Parallel()
	for _, errno := range []syscall.Errno{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS} {
		path := filepath.Join(t.TempDir(), "journal")
		_, err := openJournal(path, "three", 1, fileSystem{func(*os.File) error { return errno }, syncDir})
		require.ErrorIs(t, err, errno)
		require.NotErrorIs(t, err, ErrJournalInUse)
		assert.EqualError(t, err, fmt.Sprintf("provision: journal %q cannot be locked: %v; use a path on a local disk", path, errno))
		_, err = OpenSwiftJournal(path, "another")
		require.NoError(t, err, "what is left is nobody's")
	}
}

// An empty file, or one of NUL bytes, has no head, and so no input.
func TestAJournalWithoutItsHead(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "", "NUL bytes": string(make([]byte, 300))} {
		path := filepath.Join(t.TempDir(), "journal")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		for range 2 {
			journal, err := OpenSwiftJournal(path, "three")
			require.NoError(t, err, name)
			require.NoError(t, journal.Close())
		}
		_, err := OpenSwiftJournal(path, "another")
		require.ErrorIs(t, err, ErrOtherInput, "it has its head now")
	}
}

// A journal is the same file under each of its names, and a link stays a link.
func TestAJournalOfManyNames(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	target, link, hard := filepath.Join(elsewhere, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	require.NoError(t, os.Symlink(target, link))
	journal, err := OpenSwiftJournal(link, "three")
	require.NoError(t, err, "a link to a file that is not there yet")
	require.NoError(t, os.Link(target, hard))
	for _, name := range []string{target, hard, link, dir + "/./link"} {
		_, err := OpenSwiftJournal(name, "three")
		require.ErrorIs(t, err, ErrJournalInUse, name)
	}
	require.NoError(t, journal.Close())
	for _, name := range []string{target, hard, link} {
		_, err := OpenSwiftJournal(name, "another")
		require.ErrorIs(t, err, ErrOtherInput, name)
	}
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, info.Mode().Type())

	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink(loop, loop))
	_, err = OpenSwiftJournal(loop, "three")
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrJournalInUse)
}
