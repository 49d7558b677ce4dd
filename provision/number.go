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
// less than a whole one: an extension, a range, a second number, a zero that is not dialed from
// abroad, a number that a spreadsheet has turned into a decimal. A number that begins with +1 must
// have ten more digits. What else the plan of a country says is not checked. A number that is refused
// for the way it is written is accepted as + and digits alone.
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
	spacedHyphen     = regexp.MustCompile(`\d[)]? [-\x{2013}] [(]?\d[^-\x{2013}]*$`)
	fraction         = regexp.MustCompile(`^\+\d{10,}\.\d+$`)
	severalDots      = regexp.MustCompile(`\.\D*\.`)
	spacedDot        = regexp.MustCompile(`\d[)]? \. [(]?\d`)
	longDash         = regexp.MustCompile(`\d\x{2013}\d{1,4}\D*$`)
	lastGroups       = regexp.MustCompile(`(?:^|\D)(\d{1,5})-(\d{1,5})\D*$`)
)

// parseNumber returns the number in E.164, or the problem for which it cannot.
func parseNumber(written string) (number, problem string) {
	number, _, problem = CountryCodes(nil).parse(written)
	return number, problem
}

// parse returns the number in E.164, or the problem for which it cannot. code is the country code of
// a number that was written without a plus.
func (c CountryCodes) parse(written string) (number, code, problem string) {
	s := strings.TrimPrefix(rows.Trim(written), "'") // it keeps a spreadsheet from calculating
	s = rows.Trim(s)
	if redact.IsE164(s) { // as most numbers are
		number, problem = complete(s, cmp.Or(wrongLength(s), zeroAfterCode(s)))
		return number, "", problem
	}
	if len(s) >= 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	if problem := notANumber(s); problem != "" {
		return "", "", problem
	}
	compact := strings.Map(func(r rune) rune {
		if isSeparator(r) {
			return -1
		}
		return r
	}, s)
	number = strings.NewReplacer("(", "", ")", "").Replace(compact)
	if len(c) > 0 && isInternational(number) {
		if code, problem = c.find(number); problem != "" {
			return "", "", problem
		}
		number, compact, s = "+"+number, "+"+compact, "+"+rows.Trim(s)
	}
	number, problem = complete(number, cmp.Or(notE164(compact, number), wrongLength(number), zeroAfterCode(number), isFollowed(s, number)))
	return number, code, problem
}

// isInternational reports whether a number without a plus may begin with a country code.
func isInternational(number string) bool {
	return number != "" && strings.Trim(number, "0123456789") == "" && number[0] != '0'
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

// zeroAfterCode returns the problem of a number that keeps, behind the country code, the zero that is
// dialed within the country alone. It knows the plans in which no number begins with a zero.
func zeroAfterCode(number string) string {
	for _, code := range &trunkZero {
		if strings.HasPrefix(number, code+"0") {
			return "has a zero after " + code + ", which is not dialed from abroad; write the number as it is dialed from abroad, without that zero"
		}
	}
	return ""
}

// trunkZero are the country codes of some plans in which a zero before a number means that it is
// dialed within the country. No number in them begins with one.
var trunkZero = [...]string{ // never changed
	"+20", "+27", "+31", "+32", "+33", "+41", "+43", "+44", "+46", "+49", "+61", "+64", "+81", "+82", "+90", "+91", "+353", "+972",
	"+36", "+40", "+54", "+55", "+60", "+62", "+63", "+66", "+84", "+86", "+92", "+94", "+234", "+254", "+358", "+359", "+380", "+385", "+386", "+421",
}

// isFollowed returns the problem of a number that something else may follow. A number that begins with
// +1 has the right length already.
func isFollowed(s, number string) string {
	if strings.HasPrefix(number, "+1") {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == '\u2010' || r == '\u2011':
			return '-'
		case isDash(r):
			return '\u2013'
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
	case longDash.MatchString(s), isRange(s):
		return "has a dash before its end, as in a range; write one complete number, without a dash there"
	case fraction.MatchString(s):
		return "has a dot before its end, as a decimal number does; write one complete number, without a dot there"
	case severalDots.MatchString(s):
		return "has several dots in a row, as in a range; write one complete number"
	case spacedDot.MatchString(s), twoHalves(s):
		return "may be two numbers; write one number, and no blank, dot or dash in its middle"
	}
	return ""
}

// isRange reports whether the last two groups of digits are the first and the last of a range, such
// as 1234-1240.
func isRange(s string) bool {
	groups := lastGroups.FindStringSubmatch(s)
	if groups == nil {
		return false
	}
	first, last := groups[1], groups[2]
	return len(first) == len(last) && first[0] == last[0] && first < last
}

// twoHalves reports whether a number is long enough for two, and has a separator in its middle and
// nowhere else.
func twoHalves(s string) bool {
	const least = 7 // digits of each
	halves := strings.FieldsFunc(s, isSeparator)
	return len(halves) == 2 && countDigits(halves[0]) >= least && countDigits(halves[1]) >= least
}

func countDigits(s string) int {
	n := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// notANumber returns the problem of a text that is damaged or more than a number.
func notANumber(s string) string {
	const long = 256
	switch {
	case len(s) > long:
		return "too long for a number; " + wantE164
	case rows.HiddenFiller(s) != "":
		return "has " + rows.HiddenFiller(s) + ", which cannot be seen; remove it"
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
