package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// lists reads the whole list many times, while its pages come in all forms and with faults. A list is
// exactly the server's numbers, or an error.
func lists(ctx context.Context, l *lab) error {
	srv, err := mihutest.Start(anyAgent)
	if err != nil {
		return err
	}
	defer srv.Close()
	client, err := srv.NewClient(mihu.WithRetryPolicy(fastRetries), mihu.WithAttemptTimeout(attemptTimeout))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	want := make([]string, 95)
	for i := range want {
		trunk := asTrunk(wanted(i, agentOf(i, 1)))
		if err := srv.AddTrunk(*trunk); err != nil {
			return err
		}
		want[i] = trunk.ID.PhoneNumber
	}
	mixed := l.mix(slices.Concat(everything(false), pagings()))
	srv.InjectFunc(mixed.choose)
	calls := either(l, 3_000, 300)
	var book ledger
	misreported := make([]string, calls)
	parallel(ctx, createWorkers, calls, func(i int) bool {
		// 19 numbers a page fill the last page exactly.
		options := &mihu.AllOptions{PerPage: []int{19, 20, 95, 200}[i%4], Prefetch: []int{0, 1, 4}[i%3]}
		var got []string
		var failed error
		for number, err := range client.Trunks.All(ctx, options) {
			if failed = err; err == nil {
				got = append(got, number.Number)
			}
		}
		book.add(entry{op: "list", err: failed})
		if failed == nil && !slices.Equal(got, want) {
			misreported[i] = fmt.Sprintf("a list of %d numbers of %d with %+v", len(got), len(want), *options)
		}
		return true
	})
	misreported = slices.DeleteFunc(misreported, func(s string) bool { return s == "" })
	hit, total := mixed.hits()
	l.exactly("lists", len(book.entries), calls)
	l.atLeast("requests with a fault or in another form", share(hit, total), minHit(l), percent)
	l.show("whole, error", fmt.Sprint(book.count("list", applied), ", ", book.failures("list")))
	l.none("misreported", len(misreported))
	for _, wrong := range misreported[:min(len(misreported), 10)] {
		l.note("WRONG %s", wrong)
	}
	l.note("faults in %d requests: %v", total, mixed)
	return nil
}

// livesDeviating lets one client create, read, update, move and delete trunks while reads lag. The
// client's own writes count, so that its reads show them.
func livesDeviating(ctx context.Context, l *lab) error {
	rules := laggedServer
	rules.AnyAgent = true
	srv, err := mihutest.Start(everyRequest(), mihutest.WithRules(rules))
	if err != nil {
		return err
	}
	defer srv.Close()
	client, err := srv.NewClient(mihu.WithRetryPolicy(fastRetries), mihu.WithAttemptTimeout(attemptTimeout), laggedClient)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	mixed := l.mix(slices.Concat(everything(false), deviations(true)))
	for i, in := range mixed.ingredients {
		if in.kind == "applied late" { // a late create would undo a delete, which no client can prevent
			mixed.ingredients[i].part = 0
		}
	}
	mixed.maxLag = maxLag
	srv.InjectFunc(mixed.choose)
	lives := &chain{client: client, srv: srv}
	end := time.Now().Add(either(l, 30*time.Second, 4*time.Second))
	lives.run(ctx, createWorkers, 0, func(int) bool { return time.Now().After(end) })
	srv.InjectFunc(nil)
	verdict, err := lives.end(ctx)
	if err != nil {
		return err
	}
	hit, total := mixed.hits()
	l.show("calls", lives.calls)
	l.show("trunks that were created, changed and deleted", len(lives.over))
	l.atLeast("requests with a fault", share(hit, total), minHit(l), percent)
	l.show("unknown, of all changes", fmt.Sprintf("%d of %d", len(verdict.unknown), lives.writes))
	verdict.figures(l)
	l.note("faults in %d requests: %v", total, mixed)
	return nil
}
