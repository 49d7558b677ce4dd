package rows

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
)

const header = "phone_number,channel,agent_uuid,name,sip_password,additional_settings\n"

// What encoding/csv reads without an error, Records reads in the same way.
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
		ours := NewRecords(NewLines(strings.NewReader(text), io.Discard))
		var got [][]string
		for {
			record, err := ours.Next()
			if err != nil {
				t.Fatal(err)
			}
			if record == nil {
				break
			}
			if record.Broken != nil {
				if wantErr == nil {
					t.Fatalf("%v", record.Broken)
				}
				return
			}
			if record.At.Line < 1 || record.Empty {
				continue // encoding/csv skips empty lines
			}
			var texts []string
			for _, c := range record.Cells {
				texts = append(texts, c.Text)
			}
			got = append(got, texts)
		}
		if wantErr != nil {
			t.Fatalf("no violation, but %v", wantErr)
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

// A line that does not end is skipped, not held in memory.
func TestALineOfAGigabyte(t *testing.T) {
	for _, format := range []Format{CSV, JSON} {
		for _, begin := range []string{"", header + "\"", header + "\"\n\"\"\n"} {
			size := int64(1 << 30)
			if testing.Short() {
				size = 1 << 26
			}
			file := &longFile{begin: begin, size: size}
			l := NewLines(io.NewSectionReader(file, 0, size), io.Discard)
			violations := 0
			each := func(r *Row) bool {
				violations += len(r.Violations)
				return true
			}
			read := func(l *Lines, each func(*Row) bool) error { return trunks.readRecords(NewRecords(l), each) }
			if format == JSON {
				read = trunks.readJSON
			}
			if err := read(l, each); err != nil {
				t.Fatal(err)
			}
			if violations == 0 || cap(l.line) > 4*maxBytes {
				t.Errorf("%d violations, a line of %d bytes", violations, cap(l.line))
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

// A file that cannot be read to its end is never mistaken for a shorter one.
func TestATornFile(t *testing.T) {
	t.Parallel()
	const good = "+12025550142,call," + "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	big := strings.Repeat(" ", 65<<10) // than what is read at once
	for _, text := range []string{
		"\n" + big + "\n" + header + good + ",\"" + big + "\"\r" + good + "\r\n",
		"{}\n" + big + "\r" + big,
	} {
		for at := range int64(len(text)) {
			if near := min(at, int64(len(text))-at, max(at-64<<10, 64<<10-at)); near > 100 && at%997 != 0 {
				continue // the same again and again
			}
			format := CSV
			if text[0] == '{' {
				format = JSON
			}
			file := io.NewSectionReader(tornFile{text, at}, 0, int64(len(text)))
			_, err := trunks.Read(file, io.Discard, format, func(*Row) bool { return true })
			if !errors.Is(err, errTorn) {
				t.Fatalf("at byte %d: %v", at, err)
			}
		}
	}
}
