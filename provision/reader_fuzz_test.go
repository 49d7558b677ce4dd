package provision

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

const (
	fuzzAgent  = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	fuzzHeader = "phone_number,channel,agent_uuid,name,sip_password,additional_settings\n"
)

// examine reads an input in a format: either all its items are good, or its faults are good to print.
func examine(t *testing.T, text string, format Format) {
	t.Helper()
	source, err := Spool(strings.NewReader(text), ReadOptions{Format: format})
	if err != nil {
		checkFaults(t, text, err)
		return
	}
	count := 0
	for item, err := range source.Items() {
		if err == nil {
			err = item.Trunk.Validate()
		}
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if count != source.Len() || count == 0 {
		t.Fatalf("%d items, and then %d", source.Len(), count)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkFaults looks at the error of an input that is not good.
func checkFaults(t *testing.T, text string, err error) {
	t.Helper()
	found, ok := errors.AsType[*InputError](err)
	if !ok || len(found.Violations) == 0 {
		t.Fatal(err)
	}
	before := place{1, 1}
	for _, fault := range found.Violations {
		if fault.Line < before.line || fault.Column < 1 || fault.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
			t.Fatalf("%v after %v", fault, before)
		}
		before.line = fault.Line
		if s := fault.String(); !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00") || len(s) > 1000 {
			t.Fatalf("%q", s)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	const good = "+12025550142,call," + fuzzAgent
	for _, text := range []string{
		"", "\ufeff" + fuzzHeader + good, fuzzHeader + good + ",\"a\nb\",\"p\"\"w\",\"{\"\"a\"\":1}\"\n", fuzzHeader + good + "\r\r\n\n" + good,
		"sep=;\nphone_number;channel;agent_uuid\n'+1;call;x", fuzzHeader + "\"\n\"\"\n\"x\n" + good, fuzzHeader + "+12\xff,\x00,\"",
		fuzzHeader + good + ",,\n" + good + ",x\n", "a,b\n", "name\n\"", "\xff\xfe", "PK\x03\x04",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { examine(t, text, FormatCSV) })
}

func FuzzReadJSONLines(f *testing.F) {
	const good = `"phone_number":"+12025550142","channel":"call","agent_uuid":"` + fuzzAgent + `"`
	for _, text := range []string{
		"", "{" + good + "}", "{" + good + `,"sip":{"port":1},"additional_settings":{"a":[{"b":1}]}}` + "\n\n{}", "[{", "{", "{\"a\":1,\"a\":2}",
		"{" + good + `,"name":"\ud800"}`, "{" + good + `,"additional_settings":{"a":{"a":{}},"a":1}}`, "{\"a\":\xff}", "{\"sip\":{\"x\":null}} 1", "\"\n7\nnull",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { examine(t, text, FormatJSON) })
}

// Whatever is read, the numbers are good ones and each there once, or the faults are good to print.
func FuzzReadNumbers(f *testing.F) {
	for _, text := range []string{
		"", "+12025550142\r'+1 (202) 555-0142\r\n+49 30 1\n", "\ufeff\"+12\"\n+1,2\n\x00\xff", "name\n+1", "a;number\n\"\n\";'+12\nx;\"\n",
		"sep=|\nnumber|x\n+12|\n", "number,number\n\"+12\n+13\n", "\xff\xfe", "nomber\tx\n", "number\n\n+12,x,\n",
	} {
		f.Add(text, "")
		f.Add(text, "number")
	}
	f.Fuzz(func(t *testing.T, text, column string) {
		numbers, err := ReadNumbers(strings.NewReader(text), NumberOptions{Column: column})
		if (err == nil) == (len(numbers) == 0) {
			t.Fatalf("%q, %v", numbers, err)
		}
		if err != nil {
			checkFaults(t, text, err)
		}
		seen := map[string]bool{}
		for _, number := range numbers {
			if seen[number] || !redact.IsE164(number) {
				t.Fatalf("%q of %q", number, numbers)
			}
			seen[number] = true
		}
	})
}

// What encoding/csv reads without a complaint is read in the same way here.
func FuzzRecordsAsEncodingCSV(f *testing.F) {
	for _, text := range []string{"a,b\n", "\"a\n\"\"b\",c\r\n\r\nd", ",,\n\"\",", "a\"b", "\"a\"b", "\"a\n\nb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), "\r") {
			return // is a line end here, and a character there
		}
		theirs := csv.NewReader(strings.NewReader(text))
		theirs.FieldsPerRecord = -1
		want, wantErr := theirs.ReadAll()
		ours := &records{lines: newLines(strings.NewReader(text), io.Discard), delimiter: ','}
		var got [][]string
		for {
			there, at, faults, err := ours.next()
			if err != nil {
				t.Fatal(err)
			}
			if len(faults) > 0 {
				if wantErr == nil {
					t.Fatalf("%v", faults)
				}
				return
			}
			if !there {
				break
			}
			if at.line < 1 || len(ours.text) == 0 && len(ours.cells) == 1 && len(ours.line) == 0 {
				continue // an empty line, which theirs leaves out
			}
			got = append(got, ours.content())
		}
		if wantErr != nil {
			t.Fatalf("read what is wrong: %v", wantErr)
		}
		if len(got) != len(want) {
			t.Fatalf("%q and not %q", got, want)
		}
		for i := range got {
			if strings.Join(got[i], "|") != strings.Join(want[i], "|") || len(got[i]) != len(want[i]) {
				t.Fatalf("%q and not %q", got[i], want[i])
			}
		}
	})
}

// A line that does not end is read past, not held.
func TestALineOfAGigabyte(t *testing.T) {
	for _, format := range []Format{FormatCSV, FormatJSON} {
		for _, begin := range []string{"", fuzzHeader + "\"", fuzzHeader + "\"\n\"\"\n"} {
			size := int64(1 << 30)
			if testing.Short() {
				size = 1 << 26
			}
			file := &longFile{begin: begin, size: size}
			p := &parser{}
			l := newLines(io.NewSectionReader(file, 0, size), io.Discard)
			faults := 0
			emit := func(_ Item, found []InputViolation) bool {
				faults += len(found)
				return true
			}
			read := p.csv
			if format == FormatJSON {
				read = p.jsonLines
			}
			if err := read(l, emit); err != nil {
				t.Fatal(err)
			}
			if faults == 0 || cap(l.line) > 4*mostBytes {
				t.Errorf("%d faults, a line of %d bytes", faults, cap(l.line))
			}
		}
	}
}

// longFile has a beginning and then letters without end.
type longFile struct {
	begin string
	size  int64
}

func (f *longFile) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	if at < int64(len(f.begin)) {
		n = copy(p, f.begin[at:])
	}
	for n < len(p) && at+int64(n) < f.size {
		n += copy(p[n:min(int64(len(p)), f.size-at)], letters)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var letters = strings.Repeat("a", 1<<16)

var errTorn = errors.New("torn")

// tornFile cannot be read any further than some byte.
type tornFile struct {
	text string
	at   int64
}

func (f tornFile) ReadAt(p []byte, at int64) (int, error) {
	if at >= f.at {
		return 0, errTorn
	}
	return copy(p[:min(int64(len(p)), f.at-at)], f.text[at:]), nil
}

// A file that cannot be read to its end is never taken for a shorter one.
func TestATornFile(t *testing.T) {
	t.Parallel()
	const good = "+12025550142,call," + fuzzAgent
	big := strings.Repeat(" ", 65<<10) // than what is read at once
	for _, text := range []string{
		"\n" + big + "\n" + fuzzHeader + good + ",\"" + big + "\"\r" + good + "\r\n",
		"{}\n" + big + "\r" + big,
	} {
		for at := range int64(len(text)) {
			if near := min(at, int64(len(text))-at, max(at-64<<10, 64<<10-at)); near > 100 && at%997 != 0 {
				continue // the same again and again
			}
			l := newLines(io.NewSectionReader(tornFile{text, at}, 0, int64(len(text))), io.Discard)
			_, _, err := l.start()
			emit := func(Item, []InputViolation) bool { return true }
			switch {
			case err != nil:
			case text[0] == '{':
				err = new(parser).jsonLines(l, emit)
			default:
				err = new(parser).csv(l, emit)
			}
			if !errors.Is(err, errTorn) {
				t.Fatalf("at byte %d: %v", at, err)
			}
		}
	}
}
