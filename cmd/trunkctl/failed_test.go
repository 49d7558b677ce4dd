package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFailedRows has the rows that failed, and they alone, be in a file with their reasons and secrets
// that is corrected and imported.
func TestFailedRows(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.agent(1)
	f.file("numbers.csv", "phone_number,channel,agent_uuid,sip_password\n"+
		number(1)+",call,"+agent1+",\n"+
		number(2)+",call,"+agent9+","+secretPassword+"\n")
	require.Equal(t, exitPartly, f.run("import", "DIR/numbers.csv", "--yes").code)
	failed := f.read("numbers.csv.failed.csv")
	require.Equal(t, 2, strings.Count(failed, "\n"), "a header and one row")
	require.Contains(t, failed, secretPassword)
	require.Contains(t, failed, "There is no such agent")
	info, err := os.Stat(filepath.Join(f.dir, "numbers.csv.failed.csv"))
	require.NoError(t, err)
	require.False(t, othersMayRead(info))

	f.agent(2)
	f.file("numbers.csv.failed.csv", strings.ReplaceAll(failed, agent9, agent2))
	corrected := f.run("import", "DIR/numbers.csv.failed.csv", "--yes")
	require.Equal(t, exitDone, corrected.code, corrected.stderr)
	require.Len(t, f.Trunks(), 2)
	require.Equal(t, secretPassword, f.Trunks()[1].SIP.Password)
	require.NoFileExists(t, filepath.Join(f.dir, "numbers.csv.failed.csv.failed.csv"))
}

// TestJournalOfAnotherWorkspace is refused: what was done in one workspace is not done in another.
func TestJournalOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	one, other := newFake(t, anyAgent()), newFake(t)
	other.dir = one.dir
	one.file("numbers.csv", "phone_number,channel,agent_uuid\n"+number(1)+",call,"+agent1+"\n")
	require.Equal(t, exitDone, one.run("import", "DIR/numbers.csv", "--yes", "--journal", "DIR/journal").code)
	refused := other.run("import", "DIR/numbers.csv", "--yes", "--journal", "DIR/journal", "--resume")
	require.Equal(t, exitUsage, refused.code)
	require.Contains(t, refused.stderr, "is the journal of another input")
	require.Zero(t, other.RequestCount())
}
