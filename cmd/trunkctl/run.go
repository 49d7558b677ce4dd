package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/spf13/cobra"
)

// environment is what surrounds the program. A test gives it surroundings of its own.
type environment struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	// configDir is the directory that holds those of the programs' settings.
	configDir func() (string, error)
	keyring   keyring
	// signals are those that end the program. After the second, releaseSignals has the next one end
	// the process; both may be nil.
	signals        <-chan os.Signal
	releaseSignals func()
}

// app is one run of the program.
type app struct {
	environment
	global  globalFlags
	console *console
	// interrupts is what Ctrl-C does.
	interrupts *interrupts
	// demo is the server of --demo, nil without.
	demo *mihutest.Server
	// started says that the command line was understood.
	started bool
	// stdinUsed names what has read the standard input, which can be read once.
	stdinUsed string
}

// run carries out a command line and gives the exit code.
func run(ctx context.Context, env environment) int {
	ctx, interrupts, release := catchInterrupts(ctx, env.signals, env.releaseSignals)
	defer release()
	a := &app{environment: env, interrupts: interrupts, console: newConsole(env.stderr, env.getenv("TERM") == "dumb")}
	root := a.rootCommand()
	root.SetArgs(env.args)
	root.SetIn(env.stdin)
	out := &helpOutput{w: env.stdout}
	root.SetOut(out)
	root.SetErr(a.console)
	command, err := root.ExecuteContextC(ctx)
	a.closeDemo()
	if err == nil && out.err != nil {
		err, a.started = out.err, true
	}
	if err == nil {
		return exitDone
	}
	if !a.started {
		err = &usageError{problem: withoutShorthand(err.Error()), see: command.CommandPath() + " --help"}
	}
	return a.report(err, interrupts.interrupted())
}

// helpOutput is where help is written. It keeps the first error, which cobra does not give back.
type helpOutput struct {
	w   io.Writer
	err error
}

func (o *helpOutput) Write(p []byte) (int, error) {
	if o.err == nil {
		_, o.err = o.w.Write(p)
	}
	return len(p), nil
}

// withoutShorthand removes what pflag repeats of a cluster of short flags, since a password may
// have been glued to one.
func withoutShorthand(problem string) string {
	before, _, _ := strings.Cut(problem, " in -")
	return before
}

