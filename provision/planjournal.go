package provision

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// planJournal records in a file that a plan was begun, with a digest of each of its changes, and that
// it was finished. What a second run of the plan still has to do must be among them.
type planJournal struct {
	path     string
	id       string
	key      StateKey
	begun    bool
	finished bool
	targets  map[[16]byte]struct{}
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
	Changes  []string `json:"changes,omitempty"`
	Begun    bool     `json:"begun,omitempty"`
	Finished bool     `json:"finished,omitempty"`
}

// readPlanJournal reads the journal of a plan. One that does not exist was not begun.
func readPlanJournal(dir, id string, key StateKey) (*planJournal, error) {
	id = strings.ToLower(id)
	j := &planJournal{path: filepath.Join(dir, id+".plan"), id: id, key: key, targets: map[[16]byte]struct{}{}}
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
		target, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(target) != len([16]byte{}) {
			return false
		}
		j.targets[[16]byte(target)] = struct{}{}
	}
	j.begun, j.finished = j.begun || line.Begun, j.finished || line.Finished
	return true
}

// contains reports whether all changes are those of the plan that was begun.
func (j *planJournal) contains(changes []plannedChange) bool {
	for i := range changes {
		if _, ok := j.targets[changes[i].target]; !ok {
			return false
		}
	}
	return true
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
			line.Changes = append(line.Changes, base64.RawURLEncoding.EncodeToString(changes[i].target[:]))
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
