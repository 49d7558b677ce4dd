// Rotate-credentials sets new SIP passwords on many call trunks concurrently.
//
//	go run ./examples/rotate-credentials                               # a fake server with trunks
//	rotate-credentials -out new.jsonl -yes                             # every call trunk
//	rotate-credentials -out new.jsonl -numbers - -yes < numbers.txt    # the numbers of a list
//
// The API cannot read a password back, so the program writes each password to a file before it
// sends it. The file contains two lines of JSON for each trunk. The first has the state "sending".
// The second has the state "stored", "failed" (the old password is still valid) or "unknown" (one of
// the two is valid; rotate that trunk again).
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

func main() { example.Main("rotate-credentials", run) }

func run(ctx context.Context, env example.Env) (err error) {
	flags := flag.NewFlagSet("rotate-credentials", flag.ContinueOnError)
	out := flags.String("out", "", "new `file` for the passwords; optional with the fake server")
	list := flags.String("numbers", "", "`file` with one number per line, - for standard input (default: all call trunks)")
	workers := flags.Int("workers", 8, "number of concurrent updates")
	yes := flags.Bool("yes", false, "change a real workspace")
	if err := env.Parse(flags); err != nil {
		return err
	}
	workspace, err := example.Open(env)
	if err != nil {
		return err
	}
	defer workspace.Close()
	if err := workspace.Populate(25); err != nil {
		return err
	}
	trunks, err := readTrunks(ctx, env, workspace.Client, *list)
	if err != nil {
		return err
	}
	if !workspace.MayWrite(*yes) {
		env.Printf("%d trunks selected for new passwords\n", len(trunks))
		return example.ErrNotConfirmed
	}
	if *out == "" && workspace.Fake == nil {
		return errors.New("-out is required: without it the new passwords would be lost")
	}
	journal, err := newJournal(*out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.close()) }()

	failed := 0
	for i, err := range rotate(ctx, workspace.Client, journal, trunks, max(*workers, 1)) {
		if err != nil {
			failed++
			env.Printf("%v: %v\n", trunks[i], err)
		}
	}
	env.Printf("updated %d of %d trunks\n", len(trunks)-failed, len(trunks))
	if failed > 0 {
		return fmt.Errorf("%d trunks failed; see the errors above", failed)
	}
	return nil
}

// rotate returns one result for each trunk, in order. nil means that the new password is stored.
func rotate(ctx context.Context, client *mihu.Client, journal *journal, trunks []mihu.TrunkID, workers int) []error {
	results := make([]error, len(trunks))
	next := make(chan int)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for i := range next {
				results[i] = rotateOne(ctx, client, journal, trunks[i])
			}
		})
	}
	for i := range trunks {
		next <- i
	}
	close(next)
	running.Wait()
	return results
}

func rotateOne(ctx context.Context, client *mihu.Client, journal *journal, id mihu.TrunkID) error {
	if ctx.Err() != nil {
		return fmt.Errorf("not attempted: %w", context.Cause(ctx))
	}
	password := rand.Text()
	if err := journal.write(id, "sending", password); err != nil {
		return fmt.Errorf("not attempted: cannot write the file: %w", err)
	}
	_, err := client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: &password}})
	state := "stored"
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		state = "unknown"
	case err != nil:
		state = "failed"
	}
	if writeErr := journal.write(id, state, password); writeErr != nil {
		err = errors.Join(err, fmt.Errorf("%s, but cannot write that to the file: %w", state, writeErr))
	}
	return err
}
