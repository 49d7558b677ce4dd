package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// planSample is the number of rows that a plan holds to find the widths of its columns, minPlanAgent
// the width below which names of agents are not cut, and narrowPlan that of a terminal below which a row
// takes two lines instead.
const (
	planSample   = 200
	minPlanAgent = 20
	narrowPlan   = 72
)

// planRow is a line of a plan.
type planRow struct {
	action          provision.Action
	number, channel string
	// before and after are agents; before is "" if the agent stays.
	before, after string
	// fields are those that are sent; short has one name for all SIP fields, for lines that are too long.
	fields, short string
	// text takes the place of agents and fields, and is not cut: why it cannot be done, or values.
	text string
}

// planRowOf returns the line of a change.
func planRowOf(c change, names knownNames, cutMark string) planRow {
	row := planRow{
		action: c.Action, number: term.Printable(c.PhoneNumber), channel: term.Printable(string(c.Channel)), text: term.Printable(names.inText(c.Error, cutMark)),
		after: term.Printable(cmp.Or(c.AgentName, names.of(c.AgentUUID, cutMark))),
	}
	if c.Action.Planned() == provision.Assign {
		row.before = term.Printable(names.of(c.PreviousAgentUUID, cutMark))
	}
	row.fields, row.short = term.Printable(strings.Join(c.Sends, ", ")), term.Printable(strings.Join(shortFields(c.Sends), ", "))
	if c.Action.Planned() == provision.Create {
		row.fields = row.short // they are all new
	}
	if c.Line > 0 && c.Error != "" {
		row.text += fmt.Sprintf(" (line %d)", c.Line)
	}
	return row
}

// agents returns the agents in at most width columns; 0 is any width.
func (r planRow) agents(width int, cutMark string) string {
	const arrow = " -> "
	whole := r.after
	if r.before != "" {
		whole = r.before + arrow + r.after
	}
	switch {
	case width == 0 || term.TextWidth(whole) <= width:
		return whole
	case r.before == "":
		return term.Cut(whole, width, cutMark)
	}
	room := width - len(arrow)
	before := max(room/2, room-term.TextWidth(r.after))
	shown := term.Cut(r.before, before, cutMark)
	return shown + arrow + term.Cut(r.after, room-term.TextWidth(shown), cutMark)
}

// planTable prints a plan in columns: mark and verb, number, channel, agents and fields. What does not fit
// a terminal is cut, and reasons are wrapped.
type planTable struct {
	w       io.Writer
	width   int // of the terminal; 0 if there is none
	colors  bool
	cutMark string
	started bool
	sample  []planRow

	number, channel, agent int // widths
}

func (a *app) planTable() *planTable {
	return &planTable{w: a.stdout, width: term.Width(a.stdout), colors: a.colors(a.stdout), cutMark: a.cutMark()}
}

func (t *planTable) add(row planRow) error {
	if t.started {
		return t.print(row)
	}
	if t.sample = append(t.sample, row); len(t.sample) < planSample {
		return nil
	}
	return t.end()
}

// end prints the rows that are held.
func (t *planTable) end() error {
	if t.started {
		return nil
	}
	t.started = true
	fields := 0
	for _, row := range t.sample {
		t.number = max(t.number, term.TextWidth(row.number))
		t.channel = max(t.channel, term.TextWidth(row.channel))
		if row.text == "" {
			t.agent = max(t.agent, term.TextWidth(row.agents(0, "")))
			fields = max(fields, term.TextWidth(row.short))
		}
	}
	if t.width > 0 {
		t.agent = min(t.agent, max(minPlanAgent, t.width-t.head()-fields-len("  ")))
	}
	for _, row := range t.sample {
		if err := t.print(row); err != nil {
			return err
		}
	}
	t.sample = nil
	return nil
}

// head is the width of what precedes the agents.
func (t *planTable) head() int {
	return len("+ create    ") + t.number + len("  ") + t.channel + len("  ")
}

func (t *planTable) print(row planRow) error {
	mark, verb, style := marks(row.action)
	verb = term.Paint(t.colors, style, fmt.Sprintf("%s %-9s", mark, verb))
	line := padded(row.number, t.number) + padded(row.channel, t.channel)
	rest := t.rest(row)
	if strings.HasPrefix(rest, "\n") || rest == "" {
		line = strings.TrimRight(line, " ")
	}
	_, err := fmt.Fprintln(t.w, verb+" "+strings.TrimRight(line+rest, " "))
	return err
}

// rest returns what follows the channel, in more lines if it does not fit the terminal.
func (t *planTable) rest(row planRow) string {
	const indent = "    "
	switch {
	case row.text != "" && (t.width == 0 || t.head()+term.TextWidth(row.text) <= t.width):
		return row.text
	case row.text != "" && t.width >= narrowPlan:
		return strings.TrimLeft(strings.Join(term.Wrap(row.text, strings.Repeat(" ", t.head()), t.width), "\n"), " ")
	case row.text != "":
		return "\n" + strings.Join(term.Wrap(row.text, indent, t.width), "\n")
	case t.width == 0:
		return padded(row.agents(0, ""), t.agent) + row.fields
	}
	width, room := t.agent, t.width-t.head()
	if row.short == "" {
		width = max(width, room)
	}
	whole := term.TextWidth(row.agents(0, "")) + len("  ") + term.TextWidth(row.short)
	if t.width < narrowPlan && whole > room+len("  ") {
		room = t.width - len(indent)
		agents := row.agents(room, t.cutMark)
		return "\n" + indent + padded(agents, term.TextWidth(agents)) + row.fieldsIn(room-term.TextWidth(agents)-len("  "), t.cutMark)
	}
	agents := padded(row.agents(width, t.cutMark), t.agent)
	return agents + row.fieldsIn(room-term.TextWidth(agents), t.cutMark)
}

// fieldsIn returns the fields in at most width columns, or a few.
func (r planRow) fieldsIn(width int, cutMark string) string {
	const few = 10
	width = max(width, few)
	if term.TextWidth(r.fields) <= width {
		return r.fields
	}
	return term.Cut(r.short, width, cutMark)
}

// padded returns a cell of a column, with what separates it from the next; nothing for a column that is
// empty in all rows.
func padded(text string, width int) string {
	if width == 0 {
		return text
	}
	return text + strings.Repeat(" ", max(0, width-term.TextWidth(text))+2)
}
