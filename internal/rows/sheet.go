package rows

import "strings"

// isFormula reports whether a spreadsheet takes a cell for a formula. A cell that looks like one
// behind apostrophes counts too, so that FromSheet removes exactly what ToSheet has added.
func isFormula(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
}

// ToSheet puts an apostrophe before a text that a spreadsheet would take for a formula.
func ToSheet(s string) string {
	if isFormula(s) {
		return "'" + s
	}
	return s
}

// FromSheet removes the apostrophe that ToSheet adds.
func FromSheet(s string) string {
	if rest, found := strings.CutPrefix(s, "'"); found && isFormula(rest) {
		return rest
	}
	return s
}
