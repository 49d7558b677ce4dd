package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/report"
	"github.com/spf13/cobra"
	"golang.org/x/time/rate"
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

// probe asks the questions, prints the answers and writes the report.
func (a *app) probe(ctx context.Context, f *probeFlags) error {
	baseline, err := f.readFiles()
	if err != nil {
		return err
	}
	byName := slices.ContainsFunc(f.agents, func(agent string) bool { return !uuidForm.MatchString(agent) })
	w, options, err := a.probeOptions(ctx, f)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.planProbe(w, &options, byName)
	}
	journal, err := a.probeJournal(w)
	if err != nil {
		return err
	}
	if err := a.consent(ctx, w, f, &options); err != nil {
		return err
	}
	a.warnOfAge(baseline, f.diff)
	result, err := a.runProbe(ctx, w, options, journal)
	if file, ok := journal.(*probe.File); ok {
		_ = file.Close() // the clean-up of what is left can begin
	}
	if result == nil {
		return a.probeError(err, f, journal)
	}
	result.Report.Beyond = beyondRules(result.Report)
	unwritten := writeReport(f.report, result.Report)
	shown := a.showReport(w, f, result, baseline, unwritten == nil) // the answers took a minute: show them in any case
	return errors.Join(a.probeError(err, f, journal), unwritten, shown, a.endOfProbe(result, f, baseline, unwritten == nil))
}

// probeOptions returns the workspace, and the options of a probe of it. It replaces names of agents.
func (a *app) probeOptions(ctx context.Context, f *probeFlags) (*workspace, probe.Options, error) {
	var options probe.Options
	w, err := a.open(ctx)
	for i := range f.agents {
		if err == nil {
			err = a.resolveAgent(ctx, w, &f.agents[i])
		}
	}
	if err != nil {
		return nil, options, err
	}
	if len(f.agents) == 2 && strings.EqualFold(f.agents[0], f.agents[1]) {
		return nil, options, usagef("--agent: the two agents are the same")
	}
	options, err = a.probeConnection(w)
	options.Numbers, options.Agents, options.WhatsApp, options.MaxRequests = f.numbers, f.agents, f.whatsApp, f.maxRequests
	return w, options, err
}

// probeConnection returns the options with which requests reach a workspace. The probe does not use the
// client, which would refuse, retry and reconcile what is asked.
func (a *app) probeConnection(w *workspace) (probe.Options, error) {
	options := probe.Options{
		BaseURL: w.client.BaseURL(), Token: w.token, Transport: a.transport, Timeout: a.global.timeout, UserAgent: "trunkctl/" + version(), Interval: time.Second,
	}
	limit, err := parseRate(a.global.rate)
	if err != nil {
		return options, err
	}
	switch {
	case limit != nil:
		options.Interval, err = probeInterval("--rate", limit)
	case a.global.demo:
		options.Interval = 0
	case w.entry != nil && w.entry.Rate != "":
		if limit, err = parseRate(w.entry.Rate); err == nil {
			options.Interval, err = probeInterval("the rate of the workspace", limit)
			options.Interval = max(options.Interval, time.Second)
		}
	}
	return options, err
}

// probeInterval returns the time between two requests.
func probeInterval(source string, limit *rate.Limiter) (time.Duration, error) {
	const longest = 5 * time.Minute // the numbers have trunks all the time
	seconds := 1 / float64(limit.Limit())
	if seconds > longest.Seconds() {
		return 0, &usageError{problem: source + ": a probe would take days", advice: "pass --rate 12/h or more"}
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// probeTransport sets a transport whose connections end with the probe, and which logs each request if
// --debug is set.
func (a *app) probeTransport(options *probe.Options) (release func()) {
	release = func() {}
	if own, ok := http.DefaultTransport.(*http.Transport); ok && options.Transport == nil {
		own = own.Clone()
		options.Transport, release = own, own.CloseIdleConnections
	}
	if a.global.debug {
		options.Transport = &loggedTransport{cmp.Or(options.Transport, http.DefaultTransport), a.debugLog()}
	}
	return release
}

// loggedTransport logs requests, without their query and body, which have phone numbers.
type loggedTransport struct {
	http.RoundTripper
	log *slog.Logger
}

// RoundTrip implements [http.RoundTripper].
func (t *loggedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := t.RoundTripper.RoundTrip(r)
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Duration("duration", time.Since(began))}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode))
	} else {
		attrs = append(attrs, slog.Bool("responded", false))
	}
	t.log.LogAttrs(r.Context(), slog.LevelDebug, "probe: request", attrs...)
	return resp, err
}

// runProbe runs a probe with a progress. The first Ctrl-C ends the questions, the second the clean-up.
func (a *app) runProbe(ctx context.Context, w *workspace, options probe.Options, journal probe.Journal) (*probe.Result, error) {
	defer a.probeTransport(&options)()
	a.startRecord(ctx, w)
	recorded := &recordedJournal{Journal: journal, app: a, ctx: ctx}
	defer recorded.flush()
	options.Journal = recorded
	a.note("reading all numbers of %s, to see that nobody uses those of the probe", w.name)
	shown := &probeProgress{app: a, workspace: w.name}
	options.Progress = shown.step
	stop := make(chan struct{})
	options.Stop = stop
	a.interrupts.onFirst(sync.OnceFunc(func() {
		close(stop)
		if shown.stopping() {
			a.note("stopping: deleting what was registered; press Ctrl-C again to leave it")
		}
	}))
	defer a.interrupts.onFirst(nil)
	defer shown.end()
	return probe.Run(ctx, options)
}

// probeProgress shows how many questions were asked. It begins with the first.
type probeProgress struct {
	app       *app
	workspace string

	mu    sync.Mutex
	shown *term.Progress
}

func (p *probeProgress) step(_, total int, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown == nil {
		p.shown = p.app.progress(total, "questions", p.workspace, nil)
		return
	}
	p.shown.Step(false, false)
}

// stopping reports whether there were questions: before them, nothing is registered.
func (p *probeProgress) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown != nil {
		p.shown.SetStopping()
	}
	return p.shown != nil
}

func (p *probeProgress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown != nil {
		p.shown.End()
	}
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
