package provision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
)

// CountryCode is a country code whose numbers may be written without a plus.
type CountryCode struct {
	// Code is the code, such as "49".
	Code string
	// Shortest and Longest are how many digits its numbers have, the code included.
	Shortest, Longest int
}

// CountryCodes are the country codes whose numbers a file may have without a plus, as in an MSISDN
// column. A number without a plus gets one if its digits begin with exactly one of the codes and have
// the length of that code's numbers. Anything else is an error, and so is a number that could be read
// in two ways: a number of country code 1 without its 1 has ten digits, as the numbers of other codes
// may have. Of code 1, area code and exchange must begin with 2 to 9. A zero before the number, as it
// is dialed within a country, is an error.
//
// A national number whose zero a spreadsheet has dropped may look like an international
// one: 15123456789 may be +15123456789 or a German mobile number without its zero. Name only codes
// that the file has, and compare [Source.CountryCodeCounts] with what you expect.
//
// The zero value has no code: every number needs its plus. [ParseCountryCodes] checks what a literal
// does not; [Open] and the others check it too.
type CountryCodes []CountryCode

// nanp is the country code of the North American plan. Its numbers have 11 digits.
const (
	nanp       = "1"
	nanpLength = 11
)

// ParseCountryCodes parses a list such as "1,49:12-13,45:10": country codes, each with the total
// lengths of its numbers, the code included. Code 1 needs none: its numbers have 11 digits. The error
// is a [*mihu.ValidationError].
func ParseCountryCodes(list string) (CountryCodes, error) {
	var codes CountryCodes
	for part := range strings.SplitSeq(list, ",") {
		code, problem := parseCountryCode(strings.TrimSpace(part))
		if problem != "" {
			return nil, invalid("parse_country_codes", mihu.FieldViolation{Field: "country codes", Value: redact.Text(redact.Clip(part)), Problem: problem})
		}
		codes = append(codes, code)
	}
	if err := codes.validate(); err != nil {
		return nil, err
	}
	return codes, nil
}

func parseCountryCode(part string) (code CountryCode, problem string) {
	name, lengths, found := strings.Cut(part, ":")
	code.Code = strings.TrimPrefix(name, "+")
	if !found {
		if code.Code == nanp {
			code.Shortest, code.Longest = nanpLength, nanpLength
			return code, ""
		}
		if part == "" {
			return code, "empty; want a list such as 1,49:12-13"
		}
		return code, "needs the number of digits that its numbers have, the code included, such as 49:12-13"
	}
	first, last, isRange := strings.Cut(lengths, "-")
	if !isRange {
		last = first
	}
	var wrong [2]error
	code.Shortest, wrong[0] = strconv.Atoi(first)
	code.Longest, wrong[1] = strconv.Atoi(last)
	if wrong[0] != nil || wrong[1] != nil {
		return code, "has no lengths; want a number or a range behind the colon, such as 49:12-13"
	}
	return code, ""
}

// validate returns an error if a code cannot be one, or is there twice.
func (c CountryCodes) validate() error {
	const longest = 15
	for i, code := range c {
		problem := ""
		switch {
		case !isCountryCode(code.Code):
			problem = "not a country code"
		case slices.ContainsFunc(c[:i], func(other CountryCode) bool { return other.Code == code.Code }):
			problem = "twice; name each code once"
		case code.Code == nanp && (code.Shortest != nanpLength || code.Longest != nanpLength):
			problem = "numbers of country code 1 have 11 digits, the 1 included"
		case code.Shortest <= len(code.Code) || code.Longest > longest || code.Shortest > code.Longest:
			problem = fmt.Sprintf("want a length or a range of lengths from %d to %d, the code included", len(code.Code)+1, longest)
		}
		if problem != "" {
			return invalid("country_codes", mihu.FieldViolation{Field: "country codes", Value: redact.Clip(code.Code), Problem: problem})
		}
	}
	return nil
}

// isCountryCode reports whether digits have the form of a country code. No code begins with another.
func isCountryCode(code string) bool {
	const two = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 " +
		"81 82 84 86 90 91 92 93 94 95 98 "
	if code == "" || strings.Trim(code, "0123456789") != "" || code[0] == '0' {
		return false
	}
	switch len(code) {
	case 1:
		return code == nanp || code == "7"
	case 2:
		return strings.Contains(two, " "+code+" ")
	case 3:
		return code[0] != '1' && code[0] != '7' && !strings.Contains(two, " "+code[:2]+" ")
	}
	return false
}

// String returns the list as [ParseCountryCodes] reads it.
func (c CountryCodes) String() string {
	var parts []string
	for _, code := range c {
		switch {
		case code.Code == nanp:
			parts = append(parts, nanp)
		case code.Shortest == code.Longest:
			parts = append(parts, fmt.Sprintf("%s:%d", code.Code, code.Shortest))
		default:
			parts = append(parts, fmt.Sprintf("%s:%d-%d", code.Code, code.Shortest, code.Longest))
		}
	}
	return strings.Join(parts, ",")
}

// Normalize is [NormalizeNumber] for numbers that may be without a plus, by the rules of
// [CountryCodes]. code is the country code that it has added a plus to, "" if the number had one.
func (c CountryCodes) Normalize(written string) (number, code string, err error) {
	if err := c.validate(); err != nil {
		return "", "", err
	}
	number, code, problem := c.parse(written)
	if problem != "" {
		return "", "", invalid("normalize_number", mihu.FieldViolation{Field: "phone_number", Value: redact.BadNumber(written), Problem: problem})
	}
	return number, code, nil
}

const withPlus = "; write it with + and its country code"

// find returns the code that the digits of a number begin with, or the problem of the number.
func (c CountryCodes) find(digits string) (code, problem string) {
	var begun, fits []CountryCode
	for _, other := range c {
		if strings.HasPrefix(digits, other.Code) {
			begun = append(begun, other)
			if len(digits) >= other.Shortest && len(digits) <= other.Longest {
				fits = append(fits, other)
			}
		}
	}
	without := c.has(nanp) && isNANP(digits)
	switch {
	case len(fits) > 1: // no country code begins with another
		return "", "fits several country codes" + withPlus
	case len(fits) == 1 && without:
		return "", "may be a number of country code " + fits[0].Code + ", or one of country code 1 without its 1" + withPlus
	case len(fits) == 1 && fits[0].Code == nanp && !isNANP(digits[1:]):
		return "", "not a number of country code 1, whose area codes and exchanges begin with 2 to 9" + withPlus
	case len(fits) == 1:
		return fits[0].Code, ""
	case without:
		return "", "missing country code: it has ten digits, as a number of country code 1 without its 1" + withPlus
	case len(begun) > 0:
		return "", fmt.Sprintf("has %d digits and begins with %s, whose numbers have %s", len(digits), begun[0].Code, begun[0].lengths()) + withPlus
	}
	return "", "missing country code: it begins with none of those that are named" + withPlus
}

func (c CountryCode) lengths() string {
	if c.Shortest == c.Longest {
		return strconv.Itoa(c.Shortest)
	}
	return fmt.Sprintf("%d to %d", c.Shortest, c.Longest)
}

func (c CountryCodes) has(code string) bool {
	return slices.ContainsFunc(c, func(other CountryCode) bool { return other.Code == code })
}

// isNANP reports whether ten digits can be a number of the North American plan: area code and
// exchange begin with 2 to 9, and no area code is a service such as 911.
func isNANP(digits string) bool {
	return len(digits) == nanpLength-1 && digits[0] >= '2' && digits[3] >= '2' && digits[1:3] != "11"
}
