package provision

import (
	"bufio"
	"bytes"
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
	"sync"
	"time"

	"github.com/mihu-go/mihu"
)

const (
	// journalRounds stretch the input's identity. It may be a sum over passwords: at a sixth of a
	// second a guess, the journal is no help to somebody who wants to find them out.
	journalRounds = 600_000
	// mostRounds and mostIndex bound what is believed of a file.
	mostRounds = 10_000_000
	mostIndex  = math.MaxInt32
	// longestLine is far above that of any line that is written.
	longestLine = 4096
)

// Journal remembers in a file which items are finished, so that a run that was stopped, failed or
// killed can be continued: [Run] with the same input and the journal of the run before skips what is
// finished, and tries the rest. It is made by [OpenJournal], and is for one run at a time.
//
// The file is JSON lines, one for every item that was done or failed, with its place in the input,
// the trunk with its number masked, what was done, and when. It is only appended to, and synced
// before a result is yielded. It holds no secret and no whole number. In memory a finished item takes
// four bytes. The zero value has nothing finished, and Run refuses it.
type Journal struct {
	path string
	key  []byte // of the digests of items

	mu       sync.Mutex
	file     journalFile
	broken   error // of a write; what the file holds since is not known
	inUse    bool
	closed   bool
	finished digests
	count    int
	buffer   []byte
}

// journalFile is what of an *os.File a journal writes with.
type journalFile interface {
	io.WriteCloser
	Sync() error
}

// OpenJournal opens the journal at path, or makes one there, with mode 0600, for the input that input
// identifies: [Source.Fingerprint], or for a stream any name that is another one for another input.
// The file keeps it in a form that does not tell it, which is slow on purpose: opening takes a part of
// a second. An input that was corrected is another one: name another journal, or correct only what a
// [Writer] has written of the items that failed.
//
// A last line that was cut short, as by a loss of power, is dropped: its item is done again. The file
// is locked while it is open, on Linux, macOS and the BSDs, and the lock ends with the process;
// elsewhere it is for the caller to see to it that a journal is used once at a time.
//
// Errors: ErrOtherInput, ErrJournalInUse, ErrJournalDamaged, those of package os, and
// [mihu.ErrInvalid] for a file that is no journal, which is left as it is.
func OpenJournal(path, input string) (*Journal, error) {
	return openJournal(path, input, journalRounds)
}

