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

// attemptTimeout is the attempt timeout of the clients whose requests are delayed. It is short to
// keep the runs short.
const attemptTimeout = 250 * time.Millisecond

// tooLate returns a delay between the attempt timeout and maxDelay.
func tooLate(rng *rand.Rand) time.Duration { return between(rng, attemptTimeout, maxDelay) }

const maxDelay = 3 * attemptTimeout

func between(rng *rand.Rand, minimum, maximum time.Duration) time.Duration {
	return minimum + time.Duration(rng.Int64N(int64(maximum-minimum)))
}

// ingredient is a kind of fault and its share of all requests.
type ingredient struct {
	kind string
	part float64
	make func(*rand.Rand) mihutest.Fault
}

func gateway(rng *rand.Rand) int {
	return []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}[rng.IntN(4)]
}

// everything returns all kinds of faults, on about a third of all requests. On HTTP/2 a dropped
// connection fails all of its requests, so there are fewer drops and more errors.
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
		{"applied late", 0.03, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Delay: tooLate(rng), Detached: true} }},
		{"truncated", 0.03, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Truncate: true} }},
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

// mix chooses a random fault for each request. Its method choose is for Server.InjectFunc.
type mix struct {
	ingredients []ingredient

	mu    sync.Mutex
	rng   *rand.Rand
	total int
	given map[string]int
}

func (l *lab) mix(ingredients []ingredient) *mix {
	return &mix{ingredients: ingredients, rng: rand.New(rand.NewPCG(l.rng.Uint64(), 0)), given: map[string]int{}} //nolint:gosec // faults must be reproducible, not secret
}

func (m *mix) choose(mihutest.Request) *mihutest.Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total++
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

// count returns the number of requests with a kind of fault.
func (m *mix) count(kind string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.given[kind]
}

// hits returns the number of requests with a fault, and of all requests.
func (m *mix) hits() (hit, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.given {
		hit += n
	}
	return hit, m.total
}

// String returns the number of faults of each kind.
func (m *mix) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(m.given)) {
		parts = append(parts, fmt.Sprintf("%d %s", m.given[kind], kind))
	}
	return strings.Join(parts, ", ")
}
