package provision

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
	"github.com/mihu-go/mihu/internal/rows"
)

// NormalizeNumber returns a phone number in E.164, such as +12025550110, from the way people and
// spreadsheets write it: with spaces, dashes, dots, slashes and parentheses, behind "tel:", or
// behind the apostrophe that keeps a spreadsheet from calculating.
//
// It never guesses. The result has exactly the digits that were written, in their order. A number
// without + and country code is an error, and so is everything that may be more than one number, or
// less than a complete one: an extension, a range, a second number, a zero in parentheses, a number
// that a spreadsheet has turned into a decimal. A number that begins with +1 must have ten more
// digits. What else the plan of a country says is not checked.
//
// The error is a [*mihu.ValidationError] with one violation, of the field phone_number. It shows
// the shape of what was written with its digits masked.
func NormalizeNumber(written string) (string, error) {
	number, problem := parseNumber(written)
	if problem != "" {
		return "", invalid("normalize_number", mihu.FieldViolation{Field: "phone_number", Value: redact.BadNumber(written), Problem: problem})
	}
	return number, nil
}

const wantE164 = "want E.164 such as +12345678901"

var (
	scientific  = regexp.MustCompile(`^[+-]?\d([.,]\d+)?[eE][+-]?\d+$`)
	extension   = regexp.MustCompile(`(?i)\d\s*(;|#|,|x|ext)`)
	decimalZero = regexp.MustCompile(`^\+?\d+[.,]0+$`)

	// What follows a complete number, after blanks were made spaces and dashes hyphens.
	endInParentheses = regexp.MustCompile(`\d[^\d+]*\(\s*\d{1,5}\D*$`)
	endAfterSlash    = regexp.MustCompile(`/\D*\d{1,3}\D*$`)
	longBeforeSlash  = regexp.MustCompile(`^[^/]*(\d[^\d/]*){8}/`)
	spacedHyphen     = regexp.MustCompile(`\d[)]? - [(]?\d[^-]*$`)
)

// parseNumber returns the number in E.164, or the problem for which it cannot.
func parseNumber(written string) (number, problem string) {
	s := strings.TrimPrefix(rows.Trim(written), "'") // it keeps a spreadsheet from calculating
	s = rows.Trim(s)
	if redact.IsE164(s) { // as most numbers are
		return complete(s, wrongLength(s))
	}
	if len(s) >= 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	if problem := notANumber(s); problem != "" {
		return "", problem
	}
	compact := strings.Map(func(r rune) rune {
		if isSeparator(r) {
			return -1
		}
		return r
	}, s)
	number = strings.NewReplacer("(", "", ")", "").Replace(compact)
	return complete(number, cmp.Or(notE164(compact, number), wrongLength(number), hasMore(s, number)))
}

// complete returns the number, or the problem alone.
func complete(number, problem string) (string, string) {
	if problem != "" {
		return "", problem
	}
	return number, ""
}

// notE164 returns why a number without separators is not E.164. compact still has its parentheses.
func notE164(compact, number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	switch {
	case strings.HasPrefix(number, "00"):
		return "starts with 00; use + and the country code, such as +49…"
	case strings.Count(number, "+") > 1:
		return "has more than one +; write one number"
	case strings.Trim(digits, "0123456789") != "":
		return "has a character that does not belong in a number; " + wantE164
	case digits == "":
		return "has no digits; " + wantE164
	case !plus:
		return "missing country code; use +49… or that of the number's country"
	case digits[0] == '0':
		return "country code starts with 0; no country code does"
	case strings.Contains(compact, "(0"):
		return "has a zero in parentheses, which is not dialed everywhere; write the number as it is dialed from abroad"
	case !redact.IsE164(number):
		return "has too few or too many digits; want 2 to 15 after the +"
	}
	return ""
}

// wrongLength returns the problem of a number of the North American plan that does not have its
// length.
func wrongLength(number string) string {
	const digits = 10
	if strings.HasPrefix(number, "+1") && len(number) != len("+1")+digits {
		return "want exactly 10 digits after +1; write one number, without an extension"
	}
	return ""
}

// hasMore returns the problem of a number that something else may follow. A number that begins with
// +1 has the right length already.
func hasMore(s, number string) string {
	if strings.HasPrefix(number, "+1") {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case isDash(r):
			return '-'
		case unicode.IsSpace(r):
			return ' '
		case rows.IsInvisible(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case endInParentheses.MatchString(s):
		return "ends in parentheses, as with an extension; write one complete number"
	case endAfterSlash.MatchString(s), longBeforeSlash.MatchString(s):
		return "has a slash, as before a second number; write one complete number"
	case spacedHyphen.MatchString(s):
		return "has a dash between spaces, as in a range; write one complete number"
	}
	return ""
}

// notANumber returns the problem of a text that is damaged or more than a number.
func notANumber(s string) string {
	const long = 256
	switch {
	case len(s) > long:
		return "too long for a number; " + wantE164
	case scientific.MatchString(s):
		return "in scientific notation: a spreadsheet has destroyed the digits; format the column as text and enter the number again"
	case decimalZero.MatchString(s):
		return "a decimal number, as a spreadsheet writes it; format the column as text and enter the number again"
	case strings.ContainsAny(s, "\r\n\v\f\u0085\u2028\u2029"):
		return "spans several lines; write one number"
	case extension.MatchString(s):
		return "has an extension or a second number; write one complete number"
	case strings.ContainsFunc(s, unicode.IsLetter):
		return "has letters; " + wantE164
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsDigit(r) && (r < '0' || r > '9') }):
		return "has digits of another script; write it with 0 to 9"
	}
	return ""
}

// isSeparator reports whether a character only separates digits, or is invisible.
func isSeparator(r rune) bool {
	return rows.IsInvisible(r) || isDash(r) || r == '.' || r == '/'
}

func isDash(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '\u2212' }
