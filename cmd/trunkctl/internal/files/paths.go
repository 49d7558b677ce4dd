package files

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// ErrInUse is returned if another process has locked a file.
var ErrInUse = errors.New("another process has it open")

// Exists reports whether a name is taken, by something that cannot be inspected as well.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Same reports whether two names are of one file, which need not exist yet.
func Same(one, other string) bool {
	if one == "" || other == "" {
		return false
	}
	a, errA := os.Stat(one)
	b, errB := os.Stat(other)
	if errA == nil && errB == nil {
		return os.SameFile(a, b)
	}
	return Resolve(one) == Resolve(other)
}

// IsOpenAs reports whether a stream reads or writes the regular file that a name leads to.
func IsOpenAs(stream any, path string) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	a, errA := file.Stat()
	b, errB := os.Stat(Resolve(path))
	return errA == nil && errB == nil && b.Mode().IsRegular() && os.SameFile(a, b)
}

// Resolve returns the absolute name of the file that a name leads to over symbolic links. The file need
// not exist. It does not clean the name before it follows the links: what ".." after a link leads to is
// not where the link is.
func Resolve(path string) string {
	const maxLinks = 40 // as in Linux; a loop ends here
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			dir, _ := filepath.Split(path)
			target = dir + target
		}
		path = target
	}
	dir, base := filepath.Split(path)
	if parent, err := filepath.EvalSymlinks(cmp.Or(dir, ".")); err == nil {
		path = filepath.Join(parent, base)
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// ReadableByOthers reports whether somebody besides its owner may use a file. Windows has no such
// bits.
func ReadableByOthers(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

// SyncDir flushes a directory, so that the name of a new file in it survives a power cut. It
// ignores file systems that cannot do it.
func SyncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the directory of a file that the user names
	if err != nil {
		return err
	}
	_ = dir.Sync()
	return dir.Close()
}
