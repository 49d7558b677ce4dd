//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package provision

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the file for this Journal alone. The kernel gives it back however the process ends.
func lock(file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
			if !errors.Is(failed, syscall.EINTR) {
				return
			}
		}
	})
	if errors.Is(failed, syscall.EWOULDBLOCK) {
		return ErrJournalInUse
	}
	return errors.Join(err, failed)
}

// syncDir makes the name of a new file outlive a loss of power.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
