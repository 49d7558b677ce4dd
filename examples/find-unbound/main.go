// Find-unbound lists the numbers with trunks that nobody answers on the call channel. With a plan,
// lines of "number,agent UUID", it also lists those that somebody else answers, and those of the
// plan that have no trunk. It only reads.
//
//	go run ./examples/find-unbound                    # a fake server
//	find-unbound -plan plan.csv -full > numbers.txt   # the workspace of MIHU_TENANT
//
// A purchased number without any agent is not in the list of trunks, and therefore not found.
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
	planFile := flags.String("plan", "", "CSV `file` of numbers and the UUIDs of the agents that should answer")
	full := flags.Bool("full", false, "print whole numbers")
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
	read, listed := 0, 0
	list := func(number, format string, args ...any) {
		listed++
		if !*full {
			number = mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}.String()
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\n", number, fmt.Sprintf(format, args...)) // Flush has the error
	}
	for number, err := range workspace.Client.Trunks.All(ctx, nil) {
		if err != nil {
			return errors.Join(table.Flush(), fmt.Errorf("the list ends too early: %w", err))
		}
		read++
		call := number.Binding(mihu.ChannelCall)
		agent, planned := plan[number.Number]
		delete(plan, number.Number)
		switch {
		case !call.Bound:
			list(number.Number, "unbound; WhatsApp is answered by %s", example.Who(number.Binding(mihu.ChannelWhatsApp)))
		case planned && !strings.EqualFold(call.AgentUUID, agent): // UUIDs are the same in capitals
			list(number.Number, "bound elsewhere: answered by %s", example.Who(call))
		}
	}
	for _, number := range slices.Sorted(maps.Keys(plan)) {
		list(number, "without a trunk")
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(env.Stderr, "%d numbers read, %d listed\n", read, listed)
	return nil
}

// readPlan gives the agent of each number.
func readPlan(name string) (map[string]string, error) {
	plan := map[string]string{}
	if name == "" {
		return plan, nil
	}
	file, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := csv.NewReader(file)
	lines.FieldsPerRecord, lines.TrimLeadingSpace = 2, true
	records, err := lines.ReadAll()
	for _, record := range records {
		plan[record[0]] = record[1]
	}
	return plan, err
}
