package xlsx

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// TestCells: texts and whole numbers as they are stored; anything that a person sees differently, and
// anything without a value, is a problem.
func TestCells(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ cell, want string }{
		"a shared text":                 {`<c t="s"><v>0</v></c>`, "one"},
		"a text with formats":           {`<c t="s"><v>1</v></c>`, "two "},
		"no such text":                  {`<c t="s"><v>2</v></c>`, "! a text that the workbook does not have"},
		"a text without a number":       {`<c t="s"><v>x</v></c>`, "! a text that the workbook does not have"},
		"a text in the cell":            {`<c t="inlineStr"><is><t>+12025550123</t></is></c>`, "+12025550123"},
		"an escaped character":          {`<c t="inlineStr"><is><t>a_x000A_b_x_x005F_x000A_</t></is></c>`, "a\nb_x_x000A_"},
		"a whole number":                {`<c><v>12025550123</v></c>`, "12025550123"},
		"in scientific notation":        {`<c><v>1.2025550123E10</v></c>`, "12025550123"},
		"with a decimal zero":           {`<c t="n"><v>5060.0</v></c>`, "5060"},
		"of 15 digits":                  {`<c><v>123456789012345</v></c>`, "123456789012345"},
		"of 16 digits":                  {`<c><v>1234567890123456</v></c>`, "! a number of more than 15 digits"},
		"below zero":                    {`<c><v>-5</v></c>`, "-5"},
		"a decimal number":              {`<c><v>1.5</v></c>`, "! a decimal number"},
		"no number":                     {`<c><v>NaN</v></c>`, "! not a number, although"},
		"a hexadecimal number":          {`<c><v>0x10</v></c>`, "! not a number, although"},
		"a date":                        {`<c s="1"><v>45000</v></c>`, "! a date or a time"},
		"a date of the workbook's own":  {`<c s="2"><v>45000</v></c>`, "! a date or a time"},
		"a date as text":                {`<c t="d"><v>2026-01-02</v></c>`, "! a date or a time"},
		"with zeros before it":          {`<c s="3"><v>123</v></c>`, "! a number that is shown with zeros"},
		"with enough digits":            {`<c s="3"><v>12345</v></c>`, "12345"},
		"with a plus that is not there": {`<c s="4"><v>12025550123</v></c>`, "12025550123"},
		"with a code that is not there": {`<c s="7"><v>301234567</v></c>`, "! a number with a format that adds text"},
		"a percentage":                  {`<c s="5"><v>5</v></c>`, "! a percentage"},
		"as text":                       {`<c s="6"><v>5060</v></c>`, "5060"},
		"with thousands":                {`<c s="8"><v>5060</v></c>`, "5060"},
		"no such style":                 {`<c s="9"><v>5060</v></c>`, "! a number with a format that the workbook does not define"},
		"a truth value":                 {`<c t="b"><v>1</v></c>`, "! a truth value"},
		"an error":                      {`<c t="e"><v>#N/A</v></c>`, "! an error of the spreadsheet"},
		"a formula's text":              {`<c t="str"><f>A1</f><v>x</v></c>`, "x"},
		"a formula's empty text":        {`<c t="str"><f>A1</f><v></v></c><c><v>1</v></c>`, ""},
		"a formula's number":            {`<c><f>A1</f><v>5</v></c>`, "5"},
		"a formula without a value":     {`<c><f>A1</f></c>`, "! a formula without a value"},
		"of an unknown kind":            {`<c t="z"><v>5</v></c>`, "! of a kind that is not known"},
		"a long text":                   {`<c t="inlineStr"><is><t>` + strings.Repeat("ä", maxCellText+1) + `</t></is></c>`, "! longer than 32767 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, _, err := read(bookOf(rowOf(7, test.cell)).zip(t), "")
			require.NoError(t, err)
			require.Len(t, all, 1)
			assert.Equal(t, 7, all[0].Line)
			assert.Equal(t, "List!A7", all[0].Cells[0].Name)
			if problem, ok := strings.CutPrefix(test.want, "! "); ok {
				assert.Contains(t, all[0].Cells[0].Problem, problem)
				assert.Empty(t, all[0].Cells[0].Text)
				return
			}
			assert.Equal(t, test.want, all[0].Cells[0].Text)
			assert.Empty(t, all[0].Cells[0].Problem)
		})
	}
}

// TestFormats: which format codes are dates, and which show something else than the number.
func TestFormats(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"General": "", "0": "", "#,##0": "", "0.00": "", "0.00E+00": "", "[Red]0;[Blue]-0": "", `_-* #,##0_-`: "", "@": "", `\+0`: "", `"+"#`: "",
		"[<=9999999]###\\-####;\\(###\\)\\ ###\\-####": "", "General;-General": "", "[$-409]0": "",
		"yyyy-mm-dd": isDate, "d.m.yy": isDate, "[h]:mm": isDate, "hh:mm AM/PM": isDate, "[$-407]dddd": isDate, `yyyy"年"`: isDate, `0"x"yy`: isDate,
		"0%": isPercent, `"+49 "0`: isOther, `\4\90`: isOther, `0" EUR"`: isOther, `0\x`: isOther, "\"open": isOther, "[": "", "\\": "", "": "",
	} {
		assert.Equal(t, want, formatOf(code).problem, code)
	}
	assert.Equal(t, 5, formatOf("00000.0;0").zeros)
}

