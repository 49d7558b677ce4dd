package provision

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
)

const (
	// journalRounds stretch the input's identity, which may be a hash of passwords. A guess takes a
	// sixth of a second, so the journal does not help to find them.
	journalRounds = 600_000
	// maxRounds and maxIndex are the largest values that are accepted from a file.
	maxRounds = 10_000_000
	maxIndex  = math.MaxInt32
	// maxLine is far longer than any line that is written.
	maxLine = 4096
)

// Journal records in a file which items are finished, so that a run that was stopped, was killed or
// failed can be resumed: [Run] with the same input and the same journal skips finished items and
// tries the rest. Open a Journal with [OpenJournal]. It serves one run at a time. Run refuses its
// zero value.
//
// The file is JSON lines, one for every item that was done or failed, with its index in the input,
// the trunk with its number masked, what was done, and the time. Lines are only appended, and
// synced before a result is yielded. The file holds no secret and no complete number. A finished
// item takes four bytes of memory.
type Journal struct {
	path string
	key  []byte // of the digests of items

	mu       sync.Mutex
	file     journalFile
	broken   error // of a write; what the file holds after it is not known
	inUse    bool
	closed   bool
	finished digests
	count    int
	buffer   []byte
}

// journalFile is the part of *os.File that a journal writes with.
type journalFile interface {
	io.WriteCloser
	Sync() error
}

// OpenJournal opens the journal at path, or creates one with mode 0600. The input is an identity of
// what the run works on: [Source.Fingerprint], or for a stream any name that differs for another
// input. The file keeps only a slow hash of it, so opening takes a fraction of a second. A
// corrected input is another input: use another journal for it, or correct only the failed items
// that a [Writer] has written.
//
// A last line that was cut short, by a loss of power for example, is discarded, and its item is
// done again. An empty file is nobody's, and becomes the journal. If the path is a symbolic link,
// the journal is its target. On Linux, macOS and the BSDs the file is locked while it is open, and
// the lock ends with the process. On other systems the caller must make sure that only one run uses
// a journal at a time.
//
// Errors: ErrOtherInput, ErrJournalInUse, ErrJournalDamaged, those of package os, and
// [mihu.ErrInvalid] for a file that is not a journal, which is not changed.
func OpenJournal(path, input string) (*Journal, error) {
	return openJournal(path, input, journalRounds, fileSystem{lock, syncDir})
}

// fileSystem is what a journal needs of the system, and not every file system can do.
type fileSystem struct {
	// lock locks a file for this Journal alone. ErrJournalInUse means that another has locked it.
	lock func(*os.File) error
	// syncDir syncs the directory of a file.
	syncDir func(path string) error
}

func openJournal(path, input string, rounds int, system fileSystem) (*Journal, error) {
	if input == "" {
		return nil, invalid("journal", mihu.FieldViolation{Field: "input", Problem: "empty; want an identity of the input, so that another input is detected"})
	}
	// Only a file may be opened for writing: a pipe would wait for its other end.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notAJournal(path, "is not a regular file")
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller's to choose
	if err != nil {
		return nil, fmt.Errorf("provision: journal: %w", err)
	}
	j := &Journal{path: path, file: locked{file}}
	if err := j.open(file, input, rounds, system); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// locked is a file whose lock is released before it is closed.
type locked struct{ *os.File }

func (f locked) Close() error { return errors.Join(unlock(f.File), f.File.Close()) }

func notAJournal(path, why string) error {
	return invalid("journal", mihu.FieldViolation{Field: "path", Value: strings.Trim(strconv.Quote(path), `"`), Problem: why + "; it was not changed, use another path"})
}

func (j *Journal) open(file *os.File, input string, rounds int, system fileSystem) error {
	switch err := system.lock(file); {
	case errors.Is(err, ErrJournalInUse):
		return fmt.Errorf("%w: %q", err, j.path)
	case err != nil:
		return fmt.Errorf("provision: journal %q cannot be locked: %w; use a path on a local disk", j.path, err)
	}
	whole, err := j.read(file, input)
	if err != nil {
		return err
	}
	if err := file.Truncate(whole); err != nil {
		return fmt.Errorf("provision: journal: %w", err)
	}
	if _, err := file.Seek(whole, io.SeekStart); err != nil {
		return fmt.Errorf("provision: journal: %w", err)
	}
	if whole > 0 {
		return nil
	}
	if err := j.begin(input, rounds, system); err != nil {
		return errors.Join(err, file.Truncate(0)) // half a head would be mistaken for another program's file
	}
	return nil
}

// begin writes the head of a new journal.
func (j *Journal) begin(input string, rounds int, system fileSystem) error {
	head := journalHead{
		Journal: journalKind, Version: journalVersion, Salt: make([]byte, 16), Rounds: rounds,
		Time: time.Now().UTC().Truncate(time.Millisecond),
	}
	_, _ = rand.Read(head.Salt) // never fails
	var err error
	if head.Input, err = j.identify(input, &head); err != nil {
		return err
	}
	if j.buffer, err = appendLine(nil, head); err != nil {
		return j.breaks(err)
	}
	if err := j.flush(); err != nil {
		return err
	}
	if err := system.syncDir(j.path); err != nil {
		return j.breaks(err)
	}
	return nil
}

// read reads the lines, and returns the length of those that are complete.
func (j *Journal) read(file io.Reader, input string) (whole int64, err error) {
	return readLines(file, lineFile{
		kind: "journal", first: `{"journal":"` + journalKind, damaged: ErrJournalDamaged, path: j.path, advice: "use another journal",
		other: func() error { return notAJournal(j.path, "is not a journal of this package") },
		take: func(line []byte, number int, _ int64) (ok bool, err error) {
			if number > 1 {
				var entry journalEntry
				return readLine(line, &entry) && j.take(&entry), nil
			}
			var head journalHead
			if !readLine(line, &head) {
				return false, nil
			}
			return true, j.check(&head, input)
		},
	})
}

// check compares the head of a journal with the input that it is opened for.
func (j *Journal) check(head *journalHead, input string) error {
	if head.Version != journalVersion {
		return notAJournal(j.path, fmt.Sprintf("has version %d, and this program supports version %d", head.Version, journalVersion))
	}
	if head.Rounds < 1 || head.Rounds > maxRounds {
		return fmt.Errorf("%w: line 1 of %q asks for %d rounds", ErrJournalDamaged, j.path, head.Rounds)
	}
	identity, err := j.identify(input, head)
	if err != nil {
		return err
	}
	if !hmac.Equal(identity, head.Input) {
		return fmt.Errorf("%w: %q was created for another one; use that input, or another journal", ErrOtherInput, j.path)
	}
	return nil
}

// identify returns the identity of the input for the head, and sets the key of the items' digests.
// Without the input, a digest does not reveal what an item says.
func (j *Journal) identify(input string, head *journalHead) ([]byte, error) {
	stretched, err := pbkdf2.Key(sha256.New, input, head.Salt, head.Rounds, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("provision: journal: %w", err)
	}
	j.key = keyed(stretched, "items")
	return keyed(stretched, "input")[:16], nil
}

func keyed(key []byte, what string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, what)
	return h.Sum(nil)
}

