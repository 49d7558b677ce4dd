package main

import (
	"context"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// selectionFlags say which call trunks a command is for.
type selectionFlags struct {
	numbers      []string
	from, column string
	all          bool
}

func (s *selectionFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.from, "from", "", "the numbers of this `file`, one a line, - for the standard input")
	flags.StringVar(&s.column, "column", "", "the file is CSV with a header, and the numbers are in the column of this `name`")
	flags.BoolVar(&s.all, "all", false, "all call trunks of the workspace")
	none(cmd, "column")
	cmd.MarkFlagsMutuallyExclusive("all", "from")
}

// namedTrunks are the trunks of the arguments and the list, each once. All faults of a list are
// printed before the error.
func (a *app) namedTrunks(s selectionFlags) ([]mihu.TrunkID, error) {
	if s.all && len(s.numbers) > 0 {
		return nil, usagef("--all is for all trunks, and numbers are given: want one or the other")
	}
	if s.column != "" && s.from == "" {
		return nil, usagef("--column is for the file of --from, which is not given")
	}
	var ids []mihu.TrunkID
	seen := map[mihu.TrunkID]bool{}
	add := func(number string) error {
		id := mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
		if err := id.Validate(); err != nil {
			return err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
		return nil
	}
	for _, number := range s.numbers {
		if err := add(number); err != nil {
			return nil, err
		}
	}
	if s.from == "" {
		return ids, nil
	}
	listed, err := a.readNumbers(s)
	if err != nil {
		return nil, err
	}
	for _, number := range listed {
		if err := add(number); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// readNumbers reads the file of --from.
func (a *app) readNumbers(s selectionFlags) ([]string, error) {
	reader, done, err := a.input("--from", s.from)
	if err != nil {
		return nil, err
	}
	defer done()
	name := s.from
	if name == "-" {
		name = "standard input"
	}
	numbers, err := provision.ReadNumbers(reader, provision.NumberOptions{Name: name, Column: s.column})
	if err == nil {
		return numbers, nil
	}
	if isA[*provision.InputError](err) && s.column == "" {
		return nil, &advisedError{a.showFaults(name, err), "want one number a line; for a CSV file, name the column of the numbers with --column"}
	}
	return nil, a.showFaults(name, err)
}

// allCallTrunks are the call trunks of the workspace.
func allCallTrunks(ctx context.Context, client *mihu.Client) ([]mihu.TrunkID, error) {
	var ids []mihu.TrunkID
	seen := map[mihu.TrunkID]bool{} // a list that changes meanwhile may name a number twice
	for trunk, err := range trunks(ctx, client, trunkFilter{channel: string(mihu.ChannelCall)}) {
		if err != nil {
			return nil, err
		}
		id := mihu.TrunkID{PhoneNumber: trunk.PhoneNumber, Channel: trunk.Channel}
		if err := id.Validate(); err != nil {
			return nil, fmt.Errorf("the list of the workspace has what is no trunk, so that not all can be done; name the numbers instead: %w", err)
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
