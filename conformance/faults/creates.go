package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const createWorkers = 32

func createsHTTP1(ctx context.Context, l *lab) error {
	return creates(ctx, l, either(l, 10_000, 1_500), l.mix(everything(false)), 0.5)
}

func createsHTTP2(ctx context.Context, l *lab) error {
	return creates(ctx, l, either(l, 10_000, 1_000), l.mix(everything(true)), 0.5, mihutest.WithTLS())
}

// createsLagging is createsHTTP1 with reads that lag.
func createsLagging(ctx context.Context, l *lab) error {
	mixed := l.mix(everything(false))
	mixed.maxLag = maxLag
	return creates(ctx, l, either(l, 10_000, 1_000), mixed, 2, mihutest.WithRules(laggedServer))
}

// createsDeviating is createsLagging with responses that prove nothing, too.
func createsDeviating(ctx context.Context, l *lab) error {
	mixed := l.mix(slices.Concat(everything(false), deviations(false)))
	mixed.maxLag = maxLag
	return creates(ctx, l, either(l, 10_000, 1_000), mixed, 25, mihutest.WithRules(laggedServer))
}

// creates creates trunks, each with its own agent and number, while the server injects faults.
func creates(ctx context.Context, l *lab, calls int, mixed *mix, maxUnknown float64, opts ...mihutest.Option) error {
	srv, err := mihutest.Start(append(opts, everyRequest())...)
	if err != nil {
		return err
	}
	defer srv.Close()
	connect := func() (*mihu.Client, error) {
		return srv.NewClient(mihu.WithRetryPolicy(fastRetries), mihu.WithAttemptTimeout(attemptTimeout), laggedClient)
	}
	srv.InjectFunc(mixed.choose)
	return create(ctx, l, srv, connect, calls, maxUnknown, func() {
		hit, total := mixed.hits()
		l.atLeast("requests with a fault", share(hit, total), minHit(l), percent)
		l.note("faults in %d requests: %v", total, mixed)
	})
}

// create makes the calls and judges them. A second client makes calls at the same time that the
// server must refuse, because their agent is busy. It has its own retry budget: if a refusal follows a
// lost response, the outcome is unknown, and the client reads many times to reconcile it.
func create(ctx context.Context, l *lab, srv *mihutest.Server, connect func() (*mihu.Client, error), calls int, maxUnknown float64, hits func()) error {
	client, err := connect()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	refusedClient, err := connect()
	if err != nil {
		return err
	}
	defer refusedClient.CloseIdleConnections()
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
			snap, err := refusedClient.Trunks.Create(ctx, req)
			refused.add(entry{op: "refused create", id: req.TrunkID, after: asTrunk(req), doomed: true, err: err, snapshot: snap})
		}
		return true
	})
	if err := quiesce(ctx, srv); err != nil {
		return err
	}
	facts := truthOf(srv)
	verdict := judge(book.entries, facts)
	l.exactly("creates", len(book.entries), calls)
	hits()
	l.atMost("unknown", share(len(verdict.unknown), calls), maxUnknown, percent)
	l.show("reported as created, not created, unknown", fmt.Sprint(book.count("create", applied), ", ", book.count("create", notApplied), ", ", len(verdict.unknown)))
	verdict.figures(l)

	facts.registrations = nil // judged above
	other := judge(refused.entries, facts)
	l.none("creates that the server refuses: misreported", len(other.misreported))
	l.show("creates that the server refuses: refused, unknown", fmt.Sprint(refused.count("refused create", notApplied), ", ", len(other.unknown)))
	for _, wrong := range other.misreported {
		l.note("WRONG %s", wrong)
	}
	l.note(fastRetriesNote)
	return nil
}