// TestRows: rows and cells that are left out are empty, and every column of the first row has a cell
// with its name.
func TestRows(t *testing.T) {
	t.Parallel()
	all, rows, err := read(bookOf(
		rowOf(2, `<c r="A2" t="s"><v>0</v></c><c r="C2" t="s"><v>0</v></c><c r="D2" s="1"/>`)+
			rowOf(3, `<c r="A3"/>`)+`<row r="5" hidden="1"><c r="B5"><v>1</v></c></row>`+
			rowOf(1048576, `<c r="A1048576"><v>1</v></c><c r="F1048576"><v>2</v></c><c r="XFD1048576" s="1"/>`),
	).zip(t), "")
	require.NoError(t, err)
	require.Equal(t, []int{5}, rows.Hidden())
	var lines []int
	var cells [][]string
	for _, row := range all {
		lines, cells = append(lines, row.Line), append(cells, texts(row))
	}
	assert.Equal(t, []int{2, 5, 1048576}, lines)
	assert.Equal(t, [][]string{{"one", "", "one"}, {"", "1", ""}, {"1", "", "", "", "", "2"}}, cells)
	assert.Equal(t, "List!C5", all[1].Cells[2].Name)
	assert.Equal(t, "List!F1048576", all[2].Cells[5].Name)
}

