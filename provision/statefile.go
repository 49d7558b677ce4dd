package provision

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/mihu-go/mihu"
)

// StateFileOptions are the options of [OpenStateFile]. The zero value of each is its default.
type StateFileOptions struct {
	// ReadOnly opens the file as it is, without a lock, for a dry run. A file that does not exist is
	// an empty state then, and everything that writes returns an error.
	ReadOnly bool
}

// StateFile is a [StateStore] in a file that only its owner can read. It is JSON lines, one for each
// trunk with its number in clear, each with a checksum. Changes are appended and synced. Close
// writes the file anew, sorted by number; one with more than 50,000 trunks only if enough of it has
// changed. It is safe for concurrent use. An entry takes up to 400 bytes in the file, and some 16
// bytes of memory; one that is new or changed takes some 40.
type StateFile struct {
	path     string
	readOnly bool

	mu       sync.Mutex
	head     StateHead
	sorted   []stateLineAt      // the entries that the file had, sorted
	changed  map[trunkKey]int64 // where the newer ones are; removedAt for those that were removed
	end      int64              // of the file, with what is not written yet
	buffer   []byte             // lines that are not written yet, at the end
	inFlight []byte             // lines that are being written, before them
	waiting  *commit            // of the lines in buffer
	scratch  []byte             // a line that was read
	appended int                // lines after the sorted ones
	broken   error
	closed   bool
	released bool // the file is closed

	writing sync.Mutex // held while lines are written
	file    journalFile
	lines   io.ReaderAt // of the file; nil if there is none
	opened  os.FileInfo // of the file; nil if it is not locked
}

// stateLineAt is where the line of a trunk begins.
type stateLineAt struct {
	trunk trunkKey
	at    int64
}

const removedAt int64 = -1

// commit is a write and a sync of the lines of several callers.
type commit struct {
	done bool
	err  error
}

// OpenStateFile opens the state at path, or creates it with mode 0600. On Linux, macOS and the BSDs
// the file is locked while it is open; on other systems the caller must make sure that one process
// uses it at a time. If the path is a symbolic link, the state is its target.
//
// A last line that was cut short is discarded: it was not durable, so no request followed it.
// Errors: [ErrStateInUse], [ErrStateDamaged], those of package os, and [mihu.ErrInvalid] for a file
// that is no state, which is not changed.
func OpenStateFile(path string, opts StateFileOptions) (*StateFile, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notAState(path, "is not a regular file")
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f := &StateFile{path: path, readOnly: opts.ReadOnly, changed: map[trunkKey]int64{}, waiting: new(commit)}
	if opts.ReadOnly {
		if err := f.readOnce(); err != nil {
			return nil, err
		}
		return f, nil
	}
	file, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	f.file = locked{file}
	f.lines = file
	if f.opened, err = file.Stat(); err == nil {
		err = f.load(file)
	}
	if err != nil {
		return nil, errors.Join(err, f.file.Close())
	}
	return f, nil
}

// readOnce reads the file without a lock. It stays open, for its lines.
func (f *StateFile) readOnce() error {
	file, err := os.Open(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("provision: state: %w", err)
	}
	f.file, f.lines = file, file
	if _, err = f.read(file); err != nil {
		return errors.Join(err, file.Close())
	}
	return nil
}

// openLocked opens and locks the file that is at path now. Another process may have replaced it
// between the two.
func openLocked(path string) (*os.File, error) {
	for range 100 {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller's to choose
		if err != nil {
			return nil, fmt.Errorf("provision: state: %w", err)
		}
		err = lock(file)
		switch {
		case errors.Is(err, ErrJournalInUse):
			return nil, errors.Join(fmt.Errorf("%w: %q", ErrStateInUse, path), file.Close())
		case err != nil:
			return nil, errors.Join(fmt.Errorf("provision: state %q cannot be locked: %w; use a path on a local disk", path, err), file.Close())
		}
		if isAt(file, path) {
			return file, nil
		}
		_ = locked{file}.Close()
	}
	return nil, fmt.Errorf("%w: %q is being replaced", ErrStateInUse, path)
}

func isAt(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(opened, there)
}

func notAState(path, why string) error {
	return invalid("state", mihu.FieldViolation{Field: "path", Value: plain(path), Problem: why + "; it was not changed, use another path"})
}

