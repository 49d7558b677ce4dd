package provision

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
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
