package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/provision"
)

// failedRows is the file of the rows that failed. It is there and locked from the start of a run, so
// that a second run with the same file is refused before it sends anything.
type failedRows struct {
	path string
	rows int
	file *os.File
	out  *provision.Writer
	lost error // why the file does not have all rows
}

// open creates the file. It replaces an empty file, which is what a run that was killed may have
// left, and with replace any other one.
func (f *failedRows) open(replace bool) error {
	path := files.Resolve(f.path)
	for {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a file that the user names
		switch {
		case err == nil:
			if err := files.Lock(file); err != nil {
				return errors.Join(err, file.Close())
			}
			f.file, f.out = file, provision.NewWriter(file, provision.FormatCSV)
			return nil
		case !errors.Is(err, fs.ErrExist):
			return err
		}
		if err := f.removeOld(path, replace); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// removeOld removes a file that no other run is writing. The new one is not the old one made empty:
// that may have another name, and may be readable by others.
func (f *failedRows) removeOld(path string, replace bool) error {
	old, err := os.Open(path) //nolint:gosec // see open
	if err != nil {
		return err
	}
	defer func() { _ = old.Close() }()
	err = files.Lock(old)
	if errors.Is(err, files.ErrInUse) {
		return &usageError{problem: f.path + " is in use: another import writes its failed rows there", advice: "name another file with --failed"}
	}
	if err != nil {
		return err
	}
	info, err := old.Stat()
	if err != nil {
		return err
	}
	if info.Size() > 0 && !replace {
		return &usageError{problem: f.path + " was written meanwhile", advice: "name another file with --failed"}
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(info, now) {
		return err // another run has replaced it between the two calls
	}
	return removeHeld(old)
}

// removeHeld removes and closes a file that is locked. It is removed first, so that nobody can lock it
// in between; Windows removes no open file.
func removeHeld(file *os.File) error {
	removed, closed := os.Remove(file.Name()), file.Close()
	if removed != nil {
		removed = os.Remove(file.Name())
	}
	if errors.Is(removed, fs.ErrNotExist) {
		removed = nil
	}
	return cmp.Or(removed, closed)
}

// write adds a row. It is in the file when write returns.
func (f *failedRows) write(item provision.Item, reason string) error {
	f.rows++
	if f.lost == nil {
		f.lost = cmp.Or(f.out.Write(item, reason), f.out.Flush())
	}
	return f.lost
}

// close returns nil if the file has every row, whatever happens to the machine. It removes a file
// without rows.
func (f *failedRows) close() error {
	if f.rows == 0 {
		return removeHeld(f.file)
	}
	f.lost = cmp.Or(f.lost, f.file.Sync())
	f.lost = cmp.Or(f.lost, f.file.Close())
	return f.lost
}
