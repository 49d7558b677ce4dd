package main

import (
	"cmp"
	"fmt"
	"os"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
)

// check checks the flags and sets the names of the files that they leave out.
func (f *importFlags) check() error {
	switch provision.Format(f.format) {
	case provision.FormatAuto, provision.FormatCSV, provision.FormatJSON:
	default:
		return usagef("--format: want csv or jsonl")
	}
	if f.defaults.name != "" {
		return usagef("--name applies to one trunk; an import has a column for it")
	}
	if f.file == "-" && f.journal == "" && !f.dryRun {
		return &usageError{
			problem: "an import from standard input needs the name of a journal, so that it can be resumed",
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

// checkDistinct refuses to overwrite an input, and to write two things to one file.
func (f *importFlags) checkDistinct() error {
	journal, _ := f.journalPath()
	read := []struct{ name, path string }{{"the file to import", f.file}, {"the --secrets file", f.secrets}}
	for _, other := range read {
		if files.Same(journal, other.path) {
			return &usageError{problem: fmt.Sprintf("--journal: %s is %s", journal, other.name), advice: "name another file for the journal"}
		}
	}
	read = append(read, struct{ name, path string }{"the journal", journal})
	for _, other := range read {
		if files.Same(f.failed, other.path) {
			return &usageError{problem: fmt.Sprintf("--failed: %s is %s", f.failed, other.name), advice: "name another file for the failed rows"}
		}
	}
	return nil
}

// journalPath returns the name of the journal, and whether this program has chosen it.
func (f *importFlags) journalPath() (path string, own bool) {
	if f.journal != "" {
		return f.journal, false
	}
	return f.file + ".journal", true
}

// checkReadable refuses a file that cannot be read twice. If there is no such file, provision.Open
// reports it.
func checkReadable(path string) error {
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil //nolint:nilerr // see above
	case info.IsDir():
		return usagef("%s is a directory; want a file", path)
	case !info.Mode().IsRegular():
		return &usageError{
			problem: path + " is not a regular file and cannot be read twice, to check it and to import it",
			advice:  "pass it as standard input: trunkctl import - --journal FILE < " + term.ShellQuote(path),
		}
	}
	return nil
}

// checkFiles looks for files of an earlier run, before anything is sent.
func (f *importFlags) checkFiles(a *app) error {
	journal, _ := f.journalPath()
	if err := cmp.Or(checkReplace("--journal", journal), checkDirectory("--failed", f.failed)); err != nil {
		return err
	}
	switch found := hasContent(files.Resolve(journal)); {
	case found && !f.resume:
		return &usageError{
			problem: journal + " exists from an earlier run",
			advice:  "resume it: " + a.commandLine("--resume") + "\nor start over, if no other import of this file is running: remove the journal first",
		}
	case !found && f.resume:
		a.note("no journal found; starting at the first row")
	}
	if err := checkReplace("--failed", f.failed); err != nil {
		return err
	}
	if files.Exists(f.failed) && !f.force {
		return &usageError{
			problem: f.failed + " exists from an earlier run",
			advice:  "if you do not need it, replace it: " + a.commandLine("--force") + "\nor import it first",
		}
	}
	return nil
}

// hasContent reports whether a file exists and is not empty. An empty journal is nobody's: a program
// was ended before it wrote the first line.
func hasContent(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && (info.Size() > 0 || !info.Mode().IsRegular())
}
