package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) agentsCommand() *cobra.Command {
	var order string
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "List agents",
		Long: `List the agents of the workspace with their names and UUIDs, as they arrive. --agent of the other
commands takes either; names are matched exactly, and need not be unique.`,
		Example: `  trunkctl agents
  trunkctl agents --sort name
  trunkctl agents -o json`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.agents(cmd.Context(), order) },
	}
	addSort(cmd, &order, agentOrders)
	return cmd
}

// agentRow is an agent of a list.
type agentRow struct {
	UUID        string `json:"agent_uuid"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	Description string `json:"description"`
	CompanyName string `json:"company_name"`
	Role        string `json:"role"`
	Language    string `json:"language"`
	Timezone    string `json:"timezone"`
}

var agentColumns = []term.Column{
	{Name: "name", Flexible: true},
	{Name: "agent_uuid"},
	{Name: "status"},
	{Name: "description", Only: term.FormatCSV},
	{Name: "company_name", Only: term.FormatCSV},
	{Name: "role", Only: term.FormatCSV},
	{Name: "language", Only: term.FormatCSV},
	{Name: "timezone", Only: term.FormatCSV},
}

var agentOrders = orders[agentRow]{
	{name: "name", key: func(a agentRow) string { return a.Name }},
	{name: "status", key: func(a agentRow) string { return a.Status }},
}

func (r agentRow) Cells() []string {
	return []string{r.Name, r.UUID, r.Status, r.Description, r.CompanyName, r.Role, r.Language, r.Timezone}
}

func (a *app) agents(ctx context.Context, order string) error {
	less, err := agentOrders.find(order)
	if err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	rows := func(yield func(agentRow, error) bool) {
		for agent, err := range w.client.Agents.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			row := agentRow{
				agent.UUID, agent.Name, agent.Status, agent.Description, agent.CompanyName, agent.Role, agent.Language, agent.Timezone,
			}
			if !yield(row, withoutAgents(err, "UUIDs still work; the vendor's web pages show them")) {
				return
			}
		}
	}
	return printList(a, w, agentColumns, listOf[agentRow]{rows: rows, order: less, what: "agent"})
}

// nearUUID matches what is a UUID but for a few characters, and no name.
var nearUUID = regexp.MustCompile(`^(?i)\{?[0-9a-f]+(-[0-9a-f]+){4}\}?$`)

func notUUID() error {
	return usagef("--agent: not a UUID such as 3c90c3cc-0d44-4b50-8888-8dd25736052a")
}

// openFor is open that replaces the name of an agent with its UUID. A UUID, and "", cost no request.
func (a *app) openFor(ctx context.Context, agent *string) (*workspace, error) {
	w, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.resolveAgent(ctx, w, agent); err != nil {
		return nil, err
	}
	return w, nil
}

// resolveAgent replaces the name of an agent with its UUID. A UUID, and "", cost no request.
func (a *app) resolveAgent(ctx context.Context, w *workspace, agent *string) error {
	if *agent == "" || uuidForm.MatchString(*agent) {
		return nil
	}
	if nearUUID.MatchString(*agent) {
		return notUUID()
	}
	found, err := w.client.Agents.Find(ctx, *agent)
	if err != nil {
		return agentError(err)
	}
	a.names.add(found.UUID, found.Name)
	*agent = found.UUID
	return nil
}

// agentError returns the error of a lookup of --agent. It does not show the value, which may be a
// secret that was typed in the wrong place.
func agentError(err error) error {
	lookup, ok := errors.AsType[*mihu.AgentLookupError](err)
	if !ok {
		return withoutAgents(err, "pass the UUID of the agent instead of a name")
	}
	switch {
	case lookup.Count > 1:
		return &usageError{
			problem: fmt.Sprintf("--agent: %d agents have this name", lookup.Count),
			advice:  "pass the UUID of one of them:" + agentLines(lookup.Candidates, lookup.Count),
		}
	case len(lookup.Nearest) > 0:
		return &usageError{problem: "--agent: no agent has this name", advice: "did you mean:" + agentLines(lookup.Nearest, 0)}
	}
	return &usageError{problem: "--agent: no agent has this name", advice: "\"trunkctl agents\" lists the agents"}
}

// agentLines lists agents, one per line.
func agentLines(agents []mihu.Agent, count int) string {
	width := 0
	for _, agent := range agents {
		width = max(width, term.TextWidth(agent.Name))
	}
	var lines strings.Builder
	for _, agent := range agents {
		blanks := strings.Repeat(" ", width-term.TextWidth(agent.Name))
		lines.WriteString(strings.TrimRight("\n  "+term.Printable(agent.Name)+blanks+"  "+agent.UUID+"  "+agent.Status, " "))
	}
	if more := count - len(agents); more > 0 {
		fmt.Fprintf(&lines, "\n  and %d more", more)
	}
	return lines.String()
}

// withoutAgents explains that an API, or a token, has no list of agents, and what to do instead. Any
// other error stays as it is.
func withoutAgents(err error, instead string) error {
	refused, ok := errors.AsType[*mihu.APIError](err)
	if !ok {
		return err
	}
	var why string
	switch refused.StatusCode {
	case http.StatusNotFound:
		why = "the API has no list of agents (404)"
	case http.StatusForbidden:
		why = "the token may not list agents (403)"
	default:
		return err
	}
	return &advisedError{&explainedError{why + "; " + instead, err}, ""}
}

// explainedError is an error in other words.
type explainedError struct {
	problem string
	err     error
}

func (e *explainedError) Error() string { return e.problem }
func (e *explainedError) Unwrap() error { return e.err }
