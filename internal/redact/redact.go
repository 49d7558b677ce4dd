// Package redact removes secrets and masks phone numbers in texts that are printed.
package redact

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Placeholder replaces a secret.
const Placeholder = "[redacted]"

const dots = "•••"

// Number masks the middle of a phone number, so that its owner can still recognize it:
// +1234•••8901.
func Number(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	head, tail := 4, 4
	if len(digits) < 11 {
		head, tail = len(digits)/4, len(digits)/4
	}
	masked := digits[:head] + dots + digits[len(digits)-tail:]
	if plus {
		return "+" + masked
	}
	return masked
}

// BadNumber masks an invalid phone number. Its shape stays visible, and at most its first and last
// four digits.
func BadNumber(s string) string {
	if IsE164("+" + s) {
		return Number(s)
	}
	const maximum = 24
	total := 0
	for _, r := range s {
		if isDigit(r) {
			total++
		}
	}
	var b strings.Builder
	seen := 0
	for i, r := range s {
		if i >= maximum {
			b.WriteString("…")
			break
		}
		switch {
		case isDigit(r):
			seen++
			if shown := min(total/4, 4); seen <= shown || seen > total-shown {
				b.WriteRune(r)
			} else {
				b.WriteRune('•')
			}
		case strings.ContainsRune("+-./() ", r):
			b.WriteRune(r)
		default:
			b.WriteRune('?')
		}
	}
	return b.String()
}

// Text masks every run of digits that is long enough to be a phone number. After a plus sign the
// digits may have separators between them. Digits within a word, such as a UUID, are unchanged
// unless a plus sign precedes them.
func Text(s string) string {
	const shortest = 7
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !isDigit(rune(s[i])) {
			i++
			continue
		}
		plus := i > 0 && s[i-1] == '+' || i > 2 && strings.EqualFold(s[i-3:i], "%2b")
		end, digits := digitRun(s, i, plus)
		inWord := i > 0 && (isLetter(rune(s[i-1])) || s[i-1] == '-') || end < len(s) && (isLetter(rune(s[end])) || s[end] == '-')
		if len(digits) >= shortest && (plus || !inWord) {
			b.WriteString(s[done:i])
			b.WriteString(Number(digits))
			done = end
		}
		i = end
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// digitRun returns the end of the digits that start at i, and the digits without separators.
func digitRun(s string, i int, spaced bool) (end int, digits string) {
	var b strings.Builder
	for end = i; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(rune(c)):
			b.WriteByte(c)
			end = i + 1
		case !spaced || !strings.ContainsRune(" -.()/", rune(c)):
			return end, b.String()
		}
	}
	return end, b.String()
}

// OneLine replaces control characters by spaces, so that a server's text cannot break a log, and
// cuts the text to a maximum number of bytes.
func OneLine(s string, maximum int) string {
	cut := len(s) > maximum
	if cut {
		s = strings.ToValidUTF8(s[:maximum], "")
	}
	// Each is replaced, not removed, so that the texts around it are not joined.
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r <= 0x9f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if cut {
		s += "…"
	}
	return s
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

// Clip cuts a value to the length that an error can show, and escapes unprintable characters.
func Clip(s string) string {
	const longest = 64
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// Quote returns the clipped value in quotation marks.
func Quote(s string) string { return `"` + Clip(s) + `"` }

// Redactor removes the secrets of one request from text in which a server may have echoed them. It
// is only built when something failed.
type Redactor struct {
	secrets []string
	numbers []string
}

// New returns a Redactor of the given secrets and of those in the request's body. It finds the
// latter by the names of their fields, so that calls through Client.Do are covered too.
func New(body []byte, secrets ...string) *Redactor {
	r := new(Redactor)
	for _, secret := range secrets {
		r.Add(secret)
	}
	var tree any
	if json.Unmarshal(body, &tree) == nil {
		r.Collect("", tree)
	}
	return r
}

// CollectAll adds the secrets and numbers of a query or of headers.
func (r *Redactor) CollectAll(values map[string][]string) {
	for name, each := range values {
		for _, value := range each {
			r.Collect(name, value)
		}
	}
}

// Collect adds the secrets and numbers of a named value, including nested ones.
func (r *Redactor) Collect(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, nested := range v {
			r.Collect(key, nested)
		}
	case []any:
		for _, nested := range v {
			r.Collect(name, nested)
		}
	case string:
		if strings.HasSuffix(name, "number") {
			r.numbers = append(r.numbers, v)
		}
		if isSecretName(name) {
			r.Add(v)
		}
	}
}

func isSecretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"password", "username", "secret", "token", "key", "auth", "credential", "cookie"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Add adds a secret in every spelling in which a response may echo it.
func (r *Redactor) Add(secret string) {
	if secret == "" {
		return
	}
	quoted := strings.Trim(strconv.Quote(secret), `"`)
	ascii := strings.Trim(strconv.QuoteToASCII(secret), `"`) // as PHP writes JSON
	asJSON := quoted
	if out, err := json.Marshal(secret); err == nil {
		asJSON = string(out[1 : len(out)-1])
	}
	for _, spelling := range []string{
		secret, quoted, ascii, asJSON, url.QueryEscape(secret), url.PathEscape(secret),
		inPage(secret, "&#34;", "&#39;"), inPage(secret, "&quot;", "&#039;"), // as Go and PHP write HTML
	} {
		for _, spelling := range []string{spelling, strings.ReplaceAll(spelling, "/", `\/`)} {
			if !slices.Contains(r.secrets, spelling) {
				r.secrets = append(r.secrets, spelling)
			}
		}
	}
	// The longest first, so that a part of a spelling is not replaced before the whole.
	slices.SortStableFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
}

func inPage(s, quote, apostrophe string) string {
	if !strings.ContainsAny(s, `&<>"'`) {
		return s // building a Replacer is expensive
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, quote, "'", apostrophe).Replace(s)
}

// Secrets removes the secrets and leaves everything else unchanged.
func (r *Redactor) Secrets(s string) string {
	for _, secret := range r.secrets {
		s = replaceSecret(s, secret)
	}
	return s
}

// Text removes the secrets, masks every phone number and returns one line of bounded length.
func (r *Redactor) Text(s string) string {
	return OneLine(Text(r.known(s)), 1024)
}

// known removes the secrets and masks the request's own numbers.
func (r *Redactor) known(s string) string {
	return r.maskKnown(r.Secrets(s))
}

func (r *Redactor) maskKnown(s string) string {
	for _, number := range r.numbers {
		if digits := strings.TrimPrefix(number, "+"); IsE164("+" + digits) {
			s = strings.ReplaceAll(s, digits, Number(digits))
		}
	}
	return s
}

// ID removes the secrets and masks the request's own numbers, and any that a plus sign announces.
// Other digits are unchanged, since an ID may consist of digits.
func (r *Redactor) ID(s string) string {
	return OneLine(announced(r.known(s)), 128)
}

// announced masks the numbers that follow a plus sign, which a URL may have encoded.
func announced(s string) string {
	const shortest = 7
	for _, plus := range []string{"+", "%2B", "%2b"} {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(s, plus)
			b.WriteString(before)
			if !found {
				break
			}
			digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
			if len(digits) < shortest {
				b.WriteString(plus + digits)
			} else {
				b.WriteString(Number("+" + digits))
			}
			s = rest[len(digits):]
		}
		s = b.String()
	}
	return s
}

