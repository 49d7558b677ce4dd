package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/mihutest"
)

// TestRotateFrom: numbers are read from lists and from columns of spreadsheets.
func TestRotateFrom(t *testing.T) {
	t.Parallel()
	const table = "Customer;Phone Number;SIP password\r\nAnna;'+1 202-555-0001;" + secretPassword + "\r\n\r\n;+12025550002;\r\nAnna;+12025550001;\r\n"
	for name, test := range map[string]struct{ content, column string }{
		"a list":               {"+12025550001\n+1 (202) 555-0002\n\n+12025550001\n", ""},
		"a list of CR":         {"\uFEFF'+12025550001\r+12025550002", ""},
		"semicolons":           {table, "phone_number"},
		"tabs":                 {strings.ReplaceAll(table, ";", "\t"), "Phone Number"},
		"a line for the sheet": {"sep=|\n" + strings.ReplaceAll(table, ";", "|"), "PHONE NUMBER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.trunk(1)
			f.trunk(2)
			f.trunk(3)
			f.file("numbers", test.content)
			got := f.run("rotate", "--file", "DIR/passwords", "--from", "DIR/numbers", "--column="+test.column, "--yes", number(2))
			require.Equal(t, exitDone, got.code, got.stderr)
			require.Contains(t, got.stderr, "new passwords for 2 trunks")
			require.Contains(t, f.read("passwords"), number(1))
			require.NotContains(t, f.read("passwords"), number(3))
		})
	}
}

// TestRotateFromViolations: all errors in a list are reported like those of an import, and nothing
// is sent.
func TestRotateFromViolations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content, column string
		want            []string
	}{
		"numbers": {"+12025550001\n" + secretPassword + "\n2025550003\n", "", []string{
			`DIR/numbers:2:1: "???????-????????": has letters`, `DIR/numbers:3:1: "20•••03": missing country code`, "2 errors in DIR/numbers; nothing was sent",
			"want one number per line; for a CSV file or a workbook, name the column of the numbers with --column or --map",
		}},
		"a header":      {"Phone Number;Name\n+12025550001;\n", "", []string{"DIR/numbers:1:1: names columns", "with --column"}},
		"UTF-16":        {"\xff\xfe+\x00", "phone number", []string{"DIR/numbers:1:1: UTF-16 text; save the file as CSV UTF-8"}},
		"a workbook":    {"PK\x03\x04", "", []string{"DIR/numbers:1:1: the workbook is damaged"}},
		"nothing":       {"\n", "", []string{"DIR/numbers:1:1: has no numbers"}},
		"a long line":   {strings.Repeat("1", 2<<20), "", []string{"DIR/numbers:1:1: longer than 1 MiB"}},
		"not a column":  {"Phone Number,Name\n", "number", []string{`number: no such column in the first row, which has 2: "Phone Number", "Name"`}},
		"empty cells":   {"number,x\n,\n,a\n", "number", []string{"DIR/numbers:3:1: number: empty", "1 error in"}},
		"many of them":  {strings.Repeat("+1\n", 1200), "", []string{"1200 errors in DIR/numbers, the first 1000 of them shown"}},
		"a value extra": {"number\n+12025550001," + secretPassword + "\n", "number", []string{"DIR/numbers:2:14: value without a column"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.trunk(1)
			f.file("numbers", test.content)
			args := []string{"rotate", "--file", "DIR/passwords", "--from", "DIR/numbers", "--column=" + test.column, "--yes"}
			got := f.run(args...)
			require.Equal(t, exitInput, got.code, got.stderr)
			require.Empty(t, got.stdout)
			for _, text := range test.want {
				require.Contains(t, f.anywhere(got.stderr), text)
			}
			require.Equal(t, exitInput, f.run(append(args, "--dry-run")...).code)
			data := f.run(append(args, "-o", "csv")...)
			require.Equal(t, exitInput, data.code)
			require.True(t, strings.HasPrefix(data.stdout, "line,column,field,value,problem,cell\n"), data.stdout)
			require.Zero(t, f.RequestCount())
		})
	}
}

// TestRotateFromElsewhere: the list may be standard input, and must not be a directory.
func TestRotateFromElsewhere(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	rotate := []string{"rotate", "--file", "DIR/passwords", "--yes", "--from"}
	got := f.runWith("number;x\n2025550001;\n", append(rotate, "-", "--column", "number")...)
	require.Equal(t, exitInput, got.code)
	require.Contains(t, got.stderr, `standard input:2:1: number "20•••01": missing country code`)
	for _, path := range []string{"DIR", "DIR/none"} {
		got = f.run(append(rotate, path)...)
		require.Equal(t, exitUsage, got.code, got.stderr)
	}
	got = f.run(append(rotate, "DIR/none", "2025550001")...)
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "not E.164", "the command line is checked first")
	require.Zero(t, f.RequestCount())
	got = f.runWith("number;x\n'+12025550001;\n", append(rotate, "-", "--column", "number")...)
	require.Equal(t, exitDone, got.code, got.stderr)
}

// TestAllWithInvalidTrunk: if the list has an invalid number, --all fails instead of skipping it.
func TestAllWithInvalidTrunk(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	list := `{"success": true, "data": {"items": [{"number": "0123", "source": "external", "is_external": true, "bindings": {"call": {"bound": true}, "sms": {"bound": false}, "whatsapp": {"bound": false}}}],
		"pagination": {"current_page": 1, "last_page": 1, "per_page": 50, "total": 1}}}`
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Body: []byte(list)} })
	got := f.run("rotate", "--all", "--yes", "--file", "DIR/passwords")
	require.Equal(t, exitFailed, got.code, got.stderr)
	require.Contains(t, got.stderr, "name the numbers instead")
	require.NoFileExists(t, filepath.Join(f.dir, "passwords"))
	require.LessOrEqual(t, f.RequestCount(), 2, "the page, and the one that is fetched ahead")
}
