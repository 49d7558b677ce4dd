package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// importRun is one run of an import, from the first item to the verdict.
type importRun struct {
	app    *app
	flags  *importFlags
	total  int
	began  time.Time
	counts tally
	failed *failedRows
	data   *records // nil where no results were asked for

	stop     chan struct{}
	stopOnce sync.Once
	// trouble is why the run was ended before its last item, other than by Ctrl-C.
	trouble error
}

func (a *app) runImport(ctx context.Context, w *workspace, source *provision.Source, options provision.Options, f *importFlags) (err error) {
	path, own := f.journalPath()
	journal, err := provision.OpenJournal(path, a.inputOf(w, source))
	if err != nil {
		return a.journalError(path, err)
	}
	r := &importRun{
		app: a, flags: f, total: source.Len(), began: time.Now(), stop: make(chan struct{}), failed: &failedRows{path: f.failed},
	}
	if f.force {
		if err := os.Remove(f.failed); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, journal.Close())
		}
	}
	if f.results {
		r.data = a.records(resultColumns())
	}
	if n := journal.Finished(); n > 0 {
		a.note("%s finished before", counted(n, "row"))
	}
	options.Journal, options.Stop = journal, r.stop
	end := r.run(ctx, w, source, options)
	if r.data != nil {
		end = firstError(end, r.data.end())
	}
	if err := r.failed.close(); err != nil {
		end = errors.Join(err, end)
	}
	if err := journal.Close(); err != nil {
		end = errors.Join(err, end)
	}
	r.summary(end == nil && r.trouble == nil)
	if end = r.verdict(ctx, end); end == nil && own {
		// Everything is done: a journal that stays would stand in the way of the next import.
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return end
}

// inputOf identifies a file and the workspace that it is imported into: what was done in one is not
// done in another.
func (a *app) inputOf(w *workspace, source *provision.Source) string {
	return a.workspaceName(w) + " " + source.Fingerprint()
}

func (a *app) journalError(path string, err error) error {
	switch {
	case errors.Is(err, provision.ErrOtherInput):
		return &usageError{
			problem: path + " is the journal of another input: the file, what the flags say about it, or the workspace is not the same",
			advice:  "name another one with --journal, or remove it and begin anew: what is done already is found to be so",
		}
	case errors.Is(err, provision.ErrJournalInUse):
		return &usageError{problem: path + " is in use: another import of this file is running"}
	case errors.Is(err, provision.ErrJournalDamaged):
		return &advisedError{err, "remove " + shellQuote(path) + " and begin anew: what is done already is found to be so"}
	case isA[*fs.PathError](err):
		return &advisedError{err, "name a place that can be written with --journal, and one for the rows that fail with --failed"}
	}
	return err
}

// run takes the results as they come.
func (r *importRun) run(ctx context.Context, w *workspace, source *provision.Source, options provision.Options) error {
	a := r.app
	show := a.progress(r.total, r.data)
	defer show.end()
	a.interrupts.onFirst(func() {
		r.end(nil)
		show.setStopping()
		a.note("stopping: what is in flight is being finished; Ctrl-C once more stops at once")
	})
	defer a.interrupts.onFirst(nil)
	options.Progress = func(p provision.Progress) { show.setWaiting(p.Waiting) }
	for result, err := range source.Run(ctx, w.client, options) {
		if err != nil {
			return err
		}
		r.counts.add(result)
		failed := result.Action == provision.Failed
		show.step(failed, result.Action == provision.Resumed || result.Action == provision.Duplicate)
		if failed {
			r.fail(result)
		}
		if r.data != nil && r.trouble == nil {
			err := r.data.add(changeOfResult(result))
			if err == nil && a.global.output != formatTable {
				err = r.data.flush()
			}
			if err != nil {
				r.end(err)
			}
		}
	}
	return nil
}

// end has no other item begun; why is nil for Ctrl-C.
func (r *importRun) end(why error) {
	if why != nil && r.trouble == nil {
		r.trouble = why
	}
	r.stopOnce.Do(func() { close(r.stop) })
}

// fail keeps the row of an item that failed.
func (r *importRun) fail(result provision.Result) {
	if errors.Is(result.Err, mihu.ErrOutcomeUnknown) {
		r.counts.unknown++
	}
	if n := r.counts.failed(); n <= mostShown {
		trunk := result.Item.Trunk.TrunkID.String()
		text := strings.TrimLeft(strings.TrimPrefix(plainText(result.Err), trunk), ": ")
		r.app.tell(fmt.Sprintf("%s%s: %s", lineOf(result.Item), trunk, text))
	} else if n == mostShown+1 {
		r.app.note("more failures are not shown; %s has them all", r.flags.failed)
	}
	if err := r.failed.write(result.Item, plainText(result.Err)); err != nil {
		r.end(fmt.Errorf("the failed rows cannot be written: %w", err))
	}
}

func lineOf(item provision.Item) string {
	if item.Line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d ", item.Line)
}

// summary says what was done, and what there is to do about the rows that failed: to go on, where the
// run ended before its last row, tries them again.
func (r *importRun) summary(whole bool) {
	r.app.note("%d of %s in %s: %s", r.counts.all(), counted(r.total, "row"), duration(time.Since(r.began)), r.counts.done())
	switch {
	case r.failed.rows == 0:
	case whole:
		again := append([]string{"trunkctl", "import", asArgument(r.flags.failed)}, r.flags.again...)
		r.app.note("the rows that failed and their reasons are in %s; correct it, then: %s", r.flags.failed, shellLine(again...))
	default:
		r.app.note("the rows that failed so far and their reasons are in %s; to go on tries them again, and writes that file anew", r.flags.failed)
	}
}

// verdict is how the run has ended, with the command line that goes on.
func (r *importRun) verdict(ctx context.Context, end error) error {
	flags := []string{"--resume"}
	if r.failed.rows > 0 {
		flags = append(flags, "--force")
	}
	onward := "go on with: " + r.app.commandLine(flags...)
	if r.flags.file == "-" {
		onward += " with the same input"
	}
	if errors.Is(end, provision.ErrInputChanged) {
		journal, _ := r.flags.journalPath() // which is of what the file held before
		onward = "remove " + shellQuote(journal) + " and begin anew with the file as it is now: what is done already is found to be so"
	}
	switch {
	case r.trouble != nil:
		return r.app.withAdvice(withUnknown(r.trouble, r.counts.unknown), onward)
	case r.app.interrupts.interrupted() && (end != nil || ctx.Err() != nil):
		stopped := fmt.Errorf("interrupted after %d of %s", r.counts.all(), counted(r.total, "row"))
		return &advisedError{withUnknown(stopped, r.counts.unknown), onward}
	case errors.Is(end, provision.ErrTooManyFailures):
		return &partlyError{failed: r.counts.failed(), unknown: r.counts.unknown, advice: "that is the limit of --max-failures; " + onward}
	case end != nil:
		return r.app.withAdvice(withUnknown(end, r.counts.unknown), onward)
	case r.counts.failed() > 0:
		return &partlyError{failed: r.counts.failed(), unknown: r.counts.unknown}
	}
	return nil
}
