package probe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

func journalOf(t *testing.T) *probe.File {
	t.Helper()
	return &probe.File{Path: filepath.Join(t.TempDir(), "probe", "journal.jsonl")}
}

// journalText returns the journal of a probe that was killed while number 1 had a trunk.
func journalText(t *testing.T, srv *mihutest.Server) []byte {
	t.Helper()
	lines := []any{
		probe.Header{Format: 1, BaseURL: srv.URL(), Numbers: []string{numberOne, numberTwo}, Agents: []string{agentOne, agentTwo}, Nobody: agentTwo},
		probe.Change{N: 1, Time: time.Now(), Method: "POST", Number: numberOne, Channel: "call", Agent: agentOne},
		probe.Change{N: 1, Time: time.Now(), Status: 201},
		probe.Change{N: 2, Time: time.Now(), Method: "PATCH", Number: numberOne, Channel: "call"},
	}
	var text bytes.Buffer
	for _, line := range lines {
		require.NoError(t, json.NewEncoder(&text).Encode(line))
	}
	return text.Bytes()
}

// leave registers what a killed probe has left, and writes its journal.
func leave(t *testing.T, srv *mihutest.Server, file *probe.File, text []byte) {
	t.Helper()
	require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: numberOne, Channel: mihu.ChannelCall}, AgentUUID: agentOne}))
	require.NoError(t, os.MkdirAll(filepath.Dir(file.Path), 0o700))
	require.NoError(t, os.WriteFile(file.Path, text, 0o600))
}

// A journal that was cut off anywhere is cleaned up, also if the first clean-up was interrupted.
func TestJournalCutOff(t *testing.T) {
	t.Parallel()
	whole := journalText(t, workspace(t, mihutest.Rules{}))
	begun := bytes.IndexByte(whole, '\n')
	for n := range len(whole) + 1 {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			file := journalOf(t)
			text := journalText(t, srv)
			n := min(n, len(text))
			leave(t, srv, file, text[:n])
			o := options(srv, nil)
			next, count := o.Transport, 0
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o.Transport = tripper(func(r *http.Request) (*http.Response, error) {
				if count++; r.Method == http.MethodDelete && count < 5 {
					cancel()
					return nil, errLost
				}
				return next.RoundTrip(r)
			})
			_, err := probe.Clean(ctx, file, o)
			if count == 0 {
				require.NoError(t, err, "cut off at %d", n)
				require.LessOrEqual(t, n, bytes.IndexByte(text[begun+1:], '\n')+begun+1, "before the first change")
				return
			}
			if err != nil {
				_, isLeft := errors.AsType[*probe.LeftError](err)
				require.True(t, isLeft, "cut off at %d: %v", n, err)
			}
			_, err = probe.Clean(t.Context(), file, options(srv, nil))
			if !errors.Is(err, probe.ErrNothingToClean) {
				require.NoError(t, err, "cut off at %d, second clean-up", n)
			}
			assert.Equal(t, before, srv.Trunks(), "cut off at %d", n)
			assert.NoFileExists(t, file.Path)
		})
	}
}

// A damaged line does not keep the clean-up from the numbers of the probe.
func TestJournalDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"a line of zeros": func(text []byte) []byte { return append(text, "\x00\x00\x00\x00\n"...) },
		"two lines in one": func(text []byte) []byte {
			return append(text, `{"n":3,"ti{"n":4,"time":"2026-01-02T03:04:05Z"}`+"\n"...)
		},
		"first change":       func(text []byte) []byte { return bytes.Replace(text, []byte(`{"n":1`), []byte(`{"n":x`), 1) },
		"an array":           func(text []byte) []byte { return append(text, "[1,2]\n"...) },
		"a line without end": func(text []byte) []byte { return append(text, bytes.Repeat([]byte("x"), 1<<20)...) },
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			file := journalOf(t)
			leave(t, srv, file, damage(journalText(t, srv)))
			_, err := probe.Clean(t.Context(), file, options(srv, nil))
			require.NoError(t, err, name)
			assert.Equal(t, before, srv.Trunks(), name)
			assert.NoFileExists(t, file.Path)
		})
	}
}

