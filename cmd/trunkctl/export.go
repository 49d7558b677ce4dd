package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"

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
file, and importing it leaves them unchanged. Numbers without an agent are skipped.`,
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
		return a.exportTo(ctx, w, filter, format, a.stdout)
	}
	if err := checkReplace("--file", file); err != nil {
		return err
	}
	if !force && files.Exists(file) {
		return &usageError{problem: file + " exists", advice: "name another file, or replace it with --force"}
	}
	// Some of the trunks must not pass for all of them: the file appears when it is whole.
	return files.Replace(files.Resolve(file), func(to io.Writer) error { return a.exportTo(ctx, w, filter, format, to) })
}

func (a *app) exportTo(ctx context.Context, w *workspace, filter trunkFilter, format provision.Format, to io.Writer) error {
	buffered := bufio.NewWriter(to)
	out := provision.NewWriter(buffered, format)
	written, unbound, onTerminal := 0, 0, term.IsTerminal(to)
	for trunk, err := range wholeTrunks(ctx, w.client, filter) {
		if err != nil {
			return cmp.Or(out.Flush(), buffered.Flush(), fmt.Errorf("after %s: %w", counted(written, "trunk"), err))
		}
		if trunk.Channel == "" {
			unbound++
			continue
		}
		if onTerminal {
			trunk.PhoneNumber, trunk.AgentUUID = term.Printable(trunk.PhoneNumber), term.Printable(trunk.AgentUUID)
		}
		id := mihu.TrunkID{PhoneNumber: trunk.PhoneNumber, Channel: trunk.Channel}
		item := provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: trunk.AgentUUID}}
		if err := out.Write(item, ""); err != nil {
			return err
		}
		written++
	}
	if err := cmp.Or(out.Flush(), buffered.Flush()); err != nil {
		return err
	}
	a.note("exported %s; the API does not return name, direction, SIP credentials and settings", counted(written, "trunk"))
	if unbound > 0 {
		a.note("skipped %s without an agent", counted(unbound, "number"))
	}
	return nil
}
