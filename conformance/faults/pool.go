package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	poolWorkers = 64
	poolMost    = 96 // connections
	// poolPause is what a worker does between two calls. It keeps the speed below what a busy machine
	// can do, so that rounds can be compared, and leaves most connections idle, so that one that is
	// closed without need has to be opened again.
	poolPause = 40 * time.Millisecond
)

// pool counts connections and compares speeds, over TLS and HTTP/1.1: one client has 2 % of its
// answers replaced by 503, the other has none. They take turns, so that what else the machine does
// meets both.
func pool(ctx context.Context, l *lab) error {
	srv, err := mihutest.Start(mihutest.WithRequestLimit(0))
	if err != nil {
		return err
	}
	defer srv.Close()
	lines := make([]mihu.TrunkID, poolWorkers)
	for i := range lines {
		trunk := asTrunk(wanted(i, srv.AddAgent("Agent")))
		if err := srv.AddTrunk(*trunk); err != nil {
			return err
		}
		lines[i] = trunk.ID
	}
	well, err := newSide(ctx, srv, lines)
	if err != nil {
		return err
	}
	defer well.close()
	hit, err := newSide(ctx, srv, lines)
	if err != nil {
		return err
	}
	defer hit.close()

	mixed := l.mix([]ingredient{{"503", 0.02, func(*rand.Rand) mihutest.Fault {
		return mihutest.Fault{Status: http.StatusServiceUnavailable}
	}}})
	rounds, calls := either(l, 25, 9), 800
	ratios := make([]float64, rounds)
	for i := range ratios {
		before := well.round(ctx, calls)
		srv.InjectFunc(mixed.choose)
		ratios[i] = hit.round(ctx, calls) / before
		srv.InjectFunc(nil)
	}
	failed := 0
	for _, s := range []*side{well, hit} {
		failed += s.book.count("create", didNot) + s.book.failures("read") + s.book.failures("update")
	}
	injected, asked := mixed.hits()
	l.show("calls with and without faults, each", calls*rounds)
	l.atMost("connections of the client with faults", float64(hit.front.connections()), poolMost, "%.0f")
	l.show("connections of the client without", well.front.connections())
	l.atLeast("speed with faults, to that just before without, median", median(ratios), leastSpeed(l), "%.2f")
	l.none("calls that failed, but for creates whose answer was lost", failed)
	l.show("those creates", hit.book.count("create", unknown))
	l.show("requests answered 503", fmt.Sprintf("%.1f %%", share(injected, asked)))
	l.note("retry policy: default attempts and budget; BaseDelay 2 ms, so that waiting is not what is measured")
	return nil
}

// side is one of the two clients, with the listener that counts its connections.
type side struct {
	srv    *mihutest.Server
	front  *relay
	client *mihu.Client
	lines  []mihu.TrunkID
	book   ledger
}

// newSide makes a client and gives every worker its connection: all dial at once, and none is
// answered before. Where answers are faster than handshakes, net/http dials more often than there
// are workers, by as much as the machine is busy, and it is not that which is measured.
func newSide(ctx context.Context, srv *mihutest.Server, lines []mihu.TrunkID) (*side, error) {
	self, err := authority()
	if err != nil {
		return nil, err
	}
	front, err := relayTo(ctx, srv, self.config("http/1.1"))
	if err != nil {
		return nil, err
	}
	client, err := connectTo(front, srv, mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: 2 * time.Millisecond}))
	if err != nil {
		front.close()
		return nil, err
	}
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault { return &mihutest.Fault{Delay: time.Second} })
	defer srv.InjectFunc(nil)
	parallel(ctx, poolWorkers, poolWorkers, func(n int) bool {
		_, _ = client.Channels.GetByNumber(ctx, lines[n].PhoneNumber) // what fails here fails in the rounds too
		return true
	})
	return &side{srv: srv, front: front, client: client, lines: lines}, nil
}

func (s *side) close() {
	s.client.CloseIdleConnections()
	s.front.close()
}

// round makes the calls and gives the speed at which they went until the workers ran out of them.
func (s *side) round(ctx context.Context, calls int) float64 {
	var ended atomic.Int64
	var took time.Duration
	began := time.Now()
	parallel(ctx, poolWorkers, calls, func(n int) bool {
		op, err := s.call(ctx, n)
		s.book.add(entry{op: op, err: err})
		if ended.Add(1) == int64(calls-poolWorkers) {
			took = time.Since(began)
		}
		return pause(ctx, poolPause) == nil
	})
	return 1 / took.Seconds()
}

// call is a read, and now and then an update or a create. The create is not settled: on a 503 it
// fails, and a call that fails must not cost connections either.
func (s *side) call(ctx context.Context, n int) (op string, err error) {
	id := s.lines[n%len(s.lines)]
	switch n % 4 {
	case 0:
		_, err = s.client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{Name: new(fmt.Sprintf("Renamed %d", n))})
		return "update", err
	case 1:
		// Every create of either side has a number of its own.
		agent := s.srv.AddAgent("Agent")
		_, err = s.client.Trunks.Create(ctx, wanted(newNumber(), agent), mihu.WithoutReconciliation())
		return "create", err
	}
	_, err = s.client.Channels.GetByNumber(ctx, id.PhoneNumber)
	return "read", err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
