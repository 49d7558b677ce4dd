package provision_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// entryOf returns an entry of the i-th trunk.
func entryOf(i int) provision.StateEntry {
	return provision.StateEntry{Trunk: trunk(i), PhoneNumberUUID: agent(1_000_000 + i), AgentUUID: agent(i), Managed: true, Generation: 1}
}

func openStateFile(t *testing.T, path string) *provision.StateFile {
	t.Helper()
	file, err := provision.OpenStateFile(path, provision.StateFileOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// entries returns what a store has.
func entries(t *testing.T, store provision.StateStore) []provision.StateEntry {
	t.Helper()
	var all []provision.StateEntry
	for entry, err := range store.All(t.Context()) {
		require.NoError(t, err)
		all = append(all, entry)
	}
	return all
}

var firstHead = provision.StateHead{Workspace: "w", KeyID: "k", Generation: 1, Serial: 1}

// A state file has one line for each trunk, sorted, and nobody else can read it.
func TestStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.jsonl")
	file := openStateFile(t, path)
	head, err := file.Head(t.Context())
	require.NoError(t, err)
	assert.Zero(t, head)
	require.NoError(t, file.SetHead(t.Context(), firstHead))
	var wanted []provision.StateEntry
	for i := range 50 {
		wanted = append(wanted, entryOf(i))
	}
	for _, i := range rand.Perm(len(wanted)) {
		require.NoError(t, file.Put(t.Context(), wanted[i]))
	}
	wanted[7].AgentUUID = agent(70)
	require.NoError(t, file.Put(t.Context(), wanted[7], entryOf(60)))
	require.NoError(t, file.Delete(t.Context(), trunk(60), trunk(61)))

	check := func(file *provision.StateFile) {
		t.Helper()
		assert.Equal(t, wanted, entries(t, file))
		got, ok, err := file.Get(t.Context(), trunk(7))
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, wanted[7], got)
		_, ok, err = file.Get(t.Context(), trunk(60))
		require.NoError(t, err)
		assert.False(t, ok)
	}
	check(file)
	killed := filepath.Join(t.TempDir(), "killed") // the file as a killed process leaves it
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(killed, text, 0o600))
	check(openStateFile(t, killed))

	require.NoError(t, file.Close())
	require.NoError(t, file.Close(), "a second time")
	require.ErrorIs(t, file.Put(t.Context(), entryOf(1)), os.ErrClosed)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	all := lines(t, path)
	require.Len(t, all, 1+len(wanted))
	for i, line := range all[1:] {
		assert.Contains(t, line, `"phone_number":"`+trunk(i).PhoneNumber+`"`)
	}
	again := openStateFile(t, path)
	check(again)
	head, err = again.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, firstHead, head)
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	assert.Len(t, names, 1, "no other file is left")
}

// A line that a kill or a loss of power has cut is discarded. Any other change is noticed.
func TestDamagedStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.jsonl")
	file := openStateFile(t, path)
	require.NoError(t, file.SetHead(t.Context(), firstHead))
	for i := range 3 {
		require.NoError(t, file.Put(t.Context(), entryOf(i)))
	}
	require.NoError(t, file.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	second := bytes.IndexByte(whole, '\n') + 1
	flipped := bytes.Clone(whole)
	flipped[second+30] ^= 1
	for name, test := range map[string]struct {
		text    []byte
		entries int
		err     error
	}{
		"whole":                     {whole, 3, nil},
		"last line cut":             {whole[:last+20], 2, nil},
		"last line without its end": {whole[:len(whole)-1], 2, nil},
		"empty":                     {nil, 0, nil},
		"head cut":                  {whole[:second-5], 0, nil},
		"a changed line":            {flipped, 0, provision.ErrStateDamaged},
		"a line is missing its end": {append(append(bytes.Clone(whole[:second+20]), '\n'), whole[last:]...), 0, provision.ErrStateDamaged},
		"another file":              {[]byte("phone_number,channel\n+1234,call\n"), 0, mihu.ErrInvalid},
		"a journal":                 {[]byte(provision.Checksummed(`{"journal":"mihu-provision","version":1`)), 0, mihu.ErrInvalid},
		"a newer version":           {append([]byte(provision.Checksummed(`{"state":"mihu-state","version":2`)), whole[second:]...), 0, mihu.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state.jsonl")
			require.NoError(t, os.WriteFile(path, test.text, 0o600))
			file, err := provision.OpenStateFile(path, provision.StateFileOptions{})
			if test.err == nil {
				require.NoError(t, err)
				assert.Len(t, entries(t, file), test.entries)
				require.NoError(t, file.Close())
				return
			}
			require.ErrorIs(t, err, test.err)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(test.text), string(after), "it is not changed")
		})
	}
	_, err = provision.OpenStateFile(t.TempDir(), provision.StateFileOptions{})
	require.ErrorIs(t, err, mihu.ErrInvalid, "a directory")
}

// A dry run opens a state without a lock, and cannot change it.
func TestReadOnlyStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.jsonl")
	readOnly := provision.StateFileOptions{ReadOnly: true}
	file, err := provision.OpenStateFile(path, readOnly)
	require.NoError(t, err)
	assert.Empty(t, entries(t, file))
	require.NoError(t, file.Close())
	_, err = os.Stat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)

	writer := openStateFile(t, path)
	require.NoError(t, writer.SetHead(t.Context(), firstHead))
	require.NoError(t, writer.Put(t.Context(), entryOf(1)))
	file, err = provision.OpenStateFile(path, readOnly)
	require.NoError(t, err)
	assert.Equal(t, []provision.StateEntry{entryOf(1)}, entries(t, file))
	require.ErrorContains(t, file.Put(t.Context(), entryOf(2)), "reading only")
	require.NoError(t, file.Close())
	require.NoError(t, writer.Put(t.Context(), entryOf(2)))
}

