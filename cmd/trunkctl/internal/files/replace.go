package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Replace writes a file that only its owner can read. The file appears under its name when it is
// complete; if write fails, the file that was there before is unchanged. Replace removes what runs
// that were killed have left of the same file.
func Replace(path string, write func(io.Writer) error) error {
	temp, err := createTemp(path)
	if err != nil {
		return err
	}
	removeLeftovers(path)
	err = write(temp)
	if err == nil {
		err = temp.Sync()
	}
	if !canLock {
		err = errors.Join(err, temp.Close()) // Windows cannot rename an open file
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	if canLock {
		err = errors.Join(err, temp.Close()) // releases the lock, after the file has its name
	}
	return err
}

// tempPrefix begins the names of the temporary files of a file. The rest is digits.
func tempPrefix(path string) string { return "." + filepath.Base(path) + ".trunkctl-" }

// createTemp creates a temporary file with mode 0600 and locks it, so that no other run takes it
// for a leftover.
func createTemp(path string) (*os.File, error) {
	for {
		temp, err := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*")
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, &fs.PathError{Op: "create", Path: path, Err: failed.Err} // nobody knows the other name
		}
		if err != nil {
			return nil, err
		}
		// Before it was locked, another run may have locked it and be about to remove it. Without
		// locks, nobody removes it.
		err = Lock(temp)
		if _, gone := os.Lstat(temp.Name()); !errors.Is(err, ErrInUse) && gone == nil {
			return temp, nil
		}
		_ = temp.Close()
	}
}

// removeLeftovers removes temporary files that no process has locked.
func removeLeftovers(path string) {
	if !canLock {
		return
	}
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir) // what cannot be read cannot be removed
	for _, entry := range entries {
		digits, ok := strings.CutPrefix(entry.Name(), tempPrefix(path))
		if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" || !entry.Type().IsRegular() {
			continue
		}
		leftover, err := os.OpenFile(filepath.Join(dir, entry.Name()), os.O_RDWR, 0) //nolint:gosec // beside a file that the user names
		if err != nil {
			continue
		}
		if Lock(leftover) == nil {
			_ = os.Remove(leftover.Name())
		}
		_ = leftover.Close()
	}
}
