package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// fitHelp breaks the help of a command, and of those below it, between words where a terminal is too
// narrow for it; 0 is no terminal. Examples are left whole, to be copied.
func fitHelp(root *cobra.Command, width int) {
	if width == 0 {
		return
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", width)))
	var fit func(*cobra.Command)
	fit = func(command *cobra.Command) {
		command.Long = fitText(command.Long, width)
		for _, child := range command.Commands() {
			fit(child)
		}
	}
	fit(root)
}

// tableLine is a line of a table of two columns, from its beginning to the second.
var tableLine = regexp.MustCompile(`^ +\S+ {2,}`)

// fitText fills paragraphs anew. A line that is set in stays one of its own, and what is broken off it
// is below its text.
func fitText(text string, width int) string {
	var out, paragraph []string
	end := func() {
		out = append(out, fill(strings.Join(paragraph, " "), "", width)...)
		paragraph = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, " "):
			end()
			indent := len(tableLine.FindString(line))
			if indent == 0 {
				indent = len(line) - len(strings.TrimLeft(line, " "))
			}
			if textWidth(line) <= width {
				out = append(out, line)
			} else {
				broken := fill(line[indent:], strings.Repeat(" ", indent), width)
				broken[0] = line[:indent] + broken[0][indent:]
				out = append(out, broken...)
			}
		default:
			paragraph = append(paragraph, line)
		}
	}
	end()
	return strings.Join(out, "\n")
}

// fill breaks a text into lines of a width, each set in; "" is no line.
func fill(text, indent string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = indent + word
		case textWidth(line)+1+textWidth(word) > width:
			lines = append(lines, line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
