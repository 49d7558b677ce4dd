//go:build unix && !solaris && !aix

package files

import (
	"errors"
	"os"
	"syscall"
)

// canLock is set on systems that have locks.
const canLock = true

// Lock locks a file against other processes until it is closed. It returns [ErrInUse] if another
// process holds the lock, and the system's error if the file cannot be locked.
func Lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}