func openJournal(path, input string, rounds int) (*Journal, error) {
	if input == "" {
		return nil, invalid("journal", mihu.FieldViolation{Field: "input", Problem: "empty; name the input, so that another one is found out"})
	}
	// What is no file must not be opened for writing: a pipe would wait for its other end.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notAJournal(path, "is not a regular file")
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller's to choose
	if err != nil {
		return nil, fmt.Errorf("provision: journal: %w", err)
	}
	j := &Journal{path: path, file: locked{file}}
	if err := j.open(file, input, rounds); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// locked is a file that is given back before it is closed.
type locked struct{ *os.File }

func (f locked) Close() error { return errors.Join(unlock(f.File), f.File.Close()) }

func notAJournal(path, why string) error {
	return invalid("journal", mihu.FieldViolation{Field: "path", Value: fmt.Sprintf("%q", path), Problem: why + "; it is left as it is, name another file"})
}

func (j *Journal) open(file *os.File, input string, rounds int) error {
	if err := lock(file); err != nil {
		return fmt.Errorf("%w: %q", err, j.path)
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
	if err := j.begin(input, rounds); err != nil {
		return errors.Join(err, file.Truncate(0)) // half a head would be taken for a file of somebody else
	}
	return nil
}

// begin writes the head of a new journal.
func (j *Journal) begin(input string, rounds int) error {
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
	if err := syncDir(j.path); err != nil {
		return j.breaks(err)
	}
	return nil
}

// read reads the lines, and gives the length of those that are whole.
func (j *Journal) read(file io.Reader, input string) (whole int64, err error) {
	lines := bufio.NewReaderSize(file, longestLine)
	damaged := 0 // the line that is not as it was written, which only the last may be
	for number := 1; ; number++ {
		line, length, err := nextLine(lines)
		switch {
		case length == 0 && errors.Is(err, io.EOF):
			return whole, nil
		case err != nil && !errors.Is(err, io.EOF):
			return 0, fmt.Errorf("provision: journal: %w", err)
		case damaged > 0:
			return 0, fmt.Errorf("%w: line %d of %q is not as it was written; begin another journal", ErrJournalDamaged, damaged, j.path)
		case number == 1 && !isJournal(line):
			return 0, notAJournal(j.path, "is not a journal of this package")
		}
		var ok bool
		if number == 1 {
			var head journalHead
			if ok = readLine(line, &head); ok {
				err = j.check(&head, input)
			}
		} else {
			var entry journalEntry
			ok = readLine(line, &entry) && j.take(&entry)
		}
		switch {
		case !ok:
			damaged = number
		case err != nil && !errors.Is(err, io.EOF):
			return 0, err
		default:
			whole += length
		}
	}
}

// isJournal tells the first line of a journal, also one that was cut short. The first few bytes may
// be of a file of somebody else.
func isJournal(line []byte) bool {
	begin := []byte(`{"journal":"` + journalKind + `",`)
	few := bytes.Index(begin, []byte(journalKind))
	return len(line) >= few && bytes.HasPrefix(line, begin[:min(len(line), len(begin))])
}

// nextLine gives a line with its end, nil where it is longer than any line of a journal, and its
// length. At the end of the file the error is io.EOF.
func nextLine(lines *bufio.Reader) (line []byte, length int64, err error) {
	line, err = lines.ReadSlice('\n')
	length = int64(len(line))
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = lines.ReadSlice('\n')
		length += int64(len(line))
		line = nil
	}
	return line, length, err
}

// check holds the head of a journal against the input that it is opened for.
func (j *Journal) check(head *journalHead, input string) error {
	if head.Version != journalVersion {
		return notAJournal(j.path, fmt.Sprintf("is of version %d, and this program knows %d", head.Version, journalVersion))
	}
	if head.Rounds < 1 || head.Rounds > mostRounds {
		return fmt.Errorf("%w: line 1 of %q asks for %d rounds", ErrJournalDamaged, j.path, head.Rounds)
	}
	identity, err := j.identify(input, head)
	if err != nil {
		return err
	}
	if !hmac.Equal(identity, head.Input) {
		return fmt.Errorf("%w: %q was begun for another one; give that, or name another journal", ErrOtherInput, j.path)
	}
	return nil
}

// identify gives what the head says of the input, and sets the key of the items' digests: without the
// input nobody can find out from a digest what an item says.
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

// take remembers what a line says; false where it says nothing that is ever written.
func (j *Journal) take(entry *journalEntry) bool {
	if entry.Index < 0 || entry.Index > mostIndex {
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

// Finished counts the items that the journal has as finished.
func (j *Journal) Finished() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

// Close releases the file. A journal that a run is using is not closed, which is ErrJournalInUse.
// Closing twice is the same as closing once.
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

// acquire takes the journal for one run.
func (j *Journal) acquire() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.file == nil:
		return invalid("run", mihu.FieldViolation{Field: "journal", Problem: "not made by OpenJournal"})
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

// digest is what the journal keeps of an item that is finished: enough to see that another input has
// something else in its place. Never 0.
func (j *Journal) digest(item *Item) uint64 {
	h := hmac.New(sha256.New, j.key)
	writeItem(h, item, false)
	return max(1, binary.BigEndian.Uint64(h.Sum(nil)))
}

// wasFinished says whether an item was finished in that place, and whether it said the same.
func (j *Journal) wasFinished(index int, digest uint64) (finished, same bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	there := j.finished.at(index)
	return there != 0, there == shortDigest(digest)
}

// places is one more than the last place that has a finished item.
func (j *Journal) places() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.finished.end
}

// record writes what became of items, in one write and one sync, and then remembers it. One run at a time
// calls it, and from one goroutine.
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

// flush writes the buffer and syncs it. After an error nobody knows what the file holds, and nothing
// more is written.
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
