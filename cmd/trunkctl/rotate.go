package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/mihu-go/mihu"
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
		Short: "Give call trunks new SIP passwords",
		Long: `Give call trunks new random SIP passwords: those of the numbers that are named, those of a list, or
all. WhatsApp trunks have none.

Each password is in the file, and on the disk, before it is sent, because the API never reads one
back. The file has a line of JSON before a password is sent, with the state "sending", and one after
it: "stored", "failed" (it was refused, and the old password is in force) or "unknown" (either may
be). Its owner alone can read it. Run the same command again after a crash or a failure: what is not
"stored" is sent once more, with the same password; what is "stored" is left alone.`,
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
	flags.StringVar(&f.file, "file", "", "keep the passwords in this `file`; one that is there is continued")
	flags.IntVar(&f.length, "length", defaultPassword, "`characters` of a password, 12 to 64")
	addWorkers(cmd, &f.workers)
	_ = cmd.MarkFlagRequired("file")
	none(cmd, "length")
	addDryRun(cmd, &f.dryRun)
	addYes(cmd, &f.yes)
	return cmd
}

func addWorkers(cmd *cobra.Command, workers *int) {
	cmd.Flags().IntVar(workers, "workers", 8, "work on this `many` trunks at once, 1 to 1024")
	none(cmd, "workers")
}

func checkWorkers(workers int) error {
	if workers < 1 || workers > 1024 {
		return usagef("--workers %d: want 1 to 1024", workers)
	}
	return nil
}

const defaultPassword = 24

// passwordAlphabet is what every SIP device takes, without the characters that are taken for others.
const passwordAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// newPassword draws from the system's randomness, each character with the same chance.
func newPassword(length int) string {
	const unbiased = 256 - 256%len(passwordAlphabet)
	password := make([]byte, 0, length)
	var drawn [1]byte
	for len(password) < length {
		_, _ = rand.Read(drawn[:]) // it never fails
		if int(drawn[0]) < unbiased {
			password = append(password, passwordAlphabet[int(drawn[0])%len(passwordAlphabet)])
		}
	}
	return string(password)
}

func (a *app) rotate(ctx context.Context, f rotateFlags) error {
	if f.file == "" {
		return usagef("--file: want the name of a file for the passwords")
	}
	if f.length < 12 || f.length > 64 {
		return usagef("--length %d: want 12 to 64", f.length)
	}
	if err := checkWorkers(f.workers); err != nil {
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
			return err // a part of the trunks must not pass for all of them
		}
	}
	if f.dryRun {
		return a.planRotate(selected)
	}
	question := fmt.Sprintf("Give %s at %s new SIP passwords?", counted(len(selected), "trunk"), w.client.BaseURL())
	if len(selected) == 0 {
		question = fmt.Sprintf("Send the passwords in %s that are not stored yet to %s?", f.file, w.client.BaseURL())
	}
	if err := a.confirm(ctx, f.yes, question); err != nil {
		return err
	}
	passwords, err := openPasswords(f.file, a.workspaceName(w))
	if err != nil {
		return err
	}
	r := &rotation{app: a, client: w.client, passwords: passwords, flags: f, todo: passwords.todo(selected), stop: make(chan struct{})}
	if f.results {
		r.data = a.records(resultColumns())
	}
	err = r.run(ctx, len(selected))
	if r.data != nil {
		err = firstError(err, r.data.end())
	}
	return firstError(err, passwords.close())
}