// TestDamaged: a workbook that is damaged, or is something else, is an error; no row is missing in
// silence.
func TestDamaged(t *testing.T) {
	t.Parallel()
	one := rowOf(1, `<c r="A1"><v>1</v></c>`)
	sheet := func(content string) parts { return bookOf("").with(sheetPart, content) }
	for name, test := range map[string]struct {
		book parts
		want string
	}{
		"cut off behind a row":       {sheet(`<worksheet><sheetData>` + one), "damaged"},
		"cut off in a cell":          {sheet(`<worksheet><sheetData>` + one + `<row r="2"><c r="A2"`), "damaged"},
		"cut off behind the cells":   {sheet(`<worksheet><sheetData>` + one + `</sheetData>`), "damaged"},
		"without cells":              {sheet(`<worksheet></worksheet>`), "has no cells"},
		"without anything":           {sheet(" "), "has no cells"},
		"no rows":                    {bookOf(""), "has no rows"},
		"another encoding":           {sheet(`<?xml version="1.0" encoding="UTF-16"?><worksheet/>`), "damaged"},
		"a row twice":                {bookOf(one + one), "row 1 of List comes after row 1"},
		"rows in another order":      {bookOf(rowOf(2, "") + one), "row 1 of List comes after row 2"},
		"a row that no sheet has":    {bookOf(rowOf(1<<31, "")), "a number that no sheet has: 2147483648"},
		"a row beyond all numbers":   {bookOf(`<row r="99999999999999999999"/>`), "a number that no sheet has"},
		"a row without a number":     {bookOf(`<row r="x"/>`), "a number that no sheet has"},
		"a cell twice":               {bookOf(rowOf(1, `<c r="A1"><v>1</v></c><c r="A1"><v>2</v></c>`)), "List!A1: the workbook is damaged: the cell is there twice"},
		"cells in another order":     {bookOf(rowOf(1, `<c r="B1"><v>1</v></c><c r="A1"><v>2</v></c>`)), "List!A1: the workbook is damaged"},
		"a cell of another row":      {bookOf(rowOf(1, `<c r="A2"><v>1</v></c>`)), `has the cell "A2" in row 1`},
		"a cell without a row":       {bookOf(rowOf(1, `<c r="A"><v>1</v></c>`)), `has the cell "A" in row 1`},
		"a column that no sheet has": {bookOf(rowOf(1, `<c r="XFE1"><v>1</v></c>`)), `has the cell "XFE1"`},
		"16,384 columns":             {bookOf(rowOf(1, `<c r="XFD1"><v>1</v></c>`)), "List!XFD1: has a value beyond the first 1024 columns"},
		"merged rows":                {bookOf("").with(sheetPart, `<worksheet><sheetData>`+one+rowOf(2, `<c r="A2"/>`)+`</sheetData><mergeCells><mergeCell ref="A1:A3"/></mergeCells></worksheet>`), "List!A1: merged with cells down to row 3"},
		"no sheet":                   {bookOf("").with(sheetPart, ""), `the sheet "List" is missing`},
		"no list of sheets":          {bookOf("").with(mainPart, ""), "not a workbook of the format .xlsx"},
		"another archive":            {parts{"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "not a workbook of the format .xlsx"},
		"too deep":                   {bookOf(strings.Repeat("<a>", 100)), "too many elements within each other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(test.book.zip(t), "")
			_, ok := errors.AsType[*Error](err)
			require.True(t, ok, err)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// TestNotAnArchive: what is no workbook is an error that says what it is.
func TestNotAnArchive(t *testing.T) {
	t.Parallel()
	whole := bookOf(rowOf(1, `<c r="A1"><v>1</v></c>`)).zip(t)
	for name, test := range map[string]struct{ file, want string }{
		"empty":           {"", "damaged"},
		"encrypted":       {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("x", 600), "encrypted, or in the older format .xls"},
		"cut off":         {string(whole[:len(whole)/2]), "damaged"},
		"a changed byte":  {strings.Replace(string(whole), "PK\x03\x04", "PK\x03\x05", 1), "damaged"},
		"another archive": {string(parts{"a": "b"}.zip(t)), "not a workbook"},
	} {
		_, _, err := read([]byte(test.file), "")
		require.ErrorContains(t, err, test.want, name)
	}
	assert.True(t, IsWorkbook(whole))
	assert.True(t, IsWorkbook([]byte("\xd0\xcf\x11\xe0")))
	assert.False(t, IsWorkbook([]byte("phone")))
	encrypted := excelize.NewFile()
	require.NoError(t, encrypted.SetCellValue("Sheet1", "A1", "x"))
	out, err := encrypted.WriteToBuffer()
	require.NoError(t, err)
	locked, err := excelize.Encrypt(out.Bytes(), &excelize.Options{Password: "planted"})
	require.NoError(t, err)
	_, _, err = read(locked, "")
	require.ErrorContains(t, err, "encrypted")
}

// TestSheets: several sheets with rows want a name; empty sheets do not count.
func TestSheets(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	for _, name := range []string{"Numbers", "Old numbers", "Empty"} {
		_, err := book.NewSheet(name)
		require.NoError(t, err)
	}
	require.NoError(t, book.SetCellValue("Numbers", "B2", "x"))
	out, err := book.WriteToBuffer()
	require.NoError(t, err)
	all, rows, err := read(out.Bytes(), "")
	require.NoError(t, err)
	require.Equal(t, []string{"", "x"}, texts(all[0]))
	require.Equal(t, "Numbers!B2", all[0].Cells[1].Name)
	require.False(t, rows.HiddenSheet())

	require.NoError(t, book.SetCellValue("Old numbers", "A1", "y"))
	require.NoError(t, book.SetSheetVisible("Old numbers", false))
	out, err = book.WriteToBuffer()
	require.NoError(t, err)
	_, _, err = read(out.Bytes(), "")
	sheets, ok := errors.AsType[*SheetsError](err)
	require.True(t, ok, err)
	require.Equal(t, []string{"Numbers", "Old numbers"}, sheets.Sheets)
	all, rows, err = read(out.Bytes(), "Old numbers")
	require.NoError(t, err)
	require.Equal(t, "'Old numbers'!A1", all[0].Cells[0].Name)
	require.True(t, rows.HiddenSheet())
	_, _, err = read(out.Bytes(), "old")
	require.ErrorContains(t, err, `no sheet "old"`)
}

// TestManyCells: a row may have as many cells as a sheet has columns if those far away are empty, with
// or without names.
func TestManyCells(t *testing.T) {
	t.Parallel()
	all, rows, err := read(bookOf("<row>"+`<c t="s"><v>0</v></c>`+strings.Repeat("<c/>", 16383)+"</row>").zip(t), "List")
	require.NoError(t, err)
	require.Equal(t, []string{"one"}, texts(all[0]))
	require.Equal(t, "List", rows.Sheet())
	_, _, err = read(bookOf("<row>"+strings.Repeat(`<c><v>1</v></c>`, 1025)+"</row>").zip(t), "")
	require.ErrorContains(t, err, "List!AMK1: has a value beyond the first 1024 columns")
}

// TestBuiltInFormats: formats that are not in the workbook are known by their numbers.
func TestBuiltInFormats(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"": "", "0": "", "1": "", "4": "", "44": "", "49": "", "14": isDate, "22": isDate, "46": isDate, "57": isDate, "9": isPercent, "82": noFormat, "-1": noFormat, "x": noFormat,
	} {
		assert.Equal(t, want, builtIn(id).problem, id)
	}
}

// TestNames: the name of a sheet is fit for an error.
func TestNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a\uFFFDb", clip("a\nb"))
	assert.Equal(t, strings.Repeat("ä", 64)+"…", clip(strings.Repeat("ä", 65)))
	assert.Equal(t, "'it''s'", quoted("it's"))
	assert.Equal(t, []string{"A", "Z", "AA", "XFD"}, []string{columnName(0), columnName(25), columnName(26), columnName(16383)})
}

// TestExcelize: what a library writes is read as that library reads it.
func TestExcelize(t *testing.T) {
	t.Parallel()
	table := [][]any{{"phone_number", "name"}, {"+12025550123", " Zoë\n2 "}, {12025550124, `"quoted"`}}
	all, _, err := read(written(t, table), "")
	require.NoError(t, err)
	var got [][]string
	for _, row := range all {
		got = append(got, texts(row))
	}
	require.Equal(t, [][]string{{"phone_number", "name"}, {"+12025550123", " Zoë\n2 "}, {"12025550124", `"quoted"`}}, got)
}
