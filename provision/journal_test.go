package provision_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// open opens a journal until the test ends.
func open(t *testing.T, path, input string) *provision.Journal {
	t.Helper()
	journal, err := provision.OpenSwiftJournal(path, input)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, journal.Close()) })
	return journal
}

// lines are those of a file, with their ends.
func lines(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return slices.Collect(strings.Lines(string(content)))
}

func TestResume(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	srv := newServer(t)
	client := srv.Client(t)
	bad := want(3, 3)
	items := []provision.Item{want(0, 0), want(1, 1), want(0, 0), bad, want(4, 4)}
	items[3].Trunk.Name = "\n"
	items[1].Trunk.SIP = &mihu.SIPCredentials{Username: "planted-user", Password: "planted-passw0rd", Gateway: "sip.example.com"}
	require.NoError(t, srv.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodPost, Skip: 2}, Status: http.StatusForbidden}))

	journal := open(t, path, "list of November")
	results, err := collect(t, provision.Run(t.Context(), client, stream(nil, items...), provision.Options{Workers: 1, Journal: journal}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Created, provision.Created, provision.Duplicate, provision.Failed, provision.Failed}, actions(results))
	assert.Equal(t, 2, journal.Finished())
	require.NoError(t, journal.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	written := strings.Join(lines(t, path), "")
	assert.Equal(t, 1+4, strings.Count(written, "\n"))
	assert.Contains(t, written, `"index":1,"line":3,"trunk":"+1234•••0001/call","action":"created","digest":"`)
	assert.Contains(t, written, `"index":3,"line":5,"trunk":"+1234•••0003/call","action":"failed","time":"`)
	for _, secret := range []string{"planted", "list of November", trunk(0).PhoneNumber, "sip.example.com"} {
		assert.NotContains(t, written, secret)
	}

	// Failed items are tried again, and nothing else is.
	srv.ResetRequests()
	journal = open(t, path, "list of November")
	assert.Equal(t, 2, journal.Finished())
	var last provision.Progress
	opts := provision.Options{Journal: journal, Progress: func(p provision.Progress) { last = p }}
	planned, err := collect(t, provision.Plan(t.Context(), client, stream(nil, items...), opts))
	require.NoError(t, err)
	results, err = collect(t, provision.Run(t.Context(), client, stream(nil, items...), opts))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Resumed, provision.Resumed, provision.Duplicate, provision.Failed, provision.Created}, actions(results))
	assert.Equal(t, verbs(results), actions(planned))
	assert.Equal(t, provision.Progress{Done: 5, Failed: 1, Resumed: 2, Duplicate: 1}, last)
	assert.Equal(t, 1+2, srv.RequestCount())
	assert.Equal(t, 3, journal.Finished())

	// The same journal can be used by one run after the other, and by a plan, which writes nothing.
	before := lines(t, path)
	_, err = collect(t, provision.Plan(t.Context(), client, stream(nil, items...), opts))
	require.NoError(t, err)
	assert.Equal(t, before, lines(t, path))
}

func TestAJournalOfAnotherInput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	api := newMemory()
	client := api.client(t)
	journal := open(t, path, "a")
	_, err := collect(t, provision.Run(t.Context(), client, many(5), provision.Options{Journal: journal}))
	require.NoError(t, err)
	sent := len(api.Flow())

	changed := want(2, 2)
	changed.Trunk.AdditionalSettings = map[string]any{"ani_format": "e164"}
	cased := want(2, 2)
	cased.Trunk.AgentUUID = strings.ToUpper(cased.Trunk.AgentUUID)
	cased.Trunk.SIP = &mihu.SIPCredentials{Password: "another one, which the journal knows nothing of"}
	tests := []struct {
		name  string
		items []provision.Item
		err   string
	}{
		{"another item", []provision.Item{want(0, 0), want(1, 1), want(3, 3)}, "item 3, line 5, is +1234•••0003/call here, and another in the journal"},
		{"another wish", []provision.Item{want(0, 0), want(1, 1), changed, want(9, 9)}, "item 3, line 4, is +1234•••0002/call here"},
		{"fewer items", []provision.Item{want(0, 0), want(1, 1), cased}, "the journal has item 5 as finished, and the input has only 3"},
	}
	for _, test := range tests {
		results, err := collect(t, provision.Run(t.Context(), client, stream(nil, test.items...), provision.Options{Journal: journal}))
		require.ErrorIs(t, err, provision.ErrOtherInput, test.name)
		require.ErrorContains(t, err, test.err)
		for _, result := range results {
			assert.Equal(t, provision.Resumed, result.Action)
		}
	}
	assert.Len(t, api.Flow(), sent, "nothing was sent")

	require.NoError(t, journal.Close())
	before := lines(t, path)
	_, err = provision.OpenSwiftJournal(path, "b")
	require.ErrorIs(t, err, provision.ErrOtherInput)
	_, err = provision.OpenSwiftJournal(path, "")
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.Equal(t, before, lines(t, path))
}

func TestAJournalServesOneRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	api := newMemory()
	client := api.client(t)
	journal := open(t, path, "a")
	_, err := provision.OpenSwiftJournal(path, "a")
	require.ErrorIs(t, err, provision.ErrJournalInUse)
	require.ErrorContains(t, err, path)

	for _, err := range provision.Run(t.Context(), client, many(3), provision.Options{Journal: journal}) {
		require.NoError(t, err)
		require.ErrorIs(t, journal.Close(), provision.ErrJournalInUse)
		_, err = collect(t, provision.Run(t.Context(), client, many(3), provision.Options{Journal: journal}))
		require.ErrorIs(t, err, provision.ErrJournalInUse)
	}
	require.NoError(t, journal.Close())
	require.NoError(t, journal.Close())
	require.NoError(t, new(provision.Journal).Close())
	_, err = collect(t, provision.Run(t.Context(), client, many(3), provision.Options{Journal: journal}))
	require.ErrorIs(t, err, os.ErrClosed)
	open(t, path, "a")
}

// written is a journal of three items, the last of which has failed.
func written(t *testing.T) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	bad := want(2, 2)
	bad.Trunk.Name = "\n"
	journal, err := provision.OpenSwiftJournal(path, "three")
	require.NoError(t, err)
	_, err = collect(t, provision.Run(t.Context(), newMemory().client(t), stream(nil, bad, want(0, 0), want(1, 1)), provision.Options{Workers: 1, Journal: journal}))
	require.NoError(t, err)
	require.NoError(t, journal.Close())
	all := lines(t, path)
	require.Len(t, all, 4)
	return all
}

// A crash can cut the last line anywhere, and a disk can write anything instead of its end.
func TestATornLastLine(t *testing.T) {
	t.Parallel()
	all := written(t)
	whole, last := strings.Join(all[:3], ""), all[3]
	path := filepath.Join(t.TempDir(), "journal")
	for cut := range len(last) {
		for _, tail := range []string{"", "\x00\x00\x00", "\n"} {
			if cut == 0 && tail == "" {
				continue
			}
			require.NoError(t, os.WriteFile(path, []byte(whole+last[:cut]+tail), 0o600))
			if cut == len(last)-1 && tail == "\n" {
				continue // that is the line itself
			}
			journal, err := provision.OpenSwiftJournal(path, "three")
			require.NoError(t, err, "%d %q", cut, tail)
			assert.Equal(t, 1, journal.Finished())
			require.NoError(t, journal.Close())
			require.Equal(t, all[:3], lines(t, path), "the rest is cut off")
		}
	}
	for at := range len(last) - 1 {
		changed := []byte(last)
		changed[at] ^= 1
		require.NoError(t, os.WriteFile(path, append([]byte(whole), changed...), 0o600))
		journal, err := provision.OpenSwiftJournal(path, "three")
		require.NoError(t, err)
		assert.Equal(t, 1, journal.Finished(), "byte %d", at)
		require.NoError(t, journal.Close())
	}

	// The run goes on from there.
	require.NoError(t, os.WriteFile(path, []byte(whole+last[:20]), 0o600))
	journal := open(t, path, "three")
	results, err := collect(t, provision.Run(t.Context(), newMemory().client(t), stream(nil, want(2, 2), want(0, 0), want(1, 1)), provision.Options{Journal: journal}))
	require.NoError(t, err)
	assert.Equal(t, []provision.Action{provision.Created, provision.Resumed, provision.Created}, actions(results))
	assert.Len(t, lines(t, path), 5)
}

func TestADamagedLine(t *testing.T) {
	t.Parallel()
	all := written(t)
	path := filepath.Join(t.TempDir(), "journal")
	for damaged := range 3 {
		for _, with := range []string{all[damaged][:30] + "\n", strings.Replace(all[damaged], "2", "3", 1), strings.Repeat("x", 10_000) + "\n", "\n"} {
			changed := slices.Clone(all)
			changed[damaged] = with
			if damaged == 0 && !strings.HasPrefix(with, `{"journal":"mihu-provision",`) {
				continue
			}
			content := strings.Join(changed, "")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			_, err := provision.OpenSwiftJournal(path, "three")
			require.ErrorIs(t, err, provision.ErrJournalDamaged)
			require.ErrorContains(t, err, fmt.Sprintf("line %d of %q", damaged+1, path))
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, content, string(after), "it is left as it is")
		}
	}
}

func TestNotAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "numbers.csv")
	for _, content := range []string{"phone_number,channel\n", "x", "{", `{"journal":`, `{"journal":"something else"}`, "\n", string(bytes.Repeat([]byte("x"), 10_000))} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := provision.OpenSwiftJournal(path, "a")
		require.ErrorIs(t, err, mihu.ErrInvalid)
		require.ErrorContains(t, err, "is not a journal of this package")
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(after))
	}
	_, err := provision.OpenSwiftJournal(dir, "a")
	require.ErrorContains(t, err, "is not a regular file")
	_, err = provision.OpenSwiftJournal(filepath.Join(dir, "missing", "journal"), "a")
	require.ErrorIs(t, err, fs.ErrNotExist)

	// An empty file, and one whose first line was cut short, have nothing to lose.
	head := written(t)[0]
	for _, content := range []string{"", head[:len(head)-1], head[:40], head[:20], `{"journal":"`} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		journal, err := provision.OpenSwiftJournal(path, "a")
		require.NoError(t, err)
		require.NoError(t, journal.Close())
		assert.Len(t, lines(t, path), 1)
	}
}

