package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// maxGroups is how many kinds of failures are printed, and maxLines how many lines of each.
const (
	maxGroups = 10
	maxLines  = 8
)

// failureGroups collects the failures of a run by their reason, so that a mistake that many rows have
// is printed once. It holds the first kinds, and counts the others.
type failureGroups struct {
	groups []*failureGroup
	others int // failures of other kinds
}

type failureGroup struct {
	reason string
	first  provision.Item
	lines  []int
	count  int
}

// requestOf is what makes two equal refusals differ.
var requestOf = regexp.MustCompile(` \(request [^)]*\)`)

// add adds a failure. whole leaves numbers as they are.
func (f *failureGroups) add(result provision.Result, whole bool) {
	reason := reasonOf(result, whole)
	key := requestOf.ReplaceAllString(reason, "")
	at := slices.IndexFunc(f.groups, func(g *failureGroup) bool { return requestOf.ReplaceAllString(g.reason, "") == key })
	switch {
	case at < 0 && len(f.groups) == maxGroups:
		f.others++
		return
	case at < 0:
		at = len(f.groups)
		f.groups = append(f.groups, &failureGroup{reason: reason, first: result.Item})
	}
	g := f.groups[at]
	g.count++
	if result.Item.Line < g.first.Line {
		g.first = result.Item // of rows that are sent at the same time, a later one may fail first
	}
	g.lines = append(g.lines, result.Item.Line)
	if slices.Sort(g.lines); len(g.lines) > maxLines {
		g.lines = g.lines[:maxLines]
	}
}

// print prints the failures, each where it is in the file, for people and for editors that follow
// such places.
func (f *failureGroups) print(a *app, file, rest string) {
	slices.SortStableFunc(f.groups, func(a, b *failureGroup) int { return cmp.Compare(a.first.Line, b.first.Line) })
	for _, g := range f.groups {
		place := file
		if g.first.Line > 0 {
			place += ":" + strconv.Itoa(g.first.Line)
		}
		text := fmt.Sprintf("%s: %s: %s", place, g.first.Trunk.TrunkID, g.reason)
		if a.console.Terminal() {
			text = fmt.Sprintf("%s: %s %s: %s", place, g.first.Trunk.PhoneNumber, g.first.Trunk.Channel, g.reason)
			text = strings.TrimLeft(strings.Join(term.Wrap(text, "    ", a.console.Width()), "\n"), " ")
		}
		a.printErr("  " + text)
		if g.count > 1 {
			a.printErr("    " + sameOn(g.lines[1:], g.count-1))
		}
	}
	if f.others > 0 {
		a.printErr(fmt.Sprintf("  %d more, for other reasons%s", f.others, rest))
	}
}

// sameOn says on which other lines the same is wrong; count is that of all of them.
func sameOn(lines []int, count int) string {
	slices.Sort(lines)
	var texts []string
	for from := 0; from < len(lines); {
		to := from
		for to+1 < len(lines) && lines[to+1] == lines[to]+1 {
			to++
		}
		switch to {
		case from:
			texts = append(texts, strconv.Itoa(lines[from]))
		case from + 1:
			texts = append(texts, strconv.Itoa(lines[from]), strconv.Itoa(lines[to]))
		default:
			texts = append(texts, fmt.Sprintf("%d-%d", lines[from], lines[to]))
		}
		from = to + 1
	}
	text := "the same on " + cmp.Or(map[bool]string{true: "line "}[count == 1], "lines ") + strings.Join(texts, ", ")
	if more := count - len(lines); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
