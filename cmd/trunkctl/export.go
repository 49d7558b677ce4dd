package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

func (a *app) exportCommand() *cobra.Command {
	var filter trunkFilter
	var format, file string
	var force bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all trunks as a file that import reads",
		Long: `Write all trunks, to the standard output or to a file, in the form that "trunkctl import" reads. The
API reads back number, channel and agent only: name, direction, SIP credentials and settings are not
in the file, and importing it leaves them as they are. A number on which nobody answers is left out.`,
		Example: `  trunkctl export --file trunks.csv
  trunkctl export --format jsonl | gzip > trunks.jsonl.gz`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("output") {
				return usagef("--output is for data that people and programs read; the file is --format csv or jsonl")
			}
			return a.export(cmd.Context(), filter, provision.Format(format), file, force)
		},
	}
	filter.add(cmd)
	cmd.Flags().StringVar(&format, "format", string(provision.FormatCSV), "`format` of the file: csv or jsonl")
	cmd.Flags().StringVar(&file, "file", "", "write to this `file` instead of the standard output")
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	fixed(cmd, "format", string(provision.FormatCSV), string(provision.FormatJSON))
	return cmd
}

func (a *app) export(ctx context.Context, filter trunkFilter, format provision.Format, file string, force bool) error {
	if err := filter.check(); err != nil {
		return err
	}
	if format != provision.FormatCSV && format != provision.FormatJSON {
		return usagef("--format %q: want csv or jsonl", format)
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	if file == "" {
		return a.exportTo(ctx, w, filter, format, a.stdout)
	}
	if err := checkReplace("--file", file); err != nil {
		return err
	}
	if !force && exists(file) {
		return &usageError{problem: file + " is there already", advice: "name another file, or replace it with --force"}
	}
	// A part of the trunks must not pass for all of them: the file has its name once it is whole.
	temp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	err = a.exportTo(ctx, w, filter, format, temp)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

func (a *app) exportTo(ctx context.Context, w *workspace, filter trunkFilter, format provision.Format, to io.Writer) error {
	buffered := bufio.NewWriter(to)
	out := provision.NewWriter(buffered, format)
	written, unbound, onTerminal := 0, 0, isTerminal(to)
	for trunk, err := range trunks(ctx, w.client, filter) {
		if err != nil {
			return firstError(out.Flush(), buffered.Flush(), fmt.Errorf("after %s: %w", counted(written, "trunk"), err))
		}
		if trunk.Channel == "" {
			unbound++
			continue
		}
		if onTerminal {
			trunk.PhoneNumber, trunk.AgentUUID = printable(trunk.PhoneNumber), printable(trunk.AgentUUID)
		}
		id := mihu.TrunkID{PhoneNumber: trunk.PhoneNumber, Channel: trunk.Channel}
		item := provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: trunk.AgentUUID}}
		if err := out.Write(item, ""); err != nil {
			return err
		}
		written++
	}
	if err := firstError(out.Flush(), buffered.Flush()); err != nil {
		return err
	}
	a.note("%s exported; the API does not read back name, direction, SIP credentials and settings", counted(written, "trunk"))
	if unbound > 0 {
		a.note("%s without an agent left out", counted(unbound, "number"))
	}
	return nil
}
