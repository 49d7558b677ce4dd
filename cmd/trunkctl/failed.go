package main

import (
	"cmp"
	"os"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/provision"
)

// failedRows is the file of the rows that failed. The first of them creates it.
type failedRows struct {
	path string
	rows int
	file *os.File
	out  *provision.Writer
	lost error // why the file does not have all rows
}

// write adds a row. It is in the file when write returns.
func (f *failedRows) write(item provision.Item, reason string) error {
	f.rows++
	if f.file == nil && f.lost == nil {
		var file *os.File
		if file, f.lost = os.OpenFile(files.Resolve(f.path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); f.lost == nil {
			f.file, f.out = file, provision.NewWriter(file, provision.FormatCSV)
		}
	}
	if f.lost == nil {
		f.lost = cmp.Or(f.out.Write(item, reason), f.out.Flush())
	}
	return f.lost
}

// close returns nil if the file has every row, whatever happens to the machine.
func (f *failedRows) close() error {
	if f.file == nil {
		return f.lost
	}
	f.lost = cmp.Or(f.lost, f.file.Sync())
	f.lost = cmp.Or(f.lost, f.file.Close())
	return f.lost
}
