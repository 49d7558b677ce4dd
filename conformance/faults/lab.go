package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"text/tabwriter"
)

// lab is where a scenario runs: what it may spend, and what it found.
type lab struct {
	short bool
	rng   *rand.Rand // for one goroutine; mix shares it under a lock

	figures []figure
	notes   []string
}

// figure is a row of the table.
type figure struct {
	name, measured, required string
	ok                       bool
}

// either is the full value, or that of the bounded form.
func either[T any](l *lab, full, short T) T {
	if l.short {
		return short
	}
	return full
}

// leastSpeed is the part of a speed that has to be there. The short forms compare seconds of a
// machine that may be busy with something else, and only see that nothing stands still.
func leastSpeed(l *lab) float64 { return either(l, 0.9, 0.5) }

// leastHit is the part, in percent, of the requests that a fault has to hit. Of the few requests of a
// short form chance may spare more.
func leastHit(l *lab) float64 { return either(l, 30.0, 25.0) }

func (l *lab) add(name, measured, required string, ok bool) {
	l.figures = append(l.figures, figure{name, measured, required, ok})
}

// show adds a figure of which nothing is required.
func (l *lab) show(name string, measured any) { l.add(name, fmt.Sprint(measured), "-", true) }

func (l *lab) none(name string, measured int) { l.exactly(name, measured, 0) }

func (l *lab) exactly(name string, measured, required int) {
	l.add(name, strconv.Itoa(measured), strconv.Itoa(required), measured == required)
}

func (l *lab) atMost(name string, measured, most float64, format string) {
	l.add(name, fmt.Sprintf(format, measured), "<= "+fmt.Sprintf(format, most), measured <= most)
}

func (l *lab) atLeast(name string, measured, least float64, format string) {
	l.add(name, fmt.Sprintf(format, measured), ">= "+fmt.Sprintf(format, least), measured >= least)
}

// note says under the table what a figure cannot.
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
