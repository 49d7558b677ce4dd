package main

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// change is what a command has done to a trunk, or would do. It is the data of every command that
// changes trunks. Its number is not masked. A dry run has the verbs of a plan: "create" for "created".
type change struct {
	Action            provision.Action `json:"action"`
	PhoneNumber       string           `json:"phone_number"`
	Channel           mihu.Channel     `json:"channel"`
	AgentUUID         string           `json:"agent_uuid,omitempty"`
	AgentName         string           `json:"agent_name,omitempty"`
	PreviousAgentUUID string           `json:"previous_agent_uuid,omitempty"`
	// Sends lists the fields that are sent and that the API does not return.
	Sends []string `json:"sends,omitempty"`
	// Line is the line of the file, or 0.
	Line  int    `json:"line,omitempty"`
	Error string `json:"error,omitempty"`
}

var changeColumns = []term.Column{
	{Name: "action"},
	{Name: "phone_number", Only: term.FormatCSV},
	{Name: "number", Only: term.FormatTable},
	{Name: "channel"},
	{Name: "agent", Only: term.FormatTable, Flexible: true},
	{Name: "agent_uuid", Spare: true},
	{Name: "agent_name", Only: term.FormatCSV},
	{Name: "previous_agent_uuid", Only: term.FormatCSV},
	{Name: "sends", Only: term.FormatCSV},
	{Name: "line", Only: term.FormatCSV},
	{Name: "error", Only: term.FormatCSV},
}

// resultColumns returns the columns of changes that may have failed.
func resultColumns() []term.Column {
	columns := slices.Clone(changeColumns)
	columns[len(columns)-1] = term.Column{Name: "error", Flexible: true}
	return columns
}

func (c change) Cells() []string {
	line := ""
	if c.Line > 0 {
		line = strconv.Itoa(c.Line)
	}
	return []string{
		string(c.Action), c.PhoneNumber, c.PhoneNumber, string(c.Channel), cmp.Or(c.AgentName, c.AgentUUID), c.AgentUUID, c.AgentName,
		c.PreviousAgentUUID, strings.Join(c.Sends, " "), line, c.Error,
	}
}

// changeOf returns a change with the binding of the snapshot that followed it.
func changeOf(action provision.Action, id mihu.TrunkID, snap *mihu.ChannelSnapshot) change {
	c := change{Action: action, PhoneNumber: id.PhoneNumber, Channel: id.Channel}
	if snap != nil {
		c.setBinding(snap.Binding(id.Channel))
	}
	return c
}

func (c *change) setBinding(binding mihu.Binding) {
	c.AgentUUID, c.AgentName = binding.AgentUUID, binding.AgentName
}

func (c change) id() mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: c.PhoneNumber, Channel: c.Channel}
}

// marks returns how a plan shows an action: the mark, the verb, and the style of both.
func marks(action provision.Action) (mark, verb string, s term.Style) {
	switch action.Planned() {
	case provision.Create:
		return "+", "create", term.Strong
	case provision.Assign:
		return "~", "assign", term.Strong
	case provision.Update:
		return "~", "update", term.Strong
	case provision.Delete:
		return "-", "delete", term.Alarm
	case provision.Failed:
		return "!", "cannot", term.Alarm
	default:
		return "=", string(action), term.Plain
	}
}

// knownNames are the names of agents by their UUIDs in lower case, as far as the run has seen them.
// Its methods accept nil.
type knownNames map[string]string

// add stores the name of an agent.
func (n *knownNames) add(uuid, name string) {
	if uuid == "" || name == "" {
		return
	}
	if *n == nil {
		*n = knownNames{}
	}
	(*n)[strings.ToLower(uuid)] = name
}

// of returns the name of an agent for people, or the ends of its UUID if the name is not known. The
// data of -o json has whole UUIDs.
func (n knownNames) of(uuid, cutMark string) string {
	return cmp.Or(n[strings.ToLower(uuid)], shortUUID(uuid, cutMark))
}

// uuidsInText matches UUIDs.
var uuidsInText = regexp.MustCompile(`(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)

// inText returns a text for people with the names of agents in place of their UUIDs.
func (n knownNames) inText(text, cutMark string) string {
	return uuidsInText.ReplaceAllStringFunc(text, func(uuid string) string { return n.of(uuid, cutMark) })
}

// shortUUID returns the ends of a UUID, so that a line with two of them fits the screen.
func shortUUID(uuid, cutMark string) string {
	const head, tail = 8, 4
	if len(uuid) != 36 {
		return uuid
	}
	return uuid[:head] + cutMark + uuid[len(uuid)-tail:]
}

// shortFields returns the names of fields with one name for all SIP fields.
func shortFields(fields []string) (short []string) {
	for _, field := range fields {
		if strings.HasPrefix(field, "sip.") {
			field = "sip"
		}
		if !slices.Contains(short, field) {
			short = append(short, field)
		}
	}
	return short
}

// changes prints changes: as data, or as the plan of --dry-run.
type changes struct {
	dryRun bool
	data   *term.Records
	plan   *planTable
	names  knownNames
}

func (a *app) changes(dryRun bool, columns []term.Column) *changes {
	if dryRun && a.global.output == term.FormatTable {
		return &changes{dryRun: true, plan: a.planTable(), names: a.names}
	}
	return &changes{dryRun: dryRun, data: a.records(columns)}
}

func (c *changes) add(one change) error {
	if c.dryRun {
		one.Action = one.Action.Planned()
	}
	if c.plan != nil {
		return c.plan.add(planRowOf(one, c.names, c.plan.cutMark))
	}
	return c.data.Add(one)
}

func (c *changes) end() error {
	if c.plan != nil {
		return c.plan.end()
	}
	return c.data.End()
}

// printChange prints the data of a command that has changed one trunk.
func (a *app) printChange(one change) error { return a.printSingle(false, one) }

// printPlanned prints the plan of a command that would change one trunk. It returns the error to end
// with: refused is the one that the command expects, or nil.
func (a *app) printPlanned(w *workspace, one change, refused error) error {
	if err := a.printSingle(true, one); err != nil {
		return err
	}
	var counts tally
	counts.add(one.Action.Planned())
	a.notePlan(w, &counts)
	return a.toldInData(refused)
}

// showsErrors reports whether the data tells people why something failed, so that it need not be told
// again.
func (a *app) showsErrors() bool {
	return a.global.output == term.FormatTable && term.IsTerminal(a.stdout)
}

// toldInData returns an error whose reason the data has.
func (a *app) toldInData(err error) error {
	if err == nil || !a.showsErrors() {
		return err
	}
	return &toldError{err}
}

func (a *app) printSingle(dryRun bool, one change) error {
	out := a.changes(dryRun, changeColumns)
	if out.data != nil {
		out.data.Single()
	}
	return cmp.Or(out.add(one), out.end())
}

// notePlan ends a plan: what it would do, and where.
func (a *app) notePlan(w *workspace, counts *tally) {
	a.note("Plan for %s: %s. No changes made.", w.name, counts.plan())
}
