package provision_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// normalize returns the number, or the problem of what was written.
func normalize(tb testing.TB, written string) (number, problem string) {
	tb.Helper()
	number, err := provision.NormalizeNumber(written)
	if err == nil {
		return number, ""
	}
	require.ErrorIs(tb, err, mihu.ErrInvalid)
	invalid, ok := errors.AsType[*mihu.ValidationError](err)
	require.True(tb, ok, err)
	require.Len(tb, invalid.Violations, 1)
	require.Equal(tb, "phone_number", invalid.Violations[0].Field)
	return number, invalid.Violations[0].Problem
}

func TestNormalizeNumber(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"+12025550142":                   "+12025550142",
		"'+12025550142":                  "+12025550142",
		" ' +12025550142 ":               "+12025550142",
		"+1 (202) 555-0142":              "+12025550142",
		"+1.202.555.0142":                "+12025550142",
		"+49/30/123456":                  "+4930123456",
		"(+49) 30 123456":                "+4930123456",
		"+\u00a01\u202f202\u20095550142": "+12025550142",
		"\u202a+1202\u200b5550142\u202c": "+12025550142",
		"+1\u2011202\u2013555\u22120142": "+12025550142",
		"\ufeff+49\u00ad34":              "+4934",
		"tel:+1-202-555-0142":            "+12025550142",
		"TEL:+39 06 1234":                "+39061234",
		"+49":                            "+49",
		"+423456789012345":               "+423456789012345",
		"+49 (30) 123456-78":             "+493012345678",
		"+49 30 / 123456":                "+4930123456",
		"+49 5751/1234":                  "+4957511234",
		"+44 20 7946-0102":               "+442079460102",
		"+32 476/12.34.56":               "+32476123456",
		"+1 202 555 - 0142":              "+12025550142",
		"+39 06 1234 5678":               "+390612345678",
		"+(1) 202 (555) 0142":            "+12025550142",

		// Dashes before the last digits. In +43, +49 and +352 they are the direct dial within a
		// company, which is a part of the number.
		"+49 89 1234-0":      "+498912340",
		"+43 1 123456789-10": "+43112345678910",
		"+352 12 34 56-1":    "+3521234561",
		"+7 495 123-45-67":   "+74951234567",
		"+380 44 123 45-67":  "+380441234567",
		"+998-90-123-45-67":  "+998901234567",
		"+385 1 1234-567":    "+38511234567",
		"+33-1-23-45-67-89":  "+33123456789",
		"+54 9 11 1234-5678": "+5491112345678",
	} {
		number, problem := normalize(t, written)
		assert.Equal(t, want, number, written)
		assert.Empty(t, problem, written)
	}
}

