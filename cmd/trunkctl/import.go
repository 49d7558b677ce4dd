package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// importFlags are the flags of an import.
type importFlags struct {
	file            string
	format          string
	files           fileFlags
	defaults        trunkFlags
	ignore          []string
	secrets         string
	journal, failed string
	resume, force   bool
	workers         int
	maxFailures     int
	dryRun, yes     bool
	limits          provision.Limits
	all             bool     // a plan shows unchanged rows too
	results         bool     // -o was given
	again           []string // see flagsAgain
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Provision trunks from a file",
		Long: `Create each row's trunk, or update it to match, like "trunkctl ensure". FILE is CSV, JSON lines or
an Excel workbook, - for standard input; see "trunkctl help files". All errors in FILE are reported
with line and column before anything is sent. --map reads columns with other names, as in the files
of carriers.

FILE.journal records completed rows: after Ctrl-C, a crash or a power cut, run the same command with
--resume. The journal has no secrets and no complete numbers. Rows that fail are written to
FILE.failed.csv with their reasons; correct that file and import it. It has the complete rows, SIP
passwords included, and only its owner can read it.

--channel, --agent, --direction and the SIP flags are defaults for fields that a row omits.`,
		Example: `  trunkctl import numbers.csv --dry-run
  trunkctl import numbers.csv --yes --rate 10/s
  trunkctl import numbers.csv --yes --resume
  trunkctl import carrier.xlsx --map MSISDN=phone_number --country-codes 1,49:12-13 --dry-run
  carrier-export | trunkctl import - --journal carrier.journal --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = args[0]
			f.results = cmd.Flags().Changed("output")
			f.again = flagsAgain(cmd)
			if cmd.Flags().Changed("max-failures") && f.maxFailures < 1 {
				return usagef("--max-failures: want 1 or more")
			}
			return a.importFile(cmd.Context(), cmd, f)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "with --dry-run, show unchanged rows too")
	a.addState(cmd)
	return cmd
}

func (f *importFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.addInput(cmd)
	flags.StringVar(&f.journal, "journal", "", "journal `FILE` (default FILE.journal)")
	flags.BoolVar(&f.resume, "resume", false, "resume from the existing journal")
	flags.StringVar(&f.failed, "failed", "", "`FILE` for failed rows (default FILE.failed.csv)")
	flags.BoolVar(&f.force, "force", false, "replace an existing file of failed rows")
	addLimit(cmd, &f.limits.MaxAssign, "max-assign", "allow up to `N` trunks to move to another agent (default 50, or 10 % if that is less)")
	completeNothing(cmd, "max-assign")
	f.addWork(cmd)
}

// addInput adds the flags that say how FILE is read.
func (f *importFlags) addInput(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`FORMAT` of FILE: csv, jsonl or xlsx (default: detected)")
	flags.StringSliceVar(&f.ignore, "ignore", nil, "ignore these `COLUMNS`, separated by commas; \"\" means those without a name")
	flags.StringVar(&f.secrets, "secrets", "", "JSON `FILE` of SIP credentials for secret_name; see \"trunkctl help files\"")
	completeNothing(cmd, "ignore")
	completeWords(cmd, "format", string(provision.FormatCSV), string(provision.FormatJSON), formatWorkbook)
	f.files.register(cmd)
	f.defaults.add(cmd)
	_ = flags.MarkHidden("name") // one name for many trunks is a mistake
	flags.Lookup("channel").DefValue, f.defaults.channel = "", ""
}

// addWork adds the flags that say how the rows are sent.
func (f *importFlags) addWork(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.maxFailures, "max-failures", 0, "stop after `N` failures (default: never)")
	addWorkers(cmd, &f.workers)
	completeNothing(cmd, "max-failures")
	addDryRun(cmd, &f.dryRun)
	addYes(cmd, &f.yes)
}

// flagsAgain returns the flags that the import of the failed rows needs too: the global ones, and
// those of the import that do not concern one file. Defaults are in the rows already.
func flagsAgain(cmd *cobra.Command) (args []string) {
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if cmd.InheritedFlags().Lookup(flag.Name) == nil && !slices.Contains([]string{"secrets", "workers", "max-failures", "yes"}, flag.Name) {
			return
		}
		switch {
		case flag.Value.Type() != "bool":
			args = append(args, "--"+flag.Name, flag.Value.String())
		case flag.Value.String() == "true":
			args = append(args, "--"+flag.Name)
		}
	})
	return args
}

func (a *app) importFile(ctx context.Context, cmd *cobra.Command, f importFlags) (end error) {
	if err := f.check(a); err != nil {
		return err
	}
	secrets, err := a.readSecrets(f.secrets)
	if err != nil {
		return err
	}
	source, w, err := a.openImport(ctx, cmd, &f, secrets)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	if err := source.CheckAgents(); err != nil {
		return a.showRowViolations(inputName(f.file), &f, err)
	}
	access := stateIfThere
	if f.dryRun {
		access = stateToRead
	}
	state, err := a.openState(ctx, w, access)
	if err != nil {
		return err
	}
	defer func() { end = state.close(end) }()
	options := provision.Options{Workers: f.workers, MaxFailures: f.maxFailures, Secrets: secrets.Lookup, State: state.State, Limits: &f.limits}
	if f.dryRun {
		return a.planImport(ctx, w, source, options, &f)
	}
	if err := f.checkFiles(a); err != nil {
		return err
	}
	if err := a.confirm(ctx, w, f.yes, fmt.Sprintf("Import %s into %s?", counted(source.Len(), "row"), w.name)); err != nil {
		return err
	}
	return a.runImport(ctx, w, source, options, &f)
}

// inputName returns what messages call an input.
func inputName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// showRowViolations prints the errors in the input, and adds advice if --secrets is missing.
func (a *app) showRowViolations(file string, f *importFlags, err error) error {
	end := withMapAdvice(a.showViolations(file, err), err)
	input, _ := errors.AsType[*provision.InputError](err)
	if f.secrets == "" && input != nil && slices.ContainsFunc(input.Violations, namesSecret) {
		return &advisedError{end, "rows use secret_name: pass the file of SIP credentials with --secrets"}
	}
	return end
}

func namesSecret(violation provision.InputViolation) bool { return violation.Field == "secret_name" }

// commandLine returns the command line of this run with flags added, for people to copy. Arguments
// after "--" are not flags.
func (a *app) commandLine(flags ...string) string {
	args := append([]string{"trunkctl"}, a.args...)
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	for _, flag := range flags {
		if !slices.Contains(args[:end], flag) {
			args = slices.Insert(args, end, flag)
			end++
		}
	}
	return term.ShellLine(args...)
}
