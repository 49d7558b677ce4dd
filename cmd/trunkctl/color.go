package main

import "io"

// style is a color that can be read on a light and on a dark background. They are accents: every
// mark says the same without.
type style string

const (
	red     style = "\x1b[31m"
	green   style = "\x1b[32m"
	magenta style = "\x1b[35m"
	bold    style = "\x1b[1m"
	plain   style = ""
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
