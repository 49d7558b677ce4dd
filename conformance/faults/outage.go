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

// outage503 has the server answer 503 to everything.
func outage503(ctx context.Context, l *lab) error {
	return outage(ctx, l, func(s *site) error {
		return s.srv.Inject(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: http.StatusServiceUnavailable})
	}, func(s *site) error {
		s.srv.ClearFaults()
		return nil
	})
}

// outageRefused has connections lost and refused.
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

// outage measures a client with the default policy before, during and after an outage. Another one,
// whose server stays well, tells what the machine could do at the time.
func outage(ctx context.Context, l *lab, fail, heal func(*site) error) error {
	s, err := newSite(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	well, err := newSite(ctx)
	if err != nil {
		return err
	}
	defer well.close()

	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	before, wellBefore, err := speeds(ctx, s, well, either(l, 4*time.Second, 2*time.Second))
	if err != nil {
		return err
	}

	repeatedBefore := s.repeated()
	if err := fail(s); err != nil {
		return err
	}
	began := time.Now()
	for s.repeated()-repeatedBefore < budget-outageWorkers { // those on their way are not counted yet
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
	after, wellAfter, err := speeds(ctx, s, well, time.Second)
	if err != nil {
		return err
	}
	s.stop()
	well.stop()
	if err := settled(ctx, s.srv); err != nil {
		return err
	}
	verdict := judge(s.book.entries, truthOf(s.srv))
	l.atMost("requests per call once the budget is used", perCall, 1.1, "%.3f")
	l.atLeast("speed in the 2nd second after it to that before, of the other client's", after/before/(wellAfter/wellBefore), leastSpeed(l), "%.2f")
	l.show("calls a second before and after; the other client's", fmt.Sprintf("%.0f, %.0f; %.0f, %.0f", before, after, wellBefore, wellAfter))
	l.show("calls measured without budget", ended)
	l.show("creates: made, not made, unknown", fmt.Sprint(s.book.count("create", happened), ", ", s.book.count("create", didNot), ", ", len(verdict.unknown)))
	verdict.unknown = nil // thousands of calls met the outage, of which each may be unknown
	verdict.figures(l)
	l.note("the default retry policy; %d workers, a quarter creates, a quarter updates, half reads; the budget of %d was used after %.1f s", outageWorkers, budget, spent.Seconds())
	return nil
}

// site is a server, the way to it, a client and workers who call one time after the other.
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

// start starts the workers; stop lets them end their calls.
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
				// Not as fast as the machine can, so that speeds can be compared, nor all in step.
				_ = pause(working, rand.N(2*outagePause)) //nolint:gosec // no secret
			}
		})
	}
	return nil
}

// outagePause is what a worker does between two calls, on average.
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

// repeated is how many requests were more than the first of a call.
func (s *site) repeated() int64 { return s.meter.sent.Load() - s.begun.Load() }

// speeds are the numbers of calls that succeed a second, at two sites at the same time.
func speeds(ctx context.Context, a, b *site, window time.Duration) (float64, float64, error) {
	fromA, fromB, began := a.succeeded.Load(), b.succeeded.Load(), time.Now()
	if err := pause(ctx, window); err != nil {
		return 0, 0, err
	}
	took := time.Since(began).Seconds()
	return float64(a.succeeded.Load()-fromA) / took, float64(b.succeeded.Load()-fromB) / took, nil
}