// load reads the file and cuts off a line that was not written whole.
func (f *StateFile) load(file *os.File) error {
	whole, err := f.read(file)
	if err != nil {
		return err
	}
	if err := file.Truncate(whole); err != nil {
		return fmt.Errorf("provision: state: %w", err)
	}
	if _, err := file.Seek(whole, io.SeekStart); err != nil {
		return fmt.Errorf("provision: state: %w", err)
	}
	return nil
}

const (
	stateKind    = "mihu-state"
	stateVersion = 1
)

// stateLine is a line of the file: the head, an entry, or an entry that was removed.
type stateLine struct {
	State       string       `json:"state,omitempty"`
	Version     int          `json:"version,omitempty"`
	Head        *StateHead   `json:"head,omitempty"`
	Count       int          `json:"count,omitempty"` // of entries that follow, to allocate memory
	PhoneNumber string       `json:"phone_number,omitempty"`
	Channel     mihu.Channel `json:"channel,omitempty"`
	*StateEntry
	Removed bool `json:"removed,omitempty"`
}

func (l *stateLine) id() mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: l.PhoneNumber, Channel: l.Channel}
}

// read reads the lines, and returns the length of those that are complete.
func (f *StateFile) read(file io.Reader) (whole int64, err error) {
	f.end, err = readLines(file, lineFile{
		kind: "state", first: `{"state":"` + stateKind, damaged: ErrStateDamaged, path: f.path, advice: "remove the file, and everything is sent once more",
		other: func() error { return notAState(f.path, "is not a state of this package") },
		take: func(line []byte, number int, at int64) (ok bool, err error) {
			var read stateLine
			ok = readLine(line, &read)
			if ok && number == 1 && read.Version != stateVersion {
				return false, notAState(f.path, fmt.Sprintf("has version %d, and this program supports version %d", read.Version, stateVersion))
			}
			return ok && f.take(&read, at), nil
		},
	})
	return f.end, err
}

// take adds a line that was read. It returns false if this package cannot have written it.
func (f *StateFile) take(line *stateLine, at int64) bool {
	if line.Head != nil {
		f.head = *line.Head
		const most = 1 << 22 // a damaged count must not take all memory
		f.sorted = slices.Grow(f.sorted, min(max(0, line.Count), most))
		return true
	}
	trunk, ok := keyOf(line.id())
	if !ok {
		return false
	}
	last := len(f.sorted) - 1
	switch {
	case line.Removed:
		f.changed[trunk] = removedAt
	case len(f.changed) == 0 && (last < 0 || f.sorted[last].trunk < trunk):
		f.sorted = append(f.sorted, stateLineAt{trunk, at})
		return true
	default:
		f.changed[trunk] = at
	}
	f.appended++
	return true
}

