package main

import (
	"slices"
	"time"
)

// scene is a way to call a server on the loopback interface.
type scene struct {
	name, title string
	wire        wire
	manner      manner
	atOnce      int
}

var scenes = []scene{
	{"sequential", "Sequential, HTTP/1.1", http1, whole, 1},
	{"sequential-chunked", "Sequential, HTTP/1.1, chunked responses", http1, chunked, 1},
	{"64-http1", "64 at once, HTTP/1.1", http1, whole, 64},
	{"64-http1-chunked", "64 at once, HTTP/1.1, chunked responses", http1, chunked, 64},
	{"64-http1-faulty", "64 at once, HTTP/1.1, 2 % of the responses 503", http1, faulty, 64},
	{"64-tls", "64 at once, HTTP/1.1 with TLS", http1TLS, whole, 64},
	{"64-tls-chunked", "64 at once, HTTP/1.1 with TLS, chunked responses", http1TLS, chunked, 64},
	{"64-tls-faulty", "64 at once, HTTP/1.1 with TLS, 2 % of the responses 503", http1TLS, faulty, 64},
	{"64-http2", "64 at once, HTTP/2", http2, whole, 64},
	{"64-http2-chunked", "64 at once, HTTP/2, chunked responses", http2, chunked, 64},
	{"64-http2-faulty", "64 at once, HTTP/2, 2 % of the responses 503", http2, faulty, 64},
}

var socketColumns = []column{
	{Key: "ratio", Title: "calls per second / NAIVE", Format: "%.2f", Spread: true},
	{Key: "rate", Title: "calls per second", Format: "%.0f"},
	{Key: "calls", Title: "calls", Format: "%.0f"},
	{Key: "connections", Title: "connections", Format: "%.0f"},
	{Key: "thousand", Title: "per 1000 calls", Format: "%.1f"},
	{Key: "failed", Title: "failed per 1000", Format: "%.1f"},
}

// loopback measures calls over sockets. Each contender gets a new client, makes one warm-up call, and
// then calls for the same time.
func (b *bench) loopback(s scene) error {
	limit, rounds := time.Second, 4
	if s.manner != whole {
		limit, rounds = limit/2, 3 // connections are what these are about
	}
	if s.wire == http1TLS {
		limit *= 2 // a handshake takes its time
	}
	if b.short {
		limit /= 10
	}
	got := newSheet()
	for round := range b.times(rounds) {
		for _, c := range rotated(contenders, round) {
			o := order{Do: "socket", Contender: c.name, AtOnce: s.atOnce, Calls: 20_000, Limit: limit}
			if err := b.socket(s.wire, s.manner, o, got); err != nil {
				return err
			}
		}
	}
	got.ratio("ratio", "rate", got.samples[naive]["rate"])
	b.tables = append(b.tables, got.table(table{Name: s.name, Title: s.title, Columns: socketColumns}))
	return nil
}

// canceled measures how many connections canceled calls cost: 20,000 calls, 1 % of them canceled while
// in flight.
func (b *bench) canceled(name string, w wire) error {
	got := newSheet()
	calls := 20_000
	if b.short {
		calls /= 10
	}
	for round := range b.times(3) {
		for _, who := range rotated([]string{naive, ours, retryable}, round) {
			o := order{Do: "socket", Contender: who, AtOnce: 64, Calls: calls, CancelOne: 100}
			if err := b.socket(w, slow, o, got); err != nil {
				return err
			}
		}
	}
	got.ratio("ratio", "rate", got.samples[naive]["rate"])
	columns := slices.Concat(socketColumns, []column{{Key: "canceled", Title: "canceled", Format: "%.0f"}})
	b.tables = append(b.tables, got.table(table{
		Name: name, Title: "64 at once, " + string(w) + ", 1 % of the calls canceled by the caller", Columns: columns,
	}))
	return nil
}

// socket runs one order against a server and returns what the server counted.
func (b *bench) socket(w wire, m manner, o order, into *sheet) error {
	c, err := find(o.Contender)
	if err != nil {
		return err
	}
	s := b.servers[w]
	s.play.Store(&play{m, c.response})
	o.Place = place{URL: s.URL}
	before := s.opened.Load()
	got, err := b.worker.do(o)
	if err != nil {
		return err
	}
	opened, calls := float64(s.opened.Load()-before), float64(got.Calls)
	into.add(o.Contender, "rate", calls/got.Seconds)
	into.add(o.Contender, "calls", calls)
	into.add(o.Contender, "connections", opened)
	into.add(o.Contender, "thousand", 1000*opened/calls)
	into.add(o.Contender, "failed", 1000*float64(got.Failed)/calls)
	into.add(o.Contender, "canceled", float64(got.Canceled))
	return nil
}
