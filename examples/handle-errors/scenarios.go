package main

import (
	"context"
	"net/http"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

var trunkID = mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall}

// A scenario is a call and the fault that the server injects into each of its requests.
type scenario struct {
	name  string
	call  func(context.Context, *mihu.Client) error
	fault mihutest.Fault
	stop  stop
}

// stop is how the context ends while a request is in flight.
type stop int

const (
	never stop = iota
	deadline
	cancel
)

var scenarios = []scenario{
	{name: "validation error in this package", call: createInvalid},
	{name: "validation error of the API", call: rename, fault: mihutest.Fault{Status: http.StatusUnprocessableEntity, Field: "name"}},
	{name: "unauthorized", call: rename, fault: mihutest.Fault{Status: http.StatusUnauthorized, Code: "INVALID_AUTH_TOKEN"}},
	{name: "forbidden", call: rename, fault: mihutest.Fault{Status: http.StatusForbidden}},
	{name: "not found", call: rename},
	{name: "conflict", call: rename, fault: mihutest.Fault{Status: http.StatusConflict}},
	{name: "rate limited for longer than the client waits", call: rename, fault: mihutest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "300"}},
	{name: "server error", call: read, fault: mihutest.Fault{Status: http.StatusInternalServerError}},
	{name: "HTML page of a proxy", call: read, fault: mihutest.HTMLPage(http.StatusBadGateway)},
	{name: "HTML page of another site", call: read, fault: mihutest.HTMLPage(http.StatusOK)},
	{name: "404 page of another site", call: read, fault: mihutest.HTMLPage(http.StatusNotFound)},
	{name: "connection lost during a read", call: read, fault: mihutest.Fault{Drop: true}},
	{name: "connection lost during a write", call: rename, fault: mihutest.Fault{Drop: true}},
	{name: "server error during a write", call: rename, fault: mihutest.Fault{Status: http.StatusInternalServerError}},
	{name: "deadline", call: read, fault: mihutest.Fault{Delay: time.Hour}, stop: deadline},
	{name: "canceled during a read", call: read, fault: mihutest.Fault{Delay: time.Hour}, stop: cancel},
	{name: "canceled during a write", call: rename, fault: mihutest.Fault{Delay: time.Hour}, stop: cancel},
}

func createInvalid(ctx context.Context, client *mihu.Client) error {
	_, err := client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "2025550142", Channel: "fax"},
		AgentUUID: "front desk",
	})
	return err
}

func rename(ctx context.Context, client *mihu.Client) error {
	_, err := client.Trunks.Update(ctx, trunkID, &mihu.TrunkUpdateRequest{Name: new("Front desk")})
	return err
}

func read(ctx context.Context, client *mihu.Client) error {
	_, err := client.Channels.GetByNumber(ctx, trunkID.PhoneNumber)
	return err
}

// run makes the call against a new server. It returns the error of the call, and separately an
// error of this program.
func (s *scenario) run(ctx context.Context) (callErr, err error) {
	server, err := mihutest.Start()
	if err != nil {
		return nil, err
	}
	defer server.Close()
	// This is the default policy with shorter delays.
	client, err := server.NewClient(mihu.WithRetryPolicy(mihu.RetryPolicy{MaxDelay: time.Millisecond}))
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	ctx, cancelCall := context.WithCancel(ctx)
	defer cancelCall()
	if s.stop == deadline {
		ctx, cancelCall = context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancelCall()
	}
	server.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if s.stop == cancel {
			cancelCall()
		}
		return &s.fault
	})
	return s.call(ctx, client), nil
}
