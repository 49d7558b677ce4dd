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
	maxPool     = 96 // connections
	// poolPause is the pause of a worker between two calls. It keeps the speed below the limit of a
	// busy machine, so that rounds can be compared. It also keeps most connections idle, so that a
	// connection that is closed without need must be opened again.
	poolPause = 40 * time.Millisecond
)

// pool counts connections and compares speeds over TLS and HTTP/1.1. One client receives a 503 for
// 2 % of its requests, the other none. They take turns, so that other load on the machine affects
// both.
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
	healthy, err := newSide(ctx, srv, lines)
	if err != nil {
		return err
	}
	defer healthy.close()
	hit, err := newSide(ctx, srv, lines)
	if err != nil {
		return err
	}
	defer hit.close()

	mixed := l.mix([]ingredient{{"503", 0.02, func(*rand.Rand) mihutest.Fault {
		return mihutest.Fault{Status: http.StatusServiceUnavailable}
	}, nil}})
	rounds, calls := either(l, 25, 9), 800
	ratios := make([]float64, rounds)
	for i := range ratios {
		before := healthy.round(ctx, calls)
		srv.InjectFunc(mixed.choose)
		ratios[i] = hit.round(ctx, calls) / before
		srv.InjectFunc(nil)
	}
	failed := 0
	for _, s := range []*side{healthy, hit} {
		failed += s.book.count("create", notApplied) + s.book.failures("read") + s.book.failures("update")
	}
	injected, total := mixed.hits()
	l.show("calls with and without faults, each", calls*rounds)
	l.atMost("connections of the client with faults", float64(hit.front.connections()), maxPool, "%.0f")
	l.show("connections of the client without faults", healthy.front.connections())
	l.atLeast("throughput with faults, relative to without, median", median(ratios), minSpeed(l), "%.2f")
	l.none("failed calls, without creates with a lost response", failed)
	l.show("creates with a lost response", hit.book.count("create", unknown))
	l.show("requests with a 503", fmt.Sprintf("%.1f %%", share(injected, total)))
	l.note("retry policy: default attempts and budget; BaseDelay 2 ms, so that delays do not dominate")
	return nil
}

// side is one of the two clients, with the relay that counts its connections.
type side struct {
	srv    *mihutest.Server
	front  *relay
	client *mihu.Client
	lines  []mihu.TrunkID
	book   ledger
}

// newSide returns a client with one open connection for each worker: all requests are sent at once,
// and the responses are delayed until then. Otherwise net/http opens more connections than there are
// workers if responses arrive during handshakes, which depends on the load of the machine.
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
		_, _ = client.Channels.GetByNumber(ctx, lines[n].PhoneNumber) // an error would occur in the rounds too
		return true
	})
	return &side{srv: srv, front: front, client: client, lines: lines}, nil
}

func (s *side) close() {
	s.client.CloseIdleConnections()
	s.front.close()
}

// round makes the calls and returns their speed while all workers were busy.
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

// call makes a read, an update or a create. The create is not reconciled, so that it fails on a 503: a
// failed call must not cost a connection either.
func (s *side) call(ctx context.Context, n int) (op string, err error) {
	id := s.lines[n%len(s.lines)]
	switch n % 4 {
	case 0:
		_, err = s.client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{Name: new(fmt.Sprintf("Renamed %d", n))})
		return "update", err
	case 1:
		// Every create of both sides has its own number.
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
