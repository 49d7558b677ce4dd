package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// changes updates, assigns and deletes trunks with all kinds of faults. Each call has its own trunk
// and values, so the trunk shows whether the call was applied, even if an attempt is applied late. The
// server must refuse some of the calls.
func changes(ctx context.Context, l *lab) error {
	return change(ctx, l, l.mix(everything(false)))
}

// changesDeviating is changes with reads that lag and with responses that prove nothing.
func changesDeviating(ctx context.Context, l *lab) error {
	mixed := l.mix(slices.Concat(everything(false), deviations(true)))
	mixed.maxLag = maxLag
	return change(ctx, l, mixed, mihutest.WithRules(laggedServer))
}

func change(ctx context.Context, l *lab, mixed *mix, opts ...mihutest.Option) error {
	srv, err := mihutest.Start(append(opts, everyRequest())...)
	if err != nil {
		return err
	}
	defer srv.Close()
	client, err := srv.NewClient(mihu.WithRetryPolicy(fastRetries), mihu.WithAttemptTimeout(attemptTimeout), laggedClient)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	calls := either(l, 12_000, 1_800)
	busy := srv.AddAgent("Busy")
	if err := srv.AddTrunk(*asTrunk(wanted(9_000_000, busy))); err != nil {
		return err
	}
	plans := make([]entry, calls)
	for i := range plans {
		before := asTrunk(wanted(i, srv.AddAgent(fmt.Sprintf("Agent %d", i))))
		if err := srv.AddTrunk(*before); err != nil {
			return err
		}
		plans[i] = plan(i, before, srv.AddAgent(fmt.Sprintf("Successor %d", i)), busy)
	}
	srv.InjectFunc(mixed.choose)
	var book ledger
	parallel(ctx, createWorkers, calls, func(i int) bool {
		e := plans[i]
		e.snapshot, e.err = execute(ctx, client, e, i)
		book.add(e)
		return true
	})
	if err := quiesce(ctx, srv); err != nil {
		return err
	}
	verdict := judge(book.entries, truthOf(srv))
	l.exactly("calls", len(book.entries), calls)
	hit, total := mixed.hits()
	l.atLeast("requests with a fault", share(hit, total), minHit(l), percent)
	for _, op := range []string{"update", "assign", "delete", "refused update", "refused assign"} {
		l.show(op+": applied, not applied, unknown", fmt.Sprint(book.count(op, applied), ", ", book.count(op, notApplied), ", ", book.count(op, unknown)))
	}
	verdict.figures(l)
	l.note("faults in %d requests: %v", total, mixed)
	l.note(fastRetriesNote)
	return nil
}

// plan returns what call number i does to a trunk.
func plan(i int, before *mihutest.Trunk, successor, busy string) entry {
	after := *before
	e := entry{id: before.ID, before: before, after: &after}
	switch i % 20 {
	case 0: // the agent is busy
		e.op, e.doomed, after.AgentUUID = "refused assign", true, busy
		return e
	case 1: // the trunk does not exist
		e.op, e.doomed = "refused update", true
		e.id.Channel, e.before, e.after = mihu.ChannelWhatsApp, nil, nil
		return e
	}
	switch i % 3 {
	case 0:
		e.op = "update"
		after.Name = fmt.Sprintf("Renamed %d", i)
		after.Direction = mihu.DirectionOutbound
		after.SIP.Gateway, after.SIP.Port, after.SIP.Password = fmt.Sprintf("new%d.example.com", i), 0, fmt.Sprintf("rotated%d", i)
		after.AdditionalSettings = map[string]any{"updated": float64(i)}
	case 1:
		e.op, after.AgentUUID = "assign", successor
	case 2:
		e.op, e.after = "delete", nil
	}
	return e
}

// execute makes the call of a plan.
func execute(ctx context.Context, client *mihu.Client, e entry, i int) (*mihu.ChannelSnapshot, error) {
	switch e.op {
	case "update":
		return client.Trunks.Update(ctx, e.id, &mihu.TrunkUpdateRequest{
			Name: &e.after.Name, Direction: &e.after.Direction, AdditionalSettings: e.after.AdditionalSettings,
			SIP: &mihu.SIPUpdate{Gateway: &e.after.SIP.Gateway, Port: mihu.ClearPort(), Password: &e.after.SIP.Password},
		})
	case "refused update":
		return client.Trunks.Update(ctx, e.id, &mihu.TrunkUpdateRequest{Name: new(fmt.Sprintf("Nothing %d", i))})
	case "assign", "refused assign":
		return client.Trunks.Assign(ctx, e.id, e.after.AgentUUID)
	}
	return nil, client.Trunks.Delete(ctx, e.id)
}
