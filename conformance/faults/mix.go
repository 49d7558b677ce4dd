package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mihu-go/mihu/mihutest"
)

// attemptTime is the attempt timeout of every client here that meets delays, short so that the
// runs are.
const attemptTime = 250 * time.Millisecond

// tooLate is a wait that the attempt timeout cuts, most of the time; it is bounded by longestWait.
func tooLate(rng *rand.Rand) time.Duration { return between(rng, attemptTime, longestWait) }

const longestWait = 3 * attemptTime

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)))
}

// ingredient is one kind of fault and its part of all requests.
type ingredient struct {
	kind string
	part float64
	make func(*rand.Rand) mihutest.Fault
}

func gateway(rng *rand.Rand) int {
	return []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}[rng.IntN(4)]
}

// everything is every kind of fault that the server has, on about a third of all requests. On
// HTTP/2 a dropped connection takes every request on it along, so that drops are rare there and
// errors make up for them.
func everything(http2 bool) []ingredient {
	drops, errors := 0.04, 0.045
	if http2 {
		drops, errors = 0.0005, 0.075
	}
	return []ingredient{
		{"dropped before", drops, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Drop: true} }},
		{"dropped after", drops, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Drop: true, AfterChange: true} }},
		{"timeout before", 0.02, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Delay: tooLate(rng)} }},
		{"timeout after", 0.02, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{DelayAfter: tooLate(rng)} }},
		{"lands late", 0.03, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Delay: tooLate(rng), Detached: true} }},
		{"cut short", 0.03, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Truncate: true} }},
		{"5xx before", errors, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Status: gateway(rng)} }},
		{"5xx after", errors, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Status: gateway(rng), AfterChange: true} }},
		{"page before", 0.01, func(*rand.Rand) mihutest.Fault { return mihutest.HTMLPage(http.StatusBadGateway) }},
		{"page after", 0.01, func(*rand.Rand) mihutest.Fault {
			page := mihutest.HTMLPage(http.StatusOK)
			page.AfterChange = true
			return page
		}},
		{"latency", 0.05, func(rng *rand.Rand) mihutest.Fault {
			return mihutest.Fault{Delay: between(rng, time.Millisecond, 20*time.Millisecond)}
		}},
	}
}

// mix draws a fault for each request. Its choose is for Server.InjectFunc.
type mix struct {
	ingredients []ingredient

	mu    sync.Mutex
	rng   *rand.Rand
	asked int
	given map[string]int
}

func (l *lab) mix(ingredients []ingredient) *mix {
	return &mix{ingredients: ingredients, rng: rand.New(rand.NewPCG(l.rng.Uint64(), 0)), given: map[string]int{}} //nolint:gosec // faults are to be repeatable, not secret
}

func (m *mix) choose(mihutest.Request) *mihutest.Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	at := m.rng.Float64()
	for _, in := range m.ingredients {
		if at -= in.part; at < 0 {
			m.given[in.kind]++
			fault := in.make(m.rng)
			return &fault
		}
	}
	return nil
}

// count is how many requests met a kind of fault.
func (m *mix) count(kind string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.given[kind]
}

// hits is how many requests met a fault, of how many.
func (m *mix) hits() (hit, asked int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.given {
		hit += n
	}
	return hit, m.asked
}

// String is how often each kind of fault was given.
func (m *mix) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(m.given)) {
		parts = append(parts, fmt.Sprintf("%d %s", m.given[kind], kind))
	}
	return strings.Join(parts, ", ")
}
