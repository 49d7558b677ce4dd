package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/spf13/cobra"
)

// probeFlags are the flags of "trunkctl probe".
type probeFlags struct {
	numbers, agents, confirm []string
	report, diff             string
	maxRequests              int
	whatsApp, dryRun, clean  bool
}

const (
	defaultReport = "probe-report.json"
	// minProbeRequests is the least that asks something and leaves requests for the clean-up.
	minProbeRequests = 20
)

func (a *app) probeCommand() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Find out what the API does where its documentation is silent",
		Long: `Find out what the API does where its documentation is silent, such as the status of a duplicate, with
one or two numbers and agents that nobody uses. The report calibrates the fake server of package
mihutest, and a later run tells what has changed. With --demo, the report is about the fake server.

For about a minute the numbers have trunks, and calls to them reach the agents. Before that, all
numbers of the workspace are read, and a number or an agent that is in use is refused. What is
registered is deleted in the end, also after Ctrl-C. If the probe is killed, "trunkctl probe --clean"
does that. Agents of SIP connections and of PBX extensions cannot be seen: name agents that nobody
uses. Create a token for the probe, and revoke it afterwards.

It sends a request a second, or --rate, and at most 80 beside those that read the lists. Rate limits,
purchased numbers and settings are never probed. The report has no number, agent, name or token.`,
		Example: `  trunkctl probe --number +12025550123 --agent Spare --dry-run
  trunkctl probe --number +12025550123 --number +12025550124 --agent Spare --agent "Night line"
  trunkctl probe --number +12025550123 --agent Spare --report new.json --diff probe-report.json
  trunkctl probe --diff probe-report.json --report new.json
  trunkctl probe --clean`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			switch {
			case f.clean:
				return a.probeClean(cmd.Context())
			case len(f.numbers) == 0 && len(f.agents) == 0:
				return a.compareReports(&f)
			}
			return a.probe(cmd.Context(), &f)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *probeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.numbers, "number", nil, "`NUMBER` in E.164 that nobody uses; give two for the questions of busy agents")
	flags.StringArrayVar(&f.agents, "agent", nil, "`AGENT` that serves no number, by UUID or name; give two for all questions")
	flags.StringArrayVar(&f.confirm, "confirm", nil, "repeat each `NUMBER` to confirm, if standard input is not a terminal")
	flags.StringVar(&f.report, "report", defaultReport, "write the report to `FILE`, which must not exist; with --diff and without --number, read it")
	flags.StringVar(&f.diff, "diff", "", "compare with the report in `FILE`; without --number, compare --report with it and send nothing")
	flags.IntVar(&f.maxRequests, "max-requests", 0, "send at most `N` requests beside those that read the lists, 20 or more (default 80, or 45 with one number and one agent)")
	flags.BoolVar(&f.whatsApp, "whatsapp", false, "also ask about channel whatsapp, which may start a verification at Meta")
	flags.BoolVar(&f.clean, "clean", false, "delete what an interrupted or killed probe has left")
	addDryRun(cmd, &f.dryRun)
	completeNothing(cmd, "number", "confirm", "max-requests", "agent")
}

// check checks the flags that need no file and no request.
func (f *probeFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	if f.clean {
		for _, flag := range []string{"number", "agent", "confirm", "report", "diff", "max-requests", "whatsapp", "dry-run"} {
			if changed(flag) {
				return usagef("--clean: has no use for --%s: the journal of the probe has what is to be deleted", flag)
			}
		}
		return nil
	}
	if len(f.numbers) == 0 && len(f.agents) == 0 && f.diff != "" && !f.dryRun {
		if !changed("report") {
			return &usageError{problem: "--diff: nothing to compare with", advice: "add --report FILE with the newer report, or --number and --agent to probe"}
		}
		for _, flag := range []string{"confirm", "max-requests", "whatsapp"} {
			if changed(flag) {
				return usagef("--%s: of no use without --number and --agent: two files are compared", flag)
			}
		}
		return nil
	}
	return f.checkTargets(changed("max-requests"))
}

func (f *probeFlags) checkTargets(limited bool) error {
	switch {
	case len(f.numbers) == 0 || len(f.agents) == 0:
		return &usageError{
			problem: "--number and --agent are required: the probe does not choose what it changes",
			advice:  "name one or two numbers and agents that nobody uses",
		}
	case len(f.numbers) > 2 || len(f.agents) > 2:
		return usagef("--number and --agent: want one or two of each")
	case slices.Contains(f.agents, ""):
		return usagef("--agent: want a UUID or a name")
	case limited && f.maxRequests < minProbeRequests:
		return usagef("--max-requests: want %d or more: some are kept for the clean-up", minProbeRequests)
	}
	for _, number := range f.numbers {
		if err := trunkID(number, string(mihu.ChannelCall)).Validate(); err != nil {
			return err
		}
	}
	if len(f.numbers) == 2 && f.numbers[0] == f.numbers[1] {
		return usagef("--number: the two numbers are the same")
	}
	confirmed := slices.Sorted(slices.Values(f.confirm))
	if len(confirmed) > 0 && !slices.Equal(confirmed, slices.Sorted(slices.Values(f.numbers))) {
		return usagef("--confirm: want each number of --number once, and no other; nothing was sent")
	}
	return nil
}

// readFiles checks the files of a run before anything is sent, and returns the report of --diff.
func (f *probeFlags) readFiles() (baseline *report.Report, err error) {
	if f.diff != "" {
		if baseline, err = readReport("--diff", f.diff); err != nil {
			return nil, err
		}
	}
	if f.dryRun {
		return baseline, nil
	}
	if f.report == "-" {
		return nil, &usageError{problem: "--report: cannot be standard output; nothing was sent", advice: "name a file; -o json prints the answers"}
	}
	if files.Exists(f.report) {
		return nil, &usageError{
			problem: "--report: " + f.report + " exists; nothing was sent", advice: "name another file; --diff compares the new report with an old one",
		}
	}
	return baseline, checkCreatable("--report", f.report)
}

// checkCreatable checks that a file can be written that is not there yet.
func checkCreatable(flag, path string) error {
	if path == "" {
		return usagef("%s: want the name of a file", flag)
	}
	if err := checkDirectory(flag, path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // a file that the user names
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(path))
	}
	if err != nil {
		return &usageError{problem: flag + ": " + plainText(err) + "; nothing was sent", advice: "name a file that can be written"}
	}
	return nil
}

// readReport reads the report of a probe.
func readReport(flag, path string) (*report.Report, error) {
	data, err := readAtMost(path, report.MaxSize+1)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("%s: %s does not exist", flag, path)
		}
		return nil, err
	}
	read, err := report.Read(data)
	if err != nil {
		return nil, usagef("%s: %s: %v", flag, path, err)
	}
	return read, nil
}

// readAtMost reads the beginning of a file, which may be a device without end.
func readAtMost(path string, size int64) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // a file that the user names
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(file, size))
	return data, errors.Join(err, file.Close())
}
