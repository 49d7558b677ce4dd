package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/spf13/cobra"
)

// environment is what the program gets from the system. Tests pass their own.
type environment struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	// configDir returns the directory that holds the settings of programs.
	configDir func() (string, error)
	// stateDir returns the directory that holds the logs of programs.
	stateDir func() (string, error)
	// cacheDir returns the directory that holds what programs can fetch again.
	cacheDir func() (string, error)
	keyring  credentials.Keyring
	// transport sends the requests; nil is the default.
	transport http.RoundTripper
	// signals end the program. releaseSignals is called after the second, so that the next one ends
	// the process. Both may be nil.
	signals        <-chan os.Signal
	releaseSignals func()
}

// app is one run of the program.
type app struct {
	environment
	global  globalFlags
	console *term.Console
	// ascii is set if the locale is not UTF-8.
	ascii bool
	// interrupts handles Ctrl-C.
	interrupts *interrupts
	// demo is the fake server of --demo, or nil.
	demo *mihutest.Server
	// started is set once the command line has been parsed.
	started bool
	// command is the command that runs.
	command *cobra.Command
	// logDays is the age, in days, at which records of the log are removed; 0 means never.
	logDays int
	// recorder records what is changed; nil until something is.
	recorder *runRecorder
	// names are those of the agents that the run has seen.
	names knownNames
	// statePath is set by --state.
	statePath string
	// yes is set by --yes.
	yes bool
	// stdinUsed names the flag that reads standard input, which can be read once.
	stdinUsed string
}

// run runs a command line and returns the exit code.
func run(ctx context.Context, env environment) int {
	ctx, interrupts, release := catchInterrupts(ctx, env.signals, env.releaseSignals)
	defer release()
	a := &app{environment: env, interrupts: interrupts, console: term.NewConsole(env.stderr, env.getenv("TERM") == "dumb")}
	a.ascii = term.IsASCII(env.getenv)
	if a.ascii {
		a.console.ASCII()
	}
	root := a.rootCommand()
	root.SetArgs(env.args)
	root.SetIn(env.stdin)
	out := &helpOutput{w: env.stdout, ascii: a.ascii}
	root.SetOut(out)
	root.SetErr(a.console)
	command, err := root.ExecuteContextC(ctx)
	a.closeDemo()
	if err == nil && out.err != nil {
		err, a.started = out.err, true
	}
	if err == nil {
		a.recorder.end(ctx, exitDone)
		return exitDone
	}
	if !a.started {
		err = &usageError{problem: commandLineError(command, command.Flags().Args(), err.Error()), see: command.CommandPath() + " --help"}
	}
	code := a.report(err, interrupts.interrupted())
	a.recorder.end(ctx, code)
	return code
}

// helpOutput is the destination of help. It keeps the first error, which cobra does not return.
type helpOutput struct {
	w     io.Writer
	ascii bool
	err   error
}

func (o *helpOutput) Write(p []byte) (int, error) {
	if o.err == nil {
		text := p
		if o.ascii {
			text = []byte(term.ASCII(string(p)))
		}
		_, o.err = o.w.Write(text)
	}
	return len(p), nil
}

// globalFlags are the flags of every command.
type globalFlags struct {
	workspace, baseURL, tokenFile string
	output, color, rate           string
	timeout                       time.Duration
	quiet, debug, demo            bool
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "trunkctl",
		Short: "Connect phone numbers to Mihu agents",
		Long: `Trunkctl connects phone numbers that you already own to Mihu agents, one at a time or from a
carrier's spreadsheet. It is not made by the vendor.

Run "trunkctl login --workspace acme" for your workspace (acme of acme.mihu.ai), or try any command
with --demo, which needs no workspace. Data goes to standard output, everything else to standard
error.`,
		Example: `  trunkctl --demo list
  trunkctl create +12025550123 --agent "Front desk"
  trunkctl import numbers.csv --dry-run
  trunkctl import numbers.csv --yes --rate 10/s`,
		Args:                       knownCommand,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE:          func(*cobra.Command, []string) error { return a.checkGlobal() },
	}
	showVersion := root.Flags().Bool("version", false, "print the version")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if *showVersion {
			return a.printVersion()
		}
		return cmd.Help()
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommandGroupID("other")

	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(),
		`Use "{{.CommandPath}} [command] --help" for more information about a command.`, "Help of a command: {{.CommandPath}} COMMAND --help"))
	a.addGlobalFlags(root)
	a.addCommands(root)
	helpOrRefuse(root)
	a.markStarts(root)
	a.completeFromCache(root)
	term.FitHelp(root, term.Width(a.stdout))
	return root
}

