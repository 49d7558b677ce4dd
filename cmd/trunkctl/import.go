package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// importFlags are those of one import.
type importFlags struct {
	file            string
	format          string
	defaults        trunkFlags
	ignore          []string
	secrets         string
	journal, failed string
	resume, force   bool
	workers         int
	maxFailures     int
	dryRun, yes     bool
	results         bool     // -o was given
	again           []string // see flagsAgain
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make many trunks be what the rows of a file say",
		Long: `Make every trunk be what its row says, as "trunkctl ensure" does: create it, move it, or leave it.
FILE is CSV or JSON lines, - for the standard input; see "trunkctl help files". All faults of the
file are found, with line and column, before anything is sent.

A journal beside the file, FILE.journal, remembers what is finished: after Ctrl-C, a crash or a
power cut the same command with --resume goes on where it was. It holds no secret and no whole
number. Rows that fail are written to FILE.failed.csv with their reasons, to be corrected and
imported; that file holds what the rows held, SIP passwords included, for its owner alone.

--channel, --agent, --direction and the SIP flags stand in for what a row leaves out.`,
		Example: `  trunkctl import numbers.csv --dry-run
  trunkctl import numbers.csv --yes --rate 10/s
  trunkctl import numbers.csv --yes --resume
  carrier-export | trunkctl import - --journal carrier.journal --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = args[0]
			f.results = cmd.Flags().Changed("output")
			f.again = flagsAgain(cmd)
			if cmd.Flags().Changed("max-failures") && f.maxFailures < 1 {
				return usagef("--max-failures %d: want 1 or more", f.maxFailures)
			}
			return a.importFile(cmd.Context(), cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "`format` of the file: csv or jsonl (default: by its content)")
	flags.StringSliceVar(&f.ignore, "ignore", nil, "leave these `columns` aside")
	flags.StringVar(&f.secrets, "secrets", "", "`file` of the SIP credentials that rows name: {\"name\": {\"username\": \"…\", \"password\": \"…\"}}")
	flags.StringVar(&f.journal, "journal", "", "`file` that remembers what is finished (default FILE.journal)")
	flags.BoolVar(&f.resume, "resume", false, "go on with the journal that is there")
	flags.StringVar(&f.failed, "failed", "", "`file` for the rows that fail (default FILE.failed.csv)")
	flags.BoolVar(&f.force, "force", false, "replace the file for the rows that fail")
	flags.IntVar(&f.maxFailures, "max-failures", 0, "stop after this `many` failures (default: never)")
	addWorkers(cmd, &f.workers)
	none(cmd, "ignore", "max-failures")
	fixed(cmd, "format", string(provision.FormatCSV), string(provision.FormatJSON))
	f.defaults.add(cmd)
	_ = flags.MarkHidden("name") // one name for many trunks is a mistake
	flags.Lookup("channel").DefValue, f.defaults.channel = "", ""
	addDryRun(cmd, &f.dryRun)
	addYes(cmd, &f.yes)
	return cmd
}

// flagsAgain are the flags that the import of the rows that failed needs as well: those of the program,
// and those of the import that say nothing of one file. What stood in for empty fields is in the rows.
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

func (f *importFlags) check() error {
	switch provision.Format(f.format) {
	case provision.FormatAuto, provision.FormatCSV, provision.FormatJSON:
	default:
		return usagef("--format %q: want csv or jsonl", f.format)
	}
	if f.defaults.name != "" {
		return usagef("--name is for one trunk; an import has a column for it")
	}
	if f.file == "-" && f.journal == "" && !f.dryRun {
		return &usageError{
			problem: "rows from the standard input need a journal to be named, so that the import can be continued",
			advice:  "add --journal FILE",
		}
	}
	name := f.file
	if f.file == "-" {
		name = f.journal
	}
	if f.failed == "" {
		f.failed = name + ".failed.csv"
	}
	if err := f.checkDistinct(); err != nil {
		return err
	}
	return checkWorkers(f.workers)
}

// checkDistinct refuses to write over what is read, or two things into one file.
func (f *importFlags) checkDistinct() error {
	journal, _ := f.journalPath()
	read := []struct{ name, path string }{{"the file that is imported", f.file}, {"the file of --secrets", f.secrets}}
	for _, other := range read {
		if sameFile(journal, other.path) {
			return &usageError{problem: fmt.Sprintf("--journal: %s is %s", journal, other.name), advice: "name another file that remembers what is finished"}
		}
	}
	read = append(read, struct{ name, path string }{"the journal", journal})
	for _, other := range read {
		if sameFile(f.failed, other.path) {
			return &usageError{problem: fmt.Sprintf("--failed: %s is %s", f.failed, other.name), advice: "name another file for the rows that fail"}
		}
	}
	return nil
}

// journalPath is where the journal is, and whether this program has chosen the place.
func (f *importFlags) journalPath() (path string, own bool) {
	if f.journal != "" {
		return f.journal, false
	}
	return f.file + ".journal", true
}

func (a *app) importFile(ctx context.Context, cmd *cobra.Command, f importFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	secrets, err := a.readSecrets(f.secrets)
	if err != nil {
		return err
	}
	source, err := a.readSource(ctx, cmd, &f, secrets)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	options := provision.Options{Workers: f.workers, MaxFailures: f.maxFailures, Secrets: secrets.find}
	if f.dryRun {
		return a.planImport(ctx, w, source, options, &f)
	}
	if err := f.checkFiles(a); err != nil {
		return err
	}
	if err := a.confirm(ctx, f.yes, fmt.Sprintf("Import %s into %s?", counted(source.Len(), "row"), w.client.BaseURL())); err != nil {
		return err
	}
	return a.runImport(ctx, w, source, options, &f)
}

// readSource finds all faults of the file.
func (a *app) readSource(ctx context.Context, cmd *cobra.Command, f *importFlags, secrets namedSecrets) (*provision.Source, error) {
	defaults, err := a.request(ctx, cmd, "", &f.defaults)
	if err != nil {
		return nil, err
	}
	options := provision.ReadOptions{
		Format: provision.Format(f.format), Defaults: provision.Item{Trunk: *defaults}, Ignore: f.ignore, HasSecret: secrets.has,
	}
	var source *provision.Source
	if f.file == "-" {
		reader, done, err := a.input("the rows", "-")
		if err != nil {
			return nil, err
		}
		defer done()
		source, err = provision.Spool(reader, options)
		if err != nil {
			return nil, a.showRowFaults("standard input", f, err)
		}
		return source, nil
	}
	switch info, err := os.Stat(f.file); {
	case err != nil:
		// It is said below.
	case info.IsDir():
		return nil, usagef("%s is a directory; want a file", f.file)
	case !info.Mode().IsRegular():
		return nil, &usageError{
			problem: f.file + " cannot be read twice, and faults are found before anything is sent",
			advice:  "give it as the standard input: trunkctl import - --journal FILE < " + shellQuote(f.file),
		}
	}
	if source, err = provision.Open(f.file, options); err != nil {
		return nil, a.showRowFaults(f.file, f, err)
	}
	return source, nil
}

// showRowFaults says as well what flag is missing.
func (a *app) showRowFaults(file string, f *importFlags, err error) error {
	end := a.showFaults(file, err)
	faults, _ := errors.AsType[*provision.InputError](err)
	if f.secrets == "" && faults != nil && slices.ContainsFunc(faults.Violations, namesSecret) {
		return &advisedError{end, "name the file of the credentials that rows name with --secrets"}
	}
	return end
}

func namesSecret(fault provision.InputViolation) bool { return fault.Field == "secret_name" }

// checkFiles looks for what an earlier run has left, before anything is sent.
func (f *importFlags) checkFiles(a *app) error {
	journal, _ := f.journalPath()
	if err := firstError(checkReplace("--journal", journal), checkPlace("--failed", f.failed)); err != nil {
		return err
	}
	switch there := exists(journal); {
	case there && !f.resume:
		return &usageError{
			problem: journal + " is there from an earlier run",
			advice:  "go on where it was: " + a.commandLine("--resume") + "\nor begin anew, if no other import of this file is running: remove it first",
		}
	case !there && f.resume:
		a.note("there is no journal yet; starting at the first row")
	}
	if err := checkReplace("--failed", f.failed); err != nil {
		return err
	}
	if exists(f.failed) && !f.force {
		return &usageError{
			problem: f.failed + " is there from an earlier run",
			advice:  "if its rows are dealt with, or were never corrected, replace it: " + a.commandLine("--force") + "\nor import it first",
		}
	}
	return nil
}

// commandLine is the command line of this run with flags added, for people to type. What comes after
// "--" is no flag.
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
	return shellLine(args...)
}
