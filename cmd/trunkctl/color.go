package main

import "io"

// style is how a word stands out. Nothing hangs on it: every mark says the same without. It is bold in
// the terminal's own foreground, which can be read on every background, and red for what is refused or
// removed. Of the sixteen colors red alone can be read nearly everywhere, and bold, which is bright on
// many terminals, where plain red is too dark; green and yellow are lost on white, blue and magenta on
// black.
type style string

const (
	strong style = "\x1b[1m"
	alarm  style = "\x1b[1;31m"
	plain  style = ""
)

// colors says whether to color what goes to a stream.
func (a *app) colors(stream io.Writer) bool {
	switch a.global.color {
	case "always":
		return true
	case "never":
		return false
	}
	return a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && isTerminal(stream)
}

func (a *app) paintErr(s style, text string) string { return paint(a.colors(a.stderr), s, text) }

func paint(colors bool, s style, text string) string {
	if !colors || s == plain || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}
