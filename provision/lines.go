package provision

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// mostBytes bounds a line, and a record of CSV that goes over several.
const mostBytes = 1 << 20

const (
	tooLong = "longer than 1 MiB; is the file damaged, or is a line end missing?"
	notUTF8 = "not UTF-8 text; save the file as CSV UTF-8"
	hasNUL  = "has a NUL byte; is the file UTF-16, or not text? Save it as CSV UTF-8"
)

// lines reads the lines of a file, which end with LF, CR LF, or CR alone. It holds one line, and of one
// that is too long only its beginning.
type lines struct {
	file   io.ReadSeeker
	reader *bufio.Reader
	mark
	line  []byte // without its end; overwritten by next
	long  bool   // the line was too long, and is not all there
	again bool   // next gives the line once more
}

// mark is a place between two lines.
type mark struct {
	offset  int64
	number  int  // of the line before
	afterCR bool // which may have been the first half of a line end
}

// newLines reads from the beginning of a file, and shows what it reads to copyTo until it is made to go back.
func newLines(file io.ReadSeeker, copyTo io.Writer) *lines {
	const chunk = 64 << 10
	return &lines{file: file, reader: bufio.NewReaderSize(io.TeeReader(file, copyTo), chunk)}
}

// start looks at the beginning of the file, and says why it cannot be read where it cannot. It goes past a
// byte order mark.
func (l *lines) start() (beginning []byte, problem string, err error) {
	if _, err := l.reader.Peek(l.reader.Size()); err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	beginning, _ = l.reader.Peek(l.reader.Buffered())
	switch {
	case bytes.HasPrefix(beginning, []byte{0xff, 0xfe}), bytes.HasPrefix(beginning, []byte{0xfe, 0xff}):
		return nil, "UTF-16 text; save the file as CSV UTF-8", nil
	case bytes.HasPrefix(beginning, []byte("PK\x03\x04")):
		return nil, "a workbook or another archive, and not text; save the sheet as CSV UTF-8", nil
	}
	if rest, found := bytes.CutPrefix(beginning, []byte("\ufeff")); found {
		n, err := l.reader.Discard(len(beginning) - len(rest))
		l.offset += int64(n)
		return rest, "", err
	}
	return beginning, "", nil
}

// next reads a line; false is the end of the file.
func (l *lines) next() (bool, error) {
	if l.again {
		l.again = false
		return true, nil
	}
	l.line, l.long = l.line[:0], false
	if l.afterCR {
		l.afterCR = false
		if next, _ := l.reader.Peek(1); len(next) == 1 && next[0] == '\n' {
			if err := l.discard(1); err != nil {
				return false, err
			}
		}
	}
	for begun := false; ; begun = true {
		if _, err := l.reader.Peek(1); err != nil {
			if !errors.Is(err, io.EOF) {
				return false, err
			}
			if begun {
				l.number++
			}
			return begun, nil
		}
		chunk, _ := l.reader.Peek(l.reader.Buffered())
		text := chunk
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			text = text[:i]
		}
		if i := bytes.IndexByte(text, '\r'); i >= 0 {
			text, l.afterCR = text[:i], true
		}
		if room := mostBytes - len(l.line); len(text) > room {
			l.line, l.long = append(l.line, text[:room]...), true
		} else {
			l.line = append(l.line, text...)
		}
		ended := len(text) < len(chunk)
		if err := l.discard(min(len(text)+1, len(chunk))); err != nil {
			return false, err
		}
		if ended {
			l.number++
			return true, nil
		}
	}
}

// unreadable says why the line is no whole text, and at which byte.
func (l *lines) unreadable() (problem string, offset int) {
	if l.long {
		return tooLong, 0
	}
	for i, r := range string(l.line) {
		if r == 0 {
			return hasNUL, i
		}
		if _, size := utf8.DecodeRune(l.line[i:]); r == utf8.RuneError && size == 1 {
			return "not UTF-8 text; save the file as UTF-8", i
		}
	}
	return "", 0
}

func (l *lines) discard(n int) error {
	n, err := l.reader.Discard(n)
	l.offset += int64(n)
	return err
}

// back goes on from a place that was read past.
func (l *lines) back(to mark) error {
	l.mark = to
	_, err := l.file.Seek(to.offset, io.SeekStart)
	l.reader.Reset(l.file)
	return err
}

// column is the column of a byte of the line.
func column(line []byte, offset int) int { return utf8.RuneCount(line[:offset]) + 1 }
