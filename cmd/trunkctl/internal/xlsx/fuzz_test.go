package xlsx

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mihu-go/mihu/provision"
)

// FuzzWorkbook reads workbooks of any sheet, texts and styles: either all rows are in order and their
// cells have names, or the error says what is wrong.
func FuzzWorkbook(f *testing.F) {
	book := bookOf("")
	for _, cells := range []string{
		rowOf(1, `<c r="A1" t="s"><v>1</v></c><c r="C1" s="2"><v>45000</v></c>`) + `<row hidden="1"><c><f>1</f></c><c t="e"><v>#N/A</v></c></row>`,
		rowOf(9, `<c r="B9" t="inlineStr"><is><r><t>a</t></r></is></c>`), `<row r="2147483648"/>`, rowOf(1, `<c r="XFD1"><v>1e99</v></c>`),
	} {
		f.Add(`<worksheet><sheetData>`+cells+`</sheetData><mergeCells><mergeCell ref="A1:A3"/></mergeCells></worksheet>`, book[stringsPart], book[stylesPart])
	}
	f.Fuzz(func(t *testing.T, sheet, texts, styles string) {
		if sheet == "" || texts == "" || styles == "" {
			return
		}
		checkBook(t, bookOf("").with(sheetPart, sheet).with(stringsPart, texts).with(stylesPart, styles).zip(t))
	})
}

// FuzzArchive reads workbooks with an archive of any bytes.
func FuzzArchive(f *testing.F) {
	f.Add(bookOf(rowOf(1, `<c r="A1"><v>1</v></c>`)).zip(f))
	f.Fuzz(checkBook)
}

func checkBook(t *testing.T, file []byte) {
	t.Helper()
	all, _, err := read(file, "")
	if err != nil {
		_, wrong := errors.AsType[*Error](err)
		_, sheets := errors.AsType[*SheetsError](err)
		if !wrong && !sheets {
			t.Fatalf("%T: %v", err, err)
		}
		if s := err.Error(); len(s) > 2000 || strings.ContainsAny(s, "\x00") {
			t.Fatalf("%q", s)
		}
		return
	}
	last := 0
	for _, row := range all {
		if row.Line <= last || len(row.Cells) < len(all[0].Cells) {
			t.Fatalf("row %d of %d cells after row %d", row.Line, len(row.Cells), last)
		}
		last = row.Line
		checkCells(t, row)
	}
	if len(all) == 0 {
		t.Fatal("no rows")
	}
}

func checkCells(t *testing.T, row provision.RawRow) {
	t.Helper()
	filled := false
	for _, c := range row.Cells {
		filled = filled || c.Text != "" || c.Problem != ""
		if c.Name == "" || c.Text != "" && c.Problem != "" || !utf8.ValidString(c.Text) {
			t.Fatalf("%q", c)
		}
	}
	if !filled {
		t.Fatal("an empty row")
	}
}