// A journal that cannot be started is not left: it would block the next probe.
func TestJournalNotStarted(t *testing.T) {
	t.Parallel()
	file := journalOf(t)
	file.Lock = func(f *os.File) error { return f.Close() } // the disk is full: nothing can be written
	err := file.Begin(probe.Header{})
	require.Error(t, err)
	require.NotErrorIs(t, err, probe.ErrJournalExists)
	require.NoFileExists(t, file.Path)
}

// Somebody else may remove the file between its opening and its lock.
func TestJournalRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	file := journalOf(t)
	file.Lock = func(*os.File) error { return os.Remove(file.Path) } // a clean-up found it empty
	require.ErrorIs(t, file.Begin(probe.Header{}), probe.ErrJournalExists, "a probe with a journal that has no name cannot be cleaned up")

	old := journalOf(t)
	require.NoError(t, old.Begin(probe.Header{}))
	require.NoError(t, old.Close())
	old.Lock = func(*os.File) error { // the probe ends, and another begins
		require.NoError(t, os.Remove(old.Path))
		return os.WriteFile(old.Path, nil, 0o600)
	}
	_, err := probe.Clean(t.Context(), old, probe.Options{})
	require.Error(t, err)
	require.FileExists(t, old.Path, "the journal of the other probe")
}

// The clock was set back after the probe: the clean-up does not wait for a year.
func TestJournalOfTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, mihutest.Rules{})
		journal := &probe.Memory{
			Header:  probe.Header{Format: 1, BaseURL: srv.URL(), Numbers: []string{numberOne}, Agents: []string{agentOne}, Nobody: agentTwo},
			Changes: []probe.Change{{N: 1, Time: time.Now().AddDate(1, 0, 0), Method: "POST", Number: numberOne, Channel: "call", Agent: agentOne}},
		}
		began := time.Now()
		_, err := probe.CleanAfter(t.Context(), options(srv, nil), journal)
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), time.Minute)
	})
}

// fullDisk is a journal whose n-th line fails.
type fullDisk struct {
	probe.Memory
	n int
}

func (d *fullDisk) Record(c probe.Change) error {
	if d.n--; d.n < 0 {
		return errors.New("no space left on device")
	}
	return d.Memory.Record(c)
}

// A disk that is full at any line: nothing is sent that is not in the journal, and everything is removed.
func TestJournalDiskFull(t *testing.T) {
	t.Parallel()
	for n := range 60 {
		synctest.Test(t, func(t *testing.T) {
			srv := workspace(t, mihutest.Rules{})
			before := srv.Trunks()
			result, err := probe.Run(t.Context(), options(srv, &fullDisk{n: n}))
			require.Equal(t, before, srv.Trunks(), "line %d", n)
			require.NotNil(t, result)
			if err != nil {
				require.ErrorContains(t, err, "no space left", "line %d", n)
			}
		})
	}
}

// A journal that does not tell which numbers its probe had is no reason to believe that nothing is left.
func TestJournalWithoutNumbers(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"what\n", `{"n":1,"time":"2026-11-28T00:00:00Z","method":"POST","channel":"call"}` + "\n"} {
		file := journalOf(t)
		require.NoError(t, file.Begin(probe.Header{BaseURL: "https://acme.mihu.ai/api/v1"}))
		require.NoError(t, file.Close())
		text, err := os.ReadFile(file.Path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file.Path, append(text, line...), 0o600))
		_, err = probe.Clean(t.Context(), file, probe.Options{BaseURL: "https://acme.mihu.ai/api/v1"})
		require.ErrorIs(t, err, probe.ErrJournalUnreadable)
		require.FileExists(t, file.Path)
	}
}
