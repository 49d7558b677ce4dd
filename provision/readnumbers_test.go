package provision_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// The same two numbers in every notation.
func TestReadNumbers(t *testing.T) {
	t.Parallel()
	const plain = "+12025550142\n+12025550143\n"
	const table = "Customer,Phone Number,SIP password\nAnna,+12025550142,x\nBert,+12025550143,y\n"
	for name, test := range map[string]struct{ text, column string }{
		"as it should be":        {plain, ""},
		"byte order mark":        {"\ufeff" + plain, ""},
		"CR LF":                  {strings.ReplaceAll(plain, "\n", "\r\n"), ""},
		"CR alone":               {strings.ReplaceAll(plain, "\n", "\r"), ""},
		"no line end at the end": {strings.TrimSpace(plain), ""},
		"blank lines":            {"\n \t\u00a0\n" + strings.ReplaceAll(plain, "\n", "\n\n"), ""},
		"set out by hand":        {" '+1 (202) 555-0142 \n\u202atel:+1\t202.555/0143\u202c\n", ""},
		"in quotes":              {"\"+12025550142\"\n\"'+1 202 555-0143\"\n", ""},
		"the same again":         {plain + "+1 202 555 0142\n" + plain, ""},

		"a column":                     {table, "Phone Number"},
		"a name by hand":               {table, " phone_NUMBER "},
		"column, byte order mark":      {"\ufeff" + table, "phone number"},
		"column, CR LF":                {strings.ReplaceAll(table, "\n", "\r\n"), "phone number"},
		"column, CR alone":             {strings.ReplaceAll(table, "\n", "\r"), "phone number"},
		"semicolons":                   {strings.ReplaceAll(table, ",", ";"), "phone number"},
		"tabs":                         {strings.ReplaceAll(table, ",", "\t"), "phone number"},
		"a line for a spreadsheet":     {"sep=|\r\n" + strings.ReplaceAll(table, ",", "|"), "phone number"},
		"names in another language":    {"Kunde; Rufnummer\nA, B;'+1 202 555-0142\n;+12025550143\n", "rufnummer"},
		"commas within a name":         {"Rufnummer;Name, Ort, Land\n+12025550142;A, B, C\n+12025550143;\n", "rufnummer"},
		"one column":                   {"number\n" + plain, "Number"},
		"quotes":                       {"number,note\n\"+12025550142\",\"a,\n\"\"b\"\"\"\n\"'+1 (202) 555-0143\",\n", "number"},
		"blank rows":                   {"\n,,\n" + strings.ReplaceAll(table, "\n", "\n , ,\n\n"), "phone number"},
		"rows of other lengths":        {"a,number,b\n,+12025550142\n1,+12025550143,2,, \n", "number"},
		"a column without a name":      {",number\n0,+12025550142\n1,+12025550143\n", "number"},
		"another column twice, damage": {"number,a,a\n+12025550142,\x00,\xff\n+12025550143,,\n", "number"},
		"the same row again":           {table + "Carl,'+1-202-555-0143,\n", "phone number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			numbers, err := provision.ReadNumbers(strings.NewReader(test.text), provision.NumberOptions{Column: test.column})
			require.NoError(t, err)
			assert.Equal(t, []string{"+12025550142", "+12025550143"}, numbers)
		})
	}
}

