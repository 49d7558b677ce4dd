package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// parts are the parts of a workbook by name, for tests that need one that no program writes.
type parts map[string]string

const (
	sheetPart   = "xl/worksheets/sheet1.xml"
	stringsPart = "xl/sharedStrings.xml"
	stylesPart  = "xl/styles.xml"
	mainPart    = "xl/workbook.xml"
	spreadsheet = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	related     = `xmlns="http://schemas.openxmlformats.org/package/2006/relationships"`
	office      = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
)

// bookOf returns the parts of a workbook with one sheet.
func bookOf(sheetData string) parts {
	return parts{
		"_rels/.rels": `<Relationships ` + related + `><Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		mainPart:      `<workbook ` + spreadsheet + ` xmlns:r="` + office + `"><sheets><sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships ` + related + `>` +
			`<Relationship Id="rId1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + office + `/sharedStrings" Target="/xl/sharedStrings.xml"/>` +
			`<Relationship Id="rId3" Type="` + office + `/styles" Target="styles.xml"/></Relationships>`,
		sheetPart:   `<worksheet ` + spreadsheet + `><sheetData>` + sheetData + `</sheetData></worksheet>`,
		stringsPart: `<sst ` + spreadsheet + `><si><t>one</t></si><si><r><rPr><b/></rPr><t>t</t></r><r><t xml:space="preserve">wo </t></r><rPh sb="0" eb="1"><t>x</t></rPh></si></sst>`,
		stylesPart: `<styleSheet ` + spreadsheet + `><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/><numFmt numFmtId="165" formatCode="00000"/>` +
			`<numFmt numFmtId="166" formatCode="&quot;+&quot;0"/><numFmt numFmtId="167" formatCode="&quot;+49 &quot;0"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>` +
			`<xf numFmtId="166"/><xf numFmtId="9"/><xf numFmtId="49"/><xf numFmtId="167"/><xf numFmtId="3"/></cellXfs></styleSheet>`,
	}
}

// with returns the parts with one of them replaced; "" removes it.
func (p parts) with(name, content string) parts {
	p[name] = content
	if content == "" {
		delete(p, name)
	}
	return p
}

func (p parts) zip(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name}) // not compressed
		require.NoError(tb, err)
		_, err = io.WriteString(w, p[name])
		require.NoError(tb, err)
	}
	require.NoError(tb, z.Close())
	return b.Bytes()
}

// read reads all rows of the only sheet, or of the sheet with a name.
func read(file []byte, sheet string) (all []provision.RawRow, rows *Rows, err error) {
	book, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, nil, err
	}
	if rows, err = book.Rows(sheet); err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for {
		row, err := rows.ReadRow()
		if errors.Is(err, io.EOF) {
			return all, rows, nil
		}
		if err != nil {
			return all, rows, err
		}
		row.Cells = append([]provision.RawCell(nil), row.Cells...)
		all = append(all, row)
	}
}

// written returns a workbook with cells, as a spreadsheet writes it.
func written(tb testing.TB, table [][]any) []byte {
	tb.Helper()
	book := excelize.NewFile()
	defer func() { require.NoError(tb, book.Close()) }()
	for i, row := range table {
		for j, value := range row {
			name, err := excelize.CoordinatesToCellName(j+1, i+1)
			require.NoError(tb, err)
			require.NoError(tb, book.SetCellValue("Sheet1", name, value))
		}
	}
	out, err := book.WriteToBuffer()
	require.NoError(tb, err)
	return out.Bytes()
}

func texts(row provision.RawRow) (all []string) {
	for _, c := range row.Cells {
		if c.Problem != "" {
			all = append(all, "! "+c.Problem)
		} else {
			all = append(all, c.Text)
		}
	}
	return all
}

func rowOf(number int, cells string) string {
	return fmt.Sprintf(`<row r="%d">%s</row>`, number, cells)
}
