package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/mihu-go/mihu"
)

// The states of a password.
const (
	stateSending = "sending"
	stateStored  = "stored"
	stateFailed  = "failed"
	stateUnknown = "unknown"
)

// passwordLine is a line of the file of passwords. The first line names the workspace.
type passwordLine struct {
	Workspace   string `json:"workspace,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"`
	State       string `json:"state,omitempty"`
	Password    string `json:"password,omitempty"`
}

// passwords is the file that holds new passwords, several workers writing to it.
type passwords struct {
	mu     sync.Mutex
	file   *os.File
	last   map[string]passwordLine // by number
	order  []string                // the numbers of last, as they came
	stored int                     // when the file was opened
	broken error                   // a write that failed: nothing can be relied upon after it
}

// openPasswords opens the file, or makes it. One process can have it open.
func openPasswords(path, workspace string) (_ *passwords, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	p := &passwords{file: file, last: map[string]passwordLine{}}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, usagef("--file %s: not a regular file", path)
	}
	if othersMayRead(info) {
		return nil, &usageError{problem: path + " can be read by others", advice: "run: chmod 600 " + shellQuote(path)}
	}
	if err := lock(file); err != nil {
		return nil, usagef("--file %s: another process has it open", path)
	}
	there, err := p.read(path)
	if err != nil {
		return nil, err
	}
	switch there {
	case workspace:
		return p, nil
	case "":
		return p, errors.Join(p.write(passwordLine{Workspace: workspace}), syncDir(filepath.Dir(path)))
	}
	return nil, &usageError{problem: fmt.Sprintf("%s is of another workspace, %s", path, there), advice: "name another file"}
}

// read takes in what is there, and drops a last line that a crash has torn.
func (p *passwords) read(path string) (workspace string, err error) {
	reader := bufio.NewReader(p.file)
	var whole int64
	for n := 1; ; n++ {
		text, err := reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		torn := err != nil
		if torn && (n > 1 || isTornHead(text)) {
			break
		}
		var line passwordLine
		if torn || json.Unmarshal(text, &line) != nil || n == 1 && line.Workspace == "" || n > 1 && line.PhoneNumber == "" {
			return "", &inputError{fmt.Sprintf("%s:%d: not a line of a file that rotate has written; it is left as it is, name another file", path, n)}
		}
		whole += int64(len(text))
		if n == 1 {
			workspace = line.Workspace
			continue
		}
		p.remember(line)
	}
	for _, line := range p.last {
		if line.State == stateStored {
			p.stored++
		}
	}
	if err := p.file.Truncate(whole); err != nil {
		return "", err
	}
	_, err = p.file.Seek(whole, io.SeekStart)
	return workspace, err
}

// isTornHead tells the beginning of a first line from a file of somebody else, which must not be cut.
func isTornHead(text []byte) bool {
	const head = `{"workspace":"`
	n := min(len(text), len(head))
	return string(text[:n]) == head[:n]
}

func (p *passwords) remember(line passwordLine) {
	if _, there := p.last[line.PhoneNumber]; !there {
		p.order = append(p.order, line.PhoneNumber)
	}
	p.last[line.PhoneNumber] = line
}

// todo is what the file has that is not stored, and what is selected and not in the file.
func (p *passwords) todo(selected []mihu.TrunkID) []mihu.TrunkID {
	var ids []mihu.TrunkID
	for _, number := range p.order {
		if p.last[number].State != stateStored {
			ids = append(ids, mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall})
		}
	}
	for _, id := range selected {
		if _, there := p.last[id.PhoneNumber]; !there {
			ids = append(ids, id)
		}
	}
	return ids
}

// sending gives the password of a trunk, which is on the disk when it returns: the one that the file
// has, or a new one.
func (p *passwords) sending(id mihu.TrunkID, draw func() string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	password := p.last[id.PhoneNumber].Password
	if password == "" {
		password = draw()
	}
	return password, p.write(passwordLine{PhoneNumber: id.PhoneNumber, State: stateSending, Password: password})
}

// outcome records what became of a password.
func (p *passwords) outcome(id mihu.TrunkID, state, password string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(passwordLine{PhoneNumber: id.PhoneNumber, State: state, Password: password})
}

// write returns when the line is on the disk. After a write that failed there is no other, since it
// may have left a part of a line.
func (p *passwords) write(line passwordLine) error {
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

func (p *passwords) close() error { return p.file.Close() }

// syncDir has the name of a new file on the disk. Not every system can do it.
func syncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the directory of a file that the user names
	if err != nil {
		return err
	}
	_ = dir.Sync()
	return dir.Close()
}
