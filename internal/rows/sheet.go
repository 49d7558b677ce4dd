package rows

import (
	"regexp"
	"strings"
)

// months in English and German.
const months = `jan(uary?)?|feb(ruary?)?|mar(ch)?|märz?|apr(il)?|ma[yi]|jun[ei]?|jul[yi]?|aug(ust)?|sept?(ember)?|o[ck]t(ober)?|nov(ember)?|de[cz](ember)?`

var (
	// number is what a spreadsheet reads as a number, a date or a time, and writes in its own way.
	number = regexp.MustCompile(`^\(?[$€£¥]? ?\(?[+-]?[.,]?\d[\d.,:/ \x{a0}-]*([eE][+-]?\d+)? ?[%$€£¥]?\)?$`)
	// word is what it reads as a date or a truth value.
	word = regexp.MustCompile(`(?i)^(true|false|wahr|falsch|\d{1,4}[-/. ]*(` + months + `)\.?([-/., ]*\d{1,4})?|` +
		`(` + months + `)[-/., ]*\d{1,4}([-/., ]*\d{1,4})?)$`)
)

// isFormula reports whether a spreadsheet takes a text for a formula.
func isFormula(s string) bool { return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 }

// isChanged reports whether a spreadsheet would change a text.
func isChanged(s string) bool {
	return isFormula(s) || number.MatchString(s) || word.MatchString(s) || Damage(s) != ""
}

// needsMark reports whether a text must have an apostrophe before it in a file that a Writer
// writes. One that is behind apostrophes needs another, so that each is removed once.
func needsMark(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && (isChanged(s) || unseen(s, Exact) != "")
}

// ToSheet puts an apostrophe before a text that a spreadsheet would change, or that would be
// refused when it is read.
func ToSheet(s string) string {
	if needsMark(s) {
		return "'" + s
	}
	return s
}

// FromSheet removes the apostrophe that ToSheet adds, and reports whether there was one.
func FromSheet(s string) (text string, marked bool) {
	if rest, found := strings.CutPrefix(s, "'"); found && needsMark(rest) {
		return rest, true
	}
	return s, false
}

// Unmark removes an apostrophe that a person may have put before a text so that a spreadsheet does
// not change it. It is unsure if the apostrophe may as well belong to the text.
func Unmark(s string) (text string, unsure bool) {
	rest, found := strings.CutPrefix(s, "'")
	text = strings.TrimLeft(rest, "'")
	if !found || !isChanged(text) {
		return s, false
	}
	return rest, rest == text && Damage(text) == ""
}