// globalFlags are those of all commands.
type globalFlags struct {
	tenant, baseURL, tokenFile string
	output, color, rate        string
	timeout                    time.Duration
	quiet, debug, demo         bool
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "trunkctl",
		Short: "Connect phone numbers to Mihu agents",
		Long: `Trunkctl connects phone numbers that you own elsewhere to Mihu agents, one at a time or a
carrier's spreadsheet at once. It is not the vendor's.

Set MIHU_TENANT to the workspace's subdomain and run "trunkctl login", or try any command with
--demo, which needs no account. Data goes to the standard output, everything else to the standard
error.`,
		Example: `  trunkctl --demo list
  trunkctl create +12025550123 --agent 3c90c3cc-0d44-4b50-8888-8dd25736052a
  trunkctl import numbers.csv --dry-run
  trunkctl import numbers.csv --yes --rate 10/s`,
		Args:                       knownCommand,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE:          func(*cobra.Command, []string) error { return a.checkGlobal() },
	}
	root.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return secretFlag(err) })
	root.SetHelpCommandGroupID("other")

	flags := root.PersistentFlags()
	flags.StringVar(&a.global.tenant, "tenant", "", "workspace: the `subdomain` of its address (default $MIHU_TENANT)")
	flags.StringVar(&a.global.baseURL, "base-url", "", "another base `URL` than the workspace's own (default $MIHU_BASE_URL)")
	flags.StringVar(&a.global.tokenFile, "token-file", "", "read the token from this `file`, - for the standard input (default $MIHU_API_TOKEN, then that of \"trunkctl login\")")
	flags.StringVarP(&a.global.output, "output", "o", "table", "`format` of the data: table, json, csv or yaml")
	flags.StringVar(&a.global.color, "color", "auto", "color: `when`, auto, always or never; NO_COLOR turns auto off")
	flags.StringVar(&a.global.rate, "rate", "", "send no more requests than this `rate`, such as 10/s or 600/m")
	flags.DurationVar(&a.global.timeout, "timeout", 30*time.Second, "give up an attempt of a request after this `time`")
	flags.BoolVarP(&a.global.quiet, "quiet", "q", false, "print data and errors only")
	flags.BoolVar(&a.global.debug, "debug", false, "log every request on the standard error, without secrets and with masked numbers")
	flags.BoolVar(&a.global.demo, "demo", false, "use a Mihu inside of this program: needs no account, and forgets everything at the end")
	flags.BoolP("help", "h", false, "help for the command")
	fixed(root, "output", formats...)
	fixed(root, "color", "auto", "always", "never")
	none(root, "tenant", "base-url", "rate", "timeout")

	root.AddGroup(
		&cobra.Group{ID: "one", Title: "One trunk:"},
		&cobra.Group{ID: "many", Title: "Many trunks:"},
		&cobra.Group{ID: "other", Title: "This program:"},
	)
	for _, command := range []*cobra.Command{
		a.createCommand(), a.updateCommand(), a.assignCommand(), a.deleteCommand(), a.ensureCommand(), a.channelsCommand(),
	} {
		command.GroupID = "one"
		root.AddCommand(command)
	}
	for _, command := range []*cobra.Command{
		a.listCommand(), a.importCommand(), a.exportCommand(), a.rotateCommand(),
	} {
		command.GroupID = "many"
		root.AddCommand(command)
	}
	for _, command := range []*cobra.Command{
		a.loginCommand(), a.logoutCommand(), a.doctorCommand(), a.versionCommand(), completionCommand(),
	} {
		command.GroupID = "other"
		root.AddCommand(command)
	}
	root.AddCommand(exitCodesTopic(), filesTopic())
	helpOrRefuse(root)
	a.markStarts(root)
	fitHelp(root, terminalWidth(a.stdout))
	return root
}

// helpOrRefuse has the command help refuse what is no command: cobra's own shows the help of all and succeeds.
func helpOrRefuse(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return
	}
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		about, rest, err := root.Find(args)
		if err == nil {
			err = knownCommand(about, rest)
		}
		if err != nil {
			return &usageError{problem: err.Error(), see: "trunkctl --help"}
		}
		about.InitDefaultHelpFlag()
		return about.Help()
	}
}

// knownCommand refuses what is no command, with the one that was probably meant.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	problem := "unknown command"
	if strings.Trim(args[0], "abcdefghijklmnopqrstuvwxyz-") == "" { // what it is not may be a number
		problem += " " + strconv.Quote(args[0])
	}
	if meant := root.SuggestionsFor(args[0]); args[0] != "" && len(meant) > 0 {
		problem += "; did you mean " + strings.Join(meant, " or ") + "?"
	}
	return errors.New(problem)
}

// noArguments refuses arguments, which may be numbers, without showing them.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("takes no arguments, and got %s", counted(len(args), "argument"))
	}
	return nil
}

// markStarts notes that a command line was understood once a command begins: an error before that
// is one of usage.
func (a *app) markStarts(command *cobra.Command) {
	if inner := command.RunE; inner != nil {
		command.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return inner(cmd, args)
		}
	}
	for _, child := range command.Commands() {
		a.markStarts(child)
	}
}

// fixed completes a flag with one of a few words, none with nothing: completion never asks the API.
func fixed(command *cobra.Command, flag string, words ...string) {
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

func none(command *cobra.Command, flags ...string) {
	for _, flag := range flags {
		_ = command.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}

// note tells the person at the terminal something that is no error.
func (a *app) note(format string, args ...any) {
	if !a.global.quiet {
		a.tell(fmt.Sprintf(format, args...))
	}
}

// tell prints lines on the standard error, whatever they quote.
func (a *app) tell(text string) { _, _ = fmt.Fprintln(a.console, printableLines(text)) }
