package main

import (
	"cmp"
	"io"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
)

// colors reports whether to color a stream.
func (a *app) colors(stream io.Writer) bool { return term.UseColor(stream, a.global.color, a.getenv) }

// records starts the data of a command, on standard output and in the format of --output.
func (a *app) records(columns []term.Column) *term.Records {
	records := term.NewRecords(a.stdout, a.global.output, a.colors(a.stdout), columns)
	if a.ascii {
		records.ASCII()
	}
	return records
}

// printOne prints the data of a command that has one record.
func (a *app) printOne(columns []term.Column, record term.Record) error {
	out := a.records(columns)
	out.Single()
	return cmp.Or(out.Add(record), out.End())
}

// cutMark stands for what is left out of a text.
func (a *app) cutMark() string {
	if a.ascii {
		return "..."
	}
	return "…"
}

// progress shows how far a run over total items of a workspace is. Data on the terminal shows it by
// itself, and a status line would be drawn into it.
func (a *app) progress(total int, unit, workspace string, data *term.Records) *term.Progress {
	return term.StartProgress(a.console, total, unit, workspace, a.global.quiet || data != nil && data.OnTerminal())
}