func (a *app) addGlobalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.global.workspace, "workspace", "", "workspace `NAME`: of the config, or acme of acme.mihu.ai (default $MIHU_WORKSPACE, then $MIHU_TENANT)")
	flags.StringVar(&a.global.baseURL, "base-url", "", "override the API base `URL` (default $MIHU_BASE_URL)")
	flags.StringVar(&a.global.tokenFile, "token-file", "", "read the token from `FILE`, - for standard input (default $MIHU_API_TOKEN, then the token of \"trunkctl login\")")
	flags.StringVarP(&a.global.output, "output", "o", term.FormatTable, "data `FORMAT`: table, json, csv or yaml")
	flags.StringVar(&a.global.color, "color", term.Colors[0], "`WHEN` to color: auto, always or never; NO_COLOR turns auto off")
	flags.StringVar(&a.global.rate, "rate", "", "limit requests to a rate of `N/s`, N/m or N/h, retries included")
	flags.DurationVar(&a.global.timeout, "timeout", 30*time.Second, "`DURATION` after which an attempt times out")
	flags.BoolVarP(&a.global.quiet, "quiet", "q", false, "print only data and errors")
	flags.BoolVar(&a.global.debug, "debug", false, "log every request to standard error, without secrets and with masked numbers")
	flags.BoolVar(&a.global.demo, "demo", false, "use an in-process fake server: needs no workspace, and all changes are discarded at the end")
	flags.BoolP("help", "h", false, "show the help of the command")
	completeWords(root, "output", term.Formats...)
	completeWords(root, "color", term.Colors...)
	completeNothing(root, "base-url", "rate", "timeout")
	_ = root.RegisterFlagCompletionFunc("workspace", func(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return a.completeWorkspace(cmd, nil, typed)
	})
}

func (a *app) addCommands(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: "one", Title: "One trunk:"},
		&cobra.Group{ID: "many", Title: "Many trunks:"},
		&cobra.Group{ID: "workspace", Title: "The workspace:"},
		&cobra.Group{ID: "other", Title: "This program:"},
	)
	for _, command := range []*cobra.Command{
		a.createCommand(), a.updateCommand(), a.assignCommand(), a.deleteCommand(), a.ensureCommand(), a.channelsCommand(), a.limitsCommand(),
	} {
		command.GroupID = "one"
		root.AddCommand(command)
	}
	for _, command := range []*cobra.Command{
		a.listCommand(), a.importCommand(), a.syncCommand(), a.exportCommand(), a.rotateCommand(),
	} {
		command.GroupID = "many"
		root.AddCommand(command)
	}
	for _, command := range []*cobra.Command{a.agentsCommand(), a.numbersCommand(), a.ratesCommand(), a.probeCommand()} {
		command.GroupID = "workspace"
		root.AddCommand(command)
	}
	for _, command := range []*cobra.Command{
		a.loginCommand(), a.logoutCommand(), a.workspaceCommand(), a.stateCommand(), a.logCommand(), a.doctorCommand(), a.versionCommand(), a.completionCommand(), a.manCommand(),
	} {
		command.GroupID = "other"
		root.AddCommand(command)
	}
	root.AddCommand(exitCodesTopic(), filesTopic())
}

// helpOrRefuse makes "help" fail for an unknown command. Cobra's own shows the help of the program
// and succeeds.
func helpOrRefuse(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return
	}
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		topic, rest, err := root.Find(args)
		if err == nil {
			err = knownCommand(topic, rest)
		}
		if err != nil {
			return &usageError{problem: err.Error(), see: "trunkctl --help"}
		}
		topic.InitDefaultHelpFlag()
		return topic.Help()
	}
}

// knownCommand refuses an unknown command, and suggests the one that was probably meant.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	problem := "unknown command"
	if isWord(args[0]) {
		problem += " " + strconv.Quote(args[0])
	}
	if suggestions := root.SuggestionsFor(args[0]); args[0] != "" && len(suggestions) > 0 {
		problem += "; did you mean " + strings.Join(suggestions, " or ") + "?"
	}
	return errors.New(problem)
}

// noArguments refuses arguments without showing them, since they may be phone numbers.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("takes no arguments; got %s", counted(len(args), "argument"))
	}
	return nil
}

// markStarts sets started as a command begins. An error before that is a usage error.
func (a *app) markStarts(command *cobra.Command) {
	if inner := command.RunE; inner != nil {
		command.RunE = func(cmd *cobra.Command, args []string) error {
			a.started, a.command = true, cmd
			return inner(cmd, args)
		}
	}
	for _, child := range command.Commands() {
		a.markStarts(child)
	}
}

// completeWords completes a flag with one of a few words. Completion never calls the API.
func completeWords(command *cobra.Command, flag string, words ...string) {
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completeNothing keeps flags from being completed with file names.
func completeNothing(command *cobra.Command, flags ...string) {
	for _, flag := range flags {
		_ = command.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}

// note prints a line for the person at the terminal that is not an error. --quiet hides it.
func (a *app) note(format string, args ...any) {
	if !a.global.quiet {
		a.printErr(fmt.Sprintf(format, args...))
	}
}

// printErr prints lines to standard error. Text that they quote cannot act on a terminal.
func (a *app) printErr(text string) { _, _ = fmt.Fprintln(a.console, term.PrintableLines(text)) }
