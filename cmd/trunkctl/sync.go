package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

// syncFlags are the flags of a sync. Those of the file are as for an import.
type syncFlags struct {
	importFlags

	out              string
	detailedExitCode bool
	expect           string
	prune, resend    bool
	scopeText        string
	scope            provision.Scope
	spareAgent       string
	limits           provision.Limits
}

func (a *app) syncCommand() *cobra.Command {
	var f syncFlags
	cmd := &cobra.Command{
		Use:   "sync FILE",
		Short: "Make the workspace match a file, after showing the plan",
		Long: `Compare FILE with the workspace, show what would change and why, ask, and carry it out. FILE is as
for "trunkctl import", which ignores empty cells and deletes nothing. Sync sends only what has changed
since it was last sent: see "trunkctl state". A column that FILE does not have is not managed. An
empty cell clears a field that was set, unless the column is empty in every row, as in an export.

--prune deletes trunks that FILE no longer has, if the state manages them and --scope contains them.
A plan that would delete more than 10 trunks, or 5 % of those that are managed, is refused. So is one
that would clear fields of as many, or move more than 50, or 10 %. --max-delete, --max-clear and
--max-assign allow more.

A plan has an ID. --expect ID carries the plan out only if it is still the same, values included, so
that one machine can show it and another apply it. An interrupted plan is resumed with its ID.`,
		Example: `  trunkctl sync numbers.csv
  trunkctl sync numbers.csv --dry-run --out plan.json --detailed-exitcode
  trunkctl sync numbers.csv --expect PLANID --yes
  trunkctl sync numbers.csv --prune --scope channel=call,prefix=+1 --max-delete 20`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = args[0]
			f.results = cmd.Flags().Changed("output")
			if err := f.checkSync(a, cmd); err != nil {
				return err
			}
			return a.sync(cmd.Context(), cmd, &f)
		},
	}
	f.addInput(a, cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "write the plan as JSON to `FILE`")
	flags.BoolVar(&f.detailedExitCode, "detailed-exitcode", false, "with --dry-run, exit with 7 if changes are pending")
	flags.StringVar(&f.expect, "expect", "", "apply only the plan with this `ID`")
	flags.BoolVar(&f.prune, "prune", false, "delete managed trunks of the scope that FILE does not have")
	flags.StringVar(&f.scopeText, "scope", "", "`WHAT` FILE is about, such as channel=call,prefix=+1,agent=UUID")
	flags.BoolVar(&f.resend, "resend", false, "send all fields, whatever the state remembers")
	addLimit(cmd, &f.limits.MaxDelete, "max-delete", "allow up to `N` deletions (default 10, or 5 % if that is less)")
	addLimit(cmd, &f.limits.MaxAssign, "max-assign", "allow up to `N` trunks to move to another agent (default 50, or 10 % if that is less)")
	addLimit(cmd, &f.limits.MaxClear, "max-clear", "allow fields of up to `N` trunks to be cleared (default 10, or 5 % if that is less)")
	addAgentFlag(cmd, &f.spareAgent, "spare-agent", "`UUID` of an agent without a number, to swap agents")
	a.addState(cmd)
	completeNothing(cmd, "expect", "scope", "max-delete", "max-assign", "max-clear")
	return cmd
}

// addAgentFlag adds a flag for the UUID of an agent.
func addAgentFlag(cmd *cobra.Command, into *string, name, usage string) {
	cmd.Flags().StringVar(into, name, "", usage)
	completeNothing(cmd, name)
}

// addLimit adds a flag for a limit, which is nil if the flag is not given.
func addLimit(cmd *cobra.Command, into **int, name, usage string) {
	cmd.Flags().Var(&limitFlag{into}, name, usage)
}

// limitFlag is the value of a limit.
type limitFlag struct{ into **int }

func (l *limitFlag) String() string {
	if l.into == nil || *l.into == nil {
		return ""
	}
	return strconv.Itoa(**l.into)
}

func (l *limitFlag) Type() string { return "int" }

func (l *limitFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("want a number, 0 or more")
	}
	*l.into = &n
	return nil
}

// addInput adds the flags of the file that an import and a sync have.
func (f *syncFlags) addInput(_ *app, cmd *cobra.Command) {
	f.importFlags.addInput(cmd)
	f.addWork(cmd)
}

