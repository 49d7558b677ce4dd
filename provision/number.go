package provision

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/mihu-go/mihu/internal/redact"
)

var (
	scientific  = regexp.MustCompile(`^[+-]?\d([.,]\d+)?[eE][+-]?\d+$`)
	extension   = regexp.MustCompile(`(?i)\d\s*(;|#|,|x|ext)`)
	decimalZero = regexp.MustCompile(`^\+?\d+[.,]0+$`)
)

// cleanNumber takes from a number how people and spreadsheets set it out, and says what is wrong with the rest.
// What it takes away can never be a digit, and what it gives is the number that was written: it adds nothing,
// no country code either.
func cleanNumber(s string) (number, problem string) {
	s = strings.TrimPrefix(trim(s), "'") // the apostrophe that keeps a spreadsheet from calculating
	s = trim(s)
	if redact.IsE164(s) {
		return s, "" // as most are
	}
	if len(s) >= 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	if problem := notANumber(s); problem != "" {
		return "", problem
	}
	s = strings.Map(func(r rune) rune {
		if isSetting(r) {
			return -1
		}
		return r
	}, s)
	switch {
	case strings.Contains(s, "(0)"):
		return "", "has (0), which belongs to some countries' numbers and not to others'; write the number as it is dialed from abroad"
	case strings.HasPrefix(strings.TrimLeft(s, "("), "00"):
		return "", "begins with 00; write + and the country code instead, such as +49…"
	}
	s = strings.NewReplacer("(", "", ")", "").Replace(s) // whatever is within belongs to the number
	digits, plus := strings.CutPrefix(s, "+")
	switch {
	case strings.Count(s, "+") > 1:
		return "", "has more than one +; write one number"
	case strings.Trim(digits, "0123456789") != "":
		return "", "has a character that is not of a number; want E.164 such as +12345678901"
	case digits == "":
		return "", "has no digits; want E.164 such as +12345678901"
	case !plus:
		return "", "has no + and country code; write +49… or what the country's is"
	case digits[0] == '0':
		return "", "has a country code that begins with 0; no country's does"
	case !redact.IsE164(s):
		return "", "has too few or too many digits; want 2 to 15 after the +"
	}
	return s, ""
}

// notANumber looks for what is damaged or more than a number, before anything is taken away.
func notANumber(s string) string {
	const long = 256
	switch {
	case len(s) > long:
		return "too long for a number; want E.164 such as +12345678901"
	case scientific.MatchString(s):
		return "in scientific notation: the spreadsheet has destroyed the digits; format the column as text and enter the number again"
	case decimalZero.MatchString(s):
		return "a decimal number, as a spreadsheet writes it; format the column as text and enter the number again"
	case strings.ContainsAny(s, "\r\n\v\f\u0085\u2028\u2029"):
		return "goes over several lines; write one number"
	case extension.MatchString(s):
		return "has an extension or a second number; a trunk is of one whole number"
	case strings.ContainsFunc(s, unicode.IsLetter):
		return "has letters; want E.164 such as +12345678901"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsDigit(r) && (r < '0' || r > '9') }):
		return "has digits of another script; write it with 0 to 9"
	}
	return ""
}

// isSetting tells the characters that set the digits of a number apart, or are not seen at all.
func isSetting(r rune) bool {
	return isInvisible(r) || unicode.Is(unicode.Pd, r) || strings.ContainsRune("\u2212./", r)
}

// isInvisible tells spaces, and the marks that come with what is copied from web pages and messengers:
// zero-width spaces and joiners, marks of the direction of writing, soft hyphens, byte order marks.
func isInvisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

// trim takes away what is not seen at either end.
func trim(s string) string { return strings.TrimFunc(s, isInvisible) }
