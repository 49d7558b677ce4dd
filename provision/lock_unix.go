//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package provision

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// lock locks the file for this Journal alone. The kernel releases the lock however the process
// ends.
func lock(file *os.File) error {
	err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrJournalInUse
	}
	return err
}

// unlock releases the lock before the file is closed. A process that this one is just starting has
// the file open too, and the lock with it, until it executes another program.
func unlock(file *os.File) error { return flock(file, syscall.LOCK_UN) }

func flock(file *os.File, how int) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for {
			failed = syscall.Flock(int(fd), how)
			if !errors.Is(failed, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, failed)
}

// syncDir makes the name of a new file survive a loss of power, if the file system can do that. SMB
// and some of FUSE cannot, and a directory that can be written need not be readable. What the file
// itself holds is synced in any case.
func syncDir(path string) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	return tolerated(err)
}

// tolerated returns nil for an error of a directory that cannot be synced.
func tolerated(err error) error {
	for _, unable := range []error{
		syscall.EINVAL, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EBADF, syscall.EACCES, syscall.EPERM, syscall.EROFS,
	} {
		if errors.Is(err, unable) {
			return nil
		}
	}
	return err
}