// The identity of the input is stretched.
func TestOpenJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal, err := provision.OpenJournal(path, "a")
	require.NoError(t, err)
	assert.Zero(t, journal.Finished())
	require.NoError(t, journal.Close())
	assert.Contains(t, lines(t, path)[0], `"rounds":600000,`)
}

// Lines with a valid checksum that are refused all the same.
func TestAJournalOfAnotherProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	item := `{"index":0,"trunk":"+1234•••0000/call","action":"created","digest":"00000000000000ff","time":"2026-11-22T05:00:00Z"`
	tests := []struct {
		name string
		head string
		item string
		is   error
		text string
	}{
		{"a later version", `"version":2,"rounds":1`, item, mihu.ErrInvalid, "has version 2, and this program supports version 1"},
		{"no rounds", `"version":1,"rounds":0`, item, provision.ErrJournalDamaged, "asks for 0 rounds"},
		{"rounds without end", `"version":1,"rounds":1000000000`, item, provision.ErrJournalDamaged, "asks for 1000000000 rounds"},
		{"another input", `"version":1,"rounds":1`, item, provision.ErrOtherInput, "was created for another one"},
		{"an action", "", strings.Replace(item, "created", "danced", 1), provision.ErrJournalDamaged, "line 2"},
		{"a digest", "", strings.Replace(item, "ff", "xy", 1), provision.ErrJournalDamaged, "line 2"},
		{"no digest", "", strings.Replace(item, "ff", "00", 1), provision.ErrJournalDamaged, "line 2"},
		{"a place before the first", "", strings.Replace(item, `"index":0`, `"index":-1`, 1), provision.ErrJournalDamaged, "line 2"},
		{"a place that no input has", "", strings.Replace(item, `"index":0`, `"index":3000000000`, 1), provision.ErrJournalDamaged, "line 2"},
	}
	for _, test := range tests {
		head := written(t)[0]
		if test.head != "" {
			head = provision.Checksummed(`{"journal":"mihu-provision",` + test.head)
		}
		content := head + provision.Checksummed(test.item) + provision.Checksummed(item)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := provision.OpenSwiftJournal(path, "three")
		require.ErrorIs(t, err, test.is, test.name)
		require.ErrorContains(t, err, test.text)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(after))
	}
}

// A journal that cannot be written ends the run. An item that it does not have is not finished.
func TestTheJournalCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"write", "sync"} {
		for _, workers := range []int{1, 4} {
			full := errors.New("no space left on device")
			path := filepath.Join(t.TempDir(), "journal")
			journal := open(t, path, "many")
			provision.FailJournal(journal, fails, 2, full)
			api := newMemory()
			results, err := collect(t, provision.Run(t.Context(), api.client(t), many(100), provision.Options{Workers: workers, Journal: journal}))
			require.ErrorIs(t, err, full)
			require.EqualError(t, err, "provision: journal: no space left on device")
			finished := 0
			for _, result := range results {
				if result.Err == nil {
					finished++
					continue
				}
				assert.Equal(t, provision.Failed, result.Action)
				require.ErrorIs(t, result.Err, full)
				require.ErrorContains(t, result.Err, "done, but not recorded")
				assert.Equal(t, mihu.ActionCreated, result.Ensured.Action)
			}
			assert.Equal(t, journal.Finished(), finished)
			assert.Positive(t, finished)
			assert.Less(t, len(results), 50)
			assert.Len(t, api.trunks, len(results), "nothing is lost in silence")

			_, err = collect(t, provision.Run(t.Context(), api.client(t), many(100), provision.Options{Journal: journal}))
			require.ErrorIs(t, err, full)
			require.ErrorContains(t, err, "open the journal again")
			require.NoError(t, journal.Close())

			journal = open(t, path, "many")
			results, err = collect(t, provision.Run(t.Context(), api.client(t), many(100), provision.Options{Journal: journal}))
			require.NoError(t, err)
			assert.Len(t, results, 100)
			assert.Equal(t, 100, journal.Finished())
		}
	}
}

// Results that arrive while the disk is busy are written together.
func TestResultsAreSyncedTogether(t *testing.T) {
	t.Parallel()
	journal := open(t, filepath.Join(t.TempDir(), "journal"), "many")
	syncs := provision.SlowJournal(journal)
	results, err := collect(t, provision.Run(context.Background(), newMemory().client(t), many(1000), provision.Options{Workers: 16, Journal: journal}))
	require.NoError(t, err)
	assert.Len(t, results, 1000)
	assert.Less(t, syncs(), 500)
}
