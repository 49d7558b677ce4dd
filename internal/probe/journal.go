package probe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Header is what a probe was started with, as its journal has it.
type Header struct {
	Format  int      `json:"format"`
	BaseURL string   `json:"base_url"`
	Numbers []string `json:"numbers"`
	Agents  []string `json:"agents"`
	// Nobody is the UUID of no agent that the probe uses.
	Nobody string `json:"nobody"`
}

// Change is a change that is about to be sent, or that got a response.
type Change struct {
	// N counts the changes of a probe from 1.
	N       int       `json:"n"`
	Time    time.Time `json:"time"`
	Method  string    `json:"method,omitempty"`
	Number  string    `json:"number,omitempty"`
	Channel string    `json:"channel,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	// Status is that of the response. The line of the request has 0.
	Status int `json:"status,omitempty"`
}

// Journal records a probe, so that what it leaves can be found. Each line is stored for sure when its
// method returns.
type Journal interface {
	// Begin starts the journal.
	Begin(Header) error
	// Record adds a change, before it is sent and after its response.
	Record(Change) error
	// End removes the journal: nothing is left.
	End() error
}

// Memory is a journal in memory, for tests.
type Memory struct {
	Header  Header
	Changes []Change
	Ended   bool
}

// Begin implements [Journal].
func (m *Memory) Begin(h Header) error {
	m.Header = h
	return nil
}

// Record implements [Journal].
func (m *Memory) Record(c Change) error {
	m.Changes = append(m.Changes, c)
	return nil
}

// End implements [Journal].
func (m *Memory) End() error {
	m.Ended = true
	return nil
}

// ErrJournalExists is returned if an earlier probe may have left something.
var ErrJournalExists = errors.New("an earlier probe may have left trunks")

// File is a journal in a file that only its owner can read. It has whole phone numbers.
type File struct {
	// Path is the name of the file.
	Path string
	// Lock locks the file against other processes. nil does not lock it.
	Lock func(*os.File) error
	file *os.File
	torn bool // the last line has no end
}

// Begin creates the file. It returns [ErrJournalExists] if there is one. If it fails, it leaves none.
func (f *File) Begin(h Header) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return f.exists()
	}
	if err != nil {
		return err
	}
	f.file = file
	if err := f.begin(h); err != nil {
		return errors.Join(err, f.End())
	}
	return nil
}

func (f *File) begin(h Header) error {
	if err := f.lock(); err != nil {
		return err
	}
	h.Format = 1
	if err := f.write(h); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.Path))
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every file system can
	return dir.Close()
}

func (f *File) exists() error { return fmt.Errorf("%w: %s", ErrJournalExists, f.Path) }

// lock locks the file. Before that, another process may have removed it, or put another in its place.
func (f *File) lock() error {
	if f.Lock != nil {
		if err := f.Lock(f.file); err != nil {
			return err
		}
	}
	if !f.isNamed() {
		return f.exists()
	}
	return nil
}

// isNamed reports whether the open file still has its name.
func (f *File) isNamed() bool {
	open, err := f.file.Stat()
	if err != nil {
		return true // the name is all there is
	}
	named, err := os.Lstat(f.Path)
	return err == nil && os.SameFile(open, named)
}

// Record implements [Journal].
func (f *File) Record(c Change) error { return f.write(c) }

func (f *File) write(line any) error {
	data, err := json.Marshal(line)
	if err == nil {
		data = append(data, '\n')
		if f.torn {
			data = append([]byte{'\n'}, data...)
		}
		f.torn = true
		_, err = f.file.Write(data)
	}
	if err == nil {
		f.torn = false
		err = f.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("the journal of the probe: %w", err)
	}
	return nil
}

// End removes the file, unless another has its name.
func (f *File) End() error {
	if f.file != nil && !f.isNamed() {
		return f.Close()
	}
	err := os.Remove(f.Path)
	closed := f.Close()
	if err != nil { // some systems remove no file that is open
		err = os.Remove(f.Path)
	}
	return errors.Join(err, closed)
}

// Close closes the file and leaves it where it is.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// ErrJournalUnreadable is returned if a journal does not tell what a probe was started with.
var ErrJournalUnreadable = errors.New("the journal of the probe cannot be read")

// Open opens the journal of an earlier probe, to clean up after it. A last line that was cut off is
// ignored: its request was not sent. The error matches [fs.ErrNotExist] if there is no journal.
func (f *File) Open() (h Header, changes []Change, err error) {
	file, err := os.OpenFile(f.Path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrJournalUnreadable, err)
		}
		return h, nil, err
	}
	f.file = file
	if err := f.lock(); err != nil {
		return h, nil, errors.Join(err, f.Close())
	}
	if h, changes, f.torn, err = readJournal(file); err != nil {
		return h, nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrJournalUnreadable, f.Path, err), f.Close())
	}
	return h, changes, nil
}

// readJournal reads a journal. torn is whether its last line was cut off. A line in its midst that is
// damaged may have been about any of its numbers.
func readJournal(r io.Reader) (h Header, changes []Change, torn bool, err error) {
	lines := bufio.NewReader(r)
	text, err := lines.ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return h, nil, true, nil // killed before the first change
	}
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err == nil && h.Format != 1 {
		err = fmt.Errorf("it has the format %d, and this version reads 1", h.Format)
	}
	damaged := false
	for err == nil {
		if text, err = lines.ReadBytes('\n'); err != nil || len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var c Change
		if json.Unmarshal(text, &c) != nil || c.N < 1 || c.Time.IsZero() {
			damaged = true
			continue
		}
		changes = append(changes, c)
	}
	if damaged {
		changes = append(changes, h.anything()...)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && (damaged || len(changes) > 0) && len(h.Numbers) == 0 {
		err = errors.New("it has no numbers")
	}
	return h, changes, len(text) > 0, err
}

// anything returns changes that stand for a line that cannot be read. They may have removed a trunk, so
// that none is expected.
func (h *Header) anything() (changes []Change) {
	for _, number := range h.Numbers {
		for _, channel := range []string{callChannel, whatsAppChannel} {
			changes = append(changes, Change{Time: time.Now(), Method: http.MethodDelete, Number: number, Channel: channel})
		}
	}
	return changes
}
