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
func (f *importFlags) check(a *app) error {
	if err := f.checkFormat(); err != nil {
		return err
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
	if files.IsOpenAs(a.stdout, f.file) {
		return &usageError{problem: "standard output is " + f.file + ", which is the file to read", advice: "write the data to another file"}
	}
	if f.failed == "" {
		f.failed = name + ".failed.csv"
	}
	return f.checkDistinct(a)
}

// checkFormat checks the flags that an import and a sync have.
func (f *importFlags) checkFormat() error {
	switch provision.Format(f.format) {
	case provision.FormatAuto, provision.FormatCSV, provision.FormatJSON, formatWorkbook:
	default:
		return usagef("--format: want csv, jsonl or xlsx")
	}
	if f.defaults.name != "" {
		return usagef("--name applies to one trunk; a file has a column for it")
	}
	return checkWorkers(f.workers)
}

// checkDistinct refuses to overwrite an input, and to write two things to one file.
func (f *importFlags) checkDistinct(a *app) error {
	journal, _ := f.journalPath()
	secrets := &f.defaults.secrets
	used := []struct{ name, path string }{
		{"the file to import", f.file},
		{"the --secrets file", f.secrets},
		{"the --map-file", f.files.mapFile},
		{"the --settings-file", f.defaults.settingsFile},
		{"the --sip-username-file", secrets.usernameFile},
		{"the --sip-password-file", secrets.passwordFile},
		{"the --token-file", a.global.tokenFile},
	}
	for _, written := range []struct{ flag, path, what string }{{"--journal", journal, "journal"}, {"--failed", f.failed, "failed rows"}} {
		name := a.streamOf(written.path)
		for _, other := range used {
			if name == "" && files.Same(written.path, other.path) {
				name = other.name
			}
		}
		if name != "" {
			return &usageError{
				problem: fmt.Sprintf("%s: %s is %s", written.flag, written.path, name), advice: "name another file for the " + written.what,
			}
		}
		used = append(used, struct{ name, path string }{"the journal", journal})
	}
	return nil
}

// streamOf returns the standard stream that reads or writes a file, or "" if none does.
func (a *app) streamOf(path string) string {
	for _, stream := range []struct {
		name string
		file any
	}{{"standard input", a.stdin}, {"standard output", a.stdout}, {"standard error", a.stderr}} {
		if files.IsOpenAs(stream.file, path) {
			return stream.name
		}
	}
	return ""
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
	if hasContent(files.Resolve(f.failed)) && !f.force {
		return &usageError{
			problem: f.failed + " exists from an earlier run",
			advice:  "if you do not need it, replace it: " + a.commandLine("--force") + "\nor import it first",
		}
	}
	return nil
}

// hasContent reports whether a file exists and is not empty. An empty one is nobody's: a program was
// ended before it wrote the first line.
func hasContent(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && (info.Size() > 0 || !info.Mode().IsRegular())
}
