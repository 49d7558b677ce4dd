package provision

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// planJournal records in a file that a plan was begun, with a digest of each of its changes, and that
// it was finished. What a second run of the plan still has to do must be among them, and begin from
// the same agents.
type planJournal struct {
	path     string
	id       string
	key      StateKey
	begun    bool
	finished bool
	origins  map[[16]byte][16]byte // of each change, by its target
}

const (
	planJournalKind = "mihu-plan"
	targetsOfLine   = 64
)

// planLine is a line of the file: the head, the digests of changes, or the end.
type planLine struct {
	Plan     string   `json:"plan,omitempty"`
	Version  int      `json:"version,omitempty"`
	ID       string   `json:"id,omitempty"`
	KeyID    string   `json:"key_id,omitempty"`
	Changes  []string `json:"changes,omitempty"` // target and origin of each
	Begun    bool     `json:"begun,omitempty"`
	Finished bool     `json:"finished,omitempty"`
}

// readPlanJournal reads the journal of a plan. One that does not exist was not begun.
func readPlanJournal(dir, id string, key StateKey) (*planJournal, error) {
	id = strings.ToLower(id)
	j := &planJournal{path: filepath.Join(dir, id+".plan"), id: id, key: key, origins: map[[16]byte][16]byte{}}
	file, err := os.Open(j.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return j, nil
	case err != nil:
		return nil, fmt.Errorf("provision: journal of the plan: %w", err)
	}
	err = j.read(file)
	return j, errors.Join(err, file.Close())
}

func (j *planJournal) read(file io.Reader) error {
	lines := bufio.NewReaderSize(file, maxLine)
	for number := 1; ; number++ {
		line, length, err := nextLine(lines)
		last := errors.Is(err, io.EOF)
		switch {
		case length == 0 && last:
			return nil
		case err != nil && !last:
			return fmt.Errorf("provision: journal of the plan: %w", err)
		}
		var read planLine
		switch {
		case !readLine(line, &read) && last:
			return nil // it was cut short
		case !readLine(line, &read) || !j.take(&read):
			return fmt.Errorf("%w: line %d of %q is not as it was written; make the plan again", ErrJournalDamaged, number, j.path)
		case number == 1 && (read.Plan != planJournalKind || read.ID != j.id || read.KeyID != j.key.ID()):
			return fmt.Errorf("%w: %q is not the journal of this plan", ErrOtherInput, j.path)
		}
	}
}

// take adds a line. It returns false if this package cannot have written it.
func (j *planJournal) take(line *planLine) bool {
	for _, text := range line.Changes {
		change, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(change) != 2*len([16]byte{}) {
			return false
		}
		j.origins[[16]byte(change[:16])] = [16]byte(change[16:])
	}
	j.begun, j.finished = j.begun || line.Begun, j.finished || line.Finished
	return true
}

// contains reports whether all changes are left of the plan that was begun: they want the same, and
// each trunk is where the plan found it, or where a run of the plan has put it: on its agent, or on the
// spare one. A trunk that is anywhere else, or is gone, was changed by somebody else.
func (j *planJournal) contains(changes []plannedChange, spare [16]byte) bool {
	for i := range changes {
		c := &changes[i]
		origin, ok := j.origins[c.target]
		switch {
		case !ok:
			return false
		case origin == j.origin(c), c.verb() == Update:
		case c.verb() == Assign && spare != [16]byte{} && c.from == spare:
		default:
			return false
		}
	}
	return true
}

// origin returns a digest of the agent that a change begins from.
func (j *planJournal) origin(c *plannedChange) (digest [16]byte) {
	h := hmac.New(sha256.New, j.key.key[:])
	_, _ = io.WriteString(h, "origin\x00")
	_, _ = h.Write(c.target[:])
	_, _ = h.Write(c.from[:])
	copy(digest[:], h.Sum(nil))
	return digest
}

// begin records the changes of a plan before the first of them is sent.
func (j *planJournal) begin(changes []plannedChange) error {
	if j.begun {
		return nil
	}
	lines := []planLine{{Plan: planJournalKind, Version: 1, ID: j.id, KeyID: j.key.ID()}}
	for from := 0; from < len(changes); from += targetsOfLine {
		var line planLine
		for i := from; i < min(from+targetsOfLine, len(changes)); i++ {
			origin := j.origin(&changes[i])
			line.Changes = append(line.Changes, base64.RawURLEncoding.EncodeToString(slices.Concat(changes[i].target[:], origin[:])))
		}
		lines = append(lines, line)
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return fmt.Errorf("provision: journal of the plan: %w", err)
	}
	if err := j.append(os.O_TRUNC, append(lines, planLine{Begun: true})); err != nil {
		return err
	}
	j.begun = true
	return syncDir(j.path)
}

// finish records that everything was done.
func (j *planJournal) finish() error { return j.append(os.O_APPEND, []planLine{{Finished: true}}) }

func (j *planJournal) append(how int, lines []planLine) error {
	var text []byte
	for _, line := range lines {
		var err error
		if text, err = appendLine(text, line); err != nil {
			return fmt.Errorf("provision: journal of the plan: %w", err)
		}
	}
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE|how, 0o600)
	if err != nil {
		return fmt.Errorf("provision: journal of the plan: %w", err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("provision: journal of the plan: %w", err)
	}
	return nil
}
