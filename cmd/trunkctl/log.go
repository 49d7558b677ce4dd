package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// envLogDays is the variable for the age, in days, at which records of the log are removed.
const envLogDays = "TRUNKCTL_LOG_DAYS"

const defaultLogDays = 365

// runRecorder records a run that changes trunks. Its methods do nothing on nil, which is the
// recorder of a run that changes nothing. It is safe for concurrent use.
type runRecorder struct {
	app *app
	log runlog.Log
	run string

	mu     sync.Mutex
	failed bool // a record could not be written
}

// checkLogDays sets the age at which records are removed.
func (a *app) checkLogDays() error {
	a.logDays = defaultLogDays
	text := a.getenv(envLogDays)
	if text == "" {
		return nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 0 {
		return usagef("%s: want a number of days; 0 keeps all records", envLogDays)
	}
	a.logDays = days
	return nil
}

// runLog returns the log of a workspace.
func (a *app) runLog(address string) runlog.Log {
	return runlog.Log{Dir: a.stateDir, Address: address, Keep: time.Duration(a.logDays) * 24 * time.Hour}
}

// startRecord starts the record of a run, before its first change. The demo has none.
func (a *app) startRecord(ctx context.Context, w *workspace) {
	if a.global.demo {
		return
	}
	now := time.Now()
	a.recorder = &runRecorder{app: a, log: a.runLog(w.base), run: runlog.NewRun(now)}
	a.recorder.append(ctx, runlog.Record{
		Event: runlog.Start, Time: now, Command: a.command.CommandPath(), Arguments: namesOfArguments(a.command),
		Trunkctl: version(), Workspace: w.name, Address: w.base,
	})
}

// namesOfArguments returns the flags of a command line and the number of its other arguments,
// without values.
func namesOfArguments(cmd *cobra.Command) (names []string) {
	if n := cmd.Flags().NArg(); n > 0 {
		names = append(names, counted(n, "argument"))
	}
	cmd.Flags().Visit(func(flag *pflag.Flag) { names = append(names, "--"+flag.Name) })
	return names
}

// append adds a record. A log that cannot be written does not stop the changes: there is one
// warning, also with --quiet.
func (r *runRecorder) append(ctx context.Context, record runlog.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed {
		return
	}
	record.Run = r.run
	// A change that was made is recorded, even if the run has been interrupted meanwhile.
	if err := r.log.Append(context.WithoutCancel(ctx), record); err != nil {
		r.failed = true
		r.app.printErr("warning: changes are not recorded in the log: " + plainText(err))
	}
}

// logged describes a change for the log.
type logged struct {
	id            mihu.TrunkID
	action        provision.Action
	before, after *runlog.Binding
	fields        []string
	line          int
	err           error
	requestID     string
	// partly is set if something was done before the error.
	partly bool
	// read is set if before was read, so that it holds for a change that was refused too.
	read bool
}

// change records a change that was tried.
func (r *runRecorder) change(ctx context.Context, c logged) {
	if r == nil {
		return
	}
	record := runlog.Record{
		Event: runlog.Change, Time: time.Now(), Action: verbOf(c.action), PhoneNumber: c.id.PhoneNumber, Channel: string(c.id.Channel),
		Before: c.before, After: c.after, Fields: c.fields, Line: c.line, Outcome: runlog.Applied, RequestID: c.requestID,
	}
	if c.err != nil {
		record.Error, record.After = plainText(c.err), nil
		if !c.read {
			record.Before = nil
		}
		if refused, ok := errors.AsType[*mihu.APIError](c.err); ok && refused.RequestID != "" {
			record.RequestID = refused.RequestID
		}
		switch {
		case errors.Is(c.err, mihu.ErrOutcomeUnknown):
			record.Outcome = runlog.Unknown
		case c.partly:
			record.Outcome, record.Before, record.After = runlog.PartlyApplied, c.before, c.after
		default:
			record.Outcome = runlog.NotApplied
		}
	}
	if record.Before == nil && record.Outcome == runlog.Applied && c.action == provision.Updated {
		record.Before = record.After // an update leaves the agent as it is
	}
	r.append(ctx, record)
}

// audit records a change of package provision.
func (r *runRecorder) audit(ctx context.Context, c provision.AuditRecord) {
	if r == nil {
		return
	}
	r.append(ctx, runlog.Record{
		Event: runlog.Change, Time: c.Time, Plan: c.Plan, Action: cmp.Or(string(c.Op), "ensure"), PhoneNumber: c.PhoneNumber, Channel: string(c.Channel),
		Before: auditedBinding(c.Before), After: auditedBinding(c.After), Fields: c.Fields, Line: c.Line, Outcome: string(c.Outcome),
		RequestID: c.RequestID, Error: plainErrorText(c.Error),
	})
}

func auditedBinding(b *provision.AuditBinding) *runlog.Binding {
	if b == nil {
		return nil
	}
	return &runlog.Binding{Bound: b.Bound, AgentUUID: b.AgentUUID, AgentName: b.AgentName}
}

func plainErrorText(text string) string {
	if text == "" {
		return ""
	}
	return plainText(errors.New(text))
}

// verbOf returns what was tried: create, assign, update or delete.
func verbOf(action provision.Action) string {
	if action == provision.Failed || action == "" {
		return "ensure"
	}
	_, verb, _ := marks(action)
	return verb
}

// end records the end of the run.
func (r *runRecorder) end(ctx context.Context, code int) {
	if r != nil {
		r.append(ctx, runlog.Record{Event: runlog.End, Time: time.Now(), ExitCode: &code})
	}
}

// unbound is the binding of a channel without a trunk.
func unbound() *runlog.Binding { return &runlog.Binding{} }

// bindingOf returns the binding of a channel in a snapshot, nil if there is no snapshot.
func bindingOf(snap *mihu.ChannelSnapshot, channel mihu.Channel) *runlog.Binding {
	if snap == nil {
		return nil
	}
	b := snap.Binding(channel)
	return &runlog.Binding{Bound: b.Bound, AgentUUID: b.AgentUUID, AgentName: b.AgentName}
}

// bindingBefore reads the binding that a command is about to change, since the API does not tell it
// afterwards. It returns nil if there is no log, or if the binding cannot be read.
func (a *app) bindingBefore(ctx context.Context, w *workspace, id mihu.TrunkID) *runlog.Binding {
	if a.recorder == nil {
		return nil
	}
	snap, err := a.look(ctx, w, id)
	switch {
	case err != nil:
		return nil
	case snap == nil:
		return unbound()
	}
	return bindingOf(snap, id.Channel)
}

// loggedEnsure describes the result of an ensure. changed reports whether it tried a change.
func loggedEnsure(req *mihu.TrunkCreateRequest, action provision.Action, ensured *mihu.EnsureResult, err error) (c logged, changed bool) {
	c = logged{id: req.TrunkID, action: action, err: err, fields: sends(req)}
	if ensured != nil {
		c.after = bindingOf(ensured.Snapshot, req.Channel)
		if err != nil {
			// What was done before the error.
			c.action, c.partly = provision.Action(ensured.Action), ensured.Action != "" && ensured.Action != mihu.ActionUnchanged
		}
		if ensured.PreviousAgentUUID != "" {
			c.before = &runlog.Binding{Bound: true, AgentUUID: ensured.PreviousAgentUUID}
		}
	}
	switch action {
	case provision.Created:
		c.before = unbound()
	case provision.Unchanged, provision.Duplicate, provision.Resumed:
		return c, false
	default:
	}
	return c, true
}

func (a *app) logCommand() *cobra.Command {
	limit := defaultLogRuns
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Show what was changed, by which command",
		Long: `Show the commands that have changed trunks of the workspace from this machine, by this user, the
latest first. "trunkctl log show RUN" lists the changes of one of them.

The log has whole phone numbers, the agents before and after a change as far as they are known, the
names of the fields that were sent, the outcome and the request ID. It has no values of fields and
no secrets. It is JSON lines in $XDG_STATE_HOME/trunkctl/log (~/.local/state/trunkctl/log), one file
per workspace, which only its owner can read. Records are removed after 365 days; TRUNKCTL_LOG_DAYS
sets another number, and 0 keeps them. Dry runs and the demo are not recorded.`,
		Example: `  trunkctl log
  trunkctl log --limit 0 -o json
  trunkctl log show last`,
		Args:              noArguments,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return a.listRuns(limit) },
	}
	cmd.Flags().IntVar(&limit, "limit", defaultLogRuns, "show the latest `N` commands; 0 shows all")
	completeNothing(cmd, "limit")
	cmd.AddCommand(&cobra.Command{
		Use:               "show RUN",
		Short:             "Show the changes of a command",
		Long:              `Show the changes of a command. RUN is from "trunkctl log", or "last" for the latest.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRun,
		RunE:              func(_ *cobra.Command, args []string) error { return a.showRun(args[0]) },
	})
	return cmd
}

const defaultLogRuns = 20

// runSummary is a run of the log, as data.
type runSummary struct {
	Run        string    `json:"run"`
	Time       time.Time `json:"time"`
	Command    string    `json:"command"`
	Arguments  []string  `json:"arguments"`
	Trunkctl   string    `json:"trunkctl"`
	Workspace  string    `json:"workspace"`
	Applied    int       `json:"applied"`
	NotApplied int       `json:"not_applied"`
	Unknown    int       `json:"unknown"`
	// ExitCode is nil if the run was killed, or is still running.
	ExitCode *int `json:"exit_code"`
}

func (s runSummary) Cells() []string {
	end := "no end"
	if s.ExitCode != nil {
		end = "exit " + strconv.Itoa(*s.ExitCode)
	}
	return []string{
		s.Run, strings.TrimPrefix(s.Command, "trunkctl "), strconv.Itoa(s.Applied), strconv.Itoa(s.NotApplied), strconv.Itoa(s.Unknown), end,
	}
}

// logOfTarget returns the log of the selected workspace. It needs no token.
func (a *app) logOfTarget() (*target, runlog.Log, error) {
	if a.global.demo {
		return nil, runlog.Log{}, usagef("the demo has no log")
	}
	t, err := a.target()
	if err != nil {
		return nil, runlog.Log{}, err
	}
	return t, a.runLog(t.base), nil
}

// runs returns the runs of a log, the latest first.
func runs(log runlog.Log) ([]runSummary, error) {
	records, err := log.Records()
	if err != nil {
		return nil, err
	}
	var order []string
	found := map[string]*runSummary{}
	for r := range records {
		s := found[r.Run]
		if s == nil {
			s = &runSummary{Run: r.Run, Time: r.Time}
			found[r.Run], order = s, append(order, r.Run)
		}
		s.add(r)
	}
	slices.Reverse(order)
	summaries := make([]runSummary, len(order))
	for i, run := range order {
		summaries[i] = *found[run]
	}
	return summaries, nil
}

// add adds a record to the summary of its run.
func (s *runSummary) add(r runlog.Record) {
	switch r.Event {
	case runlog.Start:
		s.Command, s.Arguments, s.Trunkctl, s.Workspace = r.Command, r.Arguments, r.Trunkctl, r.Workspace
	case runlog.End:
		s.ExitCode = r.ExitCode
	case runlog.Change:
		switch r.Outcome {
		case runlog.Applied:
			s.Applied++
		case runlog.Unknown:
			s.Unknown++
		default:
			s.NotApplied++
		}
	}
}

func (a *app) listRuns(limit int) error {
	if limit < 0 {
		return usagef("--limit: want 0 or more")
	}
	t, log, err := a.logOfTarget()
	if err != nil {
		return err
	}
	summaries, err := runs(log)
	if err != nil {
		return err
	}
	if limit > 0 && len(summaries) > limit {
		summaries = summaries[:limit]
	}
	out := a.records(runColumns())
	out.OmitEmptyTable()
	for _, s := range summaries {
		if err := out.Add(s); err != nil {
			return err
		}
	}
	if len(summaries) == 0 {
		a.note("the log has no changes of %s", t.name)
	}
	return out.End()
}

func (a *app) showRun(run string) error {
	t, log, err := a.logOfTarget()
	if err != nil {
		return err
	}
	summaries, err := runs(log)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(summaries, func(s runSummary) bool { return s.Run == run || run == "last" })
	if at < 0 {
		return &usageError{problem: "the log of " + t.name + " has no such run", advice: "\"trunkctl log --limit 0\" lists all of them"}
	}
	shown := summaries[at]
	records, err := log.Records()
	if err != nil {
		return err
	}
	a.note("%s", shown.describe())
	out := a.records(changeRecordColumns())
	out.OmitEmptyTable()
	for r := range records {
		if r.Run != shown.Run || r.Event != runlog.Change {
			continue
		}
		if err := out.Add(changeRecord{r}); err != nil {
			return err
		}
	}
	return out.End()
}

// describe returns a line about the run, without a number.
func (s runSummary) describe() string {
	end := "no end: it was killed, or is still running"
	if s.ExitCode != nil {
		end = fmt.Sprintf("exit code %d", *s.ExitCode)
	}
	command := strings.Join(append([]string{s.Command}, s.Arguments...), " ")
	return fmt.Sprintf("%s: %s in %s, trunkctl %s, %s", s.Time.Local().Format(time.DateTime), command, s.Workspace, s.Trunkctl, end)
}

// completeRun completes a run of the log.
func (a *app) completeRun(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	_, log, err := a.logOfTarget()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := []cobra.Completion{"last"}
	summaries, _ := runs(log) // completion has no place for an error
	for _, s := range summaries[:min(len(summaries), defaultLogRuns)] {
		names = append(names, cobra.CompletionWithDesc(s.Run, s.Command))
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
