package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// deleted is an action that package provision does not know.
const deleted provision.Action = "deleted"

// change is what was done about a trunk, or would be. It is the data of every command that changes
// something; its numbers are whole.
type change struct {
	Action            provision.Action `json:"action"`
	PhoneNumber       string           `json:"phone_number"`
	Channel           mihu.Channel     `json:"channel"`
	AgentUUID         string           `json:"agent_uuid,omitempty"`
	AgentName         string           `json:"agent_name,omitempty"`
	PreviousAgentUUID string           `json:"previous_agent_uuid,omitempty"`
	// Sends names the fields that are sent and cannot be read back.
	Sends []string `json:"sends,omitempty"`
	// Line is that of the file, 0 for none.
	Line  int    `json:"line,omitempty"`
	Error string `json:"error,omitempty"`
}

var changeColumns = []column{
	{name: "action"},
	{name: "phone_number"},
	{name: "channel"},
	{name: "agent_uuid"},
	{name: "agent_name", flexible: true},
	{name: "previous_agent_uuid", only: formatCSV},
	{name: "sends", only: formatCSV},
	{name: "line", only: formatCSV},
	{name: "error", only: formatCSV},
}

// resultColumns are those of changes that may have failed.
func resultColumns() []column {
	columns := slices.Clone(changeColumns)
	columns[len(columns)-1] = column{name: "error", flexible: true}
	return columns
}

func (c change) cells() []string {
	line := ""
	if c.Line > 0 {
		line = strconv.Itoa(c.Line)
	}
	return []string{
		string(c.Action), c.PhoneNumber, string(c.Channel), c.AgentUUID, c.AgentName,
		c.PreviousAgentUUID, strings.Join(c.Sends, " "), line, c.Error,
	}
}

// changeOf is a change after which a snapshot was read.
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

// marks are how a plan shows an action: the mark, the verb, and the style of both.
func marks(action provision.Action) (mark, verb string, s style) {
	switch action {
	case provision.Created:
		return "+", "create", strong
	case provision.Assigned:
		return "~", "assign", strong
	case provision.Updated:
		return "~", "update", strong
	case deleted:
		return "-", "delete", alarm
	case provision.Failed:
		return "!", "cannot", alarm
	default:
		return "=", string(action), plain
	}
}

// diff is the plan of a change, as a line for people.
func (c change) diff(colors bool) string {
	mark, verb, s := marks(c.Action)
	line := " " + c.PhoneNumber + " " + string(c.Channel)
	switch {
	case c.Error != "":
		line += ": " + c.Error
	case c.Action == provision.Assigned:
		line += " agent " + c.PreviousAgentUUID + " → " + c.AgentUUID
	case c.AgentUUID != "":
		line += " agent " + c.AgentUUID
	}
	if len(c.Sends) > 0 && c.Error == "" {
		line += ", sends " + strings.Join(c.Sends, ", ")
	}
	if c.Line > 0 && c.Error != "" {
		line += fmt.Sprintf(" (line %d)", c.Line)
	}
	return paint(colors, s, fmt.Sprintf("%s %-9s", mark, verb)) + printable(line)
}

// changes writes changes: as data, or as the plan that --dry-run shows.
type changes struct {
	data   *records
	plan   io.Writer
	colors bool
}

func (a *app) changes(dryRun bool, columns []column) *changes {
	if dryRun && a.global.output == formatTable {
		return &changes{plan: a.stdout, colors: a.colors(a.stdout)}
	}
	return &changes{data: a.records(columns)}
}

func (c *changes) add(one change) error {
	if c.plan != nil {
		_, err := fmt.Fprintln(c.plan, one.diff(c.colors))
		return err
	}
	return c.data.add(one)
}

func (c *changes) end() error {
	if c.plan != nil {
		return nil
	}
	return c.data.end()
}

// printChange is the data of a command that changes one trunk.
func (a *app) printChange(dryRun bool, one change) error {
	out := a.changes(dryRun, changeColumns)
	if out.data != nil {
		out.data.single = true
	}
	if err := firstError(out.add(one), out.end()); err != nil {
		return err
	}
	if dryRun {
		a.note("dry run: nothing was sent that changes anything")
	}
	return nil
}
