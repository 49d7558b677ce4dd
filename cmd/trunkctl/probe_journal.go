package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/internal/probe"
)

// journalFile returns the journal of the probes of a workspace.
func (a *app) journalFile(w *workspace) (*probe.File, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, &usageError{problem: "no directory for the journal of the probe: " + err.Error(), advice: "set one of these"}
	}
	return &probe.File{Path: filepath.Join(dir, "trunkctl", "probe", url.QueryEscape(w.base)+".jsonl"), Lock: files.Lock}, nil
}

// probeJournal returns the journal of a new probe. One that is there blocks it: trunks may be left.
func (a *app) probeJournal(w *workspace) (probe.Journal, error) {
	if a.global.demo {
		return new(probe.Memory), nil // what is left ends with the demo
	}
	file, err := a.journalFile(w)
	if err != nil {
		return nil, err
	}
	switch _, err := os.Lstat(file.Path); {
	case err == nil:
		return nil, earlierProbe()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return file, nil
}

// earlierProbe is the error of a journal that is there.
func earlierProbe() error {
	return &advisedError{
		&safetyError{fmt.Errorf("%w in this workspace, or still runs"+nothingChanged, probe.ErrJournalExists)}, "run \"trunkctl probe --clean\"",
	}
}

// safetyError is what a command does not do for the sake of safety.
type safetyError struct{ error }

func (e *safetyError) Unwrap() error { return e.error }

// probeClean deletes what a probe has left.
func (a *app) probeClean(ctx context.Context) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	options, err := a.probeConnection(w)
	if err != nil {
		return err
	}
	file, err := a.journalFile(w)
	if err != nil {
		return err
	}
	defer a.probeTransport(&options)()
	if files.Exists(file.Path) {
		a.startRecord(ctx, w)
		a.note("deleting what the probe has left in %s; a request that got no response is waited for", w.name)
	}
	recorded := &recordedJournal{app: a, ctx: ctx}
	options.Recorded = recorded.note
	removed, err := probe.Clean(ctx, file, options)
	recorded.flush()
	switch {
	case errors.Is(err, probe.ErrNothingToClean):
		a.note("no probe has left anything in %s", w.name)
		return nil
	case errors.Is(err, files.ErrInUse):
		return &advisedError{&safetyError{errors.New("a probe of this workspace runs")}, "stop it with Ctrl-C: it then deletes what it has registered"}
	case errors.Is(err, probe.ErrJournalExists):
		return earlierProbe()
	case errors.Is(err, probe.ErrJournalUnreadable):
		return &advisedError{&leftoverError{err}, plainText(err) + "\nlook in the workspace, then remove " + term.ShellQuote(file.Path)}
	case err != nil:
		return a.leftError(err, file.Path, "run \"trunkctl probe --clean\" again, once the API can be reached and accepts the token")
	}
	a.note("deleted %s; nothing is left in %s", counted(removed, "trunk"), w.name)
	return nil
}

// probeError returns the error of a probe, with what to do.
func (a *app) probeError(err error, f *probeFlags, journal probe.Journal) error {
	journalPath := ""
	if file, ok := journal.(*probe.File); ok {
		journalPath = file.Path
	}
	refused, isRefused := errors.AsType[*probe.RefusedError](err)
	switch {
	case err == nil:
		return nil
	case isRefused && refused.Status == 0:
		return &advisedError{&safetyError{errors.New(a.named(refused.Error(), f))}, refused.Advice}
	case isRefused:
		return &advisedError{refused, refused.Advice}
	case errors.Is(err, probe.ErrJournalExists), errors.Is(err, files.ErrInUse):
		return earlierProbe()
	case errors.Is(err, probe.ErrInterrupted):
		return errors.New("interrupted" + nothingChanged)
	}
	return a.leftError(err, journalPath, "delete them with \"trunkctl probe --clean\"; no other probe of this workspace starts before that")
}

// named replaces the role of a number with the number, masked, and that of an agent with its name.
func (a *app) named(text string, f *probeFlags) string {
	for i, number := range f.numbers {
		text = strings.ReplaceAll(text, fmt.Sprintf("number-%d", i+1), mihu.MaskNumber(number))
	}
	for i, uuid := range f.agents {
		text = strings.ReplaceAll(text, fmt.Sprintf("agent-%d", i+1), "agent "+a.names.of(uuid, a.cutMark()))
	}
	return text
}

// leftError adds to an error what may be left, and how to delete it. path is the journal. A terminal
// shows whole numbers: they are what has to be deleted.
func (a *app) leftError(err error, path, advice string) error {
	left, ok := errors.AsType[*probe.LeftError](err)
	if !ok {
		return err
	}
	lines := make([]string, 0, len(left.Left))
	for _, each := range left.Left {
		number := mihu.MaskNumber(each.Number)
		if a.console.Terminal() {
			number = each.Number
		}
		lines = append(lines, fmt.Sprintf("%s on %s: %s", number, each.Channel, each.Why))
	}
	lines = append(lines, advice)
	if path != "" {
		lines = append(lines, "if that does not succeed, delete them yourself, then remove "+term.ShellQuote(path))
	}
	return &advisedError{&leftoverError{err}, strings.Join(lines, "\n")}
}

// leftoverError is the end of a probe or of a clean-up that may have left trunks.
type leftoverError struct{ err error }

func (e *leftoverError) Error() string { return "trunks of the probe may be left" }

func (e *leftoverError) Unwrap() []error { return []error{e.err, mihu.ErrOutcomeUnknown} }

// recordedJournal also adds the changes of a probe to the log, once their outcome is known.
type recordedJournal struct {
	probe.Journal
	app     *app
	ctx     context.Context //nolint:containedctx // the methods of a journal have no parameter for it
	pending map[int]probe.Change
}

// Record implements [probe.Journal].
func (j *recordedJournal) Record(c probe.Change) error {
	if err := j.Journal.Record(c); err != nil {
		return err
	}
	j.note(c)
	return nil
}

// note keeps a change that is about to be sent, and adds one that got a response to the log.
func (j *recordedJournal) note(c probe.Change) {
	if j.pending == nil {
		j.pending = map[int]probe.Change{}
	}
	if c.Method != "" {
		j.pending[c.N] = c
		return
	}
	sent, ok := j.pending[c.N]
	if !ok {
		return
	}
	delete(j.pending, c.N)
	sent.Status, sent.Time = c.Status, c.Time
	j.add(sent)
}

// flush adds the changes that got no response.
func (j *recordedJournal) flush() {
	for _, n := range slices.Sorted(maps.Keys(j.pending)) {
		j.add(j.pending[n])
	}
	j.pending = nil
}

func (j *recordedJournal) add(c probe.Change) {
	if j.app.recorder == nil || c.Number == "" { // a body that names nothing changes nothing
		return
	}
	record := runlog.Record{
		Event: runlog.Change, Time: cmp.Or(c.Time, time.Now()), Action: map[string]string{"POST": "create", "PATCH": "update", "PUT": "assign", "DELETE": "delete"}[c.Method],
		PhoneNumber: c.Number, Channel: c.Channel, Outcome: runlog.Unknown,
	}
	switch {
	case c.Status >= 200 && c.Status < 300:
		record.Outcome = runlog.Applied
		if c.Agent != "" {
			record.After = &runlog.Binding{Bound: true, AgentUUID: c.Agent}
		}
	case c.Status >= 300 && c.Status < 500:
		record.Outcome, record.Error = runlog.NotApplied, fmt.Sprintf("the API responds with %d", c.Status)
	}
	j.app.recorder.append(j.ctx, record)
}
