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

// parallel calls work with 0 to n-1 on a number of workers. It ends early if the context ends or work
// returns false.
func parallel(ctx context.Context, workers, n int, work func(i int) bool) {
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

// fastRetries is the default policy with short delays, to keep the runs short. Attempts and budget
// are the defaults.
var fastRetries = mihu.RetryPolicy{BaseDelay: 5 * time.Millisecond, RateLimitDelay: 20 * time.Millisecond, MaxDelay: 100 * time.Millisecond}

const fastRetriesNote = "retry policy: default attempts and budget; BaseDelay 5 ms, MaxDelay 100 ms, attempt timeout 250 ms, to keep the run short"

var numbers atomic.Int64

// newNumber returns the index of a trunk that no other call in this process uses.
func newNumber() int { return int(numbers.Add(1)) + 5_000_000 }

func callTrunk(i int) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1555%07d", i), Channel: mihu.ChannelCall}
}

// wanted returns a request that sets every field, with values that no other trunk has.
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

// asTrunk returns the trunk that the server stores if the request is applied.
func asTrunk(req *mihu.TrunkCreateRequest) *mihutest.Trunk {
	return &mihutest.Trunk{
		ID: req.TrunkID, AgentUUID: req.AgentUUID, Name: req.Name, Direction: req.Direction, SIP: *req.SIP,
		AdditionalSettings: req.AdditionalSettings,
	}
}

// quiesce waits until no request can still change the state: no request has arrived for longer than
// any fault can delay one.
func quiesce(ctx context.Context, srv *mihutest.Server) error {
	const quiet = maxDelay + 500*time.Millisecond
	seen, since := srv.RequestCount(), time.Now()
	for time.Since(since) < quiet {
		select {
		case <-ctx.Done():
			return errors.New("requests kept arriving until the context ended")
		case <-time.After(10 * time.Millisecond):
		}
		if now := srv.RequestCount(); now != seen {
			seen, since = now, time.Now()
		}
	}
	return nil
}

// everyRequest lets a server keep all requests of a scenario.
func everyRequest() mihutest.Option { return mihutest.WithRequestLimit(1 << 20) }

// pause waits for d. It returns an error if the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// relayTo returns a relay to a server. If config is not nil, the relay terminates TLS.
func relayTo(ctx context.Context, srv *mihutest.Server, config *tls.Config) (*relay, error) {
	target, err := url.Parse(srv.URL())
	if err != nil {
		return nil, err
	}
	return newRelay(ctx, target.Host, config)
}

// connectTo returns a client with its default transport that uses a relay.
func connectTo(r *relay, srv *mihutest.Server, opts ...mihu.Option) (*mihu.Client, error) {
	scheme := "http"
	if r.tls != nil {
		scheme = "https"
	}
	return mihu.New("", srv.Token(), append([]mihu.Option{mihu.WithBaseURL(scheme + "://" + r.address + "/api/v1")}, opts...)...)
}
