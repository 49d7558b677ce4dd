//go:build unix && !solaris && !aix

package main

import (
	"os"
	"syscall"
)

// lock keeps other processes from a file until it is closed.
func lock(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