func TestNormalizeNumberNeverGuesses(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"12025550142":             "missing country code; use +49…",
		"(030) 123456":            "missing country code",
		"030 123456":              "missing country code",
		"'12025550142":            "missing country code",
		"0049 30 123456":          "starts with 00; use +",
		"(0049) 30 123456":        "starts with 00",
		"+49 (0)30 123456":        "has a zero in parentheses",
		"+49 ( 0 ) 30 12345":      "has a zero in parentheses",
		"1.20256E+10":             "in scientific notation: a spreadsheet has destroyed the digits",
		"1,20256e+10":             "in scientific notation",
		"+1E10":                   "in scientific notation",
		"12025550142.0":           "a decimal number",
		"+12025550142,00":         "a decimal number",
		"+442079460102.5":         "has a dot before its end, as a decimal number does",
		"+442079460102.25":        "has a dot before its end, as a decimal number does",
		"+1 800 FLOWERS":          "has letters",
		"sip:+1202@x":             "has letters",
		"+12025550142x12":         "has an extension",
		"+12025550142 EXT 1":      "has an extension",
		"+12025550142;ext=1":      "has an extension",
		"+12025550142#1":          "has an extension",
		"+12025550142, +123":      "has an extension or a second number",
		"+1202 / +1203":           "has more than one +",
		"++1202":                  "has more than one +",
		"+1202\n555":              "spans several lines",
		"+1202\u2028555":          "spans several lines",
		"+1202*555":               "has a character that does not belong in a number",
		"=+1202":                  "has a character that does not belong in a number",
		"\"+1202\"":               "has a character that does not belong in a number",
		"+１2025550142":            "has digits of another script",
		"+١2025550142":            "has digits of another script",
		"+":                       "has no digits",
		strings.Repeat("+1", 200): "too long for a number",
		"tel:":                    "has no digits",
		"-":                       "has no digits",
		"+0202555":                "country code starts with 0",
		"+1":                      "has too few or too many digits",
		"+1234567890123456":       "has too few or too many digits",
		"+4234567890123456":       "has too few or too many digits",

		// More than a number.
		"+12025550110/11":              "want exactly 10 digits after +1",
		"+1 202 555 0110 - 5":          "want exactly 10 digits after +1",
		"+1 202 555 0110 (5)":          "want exactly 10 digits after +1",
		"+12025550110-2025550119":      "has too few or too many digits",
		"+120255501100":                "want exactly 10 digits after +1",
		"+1202555011":                  "want exactly 10 digits after +1",
		"+49 30 123456 (5)":            "ends in parentheses",
		"+49 30 123456 (5":             "ends in parentheses",
		"+49 30 123456-(0).":           "has a zero in parentheses",
		"+49 30 123456/57":             "has a slash, as before a second number",
		"+49 30 123456 / 7":            "has a slash, as before a second number",
		"+4930123456/3457":             "has a slash, as before a second number",
		"+4930123456/12345":            "has a slash, as before a second number",
		"+49 30 123456 - 78":           "has a dash between spaces",
		"+49 30 1234 \u2013 1240":      "has a dash between spaces",
		"+49\u00a030\u00a01234 - 1240": "has a dash between spaces",
		"+44 (020) 7946 0102":          "has a zero in parentheses, which is not dialed everywhere; write the number as it is dialed from abroad",
		"+44 ( 020 ) 7946 0102":        "has a zero in parentheses",

		// Suffixes, in words and signs of several languages.
		"+49 30 123456 w":                 "has letters",
		"+49 30 123456w12":                "has letters",
		"+49 30 123456 p12":               "has letters",
		"+49 30 123456 Durchwahl 7":       "has letters",
		"+49 30 123456 Dw. 7":             "has letters",
		"+49 30 123456 доб. 7":            "has letters",
		"+49 30 123456 分机 7":              "has letters",
		"+49 30 123456 内線7":               "has letters",
		"+49 30 123456 poste 7":           "has letters",
		"+49 30 123456 int. 7":            "has letters",
		"+49 30 123456 anexo 7":           "has letters",
		"+49 30 123456 x 7":               "has an extension",
		"+49 30 123456 Ext. 7":            "has an extension",
		"+49 30 123456#7":                 "has an extension",
		"tel:+49-30-123456;ext=7":         "has an extension",
		"tel:+4930123456;phone-context=x": "has an extension",
		"+49 30 123456*7":                 "has a character that does not belong",
		"+49 30 123456 ~7":                "has a character that does not belong",
		"+49 30 123456 [7]":               "has a character that does not belong",
		"+12025550110-12":                 "want exactly 10 digits after +1",
		"+12025550110/12":                 "want exactly 10 digits after +1",
		"+12025550110.5":                  "want exactly 10 digits after +1",
		"+49 30 123456/12":                "has a slash",
		"+49 30 123456⁄7":                 "has a character that does not belong",

		// A dash and a few digits behind a whole number: an extension, or the last number of a range
		// (0102 to 0109). Nothing tells which, and dialed as one it is nobody's number.
		"+44 20 7946 0102-9":     "has a dash before its last digits, as an extension or a range",
		"+44 20 7946 0102-12":    "has a dash before its last digits",
		"+44-20-7946-0102-123":   "has a dash before its last digits",
		"+33 1 23 45 67 89-90":   "has a dash before its last digits",
		"+66 2 123 4567-8":       "has a dash before its last digits",
		"+47 22 12 34 56\u20107": "has a dash before its last digits",

		// Ranges and lists.
		"+49 30 1234-1240":       "has a dash before its end, as in a range",
		"+49 30 123456–7":        "has a dash before its end, as in a range",
		"+49 30 123456—12":       "has a dash before its end, as in a range",
		"+49 30 123456 − 12":     "has a dash between spaces",
		"+44 20 7946 0102..09":   "has several dots in a row, as in a range",
		"+44 20 7946 0102. .9":   "has several dots in a row, as in a range",
		"+44 20 7946 010...19":   "has several dots in a row, as in a range",
		"+4930123.4930124":       "may be two numbers",
		"+4930123 4930124":       "may be two numbers",
		"+49 30 123 . 49 30 124": "may be two numbers",
		"+4930123-4930124":       "may be two numbers",
		"+4930123,4930124":       "has an extension or a second number",
		"+4930123;4930124":       "has an extension or a second number",
		"+4930123|4930124":       "has a character that does not belong",
		"+4930123&4930124":       "has a character that does not belong",
		"+4930123 or 4930124":    "has letters",
		"+4930123+4930124":       "has more than one +",
		"+49 30 123\t+49 30 124": "has more than one +",

		// A zero that is not dialed from abroad.
		"+44 020 7946 0102":  "has a zero after +44, which is not dialed from abroad; write the number as it is dialed from abroad, without that zero",
		"+44-(0)-2079460102": "has a zero in parentheses",
		"+4402079460102":     "has a zero after +44",
		"+49.030.123456":     "has a zero after +49",
		"+36 06 1 234 5678":  "has a zero after +36",
		"+40 021 123 4567":   "has a zero after +40",
		"+421 02 1234 5678":  "has a zero after +421",
		"+86 010 1234 5678":  "has a zero after +86",
		"+358 09 1234567":    "has a zero after +358",
		"+330123456789":      "has a zero after +33",

		// Digits of other scripts, and what looks like digits.
		"+49 30 12345６": "has digits of another script",
		"＋49 30 123456": "has a character that does not belong",
		"+49 30 12345٦": "has digits of another script",
		"+49 30 12345۶": "has digits of another script",
		"+49 30 12345६": "has digits of another script",
		"+49 30 12345𝟔": "has digits of another script",
		"+49 30 12345²": "has a character that does not belong",
		"+49 30 12345⑥": "has a character that does not belong",
		"+49 30 12345Ⅵ": "has a character that does not belong",
		"+49 30 12345六": "has letters",
		"+49 30 12345O": "has letters",
		"+49 30 l2345":  "has letters",
		"1️⃣2":          "has U+FE0F (variation selector), which cannot be seen",
		"+49 30ㅤ123456": "has U+3164 (Hangul filler), which cannot be seen; remove it",
	} {
		number, problem := normalize(t, written)
		assert.Empty(t, number, written)
		assert.NotEmpty(t, problem, written)
		assert.True(t, strings.HasPrefix(problem, want), "%s: %s", written, problem)
	}
}

