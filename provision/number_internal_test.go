package provision

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mihu-go/mihu"
)

func TestCleanNumber(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"+12025550142":                 "+12025550142",
		"'+12025550142":                "+12025550142",
		" ' +12025550142 ":             "+12025550142",
		"+1 (202) 555-0142":            "+12025550142",
		"+1.202.555.0142":              "+12025550142",
		"+49/30/123456":                "+4930123456",
		"(+49) 30 123456":              "+4930123456",
		"+\u00a01\u202f202\u2009555":   "+1202555",
		"\u202a+1202\u200b555\u202c":   "+1202555",
		"+1\u20112025\u2013550\u22121": "+120255501",
		"\ufeff+12\u00ad34":            "+1234",
		"tel:+1-202-555-0142":          "+12025550142",
		"TEL:+39 06 1234":              "+39061234",
		"+12":                          "+12",
		"+123456789012345":             "+123456789012345",
	} {
		number, problem := cleanNumber(written)
		assert.Equal(t, want, number, written)
		assert.Empty(t, problem, written)
	}
}

func TestCleanNumberNeverGuesses(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"12025550142":             "has no + and country code; write +49…",
		"(030) 123456":            "has no + and country code",
		"030 123456":              "has no + and country code",
		"'12025550142":            "has no + and country code",
		"0049 30 123456":          "begins with 00; write +",
		"(0049) 30 123456":        "begins with 00",
		"+49 (0)30 123456":        "has (0)",
		"+49 ( 0 ) 30 12345":      "has (0)",
		"1.20256E+10":             "in scientific notation: the spreadsheet has destroyed the digits",
		"1,20256e+10":             "in scientific notation",
		"+1E10":                   "in scientific notation",
		"12025550142.0":           "a decimal number",
		"+12025550142,00":         "a decimal number",
		"+1 800 FLOWERS":          "has letters",
		"sip:+1202@x":             "has letters",
		"+12025550142x12":         "has an extension",
		"+12025550142 EXT 1":      "has an extension",
		"+12025550142;ext=1":      "has an extension",
		"+12025550142#1":          "has an extension",
		"+12025550142, +123":      "has an extension or a second number",
		"+1202 / +1203":           "has more than one +",
		"++1202":                  "has more than one +",
		"+1202\n555":              "goes over several lines",
		"+1202\u2028555":          "goes over several lines",
		"+1202*555":               "has a character that is not of a number",
		"=+1202":                  "has a character that is not of a number",
		"\"+1202\"":               "has a character that is not of a number",
		"+１2025550142":            "has digits of another script",
		"+١2025550142":            "has digits of another script",
		"+":                       "has no digits",
		strings.Repeat("+1", 200): "too long for a number",
		"tel:":                    "has no digits",
		"-":                       "has no digits",
		"+0202555":                "has a country code that begins with 0",
		"+1":                      "has too few or too many digits",
		"+1234567890123456":       "has too few or too many digits",
	} {
		number, problem := cleanNumber(written)
		assert.Empty(t, number, written)
		assert.True(t, strings.HasPrefix(problem, want), "%s: %s", written, problem)
	}
}

// Whatever is written, what comes of it has the same digits in the same order, behind a plus.
func FuzzCleanNumber(f *testing.F) {
	for _, s := range []string{"'+1 (202) 555-0142", "0049", "+49(0)1", "1.2E+10", "tel:+1;ext=2", "\u202a+1", "+１2", "+1\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		number, problem := cleanNumber(s)
		if (number == "") == (problem == "") {
			t.Fatalf("%q: %q, %q", s, number, problem)
		}
		if problem != "" {
			return
		}
		id := mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
		if err := id.Validate(); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		kept := strings.Map(func(r rune) rune {
			if r == '+' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s)
		if kept != number {
			t.Fatalf("%q became %q", s, number)
		}
		if again, _ := cleanNumber(number); again != number {
			t.Fatalf("%q became %q", number, again)
		}
	})
}
