package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/internal/probe"
	"golang.org/x/time/rate"
)

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
	result.Report.Demo = a.global.demo
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
