package term

import "io"

// Style makes a word stand out. The text means the same without it.
//
// There are two: bold in the terminal's own foreground, which is readable on every background, and
// bold red for what is refused or removed. Of the sixteen colors only red is readable nearly
// everywhere, and only in bold, which many terminals brighten. Green and yellow are lost on white,
// blue and magenta on black.
type Style string

// The styles.
const (
	Strong Style = "\x1b[1m"
	Alarm  Style = "\x1b[1;31m"
	Plain  Style = ""
)

// Colors lists what --color accepts.
var Colors = []string{"auto", "always", "never"}

// UseColor reports whether to color a stream. setting is one of [Colors]; auto means a terminal
// that is not dumb, unless NO_COLOR is set.
func UseColor(stream io.Writer, setting string, getenv func(string) string) bool {
	switch setting {
	case "always":
		return true
	case "never":
		return false
	}
	return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && IsTerminal(stream)
}

// Paint returns the text in a style, or unchanged if colors is false.
func Paint(colors bool, s Style, text string) string {
	if !colors || s == Plain || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}
