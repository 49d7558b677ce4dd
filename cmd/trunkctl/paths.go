package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkReplace refuses to replace what is not a regular file, such as a directory or a device:
// whoever names /dev/null wants nothing kept, and not the device gone.
func checkReplace(flag, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &usageError{problem: fmt.Sprintf("%s: %s is not a regular file; it is not replaced", flag, path), advice: "name another file"}
	}
	return nil
}

// checkDirectory refuses the name of a file whose directory does not exist.
func checkDirectory(flag, path string) error {
	dir := filepath.Dir(path)
	switch info, err := os.Stat(dir); {
	case err != nil:
		return &usageError{problem: flag + ": " + plainText(err), advice: "name a file in a directory that exists"}
	case !info.IsDir():
		return &usageError{problem: flag + ": " + dir + " is not a directory", advice: "name another file"}
	}
	return nil
}

// asArgument keeps a file name that begins with a dash from being read as a flag.
func asArgument(path string) string {
	if strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}
