package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) exportCommand() *cobra.Command {
	var filter trunkFilter
	var format, file string
	var force bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all trunks to a file for import",
		Long: `Write all trunks, to standard output or to a file, in the format of "trunkctl import". The API
returns only number, channel and agent: name, direction, SIP credentials and settings are not in the
file, and importing it leaves them unchanged. Numbers without an agent and purchased numbers are
skipped. A trunk that an import would refuse, since the API lists it with a damaged number or without
a valid agent, is left out, and the exit code is 5: the file has all others.`,
		Example: `  trunkctl export --file trunks.csv
  trunkctl export --format jsonl | gzip > trunks.jsonl.gz`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("output") {
				return usagef("--output does not apply to export; use --format csv or jsonl")
			}
			return a.export(cmd.Context(), filter, provision.Format(format), file, force)
		},
	}
	filter.add(cmd)
	cmd.Flags().StringVar(&format, "format", string(provision.FormatCSV), "`FORMAT` of the file: csv or jsonl")
	cmd.Flags().StringVar(&file, "file", "", "write to `FILE` instead of standard output")
	cmd.Flags().BoolVar(&force, "force", false, "replace an existing file")
	completeWords(cmd, "format", string(provision.FormatCSV), string(provision.FormatJSON))
	return cmd
}

func (a *app) export(ctx context.Context, filter trunkFilter, format provision.Format, file string, force bool) error {
	if err := filter.check(); err != nil {
		return err
	}
	if format != provision.FormatCSV && format != provision.FormatJSON {
		return usagef("--format: want csv or jsonl")
	}
	w, err := a.openFor(ctx, &filter.agent)
	if err != nil {
		return err
	}
	if file == "" {
		done, err := a.exportTo(ctx, w, filter, format, a.stdout)
		if err != nil {
			return err
		}
		return done.end(a)
	}
	if err := checkReplace("--file", file); err != nil {
		return err
	}
	if !force && files.Exists(file) {
		return &usageError{problem: file + " exists", advice: "name another file, or replace it with --force"}
	}
	// Some of the trunks must not pass for all of them: the file appears when it is whole.
	var done exported
	err = files.Replace(files.Resolve(file), func(to io.Writer) (err error) {
		done, err = a.exportTo(ctx, w, filter, format, to)
		return err
	})
	if err != nil {
		return err
	}
	return done.end(a)
}

// exported counts what an export has done with the rows of the list.
type exported struct {
	written int
	// unbound and purchased are numbers without a trunk.
	unbound, purchased int
	// refused are trunks that an import would refuse.
	refused int
}

// add writes a trunk, if it is one that an import accepts.
func (e *exported) add(a *app, out *provision.Writer, trunk trunkRow) error {
	switch {
	case trunk.Channel == "" && trunk.external:
		e.unbound++
		return nil
	case trunk.Channel == "":
		e.purchased++
		return nil
	}
	id := mihu.TrunkID{PhoneNumber: trunk.PhoneNumber, Channel: trunk.Channel}
	item := provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: trunk.AgentUUID}}
	if err := item.Trunk.Validate(); err != nil {
		if e.refused++; e.refused <= maxShown {
			a.printErr(term.Printable(fmt.Sprintf("left out %v of number %s: %s", id, cmp.Or(trunk.PhoneNumberUUID, "without UUID"), violationText(err))))
		}
		return nil
	}
	if err := out.Write(item, ""); err != nil {
		return err
	}
	e.written++
	return nil
}

// end tells the counts, and returns an error if the file misses trunks.
func (e *exported) end(a *app) error {
	a.note("exported %s; the API does not return name, direction, SIP credentials and settings", counted(e.written, "trunk"))
	if e.unbound > 0 {
		a.note("skipped %s without an agent", counted(e.unbound, "number"))
	}
	if e.purchased > 0 {
		a.note("skipped %s, which have no trunks", counted(e.purchased, "purchased number"))
	}
	if e.refused > 0 {
		return &partialError{
			failed: e.refused, problem: "left out " + counted(e.refused, "trunk"),
			advice: "an import would refuse them: the API lists them with values that it does not accept",
		}
	}
	return nil
}

// violationText returns what is wrong with a trunk, without its number, which the caller names.
func violationText(err error) string {
	invalid, ok := errors.AsType[*mihu.ValidationError](err)
	if !ok {
		return plainText(err)
	}
	var texts []string
	for _, v := range invalid.Violations {
		texts = append(texts, v.Field+": "+v.Problem)
	}
	return strings.Join(texts, "; ")
}

// exportTo writes the trunks, and returns how many, and the error that the list ended with.
func (a *app) exportTo(ctx context.Context, w *workspace, filter trunkFilter, format provision.Format, to io.Writer) (exported, error) {
	var done exported
	buffered := bufio.NewWriter(to)
	out := provision.NewWriter(buffered, format)
	for trunk, err := range wholeTrunks(ctx, w.client, filter) {
		if err != nil {
			return done, cmp.Or(out.Flush(), buffered.Flush(), fmt.Errorf("after %s: %w", counted(done.written, "trunk"), err))
		}
		if err := done.add(a, out, trunk); err != nil {
			return done, err
		}
	}
	return done, cmp.Or(out.Flush(), buffered.Flush())
}