// take adds the entry of a line. It returns false if a journal cannot have written it.
func (j *Journal) take(entry *journalEntry) bool {
	if entry.Index < 0 || entry.Index > maxIndex {
		return false
	}
	switch entry.Action {
	case Created, Assigned, Updated, Unchanged:
		digest, err := strconv.ParseUint(entry.Digest, 16, 64)
		if err != nil || digest == 0 {
			return false
		}
		j.finish(entry.Index, digest)
		return true
	default:
		return entry.Action == Failed
	}
}

func (j *Journal) finish(index int, digest uint64) {
	if j.finished.set(index, digest) {
		j.count++
	}
}

// Finished returns the number of finished items in the journal.
func (j *Journal) Finished() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

// Close closes the file. It returns ErrJournalInUse, and closes nothing, while a run uses the
// journal. A second Close does nothing.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.inUse:
		return fmt.Errorf("%w: %q by a run that has not ended", ErrJournalInUse, j.path)
	case j.closed || j.file == nil:
		return nil
	}
	j.closed = true
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("provision: journal: %w", err)
	}
	return nil
}

// acquire reserves the journal for one run.
func (j *Journal) acquire() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.file == nil:
		return invalid("run", mihu.FieldViolation{Field: "journal", Problem: "not opened by OpenJournal"})
	case j.closed:
		return fmt.Errorf("provision: journal %q: %w", j.path, os.ErrClosed)
	case j.broken != nil:
		return fmt.Errorf("%w; open the journal again", j.broken)
	case j.inUse:
		return fmt.Errorf("%w: %q by another run", ErrJournalInUse, j.path)
	}
	j.inUse = true
	return nil
}

func (j *Journal) release() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.inUse = false
}

// digest returns what the journal keeps of a finished item: enough to detect that another input has
// another item in its place. It is never 0.
func (j *Journal) digest(item *Item) uint64 {
	h := hmac.New(sha256.New, j.key)
	writeItem(h, item, false)
	return max(1, binary.BigEndian.Uint64(h.Sum(nil)))
}

// wasFinished reports whether an item with the index is finished, and whether it is the same item.
func (j *Journal) wasFinished(index int, digest uint64) (finished, same bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	there := j.finished.at(index)
	return there != 0, there == shortDigest(digest)
}

// has reports whether an item with the index is finished.
func (j *Journal) has(index int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.finished.at(index) != 0
}

// end returns one more than the last index that has a finished item.
func (j *Journal) end() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.finished.end
}

// record writes results in one write and one sync, and then adds the finished ones. One run at a
// time calls it, from one goroutine.
func (j *Journal) record(batch []*outcome) error {
	j.buffer = j.buffer[:0]
	at := time.Now().UTC().Truncate(time.Millisecond)
	for _, o := range batch {
		entry := journalEntry{Index: o.Index, Line: o.Item.Line, Trunk: o.Item.Trunk.TrunkID.String(), Action: o.Action, Time: at}
		if o.finished() {
			entry.Digest = fmt.Sprintf("%016x", o.digest)
		}
		var err error
		if j.buffer, err = appendLine(j.buffer, entry); err != nil {
			return j.breaks(err)
		}
	}
	if err := j.flush(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range batch {
		if o.finished() {
			j.finish(o.Index, o.digest)
		}
	}
	return nil
}

// flush writes the buffer and syncs it. After an error it is not known what the file holds, and
// nothing more is written.
func (j *Journal) flush() error {
	if len(j.buffer) == 0 {
		return nil
	}
	if _, err := j.file.Write(j.buffer); err != nil {
		return j.breaks(err)
	}
	if err := j.file.Sync(); err != nil {
		return j.breaks(err)
	}
	return nil
}

func (j *Journal) breaks(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = fmt.Errorf("provision: journal: %w", err)
	return j.broken
}
