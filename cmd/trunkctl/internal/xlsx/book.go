package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
)

// IsWorkbook reports whether a file that begins so is a workbook, or one that Open refuses with
// advice: one that is encrypted, or of an older format. The first eight bytes suffice.
func IsWorkbook(beginning []byte) bool { return isArchive(beginning) || isCompound(beginning) }

func isArchive(beginning []byte) bool { return strings.HasPrefix(string(beginning), "PK\x03\x04") }
func isCompound(beginning []byte) bool {
	return strings.HasPrefix(string(beginning), "\xd0\xcf\x11\xe0")
}

// Book is an open workbook.
type Book struct {
	parts    map[string]*zip.File
	sheets   []sheet
	strings  *zip.File // nil: there are none
	formats  []numberFormat
	inflated int64 // bytes of all parts
	shared   *sharedStrings
}

// sheet is a sheet of cells.
type sheet struct {
	name   string
	hidden bool
	file   *zip.File
}

// SheetsError means that it is not known which sheet to read.
type SheetsError struct {
	// Problem says why.
	Problem string
	// Sheets are the names of the sheets to choose from.
	Sheets []string
}

// Error returns the problem.
func (e *SheetsError) Error() string { return e.Problem }

// Open opens a workbook. It reads what the parts of the workbook are, and no sheet. The error is an
// [*Error] unless r cannot be read.
func Open(r io.ReaderAt, size int64) (*Book, error) {
	beginning := make([]byte, 8)
	if n, err := r.ReadAt(beginning, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if beginning = beginning[:n]; isCompound(beginning) {
		return nil, wrong("the workbook is encrypted, or in the older format .xls; save it as .xlsx without a password")
	}
	files, err := directory(r, size)
	if err != nil {
		return nil, err
	}
	b := &Book{parts: files}
	if err := b.read(); err != nil {
		return nil, err
	}
	return b, nil
}

// directory returns the parts of a workbook by their names.
func directory(r io.ReaderAt, size int64) (map[string]*zip.File, error) {
	bounded := &boundedReaderAt{from: r, left: maxDirectory}
	archive, err := zip.NewReader(bounded, size)
	switch {
	case bounded.left < 0:
		return nil, wrong("the workbook has too many parts" + orCSV)
	case err != nil:
		return nil, wrong("the workbook is damaged: it is not a complete archive; open it and save it again")
	}
	bounded.left = -1 // from here on, parts are read
	bounded.open = true
	files := make(map[string]*zip.File, len(archive.File))
	for _, f := range archive.File {
		name := strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
		if files[name] != nil {
			return nil, wrong("the workbook is damaged: it has two parts with the same name; open it and save it again")
		}
		files[name] = f
	}
	return files, nil
}

// boundedReaderAt bounds how much is read until it is open.
type boundedReaderAt struct {
	from io.ReaderAt
	left int64
	open bool
}

func (r *boundedReaderAt) ReadAt(p []byte, at int64) (int, error) {
	if !r.open {
		if r.left -= int64(len(p)); r.left < 0 {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return r.from.ReadAt(p, at)
}

// read finds the parts of the workbook.
func (b *Book) read() error {
	top, err := b.relations("", "_rels/.rels")
	if err != nil {
		return err
	}
	at := slices.IndexFunc(top, func(r relation) bool { return r.kind == "officeDocument" })
	if at < 0 || !strings.HasSuffix(top[at].target, ".xml") || b.parts[top[at].target] == nil {
		return wrong("not a workbook of the format .xlsx; save it as .xlsx, or the sheet as CSV UTF-8")
	}
	main := top[at].target
	relations, err := b.relations(path.Dir(main), path.Join(path.Dir(main), "_rels", path.Base(main)+".rels"))
	if err != nil {
		return err
	}
	for _, r := range relations {
		switch r.kind {
		case "sharedStrings":
			b.strings = b.parts[r.target]
		case "styles":
			if err := b.readStyles(b.parts[r.target]); err != nil {
				return err
			}
		}
	}
	return b.readSheets(main, relations)
}

// relation is a part that another one refers to.
type relation struct{ id, kind, target string }

// relations reads which parts another part refers to. A part without relations has no such file.
func (b *Book) relations(dir, name string) (all []relation, err error) {
	file := b.parts[strings.ToLower(name)]
	if file == nil {
		return nil, nil
	}
	p, err := b.openPart(file, maxSmall)
	if err != nil {
		return nil, err
	}
	defer p.close()
	err = p.each(" Relationship ", func(start xml.StartElement) error {
		target := attr(&start, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		target = strings.ToLower(strings.TrimPrefix(path.Clean(target), "/"))
		all = append(all, relation{attr(&start, "Id"), path.Base(attr(&start, "Type")), target})
		return nil
	})
	return all, err
}

// readSheets reads the list of sheets.
func (b *Book) readSheets(main string, relations []relation) error {
	p, err := b.openPart(b.parts[main], maxSmall)
	if err != nil {
		return err
	}
	defer p.close()
	return p.each(" sheet ", func(start xml.StartElement) error {
		id := attr(&start, "id")
		at := slices.IndexFunc(relations, func(r relation) bool { return r.id == id })
		name := attr(&start, "name")
		if at < 0 || relations[at].kind == "worksheet" && b.parts[relations[at].target] == nil {
			return wrong("the workbook is damaged: the sheet %q is missing; open it and save it again", clip(name))
		}
		if len(b.sheets) == maxSheets {
			return wrong("the workbook has more than %d sheets"+orCSV, maxSheets)
		}
		if relations[at].kind == "worksheet" { // and not a chart
			state := attr(&start, "state")
			b.sheets = append(b.sheets, sheet{clip(name), state == "hidden" || state == "veryHidden", b.parts[relations[at].target]})
		}
		return nil
	})
}

// clip makes a name fit for an error. Excel allows 31 characters.
func clip(name string) string {
	const longest = 64
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return name
}

// Rows returns the rows of a sheet by its name. Without a name, it is the only sheet that has rows;
// if there are several, the error is a [*SheetsError]. Close the rows after use.
func (b *Book) Rows(name string) (*Rows, error) {
	if name != "" {
		at := slices.IndexFunc(b.sheets, func(s sheet) bool { return s.name == name })
		if at < 0 {
			return nil, &SheetsError{fmt.Sprintf("the workbook has no sheet %q", clip(name)), b.names(b.sheets)}
		}
		return b.open(&b.sheets[at])
	}
	var filled []sheet
	for i := range b.sheets {
		has, err := b.hasRows(&b.sheets[i])
		if err != nil {
			return nil, err
		}
		if has {
			filled = append(filled, b.sheets[i])
		}
	}
	switch len(filled) {
	case 0:
		return nil, wrong("the workbook has no rows")
	case 1:
		return b.open(&filled[0])
	}
	return nil, &SheetsError{"several sheets of the workbook have rows", b.names(filled)}
}

func (b *Book) names(sheets []sheet) (names []string) {
	for _, s := range sheets {
		names = append(names, s.name)
	}
	return names
}

// hasRows reports whether a sheet has a cell with a value.
func (b *Book) hasRows(s *sheet) (bool, error) {
	rows, err := b.open(s)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	_, err = rows.ReadRow()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}
