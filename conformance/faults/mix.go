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

	"github.com/mihu-go/mihu"
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

// ingredient is a kind of fault and its share of all requests, or of all that are selected.
type ingredient struct {
	kind    string
	part    float64
	make    func(*rand.Rand) mihutest.Fault
	selects func(mihutest.Request) bool // nil: every request
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
		{"dropped before", drops, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Drop: true} }, nil},
		{"dropped after", drops, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Drop: true, AfterChange: true} }, nil},
		{"timeout before", 0.02, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Delay: tooLate(rng)} }, nil},
		{"timeout after", 0.02, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{DelayAfter: tooLate(rng)} }, nil},
		{"applied late", 0.03, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Delay: tooLate(rng), Detached: true} }, nil},
		{"truncated", 0.03, func(*rand.Rand) mihutest.Fault { return mihutest.Fault{Truncate: true} }, nil},
		{"5xx before", errors, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Status: gateway(rng)} }, nil},
		{"5xx after", errors, func(rng *rand.Rand) mihutest.Fault { return mihutest.Fault{Status: gateway(rng), AfterChange: true} }, nil},
		{"page before", 0.01, func(*rand.Rand) mihutest.Fault { return mihutest.HTMLPage(http.StatusBadGateway) }, nil},
		{"page after", 0.01, func(*rand.Rand) mihutest.Fault {
			page := mihutest.HTMLPage(http.StatusOK)
			page.AfterChange = true
			return page
		}, nil},
		{"latency", 0.05, func(rng *rand.Rand) mihutest.Fault {
			return mihutest.Fault{Delay: between(rng, time.Millisecond, 20*time.Millisecond)}
		}, nil},
	}
}

// maxLag is how far reads lag at most in the scenarios with lagging reads. It is the client's default
// of WithMaxReadLag, which is 5 s, as much shorter as BaseDelay of fastRetries is.
const maxLag = 5 * time.Second / 40

// lagged are the options of a client and a server whose reads lag.
var (
	laggedClient = mihu.WithMaxReadLag(maxLag)
	laggedServer = mihutest.Rules{MaxReadLag: maxLag}
)

// deviations returns responses that do not prove what they should: snapshots that contradict the
// request, successes without data, and other envelopes. A request of an update does not name an
// agent, so that a snapshot with another one contradicts nothing: there are none if updates is true.
func deviations(updates bool) []ingredient {
	kinds := []mihutest.Contradiction{mihutest.OtherNumber, mihutest.NotBound, mihutest.OtherAgent}
	if updates {
		kinds = kinds[:2]
	}
	return []ingredient{
		{"contradiction", 0.05, func(rng *rand.Rand) mihutest.Fault {
			return mihutest.Fault{Contradict: kinds[rng.IntN(len(kinds))]}
		}, isChange},
		{"without data", 0.03, func(*rand.Rand) mihutest.Fault {
			return mihutest.Fault{SuccessShape: &mihutest.SuccessShape{OmitData: true}}
		}, isChange},
		{"other envelope", 0.06, func(rng *rand.Rand) mihutest.Fault {
			form := 1 + rng.IntN(7) // at least one of the three
			return mihutest.Fault{SuccessShape: &mihutest.SuccessShape{
				Wrapped: form&1 != 0, OmitSuccess: form&2 != 0, ByteOrderMark: form&4 != 0,
			}}
		}, nil},
	}
}

// pagings returns pages in all forms, which report more or less of the extent of their list.
func pagings() []ingredient {
	return []ingredient{
		{"other paging", 0.4, func(rng *rand.Rand) mihutest.Fault {
			return mihutest.Fault{SuccessShape: &mihutest.SuccessShape{
				Paging:  mihutest.PagingFull + mihutest.Paging(rng.IntN(int(mihutest.PagingCursor)+1)),
				Wrapped: rng.IntN(4) == 0, OmitSuccess: rng.IntN(4) == 0, ByteOrderMark: rng.IntN(4) == 0,
			}}
		}, nil},
		{"items under another key", 0.01, func(*rand.Rand) mihutest.Fault {
			return mihutest.Fault{SuccessShape: &mihutest.SuccessShape{ItemsKey: "trunks"}}
		}, nil},
		{"page without data", 0.01, func(*rand.Rand) mihutest.Fault {
			return mihutest.Fault{SuccessShape: &mihutest.SuccessShape{OmitData: true}}
		}, nil},
	}
}

func isChange(req mihutest.Request) bool { return req.Method != http.MethodGet }

// mix chooses a random fault for each request. Its method choose is for Server.InjectFunc.
type mix struct {
	ingredients []ingredient
	maxLag      time.Duration // of reads whose response the fault does not replace

	mu      sync.Mutex
	rng     *rand.Rand
	total   int
	lagging int
	given   map[string]int
}

func (l *lab) mix(ingredients []ingredient) *mix {
	return &mix{ingredients: ingredients, rng: rand.New(rand.NewPCG(l.rng.Uint64(), 0)), given: map[string]int{}} //nolint:gosec // faults must be reproducible, not secret
}

func (m *mix) choose(req mihutest.Request) *mihutest.Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total++
	fault := m.pick(req)
	if m.maxLag > 0 && !isChange(req) {
		if fault == nil {
			fault = new(mihutest.Fault)
		}
		if fault.Status == 0 && fault.Body == nil && !fault.Drop {
			fault.ReadLag = time.Duration(m.rng.Int64N(int64(m.maxLag)))
			m.lagging++
		}
	}
	return fault
}

func (m *mix) pick(req mihutest.Request) *mihutest.Fault {
	at := m.rng.Float64()
	for _, in := range m.ingredients {
		if at -= in.part; at >= 0 {
			continue
		}
		if in.selects != nil && !in.selects(req) {
			return nil
		}
		m.given[in.kind]++
		fault := in.make(m.rng)
		return &fault
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
	if m.lagging > 0 {
		parts = append(parts, fmt.Sprintf("%d lagging reads", m.lagging))
	}
	return strings.Join(parts, ", ")
}