// A right number that is refused for the way it is written is accepted as + and digits alone.
func TestNormalizeNumberOtherwise(t *testing.T) {
	t.Parallel()
	for _, written := range []string{
		"+49 30 1234-1240", "+4930123 4930124", "+49 30 123456/57", "+49 30 123456 - 78", "+49 30 123456 (5)", "+49 30 123456–7", "+49 30 123 . 49 30",
	} {
		_, problem := normalize(t, written)
		assert.NotEmpty(t, problem, written)
		plain := "+" + strings.Join(strings.FieldsFunc(written, func(r rune) bool { return r < '0' || r > '9' }), "")
		number, problem := normalize(t, plain)
		assert.Empty(t, problem)
		assert.Equal(t, plain, number)
	}
}

// The value in an error shows the shape of what was written, and no digits of it.
func TestNormalizeNumberMasks(t *testing.T) {
	t.Parallel()
	_, err := provision.NormalizeNumber("+1 202 555 0110 x5")
	require.ErrorIs(t, err, mihu.ErrInvalid)
	assert.ErrorContains(t, err, "phone_number")
	assert.NotContains(t, err.Error(), "0110")
	assert.NotContains(t, err.Error(), "555")
}

// Whatever is written, the number has exactly the digits of it in their order, behind a plus, or it
// is an error.
func FuzzNormalizeNumber(f *testing.F) {
	tel := regexp.MustCompile("(?i)tel:")
	for _, s := range []string{"'+1 (202) 555-0142", "0049", "+49(0)1", "1.2E+10", "tel:+1;ext=2", "\u202a+1", "+１2", "+1\xff", "+12025550110/11", "+1 202 555 0110 - 5", "+49 1 (5)", "+44 (020) 7946 0102", "+49 1/2", "+49 30 123456 Durchwahl 7", "+49 30 12345\uff16", "+49 30 12345\u0666", "tel:+49-30-1;ext=7", "+49 30 1234-1240", "+4930123.4930124", "+49 30 1w2", "+49 30\u3164123", "+49\u00b2", "+4930123,4930124", "1\ufe0f\u20e32"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		number, problem := normalize(t, s)
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
		if strings.ContainsFunc(tel.ReplaceAllString(s, ""), func(r rune) bool {
			return (r < '0' || r > '9') && (unicode.IsNumber(r) || unicode.IsLetter(r) || strings.ContainsRune(";#,*|&=", r))
		}) {
			t.Fatalf("%q became %q", s, number)
		}
		if again, _ := normalize(t, number); again != number {
			t.Fatalf("%q became %q", number, again)
		}
	})
}
