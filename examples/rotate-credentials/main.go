// Rotate-credentials gives many call trunks new SIP passwords, several at a time.
//
//	go run ./examples/rotate-credentials                               # a fake server with trunks
//	rotate-credentials -out new.jsonl -yes                             # every call trunk
//	rotate-credentials -out new.jsonl -numbers - -yes < numbers.txt    # those of a list
//
// The API never reads a password back, so each is on the disk before it is sent. The file has a
// line of JSON before a password is sent, with the state "sending", and one after it: "stored",
// "failed" (the old password is in force) or "unknown" (either may be; rotate that trunk again).
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
	out := flags.String("out", "", "new `file` for the passwords; the fake server does without")
	list := flags.String("numbers", "", "`file` with one number a line, - for the standard input (default: all call trunks)")
	workers := flags.Int("workers", 8, "how many trunks to change at a time")
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
		env.Printf("%d trunks would get new passwords\n", len(trunks))
		return example.ErrNotConfirmed
	}
	if *out == "" && workspace.Fake == nil {
		return errors.New("-out is needed: without it the new passwords would be lost")
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
	env.Printf("%d of %d trunks have new passwords\n", len(trunks)-failed, len(trunks))
	if failed > 0 {
		return fmt.Errorf("%d trunks failed, each is listed with its reason", failed)
	}
	return nil
}

// rotate gives one result for every trunk, in their order; nil is a new password in force.
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
		return fmt.Errorf("not tried: %w", context.Cause(ctx))
	}
	password := rand.Text()
	if err := journal.write(id, "sending", password); err != nil {
		return fmt.Errorf("not tried, the file cannot be written: %w", err)
	}
	_, err := client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{SIP: &mihu.SIPUpdate{Password: &password}})
	state := "stored"
	switch {
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		state = "unknown"
	case err != nil:
		state = "failed"
	}
	if lost := journal.write(id, state, password); lost != nil {
		err = errors.Join(err, fmt.Errorf("%s, which the file does not say: %w", state, lost))
	}
	return err
}
