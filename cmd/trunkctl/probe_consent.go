package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/internal/probe"
)

// nothingChanged ends an error of a probe that has only read.
const nothingChanged = "; nothing was changed"

// consent says what a probe will do and has it confirmed: on a terminal by the last digits of the first
// number, elsewhere by --confirm. A production workspace also wants its name.
func (a *app) consent(ctx context.Context, w *workspace, f *probeFlags, options *probe.Options) error {
	if a.global.demo {
		return nil
	}
	if len(f.confirm) == 0 && (a.stdinUsed != "" || !term.IsTerminal(a.stdin)) {
		return &usageError{
			problem: "cannot prompt: standard input is not a terminal" + nothingChanged,
			advice:  "preview with --dry-run, then repeat each number with --confirm",
		}
	}
	if len(f.confirm) == 0 {
		const shown = 4
		first := f.numbers[0]
		question := a.whatProbeDoes(w, options) + fmt.Sprintf("\nType the last %d digits of %s to continue:", shown, first)
		confirmed, err := term.ConfirmName(ctx, a.stdin, a.console, question, first[max(0, len(first)-shown):])
		if err == nil && !confirmed {
			err = &usageError{problem: "not confirmed" + nothingChanged}
		}
		if err != nil {
			return err
		}
	}
	if len(f.confirm) > 0 && w.production() && a.global.workspace == "" {
		return &usageError{
			problem: w.name + " is a production workspace, and --workspace does not name it" + nothingChanged,
			advice:  "add " + term.ShellLine("--workspace", w.name),
		}
	}
	a.yes = len(f.confirm) > 0
	return a.confirmProduction(ctx, w, "Probe this workspace?")
}

// whatProbeDoes says what a probe will do. Numbers are whole: who has to confirm them has typed them.
func (a *app) whatProbeDoes(w *workspace, options *probe.Options) string {
	var agents []string
	for _, uuid := range options.Agents {
		agents = append(agents, a.names.of(uuid, a.cutMark()))
	}
	them := "It is"
	if len(options.Numbers) > 1 {
		them = "They are"
	}
	text := fmt.Sprintf(`The probe reads all numbers of %s, then sends at most %d requests to %s.
For %s %s is registered for %s, and calls to it may ring there.
%s deleted in the end, and nothing else is changed. Agents that SIP connections or PBX extensions
use cannot be seen: continue only if nobody uses these. The token of a probe should be revoked
afterwards.`,
		w.name, probe.MaxRequests(*options), w.client.BaseURL(), lasting(options), strings.Join(options.Numbers, " and "), strings.Join(agents, " and "), them)
	if len(options.Numbers) > 1 {
		text = strings.Replace(strings.Replace(text, " is registered for ", " are registered for ", 1), "calls to it", "calls to them", 1)
	}
	if options.WhatsApp {
		text += "\nOn channel whatsapp, a verification at Meta may start."
	}
	return text
}

// lasting says how long the numbers have trunks.
func lasting(options *probe.Options) string {
	if longest := options.Interval * time.Duration(probe.MaxRequests(*options)); longest > 2*time.Minute {
		return fmt.Sprintf("up to %d minutes", 1+int(longest.Minutes()))
	}
	return "about a minute"
}

// planProbe prints what a probe would ask. It changes nothing; byName is whether agents were looked up.
func (a *app) planProbe(w *workspace, options *probe.Options, byName bool) error {
	plan, err := probe.Plan(*options)
	if err != nil {
		return err
	}
	if a.global.output != term.FormatTable {
		out := a.records(plannedColumns)
		for _, p := range plan {
			if err := out.Add(plannedQuestion{p.Question, p.Asks, p.Documented, p.Given, p.Requests, p.Optional, p.Missing}); err != nil {
				return err
			}
		}
		return out.End()
	}
	colors := a.colors(a.stdout)
	for _, p := range plan {
		if err := a.printQuestion(p, colors); err != nil {
			return err
		}
	}
	asked := 0
	for _, p := range plan {
		if p.Missing == "" && len(p.Requests) > 0 {
			asked++
		}
	}
	sent := "nothing was sent"
	if byName {
		sent = "only the names of agents were looked up"
	}
	a.note("plan for %s: %d of %s have requests of their own; %s\n"+
		"at most %d requests go to %s, beside those that read the lists",
		w.name, asked, counted(len(plan), "question"), sent, probe.MaxRequests(*options), w.client.BaseURL())
	a.note("number-1 is the first --number, agent-1 the first --agent, nobody a UUID that\n" +
		"no agent has; before a question, the probe brings about what is given; after\n" +
		"a 401, 403, 429 or 5xx, a read shows whether it is about the request")
	return nil
}

// printQuestion prints a question with its requests.
func (a *app) printQuestion(p probe.Planned, colors bool) error {
	text := term.Paint(colors, term.Strong, p.Question) + "  " + p.Asks
	switch {
	case p.Missing != "":
		text += " (" + p.Missing + ")"
	case p.Optional:
		text += " (only while requests are left)"
	}
	if len(p.Given) > 0 && p.Missing == "" {
		text += "\n    given: " + strings.Join(p.Given, ", ")
	}
	if p.Missing == "" && len(p.Requests) > 0 {
		text += "\n    " + strings.Join(p.Requests, "\n    ")
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}

// plannedQuestion is a question that a probe would ask.
type plannedQuestion struct {
	Question   string   `json:"question"`
	Asks       string   `json:"asks"`
	Documented string   `json:"documented"`
	Given      []string `json:"given,omitempty"`
	Requests   []string `json:"requests,omitempty"`
	Optional   bool     `json:"optional"`
	Missing    string   `json:"missing,omitempty"`
}

var plannedColumns = []term.Column{{Name: "question"}, {Name: "asks"}, {Name: "documented"}, {Name: "given"}, {Name: "requests"}, {Name: "optional"}, {Name: "missing"}}

func (p plannedQuestion) Cells() []string {
	return []string{
		p.Question, p.Asks, p.Documented, strings.Join(p.Given, "; "), strings.Join(p.Requests, "; "), strconv.FormatBool(p.Optional), p.Missing,
	}
}
