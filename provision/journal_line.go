package provision

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"
)

// A journal is JSON lines. The first is its head, each of the others is for one item. A line ends
// with a checksum of everything before it, so that a line that was cut short or changed is
// detected:
//
//	{"journal":"mihu-provision","version":1,…,"crc32c":"0a1b2c3d"}
//	{"index":0,"line":2,"trunk":"+1234•••8901/call","action":"created",…,"crc32c":"4e5f6071"}
const (
	journalKind    = "mihu-provision"
	journalVersion = 1
	checksumKey    = `,"crc32c":"`
	checksumLength = len(checksumKey) + 8 + len("\"}")
)

// journalHead identifies the input of the journal.
type journalHead struct {
	Journal string `json:"journal"`
	Version int    `json:"version"`
	// Salt, Rounds and Input identify the input; see identify.
	Salt   []byte    `json:"salt"`
	Rounds int       `json:"rounds"`
	Input  []byte    `json:"input"`
	Time   time.Time `json:"time"`
}

// journalEntry is a finished item, or a failed one, which is there for people to read.
type journalEntry struct {
	Index  int       `json:"index"`
	Line   int       `json:"line,omitempty"`
	Trunk  string    `json:"trunk"`
	Action Action    `json:"action"`
	Digest string    `json:"digest,omitempty"`
	Time   time.Time `json:"time"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // never changed

// appendLine appends v as a line with its checksum.
func appendLine(to []byte, v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return to, err
	}
	line = line[:len(line)-1] // the brace follows the checksum
	return append(appendChecksum(append(to, line...), line), '\n'), nil
}

// readLine decodes a complete line into v. It returns false if the line is not as it was written.
func readLine(line []byte, v any) bool {
	line, ended := bytes.CutSuffix(line, []byte("\n"))
	if !ended || len(line) <= checksumLength {
		return false
	}
	body, tail := line[:len(line)-checksumLength], line[len(line)-checksumLength:]
	return bytes.Equal(tail, appendChecksum(nil, body)) && json.Unmarshal(line, v) == nil
}

// appendChecksum appends the end of a line.
func appendChecksum(to, line []byte) []byte {
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(line, castagnoli))
	return append(hex.AppendEncode(append(to, checksumKey...), sum), "\"}"...)
}

// lineFile is how the lines of a file are read.
type lineFile struct {
	// kind names the file in errors, path is where it is, and advice is what to do if it is damaged.
	kind, path, advice string
	// first is the beginning of the first line.
	first string
	// damaged is the error for a line that is not as it was written.
	damaged error
	// other returns the error for a file of another program.
	other func() error
	// take is called with each line, its number from 1 and its place. It returns false for a line that
	// is not as it was written.
	take func(line []byte, number int, at int64) (ok bool, err error)
}

// readLines reads the lines of a file, and returns the length of those that are complete. Only the
// last may be damaged, by a write that was cut short.
func readLines(file io.Reader, f lineFile) (whole int64, err error) {
	lines := bufio.NewReaderSize(file, maxLine)
	damaged := 0 // the number of a line that is not as it was written
	for number := 1; ; number++ {
		line, length, err := nextLine(lines)
		switch {
		case length == 0 && errors.Is(err, io.EOF):
			return whole, nil
		case err != nil && !errors.Is(err, io.EOF):
			return 0, fmt.Errorf("provision: %s: %w", f.kind, err)
		case number == 1 && isBlank(line):
			return 0, nil
		case damaged > 0:
			return 0, fmt.Errorf("%w: line %d of %q is not as it was written; %s", f.damaged, damaged, f.path, f.advice)
		case number == 1 && !f.isFirst(line):
			return 0, f.other()
		}
		ok, err := f.take(line, number, whole)
		switch {
		case err != nil:
			return 0, err
		case !ok:
			damaged = number
		default:
			whole += length
		}
	}
}

// isFirst reports whether a line is the first of such a file, or its beginning. Very few bytes may be
// the beginning of another program's file too, and are not enough.
func (f *lineFile) isFirst(line []byte) bool {
	begin := f.first + `",`
	few := strings.LastIndexByte(f.first, '"') + 1 // where the kind begins
	return len(line) >= few && bytes.HasPrefix(line, []byte(begin[:min(len(line), len(begin))]))
}

// isBlank reports whether a file that has no other line is nobody's: a loss of power can leave NUL
// bytes where the first line was to be written.
func isBlank(line []byte) bool { return len(line) > 0 && len(bytes.Trim(line, "\x00")) == 0 }

// nextLine returns a line with its end, nil if it is longer than any line that is written, and its
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
