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

// createsToxiproxy puts real TCP proxies between client and server. Each proxy is healthy or has one
// toxic, which changes continually and affects open and new connections. The server injects faults
// too.
func createsToxiproxy(ctx context.Context, l *lab) error {
	srv, err := mihutest.Start(everyRequest())
	if err != nil {
		return err
	}
	defer srv.Close()
	proxies, err := newToxics(srv.URL(), rand.New(rand.NewPCG(l.rng.Uint64(), 0))) //nolint:gosec // faults must be reproducible, not secret
	if err != nil {
		return err
	}
	stopped := make(chan struct{})
	varying, stop := context.WithCancel(ctx)
	go func() {
		defer close(stopped)
		proxies.vary(varying)
	}()
	stopProxies := sync.OnceFunc(func() {
		stop()
		<-stopped
		proxies.close()
	})
	defer stopProxies()

	mixed := l.mix(everything(false))
	for i := range mixed.ingredients { // the proxies add more
		mixed.ingredients[i].part *= 0.7
	}
	srv.InjectFunc(mixed.choose)
	var counted meter
	transport := &http.Transport{DialContext: proxies.dial, MaxIdleConnsPerHost: createWorkers}
	connect := func() (*mihu.Client, error) {
		return srv.NewClient(mihu.WithRetryPolicy(fastRetries), mihu.WithAttemptTimeout(attemptTimeout),
			mihu.WithHTTPClient(&http.Client{Transport: transport}), mihu.WithLogger(counted.logger()))
	}
	return create(ctx, l, srv, connect, either(l, 10_000, 1_000), 0.5, func() {
		stopProxies()
		sent, hit := counted.sent.Load(), counted.hit.Load()
		_, total := mixed.hits()
		l.atLeast("attempts with a fault: failed, or delayed by the server", share(int(hit)+mixed.count("latency"), int(sent)), either(l, 30.0, 20.0), percent) // proxies change with the time
		l.note("%d attempts, %d of them reached the server: %v; toxics of %d proxies: %v", sent, total, mixed, len(proxies.proxies), proxies)
	})
}

// toxics is a set of proxies to one server whose toxics change.
type toxics struct {
	proxies []*toxiproxy.Proxy

	mu    sync.Mutex
	rng   *rand.Rand
	given map[string]int
}

func newToxics(server string, rng *rand.Rand) (*toxics, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	w := &toxics{rng: rng, given: map[string]int{}}
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

func (w *toxics) close() {
	for _, proxy := range w.proxies {
		proxy.Stop()
	}
}

// dial connects to a random proxy.
func (w *toxics) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	proxy := w.proxies[w.rng.IntN(len(w.proxies))]
	w.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", proxy.Listen)
}

// vary changes the toxic of one proxy after the other until the context ends.
func (w *toxics) vary(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		proxy := w.proxies[i%len(w.proxies)]
		proxy.Toxics.ResetToxics(ctx)
		name, toxic := w.toxic()
		w.given[name]++
		if toxic != nil {
			if _, err := proxy.Toxics.AddToxicJson(bytes.NewReader(toxic)); err != nil {
				panic(err) // cannot happen: toxic below returns valid toxics
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// toxic returns a random toxic for one direction.
func (w *toxics) toxic() (string, []byte) {
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
		return "healthy", nil
	}
	body, err := json.Marshal(map[string]any{"type": kind, "stream": stream, "attributes": attributes})
	if err != nil {
		panic(err) // cannot happen: strings and numbers
	}
	return kind, body
}

// String returns the number of toxics of each kind.
func (w *toxics) String() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(w.given)) {
		parts = append(parts, fmt.Sprintf("%d %s", w.given[kind], kind))
	}
	return strings.Join(parts, ", ")
}
