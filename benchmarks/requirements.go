package main

import (
	"fmt"
	"math"
)

// requirement is a figure that this package must reach.
type requirement struct {
	What    string  `json:"what"`
	Want    string  `json:"want"`
	Got     float64 `json:"got"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Reached bool    `json:"reached"`
}

type requirements []requirement

// results looks up figures in the tables of a run.
type results []table

func (r results) find(name, contender, key string) (stat, bool) {
	for _, t := range r {
		if t.Name != name {
			continue
		}
		for _, row := range t.Rows {
			if s, ok := row.Figures[key]; ok && row.Contender == contender {
				return s, true
			}
		}
	}
	return stat{}, false
}

// bestPeer returns the minimum of a figure of all peers.
func (r results) bestPeer(name, key string) (contender string, best float64) {
	best = math.Inf(1)
	for _, c := range contenders {
		if s, ok := r.find(name, c.name, key); ok && c.isPeer() && s.Median < best {
			contender, best = c.name, s.Median
		}
	}
	return contender, best
}

// requirements compares the figures with the requirements. It omits figures that were not measured.
func (r results) requirements() requirements {
	var all requirements
	check := func(what, name, contender, key string, scale, limit float64, most bool) {
		s, ok := r.find(name, contender, key)
		if !ok {
			return
		}
		want, reached := "at most ", s.Median/scale <= limit
		if !most {
			want, reached = "at least ", s.Median/scale >= limit
		}
		all = append(all, requirement{
			What: what, Want: want + fmt.Sprint(limit), Got: s.Median / scale, Low: s.Low / scale, High: s.High / scale, Reached: reached,
		})
	}
	atMost := func(what, name, contender, key string, scale, limit float64) {
		check(what, name, contender, key, scale, limit, true)
	}
	atLeast := func(what, name, contender, key string, scale, limit float64) {
		check(what, name, contender, key, scale, limit, false)
	}

	atMost("one call: time / NAIVE", "call", ours, "ratio", 1, 1)
	atMost("one call: allocations", "call", ours, "allocs", 1, 65)
	atMost("one call: kB", "call", ours, "bytes", 1000, 5)
	atMost("one call, newer Go: time / NAIVE of the older", "call-next", ours, "across", 1, 0.7)
	atMost("one call, newer Go: time / NAIVE", "call-next", ours, "ratio", 1, 1)
	atMost("one call, newer Go: allocations", "call-next", ours, "allocs", 1, 48)
	for _, name := range []string{"call", "call-next"} {
		mine, ok := r.find(name, ours, "ratio")
		if !ok {
			continue
		}
		peer, best := r.bestPeer(name, "ratio")
		all = append(all, requirement{
			What: "one call, " + name + ": as fast as the fastest peer, " + peer, Want: "at least 1.25", Got: best / mine.Median,
			Low: best / mine.High, High: best / mine.Low, Reached: best/mine.Median >= 1.25,
		})
		allocs, _ := r.find(name, ours, "allocs")
		peer, best = r.bestPeer(name, "allocs")
		all = append(all, requirement{
			What: "one call, " + name + ": allocations", Want: fmt.Sprintf("less than %s, %.0f", peer, best),
			Got: allocs.Median, Low: allocs.Low, High: allocs.High, Reached: allocs.Median < best,
		})
	}
	atMost("page of 200 numbers: time / json.Unmarshal alone", "page", ours, "ratio", 1, 1.1)
	atMost("page of 200 numbers, newer Go: time / json.Unmarshal alone", "page-next", ours, "ratio", 1, 1.1)
	atMost("sequential, chunked: connections", "sequential-chunked", ours, "connections", 1, 1)
	atMost("64 at once, HTTP/1.1: connections", "64-http1", ours, "connections", 1, 96)
	atLeast("64 at once, HTTP/1.1: throughput / NAIVE", "64-http1", ours, "ratio", 1, 2)
	atMost("64 at once, TLS: connections", "64-tls", ours, "connections", 1, 130)
	atLeast("64 at once, TLS: throughput / NAIVE", "64-tls", ours, "ratio", 1, 8)
	atMost("64 at once, HTTP/2: connections", "64-http2", ours, "connections", 1, 4)
	atLeast("64 at once, HTTP/2: throughput / NAIVE", "64-http2", ours, "ratio", 1, 1)
	atMost("20,000 calls, 1 % canceled, HTTP/1.1: connections", "canceled-http1", ours, "connections", 1, 300)
	atMost("20,000 calls, 1 % canceled, HTTP/2: connections", "canceled-http2", ours, "connections", 1, 4)
	atMost("list: All / the sum of its pages read sequentially by NAIVE", "list", ourAll, "pages", 1, 1.05)
	atMost("list: Prefetch 4 / All", "list", ourAhead, "lazy", 1, 0.3)
	atMost("list: peak heap of All, MB", "list", ourAll, "heap", 1e6, 8)
	atMost("list: peak heap of Prefetch 4, MB", "list", ourAhead, "heap", 1e6, 8)
	atMost("import: compile CPU beyond net/http, s", "import", ours, "cpu beyond", 1, 1.5)
	atMost("import: compile CPU of packages outside the standard library, s", "import", ours, "cpu modules", 1, 1.5)
	atMost("import: binary beyond net/http and encoding/json, MB", "import", ours, "size beyond", 1e6, 0.8)
	atMost("import: stripped binary beyond net/http and encoding/json, MB", "import", ours, "stripped beyond", 1e6, 0.8)
	atMost("import: other modules linked", "import", ours, "modules", 1, 3)
	atMost("import: allocations at start-up", "import", ours, "init own", 1, 0)
	atMost("import: allocations at start-up with its dependencies", "import", ours, "init allocs", 1, 0)
	return all
}
