package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

// journal is the file of passwords. It is safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	file *os.File
	temp bool
}

// newJournal creates a file that only its owner can read. An existing file is an error, because it
// may hold the only copy of valid passwords. If name is empty, the file is temporary.
func newJournal(name string) (*journal, error) {
	if name == "" {
		file, err := os.CreateTemp("", "passwords-*.jsonl")
		return &journal{file: file, temp: true}, err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the path comes from the user
	return &journal{file: file}, err
}

// write appends a line and syncs the file to disk.
func (j *journal) write(id mihu.TrunkID, state, password string) error {
	line, err := json.Marshal(map[string]string{"number": id.PhoneNumber, "state": state, "password": password})
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

func (j *journal) close() error {
	err := j.file.Close()
	if j.temp {
		err = errors.Join(err, os.Remove(j.file.Name()))
	}
	return err
}

// readTrunks returns the trunks of a list, or all call trunks of the workspace, without duplicates:
// if two workers updated the same trunk, it would be unknown which password is valid.
func readTrunks(ctx context.Context, env example.Env, client *mihu.Client, list string) ([]mihu.TrunkID, error) {
	var numbers []string
	switch list {
	case "":
		for number, err := range client.Trunks.All(ctx, nil) {
			if err != nil {
				return nil, err // an incomplete list is an error
			}
			if number.Binding(mihu.ChannelCall).Bound {
				numbers = append(numbers, number.Number)
			}
		}
	default:
		read := func() ([]byte, error) { return os.ReadFile(list) } //nolint:gosec // the path comes from the user
		if list == "-" {
			read = func() ([]byte, error) { return io.ReadAll(env.Stdin) }
		}
		text, err := read()
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if number := strings.TrimSpace(line); number != "" {
				numbers = append(numbers, number)
			}
		}
	}
	var trunks []mihu.TrunkID
	seen := map[string]bool{}
	for _, number := range numbers {
		if !seen[number] {
			seen[number] = true
			trunks = append(trunks, mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall})
		}
	}
	return trunks, nil
}
