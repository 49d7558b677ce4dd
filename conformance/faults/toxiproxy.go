package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// createsToxiproxy puts real TCP proxies between client and server. Each of them is well or has
// one ailment, which changes all the time and meets the connections that are open as well as new
// ones. The server adds faults of its own.
func createsToxiproxy(ctx context.Context, l *lab) error {
	srv, err := mihutest.Start(everyRequest())
	if err != nil {
		return err
	}
	defer srv.Close()
	ward, err := newWard(srv.URL(), rand.New(rand.NewPCG(l.rng.Uint64(), 0))) //nolint:gosec // faults are to be repeatable, not secret
	if err != nil {
		return err
	}
	stopped := make(chan struct{})
	infecting, stop := context.WithCancel(ctx)
	go func() {
		defer close(stopped)
		ward.infect(infecting)
	}()
	discharge := sync.OnceFunc(func() {
		stop()
		<-stopped
		ward.close()
	})
	defer discharge()

	mixed := l.mix(everything(false))
	for i := range mixed.ingredients { // the proxies do the rest
		mixed.ingredients[i].part *= 0.7
	}
	srv.InjectFunc(mixed.choose)
	var counted meter
	transport := &http.Transport{DialContext: ward.dial, MaxIdleConnsPerHost: createWorkers}
	connect := func() (*mihu.Client, error) {
		return srv.NewClient(mihu.WithRetryPolicy(swift), mihu.WithAttemptTimeout(attemptTime),
			mihu.WithHTTPClient(&http.Client{Transport: transport}), mihu.WithLogger(counted.logger()))
	}
	return create(ctx, l, srv, connect, either(l, 10_000, 1_000), func() {
		discharge()
		sent, hit := counted.sent.Load(), counted.hit.Load()
		_, asked := mixed.hits()
		l.atLeast("attempts hit by a fault: failed, or slowed down by the server", share(int(hit)+mixed.count("latency"), int(sent)), leastHit(l), percent)
		l.note("of %d attempts, of which %d reached the server: %v; through %d proxies that changed: %v", sent, asked, mixed, len(ward.proxies), ward)
	})
}

// ward is a number of proxies to one server, in changing health.
type ward struct {
	proxies []*toxiproxy.Proxy

	mu    sync.Mutex
	rng   *rand.Rand
	given map[string]int
}

func newWard(server string, rng *rand.Rand) (*ward, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	w := &ward{rng: rng, given: map[string]int{}}
	host := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range 8 {
		proxy := toxiproxy.NewProxy(host, fmt.Sprintf("proxy%d", i), "127.0.0.1:0", target.Host)
		if err := proxy.Start(); err != nil {
			w.close()
			return nil, err
		}
		w.proxies = append(w.proxies, proxy)
	}
	return w, nil
}

func (w *ward) close() {
	for _, proxy := range w.proxies {
		proxy.Stop()
	}
}

// dial connects to any of the proxies.
func (w *ward) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	proxy := w.proxies[w.rng.IntN(len(w.proxies))]
	w.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", proxy.Listen)
}

// infect changes the health of one proxy after the other until the context ends.
func (w *ward) infect(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		proxy := w.proxies[i%len(w.proxies)]
		proxy.Toxics.ResetToxics(ctx)
		name, toxic := w.toxic()
		w.given[name]++
		if toxic != nil {
			if _, err := proxy.Toxics.AddToxicJson(bytes.NewReader(toxic)); err != nil {
				panic(err) // the toxics are written below, so one that is not taken is a mistake there
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// toxic draws an ailment, in one direction.
func (w *ward) toxic() (string, []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	stream := []string{"upstream", "downstream"}[w.rng.IntN(2)]
	var kind string
	var attributes map[string]any
	switch w.rng.IntN(7) {
	case 0:
		kind, attributes = "reset_peer", map[string]any{"timeout": w.rng.IntN(10)}
	case 1:
		kind, attributes = "limit_data", map[string]any{"bytes": w.rng.IntN(2000)}
	case 2:
		kind, attributes = "latency", map[string]any{"latency": w.rng.IntN(30), "jitter": 10}
	case 3:
		kind, attributes = "timeout", map[string]any{"timeout": 1 + w.rng.IntN(100)}
	default:
		return "well", nil
	}
	body, err := json.Marshal(map[string]any{"type": kind, "stream": stream, "attributes": attributes})
	if err != nil {
		panic(err) // strings and numbers
	}
	return kind, body
}

// String is how often each ailment was given.
func (w *ward) String() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(w.given)) {
		parts = append(parts, fmt.Sprintf("%d %s", w.given[kind], kind))
	}
	return strings.Join(parts, ", ")
}
