package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/mihu-go/mihu"
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
	// spooled is a copy of standard input, for the second time.
	spooled *os.File
}

// openImport opens the input and the workspace, and prints all errors in the input. If a row or
// --agent names an agent, the agents are listed once, and the input is read again with their UUIDs.
// An input with UUIDs costs no request.
func (a *app) openImport(ctx context.Context, cmd *cobra.Command, f *importFlags, secrets *provision.NamedSecrets) (*provision.Source, *workspace, error) {
	defaults, err := a.request(ctx, cmd, "", &f.defaults)
	if err != nil {
		return nil, nil, err
	}
	if cmd.Flags().Changed("ignore") && len(f.ignore) == 0 {
		f.ignore = []string{""} // columns without a name
	}
	in := &importInput{app: a, flags: f, options: provision.ReadOptions{
		Format: provision.Format(f.format), Defaults: provision.Item{Trunk: *defaults}, Ignore: f.ignore, HasSecret: secrets.Has,
	}}
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
	if in.flags.file != "-" {
		if err := checkReadable(in.flags.file); err != nil {
			return nil, err
		}
		return provision.Open(in.flags.file, in.options)
	}
	if in.spooled != nil {
		if _, err := in.spooled.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		return provision.Spool(struct{ io.Reader }{in.spooled}, in.options) // it is complete
	}
	reader, done, err := in.app.input("import -", "-")
	if err != nil {
		return nil, err
	}
	defer done()
	if in.last {
		return provision.Spool(reader, in.options)
	}
	return in.spool(reader)
}

// spool opens standard input, and keeps a copy of it. The copy has mode 0600.
func (in *importInput) spool(reader io.Reader) (*provision.Source, error) {
	file, err := os.CreateTemp("", "trunkctl-input-*")
	if err != nil {
		return nil, err
	}
	in.spooled = file
	_ = os.Remove(file.Name()) // where the system allows it; otherwise close removes it
	return provision.Spool(io.TeeReader(reader, file), in.options)
}

func (in *importInput) close() {
	if in.spooled != nil {
		_ = in.spooled.Close()
		if err := os.Remove(in.spooled.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			in.app.printErr("warning: a copy of the input is left behind: " + err.Error())
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