// Head returns the head. It returns [ErrStateStale] if another file is at the path now.
func (f *StateFile) Head(ctx context.Context) (StateHead, error) {
	if err := ctx.Err(); err != nil {
		return StateHead{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened != nil {
		if there, err := os.Stat(f.path); err != nil || !os.SameFile(f.opened, there) {
			return StateHead{}, fmt.Errorf("%w: %q was replaced; open it again", ErrStateStale, f.path)
		}
	}
	return f.head, nil
}

// SetHead replaces the head.
func (f *StateFile) SetHead(ctx context.Context, head StateHead) error {
	return f.write(ctx, func() error {
		if head.Serial != f.head.Serial+1 {
			return fmt.Errorf("%w: serial %d in %q, and %d was read; read it again", ErrStateStale, f.head.Serial, f.path, head.Serial-1)
		}
		f.head = head
		_, err := f.add(&stateLine{State: stateKind, Version: stateVersion, Head: &head})
		return err
	})
}

// Get returns the entry of a trunk.
func (f *StateFile) Get(ctx context.Context, id mihu.TrunkID) (StateEntry, bool, error) {
	key, ok := keyOf(id)
	if err := ctx.Err(); err != nil || !ok {
		return StateEntry{}, false, err
	}
	return f.get(key)
}

func (f *StateFile) get(key trunkKey) (StateEntry, bool, error) {
	line, err := f.lineOf(key)
	if err != nil || line == nil {
		return StateEntry{}, false, err
	}
	var read stateLine
	if !readLine(line, &read) || read.StateEntry == nil || read.id() != key.id() {
		return StateEntry{}, false, fmt.Errorf("%w: %q was changed while it was open", ErrStateDamaged, f.path)
	}
	read.StateEntry.Trunk = key.id()
	return *read.StateEntry, true, nil
}

// lineOf returns the line of a trunk, nil if there is none.
func (f *StateFile) lineOf(key trunkKey) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.find(key)
	if at == removedAt {
		return nil, nil
	}
	line, err := f.lineAt(at)
	return bytes.Clone(line), err
}

// find returns where the line of a trunk is, removedAt if there is none.
func (f *StateFile) find(key trunkKey) int64 {
	if at, changed := f.changed[key]; changed {
		return at
	}
	i, ok := slices.BinarySearchFunc(f.sorted, key, func(l stateLineAt, key trunkKey) int { return cmp.Compare(l.trunk, key) })
	if !ok {
		return removedAt
	}
	return f.sorted[i].at
}

// lineAt returns the line that begins at an offset of the file, or of what is not written yet. It is
// valid until the next call.
func (f *StateFile) lineAt(at int64) ([]byte, error) {
	var line []byte
	buffered := f.end - int64(len(f.buffer))
	inFlight := buffered - int64(len(f.inFlight))
	switch {
	case f.closed:
		return nil, fmt.Errorf("provision: state %q: %w", f.path, os.ErrClosed)
	case at >= buffered:
		line = f.buffer[at-buffered:]
	case at >= inFlight:
		line = f.inFlight[at-inFlight:]
	default:
		if f.scratch == nil {
			f.scratch = make([]byte, maxLine)
		}
		n, err := f.lines.ReadAt(f.scratch, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("provision: state: %w", err)
		}
		line = f.scratch[:n]
	}
	return line[:bytes.IndexByte(line, '\n')+1], nil
}

// Put stores entries.
func (f *StateFile) Put(ctx context.Context, entries ...StateEntry) error {
	for _, entry := range entries {
		if _, ok := keyOf(entry.Trunk); !ok {
			return invalid("state", mihu.FieldViolation{Field: "trunk", Value: entry.Trunk.String(), Problem: "not a number in E.164 on call or whatsapp"})
		}
	}
	return f.write(ctx, func() error {
		for _, entry := range entries {
			line := &stateLine{PhoneNumber: entry.Trunk.PhoneNumber, Channel: entry.Trunk.Channel, StateEntry: &entry}
			at, err := f.add(line)
			if err != nil {
				return err
			}
			key, _ := keyOf(entry.Trunk)
			f.changed[key] = at
		}
		return nil
	})
}

// Delete removes entries.
func (f *StateFile) Delete(ctx context.Context, ids ...mihu.TrunkID) error {
	return f.write(ctx, func() error {
		for _, id := range ids {
			key, ok := keyOf(id)
			if !ok || f.find(key) == removedAt {
				continue
			}
			if _, err := f.add(&stateLine{PhoneNumber: id.PhoneNumber, Channel: id.Channel, Removed: true}); err != nil {
				return err
			}
			f.changed[key] = removedAt
		}
		return nil
	})
}

// All iterates over the entries. It takes the list of trunks first, so entries may be changed
// meanwhile.
func (f *StateFile) All(ctx context.Context) iter.Seq2[StateEntry, error] {
	return func(yield func(StateEntry, error) bool) {
		for _, key := range f.keys() {
			if err := ctx.Err(); err != nil {
				yield(StateEntry{}, err)
				return
			}
			entry, ok, err := f.get(key)
			if err != nil {
				yield(StateEntry{}, err)
				return
			}
			if ok && !yield(entry, nil) {
				return
			}
		}
	}
}

// keys returns the trunks, in order.
func (f *StateFile) keys() []trunkKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := make([]trunkKey, 0, len(f.sorted)+len(f.changed))
	for i := range f.sorted {
		if _, changed := f.changed[f.sorted[i].trunk]; !changed {
			keys = append(keys, f.sorted[i].trunk)
		}
	}
	keys = append(keys, f.added()...)
	slices.Sort(keys)
	return keys
}

// added returns the trunks of newer entries, in order.
func (f *StateFile) added() []trunkKey {
	added := slices.Sorted(maps.Keys(f.changed))
	return slices.DeleteFunc(added, func(key trunkKey) bool { return f.changed[key] == removedAt })
}

