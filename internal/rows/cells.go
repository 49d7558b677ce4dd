package rows

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// CellWriter writes records whose cells somebody else has read, for example from a workbook, in a
// form of its own that Table.ReadCells reads.
type CellWriter struct {
	out  *bufio.Writer
	last int
	buf  []byte
}

// NewCellWriter returns a CellWriter to w. Call Flush after the last record.
func NewCellWriter(w io.Writer) *CellWriter { return &CellWriter{out: bufio.NewWriter(w)} }

// Flush writes what is buffered.
func (w *CellWriter) Flush() error { return w.out.Flush() }

// Write writes a record with the number of its line. Of the cells, it writes text, problem and name.
// The error is one of the record, or of the file.
func (w *CellWriter) Write(line int, cells []Cell) error {
	switch {
	case line <= w.last:
		return fmt.Errorf("row %d comes after row %d; want rows in the order of their numbers, from 1", line, w.last)
	case len(cells) > maxCells:
		return fmt.Errorf("row %d has more than %d cells", line, maxCells)
	}
	w.last = line
	w.buf = binary.AppendUvarint(w.buf[:0], uint64(line)) //nolint:gosec // it is positive
	w.buf = binary.AppendUvarint(w.buf, uint64(len(cells)))
	for _, c := range cells {
		for _, text := range [...]string{c.At.Cell, problemOf(c), c.Text} {
			if len(text) > maxBytes || len(w.buf) > maxBytes {
				return fmt.Errorf("row %d is %s", line, tooLong)
			}
			w.buf = binary.AppendUvarint(w.buf, uint64(len(text)))
			w.buf = append(w.buf, text...)
		}
	}
	_, err := w.out.Write(w.buf)
	return err
}

// problemOf returns the problem for which a cell cannot be used.
func problemOf(c Cell) string {
	switch {
	case c.Problem != "":
		return c.Problem
	case !utf8.ValidString(c.Text):
		return "not UTF-8 text"
	case strings.IndexByte(c.Text, 0) >= 0:
		return "has a NUL byte; remove it"
	}
	return ""
}

// CellRecords reads the records that a CellWriter has written.
type CellRecords struct {
	in     *bufio.Reader
	record Record
	buf    []byte
	ends   []int // of names, problems and texts in buf
}

// NewCellRecords returns the records that a CellWriter has written.
func NewCellRecords(r io.Reader) *CellRecords { return &CellRecords{in: bufio.NewReader(r)} }

// Header returns the first record that is not blank; nil is the end of the file.
func (r *CellRecords) Header(func(name string) bool) (*Record, error) {
	for {
		record, err := r.Next()
		if err != nil || record == nil || !record.Blank {
			return record, err
		}
	}
}

// Next reads a record; nil is the end of the file.
func (r *CellRecords) Next() (*Record, error) {
	line, err := binary.ReadUvarint(r.in)
	if errors.Is(err, io.EOF) {
		return nil, nil //nolint:nilnil // the end of the file
	}
	if err != nil {
		return nil, err
	}
	count, err := binary.ReadUvarint(r.in)
	if err != nil || count > maxCells || line > 1<<31 {
		return nil, errDamaged(err)
	}
	r.buf, r.ends = r.buf[:0], r.ends[:0]
	for range 3 * count {
		if err := r.text(); err != nil {
			return nil, err
		}
	}
	r.fill(int(line), int(count))
	return &r.record, nil
}

// text reads one text.
func (r *CellRecords) text() error {
	size, err := binary.ReadUvarint(r.in)
	if err != nil || size > maxBytes {
		return errDamaged(err)
	}
	begin := len(r.buf)
	r.buf = slices.Grow(r.buf, int(size))[:begin+int(size)]
	if _, err := io.ReadFull(r.in, r.buf[begin:]); err != nil {
		return errDamaged(err)
	}
	r.ends = append(r.ends, len(r.buf))
	return nil
}

func errDamaged(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the temporary copy of the rows is damaged: %w", err)
}

// fill makes the record that of the texts that were read.
func (r *CellRecords) fill(line, count int) {
	all, begin := string(r.buf), 0
	next := func(i int) (text string) {
		text, begin = all[begin:r.ends[i]], r.ends[i]
		return text
	}
	r.record = Record{At: Place{Line: line, Column: 1}, End: Place{Line: line, Column: count + 1}, Cells: r.record.Cells[:0], Blank: true}
	for i := range count {
		at := Place{Line: line, Column: i + 1, Cell: next(3 * i)}
		problem, text := next(3*i+1), next(3*i+2)
		r.record.Cells = append(r.record.Cells, Cell{At: at, Bad: at, Present: true, Text: text, Shown: text, Problem: problem})
		r.record.Blank = r.record.Blank && problem == "" && strings.TrimFunc(text, IsInvisible) == ""
	}
	if count > 0 {
		r.record.At.Cell = r.record.Cells[0].At.Cell
	}
}
