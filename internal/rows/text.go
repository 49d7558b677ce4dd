package rows

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// IsInvisible reports whether a character is a space, or one that comes with text copied from web
// pages and messengers: zero-width spaces and joiners, marks of the direction of writing, soft
// hyphens, byte order marks.
func IsInvisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

// Trim removes invisible characters from both ends.
func Trim(s string) string { return strings.TrimFunc(s, IsInvisible) }

// isFiller reports whether a character counts as a letter or a mark, and shows nothing.
func isFiller(r rune) bool {
	return r == '\u2800' || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// isHidden reports whether a character cannot be seen, or not told from a plain space. An emoji and
// an ideograph may have a variation selector.
func isHidden(r, before rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return false
	case unicode.Is(unicode.Variation_Selector, r):
		return !unicode.IsSymbol(before) && !unicode.Is(unicode.Han, before)
	}
	return IsInvisible(r) || isFiller(r)
}

// belongsInNames reports whether a hidden character has its place within names of some script, or
// within an emoji.
func belongsInNames(r rune) bool {
	const soft, zwnj, zwj = '\u00ad', '\u200c', '\u200d'
	return unicode.IsSpace(r) || r == soft || r == zwnj || r == zwj || unicode.Is(unicode.Bidi_Control, r) || r >= 0xe0020 && r <= 0xe007f
}

// Hidden returns the first character of a text that cannot be seen, by its code point and name; ""
// if there is none. Plain spaces and control characters do not count.
func Hidden(s string) string { return firstHidden(s, func(rune) bool { return true }) }

// HiddenFiller is Hidden without what Trim removes from the ends.
func HiddenFiller(s string) string {
	return firstHidden(s, func(r rune) bool { return !IsInvisible(r) })
}

func firstHidden(s string, counts func(rune) bool) string {
	before := rune(-1)
	for _, r := range s {
		if isHidden(r, before) && counts(r) {
			return nameOf(r)
		}
		before = r
	}
	return ""
}

// nameOf returns a character that cannot be shown.
func nameOf(r rune) string {
	name := ""
	switch r {
	case ' ':
		return "a space"
	case '\t':
		return "a tab"
	case '\n':
		return "a line feed"
	case '\r':
		return "a carriage return"
	case '\u00a0', '\u202f', '\u2007':
		name = " (no-break space)"
	case '\u200b':
		name = " (zero width space)"
	case '\u200c', '\u200d':
		name = " (zero width joiner)"
	case '\ufeff':
		name = " (byte order mark)"
	case '\u00ad':
		name = " (soft hyphen)"
	case '\u3000':
		name = " (ideographic space)"
	case '\u3164', '\uffa0', '\u115f', '\u1160':
		name = " (Hangul filler)"
	case '\u2800':
		name = " (braille blank)"
	default:
		if unicode.Is(unicode.Variation_Selector, r) {
			name = " (variation selector)"
		}
	}
	return fmt.Sprintf("%U", r) + name
}

// TextKind is what a text is for, which decides what it may hold.
type TextKind int

// The kinds.
const (
	// Name is a text for people.
	Name TextKind = iota
	// Exact is a text for programs, such as a password.
	Exact
)

// Suspect returns why a text is probably not what the person meant who wrote it; "" if it may be: a
// spreadsheet has changed it, it begins or ends with a blank, or it has a character that cannot be
// seen. format is that of the file, for what to do.
func Suspect(s string, kind TextKind, format Format) string {
	if problem := Damage(s); problem != "" {
		if format == JSON {
			return problem + `; if it is right, write its first character as an escape, such as \u0031`
		}
		return problem + "; if it is right, write an apostrophe before it"
	}
	if what := unseen(s, kind); what != "" {
		if format == JSON {
			return what + `; remove it or, if it belongs there, write it as an escape, such as \u0020`
		}
		return what + `; remove it or, if it belongs there, write the rows as JSON lines with an escape, such as \u0020`
	}
	return ""
}

// unseen returns what is in a text and cannot be seen.
func unseen(s string, kind TextKind) string {
	first, _ := utf8.DecodeRuneInString(s)
	last, size := utf8.DecodeLastRuneInString(s)
	switch {
	case s == "":
		return ""
	case IsInvisible(first):
		return "begins with " + nameOf(first)
	case IsInvisible(last), isHidden(last, lastRune(s[:len(s)-size])):
		return "ends with " + nameOf(last)
	}
	found := firstHidden(s, func(r rune) bool { return kind == Exact || !belongsInNames(r) })
	if found != "" {
		return "has " + found + ", which cannot be seen"
	}
	return ""
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

var (
	scientific  = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?[eE][+-]?\d{1,3}$`)
	decimalZero = regexp.MustCompile(`^[+-]?\d+[.,]0+$`)
	grouped     = regexp.MustCompile(`^[+-]?\d{1,3}([,.]\d{3}){2,}([,.]\d+)?$`)
	sheetError  = regexp.MustCompile(`^(#(NAME\?|REF!|VALUE!|N/A|DIV/0!|NUM!|NULL!|SPILL!|CALC!|WERT!|BEZUG!|ZAHL!|NV)|#{3,}|Err:\d{3})$`)
)

// Damage returns what a spreadsheet has done to a cell; "" if it is not known to have done anything.
func Damage(s string) string {
	const again = "; format the column as text and enter it again"
	switch {
	case s == "" || strings.IndexByte("0123456789+-#E", s[0]) < 0:
		return ""
	case scientific.MatchString(s):
		return "in scientific notation: a spreadsheet has destroyed the digits" + again
	case decimalZero.MatchString(s):
		return "a decimal number, as a spreadsheet writes it" + again
	case grouped.MatchString(s):
		if _, err := netip.ParseAddr(s); err == nil {
			return ""
		}
		return "digits in groups, as a spreadsheet writes a number" + again
	case sheetError.MatchString(s):
		return "an error of a spreadsheet in place of a value; enter it again"
	}
	return ""
}

// Escaped returns a text as a JSON string in which every character is an escape.
func Escaped(s string) []byte {
	out := []byte{'"'}
	for _, unit := range utf16.Encode([]rune(s)) {
		out = fmt.Appendf(out, `\u%04x`, unit)
	}
	return append(out, '"')
}
