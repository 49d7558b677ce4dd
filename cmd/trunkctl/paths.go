package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// exists says that there is something of a name; what cannot be looked at is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// checkReplace refuses to put a file in the place of what is no regular file, such as a directory or a
// device: whoever names /dev/null wants nothing kept, and not that to be gone.
func checkReplace(flag, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &usageError{problem: fmt.Sprintf("%s: %s is not a regular file, and is not replaced", flag, path), advice: "name another file"}
	}
	return nil
}

// checkPlace refuses the name of a file that cannot be made because there is no directory for it.
func checkPlace(flag, path string) error {
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case err != nil:
		return &usageError{problem: flag + ": " + err.Error(), advice: "name a file in a directory that is there"}
	case !info.IsDir():
		return &usageError{problem: flag + ": " + dir + " is not a directory", advice: "name another file"}
	}
	return nil
}

// asArgument has a file whose name begins as that of a flag be taken for a file.
func asArgument(path string) string {
	if strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// sameFile says that two names are of one file, which need not be there yet.
func sameFile(one, other string) bool {
	if one == "" || other == "" {
		return false
	}
	a, errA := os.Stat(one)
	b, errB := os.Stat(other)
	if errA == nil && errB == nil {
		return os.SameFile(a, b)
	}
	return filepath.Clean(one) == filepath.Clean(other)
}

// othersMayRead says that a file is not for its owner alone. Windows has no such bits.
func othersMayRead(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}
