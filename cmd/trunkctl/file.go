package main

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// exists says that there is something of a name; what cannot be looked at is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// othersMayRead says that a file is not for its owner alone. Windows has no such bits.
func othersMayRead(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}
