// Find-unbound lists the numbers whose call channel has no agent. With -plan, a file with lines of
// "number,agent UUID", it also lists numbers with a different agent, and numbers without a trunk. It
// makes no changes.
//
//	go run ./examples/find-unbound                    # a fake server
//	find-unbound -plan plan.csv -full > numbers.txt   # your workspace
//
// It does not find purchased numbers without an agent, because they are not in the list of trunks.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

func main() { example.Main("find-unbound", run) }

func run(ctx context.Context, env example.Env) error {
	flags := flag.NewFlagSet("find-unbound", flag.ContinueOnError)
	planFile := flags.String("plan", "", "CSV `file` with a number and the UUID of its agent on each line")
	full := flags.Bool("full", false, "print full numbers")
	if err := env.Parse(flags); err != nil {
		return err
	}
	plan, err := readPlan(*planFile)
	if err != nil {
		return err
	}
	workspace, err := example.Open(env)
	if err != nil {
		return err
	}
	defer workspace.Close()
	if workspace.Fake != nil {
		if err := populate(workspace, plan); err != nil {
			return err
		}
	}

	table := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	read, reported := 0, 0
	report := func(number, format string, args ...any) {
		reported++
		if !*full {
			number = mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}.String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\n", number, fmt.Sprintf(format, args...)) // Flush returns the error
	}
	for number, err := range workspace.Client.Trunks.All(ctx, nil) {
		if err != nil {
			return errors.Join(table.Flush(), fmt.Errorf("list incomplete: %w", err))
		}
		read++
		call := number.Binding(mihu.ChannelCall)
		agent, planned := plan[number.Number]
		delete(plan, number.Number)
		switch {
		case !call.Bound:
			report(number.Number, "no agent for calls; WhatsApp: %s", example.Who(number.Binding(mihu.ChannelWhatsApp)))
		case planned && !strings.EqualFold(call.AgentUUID, agent): // UUIDs are not case-sensitive
			report(number.Number, "different agent: %s", example.Who(call))
		}
	}
	for _, number := range slices.Sorted(maps.Keys(plan)) {
		report(number, "no trunk")
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(env.Stderr, "%d numbers read, %d reported\n", read, reported)
	return nil
}

// readPlan returns the agent of each number.
func readPlan(name string) (map[string]string, error) {
	plan := map[string]string{}
	if name == "" {
		return plan, nil
	}
	file, err := os.Open(name) //nolint:gosec // the path comes from the user
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // opened for reading only
	lines := csv.NewReader(file)
	lines.FieldsPerRecord, lines.TrimLeadingSpace = 2, true
	records, err := lines.ReadAll()
	for _, record := range records {
		plan[record[0]] = record[1]
	}
	return plan, err
}
