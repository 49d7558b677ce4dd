package main

import (
	"context"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const createWorkers = 32

func createsHTTP1(ctx context.Context, l *lab) error {
	return creates(ctx, l, either(l, 10_000, 1_500), everything(false))
}

func createsHTTP2(ctx context.Context, l *lab) error {
	return creates(ctx, l, either(l, 10_000, 1_000), everything(true), mihutest.WithTLS())
}

// creates registers trunks, each with an agent and a number of its own, while the server does to
// the requests what the ingredients say.
func creates(ctx context.Context, l *lab, calls int, ingredients []ingredient, opts ...mihutest.Option) error {
	srv, err := mihutest.Start(append(opts, everyRequest())...)
	if err != nil {
		return err
	}
	defer srv.Close()
	connect := func() (*mihu.Client, error) {
		return srv.NewClient(mihu.WithRetryPolicy(swift), mihu.WithAttemptTimeout(attemptTime))
	}
	mixed := l.mix(ingredients)
	srv.InjectFunc(mixed.choose)
	return create(ctx, l, srv, connect, calls, func() {
		hit, asked := mixed.hits()
		l.atLeast("requests hit by a fault", share(hit, asked), leastHit(l), percent)
		l.note("of %d requests: %v", asked, mixed)
	})
}

// create makes the calls and has them judged. A second client makes some more at the same time that
// the server has to refuse, since their agent is taken: its budget is its own, because a refusal
// that comes after a lost answer stays open by its nature and is looked into at length.
func create(ctx context.Context, l *lab, srv *mihutest.Server, connect func() (*mihu.Client, error), calls int, hits func()) error {
	client, err := connect()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	hopeless, err := connect()
	if err != nil {
		return err
	}
	defer hopeless.CloseIdleConnections()
	agents := make([]string, calls)
	for i := range agents {
		agents[i] = srv.AddAgent(fmt.Sprintf("Agent %d", i))
	}
	busy := srv.AddAgent("Busy")
	if err := srv.AddTrunk(*asTrunk(wanted(9_000_000, busy))); err != nil {
		return err
	}
	var book, refused ledger
	parallel(ctx, createWorkers, calls, func(i int) bool {
		req := wanted(i, agents[i])
		snap, err := client.Trunks.Create(ctx, req)
		book.add(entry{op: "create", id: req.TrunkID, after: asTrunk(req), err: err, snapshot: snap})
		if i%20 == 0 {
			req := wanted(8_000_000+i, busy)
			snap, err := hopeless.Trunks.Create(ctx, req)
			refused.add(entry{op: "refused create", id: req.TrunkID, after: asTrunk(req), doomed: true, err: err, snapshot: snap})
		}
		return true
	})
	if err := settled(ctx, srv); err != nil {
		return err
	}
	facts := truthOf(srv)
	verdict := judge(book.entries, facts)
	l.exactly("creates", len(book.entries), calls)
	hits()
	l.atMost("unknown", share(len(verdict.unknown), calls), 0.5, percent)
	l.show("reported as made, not made, unknown", fmt.Sprint(book.count("create", happened), ", ", book.count("create", didNot), ", ", len(verdict.unknown)))
	verdict.figures(l)

	facts.registrations = nil // which were judged already
	other := judge(refused.entries, facts)
	l.none("creates the server refuses: misreported", len(other.misreported))
	l.show("creates the server refuses: refused, unknown", fmt.Sprint(refused.count("refused create", didNot), ", ", len(other.unknown)))
	for _, lie := range other.misreported {
		l.note("WRONG %s", lie)
	}
	l.note(swiftNote)
	return nil
}
