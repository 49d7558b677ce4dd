package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// outage503 makes the server respond with 503 to every request.
func outage503(ctx context.Context, l *lab) error {
	return outage(ctx, l, func(s *site) error {
		return s.srv.Inject(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: http.StatusServiceUnavailable})
	}, func(s *site) error {
		s.srv.ClearFaults()
		return nil
	})
}

// outageRefused closes the open connections and refuses new ones.
func outageRefused(ctx context.Context, l *lab) error {
	return outage(ctx, l, func(s *site) error {
		s.front.close()
		return nil
	}, func(s *site) error { return s.front.open(ctx) })
}

const (
	outageWorkers = 64
	budget        = 1000 // the client's default
)

// outage measures a client with the default policy before, during and after an outage. A second
// client, whose server has no outage, measures the speed of the machine at the same time.
func outage(ctx context.Context, l *lab, fail, heal func(*site) error) error {
	s, err := newSite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	healthy, err := newSite(ctx)
	if err != nil {
		return err
	}
	defer healthy.close()

	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	before, healthyBefore, err := speeds(ctx, s, healthy, either(l, 4*time.Second, 2*time.Second))
	if err != nil {
		return err
	}

	retriedBefore := s.retried()
	if err := fail(s); err != nil {
		return err
	}
	began := time.Now()
	for s.retried()-retriedBefore < budget-outageWorkers { // requests in flight are not counted yet
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	spent := time.Since(began)
	calls := int64(either(l, 10_000, 3_000))
	sentFrom, endedFrom := s.meter.sent.Load(), s.ended.Load()
	for s.ended.Load()-endedFrom < calls {
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	ended := s.ended.Load() - endedFrom
	perCall := float64(s.meter.sent.Load()-sentFrom) / float64(ended)

	if err := heal(s); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	after, healthyAfter, err := speeds(ctx, s, healthy, time.Second)
	if err != nil {
		return err
	}
	s.stop()
	healthy.stop()
	if err := quiesce(ctx, s.srv); err != nil {
		return err
	}
	verdict := judge(s.book.entries, truthOf(s.srv))
	l.atMost("requests per call after the retry budget is exhausted", perCall, 1.1, "%.3f")
	l.atLeast("throughput in the 2nd second after the outage, relative to before and to the other client", after/before/(healthyAfter/healthyBefore), minSpeed(l), "%.2f")
	l.show("calls per second before and after; of the other client", fmt.Sprintf("%.0f, %.0f; %.0f, %.0f", before, after, healthyBefore, healthyAfter))
	l.show("calls measured with an exhausted budget", ended)
	l.show("creates: created, not created, unknown", fmt.Sprint(s.book.count("create", applied), ", ", s.book.count("create", notApplied), ", ", len(verdict.unknown)))
	verdict.unknown = nil // each of thousands of calls during the outage may be unknown
	verdict.figures(l)
	l.note("the default retry policy; %d workers, a quarter creates, a quarter updates, half reads; the retry budget of %d was exhausted after %.1f s", outageWorkers, budget, spent.Seconds())
	return nil
}

// site is a server, a relay to it, a client and workers that make calls continuously.
type site struct {
	srv    *mihutest.Server
	front  *relay
	client *mihu.Client
	meter  meter
	book   ledger
	stop   func()

	begun, ended, succeeded atomic.Int64
}

func newSite(ctx context.Context) (*site, error) {
	srv, err := mihutest.Start(everyRequest())
	if err != nil {
		return nil, err
	}
	s := &site{srv: srv, stop: func() {}}
	if s.front, err = relayTo(ctx, srv, nil); err != nil {
		s.close()
		return nil, err
	}
	if s.client, err = connectTo(s.front, srv, mihu.WithLogger(s.meter.logger())); err != nil {
		s.close()
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) close() {
	s.stop()
	s.client.CloseIdleConnections()
	if s.front != nil {
		s.front.close()
	}
	s.srv.Close()
}

// start starts the workers. stop waits until they have finished their calls.
func (s *site) start(ctx context.Context) error {
	working, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	s.stop = func() {
		stop()
		workers.Wait()
	}
	for i := range outageWorkers {
		standing := asTrunk(wanted(9_000_000+i, s.srv.AddAgent("Standing")))
		if err := s.srv.AddTrunk(*standing); err != nil {
			return err
		}
		workers.Go(func() {
			for working.Err() == nil {
				s.begun.Add(1)
				if s.call(ctx, standing.ID) == nil {
					s.succeeded.Add(1)
				}
				s.ended.Add(1)
				// Pause, so that the machine does not limit the speed, and at random, so that workers do not
				// stay in step.
				_ = pause(working, rand.N(2*outagePause)) //nolint:gosec // no secret
			}
		})
	}
	return nil
}

// outagePause is the average pause of a worker between two calls.
const outagePause = 60 * time.Millisecond

func (s *site) call(ctx context.Context, standing mihu.TrunkID) error {
	i := s.begun.Load()
	switch i % 4 {
	case 0:
		req := wanted(newNumber(), s.srv.AddAgent("New"))
		snap, err := s.client.Trunks.Create(ctx, req)
		s.book.add(entry{op: "create", id: req.TrunkID, after: asTrunk(req), err: err, snapshot: snap})
		return err
	case 1:
		_, err := s.client.Trunks.Update(ctx, standing, &mihu.TrunkUpdateRequest{Name: new(fmt.Sprintf("Renamed %d", i))})
		return err
	}
	_, err := s.client.Channels.GetByNumber(ctx, standing.PhoneNumber)
	return err
}

// retried returns the number of requests beyond the first of each call.
func (s *site) retried() int64 { return s.meter.sent.Load() - s.begun.Load() }

// speeds returns the successful calls per second of two sites at the same time.
func speeds(ctx context.Context, a, b *site, window time.Duration) (float64, float64, error) {
	fromA, fromB, began := a.succeeded.Load(), b.succeeded.Load(), time.Now()
	if err := pause(ctx, window); err != nil {
		return 0, 0, err
	}
	took := time.Since(began).Seconds()
	return float64(a.succeeded.Load()-fromA) / took, float64(b.succeeded.Load()-fromB) / took, nil
}
