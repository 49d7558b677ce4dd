package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode"
)

// numberFormat is what a format makes of a whole number.
type numberFormat struct {
	// problem is why a number with the format is not what a person sees; "" if it is.
	problem string
	// zeros is the number of digits that are shown at least.
	zeros int
}

const (
	isDate    = "a date or a time; format the cell as text and enter the value again"
	isPercent = "a percentage; format the cell as text and enter the value again"
	isOther   = "a number with a format that adds text to it; format the cell as text and enter the value again"
	noFormat  = "a number with a format that the workbook does not define; save the workbook again"
)

// readStyles reads the formats of numbers, by the index of a style.
func (b *Book) readStyles(file *zip.File) error {
	if file == nil {
		return nil
	}
	p, err := b.openPart(file, maxSmall)
	if err != nil {
		return err
	}
	defer p.close()
	own := map[string]string{}
	inCells := false
	return p.each(" numFmt cellXfs cellStyleXfs cellStyles dxfs xf ", func(start xml.StartElement) error {
		switch start.Name.Local {
		case "numFmt":
			if !inCells { // the formats of conditions come later
				own[attr(&start, "numFmtId")] = attr(&start, "formatCode")
			}
		case "xf":
			if inCells {
				id := attr(&start, "numFmtId")
				if code, ok := own[id]; ok {
					b.formats = append(b.formats, formatOf(code))
				} else {
					b.formats = append(b.formats, builtIn(id))
				}
			}
		default:
			inCells = start.Name.Local == "cellXfs"
		}
		return nil
	})
}

// builtIn returns a format that is not in the workbook, by its number.
func builtIn(id string) numberFormat {
	n, err := strconv.Atoi(id)
	switch {
	case id == "":
	case err != nil || n < 0:
		return numberFormat{problem: noFormat}
	case n >= 14 && n <= 22, n >= 27 && n <= 36, n >= 45 && n <= 47, n >= 50 && n <= 58, n >= 71 && n <= 81:
		return numberFormat{problem: isDate}
	case n == 9, n == 10, n == 67, n == 68:
		return numberFormat{problem: isPercent}
	case n > 81:
		return numberFormat{problem: noFormat}
	}
	return numberFormat{}
}

// formatOf returns what a format makes of a whole number, by its code such as yyyy-mm-dd or 0000.
func formatOf(code string) (f numberFormat) {
	zeros, decimals := 0, false
	set := func(problem string) {
		if f.problem == "" || problem == isDate {
			f.problem = problem
		}
	}
	literal := func(text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			set(isOther)
		}
	}
	for code != "" {
		size := 1
		switch c := code[0]; c {
		case '"':
			size = closing(code, '"')
			literal(code[1:size])
		case '[':
			size = closing(code, ']')
			if inside := strings.ToLower(strings.Trim(code[:size], "[]")); inside != "" && strings.Trim(inside, inside[:1]) == "" && strings.ContainsAny(inside[:1], "hms") {
				set(isDate)
			}
		case '\\', '_', '*':
			size = 1 + len(firstRune(code[1:]))
			if c == '\\' {
				literal(code[1:size])
			}
		case '0':
			if !decimals {
				zeros++
			}
		case '.':
			decimals = true
		case ';':
			zeros, decimals = 0, false
		case '%':
			set(isPercent)
		default:
			size = f.letters(code, set)
		}
		f.zeros = max(f.zeros, zeros)
		code = code[size:]
	}
	return f
}

// letters reads what begins with a letter, and returns its length.
func (f *numberFormat) letters(code string, set func(string)) int {
	if len(code) >= 7 && strings.EqualFold(code[:7], "general") {
		return 7
	}
	if len(code) >= 2 && (code[0] == 'E' || code[0] == 'e') && (code[1] == '+' || code[1] == '-') {
		return 2
	}
	first := firstRune(code)
	switch {
	case strings.ContainsAny(first, "dmyhsDMYHSeEgGbBaA"):
		set(isDate)
	case strings.ContainsFunc(first, unicode.IsLetter):
		set(isOther)
	}
	return len(first)
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// closing returns the length of what begins with a delimiter, the closing one included.
func closing(code string, delimiter byte) int {
	if i := strings.IndexByte(code[1:], delimiter); i >= 0 {
		return i + 2
	}
	return len(code)
}
