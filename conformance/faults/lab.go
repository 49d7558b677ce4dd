package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"text/tabwriter"
)

// lab holds the settings and the results of a scenario.
type lab struct {
	short bool
	rng   *rand.Rand // not safe for concurrent use; mix guards its own

	figures []figure
	notes   []string
}

// figure is a row of the table.
type figure struct {
	name, measured, required string
	ok                       bool
}

// either returns full, or short in the short form.
func either[T any](l *lab, full, short T) T {
	if l.short {
		return short
	}
	return full
}

// minSpeed is the minimum ratio of two throughputs. The short forms compare seconds on a machine that
// may be busy, so they only check that the client still makes progress.
func minSpeed(l *lab) float64 { return either(l, 0.9, 0.5) }

// minHit is the minimum share of requests that a fault affects, in percent. The short forms have few
// requests, so chance has more influence.
func minHit(l *lab) float64 { return either(l, 30.0, 25.0) }

func (l *lab) add(name, measured, required string, ok bool) {
	l.figures = append(l.figures, figure{name, measured, required, ok})
}

// show adds a figure without a requirement.
func (l *lab) show(name string, measured any) { l.add(name, fmt.Sprint(measured), "-", true) }

func (l *lab) none(name string, measured int) { l.exactly(name, measured, 0) }

func (l *lab) exactly(name string, measured, required int) {
	l.add(name, strconv.Itoa(measured), strconv.Itoa(required), measured == required)
}

func (l *lab) atMost(name string, measured, maximum float64, format string) {
	l.add(name, fmt.Sprintf(format, measured), "<= "+fmt.Sprintf(format, maximum), measured <= maximum)
}

func (l *lab) atLeast(name string, measured, minimum float64, format string) {
	l.add(name, fmt.Sprintf(format, measured), ">= "+fmt.Sprintf(format, minimum), measured >= minimum)
}

// note adds a line below the table.
func (l *lab) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

func (l *lab) missed() (n int) {
	for _, f := range l.figures {
		if !f.ok {
			n++
		}
	}
	return n
}

func (l *lab) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  figure\tmeasured\trequired\tok")
	for _, f := range l.figures {
		verdict := "yes"
		switch {
		case !f.ok:
			verdict = "NO"
		case f.required == "-":
			verdict = "-"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", f.name, f.measured, f.required, verdict)
	}
	_ = table.Flush()
	for _, note := range l.notes {
		_, _ = fmt.Fprintln(w, "  "+note)
	}
}

const percent = "%.2f %%"

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
