package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/xlsx"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// importInput is the input of an import, which is read once, or twice if it names agents.
type importInput struct {
	app     *app
	flags   *importFlags
	options provision.ReadOptions
	// last is set if the input is not read again.
	last bool
	// spooled is a copy of standard input, for the second time, and if it is a workbook.
	spooled *os.File
	// noted is set if what is hidden in a workbook was printed.
	noted bool
	// counted is set if the numbers without a plus were printed.
	counted bool
}

// openImport opens the input and the workspace, and prints all errors in the input. If a row or
// --agent names an agent, the agents are listed once, and the input is read again with their UUIDs.
// An input with UUIDs costs no request.
func (a *app) openImport(ctx context.Context, cmd *cobra.Command, f *importFlags, secrets *provision.NamedSecrets) (*provision.Source, *workspace, error) {
	options, err := a.importOptions(ctx, cmd, f, secrets)
	if err != nil {
		return nil, nil, err
	}
	in := &importInput{app: a, flags: f, options: options}
	defer in.close()
	named := &in.options.Defaults.Trunk.AgentUUID
	if nearUUID.MatchString(*named) && !uuidForm.MatchString(*named) {
		return nil, nil, notUUID()
	}
	hasNames := checkedAgent(*named) != *named
	if !hasNames {
		in.options.ResolveAgent = func(string) (uuid, problem string) {
			hasNames = true
			return anyUUID, ""
		}
		source, err := in.open()
		if !hasNames {
			return in.openWorkspace(ctx, source, err)
		}
		if source != nil {
			_ = source.Close()
		}
	}
	w, err := a.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if in.options.ResolveAgent, err = provision.AgentResolver(a.listAgents(ctx, w)); err != nil {
		return nil, nil, withoutAgents(err, "use UUIDs, in the column agent_uuid")
	}
	if checkedAgent(*named) != *named {
		uuid, problem := in.options.ResolveAgent(*named)
		if problem != "" {
			return nil, nil, &usageError{problem: "--agent: " + problem, advice: "\"trunkctl agents\" lists the agents"}
		}
		*named = uuid
	}
	in.last = true
	source, err := in.open()
	if err != nil {
		return nil, nil, in.shown(err)
	}
	return source, w, nil
}

// importOptions returns the options that the flags of an import are for its input.
func (a *app) importOptions(ctx context.Context, cmd *cobra.Command, f *importFlags, secrets *provision.NamedSecrets) (provision.ReadOptions, error) {
	defaults, err := a.request(ctx, cmd, "", &f.defaults)
	if err != nil {
		return provision.ReadOptions{}, err
	}
	if cmd.Flags().Changed("ignore") && len(f.ignore) == 0 {
		f.ignore = []string{""} // columns without a name
	}
	options, err := f.files.readOptions(a)
	options.Defaults, options.Ignore, options.HasSecret = provision.Item{Trunk: *defaults}, f.ignore, secrets.Has
	if f.format != formatWorkbook {
		options.Format = provision.Format(f.format)
	}
	return options, err
}

// listAgents lists the agents and keeps their names, for the plan.
func (a *app) listAgents(ctx context.Context, w *workspace) iter.Seq2[mihu.Agent, error] {
	return func(yield func(mihu.Agent, error) bool) {
		for agent, err := range w.client.Agents.All(ctx, &mihu.AllOptions{Prefetch: 1}) {
			a.names.add(agent.UUID, agent.Name)
			if !yield(agent, err) {
				return
			}
		}
	}
}

// openWorkspace is the end of openImport for an input without names.
func (in *importInput) openWorkspace(ctx context.Context, source *provision.Source, err error) (*provision.Source, *workspace, error) {
	if err != nil {
		return nil, nil, in.shown(err)
	}
	w, err := in.app.open(ctx)
	if err != nil {
		_ = source.Close()
		return nil, nil, err
	}
	return source, w, nil
}

// open opens the input, or opens it again.
func (in *importInput) open() (*provision.Source, error) {
	source, err := in.openInput()
	if err == nil && !in.counted {
		in.app.noteCountryCodes(in.flags.files.codes, source.CountryCodeCounts())
		in.counted = true
	}
	return source, err
}

func (in *importInput) openInput() (*provision.Source, error) {
	name := in.flags.file
	if name == "-" {
		return in.openStdin()
	}
	if err := checkReadable(name); err != nil {
		return nil, err
	}
	is, err := fileIsWorkbook(name)
	if err == nil {
		err = in.flags.files.checkWorkbook(name, in.flags.format, is)
	}
	if err != nil {
		return nil, err
	}
	if !is {
		return provision.Open(name, in.options)
	}
	file, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return in.openWorkbook(file)
}

// openWorkbook opens the rows of a workbook.
func (in *importInput) openWorkbook(file *os.File) (source *provision.Source, err error) {
	options := in.options
	options.Format = provision.FormatRows
	rows, err := readWorkbook(inputName(in.flags.file), file, &in.flags.files, func(rows provision.RowReader) error {
		source, err = provision.OpenRows(rows, options)
		return err
	})
	if err == nil && !in.noted {
		in.app.noteHidden(rows)
		in.noted = true
	}
	return source, err
}

// openStdin opens standard input, or opens it again.
func (in *importInput) openStdin() (*provision.Source, error) {
	if in.spooled != nil {
		return in.openSpooled()
	}
	reader, done, err := in.app.input("import -", "-")
	if err != nil {
		return nil, err
	}
	defer done()
	buffered := bufio.NewReader(reader)
	beginning, _ := buffered.Peek(8)
	is := xlsx.IsWorkbook(beginning)
	if err := in.flags.files.checkWorkbook(inputName("-"), in.flags.format, is); err != nil {
		return nil, err
	}
	switch {
	case is:
		if err := in.spool(buffered); err != nil {
			return nil, err
		}
		return in.openSpooled()
	case in.last:
		return provision.Spool(buffered, in.options)
	}
	if err := in.newSpooled(); err != nil {
		return nil, err
	}
	return provision.Spool(io.TeeReader(buffered, in.spooled), in.options)
}

// openSpooled opens the copy of standard input, which is complete.
func (in *importInput) openSpooled() (*provision.Source, error) {
	if _, err := in.spooled.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	is, err := isWorkbook(in.spooled)
	switch {
	case err != nil:
		return nil, err
	case is:
		return in.openWorkbook(in.spooled)
	}
	return provision.Spool(struct{ io.Reader }{in.spooled}, in.options)
}

// spool copies standard input.
func (in *importInput) spool(reader io.Reader) error {
	if err := in.newSpooled(); err != nil {
		return err
	}
	_, err := io.Copy(in.spooled, reader)
	return err
}

// newSpooled creates the copy of standard input. It has mode 0600.
func (in *importInput) newSpooled() error {
	file, err := os.CreateTemp("", "trunkctl-input-*")
	if err != nil {
		return err
	}
	in.spooled = file
	_ = os.Remove(file.Name()) // where the system allows it; otherwise close removes it
	return nil
}

func (in *importInput) close() {
	if in.spooled != nil {
		_ = in.spooled.Close()
		if err := os.Remove(in.spooled.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			in.app.printErr("warning: a copy of the input is left behind: " + plainText(err))
		}
	}
}

// shown prints the errors in the input and returns the error to end with.
func (in *importInput) shown(err error) error {
	name := in.flags.file
	if name == "-" {
		name = "standard input"
	}
	return in.app.showRowViolations(name, in.flags, err)
}
