package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/credentials"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/files"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/spf13/cobra"
)

type rotateFlags struct {
	selection   selectionFlags
	file        string
	length      int
	workers     int
	dryRun, yes bool
	results     bool // -o was given
}

func (a *app) rotateCommand() *cobra.Command {
	var f rotateFlags
	cmd := &cobra.Command{
		Use:   "rotate --file FILE [NUMBER...]",
		Short: "Set new SIP passwords",
		Long: `Set new random SIP passwords for call trunks: of the numbers given, of a list, or of all. WhatsApp
trunks have none.

Each password is written to FILE and flushed to disk before it is sent, because the API never returns
one. FILE is JSON lines, readable by its owner only. A password is "sending" before its request; then
it is "stored", "failed" (refused; the old password is in force) or "unknown" (either may be in
force). After a crash or a failure, run the same command again: passwords that are not "stored" are
sent again unchanged, those that are "stored" are skipped.`,
		Example: `  trunkctl rotate --file passwords.jsonl +12025550123 +12025550124
  trunkctl rotate --file passwords.jsonl --from numbers.csv --column phone_number --dry-run
  trunkctl rotate --file passwords.jsonl --all --yes --rate 10/s`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.selection.numbers = args
			f.results = cmd.Flags().Changed("output")
			return a.rotate(cmd.Context(), f)
		},
	}
	f.selection.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.file, "file", "", "`FILE` for the passwords; an existing one is continued")
	flags.IntVar(&f.length, "length", defaultPasswordLength, "length of a password, `N` characters from 12 to 64")
	addWorkers(cmd, &f.workers)
	_ = cmd.MarkFlagRequired("file")
	completeNothing(cmd, "length")
	addDryRun(cmd, &f.dryRun)
	addYes(cmd, &f.yes)
	return cmd
}

func addWorkers(cmd *cobra.Command, workers *int) {
	cmd.Flags().IntVar(workers, "workers", 8, "process `N` trunks concurrently, 1 to 1024")
	completeNothing(cmd, "workers")
}

func checkWorkers(workers int) error {
	if workers < 1 || workers > 1024 {
		return usagef("--workers: want 1 to 1024")
	}
	return nil
}

const defaultPasswordLength = 24

func (f *rotateFlags) check() error {
	if f.file == "" {
		return usagef("--file: empty; want the name of a file for the passwords")
	}
	if f.length < 12 || f.length > 64 {
		return usagef("--length: want 12 to 64")
	}
	return checkWorkers(f.workers)
}

func (a *app) rotate(ctx context.Context, f rotateFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	named, err := a.namedTrunks(f.selection)
	if err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	selected := named
	if f.selection.all {
		if selected, err = allCallTrunks(ctx, w.client); err != nil {
			return err // some of the trunks must not pass for all of them
		}
	}
	preview, err := credentials.ReadPasswords(f.file, a.workspaceName(w))
	if err != nil {
		return passwordsError(f.file, err)
	}
	pending := preview.Pending(selected)
	if f.dryRun {
		return a.planRotate(w, pending)
	}
	if len(pending) == 0 {
		a.noteNothingToRotate(f.file, len(selected))
		if f.results {
			return a.records(resultColumns()).End() // an empty list
		}
		return nil
	}
	question := fmt.Sprintf("Set new SIP passwords for %s in %s?", counted(len(pending), "trunk"), w.name)
	if err := a.confirm(ctx, w, f.yes, question); err != nil {
		return err
	}
	return a.runRotation(ctx, w, f, selected, pending)
}

// noteNothingToRotate prints why no password is sent.
func (a *app) noteNothingToRotate(file string, selected int) {
	if selected > 0 {
		a.note("nothing to do: %s has a stored password for each of them; name another file for new ones", file)
	} else {
		a.note("nothing to do: no trunk was selected, and every password in %s is stored", file)
	}
}

// runRotation sends the passwords of the pending trunks, unless the file has changed since they
// were confirmed.
func (a *app) runRotation(ctx context.Context, w *workspace, f rotateFlags, selected, pending []mihu.TrunkID) error {
	passwords, err := credentials.OpenPasswords(f.file, a.workspaceName(w))
	if err != nil {
		return passwordsError(f.file, err)
	}
	if !slices.Equal(passwords.Pending(selected), pending) {
		return cmp.Or(passwords.Close(), error(&usageError{
			problem: f.file + " has changed since it was read; nothing was sent", advice: "run the same command again",
		}))
	}
	a.startRecord(ctx, w)
	r := &rotation{app: a, workspace: w.name, client: w.client, passwords: passwords, flags: f, pending: pending, stop: make(chan struct{})}
	if f.results {
		r.data = a.records(resultColumns())
	}
	err = r.run(ctx, w)
	if r.data != nil {
		err = cmp.Or(err, r.data.End())
	}
	return cmp.Or(err, passwords.Close())
}

// passwordsError turns an error of the file of passwords into one with an exit code and advice.
func passwordsError(path string, err error) error {
	switch {
	case errors.Is(err, credentials.ErrReadableByOthers):
		return &usageError{problem: "others can read " + path, advice: "run: chmod 600 " + term.ShellQuote(path)}
	case errors.Is(err, credentials.ErrNotRegular), errors.Is(err, files.ErrInUse):
		return usagef("--file %s: %v", path, err)
	case isA[*credentials.FormatError](err):
		return &inputError{plainText(err)}
	case isA[*credentials.OtherWorkspaceError](err):
		return &usageError{problem: plainText(err), advice: "name another file"}
	}
	return err
}

// passwordChange is the change that a rotation makes to a trunk.
func passwordChange(id mihu.TrunkID) change {
	return change{Action: provision.Updated, PhoneNumber: id.PhoneNumber, Channel: id.Channel, Sends: []string{"sip.password"}}
}

func (a *app) planRotate(w *workspace, pending []mihu.TrunkID) error {
	out := a.changes(true, changeColumns)
	for _, id := range pending {
		if err := out.add(passwordChange(id)); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	a.note("Plan for %s: new passwords for %s. No changes made, and no password generated.", w.name, counted(len(pending), "trunk"))
	return nil
}
