package mihu

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// Decimal is an amount of money with the digits that the API sent, such as "1.50". It is not a
// binary float, so nothing is rounded. The zero value "" means that the API sent no amount. Use
// [Decimal.Rat] to compare and add amounts.
type Decimal string

// maxDecimal bounds the text of an amount. Its exponent has at most two digits, so that no amount
// takes much memory.
const maxDecimal = 64

// Rat returns the exact value, and false if the text is not a number.
func (d Decimal) Rat() (*big.Rat, bool) {
	if !isDecimal(string(d)) {
		return nil, false
	}
	return new(big.Rat).SetString(string(d))
}

// String returns the digits as they are.
func (d Decimal) String() string { return string(d) }

// MarshalJSON writes a number, and null for "". It returns an error for text that is not a number.
func (d Decimal) MarshalJSON() ([]byte, error) {
	switch {
	case d == "":
		return []byte("null"), nil
	case !isDecimal(string(d)):
		return nil, fmt.Errorf("mihu: %q is not a decimal number", string(d))
	}
	return []byte(d), nil
}

// UnmarshalJSON reads a number, or a string that holds one, and keeps its digits. null and an empty
// string are "".
func (d *Decimal) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		*d = ""
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	if text != "" && !isDecimal(text) {
		return fmt.Errorf("want a decimal number of up to %d characters", maxDecimal)
	}
	*d = Decimal(text)
	return nil
}

// isDecimal reports whether s is a number as JSON writes it, of bounded length and exponent.
func isDecimal(s string) bool {
	if len(s) > maxDecimal {
		return false
	}
	digits, exponent, hasExponent := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		digits, exponent, hasExponent = s[:i], strings.TrimLeft(s[i+1:], "+-"), true
	}
	if hasExponent && (exponent == "" || len(exponent) > 2 || len(s)-len(digits)-1-len(exponent) > 1) {
		return false
	}
	whole, fraction, hasFraction := strings.Cut(strings.TrimPrefix(digits, "-"), ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || hasFraction && fraction == "" {
		return false
	}
	return strings.Trim(whole+fraction+exponent, "0123456789") == ""
}
