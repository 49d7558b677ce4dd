package provision

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

const stillWritten = "the last row has no line end, and the file is still being written; wait until it is complete"

// settleTime is how long a file must be unchanged to be taken for complete, if its last row has no
// line end.
const settleTime = time.Second

// regularFile is the part of *os.File that tells how long the file is.
type regularFile interface {
	io.Reader
	Stat() (fs.FileInfo, error)
}

// isGrowing reports whether a file is longer than it was, or becomes so or changes while it settles.
func isGrowing(file regularFile, size int64) (bool, error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	changed := info.ModTime()
	if info.Size() == size {
		if info, err = settled(file, info); err != nil {
			return false, err
		}
	}
	return info.Size() != size || !info.ModTime().Equal(changed), nil
}

// becomesLonger reports whether a file that was read to its end is longer, or so after it has settled.
// A pipe or a terminal is not.
func becomesLonger(file regularFile) (bool, error) {
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		_, err = settled(file, info)
	}
	if err != nil || !info.Mode().IsRegular() {
		return false, wrap(err)
	}
	n, err := file.Read(make([]byte, 1))
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("provision: copying the input: %w", err)
	}
	return n > 0, nil
}

// settled waits until a file that was changed a moment ago is as old as settleTime.
func settled(file regularFile, info fs.FileInfo) (fs.FileInfo, error) {
	age := time.Since(info.ModTime())
	if age >= settleTime {
		return info, nil
	}
	time.Sleep(settleTime - max(age, 0))
	return file.Stat()
}
