package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImportSaysWhatToDo has what cannot be imported be told in the words of the command line.
func TestImportSaysWhatToDo(t *testing.T) {
	t.Parallel()
	const header = "phone_number,channel,agent_uuid,secret_name\n"
	for name, test := range map[string]struct {
		file, content string
		code          int
		says          string
	}{
		"a workbook": {"book", "PK\x03\x04", exitInput, "DIR/book:1:1: a workbook"},
		"a fault of a column": {
			"rows", header + number(1) + ",calls," + agent1 + ",\n", exitInput, "DIR/rows:2:14: channel \"calls\": want",
		},
		"a directory": {".", "", exitUsage, "is a directory; want a file"},
		"a device":    {"/dev/null", "", exitUsage, "trunkctl import - --journal FILE < /dev/null"},
		"a secret and no file of secrets": {
			"rows", header + number(1) + ",call," + agent1 + ",carrier\n", exitPartly, "--secrets, the file that has them, is not given",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			path := test.file
			if path != os.DevNull {
				path = "DIR/" + path
			}
			if test.content != "" {
				f.file(test.file, test.content)
			}
			got := f.run("import", path, "--yes")
			require.Equal(t, test.code, got.code, got.stderr)
			require.Contains(t, f.anywhere(got.stderr), test.says)
			require.NotContains(t, got.stderr, "Options.")
			require.NotContains(t, got.stderr, "Spool")
			require.Empty(t, f.Trunks())
		})
	}
}

// TestJournalCannotBeWritten has the import say where else it can be.
func TestJournalCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.file("rows", "phone_number,channel,agent_uuid\n"+number(1)+",call,"+agent1+"\n")
	got := f.run("import", "DIR/rows", "--yes", "--journal", "DIR/missing/journal")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "name a place that can be written with --journal")
	require.Zero(t, f.RequestCount())
}
