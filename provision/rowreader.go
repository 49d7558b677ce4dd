package provision

import (
	"errors"
	"fmt"
	"io"

	"github.com/mihu-go/mihu/internal/rows"
)

// RowReader reads the rows of a format that this package does not know, such as a workbook or a table
// of a database. The first row that is not blank names the columns.
type RowReader interface {
	// ReadRow returns the next row, and [io.EOF] after the last one. Any other error means that the
	// rows cannot be read, and is returned wrapped. The row may be overwritten by the next call.
	ReadRow() (RawRow, error)
}

// RawRow is a row of a [RowReader].
type RawRow struct {
	// Line is the number of the row in its input, from 1. It must be greater than that of the row
	// before. It becomes [Item].Line.
	Line int
	// Cells are the cells of the row, in the order of the columns. Cells that are missing at the end
	// are empty. A row may have up to 20,000 cells, and their texts up to 1 MiB.
	Cells []RawCell
}

// RawCell is a cell of a [RawRow].
type RawCell struct {
	// Text is the cell's text. It is read as that of a CSV file.
	Text string
	// Name is the name of the cell in violations, such as Sheet1!B7; "" if it has none.
	Name string
	// Problem is why the cell has no usable text, "" if it has. It is a violation if the column is
	// read.
	Problem string
}

// OpenRows is [Open] for the rows of r. It copies them to a temporary file with mode 0600, as [Spool]
// does, and reads r once and to its end. [ReadOptions.Format] must be FormatAuto or FormatRows.
func OpenRows(r RowReader, opts ReadOptions) (*Source, error) {
	if opts.Format != FormatAuto && opts.Format != FormatRows {
		return nil, fmt.Errorf("provision: format %q is not one of rows; want %q", opts.Format, FormatRows)
	}
	opts.Format = FormatRows
	s, err := spoolRows(r)
	if err != nil {
		return nil, err
	}
	return open(s, "input", opts)
}

// spoolRows copies rows to a temporary file. The source has nothing else.
func spoolRows(r RowReader) (*Source, error) {
	if r == nil {
		return nil, noReader()
	}
	s, err := newTemporary()
	if err != nil {
		return nil, err
	}
	if err := s.copyRows(r); err != nil {
		return nil, errors.Join(fmt.Errorf("provision: reading the rows: %w", err), s.Close())
	}
	return s, nil
}

func (s *Source) copyRows(r RowReader) error {
	out := rows.NewCellWriter(s.file)
	var cells []rows.Cell
	for {
		row, err := r.ReadRow()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		cells = cells[:0]
		for _, c := range row.Cells {
			cells = append(cells, rows.Cell{Text: c.Text, Problem: c.Problem, At: rows.Place{Cell: c.Name}})
		}
		if err := out.Write(row.Line, cells); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	return nil
}
