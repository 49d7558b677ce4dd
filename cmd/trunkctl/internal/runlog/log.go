package runlog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
)

// Log is the log of one workspace.
type Log struct {
	// Dir returns the directory that holds the state of programs.
	Dir func() (string, error)
	// Address is the base URL of the workspace.
	Address string
	// Keep is the age at which a record is removed; 0 means never.
	Keep time.Duration
}

// NewRun returns an identifier for a run: its time, and four random digits.
func NewRun(now time.Time) string {
	var random [2]byte
	_, _ = rand.Read(random[:]) // it never fails
	return now.UTC().Format("20060102-150405-") + hex.EncodeToString(random[:])
}

// Path returns the name of the file.
func (l Log) Path() (string, error) {
	dir, err := l.Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "trunkctl", "log", url.QueryEscape(l.Address)+".jsonl"), nil
}

// Append adds a record. It is in the file when Append returns; the start and the end of a run are
// flushed to the disk too. The start of a run also removes records that are too old.
func (l Log) Append(ctx context.Context, r Record) error {
	r.Version = Version
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path, err := l.Path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	release, err := files.Hold(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer release()
	if r.Event == Start {
		if err := l.prune(path, r.Time); err != nil {
			return err
		}
	}
	return appendLine(path, append(line, '\n'), r.Event != Change)
}

// appendLine adds a line in one write. If a crash has left a part of one, that part becomes a line
// of its own, which readers skip.
func appendLine(path string, line []byte, sync bool) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // a file of this program's own
	if err != nil {
		return err
	}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		var last [1]byte
		if _, err := file.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = file.Write(line)
	if err == nil && sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// pruneInterval is how much older than Keep the first record must be before the file is rewritten.
const pruneInterval = 24 * time.Hour

// prune removes the records that are too old. The caller holds the lock.
func (l Log) prune(path string, now time.Time) error {
	if l.Keep <= 0 {
		return nil
	}
	for first := range records(path) {
		if now.Sub(first.Time) < l.Keep+pruneInterval {
			return nil
		}
		break
	}
	if !files.Exists(path) {
		return nil
	}
	return files.Replace(path, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		for r := range records(path) {
			if now.Sub(r.Time) >= l.Keep {
				continue
			}
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			_, _ = out.Write(append(line, '\n')) // the error is kept for Flush
		}
		return out.Flush()
	})
}

// Records returns the records, oldest first. A log that does not exist has none.
func (l Log) Records() (iter.Seq[Record], error) {
	path, err := l.Path()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path) //nolint:gosec // a file of this program's own
	if err == nil {
		err = file.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return records(path), nil
}

// records reads a file. It skips what is not a record: the part of a line that a crash has left.
func records(path string) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		file, err := os.Open(path) //nolint:gosec // a file of this program's own
		if err != nil {
			return
		}
		defer func() { _ = file.Close() }()
		in := bufio.NewReader(file)
		for {
			line, err := in.ReadBytes('\n')
			var r Record
			if bytes.HasSuffix(line, []byte{'\n'}) && json.Unmarshal(line, &r) == nil && r.Run != "" && !yield(r) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}
