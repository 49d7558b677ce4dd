package xlsx

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bomb is a workbook of which one part inflates to many bytes. The archive says that they are fewer
// if declared is not 0.
func bomb(tb testing.TB, name, begin, block string, size, declared uint64) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for other, content := range bookOf("").with(name, "") {
		w, err := z.Create(other)
		require.NoError(tb, err)
		_, err = io.WriteString(w, content)
		require.NoError(tb, err)
	}
	// Blocks that end with a flush, and do not refer to what is before them, can be repeated.
	first, again := deflated(tb, begin), deflated(tb, strings.Repeat(block, 1+1<<20/len(block)))
	count := int(size >> 20)
	if declared == 0 {
		declared = size
	}
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, UncompressedSize64: declared, CompressedSize64: uint64(len(first) + count*len(again)),
	})
	require.NoError(tb, err)
	_, err = w.Write(first)
	require.NoError(tb, err)
	for range count {
		_, err = w.Write(again)
		require.NoError(tb, err)
	}
	require.NoError(tb, z.Close())
	return b.Bytes()
}

func deflated(tb testing.TB, content string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(tb, err)
	_, err = io.WriteString(w, content)
	require.NoError(tb, err)
	require.NoError(tb, w.Flush())
	return b.Bytes()
}

// TestBombs: a workbook that inflates to gigabytes ends with an error, in bounded memory and time,
// whatever its archive says of sizes. The test runs alone, because the heap is shared.
func TestBombs(t *testing.T) {
	const gigabyte = 1 << 30
	sheet, texts := `<worksheet><sheetData>`, `<sst>`
	row := `<row><c t="inlineStr"><is><t>x</t></is></c></row>`
	for name, test := range map[string]struct {
		part, begin, block string
		size, declared     uint64
		want               string
	}{
		"a sheet of 4 GB":            {sheetPart, sheet, row, 4 * gigabyte, 0, "too large: 4096 MB, and 512 are read"},
		"that says it has 4 MB":      {sheetPart, sheet, row, 4 * gigabyte, 4 << 20, "damaged"},
		"texts of 1 GB":              {stringsPart, texts, "<si><t>x</t></si>", gigabyte, 0, "too large: 1024 MB, and 256 are read"},
		"that say they have 4 MB":    {stringsPart, texts, "<si><t>x</t></si>", gigabyte, 4 << 20, "damaged"},
		"one text":                   {stringsPart, texts + "<si><t>", "x", 200 << 20, 0, "a text or a tag of more than 1 MB"},
		"one text of many pieces":    {stringsPart, texts + "<si>", "<t>xxxxxxxxxxxxxxxx</t>", 200 << 20, 0, "a text of more than 1 MB"},
		"one tag":                    {sheetPart, sheet + "<row ", "x", 300 << 20, 0, "a text or a tag of more than 1 MB"},
		"one cell with comments":     {sheetPart, sheet + `<row><c t="str"><v>`, "xxxxxxxxxxxxxxxx<!-- -->", 200 << 20, 0, "a cell of more than 1 MB"},
		"elements within each other": {sheetPart, sheet, "<a>", 300 << 20, 0, "too many elements within each other"},
		"a list of sheets":           {mainPart, "<workbook>", "<x/>", 100 << 20, 0, "too large: 100 MB, and 16 are read"},
		"styles":                     {stylesPart, "<styleSheet>", "<x/>", gigabyte, 0, "too large"},
		"more rows than a sheet has": {sheetPart, sheet, "<row/>", 10 << 20, 0, "List has more than 1048576 rows"},
		"many texts":                 {stringsPart, texts, "<si><t>" + strings.Repeat("x", 60_000) + "</t></si>", 80 << 20, 0, "the texts of the workbook are too large"},
	} {
		t.Run(name, func(t *testing.T) {
			file := bomb(t, test.part, test.begin, test.block, test.size, test.declared)
			before, start := peak(), time.Now()
			_, _, err := read(file, "")
			require.ErrorContains(t, err, test.want)
			require.Less(t, time.Since(start), 30*time.Second)
			require.Less(t, peak()-before, int64(400<<20), "bytes that the heap has grown by")
			t.Log(time.Since(start), (peak()-before)>>20, "MB")
		})
	}
}

// peak returns the bytes that the heap has from the system, which it gives back late.
func peak() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys - m.HeapReleased)
}

// TestOneTextInAllCells: cells that share a long text cannot make gigabytes of it.
func TestOneTextInAllCells(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", maxCellText)
	cells := strings.Repeat(`<c t="s"><v>0</v></c>`, maxColumns)
	book := bookOf(strings.Repeat("<row>"+cells+"</row>", 40)).with(stringsPart, "<sst><si><t>"+text+"</t></si></sst>")
	file := book.zip(t)
	opened, err := Open(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	rows, err := opened.Rows("List")
	require.NoError(t, err)
	defer rows.Close()
	for err == nil {
		_, err = rows.ReadRow()
	}
	require.ErrorContains(t, err, "List has more than 1024 MB of text")
}

// TestManyParts: an archive with a directory of many parts is not read.
func TestManyParts(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for range 40_000 {
		_, err := z.CreateRaw(&zip.FileHeader{Name: strings.Repeat("x", 100)})
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	_, _, err := read(b.Bytes(), "")
	require.ErrorContains(t, err, "too many parts")
}
