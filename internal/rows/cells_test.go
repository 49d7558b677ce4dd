package rows

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// Cells are read as they were written, and a copy that is damaged is an error.
func TestCells(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w := NewCellWriter(&file)
	for _, err := range []error{
		w.Write(2, []Cell{{Text: "a", At: Place{Cell: "S!A2"}}, {Text: "ä\n\"", Problem: "wrong"}}),
		w.Write(7, nil),
		w.Write(9, []Cell{{Text: " \u00a0"}, {}}),
		w.Flush(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	checkWritten(t, file.Bytes())
	for size := 1; size < file.Len(); size++ {
		r := NewCellRecords(bytes.NewReader(file.Bytes()[:size]))
		record, err := r.Next()
		for err == nil && record != nil {
			record, err = r.Next()
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	for _, damaged := range []string{"\x01\xff\xff\xff\xff\x0f", "\x01\x01\xff\xff\xff\xff\x0f", "\xff\xff\xff\xff\xff\x0f\x01"} {
		if _, err := NewCellRecords(bytes.NewReader([]byte(damaged))).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

// checkWritten checks the records of TestCells.
func checkWritten(t *testing.T, file []byte) {
	t.Helper()
	r := NewCellRecords(bytes.NewReader(file))
	var lines []int
	var blank []bool
	for {
		record, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if record == nil {
			break
		}
		lines, blank = append(lines, record.At.Line), append(blank, record.Blank)
		if record.At.Line == 2 {
			second := record.Cells[1]
			if record.At.Cell != "S!A2" || second.Text != "ä\n\"" || second.Problem != "wrong" || second.At != (Place{Line: 2, Column: 2}) || record.End.Column != 3 {
				t.Errorf("%+v", record)
			}
		}
	}
	if len(lines) != 3 || lines[0] != 2 || lines[1] != 7 || lines[2] != 9 || blank[0] || !blank[1] || !blank[2] {
		t.Errorf("lines %v, blank %v", lines, blank)
	}
}
