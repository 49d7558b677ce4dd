package credentials

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
)

// State is what became of a password.
type State string

// The states of a password.
const (
	Sending State = "sending" // in the file, and perhaps sent
	Stored  State = "stored"  // in force
	Failed  State = "failed"  // refused; the old password is in force
	Unknown State = "unknown" // the old or the new password is in force
)

// passwordLine is a line of the file. The first line names the workspace, each other one a
// password.
type passwordLine struct {
	Workspace   string `json:"workspace,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"`
	State       State  `json:"state,omitempty"`
	Password    string `json:"password,omitempty"`
}

// Passwords is the file that holds new passwords. It is safe for concurrent use.
type Passwords struct {
	mu     sync.Mutex
	file   *os.File
	last   map[string]passwordLine // by number
	order  []string                // the numbers of last, in the order in which they came
	stored int
	broken error // the write that failed; it may have left a part of a line
}

var (
	// ErrNotRegular is returned for a directory, a device or a pipe.
	ErrNotRegular = errors.New("not a regular file")
	// ErrReadableByOthers is returned for a file that somebody besides its owner may use.
	ErrReadableByOthers = errors.New("others can read it")
)

// FormatError is returned for a file that a rotation has not written.
type FormatError struct {
	Path string
	Line int
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s:%d: not a line that rotate has written; the file is unchanged, name another file", e.Path, e.Line)
}

// OtherWorkspaceError is returned for a file that belongs to another workspace.
type OtherWorkspaceError struct{ Path, Workspace string }

func (e *OtherWorkspaceError) Error() string {
	return fmt.Sprintf("%s belongs to another workspace, %s", e.Path, e.Workspace)
}

// OpenPasswords opens the file of a workspace, or creates it. Only one process can have it open;
// for a second one OpenPasswords returns [files.ErrInUse].
func OpenPasswords(path, workspace string) (_ *Passwords, err error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	p := &Passwords{file: file, last: map[string]passwordLine{}}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if err := checkFile(file); err != nil {
		return nil, err
	}
	if err := files.Lock(file); err != nil {
		return nil, err
	}
	owner, size, err := p.read(path)
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(size); err != nil { // removes a line that a crash has cut off
		return nil, err
	}
	if _, err := file.Seek(size, io.SeekStart); err != nil {
		return nil, err
	}
	switch owner {
	case workspace:
		return p, nil
	case "":
		return p, errors.Join(p.write(passwordLine{Workspace: workspace}), files.SyncDir(filepath.Dir(path)))
	}
	return nil, &OtherWorkspaceError{path, owner}
}

// ReadPasswords reads the file of a workspace and leaves it as it is. If there is no file, there
// are no passwords. Only Pending and StoredBefore can be called on the result.
func ReadPasswords(path, workspace string) (*Passwords, error) {
	p := &Passwords{last: map[string]passwordLine{}}
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if err := checkFile(file); err != nil {
		return nil, err
	}
	p.file = file
	owner, _, err := p.read(path)
	if err == nil && owner != "" && owner != workspace {
		err = &OtherWorkspaceError{path, owner}
	}
	return p, err
}

// checkRegular refuses what is not a regular file before it is opened: opening a pipe waits for its
// other end. If there is nothing with this name, it returns nil.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return ErrNotRegular
	}
	return nil
}

// checkFile refuses a file that is unsuitable for secrets.
func checkFile(file *os.File) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return ErrNotRegular
	case files.ReadableByOthers(info):
		return ErrReadableByOthers
	}
	return nil
}

// read reads the file. It returns the workspace that the file belongs to, or "" if the file is new,
// and the size of its complete lines.
func (p *Passwords) read(path string) (workspace string, size int64, err error) {
	reader := bufio.NewReader(p.file)
	for n := 1; ; n++ {
		text, err := reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", 0, err
		}
		torn := err != nil
		if torn && (n > 1 || isTornHead(text)) {
			break
		}
		line, ok := parseLine(text, n)
		if torn || !ok {
			return "", 0, &FormatError{path, n}
		}
		size += int64(len(text))
		if n == 1 {
			workspace = line.Workspace
			continue
		}
		p.remember(line)
	}
	for _, line := range p.last {
		if line.State == Stored {
			p.stored++
		}
	}
	return workspace, size, nil
}

func parseLine(text []byte, n int) (line passwordLine, ok bool) {
	if json.Unmarshal(text, &line) != nil {
		return line, false
	}
	if n == 1 {
		return line, line.Workspace != ""
	}
	return line, line.PhoneNumber != ""
}

// isTornHead reports whether a text is the beginning of a first line. A file that somebody else has
// written must not be cut.
func isTornHead(text []byte) bool {
	const head = `{"workspace":"`
	n := min(len(text), len(head))
	return string(text[:n]) == head[:n]
}

func (p *Passwords) remember(line passwordLine) {
	if _, ok := p.last[line.PhoneNumber]; !ok {
		p.order = append(p.order, line.PhoneNumber)
	}
	p.last[line.PhoneNumber] = line
}

// StoredBefore returns how many passwords were stored when the file was opened.
func (p *Passwords) StoredBefore() int { return p.stored }

// Pending returns the trunks that need a password: those whose password in the file is not stored
// yet, then those selected that the file does not have.
func (p *Passwords) Pending(selected []mihu.TrunkID) []mihu.TrunkID {
	var ids []mihu.TrunkID
	for _, number := range p.order {
		if p.last[number].State != Stored {
			ids = append(ids, mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall})
		}
	}
	for _, id := range selected {
		if _, ok := p.last[id.PhoneNumber]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// Begin returns the password to send to a trunk: the one in the file, or a new one. It is on the
// disk when Begin returns.
func (p *Passwords) Begin(id mihu.TrunkID, length int) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	password := p.last[id.PhoneNumber].Password
	if password == "" {
		password = NewPassword(length)
	}
	return password, p.write(passwordLine{PhoneNumber: id.PhoneNumber, State: Sending, Password: password})
}

// Record records what became of a password. It is on the disk when Record returns.
func (p *Passwords) Record(id mihu.TrunkID, state State, password string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(passwordLine{PhoneNumber: id.PhoneNumber, State: state, Password: password})
}

// write writes a line and flushes it to the disk. After a write that failed it does nothing.
func (p *Passwords) write(line passwordLine) error {
	if p.broken != nil {
		return p.broken
	}
	text, err := json.Marshal(line) //nolint:gosec // the file is for the password
	if err != nil {
		return err
	}
	if _, err = p.file.Write(append(text, '\n')); err == nil {
		err = p.file.Sync()
	}
	p.broken = err
	if err == nil && line.PhoneNumber != "" {
		p.remember(line)
	}
	return err
}

// Close closes the file and releases its lock.
func (p *Passwords) Close() error { return p.file.Close() }