func (a *app) planRotate(selected []mihu.TrunkID) error {
	out := a.changes(true, changeColumns)
	for _, id := range selected {
		plan := change{Action: provision.Updated, PhoneNumber: id.PhoneNumber, Channel: id.Channel, Sends: []string{"sip.password"}}
		if err := out.add(plan); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	a.note("dry run: %s would get new passwords; nothing was sent, and no password was made", counted(len(selected), "trunk"))
	return nil
}

// rotation is one run over the trunks that are to get new passwords.
type rotation struct {
	app       *app
	client    *mihu.Client
	passwords *passwords
	flags     rotateFlags
	todo      []mihu.TrunkID
	stop      chan struct{}
	stopOnce  sync.Once

	mu      sync.Mutex
	stored  int
	errs    []error
	fatal   error    // what ended the run before its end
	data    *records // nil where no results were asked for
	started int
}

func (r *rotation) run(ctx context.Context, selected int) error {
	a := r.app
	skipped := r.passwords.stored
	if len(r.todo) == 0 {
		if selected > 0 {
			a.note("all of them have new passwords already, by %s; name another file to make new ones", r.flags.file)
		} else {
			a.note("there is nothing to do: no trunk was selected, and %s has none that is not stored", r.flags.file)
		}
		return nil
	}
	a.interrupts.onFirst(func() {
		r.end(nil)
		a.note("stopping: what is in flight is being finished; Ctrl-C once more stops at once")
	})
	defer a.interrupts.onFirst(nil)
	show := a.progress(len(r.todo), r.data)
	next := make(chan mihu.TrunkID)
	var work sync.WaitGroup
	for range min(r.flags.workers, len(r.todo)) {
		work.Go(func() {
			for id := range next {
				err := r.one(ctx, id)
				show.step(err != nil, false)
				r.result(id, err)
			}
		})
	}
	r.feed(ctx, next)
	work.Wait()
	show.end()
	a.note("%s new passwords, %d failed; they are in %s", r.haveNew(), len(r.errs), r.flags.file)
	if skipped > 0 {
		a.note("%s had new passwords before", counted(skipped, "trunk"))
	}
	return r.verdict(ctx)
}

func (r *rotation) haveNew() string {
	if r.stored == 1 {
		return "1 trunk has"
	}
	return counted(r.stored, "trunk") + " have"
}

// feed hands out the trunks until one of the ends.
func (r *rotation) feed(ctx context.Context, next chan<- mihu.TrunkID) {
	defer close(next)
	for _, id := range r.todo {
		select {
		case <-r.stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		select {
		case next <- id:
			r.started++
		case <-r.stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// end has no other trunk begun; err is why, nil for Ctrl-C.
func (r *rotation) end(err error) {
	r.stopOnce.Do(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.fatal = err
		close(r.stop)
	})
}

// one gives a trunk a new password: first to the disk, then to the API, then what became of it.
func (r *rotation) one(ctx context.Context, id mihu.TrunkID) error {
	password, err := r.passwords.sending(id, func() string { return newPassword(r.flags.length) })
	if err != nil {
		err = fmt.Errorf("%v: not sent, because the file cannot be written: %w", id, err)
		r.end(err)
		return r.failed(err)
	}
	_, err = r.client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: &password}})
	state := stateStored
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		state = stateUnknown
	case err != nil:
		state = stateFailed
	}
	if lost := r.passwords.outcome(id, state, password); lost != nil {
		r.end(fmt.Errorf("the file cannot be written: %w", lost))
		err = errors.Join(err, fmt.Errorf("%s, which the file does not say: %w", state, lost))
	}
	if err != nil {
		if errors.Is(err, mihu.ErrUnauthorized) {
			r.end(err) // the others would be refused as well
		}
		return r.failed(fmt.Errorf("%v: %w", id, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored++
	return nil
}

// result is the data of a trunk, without its password.
func (r *rotation) result(id mihu.TrunkID, err error) {
	if r.data == nil {
		return
	}
	done := change{Action: provision.Updated, PhoneNumber: id.PhoneNumber, Channel: id.Channel, Sends: []string{"sip.password"}}
	if err != nil {
		done.Action, done.Error, done.Sends = provision.Failed, plainText(err), nil
	}
	r.mu.Lock()
	lost := r.data.add(done)
	r.mu.Unlock()
	if lost != nil {
		r.end(lost)
	}
}

// mostShown is how many failures are printed one by one.
const mostShown = 10

func (r *rotation) failed(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
	if n := len(r.errs); n <= mostShown {
		r.app.tell(plainText(err))
	} else if n == mostShown+1 {
		r.app.note("more failures are not shown; the file has them all")
	}
	return err
}

func (r *rotation) verdict(ctx context.Context) error {
	again := "run the same command again: what is not stored is sent once more, with the same password"
	switch {
	case r.fatal != nil:
		return r.app.withAdvice(withUnknown(r.fatal, partly(r.errs).unknown), again)
	case r.started < len(r.todo) || ctx.Err() != nil:
		stopped := fmt.Errorf("stopped after %d of %s", r.started, counted(len(r.todo), "trunk"))
		return &advisedError{withUnknown(stopped, partly(r.errs).unknown), again}
	case len(r.errs) > 0:
		end := partly(r.errs)
		end.advice = again
		return end
	}
	return nil
}