// add adds a line to the buffer, and returns where it is.
func (f *StateFile) add(line *stateLine) (at int64, err error) {
	length := len(f.buffer)
	if f.buffer, err = appendLine(f.buffer, line); err != nil {
		return 0, err
	}
	at = f.end
	f.end += int64(len(f.buffer) - length)
	f.appended++
	return at, nil
}

// write changes the state in memory and in the buffer, and returns when the change is durable. One
// caller writes the lines of all who wait.
func (f *StateFile) write(ctx context.Context, change func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	err := f.writable()
	if err == nil {
		err = change() // an error is of encoding, and leaves what comes before it
	}
	mine := f.waiting
	idle := len(f.buffer) == 0
	f.mu.Unlock()
	if err != nil || idle {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	if !mine.done {
		f.flush()
	}
	return mine.err
}

func (f *StateFile) writable() error {
	switch {
	case f.readOnly:
		return fmt.Errorf("provision: state %q is opened for reading only", f.path)
	case f.closed:
		return fmt.Errorf("provision: state %q: %w", f.path, os.ErrClosed)
	}
	return f.broken
}

// flush writes and syncs the buffer. writing is held.
func (f *StateFile) flush() {
	f.mu.Lock()
	mine := f.waiting
	f.waiting = new(commit)
	mine.done, mine.err = true, f.broken
	if mine.err != nil {
		f.mu.Unlock()
		return
	}
	f.inFlight, f.buffer = f.buffer, nil
	lines := f.inFlight
	f.mu.Unlock()
	_, err := f.file.Write(lines)
	if err == nil {
		err = f.file.Sync()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		mine.err = fmt.Errorf("provision: state: %w", err)
		f.broken = mine.err // and what is in flight stays there
		return
	}
	f.inFlight = nil
}

// fewEntries is the number of trunks up to which Close always writes the file anew. With more it does so if
// the lines that were appended are a quarter of them.
const fewEntries = 50_000

func (f *StateFile) isUntidy() bool {
	entries := len(f.sorted) + len(f.changed)
	return !f.readOnly && f.broken == nil && f.appended > 0 && (entries <= fewEntries || f.appended >= entries/4)
}

// Close writes the file anew, sorted and without what was replaced, and unlocks it. A second Close
// does nothing.
func (f *StateFile) Close() error {
	f.writing.Lock()
	defer f.writing.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.file == nil {
		f.closed = true
		return nil
	}
	var err error
	if f.isUntidy() {
		err = f.compact()
	}
	if f.closed = true; !f.released {
		err = errors.Join(err, f.file.Close())
	}
	if err != nil {
		return fmt.Errorf("provision: state: %w", err)
	}
	return nil
}

// compact replaces the file. What a killed process has left of it is overwritten: nobody else has
// locked the file.
func (f *StateFile) compact() error {
	name := f.path + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	temporary, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the caller's file
	if err != nil {
		return err
	}
	err = f.writeSorted(temporary)
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err == nil && runtime.GOOS == "windows" { // where an open file cannot be replaced
		err, f.released = f.file.Close(), true
	}
	if err == nil {
		err = os.Rename(name, f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return syncDir(f.path)
}

func (f *StateFile) writeSorted(w io.Writer) error {
	added := f.added()
	out := bufio.NewWriter(w)
	line, err := appendLine(nil, &stateLine{State: stateKind, Version: stateVersion, Head: &f.head, Count: len(f.sorted) + len(added)})
	if err != nil {
		return err
	}
	_, _ = out.Write(line) // Flush returns the error
	put := func(at int64) error {
		line, err := f.lineAt(at)
		if err == nil {
			_, err = out.Write(line)
		}
		return err
	}
	for _, line := range f.sorted {
		for len(added) > 0 && added[0] < line.trunk {
			if err := put(f.changed[added[0]]); err != nil {
				return err
			}
			added = added[1:]
		}
		if _, changed := f.changed[line.trunk]; changed {
			continue
		}
		if err := put(line.at); err != nil {
			return err
		}
	}
	for _, key := range added {
		if err := put(f.changed[key]); err != nil {
			return err
		}
	}
	return out.Flush()
}

// String returns the path.
func (f *StateFile) String() string { return "StateFile{" + strings.TrimSpace(plain(f.path)) + "}" }