// Code is for error codes, which programs compare. A secret that consists of letters is removed
// only if it is a whole word, so that the username "invalid" does not change the code
// "invalid_sip".
func (r *Redactor) Code(s string) string { return OneLine(Text(r.maskKnown(r.name(s))), 128) }

func (r *Redactor) name(s string) string {
	for _, secret := range r.secrets {
		if strings.Trim(strings.ToLower(secret), "abcdefghijklmnopqrstuvwxyz_") == "" {
			s = replaceWord(s, secret)
		} else {
			s = replaceSecret(s, secret)
		}
	}
	return s
}

// Body removes the secrets from the body of a response. JSON is decoded for that, because it can
// spell a string in many ways.
func (r *Redactor) Body(b []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil || decoder.More() {
		return []byte(r.Secrets(string(b)))
	}
	clean, changed := r.tree(tree)
	if !changed {
		// A duplicate key hides its first value from a decoder.
		return []byte(r.Secrets(string(b)))
	}
	out, err := json.Marshal(clean)
	if err != nil {
		return []byte(strconv.Quote(Placeholder))
	}
	return out
}

func (r *Redactor) tree(v any) (clean any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, nested := range v {
			value, c := r.tree(nested)
			name := r.name(key)
			for _, exists := out[name]; exists; _, exists = out[name] {
				name += "'"
			}
			out[name] = value
			changed = changed || c || name != key
		}
		return out, changed
	case []any:
		for i, nested := range v {
			value, c := r.tree(nested)
			v[i] = value
			changed = changed || c
		}
		return v, changed
	case string:
		s := r.Secrets(v)
		return s, s != v
	case json.Number:
		s := r.Secrets(v.String())
		if s != v.String() {
			return s, true
		}
		return v, false
	}
	return v, false
}

// replaceSecret replaces every occurrence of a secret. A short one is replaced only if it is a
// whole word, since three letters occur in every sentence.
func replaceSecret(s, secret string) string {
	const short = 4
	if len(secret) >= short {
		return strings.ReplaceAll(s, secret, Placeholder)
	}
	return replaceWord(s, secret)
}

func replaceWord(s, word string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, word)
		if i < 0 {
			return b.String() + s
		}
		end := i + len(word)
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[end:])
		b.WriteString(s[:i])
		if isWord(before) || isWord(after) {
			b.WriteString(word)
		} else {
			b.WriteString(Placeholder)
		}
		s = s[end:]
	}
}

func isWord(r rune) bool {
	return r == '_' || isDigit(r) || r >= utf8.RuneSelf && r != utf8.RuneError || isLetter(r)
}

// IsE164 reports whether s matches the API's own pattern, ^\+[1-9][0-9]{1,14}$.
func IsE164(s string) bool {
	if len(s) < 3 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for _, c := range s[1:] {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// AnyNumber masks a valid or invalid phone number. "" is returned unchanged.
func AnyNumber(number string) string {
	if number == "" {
		return ""
	}
	if IsE164("+" + strings.TrimPrefix(number, "+")) {
		return Number(number)
	}
	return BadNumber(number)
}
