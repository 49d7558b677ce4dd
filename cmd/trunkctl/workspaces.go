package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/config"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

func (a *app) workspaceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workspace",
		Short: "List, select and change the workspaces of the config",
		Long: `The config has a name, an address, a rate and a production mark for each workspace, and no secrets.
--workspace and MIHU_WORKSPACE accept these names. To select a workspace in one shell only, set
MIHU_WORKSPACE: "trunkctl workspace use" selects one in all shells that do not.

A command that changes a production workspace prompts for the workspace's name, unless both --yes
and --workspace are given.`,
		Example: `  export MIHU_WORKSPACE=acme
  trunkctl workspace show
  trunkctl workspace add live acme --production --rate 10/s
  trunkctl workspace use live`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.workspaceListCommand(), a.workspaceShowCommand(), a.workspaceAddCommand(),
		a.workspaceUseCommand(), a.workspaceRenameCommand(), a.workspaceRemoveCommand())
	return cmd
}

// workspaceRecord is a workspace of the config.
type workspaceRecord struct {
	Name       string `json:"name"`
	Address    string `json:"address"`
	Rate       string `json:"rate,omitempty"`
	Conflicts  []int  `json:"conflict_statuses,omitempty"`
	Production bool   `json:"production"`
	Current    bool   `json:"current"`
}

var workspaceColumns = []term.Column{{Name: "name"}, {Name: "address"}, {Name: "rate"}, {Name: "conflict_statuses", Only: term.FormatCSV}, {Name: "production"}, {Name: "current"}}

func (w workspaceRecord) Cells() []string {
	conflicts := strings.Trim(fmt.Sprint(w.Conflicts), "[]")
	return []string{w.Name, w.Address, w.Rate, conflicts, yesOr(w.Production), yesOr(w.Current)}
}

// yesOr returns "yes" or "".
func yesOr(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func (a *app) workspaceListCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the workspaces of the config",
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config().Read()
			if err != nil {
				return err
			}
			if len(cfg.Workspaces) == 0 && a.global.output == term.FormatTable {
				a.note("no workspaces; \"trunkctl login --workspace NAME\" adds one")
				return nil
			}
			out := a.records(workspaceColumns)
			for _, w := range cfg.Workspaces {
				if err := out.Add(workspaceRecord{w.Name, w.Address, w.Rate, w.ConflictStatuses, w.Production, w.Name == cfg.Current}); err != nil {
					return err
				}
			}
			return out.End()
		},
	}
}

// selectedRecord is the workspace that is selected, and why.
type selectedRecord struct {
	Name       string `json:"name"`
	Address    string `json:"address"`
	SelectedBy string `json:"selected_by"`
	Rate       string `json:"rate,omitempty"`
	Production bool   `json:"production"`
	// Token is where the token is, or why there is none.
	Token string `json:"token"`
	// Overridden lists what would select another workspace.
	Overridden []string `json:"overridden,omitempty"`
}

var selectedColumns = []term.Column{
	{Name: "name"}, {Name: "address"}, {Name: "selected_by"}, {Name: "rate"}, {Name: "production"}, {Name: "token"}, {Name: "overridden"},
}

func (s selectedRecord) Cells() []string {
	return []string{s.Name, s.Address, s.SelectedBy, s.Rate, yesOr(s.Production), s.Token, strings.Join(s.Overridden, ", ")}
}

func (a *app) workspaceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show which workspace is selected, and by what",
		Long: `Show which workspace a command with these flags, in this shell, would address, what selects it, and
where its token is. Nothing is sent.`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.showWorkspace(cmd.Context()) },
	}
}

func (a *app) showWorkspace(ctx context.Context) error {
	if a.global.demo {
		return usagef("--demo uses no workspace")
	}
	t, err := a.target()
	if err != nil {
		return err
	}
	shown := selectedRecord{Name: t.name, Address: t.base, SelectedBy: t.source, Production: t.production(), Overridden: a.overridden(t)}
	if t.entry != nil {
		shown.Rate = t.entry.Rate
	}
	if a.global.rate != "" {
		shown.Rate = a.global.rate
	}
	if a.global.tokenFile != "" {
		shown.Token = "--token-file"
	} else if _, from, err := a.findToken(ctx, t); err != nil {
		shown.Token = "none: " + plainText(err)
	} else {
		shown.Token = from
	}
	if a.global.output != term.FormatTable {
		return a.printOne(selectedColumns, shown)
	}
	cells := shown.Cells()
	for i, column := range selectedColumns {
		if cells[i] == "" {
			continue
		}
		_, err := fmt.Fprintf(a.stdout, "%-12s %s\n", strings.ReplaceAll(column.Name, "_", " "), term.Printable(cells[i]))
		if err != nil {
			return err
		}
	}
	return nil
}

