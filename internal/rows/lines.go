package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// maxBytes bounds a line, and a CSV record that spans several lines.
const maxBytes = 1 << 20

const (
	tooLong   = "longer than 1 MiB; is the file damaged, or is a line end missing?"
	utf16Text = "UTF-16 text; save the file as CSV UTF-8"
	notUTF8   = "not UTF-8 text; save the file as CSV UTF-8"
	hasNUL    = "has a NUL byte; is the file UTF-16, or not text? Save it as CSV UTF-8"
)

// Lines reads the lines of a file, which end with LF, CR LF, or CR alone. It holds one line, and
// only the beginning of a line that is too long.
type Lines struct {
	file   io.ReadSeeker
	reader *bufio.Reader
	mark
	line    []byte // without its end; overwritten by Next
	tooLong bool   // line is only the beginning of the line
	unended bool   // the file ends without a line end
	pending []pendingLine
}

// pendingLine is a line that Next returns again.
type pendingLine struct {
	text    []byte
	tooLong bool
	unended bool
	after   mark
}

// mark is a place between two lines.
type mark struct {
	offset  int64
	number  int  // of the line before
	afterCR bool // which may have been the first half of a line end
}

// NewLines reads a file from its beginning. Everything that is read is copied to copyTo, until the
// reader goes back in the file. It goes back for CSV records alone.
func NewLines(file io.ReadSeeker, copyTo io.Writer) *Lines {
	const chunk = 64 << 10
	return &Lines{file: file, reader: bufio.NewReaderSize(io.TeeReader(file, copyTo), chunk)}
}

// Start returns the beginning of the file without a byte order mark, or the problem for which the
// file cannot be read. It is called once, before Next.
func (l *Lines) Start() (beginning []byte, problem string, err error) {
	if _, err := l.reader.Peek(l.reader.Size()); err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	beginning, _ = l.reader.Peek(l.reader.Buffered())
	if problem := notText(beginning); problem != "" {
		return nil, problem, nil
	}
	if rest, found := bytes.CutPrefix(beginning, []byte("\ufeff")); found {
		n, err := l.reader.Discard(len(beginning) - len(rest))
		l.offset += int64(n)
		return rest, "", err
	}
	return beginning, "", nil
}

// notText returns why a file is no text, by its beginning; "" if it may be.
func notText(beginning []byte) (problem string) {
	switch {
	case bytes.HasPrefix(beginning, []byte{0xff, 0xfe}), bytes.HasPrefix(beginning, []byte{0xfe, 0xff}):
		return utf16Text
	case bytes.HasPrefix(beginning, []byte("PK\x03\x04")):
		return "a workbook or another archive, not text; save the sheet as CSV UTF-8"
	}
	return ""
}

// Next reads a line. It returns false at the end of the file.
func (l *Lines) Next() (bool, error) {
	l.line, l.tooLong = l.line[:0], false
	if len(l.pending) > 0 {
		p := l.pending[0]
		l.line, l.tooLong, l.unended, l.mark = append(l.line, p.text...), p.tooLong, p.unended, p.after
		l.pending = l.pending[1:]
		return true, nil
	}
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
				l.unended = true // and stays so at the end of the file
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
		if room := maxBytes - len(l.line); len(text) > room {
			l.line, l.tooLong = append(l.line, text[:room]...), true
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

// hold returns the current line for again.
func (l *Lines) hold() pendingLine {
	return pendingLine{bytes.Clone(l.line), l.tooLong, l.unended, l.mark}
}

// again makes Next return lines again, the current one included.
func (l *Lines) again(held []pendingLine) { l.pending = held }

// Unended reports whether the last line of the file was read, and has no line end.
func (l *Lines) Unended() bool { return l.unended }

// Text returns the line without its end. It is overwritten by Next.
func (l *Lines) Text() []byte { return l.line }

// At returns the place of a byte of the line. The offset may be that of its end.
func (l *Lines) At(offset int) Place { return Place{Line: l.number, Column: column(l.line, offset)} }

// Unreadable returns why the line is not complete text, and the place; "" if it is.
func (l *Lines) Unreadable() (problem string, at Place) {
	if l.tooLong {
		return tooLong, l.At(0)
	}
	for i, r := range string(l.line) {
		if r == 0 {
			return hasNUL, l.At(i)
		}
		if _, size := utf8.DecodeRune(l.line[i:]); r == utf8.RuneError && size == 1 {
			return "not UTF-8 text; save the file as UTF-8", l.At(i)
		}
	}
	return "", Place{}
}

func (l *Lines) discard(n int) error {
	n, err := l.reader.Discard(n)
	l.offset += int64(n)
	return err
}

// goBack continues at an earlier place of the file.
func (l *Lines) goBack(to mark) error {
	l.mark, l.pending, l.unended = to, nil, false
	_, err := l.file.Seek(to.offset, io.SeekStart)
	l.reader.Reset(l.file)
	return err
}

// column is the column of a byte of a line.
func column(line []byte, offset int) int { return utf8.RuneCount(line[:offset]) + 1 }

// CharacterAt returns the number of the character at a byte of a text, from 1.
func CharacterAt(text string, offset int) int { return utf8.RuneCountInString(text[:offset]) + 1 }
