package main

import (
	"bufio"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/mihu-go/mihu/mihutest"
)

// report is what the fake server received, and whether its trunks are as wanted.
type report struct {
	URL                   string
	Requests, Faults      int
	Registered, Trunks    int
	Again                 int // Creates of trunks that existed
	Missing, Wrong, Extra int
	Peak                  int // requests in any second
}

// serve runs a fake server with 20 ms of latency and 1 % of faults. For each line of its standard input, the
// number of items, it sends a report.
func serve(ctx context.Context) error {
	server, err := mihutest.Start(mihutest.WithLatency(20*time.Millisecond), mihutest.WithRequestLimit(1_000_000),
		mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
	if err != nil {
		return err
	}
	defer server.Close()
	var (
		mu      sync.Mutex
		arrived []time.Time
		faults  int
	)
	server.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		mu.Lock()
		defer mu.Unlock()
		arrived = append(arrived, time.Now())
		if rand.N(100) != 0 { //nolint:gosec // nothing secret
			return nil
		}
		faults++
		return oneOf()
	})
	if err := send(report{URL: server.URL()}); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for ctx.Err() == nil && lines.Scan() {
		var count int
		if err := json.Unmarshal(lines.Bytes(), &count); err != nil {
			return err
		}
		mu.Lock()
		r := report{URL: server.URL(), Requests: len(arrived), Faults: faults, Peak: peak(arrived)}
		mu.Unlock()
		r.look(server, count)
		if err := send(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

// oneOf returns a fault, before the request is applied or after.
func oneOf() *mihutest.Fault {
	all := []mihutest.Fault{
		{Drop: true},
		{Drop: true, AfterChange: true},
		{Status: http.StatusServiceUnavailable},
		{Status: http.StatusInternalServerError, AfterChange: true},
		{Truncate: true},
		{Status: http.StatusTooManyRequests, RetryAfter: "1"},
	}
	return &all[rand.N(len(all))] //nolint:gosec // nothing secret
}

// look compares the trunks with the items.
func (r *report) look(server *mihutest.Server, count int) {
	for _, request := range server.Requests() {
		if request.Method != http.MethodPost {
			continue
		}
		if request.Changed {
			r.Registered++
		}
		if request.Status == http.StatusConflict {
			r.Again++
		}
	}
	r.Trunks = len(server.Trunks())
	for n := range count {
		trunk, ok := server.Trunk(trunkOf(n))
		if !ok {
			r.Missing++
		} else if !asWanted(n, trunk) {
			r.Wrong++
		}
	}
	r.Extra = r.Trunks - (count - r.Missing)
}

// peak returns the most times within any second.
func peak(times []time.Time) (largest int) {
	times = slices.SortedFunc(slices.Values(times), time.Time.Compare)
	from := 0
	for i, t := range times {
		for t.Sub(times[from]) >= time.Second {
			from++
		}
		largest = max(largest, i-from+1)
	}
	return largest
}