// overridden returns what is set and would select another workspace than t.
func (a *app) overridden(t *target) (names []string) {
	cfg, _ := a.config().Read() // it was read before
	current := ""
	if cfg.Current != "" {
		current = cfg.Find(cfg.Current).Address
	}
	for _, other := range []struct{ source, base string }{
		{envWorkspace, baseOf(targetNamed(&cfg, a.getenv(envWorkspace), envWorkspace))},
		{mihu.EnvBaseURL, baseOf(targetOf(&cfg, "", a.getenv(mihu.EnvBaseURL), mihu.EnvBaseURL))},
		{mihu.EnvTenant, baseOf(targetOf(&cfg, a.getenv(mihu.EnvTenant), "", mihu.EnvTenant))},
		{byCurrent, current},
	} {
		if other.base != "" && other.base != t.base {
			names = append(names, other.source+" ("+other.base+")")
		}
	}
	return names
}

// baseOf returns the address of a workspace, and "" if there is none.
func baseOf(t *target, err error) string {
	if err != nil {
		return ""
	}
	return t.base
}

func (a *app) workspaceAddCommand() *cobra.Command {
	var added config.Workspace
	var replace bool
	cmd := &cobra.Command{
		Use:   "add NAME [WORKSPACE]",
		Short: "Add a workspace to the config",
		Long: `Add a workspace under a name. WORKSPACE is its subdomain, acme of acme.mihu.ai, and NAME if it is
omitted; --base-url is its complete URL instead. --rate is the rate of all commands that have no
--rate. No two names can have one address. The current workspace stays the same.

--conflict-status is for an API that refuses a trunk that exists, or a busy agent, with another status
than 400, 409 and 422: "trunkctl probe" finds out. Commands then look whether the trunk is there.`,
		Example: `  trunkctl workspace add acme
  trunkctl workspace add live acme --production --rate 10/s
  trunkctl workspace add proxy --base-url https://proxy.example.com/mihu/api/v1`,
		Args:              argumentsBetween(1, 2, "NAME [WORKSPACE]"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addWorkspace(cmd.Context(), args, added, replace)
		},
	}
	cmd.Flags().IntSliceVar(&added.ConflictStatuses, "conflict-status", nil, "`STATUS` of refusals that are conflicts, such as 403")
	completeNothing(cmd, "conflict-status")
	cmd.Flags().BoolVar(&added.Production, "production", false, "prompt for the workspace's name before a change")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace the workspace of this name")
	return cmd
}

var errBadName = usagef("invalid name: want up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or a digit")

func (a *app) addWorkspace(ctx context.Context, args []string, added config.Workspace, replace bool) error {
	if a.global.workspace != "" {
		return usagef("--workspace does not apply to add; pass the subdomain as the second argument")
	}
	if len(args) > 1 && a.global.baseURL != "" {
		return usagef("pass WORKSPACE or --base-url, not both")
	}
	name, subdomain := args[0], args[len(args)-1]
	if !config.ValidName(name) {
		return errBadName
	}
	if a.global.baseURL != "" {
		subdomain = ""
	}
	t, err := targetOf(&config.Config{}, subdomain, a.global.baseURL, "the argument")
	if err != nil {
		return err
	}
	if _, err := mihu.New("", "-", mihu.WithBaseURL(t.base), mihu.WithConflictStatuses(added.ConflictStatuses...)); err != nil {
		return usagef("--conflict-status: want 400 to 498 without 401, 408, 425 and 429, which are about the token, the time and the rate")
	}
	added.Name, added.Address, added.Rate = name, t.base, a.global.rate
	err = a.config().Change(ctx, func(c *config.Config) error {
		if other := c.At(t.base); other != nil && other.Name != name {
			return &usageError{
				problem: t.base + " is " + other.Name + " already",
				advice:  "rename it: trunkctl workspace rename " + other.Name + " " + name,
			}
		}
		existing := c.Find(name)
		switch {
		case existing == nil:
			c.Workspaces = append(c.Workspaces, added)
		case !replace:
			return &usageError{problem: name + " exists: " + existing.Address, advice: "choose another name, or replace it with --replace"}
		default:
			*existing = added
		}
		return nil
	})
	if err == nil {
		a.note("added %s: %s", name, t.base)
	}
	return err
}

// errNotInConfig is returned for a name that the config does not have. It may be a mistyped secret
// and is not shown.
var errNotInConfig = &usageError{problem: "the config has no workspace of this name", see: "trunkctl workspace list"}

