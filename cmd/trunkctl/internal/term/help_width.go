package term

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// FitHelp wraps the help of a command and of its subcommands to a terminal's width; 0 means no
// terminal. Examples are not wrapped, so that they can be copied.
func FitHelp(root *cobra.Command, width int) {
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

// tableLine matches the first column of a line in a table of two columns.
var tableLine = regexp.MustCompile(`^ +\S+ {2,}`)

// fitText wraps paragraphs. An indented line stays a line of its own, and what is wrapped off it is
// aligned with its text.
func fitText(text string, width int) string {
	var out, paragraph []string
	end := func() {
		out = append(out, Wrap(strings.Join(paragraph, " "), "", width)...)
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
			if TextWidth(line) <= width {
				out = append(out, line)
			} else {
				broken := Wrap(line[indent:], strings.Repeat(" ", indent), width)
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

// Wrap breaks a text between words, into indented lines of a width. It returns none for "".
func Wrap(text, indent string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = indent + word
		case TextWidth(line)+1+TextWidth(word) > width:
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