// Two processes cannot write one state at the same time.
func TestStateFileInUse(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no lock")
	}
	path := filepath.Join(t.TempDir(), "state.jsonl")
	first := openStateFile(t, path)
	_, err := provision.OpenStateFile(path, provision.StateFileOptions{})
	require.ErrorIs(t, err, provision.ErrStateInUse)
	require.NoError(t, first.SetHead(t.Context(), firstHead))
	require.NoError(t, first.Put(t.Context(), entryOf(1)))
	require.NoError(t, first.Close())
	assert.Len(t, entries(t, openStateFile(t, path)), 1)
}

// If another file is put at the path of an open state, nothing is written to either.
func TestReplacedStateFile(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	path := filepath.Join(t.TempDir(), "state.jsonl")
	state, _ := openState(t, client, path, provision.NewStateKey())
	results, err := collect(t, provision.Run(t.Context(), client, many(2), provision.Options{State: state}))
	require.NoError(t, err)
	assert.Len(t, results, 2)
	older, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, older, 0o600))
	srv.ResetRequests()
	results, err = collect(t, provision.Run(t.Context(), client, many(5), provision.Options{State: state}))
	require.ErrorIs(t, err, provision.ErrStateStale)
	assert.Empty(t, bodies(srv, "POST"))
	for _, result := range results {
		if result.Action == provision.Failed {
			require.ErrorIs(t, result.Err, provision.ErrStateStale)
		}
	}
	now, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(older), string(now))
}

// Workers that write at the same time share a sync.
func TestStateFileSharesSyncs(t *testing.T) {
	t.Parallel()
	const writes, workers = 640, 64
	file := openStateFile(t, filepath.Join(t.TempDir(), "state.jsonl"))
	require.NoError(t, file.SetHead(t.Context(), firstHead))
	syncs := provision.SlowState(file)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := range writes / workers {
				assert.NoError(t, file.Put(t.Context(), entryOf(worker*writes/workers+i)))
			}
		})
	}
	all.Wait()
	assert.Len(t, entries(t, file), writes)
	assert.Less(t, syncs(), writes/4)
	t.Logf("%d writes, %d syncs", writes, syncs())
}

// After a write that failed it is not known what the file has, and nothing else is written.
func TestStateFileOnAFullDisk(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"write", "sync"} {
		file := openStateFile(t, filepath.Join(t.TempDir(), "state.jsonl"))
		require.NoError(t, file.SetHead(t.Context(), firstHead))
		provision.FailState(file, kind, 1, syscall.ENOSPC)
		require.NoError(t, file.Put(t.Context(), entryOf(1)))
		require.ErrorIs(t, file.Put(t.Context(), entryOf(2)), syscall.ENOSPC)
		require.ErrorIs(t, file.Put(t.Context(), entryOf(3)), syscall.ENOSPC)
		require.ErrorIs(t, file.Delete(t.Context(), trunk(1)), syscall.ENOSPC)
	}
}

// What cannot be in a state is refused, and a context that has ended is obeyed.
func TestStateFileArguments(t *testing.T) {
	t.Parallel()
	file := openStateFile(t, filepath.Join(t.TempDir(), "state.jsonl"))
	require.ErrorIs(t, file.Put(t.Context(), provision.StateEntry{Trunk: mihu.TrunkID{PhoneNumber: "12", Channel: mihu.ChannelSMS}}), mihu.ErrInvalid)
	_, ok, err := file.Get(t.Context(), mihu.TrunkID{})
	require.NoError(t, err)
	assert.False(t, ok)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = file.Head(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = file.Get(ctx, trunk(1))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, file.Put(ctx, entryOf(1)), context.Canceled)
	require.NoError(t, file.Put(t.Context(), entryOf(1)))
	for _, err := range file.All(ctx) {
		require.ErrorIs(t, err, context.Canceled)
	}
	assert.Equal(t, `StateFile{`, strings.SplitAfter(fmt.Sprint(file), "{")[0])
	require.NoError(t, file.SetHead(t.Context(), firstHead))
	stale := file.SetHead(t.Context(), firstHead)
	require.ErrorIs(t, stale, provision.ErrStateStale)
	require.NoError(t, errors.Join(file.Close()))
}

// An entry takes some 16 bytes of memory. The test is not parallel, since it looks at the memory of
// the whole process.
func TestStateMemory(t *testing.T) { //nolint:paralleltest // see above
	const n = 100_000
	path := filepath.Join(t.TempDir(), "state.jsonl")
	file := openStateFile(t, path)
	require.NoError(t, file.SetHead(t.Context(), firstHead))
	batch := make([]provision.StateEntry, 0, n)
	for i := range n {
		batch = append(batch, entryOf(i))
	}
	require.NoError(t, file.Put(t.Context(), batch...))
	batch = nil
	_ = batch
	require.NoError(t, file.Close())
	file = nil
	_ = file
	before := heap()
	file = openStateFile(t, path)
	taken := heap() - before
	assert.Less(t, taken, int64(n*20))
	t.Logf("%d bytes an entry", taken/n)
	runtime.KeepAlive(file)
}
