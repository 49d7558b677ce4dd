package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/require"
)

// TestIgnoreColumnsWithoutAName: a column that has values and no name can be ignored.
func TestIgnoreColumnsWithoutAName(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.file("rows", ",phone_number,channel,agent_uuid,note\nx,"+number(1)+",call,"+agent1+",\n")
	got := f.run("import", "DIR/rows", "--dry-run", "--ignore", "note")
	require.Equal(t, exitInput, got.code, got.stderr)
	require.Contains(t, got.stderr, "column number 1, which has no name")
	f.file("rows", ",phone_number,channel,agent_uuid\nx,"+number(1)+",call,"+agent1+"\n")
	for _, ignore := range []string{"", ",x"} {
		got = f.run("import", "DIR/rows", "--dry-run", "--ignore", ignore)
		require.Equal(t, exitDone, got.code, got.stderr)
	}
}

// TestEmptyJournal: a journal that a program was ended before it could begin is nobody's.
func TestEmptyJournal(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.rows(2)
	f.file("numbers.csv.journal", "")
	got := f.run("import", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitDone, got.code, got.stderr)
	f.requireRows(2)
}

// TestImportStaysUnknown: no trunk that was made is reported as refused, whatever the reads after a
// lost response end with.
func TestImportStaysUnknown(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]mihutest.Fault{
		"dropped": {Drop: true}, "403": {Status: http.StatusForbidden}, "422": {Status: http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			f.rows(4)
			posted := false
			f.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
				switch {
				case req.Method == http.MethodPost:
					posted = true
					return &mihutest.Fault{Drop: true, AfterChange: true}
				case posted:
					return &read
				}
				return nil
			})
			got := f.run("import", "DIR/numbers.csv", "--yes", "--workers", "1", "--max-failures", "1")
			require.Equal(t, exitUnknown, got.code, got.stderr)
			require.Len(t, f.Trunks(), 1)
			require.Contains(t, f.read("numbers.csv.failed.csv"), "outcome unknown")
		})
	}
}

// TestFailedRowsOnAFullDisk: it is not claimed that a file has what it has not.
func TestFailedRowsOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no full disk here")
	}
	f := newFake(t)
	file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	failed := &failedRows{path: filepath.Join(f.dir, "failed"), file: file, out: provision.NewWriter(file, provision.FormatCSV)}
	require.Error(t, failed.write(provision.Item{}, "refused"))
	require.Error(t, failed.write(provision.Item{}, "refused"))
	require.Error(t, failed.close())
	require.Equal(t, 2, failed.rows)
	require.Error(t, failed.lost)
}