func (a *app) workspaceUseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "use NAME",
		Short: "Select the current workspace, in all shells",
		Long: `Select the workspace that commands address if no flag and no variable selects one. It applies to all
shells; to select a workspace in one shell, set MIHU_WORKSPACE.`,
		Args:              argumentsBetween(1, 1, "NAME"),
		ValidArgsFunction: a.completeWorkspace,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := a.changeWorkspace(cmd.Context(), args[0], func(c *config.Config, w *config.Workspace) error {
				c.Current = w.Name
				return nil
			})
			if err != nil {
				return err
			}
			a.note("the current workspace is %s, in all shells", args[0])
			a.noteOverrides(args[0])
			return nil
		},
	}
}

// noteOverrides prints a line if a variable selects another workspace than the current one.
func (a *app) noteOverrides(current string) {
	if t, err := a.target(); err == nil && t.source != byCurrent && t.name != current {
		a.note("in this shell %s takes precedence and selects %s", t.source, t.name)
	}
}

func (a *app) workspaceRenameCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "rename NAME NEW-NAME",
		Short:             "Rename a workspace of the config",
		Args:              argumentsBetween(2, 2, "NAME NEW-NAME"),
		ValidArgsFunction: a.completeWorkspace,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !config.ValidName(args[1]) {
				return errBadName
			}
			err := a.changeWorkspace(cmd.Context(), args[0], func(c *config.Config, w *config.Workspace) error {
				if c.Find(args[1]) != nil {
					return usagef("%s exists already", args[1])
				}
				if c.Current == w.Name {
					c.Current = args[1]
				}
				w.Name = args[1]
				return nil
			})
			if err == nil {
				a.note("renamed %s to %s", args[0], args[1])
			}
			return err
		},
	}
}

func (a *app) workspaceRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove a workspace from the config",
		Long:              `Remove a workspace from the config. A stored token is not removed; see "trunkctl logout".`,
		Args:              argumentsBetween(1, 1, "NAME"),
		ValidArgsFunction: a.completeWorkspace,
		RunE: func(cmd *cobra.Command, args []string) error {
			address := ""
			err := a.changeWorkspace(cmd.Context(), args[0], func(c *config.Config, w *config.Workspace) error {
				address = w.Address
				c.Remove(w.Name)
				return nil
			})
			if err == nil {
				a.note("removed %s; to remove its token too, run: %s", args[0], term.ShellLine("trunkctl", "logout", "--base-url", address))
			}
			return err
		},
	}
}

// changeWorkspace changes the config. change receives the workspace of a name.
func (a *app) changeWorkspace(ctx context.Context, name string, change func(*config.Config, *config.Workspace) error) error {
	return a.config().Change(ctx, func(c *config.Config) error {
		w := c.Find(name)
		if w == nil {
			return errNotInConfig
		}
		return change(c, w)
	})
}

// remember adds the workspace of a login to the config and selects it.
func (a *app) remember(ctx context.Context, t *target) (name string, err error) {
	err = a.config().Change(ctx, func(c *config.Config) error {
		if entry := c.At(t.base); entry != nil {
			name = entry.Name
		} else {
			name = freeName(c, t)
			c.Workspaces = append(c.Workspaces, config.Workspace{Name: name, Address: t.base})
		}
		c.Current = name
		return nil
	})
	return name, err
}

// freeName returns a name for a workspace: its subdomain, or its host.
func freeName(c *config.Config, t *target) string {
	name := subdomain(t.base)
	if name == "" {
		if u, err := url.Parse(t.base); err == nil {
			name = strings.Trim(strings.ReplaceAll(u.Host, ":", "-"), "[]-.")
		}
	}
	if !config.ValidName(name) {
		name = "workspace"
	}
	free := name
	for n := 2; c.Find(free) != nil || !config.ValidName(free); n++ {
		free = fmt.Sprintf("%s-%d", name[:min(len(name), 50)], n)
	}
	return free
}

// completeWorkspace completes a name of the config.
func (a *app) completeWorkspace(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	cfg, _ := a.config().Read() // completion has no place for an error
	var names []cobra.Completion
	for _, w := range cfg.Workspaces {
		names = append(names, cobra.CompletionWithDesc(w.Name, w.Address))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// argumentsBetween refuses a wrong number of arguments without showing them, since they may be
// phone numbers. want is what the command expects.
func argumentsBetween(minimum, maximum int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < minimum || len(args) > maximum {
			return errors.New("want " + want + "; got " + counted(len(args), "argument"))
		}
		return nil
	}
}
