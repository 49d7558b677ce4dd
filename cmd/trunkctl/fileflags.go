package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// fileFlags are the flags that say how the columns, the numbers and the sheets of a file are read.
type fileFlags struct {
	maps         []string
	mapFile      string
	countryCodes string
	sheet        string

	codes provision.CountryCodes // what readOptions has read
}

func (f *fileFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.maps, "map", nil, "read a column as a field, `COLUMN=FIELD`; can be repeated; see \"trunkctl help files\"")
	flags.StringVar(&f.mapFile, "map-file", "", "`FILE` with such a mapping on each line")
	flags.StringVar(&f.countryCodes, "country-codes", "", "accept numbers without + that have these `CODES` and lengths, such as 1,49:12-13")
	flags.StringVar(&f.sheet, "sheet", "", "`NAME` of the sheet, if a workbook has several with rows")
	completeNothing(cmd, "map", "country-codes", "sheet")
}

// given reports whether one of the flags was given.
func (f *fileFlags) given() bool {
	return len(f.maps) > 0 || f.mapFile != "" || f.countryCodes != "" || f.sheet != ""
}

// readOptions returns the options of the flags. It reads the file of --map-file.
func (f *fileFlags) readOptions(a *app) (options provision.ReadOptions, err error) {
	if f.mapFile != "" {
		if options.Map, err = a.readMap(f.mapFile); err != nil {
			return options, err
		}
	}
	if len(f.maps) > 0 && options.Map == nil {
		options.Map = provision.ColumnMap{}
	}
	for _, mapping := range f.maps {
		column, field, err := provision.ParseColumnMapping(mapping)
		if err != nil {
			return options, usagef("--map: %v", problemOf(err))
		}
		options.Map[column] = field
	}
	if f.countryCodes != "" {
		if f.codes, err = provision.ParseCountryCodes(f.countryCodes); err != nil {
			return options, usagef("--country-codes: %v", problemOf(err))
		}
		options.CountryCodes = f.codes
	}
	return options, nil
}

// readMap reads the file of --map-file.
func (a *app) readMap(name string) (provision.ColumnMap, error) {
	reader, done, err := a.input("--map-file", name)
	if err != nil {
		return nil, err
	}
	defer done()
	columns, err := provision.ReadColumnMap(reader, inputName(name))
	if err != nil {
		return nil, a.showViolations(inputName(name), err)
	}
	return columns, nil
}

// noteCountryCodes prints how many numbers had no plus and got one, by country code.
func (a *app) noteCountryCodes(codes provision.CountryCodes, counts map[string]int) {
	if len(codes) == 0 {
		return
	}
	var parts []string
	for _, code := range codes {
		parts = append(parts, fmt.Sprintf("%d of country code %s", counts[code.Code], code.Code))
	}
	a.note("numbers without +: %s", strings.Join(parts, ", "))
}

// mapAdvice returns the flags for columns that are not known; "" if there are none.
func mapAdvice(columns []provision.UnknownColumn) string {
	const maxShown = 20
	var args []string
	var rest []string
	for _, c := range columns[:min(len(columns), maxShown)] {
		if c.Name == "" {
			continue
		}
		if c.Field != "" {
			args = append(args, "--map", quotedColumn(c.Name)+"="+c.Field)
		} else {
			rest = append(rest, c.Name)
		}
	}
	var lines []string
	if len(args) > 0 {
		lines = append(lines, "if these columns hold what their names say, add: "+term.ShellLine(args...))
	}
	if len(rest) > 0 {
		var ignore []string
		for _, name := range rest {
			ignore = append(ignore, "--map", quotedColumn(name)+"="+provision.MapIgnore)
		}
		lines = append(lines, "to read a column as a field, add --map COLUMN=FIELD; to ignore it: "+term.ShellLine(ignore...))
	}
	return strings.Join(lines, "\n")
}

// quotedColumn returns the name of a column as --map takes it.
func quotedColumn(name string) string {
	if strings.HasPrefix(name, `"`) || strings.TrimSpace(name) != name {
		return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name
}

// withMapAdvice adds advice to the error of a file with columns that are not known.
func withMapAdvice(end, err error) error {
	input, ok := errors.AsType[*provision.InputError](err)
	if !ok {
		return end
	}
	if advice := mapAdvice(input.UnknownColumns); advice != "" {
		return &advisedError{end, advice}
	}
	return end
}

// problemOf returns what is wrong with the value of a flag.
func problemOf(err error) string {
	invalid, ok := errors.AsType[*mihu.ValidationError](err)
	if !ok {
		return err.Error()
	}
	v := invalid.Violations[0]
	if v.Value == "" {
		return v.Problem
	}
	return fmt.Sprintf("%q: %s", v.Value, v.Problem)
}