// checkSync checks the flags.
func (f *syncFlags) checkSync(a *app, cmd *cobra.Command) error {
	if cmd.Flags().Changed("max-failures") && f.maxFailures < 1 {
		return usagef("--max-failures: want 1 or more")
	}
	var err error
	if f.scope, err = provision.ParseScope(f.scopeText); err != nil {
		return &usageError{problem: "--scope: " + plainText(err), advice: "such as --scope channel=call,prefix=+1"}
	}
	switch {
	case cmd.Flags().Changed("expect") && f.expect == "":
		return usagef("--expect is empty: want the ID of a plan")
	case f.prune && f.scope.IsZero():
		return &usageError{problem: "--prune needs --scope, which says what FILE is about", advice: "such as --scope channel=call, or --scope channel=call,prefix=+1"}
	case f.detailedExitCode && !f.dryRun:
		return usagef("--detailed-exitcode needs --dry-run")
	case f.spareAgent != "" && !uuidForm.MatchString(f.spareAgent):
		return usagef("--spare-agent: want the UUID of an agent; \"trunkctl agents\" lists them")
	case files.IsOpenAs(a.stdout, f.file):
		return &usageError{problem: "standard output is " + f.file + ", which is the file to read", advice: "write the data to another file"}
	case f.out != "" && (f.out == f.file || a.streamOf(f.out) != "" || files.Same(f.out, f.file)):
		return usagef("--out: want a file of its own for the plan")
	}
	f.failed, f.journal = "unused", "unused" // a sync has neither
	return f.checkFormat()
}

func (a *app) sync(ctx context.Context, cmd *cobra.Command, f *syncFlags) (end error) {
	secrets, err := a.readSecrets(f.secrets)
	if err != nil {
		return err
	}
	source, w, err := a.openImport(ctx, cmd, &f.importFlags, secrets)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	access := stateToCreate
	if f.dryRun {
		access = stateToPlan
	}
	state, err := a.openState(ctx, w, access)
	if err != nil {
		return err
	}
	defer func() { end = state.close(end) }()
	plan, run, err := a.makePlan(ctx, w, source, state, secrets, f)
	if err != nil {
		return err
	}
	if err := a.showPlan(w, plan, f); err != nil || f.dryRun {
		return err
	}
	if plan.Summary().Changes() > 0 {
		if err := a.confirm(ctx, w, f.yes, syncQuestion(w, plan.Summary())); err != nil {
			return err
		}
		a.startRecord(ctx, w)
	}
	return run.carryOut(ctx, plan)
}

// makePlan compares the file with the workspace.
func (a *app) makePlan(ctx context.Context, w *workspace, source *provision.Source, state *openedState, secrets *provision.NamedSecrets, f *syncFlags) (*provision.Reconciliation, *syncRun, error) {
	if f.expect != "" && state.State == nil {
		return nil, nil, &usageError{problem: "--expect needs the state, the key of which makes the ID of a plan; " + w.name + " has none", advice: "see \"trunkctl state --help\""}
	}
	run := newSyncRun(a, w, f, source.Len())
	options, err := a.planOptions(ctx, w, state, f)
	if err != nil {
		return nil, nil, err
	}
	options.Secrets, options.Stop, options.Progress = secrets.Lookup, run.stop, run.waiting
	plan, err := provision.Reconcile(ctx, w.client, source, options)
	switch {
	case isA[*provision.InputError](err):
		return nil, nil, a.showRowViolations(inputName(f.file), &f.importFlags, err)
	case errors.Is(err, provision.ErrPlanStale):
		err = &advisedError{err, "show the new plan: " + a.commandLineWithout("--expect", "--yes") + " --dry-run"}
	}
	return plan, run, err
}

// planOptions returns the options of a plan that come from flags and the state.
func (a *app) planOptions(ctx context.Context, w *workspace, state *openedState, f *syncFlags) (provision.ReconcileOptions, error) {
	options := provision.ReconcileOptions{
		Options: provision.Options{
			Workers: f.workers, MaxFailures: f.maxFailures, State: state.State, Resend: f.resend, SpareAgent: f.spareAgent, Limits: &f.limits,
			Audit: func(record provision.AuditRecord) { a.recorder.audit(ctx, record) },
		},
		Prune: f.prune, Scope: f.scope, Expect: f.expect,
	}
	if state.State == nil {
		if f.prune {
			a.note("%s has no state yet, so nothing would be deleted", w.name)
		}
		options.Prune = false
		return options, nil
	}
	var err error
	options.JournalDir, err = a.plansDir(w.base)
	return options, err
}

// commandLineWithout returns the command line of this run without some flags.
func (a *app) commandLineWithout(flags ...string) string {
	var args []string
	for i := 0; i < len(a.args); i++ {
		name, _, value := strings.Cut(a.args[i], "=")
		switch {
		case !slices.Contains(flags, name):
			args = append(args, a.args[i])
		case name == "--expect" && !value:
			i++ // its value
		}
	}
	return (&app{environment: environment{args: args}}).commandLine()
}

// syncQuestion asks for the changes of a plan.
func syncQuestion(w *workspace, s provision.PlanSummary) string {
	question := "Apply this plan in " + w.name + "?"
	if s.Delete > 0 {
		question = "SIP credentials, names and settings of deleted trunks are lost: the API does not return them.\n" + question
	}
	return question
}
