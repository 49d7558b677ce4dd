package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Replace writes a file that only its owner can read. The file appears under its name when it is
// whole; if write fails, the file that was there before is unchanged.
func Replace(path string, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // with mode 0600
	if err != nil {
		return err
	}
	err = write(temp)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}
