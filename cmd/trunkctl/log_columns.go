package main

import (
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

func runColumns() []term.Column {
	return []term.Column{{Name: "run"}, {Name: "command", Flexible: true}, {Name: "applied"}, {Name: "not_applied"}, {Name: "unknown"}, {Name: "end"}}
}

// changeRecord is a change of the log.
type changeRecord struct{ runlog.Record }

func changeRecordColumns() []term.Column {
	return []term.Column{
		{Name: "action"},
		{Name: "phone_number"},
		{Name: "channel"},
		{Name: "before", Flexible: true},
		{Name: "after", Flexible: true},
		{Name: "fields", Only: term.FormatCSV},
		{Name: "outcome"},
		{Name: "request_id", Only: term.FormatCSV},
		{Name: "line", Only: term.FormatCSV},
		{Name: "error", Flexible: true},
	}
}

func (c changeRecord) Cells() []string {
	line := ""
	if c.Line > 0 {
		line = strconv.Itoa(c.Line)
	}
	return []string{
		c.Action, c.PhoneNumber, c.Channel, bindingCell(c.Before), bindingCell(c.After), strings.Join(c.Fields, " "),
		c.Outcome, c.RequestID, line, c.Error,
	}
}

// bindingCell shows the agent of a binding: its name before its UUID, "none", or "" if unknown.
func bindingCell(b *runlog.Binding) string {
	switch {
	case b == nil:
		return ""
	case !b.Bound:
		return "none"
	case b.AgentName != "":
		return b.AgentName
	}
	return b.AgentUUID
}
