package xlsx

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of what is read of a workbook. A sheet with a million rows of eight columns has some
// 400 MB.
const (
	maxDirectory = 4 << 20   // bytes of the archive's directory
	maxSmall     = 16 << 20  // inflated bytes of a part other than the following
	maxStrings   = 256 << 20 // inflated bytes of the shared strings
	maxText      = 64 << 20  // bytes of their texts, which are held in memory
	maxSheet     = 512 << 20 // inflated bytes of a sheet
	maxInflated  = 1 << 30   // inflated bytes that are read of all parts together
	maxToken     = 1 << 20   // bytes of a tag or of a text
	maxDepth     = 64        // of elements
	maxRows      = 1 << 20   // the last row of a sheet, as in Excel
	maxColumns   = 1024      // the last column that has a value; Excel has 16,384
	maxCellText  = 32767     // characters of a cell, as in Excel
	maxEmitted   = 1 << 30   // bytes of the texts of all cells: many cells may share one text
	maxSheets    = 1000
)

// Error is why a workbook cannot be read. It holds nothing of the cells.
type Error struct {
	// Cell is the place, such as Sheet1!B7; "" if it is the workbook as a whole. Row and Column are
	// its numbers, from 1, or 0.
	Cell        string
	Row, Column int
	// Problem says what is wrong and what to do.
	Problem string
}

// Error returns the problem, with its place if there is one.
func (e *Error) Error() string {
	if e.Cell != "" {
		return e.Cell + ": " + e.Problem
	}
	return e.Problem
}

func wrong(format string, args ...any) error { return &Error{Problem: fmt.Sprintf(format, args...)} }

const orCSV = "; save the sheet as CSV UTF-8 instead"

// part reads the XML of a part of a workbook, token by token.
type part struct {
	name string
	file io.ReadCloser
	dec  *xml.Decoder
	in   *meter
	// depth counts the elements that are open.
	depth int
}

// open opens a part that may have a number of inflated bytes.
func (b *Book) openPart(file *zip.File, most int64) (*part, error) {
	switch {
	case file.UncompressedSize64 > uint64(most): //nolint:gosec // it is positive
		return nil, wrong("%s in the workbook is too large: %d MB, and %d are read"+orCSV, clip(file.Name), file.UncompressedSize64>>20, most>>20)
	case file.Flags&1 != 0:
		return nil, wrong("the workbook is encrypted; save it without a password")
	}
	r, err := file.Open()
	if err != nil {
		return nil, damaged(file.Name, err)
	}
	in := &meter{from: r, book: b}
	p := &part{name: file.Name, file: r, in: in, dec: xml.NewDecoder(bufio.NewReaderSize(in, 32<<10))}
	return p, nil
}

func (p *part) close() { _ = p.file.Close() }

// damaged returns the error of a part that cannot be read. An error of the XML is not shown: it quotes
// what is there.
func damaged(name string, err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	what := "is not XML in UTF-8"
	switch {
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF):
		what = "is not what the archive says"
	case errors.Is(err, zip.ErrAlgorithm):
		what = "is compressed in a way that is not known"
	}
	return wrong("the workbook is damaged: its part %s %s; open it and save it again", clip(name), what)
}

// next returns the next token, and io.EOF after a complete document. The token is valid until the
// following call.
func (p *part) next() (xml.Token, error) {
	p.in.token = 0
	token, err := p.dec.Token()
	switch {
	case errors.Is(err, io.EOF) && p.in.ended:
		return nil, io.EOF
	case err != nil:
		return nil, damaged(p.name, err)
	}
	switch token.(type) {
	case xml.StartElement:
		if p.depth++; p.depth > maxDepth {
			return nil, wrong("%s in the workbook has too many elements within each other", clip(p.name))
		}
	case xml.EndElement:
		p.depth--
	}
	return token, nil
}

// skip reads to the end of the element that was begun last.
func (p *part) skip() error {
	for end := p.depth - 1; p.depth > end; {
		if _, err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// each calls do with every element in the part that has one of the names.
func (p *part) each(names string, do func(xml.StartElement) error) error {
	for {
		token, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok && strings.Contains(names, " "+start.Name.Local+" ") {
			if err := do(start); err != nil {
				return err
			}
		}
	}
}

// attr returns the value of an attribute; "" if there is none.
func attr(start *xml.StartElement, name string) string {
	for i := range start.Attr {
		if start.Attr[i].Name.Local == name {
			return start.Attr[i].Value
		}
	}
	return ""
}

func isTrue(value string) bool { return value == "1" || value == "true" }

// meter bounds what is read: the bytes between two tokens, which the decoder holds in memory, and the
// bytes of the workbook.
type meter struct {
	from  io.Reader
	book  *Book
	token int
	ended bool // the part was read to its end, and its checksum is right
}

func (m *meter) Read(p []byte) (int, error) {
	switch {
	case m.token > maxToken:
		return 0, wrong("the workbook has a text or a tag of more than %d MB%s", maxToken>>20, orCSV)
	case m.book.inflated > maxInflated:
		return 0, wrong("the workbook is too large: more than %d MB%s", maxInflated>>20, orCSV)
	}
	n, err := m.from.Read(p)
	m.token += n
	m.book.inflated += int64(n)
	m.ended = errors.Is(err, io.EOF)
	return n, err
}
