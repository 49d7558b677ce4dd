package provision

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mihu-go/mihu/internal/redact"
)

const (
	fuzzAgent  = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	fuzzHeader = "phone_number,channel,agent_uuid,name,sip_password,additional_settings\n"
)

// examine reads an input in a format: either all its items are valid, or its violations can be
// printed.
func examine(t *testing.T, text string, format Format) {
	t.Helper()
	source, err := Spool(strings.NewReader(text), ReadOptions{Format: format})
	if err != nil {
		checkViolations(t, text, err)
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

// checkViolations checks the error of an invalid input.
func checkViolations(t *testing.T, text string, err error) {
	t.Helper()
	found, ok := errors.AsType[*InputError](err)
	if !ok || len(found.Violations) == 0 {
		t.Fatal(err)
	}
	line := 1
	for _, violation := range found.Violations {
		if violation.Line < line || violation.Column < 1 || violation.Line > 1+strings.Count(text, "\n")+strings.Count(text, "\r") {
			t.Fatalf("%v after line %d", violation, line)
		}
		line = violation.Line
		if s := violation.String(); !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00") || len(s) > 1000 {
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

// Whatever is read, the numbers are valid and unique, or the violations can be printed.
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
			checkViolations(t, text, err)
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
