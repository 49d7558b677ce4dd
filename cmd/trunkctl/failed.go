package main

import (
	"cmp"
	"errors"
	"os"

	"github.com/mihu-go/mihu/provision"
)

// failedRows is the file of the rows that failed. The first of them creates it.
type failedRows struct {
	path string
	rows int
	file *os.File
	out  *provision.Writer
}

// write adds a row. It is in the file when write returns.
func (f *failedRows) write(item provision.Item, reason string) error {
	if f.file == nil {
		file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		f.file, f.out = file, provision.NewWriter(file, provision.FormatCSV)
	}
	f.rows++
	return cmp.Or(f.out.Write(item, reason), f.out.Flush())
}

func (f *failedRows) close() error {
	if f.file == nil {
		return nil
	}
	return errors.Join(f.out.Flush(), f.file.Close())
}
