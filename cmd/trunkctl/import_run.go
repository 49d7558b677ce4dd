package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// importRun is a run of an import, from the first item to the verdict.
type importRun struct {
	app *app
	// workspace is its name, for people.
	workspace string
	flags     *importFlags
	total     int
	start     time.Time
	counts    tally
	failed    *failedRows
	failures  failureGroups
	data      *term.Records // nil if no results are printed

	stop     chan struct{}
	stopOnce sync.Once
	// fatal ended the run early; Ctrl-C does not set it.
	fatal error
}

func (a *app) runImport(ctx context.Context, w *workspace, source *provision.Source, options provision.Options, f *importFlags) (err error) {
	path, own := f.journalPath()
	journal, err := provision.OpenJournal(path, a.inputOf(w, source))
	if err != nil {
		return a.journalError(path, err)
	}
	r := &importRun{
		app: a, workspace: w.name, flags: f, total: source.Len(), start: time.Now(), stop: make(chan struct{}), failed: &failedRows{path: f.failed},
	}
	if err := r.failed.open(f.force); err != nil {
		return errors.Join(err, journal.Close(), removeOwn(path, own && journal.Finished() == 0))
	}
	if f.results {
		r.data = a.records(resultColumns())
	}
	a.startRecord(ctx, w)
	if n := journal.Finished(); n > 0 {
		a.note("resuming: %s already done", counted(n, "row"))
	}
	options.Journal, options.Stop = journal, r.stop
	end := r.run(ctx, w, source, options)
	if r.data != nil {
		end = cmp.Or(end, r.data.End())
	}
	if err := r.failed.close(); err != nil {
		end = errors.Join(err, end)
	}
	if err := journal.Close(); err != nil {
		end = errors.Join(err, end)
	}
	if errors.Is(end, provision.ErrLimit) {
		return cmp.Or(removeOwn(path, own && journal.Finished() == 0), limitError(end))
	}
	r.summary(end == nil && r.fatal == nil)
	if end = r.verdict(ctx, end); end == nil {
		return removeOwn(path, own) // every row is done
	}
	return end
}

