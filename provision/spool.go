package provision

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mihu-go/mihu"
)

// Spool is [Open] for what can be read only once, such as standard input. It copies r to a
// temporary file with mode 0600, which Close removes. If the system allows it, the file has no name
// from the start, so that a killed program leaves nothing behind. Only the disk limits the size of
// the copy.
func Spool(r io.Reader, opts ReadOptions) (*Source, error) {
	if opts.Format == FormatRows {
		return nil, unknownFormat(opts.Format)
	}
	s, err := spool(r)
	if err != nil {
		return nil, err
	}
	return open(s, "input", opts)
}

// spool copies r to a temporary file. The source has nothing else.
func spool(r io.Reader) (*Source, error) {
	if r == nil {
		return nil, noReader()
	}
	s, err := newTemporary()
	if err != nil {
		return nil, err
	}
	if s.size, err = io.Copy(s.file, r); err != nil {
		return nil, errors.Join(fmt.Errorf("provision: copying the input: %w", err), s.Close())
	}
	if err := s.whole(r); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newTemporary returns a source with an empty temporary file.
func newTemporary() (*Source, error) {
	file, err := os.CreateTemp("", "mihu-input-*")
	if err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	s := &Source{file: file, temporary: true}
	if os.Remove(file.Name()) != nil {
		s.remove = file.Name()
	}
	return s, nil
}

// whole returns an error if the input has no line end at its end, and is still being written.
func (s *Source) whole(r io.Reader) error {
	from, ok := r.(regularFile)
	last := make([]byte, 1)
	if !ok || s.size == 0 {
		return nil
	}
	if _, err := s.file.ReadAt(last, s.size-1); err != nil {
		return fmt.Errorf("provision: copying the input: %w", err)
	}
	if last[0] == '\n' || last[0] == '\r' {
		return nil
	}
	growing, err := becomesLonger(from)
	if err == nil && growing {
		err = fmt.Errorf("%w while it was read: %s", ErrInputChanged, stillWritten)
	}
	return err
}

func noReader() error {
	return invalid("read", mihu.FieldViolation{Field: "reader", Problem: "nil; want an input"})
}
