package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// parallel runs work for 0 to n-1 on so many workers. It ends early with the context, or where work
// says that it is not to go on.
func parallel(ctx context.Context, workers, n int, work func(i int) (goOn bool)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n || !work(i) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// swift is the default policy with short delays, so that a run is short. Attempts and budget are
// the defaults.
var swift = mihu.RetryPolicy{BaseDelay: 5 * time.Millisecond, RateLimitDelay: 20 * time.Millisecond, MaxDelay: 100 * time.Millisecond}

const swiftNote = "retry policy: default attempts and budget; BaseDelay 5 ms, MaxDelay 100 ms, attempt timeout 250 ms, so that the run is short"

var numbers atomic.Int64

// newNumber is for a trunk that no other call of this process has.
func newNumber() int { return int(numbers.Add(1)) + 5_000_000 }

func callTrunk(i int) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1555%07d", i), Channel: mihu.ChannelCall}
}

// wanted is a trunk in which everything is set, and nothing as in another.
func wanted(i int, agent string) *mihu.TrunkCreateRequest {
	return &mihu.TrunkCreateRequest{
		TrunkID:   callTrunk(i),
		AgentUUID: agent,
		Name:      fmt.Sprintf("Line %d", i),
		Direction: mihu.DirectionInbound,
		SIP: &mihu.SIPCredentials{
			Gateway: fmt.Sprintf("gw%d.example.com", i), Port: 1 + i%65535, Username: fmt.Sprintf("user%d", i),
			Password: fmt.Sprintf("password%d", i), SecondaryGateway: fmt.Sprintf("gw%d.example.net", i),
		},
		AdditionalSettings: map[string]any{"call": float64(i), "ani_format": "e164"},
	}
}

// asTrunk is what the server holds once the request was carried out.
func asTrunk(req *mihu.TrunkCreateRequest) *mihutest.Trunk {
	return &mihutest.Trunk{
		ID: req.TrunkID, AgentUUID: req.AgentUUID, Name: req.Name, Direction: req.Direction, SIP: *req.SIP,
		AdditionalSettings: req.AdditionalSettings,
	}
}

// settled waits until no request can still be on its way to a change: none has begun for longer
// than any fault delays one.
func settled(ctx context.Context, srv *mihutest.Server) error {
	const quiet = longestWait + 500*time.Millisecond
	seen, since := srv.RequestCount(), time.Now()
	for time.Since(since) < quiet {
		select {
		case <-ctx.Done():
			return errors.New("the server did not come to rest in time")
		case <-time.After(10 * time.Millisecond):
		}
		if now := srv.RequestCount(); now != seen {
			seen, since = now, time.Now()
		}
	}
	return nil
}

// everyRequest has a server keep so many requests that none is forgotten.
func everyRequest() mihutest.Option { return mihutest.WithRequestLimit(1 << 20) }

// pause waits, and is an error where the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// relayTo is a relay to a server, which ends TLS where there is a configuration for it.
func relayTo(ctx context.Context, srv *mihutest.Server, config *tls.Config) (*relay, error) {
	target, err := url.Parse(srv.URL())
	if err != nil {
		return nil, err
	}
	return newRelay(ctx, target.Host, config)
}

// connectTo is a client with the transport that it has by default, through a relay.
func connectTo(r *relay, srv *mihutest.Server, opts ...mihu.Option) (*mihu.Client, error) {
	scheme := "http"
	if r.tls != nil {
		scheme = "https"
	}
	return mihu.New("", srv.Token(), append([]mihu.Option{mihu.WithBaseURL(scheme + "://" + r.address + "/api/v1")}, opts...)...)
}
