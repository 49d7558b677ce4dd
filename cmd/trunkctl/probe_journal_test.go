package main

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// probeJournalPath is the journal of the workspace's probe, as a process of the test has it.
func (f *fake) probeJournalPath() string {
	return filepath.Join(f.dir, "state", "trunkctl", "probe", url.QueryEscape(f.URL())+".jsonl")
}

// TestProbeLogsWhatIsLost: the log has also the changes without a response of a probe, or of a clean-up,
// that leaves something.
func TestProbeLogsWhatIsLost(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	var deletions, lost atomic.Int64
	f.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		if r.Method == http.MethodDelete && deletions.Add(1) > 1 {
			lost.Add(1)
			return &mihutest.Fault{Drop: true}
		}
		return nil
	})
	unknown := func() (n int64) {
		for _, record := range f.logged() {
			if record.Event == runlog.Change && record.Outcome == runlog.Unknown {
				n++
			}
		}
		return n
	}
	got := f.persistent(probeArgs(append(confirmed, "--report", "DIR/report.json")...)...)
	require.Equal(t, exitUnknown, got.code, got.stderr)
	require.Positive(t, lost.Load())
	require.Equal(t, lost.Load(), unknown())
	inProbe := lost.Load()

	clean := f.process("probe", "--clean", "--rate", "1000/s")
	var out bytes.Buffer
	clean.Stdout, clean.Stderr = &out, &out
	started := make(chan struct{})
	f.InjectFunc(func(r mihutest.Request) *mihutest.Fault {
		if r.Method != http.MethodDelete {
			return nil
		}
		lost.Add(1)
		<-started
		_ = clean.Process.Signal(os.Interrupt)
		return &mihutest.Fault{Delay: 10 * time.Second}
	})
	require.NoError(t, clean.Start())
	close(started)
	require.ErrorContains(t, clean.Wait(), "exit status 6", out.String())
	require.Equal(t, inProbe+1, lost.Load())
	require.Equal(t, lost.Load(), unknown())
}

// TestProbeJournalUnreadable: a journal that cannot be read is said to be that, with what to do.
func TestProbeJournalUnreadable(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(path string) error{
		"a directory":    func(path string) error { return os.Mkdir(path, 0o700) },
		"no header":      func(path string) error { return os.WriteFile(path, []byte("{}\n"), 0o600) },
		"zeros":          func(path string) error { return os.WriteFile(path, []byte("\x00\x00\n"), 0o600) },
		"a format to be": func(path string) error { return os.WriteFile(path, []byte(`{"format":2}`+"\n"), 0o600) },
		"another address": func(path string) error {
			return os.WriteFile(path, []byte(`{"format":1,"base_url":"https://x.invalid"}`+"\n"+`{"n":1,"time":"2026-11-28T00:00:00Z","method":"POST"}`+"\n"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := probeFake(t)
			require.NoError(t, os.MkdirAll(filepath.Dir(f.probeJournalPath()), 0o700))
			require.NoError(t, write(f.probeJournalPath()))
			for range 2 { // it stays
				out, err := f.process("probe", "--clean").CombinedOutput()
				require.ErrorContains(t, err, "exit status 6", string(out))
				require.Contains(t, string(out), "the journal of the probe cannot be read")
				require.Contains(t, string(out), "look in the workspace, then remove ")
			}
			out, err := f.process(probeArgs(confirmed...)...).CombinedOutput()
			require.ErrorContains(t, err, "exit status 9", string(out))
		})
	}

	f := probeFake(t)
	require.NoError(t, os.MkdirAll(filepath.Join(f.dir, "state"), 0o700))
	f.file("state/trunkctl", "")
	out, err := f.process(probeArgs(confirmed...)...).CombinedOutput()
	require.ErrorContains(t, err, "exit status 1", string(out))
	require.NotContains(t, string(out), "an earlier probe")
	require.Contains(t, string(out), "not a directory")
}

// TestProbeInterruptedBeforeQuestions: nothing is registered then, so that nothing is said to be deleted.
func TestProbeInterruptedBeforeQuestions(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 2} {
		f := probeFake(t)
		f.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Delay: 2 * time.Second} })
		term := f.terminalOf(pty.Winsize{Rows: 24, Cols: 100}, "probe", "--number", spareNumber, "--agent", agent3, "--confirm", spareNumber)
		require.Eventually(t, func() bool { return f.RequestCount() > 0 }, 10*time.Second, time.Millisecond)
		for range times {
			term.send(ctrlC)
		}
		require.Equal(t, exitInterrupted, term.end(), term.shown())
		require.Contains(t, term.shown(), "interrupted; nothing was changed")
		require.NotContains(t, term.shown(), "deleting what was registered")
		f.requireNoJournal()
	}
}