func TestReadNumbersViolations(t *testing.T) {
	t.Parallel()
	const several, names = "has more than one value; want one number per line", "names columns, as the first row of a CSV file does; name the column"
	long := strings.Repeat("1", 2<<20)
	for name, test := range map[string]struct {
		text, column string
		want         []wanted
	}{
		// The input.
		"empty":                   {"", "", []wanted{{1, 1, "", "", "has no numbers"}}},
		"blank":                   {"\ufeff\n \n", "", []wanted{{1, 1, "", "", "has no numbers"}}},
		"UTF-16":                  {"\xff\xfe+\x001\x00", "", []wanted{{1, 1, "", "", "UTF-16 text; save the file as CSV UTF-8"}}},
		"a workbook":              {"PK\x03\x04\x14\x00", "", []wanted{{1, 1, "", "", "a workbook"}}},
		"column, empty":           {"", "number", []wanted{{1, 1, "", "", "has no numbers"}}},
		"column, a header alone":  {"number;x\n;\n", "number", []wanted{{1, 1, "", "", "has no numbers"}}},
		"column, UTF-16":          {"\xfe\xff\x00n", "number", []wanted{{1, 1, "", "", "UTF-16 text"}}},
		"column, a workbook":      {"PK\x03\x04", "number", []wanted{{1, 1, "", "", "a workbook"}}},
		"column, UTF-16, no mark": {"n\x00u\x00", "number", []wanted{{1, 2, "", "", "has a NUL byte; is the file UTF-16"}}},

		// Lines.
		"all that is wrong": {
			"+12025550142\n  2025550143\nplanted-password\n+1 202 555x1\n+1\n\"+49 (0)30 1\"\n", "",
			[]wanted{
				{2, 3, "", "20•••43", "missing country code"},
				{3, 1, "", "???????-????????", "has letters"},
				{4, 1, "", "+1 2•• ••5?1", "has an extension"},
				{5, 1, "", "+•", "too few or too many digits"},
				{6, 1, "", "?+4• (•)•• 1?", "has a zero in parentheses"},
			},
		},
		"characters, not bytes": {"\ufeff\u00a0\u00a02\n", "", []wanted{{1, 3, "", "•", "missing country code"}}},
		"not UTF-8":             {"+12025550142\nü\xfc\n\xff", "", []wanted{{2, 2, "", "", "not UTF-8 text"}, {3, 1, "", "", "not UTF-8 text"}}},
		"NUL":                   {"+1202\x005550142", "", []wanted{{1, 6, "", "", "has a NUL byte"}}},
		"a line without end":    {long + "\n+1\n", "", []wanted{{1, 1, "", "", "longer than 1 MiB"}, {2, 1, "", "+•", "too few"}}},
		"a header":              {"Phone number\n+12025550142\n+1\n", "", []wanted{{1, 1, "", "", names}, {3, 1, "", "+•", "too few"}}},
		"a header of several":   {"\nTelefon 1;Kunde\n1;2;3\n", "", []wanted{{2, 1, "", "", names}}},
		"a line for a sheet":    {"sep=;\nnumber;x\n", "", []wanted{{1, 1, "", "", names}}},
		"a header further down": {"+12025550142\nnumber\n", "", []wanted{{2, 1, "", "??????", "has letters"}}},
		"rows":                  {"+12025550142,Anna\n+12025550143;x\n+1\tx\n", "", []wanted{{1, 1, "", "", several}, {2, 1, "", "", several}, {3, 1, "", "", several}}},
		"two in a line":         {"+12025550142, +12025550143\n", "", []wanted{{1, 1, "", "", several}}},
		"damaged by a sheet":    {"1,20256E+10\n+12025550142,00\n", "", []wanted{{1, 1, "", "1?2••••?+10", "in scientific notation"}, {2, 1, "", "+120•••••••2?00", "a decimal number"}}},

		// Columns.
		"no such column": {
			"Name;Phone Number;;our ref\n", "number",
			[]wanted{{1, 1, "number", "", `no such column in the first row, which has 4: "Name", "Phone Number", "our ref"`}},
		},
		"nearly the name":         {"kunde,rufnumer,hunter2\n", "Rufnummer", []wanted{{1, 1, "Rufnummer", "", `in the first row, which has 3; did you mean "rufnumer"?`}}},
		"a part of the name":      {"kunde,rufnummer,hunter2\n", "nummer", []wanted{{1, 1, "nummer", "", `; did you mean "rufnummer"?`}}},
		"a row of values":         {"+12025550142,hunter2\n", "number", []wanted{{1, 1, "number", "", "no such column in the first row, which has 2"}}},
		"a name that is no name":  {"number,,\n+12025550142,x,\n", " _ ", []wanted{{1, 1, "_", "", "no such column in the first row, which has 3"}}},
		"a number for a name":     {"phone_number\n", "+12025550142", []wanted{{1, 1, "+1202•••0142", "", `which has 1: "phone_number"`}}},
		"columns without end":     {"name" + strings.Repeat(",name", 99), "number", []wanted{{1, 1, "number", "", `"name", 80 more`}}},
		"the column twice":        {"Number,number\n+1,+12025550142\n", "number", []wanted{{1, 8, "number", "", "same name as column number 1"}, {2, 1, "number", "+•", "too few"}}},
		"a header with quotes":    {"num\"ber\n+12025550142\n", "number", []wanted{{1, 4, "", "", "quote in an unquoted field"}}},
		"a header not UTF-8":      {"number,Stra\xdfe\n", "number", []wanted{{1, 12, "", "", "not UTF-8 text; save the file as CSV UTF-8"}}},
		"a header without end":    {long + "\n", "number", []wanted{{1, 1, "", "", "longer than 1 MiB"}}},
		"a separator, and no row": {"sep=;\n", "number", []wanted{{1, 1, "", "", "has no numbers"}}},

		// Rows.
		"all that is wrong with rows": {
			"name,Phone Number,x\n,+12025550142,\nä,2025550143,\nplanted,,\nplanted\n,+12\x003,\n,+12025550142,,planted\na\"b,+12025550142\n,+1\xff\n", "phone number",
			[]wanted{
				{3, 3, "phone number", "20•••43", "missing country code"},
				{4, 9, "phone number", "", "empty; want E.164"},
				{5, 8, "phone number", "", "empty; want E.164"},
				{6, 5, "phone number", "", "has a NUL byte"},
				{7, 16, "", "", "value without a column: the header names 3"},
				{8, 2, "", "", "quote in an unquoted field"},
				{9, 4, "phone number", "", "not UTF-8"},
			},
		},
		"a quote that is not closed": {
			"a,number\n\"x,+12025550142\n,+1\n", "number",
			[]wanted{{2, 1, "", "", "unclosed quote"}, {3, 2, "number", "+•", "too few"}},
		},
		"a number over two lines": {"number\n\"+1202\n5550142\"\n", "number", []wanted{{2, 1, "number", "+12••?•••••42", "spans several lines"}}},
		"a row without end":       {"number\n" + long + "\n+1\n", "number", []wanted{{2, 1, "", "", "longer than 1 MiB"}, {3, 1, "number", "+•", "too few"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			numbers, err := provision.ReadNumbers(strings.NewReader(test.text), provision.NumberOptions{Name: "list", Column: test.column})
			assert.Nil(t, numbers, "no number if anything is wrong")
			require.ErrorIs(t, err, mihu.ErrInvalid)
			found, ok := errors.AsType[*provision.InputError](err)
			require.True(t, ok, err)
			assert.Equal(t, "list", found.Name)
			assertViolations(t, found.Violations, test.want...)
			for _, private := range []string{"planted", "hunter2", "2025550143"} {
				assert.NotContains(t, err.Error(), private)
			}
		})
	}
}

func TestReadNumbersCountsViolations(t *testing.T) {
	t.Parallel()
	for _, options := range []provision.NumberOptions{{}, {Column: "number"}} {
		text := strings.Repeat("+1\n", 1234)
		if options.Column != "" {
			text = "number\n" + text
		}
		_, err := provision.ReadNumbers(strings.NewReader(text), options)
		found, ok := errors.AsType[*provision.InputError](err)
		require.True(t, ok, err)
		assert.Len(t, found.Violations, 1000)
		assert.Equal(t, 234, found.More)
		assert.True(t, strings.HasPrefix(err.Error(), "provision: input has 1234 errors: line "), err)
	}
}

// An input that cannot be read to its end is never mistaken for a shorter one, and no copy is left.
func TestReadNumbersThatBreakOff(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, options := range []provision.NumberOptions{{Name: "list"}, {Name: "list", Column: "number"}} {
		text := "number\n+12025550142\n"
		numbers, err := provision.ReadNumbers(io.MultiReader(strings.NewReader(text), brokenReader{}), options)
		require.ErrorIs(t, err, errBroken)
		assert.Nil(t, numbers)
	}
	_, err := provision.ReadNumbers(io.MultiReader(bytes.NewReader(make([]byte, 1<<17)), brokenReader{}), provision.NumberOptions{Name: "list"})
	require.ErrorIs(t, err, errBroken)
	assert.ErrorContains(t, err, "provision: reading list: ")

	numbers, err := provision.ReadNumbers(strings.NewReader("number\n+12025550142"), provision.NumberOptions{Column: "number"})
	require.NoError(t, err)
	assert.Equal(t, []string{"+12025550142"}, numbers)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)

	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	_, err = provision.ReadNumbers(strings.NewReader("number\n+12025550142"), provision.NumberOptions{Column: "number"})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = provision.ReadNumbers(strings.NewReader("+12025550142"), provision.NumberOptions{})
	assert.NoError(t, err, "a list needs no copy")
}
