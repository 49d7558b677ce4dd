package probe_test

import (
	"errors"
	"io/fs"
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

func journalFile(t *testing.T) *probe.File {
	t.Helper()
	return &probe.File{Path: filepath.Join(t.TempDir(), "state", "probe.journal")}
}

// A journal in a file is for its owner only. One that is there keeps a probe from beginning, and is gone
// after a probe that has left nothing.
func TestJournalFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, mihutest.Rules{})
		file := journalFile(t)
		seen := false
		o := options(srv, file)
		o.Progress = func(asked, _ int, _ string) {
			info, err := os.Stat(file.Path)
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
			if asked == 0 {
				_, err := probe.Run(t.Context(), options(srv, &probe.File{Path: file.Path}))
				require.ErrorIs(t, err, probe.ErrJournalExists)
			}
			seen = true
		}
		_, err := probe.Run(t.Context(), o)
		require.NoError(t, err)
		assert.True(t, seen)
		assert.NoFileExists(t, file.Path)

		_, err = probe.Clean(t.Context(), file, o)
		require.ErrorIs(t, err, probe.ErrNothingToClean)
	})
}

// What a killed probe has left is removed by its journal, even if its last line is cut off.
func TestClean(t *testing.T) {
	t.Parallel()
	id := mihu.TrunkID{PhoneNumber: numberOne, Channel: mihu.ChannelCall}
	header := probe.Header{Numbers: []string{numberOne}, Agents: []string{agentOne}, Nobody: "3c90c3cc-0d44-4b50-8888-8dd257360000"}
	change := probe.Change{N: 1, Method: "POST", Number: numberOne, Channel: "call", Agent: agentOne}
	for name, test := range map[string]struct {
		change  func(h *probe.Header, c *probe.Change, o *probe.Options)
		more    string // at the end of the file
		removed int
		fails   string
		left    bool // the trunk and the journal
	}{
		"registered":                  {removed: 1},
		"a line that was cut off":     {more: `{"n":2,"ti`, removed: 1},
		"another address":             {change: func(h *probe.Header, _ *probe.Change, _ *probe.Options) { h.BaseURL = "https://other.mihu.ai/api/v1" }, fails: "that of another address", left: true},
		"a line that is not a change": {more: "what\n", removed: 1},
		"the API refuses the token":   {change: func(_ *probe.Header, _ *probe.Change, o *probe.Options) { o.Token = "revoked" }, fails: "1 trunks may be left", left: true},
		"not the probe's agent": {
			change: func(h *probe.Header, c *probe.Change, _ *probe.Options) {
				h.Agents, c.Agent = []string{agentTwo}, agentTwo
			},
			removed: 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := workspace(t, mihutest.Rules{})
				require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: agentOne}))
				o, file := options(srv, nil), journalFile(t)
				h, c := header, change
				h.BaseURL, c.Time = srv.URL(), time.Now()
				if test.change != nil {
					test.change(&h, &c, &o)
				}
				require.NoError(t, file.Begin(h))
				require.NoError(t, file.Record(c))
				require.NoError(t, file.Close())
				text, err := os.ReadFile(file.Path)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file.Path, append(text, test.more...), 0o600))

				removed, err := probe.Clean(t.Context(), file, o)
				assert.Equal(t, test.removed, removed)
				if test.fails != "" {
					require.ErrorContains(t, err, test.fails)
					assert.FileExists(t, file.Path)
				} else {
					require.NoError(t, err)
					assert.NoFileExists(t, file.Path)
				}
				_, there := srv.Trunk(id)
				assert.Equal(t, test.left || test.removed == 0, there)
			})
		})
	}
}

// A probe that was killed before its first change has left nothing.
func TestCleanWithoutChanges(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an empty file": "", "half a header": `{"format":1,`, "a header": `{"format":1,"base_url":"https://acme.mihu.ai"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := &probe.File{Path: filepath.Join(t.TempDir(), "journal")}
			require.NoError(t, os.WriteFile(file.Path, []byte(text), 0o600))
			removed, err := probe.Clean(t.Context(), file, probe.Options{})
			require.NoError(t, err)
			assert.Zero(t, removed)
			assert.NoFileExists(t, file.Path)
		})
	}
	file := &probe.File{Path: filepath.Join(t.TempDir(), "journal")}
	require.NoError(t, os.WriteFile(file.Path, []byte(`{"format":2}`+"\n"), 0o600))
	_, err := probe.Clean(t.Context(), file, probe.Options{})
	require.ErrorContains(t, err, "has the format 2, and this version reads 1")
}

// A journal that another process has locked is neither written nor read.
func TestJournalLock(t *testing.T) {
	t.Parallel()
	errLocked := errors.New("locked")
	file := journalFile(t)
	file.Lock = func(*os.File) error { return errLocked }
	require.ErrorIs(t, file.Begin(probe.Header{}), errLocked)
	assert.NoFileExists(t, file.Path)

	require.NoError(t, os.WriteFile(file.Path, nil, 0o600))
	_, _, err := file.Open()
	require.ErrorIs(t, err, errLocked)
	assert.FileExists(t, file.Path)
}

// A change that cannot be recorded is not sent.
func TestJournalThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, mihutest.Rules{})
		journal := new(killed)
		journal.dead.Store(true)
		result, err := probe.Run(t.Context(), options(srv, journal))
		require.ErrorContains(t, err, "killed")
		require.NotNil(t, result)
		for _, r := range srv.Requests() {
			assert.Equal(t, "GET", r.Method)
		}
	})
}
