package runlog

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const asWriter = "TRUNKCTL_TEST_LOG_WRITER"

const perProcess = 2000

func TestMain(m *testing.M) {
	if run := os.Getenv(asWriter); run != "" {
		l := logIn(os.Getenv("DIR"))
		for i := range perProcess {
			if err := l.Append(context.Background(), Record{Event: Change, Run: run, Time: time.Now(), Line: i + 1}); err != nil {
				panic(err)
			}
			if os.Getenv("ACKNOWLEDGE") != "" {
				fmt.Println(i + 1)
			}
		}
		return
	}
	os.Exit(m.Run())
}

func logIn(dir string) Log {
	return Log{Dir: func() (string, error) { return dir, nil }, Address: "https://acme.mihu.ai/api/v1", Keep: 30 * 24 * time.Hour}
}

func all(t *testing.T, l Log) []Record {
	t.Helper()
	found, err := l.Records()
	require.NoError(t, err)
	return slices.Collect(found)
}

func writer(t *testing.T, dir, run string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{asWriter + "=" + run, "DIR=" + dir}
	return cmd
}

// TestTwoProcesses: of the records that processes append at once, none is lost or mixed up with
// another, also while the file is pruned.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := logIn(dir)
	const day = 24 * time.Hour
	const starts = 60
	for i := range starts {
		old := time.Now().Add(-200*day + time.Duration(i)*day)
		require.NoError(t, l.Append(t.Context(), Record{Event: Change, Run: "old", Time: old}))
	}
	one, other := writer(t, dir, "one"), writer(t, dir, "other")
	require.NoError(t, one.Start())
	require.NoError(t, other.Start())
	require.Eventually(t, func() bool { return len(all(t, l)) > starts }, 20*time.Second, time.Millisecond, "they are writing")
	for i := range starts {
		// Every second start finds that the first record is a day too old.
		start := time.Now().Add(-200*day + time.Duration(i)*day + l.Keep + day)
		require.NoError(t, l.Append(t.Context(), Record{Event: Start, Run: "start", Time: start}))
	}
	require.NoError(t, one.Wait())
	require.NoError(t, other.Wait())
	lines := map[string][]int{}
	for _, r := range all(t, l) {
		lines[r.Run] = append(lines[r.Run], r.Line)
	}
	require.Less(t, len(lines["old"]), 2, "the others were removed")
	for _, run := range []string{"one", "other"} {
		require.Len(t, lines[run], perProcess)
		require.True(t, slices.IsSorted(lines[run]))
	}
	path, err := l.Path()
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestKilled: what a process that is killed has appended is in the log, and the next one can append.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := writer(t, dir, "killed")
	cmd.Env = append(cmd.Env, "ACKNOWLEDGE=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	chunk := make([]byte, 64)
	n, err := out.Read(chunk)
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	acknowledged := strings.Count(string(chunk[:n]), "\n")
	require.Positive(t, acknowledged)
	require.GreaterOrEqual(t, len(all(t, logIn(dir))), acknowledged)
	require.NoError(t, logIn(dir).Append(t.Context(), Record{Event: Start, Run: "next", Time: time.Now()}))
	found := all(t, logIn(dir))
	require.Equal(t, "next", found[len(found)-1].Run)
}

// TestTornLine: the part of a line that a crash has left is skipped, and the next record is a line
// of its own.
func TestTornLine(t *testing.T) {
	t.Parallel()
	l := logIn(t.TempDir())
	require.NoError(t, l.Append(t.Context(), Record{Event: Start, Run: "one", Time: time.Now()}))
	path, err := l.Path()
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(content, content[:len(content)/2]...), 0o600))
	require.Len(t, all(t, l), 1)
	require.NoError(t, l.Append(t.Context(), Record{Event: End, Run: "one", Time: time.Now()}))
	require.Len(t, all(t, l), 2)
}

// TestPrune: records are removed by their age, at most once a day, and never if Keep is 0.
func TestPrune(t *testing.T) {
	t.Parallel()
	l := logIn(t.TempDir())
	now := time.Now()
	day := 24 * time.Hour
	for _, run := range []struct {
		name string
		age  time.Duration
	}{{"old", 40 * day}, {"just over", 30*day + time.Hour}, {"new", day}} {
		require.NoError(t, l.Append(t.Context(), Record{Event: Change, Run: run.name, Time: now.Add(-run.age)}))
	}
	forever := l
	forever.Keep = 0
	require.NoError(t, forever.Append(t.Context(), Record{Event: Start, Run: "now", Time: now}))
	require.Len(t, all(t, l), 4)
	require.NoError(t, l.Append(t.Context(), Record{Event: Start, Run: "now", Time: now}))
	var runs []string
	for _, r := range all(t, l) {
		runs = append(runs, r.Run)
	}
	require.Equal(t, []string{"new", "now", "now"}, runs)
}
