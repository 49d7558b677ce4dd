package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
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
	reader, done, err := a.input("--from", s.from)
	if err != nil {
		return nil, err
	}
	defer done()
	read := eachLine
	if s.column != "" {
		read = func(r io.Reader, each func(int, string)) error { return eachCell(r, s.column, each) }
	}
	faults := 0
	err = read(reader, func(line int, number string) {
		fault, ok := errors.AsType[*mihu.ValidationError](add(number))
		if ok {
			faults++
			_, _ = fmt.Fprintf(a.console, "%s:%d: %v\n", s.from, line, fault.Faults[0])
		}
	})
	switch {
	case err != nil:
		return nil, &inputError{s.from + ": " + err.Error()}
	case faults > 0:
		return nil, &inputError{fmt.Sprintf("%s in %s; nothing was sent", counted(faults, "fault"), s.from)}
	case len(ids) == 0:
		return nil, &inputError{s.from + " has no numbers"}
	}
	return ids, nil
}

const byteOrderMark = "\uFEFF"

// eachLine reads a number a line. Empty lines are nothing.
func eachLine(r io.Reader, each func(line int, number string)) error {
	scanner := bufio.NewScanner(r)
	for line := 1; scanner.Scan(); line++ {
		if number := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), byteOrderMark)); number != "" {
			each(line, number)
		}
	}
	return scanner.Err()
}

// eachCell reads the numbers of one column of CSV. An apostrophe before a number is what keeps
// spreadsheets from calculating with it.
func eachCell(r io.Reader, column string, each func(line int, number string)) error {
	buffered := bufio.NewReader(r)
	first, _ := buffered.Peek(4096)
	header, _, _ := strings.Cut(string(first), "\n")
	reader := csv.NewReader(buffered)
	if !strings.Contains(header, ",") && strings.Contains(header, ";") {
		reader.Comma = ';'
	}
	names, err := reader.Read()
	if err != nil {
		return errors.New("no header, which has to name the columns")
	}
	names[0] = strings.TrimPrefix(names[0], byteOrderMark)
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	at := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, column) })
	if at < 0 {
		return fmt.Errorf("no column %q; there are %s", column, strings.Join(names, ", "))
	}
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := reader.FieldPos(at)
		each(line, strings.TrimPrefix(strings.TrimSpace(cells[at]), "'"))
	}
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
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
