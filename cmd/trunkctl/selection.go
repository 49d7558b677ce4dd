package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/xlsx"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// selectionFlags select call trunks.
type selectionFlags struct {
	numbers      []string
	from, column string
	all          bool
	files        fileFlags
}

func (s *selectionFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.from, "from", "", "read numbers from `FILE`: one per line, CSV or a workbook, - for standard input")
	flags.StringVar(&s.column, "column", "", "`NAME` of the column that has the numbers; FILE is then CSV with a header")
	flags.BoolVar(&s.all, "all", false, "select all call trunks of the workspace")
	completeNothing(cmd, "column")
	s.files.register(cmd)
	cmd.MarkFlagsMutuallyExclusive("all", "from")
}

// trunkSet holds trunks in the order in which they were added, each once.
type trunkSet struct {
	ids  []mihu.TrunkID
	seen map[mihu.TrunkID]bool
}

func (s *trunkSet) add(id mihu.TrunkID) error {
	if err := id.Validate(); err != nil {
		return err
	}
	if s.seen == nil {
		s.seen = map[mihu.TrunkID]bool{}
	}
	if !s.seen[id] {
		s.seen[id] = true
		s.ids = append(s.ids, id)
	}
	return nil
}

// namedTrunks returns the trunks of the arguments and the list, each once. It prints all errors in
// a list.
func (a *app) namedTrunks(s selectionFlags) ([]mihu.TrunkID, error) {
	if s.all && len(s.numbers) > 0 {
		return nil, usagef("--all and numbers cannot be combined")
	}
	if s.column != "" && s.from == "" {
		return nil, usagef("--column needs --from")
	}
	if s.files.given() && s.from == "" {
		return nil, usagef("--map, --map-file, --country-codes and --sheet need --from")
	}
	if s.column != "" && (len(s.files.maps) > 0 || s.files.mapFile != "") {
		return nil, usagef("--column and a map cannot be combined: a map names the column that holds phone_number")
	}
	var trunks trunkSet
	add := func(numbers []string) error {
		for _, number := range numbers {
			if err := trunks.add(mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(s.numbers); err != nil || s.from == "" {
		return trunks.ids, err
	}
	listed, err := a.readNumbers(s)
	if err == nil {
		err = add(listed)
	}
	return trunks.ids, err
}

// readNumbers reads the file of --from.
func (a *app) readNumbers(s selectionFlags) ([]string, error) {
	name := inputName(s.from)
	options, err := s.files.readOptions(a)
	if err != nil {
		return nil, err
	}
	reader, done, err := a.input("--from", s.from)
	if err != nil {
		return nil, err
	}
	defer done()
	counts := map[string]int{}
	numbers, err := a.readNumbersFrom(name, reader, &s, provision.NumberOptions{
		Name: name, Column: s.column, Map: options.Map, CountryCodes: options.CountryCodes, Counts: counts,
	})
	switch {
	case err == nil:
		a.noteCountryCodes(s.files.codes, counts)
		return numbers, nil
	case isA[*provision.InputError](err) && s.column == "" && len(options.Map) == 0:
		return nil, &advisedError{
			a.showViolations(name, err),
			"want one number per line; for a CSV file or a workbook, name the column of the numbers with --column or --map",
		}
	}
	return nil, a.showViolations(name, err)
}

// readNumbersFrom reads numbers from a list, CSV or a workbook.
func (a *app) readNumbersFrom(name string, reader io.Reader, s *selectionFlags, options provision.NumberOptions) (numbers []string, err error) {
	buffered := bufio.NewReader(reader)
	beginning, _ := buffered.Peek(8)
	is := xlsx.IsWorkbook(beginning)
	if err := s.files.checkWorkbook(name, "", is); err != nil {
		return nil, err
	}
	if !is {
		return provision.ReadNumbers(buffered, options)
	}
	copied := &importInput{app: a}
	defer copied.close()
	if err := copied.spool(buffered); err != nil {
		return nil, err
	}
	rows, err := readWorkbook(name, copied.spooled, &s.files, func(rows provision.RowReader) error {
		numbers, err = provision.ReadNumberRows(rows, options)
		return err
	})
	if err == nil {
		a.noteHidden(rows)
	}
	return numbers, err
}

// allCallTrunks returns the call trunks of the workspace.
func allCallTrunks(ctx context.Context, client *mihu.Client) ([]mihu.TrunkID, error) {
	var all trunkSet // a list that changes while it is read may have a number twice
	for trunk, err := range wholeTrunks(ctx, client, trunkFilter{channel: string(mihu.ChannelCall)}) {
		if err != nil {
			return nil, err
		}
		if err := all.add(mihu.TrunkID{PhoneNumber: trunk.PhoneNumber, Channel: trunk.Channel}); err != nil {
			// The value is not one of the command line, which errors of validation are about.
			return nil, fmt.Errorf("%w: the workspace's list has an invalid trunk, so --all would miss it; name the numbers instead: %v",
				mihu.ErrMalformedResponse, err) //nolint:errorlint // see above
		}
	}
	return all.ids, nil
}
