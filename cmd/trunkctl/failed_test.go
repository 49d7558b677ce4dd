package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/stretchr/testify/require"
)

// TestFailedRows: a file has the failed rows only, with reasons and secrets; corrected, it can be
// imported.
func TestFailedRows(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.agent(1)
	f.file("numbers.csv", "phone_number,channel,agent_uuid,sip_password\n"+
		number(1)+",call,"+agent1+",\n"+
		number(2)+",call,"+agent9+","+secretPassword+"\n")
	require.Equal(t, exitPartial, f.run("import", "DIR/numbers.csv", "--yes").code)
	failed := f.read("numbers.csv.failed.csv")
	require.Equal(t, 2, strings.Count(failed, "\n"), "a header and one row")
	require.Contains(t, failed, secretPassword)
	require.Contains(t, failed, "There is no such agent")
	info, err := os.Stat(filepath.Join(f.dir, "numbers.csv.failed.csv"))
	require.NoError(t, err)
	require.False(t, files.ReadableByOthers(info))

	f.agent(2)
	f.file("numbers.csv.failed.csv", strings.ReplaceAll(failed, agent9, agent2))
	corrected := f.run("import", "DIR/numbers.csv.failed.csv", "--yes")
	require.Equal(t, exitDone, corrected.code, corrected.stderr)
	require.Len(t, f.Trunks(), 2)
	require.Equal(t, secretPassword, f.Trunks()[1].SIP.Password)
	require.NoFileExists(t, filepath.Join(f.dir, "numbers.csv.failed.csv.failed.csv"))
}

// TestFailedRowsInUse: of two imports with one file of failed rows, the second is refused before it
// sends anything. What a killed run has left does not stop the next.
func TestFailedRowsInUse(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.trunk(1)
	f.rows(1)
	path := filepath.Join(f.dir, "failed.csv")
	first := &failedRows{path: path}
	require.NoError(t, first.open(false))
	for _, args := range [][]string{nil, {"--force"}} {
		cmd := f.process(append([]string{"import", "numbers.csv", "--yes", "--failed", "failed.csv"}, args...)...)
		out, _ := cmd.CombinedOutput() // the code says more
		require.Equal(t, exitUsage, cmd.ProcessState.ExitCode(), string(out))
		require.Contains(t, string(out), "failed.csv is in use: another import writes its failed rows there")
		require.Zero(t, f.RequestCount())
		require.NoFileExists(t, filepath.Join(f.dir, "numbers.csv.journal"))
	}
	require.NoError(t, first.file.Close()) // as the end of a process does
	require.FileExists(t, path)
	got := f.run("import", "DIR/numbers.csv", "--yes", "--failed", "DIR/failed.csv")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.NoFileExists(t, path, "no row has failed")
}

// TestJournalOfAnotherWorkspace: a journal is refused for another workspace.
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

// TestFailedRowsAdvice: the advice is the command that imports the failed rows, with all flags that
// it needs. If the run ended early, it is to resume, which tries these rows again.
func TestFailedRowsAdvice(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.agent(1)
	f.file("secrets", `{"carrier": {"password": "`+secretPassword+`"}}`)
	f.file("rows.jsonl", `{"phone_number":"`+number(1)+`","agent_uuid":"`+agent1+`"}`+"\n"+
		`{"phone_number":"`+number(2)+`","agent_uuid":"`+agent9+`","secret_name":"carrier"}`+"\n"+
		`{"phone_number":"`+number(3)+`","agent_uuid":"`+strings.Replace(agent9, "9", "8", 1)+`"}`+"\n")
	flags := []string{
		"--format", "jsonl", "--channel", "call", "--secrets", "DIR/secrets", "--journal", "DIR/j", "--failed", "DIR/f.csv", "--yes", "--timeout", "5s",
	}
	got := f.run(append([]string{"import", "DIR/rows.jsonl"}, flags...)...)
	require.Equal(t, exitPartial, got.code, got.stderr)
	_, again, found := strings.Cut(f.anywhere(got.stderr), ", then run: trunkctl ")
	require.True(t, found, got.stderr)
	again, _, _ = strings.Cut(again, "\n")
	require.Equal(t, "import DIR/f.csv --secrets DIR/secrets --timeout 5s --yes", again)
	f.file("f.csv", strings.Replace(f.read("f.csv"), agent9, f.agent(2), 1))
	got = f.run(strings.Fields(again)...)
	require.Equal(t, exitPartial, got.code, got.stderr)
	require.Len(t, f.Trunks(), 2)

	f.SetToken("7|another")
	early := f.run(append([]string{"import", "DIR/rows.jsonl", "--resume", "--force", "--workers", "1"}, flags...)...)
	require.Equal(t, exitRefused, early.code, early.stderr)
	require.NotContains(t, early.stderr, "Correct ")
	require.Contains(t, early.stderr, "resuming retries them")
}
