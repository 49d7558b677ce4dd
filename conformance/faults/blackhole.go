package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	pingAfter   = 10 * time.Second // the client's ping interval
	pingTimeout = 5 * time.Second
	// recovery is the additional time for the new connection and the retry.
	recovery = 2 * time.Second
)

// blackHole freezes the only HTTP/2 connection of a client with the default transport, then makes
// calls. The pings must detect the lost connection, and the calls must succeed on another one.
func blackHole(ctx context.Context, l *lab) error {
	self, err := authority()
	if err != nil {
		return err
	}
	srv, err := mihutest.Start(everyRequest())
	if err != nil {
		return err
	}
	defer srv.Close()
	upstream, err := url.Parse(srv.URL())
	if err != nil {
		return err
	}
	upstream.Path = ""
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(upstream))
	front.EnableHTTP2 = true
	front.TLS = self.config()
	front.StartTLS()
	defer front.Close()
	line, err := newRelay(ctx, front.Listener.Addr().String(), nil)
	if err != nil {
		return err
	}
	defer line.close()
	var versions sync.Map
	next := front.Config.Handler
	front.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		versions.Store(r.Proto, true)
		next.ServeHTTP(w, r)
	})
	client, err := mihu.New("", srv.Token(), mihu.WithBaseURL("https://"+line.address+"/api/v1"))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	standing, doomed := asTrunk(wanted(1, srv.AddAgent("Ada"))), asTrunk(wanted(2, srv.AddAgent("Eve")))
	for _, trunk := range []*mihutest.Trunk{standing, doomed} {
		if err := srv.AddTrunk(*trunk); err != nil {
			return err
		}
	}
	if _, err := client.Channels.GetByNumber(ctx, standing.ID.PhoneNumber); err != nil {
		return err
	}
	frozen := line.freeze()
	req := wanted(3, srv.AddAgent("Bob"))
	renamed := *standing
	renamed.Name = "Renamed"
	var book ledger
	var wg sync.WaitGroup
	times := make([]time.Duration, 4)
	for i, call := range []func(){
		func() {
			_, err := client.Channels.GetByNumber(ctx, standing.ID.PhoneNumber)
			book.add(entry{op: "read", id: doomed.ID, before: nil, after: nil, err: err})
		},
		func() {
			snap, err := client.Trunks.Create(ctx, req)
			book.add(entry{op: "create", id: req.TrunkID, after: asTrunk(req), err: err, snapshot: snap})
		},
		func() {
			snap, err := client.Trunks.Update(ctx, standing.ID, &mihu.TrunkUpdateRequest{Name: &renamed.Name})
			book.add(entry{op: "update", id: standing.ID, before: standing, after: &renamed, err: err, snapshot: snap})
		},
		func() {
			book.add(entry{op: "delete", id: doomed.ID, before: doomed, err: client.Trunks.Delete(ctx, doomed.ID)})
		},
	} {
		wg.Go(func() {
			began := time.Now()
			call()
			times[i] = time.Since(began)
		})
	}
	wg.Wait()
	slowest := max(times[0], times[1], times[2], times[3])
	_, overHTTP2 := versions.Load("HTTP/2.0")
	succeeded := 0
	for _, op := range []string{"read", "create", "update", "delete"} {
		succeeded += book.count(op, applied)
	}
	l.add("connections frozen, over HTTP/2", fmt.Sprint(frozen, ", ", overHTTP2), "1, true", frozen == 1 && overHTTP2)
	l.exactly("read, create, update and delete: succeeded", succeeded, 4)
	for i, op := range []string{"read", "create", "update", "delete"} {
		l.show(op, fmt.Sprintf("%.1f s", times[i].Seconds()))
	}
	l.atMost("longest of these calls, in seconds", slowest.Seconds(), (pingAfter + pingTimeout + recovery).Seconds(), "%.1f")
	verdict := judge(book.entries, truthOf(srv))
	verdict.figures(l)
	l.note("maximum: 10 s until the ping, 5 s until its timeout, 2 s for the new connection and the retry; the attempt timeout is the default of 30 s")
	return nil
}
