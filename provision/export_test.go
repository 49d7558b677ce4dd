package provision

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/mihu-go/mihu"
)

// OpenSwiftJournal is OpenJournal without the time that it takes to stretch the input's identity.
func OpenSwiftJournal(path, input string) (*Journal, error) {
	return openJournal(path, input, 1, fileSystem{lock, syncDir})
}

// Checksummed is an object without its last brace, as a line of a journal.
func Checksummed(object string) string {
	line, err := appendLine(nil, json.RawMessage(object+"}"))
	if err != nil {
		return err.Error()
	}
	return string(line)
}

// brokenFile fails at the n-th call of a kind.
type brokenFile struct {
	journalFile
	kind string
	left int
	err  error
}

func (f *brokenFile) fails(kind string) bool {
	if kind == f.kind {
		f.left--
	}
	return f.left < 0 && kind == f.kind
}

func (f *brokenFile) Write(p []byte) (int, error) {
	if f.fails("write") {
		n, _ := f.journalFile.Write(p[:len(p)/2])
		return n, f.err
	}
	return f.journalFile.Write(p)
}

func (f *brokenFile) Sync() error {
	if f.fails("sync") {
		return f.err
	}
	return f.journalFile.Sync()
}

// FailJournal makes a journal's file fail after some writes or syncs.
func FailJournal(j *Journal, kind string, after int, err error) {
	j.file = &brokenFile{journalFile: j.file, kind: kind, left: after, err: err}
}

type slowFile struct {
	journalFile
	syncs int
}

func (f *slowFile) Sync() error {
	f.syncs++
	time.Sleep(time.Millisecond)
	return nil
}

// SlowJournal makes a journal's file slow, and counts how often it is synced.
func SlowJournal(j *Journal) (syncs func() int) {
	f := &slowFile{journalFile: j.file}
	j.file = f
	return func() int { return f.syncs }
}

// SlowState makes the file of a state slow, and counts how often it is synced.
func SlowState(f *StateFile) (syncs func() int) {
	slow := &slowFile{journalFile: f.file}
	f.file = slow
	return func() int { return slow.syncs }
}

// FailState makes the file of a state fail after some writes or syncs.
func FailState(f *StateFile, kind string, after int, err error) {
	f.file = &brokenFile{journalFile: f.file, kind: kind, left: after, err: err}
}

// Claims returns the names of the fields that an entry has as sent with the values of a request, and
// of those that it has as sent with other values.
func Claims(key StateKey, entry StateEntry, req *mihu.TrunkCreateRequest) (same, other []string) {
	for f := range entry.Sent.set().all {
		switch entry.Sent.digests[f] {
		case inDoubt:
		case key.digest(entry.Trunk, f, f.valueOf(req)):
			same = append(same, f.name())
		default:
			other = append(other, f.name())
		}
	}
	return same, other
}

// Blank returns an item whose cells for some fields are empty.
func Blank(item Item, fields ...string) Item {
	for f := range numSentFields {
		if slices.Contains(fields, f.name()) {
			item.blank.add(f)
		}
	}
	return item
}