// removeOwn removes a journal that this program has named. One that stays would block the next
// import.
func removeOwn(path string, own bool) error {
	if !own {
		return nil
	}
	if err := os.Remove(files.Resolve(path)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// inputOf identifies a file and the workspace that it is imported into, since a journal is valid
// for one workspace only.
func (a *app) inputOf(w *workspace, source *provision.Source) string {
	return a.workspaceName(w) + " " + source.Fingerprint()
}

func (a *app) journalError(path string, err error) error {
	switch {
	case errors.Is(err, provision.ErrOtherInput):
		return &usageError{
			problem: path + " is the journal of another input: the file, its flags or the workspace differ",
			advice:  "name another one with --journal, or remove it and start over: completed rows are detected",
		}
	case errors.Is(err, provision.ErrJournalInUse):
		return &usageError{problem: path + " is in use: another import of this file is running"}
	case errors.Is(err, provision.ErrJournalDamaged):
		return &advisedError{err, "remove " + term.ShellQuote(path) + " and start over: completed rows are detected"}
	case isA[*fs.PathError](err):
		return &advisedError{err, "name a writable file with --journal, and one for failed rows with --failed"}
	}
	return err
}

// run processes the results as they arrive.
func (r *importRun) run(ctx context.Context, w *workspace, source *provision.Source, options provision.Options) error {
	a := r.app
	show := a.progress(r.total, "rows", r.workspace, r.data)
	defer show.End()
	a.interrupts.onFirst(func() {
		r.end(nil)
		show.SetStopping()
		a.note(stoppingNote)
	})
	defer a.interrupts.onFirst(nil)
	options.Audit = func(record provision.AuditRecord) { a.recorder.audit(ctx, record) }
	options.Progress = func(p provision.Progress) { show.SetWaiting(p.Waiting) }
	for result, err := range source.Run(ctx, w.client, options) {
		if err != nil {
			return err
		}
		r.counts.add(result.Action)
		failed := result.Action == provision.Failed
		show.Step(failed, result.Action == provision.Resumed || result.Action == provision.Duplicate)
		if failed {
			r.fail(result)
		}
		r.print(result)
	}
	return nil
}

// print prints the data of a result, unless the run is ending because of an error.
func (r *importRun) print(result provision.Result) {
	if r.data == nil || r.fatal != nil {
		return
	}
	err := r.data.Add(changeOfResult(result))
	if err == nil && r.app.global.output != term.FormatTable {
		err = r.data.Flush()
	}
	if err != nil {
		r.end(err)
	}
}

// end keeps further items from being started; err is the reason, nil for Ctrl-C.
func (r *importRun) end(err error) {
	if err != nil && r.fatal == nil {
		r.fatal = err
	}
	r.stopOnce.Do(func() { close(r.stop) })
}

// fail keeps a failure for the end, and writes its row to the file of failed rows.
func (r *importRun) fail(result provision.Result) {
	if errors.Is(result.Err, mihu.ErrOutcomeUnknown) {
		r.counts.unknown++
	}
	r.failures.add(result, r.app.console.Terminal())
	if err := r.failed.write(result.Item, reasonOf(result, true)); err != nil {
		r.end(fmt.Errorf("cannot write the failed rows: %w", err))
	}
}

// summary prints what was done, and how to correct the rows that failed. If the run did not
// complete, to resume it tries these rows again.
func (r *importRun) summary(complete bool) {
	r.app.note("%s: %d of %s in %s: %s", r.workspace, r.counts.total(), counted(r.total, "row"), term.Duration(time.Since(r.start)), r.counts.done())
	r.failures.print(r.app, inputName(r.flags.file), "; see "+r.flags.failed)
	switch {
	case r.failed.rows == 0:
	case r.failed.lost != nil:
		r.app.note("%s does not have all failed rows; resuming retries them and replaces that file", r.flags.failed)
	case complete:
		again := append([]string{"trunkctl", "import", asArgument(r.flags.failed)}, r.flags.again...)
		r.app.note("Correct %s, then run: %s", r.flags.failed, term.ShellLine(again...))
	default:
		r.app.note("failed rows so far and their reasons are in %s; resuming retries them and replaces that file", r.flags.failed)
	}
}

// verdict returns the error that the run ends with, and the command line that resumes it.
func (r *importRun) verdict(ctx context.Context, end error) error {
	flags := []string{"--resume"}
	if r.failed.rows > 0 {
		flags = append(flags, "--force")
	}
	next := "resume with: " + r.app.commandLine(flags...)
	if r.flags.file == "-" {
		next += " and the same input"
	}
	if errors.Is(end, provision.ErrInputChanged) {
		journal, _ := r.flags.journalPath() // it belongs to the old content
		next = "remove " + term.ShellQuote(journal) + " and start over with the new content: completed rows are detected"
	}
	switch {
	case r.fatal != nil:
		return r.app.withAdvice(withUnknown(r.fatal, r.counts.unknown), next)
	case r.app.interrupts.interrupted() && (end != nil || ctx.Err() != nil):
		stopped := fmt.Errorf("interrupted after %d of %s", r.counts.total(), counted(r.total, "row"))
		return &advisedError{withUnknown(stopped, r.counts.unknown), next}
	case errors.Is(end, provision.ErrTooManyFailures):
		return &partialError{failed: r.counts.failed(), unknown: r.counts.unknown, advice: "--max-failures is reached; " + next}
	case end != nil:
		return r.app.withAdvice(withUnknown(end, r.counts.unknown), next)
	case r.counts.failed() > 0:
		return &partialError{failed: r.counts.failed(), unknown: r.counts.unknown, told: true}
	}
	return nil
}
