package main

import (
	"context"
	"net/http"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

var trunkID = mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall}

// A scenario is a call, and what the server does to each of its requests.
type scenario struct {
	kind  string
	call  func(context.Context, *mihu.Client) error
	fault mihutest.Fault
	ends  endOf
}

// endOf is what ends while the server holds a request.
type endOf int

const (
	nothing endOf = iota
	callersTime
	program
)

var scenarios = []scenario{
	{kind: "validation, by this package", call: registerNonsense},
	{kind: "validation, by the API", call: rename, fault: mihutest.Fault{Status: http.StatusUnprocessableEntity, Field: "name"}},
	{kind: "unauthorized", call: rename, fault: mihutest.Fault{Status: http.StatusUnauthorized, Code: "INVALID_AUTH_TOKEN"}},
	{kind: "forbidden", call: rename, fault: mihutest.Fault{Status: http.StatusForbidden}},
	{kind: "not found", call: rename},
	{kind: "conflict", call: rename, fault: mihutest.Fault{Status: http.StatusConflict}},
	{kind: "rate limited, for longer than this package waits", call: rename, fault: mihutest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "300"}},
	{kind: "server error", call: read, fault: mihutest.Fault{Status: http.StatusInternalServerError}},
	{kind: "the page of a proxy", call: read, fault: mihutest.HTMLPage(http.StatusBadGateway)},
	{kind: "the page of another site", call: read, fault: mihutest.HTMLPage(http.StatusOK)},
	{kind: "the 404 page of another site", call: read, fault: mihutest.HTMLPage(http.StatusNotFound)},
	{kind: "connection lost, on a read", call: read, fault: mihutest.Fault{Drop: true}},
	{kind: "connection lost, on a change", call: rename, fault: mihutest.Fault{Drop: true}},
	{kind: "server error, on a change", call: rename, fault: mihutest.Fault{Status: http.StatusInternalServerError}},
	{kind: "deadline", call: read, fault: mihutest.Fault{Delay: time.Hour}, ends: callersTime},
	{kind: "canceled", call: read, fault: mihutest.Fault{Delay: time.Hour}, ends: program},
	{kind: "canceled, on a change", call: rename, fault: mihutest.Fault{Delay: time.Hour}, ends: program},
}

func registerNonsense(ctx context.Context, client *mihu.Client) error {
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

// provoke makes the call against a server of its own. The second error is one of this program.
func (s *scenario) provoke(ctx context.Context) (provoked, err error) {
	server, err := mihutest.Start()
	if err != nil {
		return nil, err
	}
	defer server.Close()
	// The policy is the default one but for the waits.
	client, err := server.NewClient(mihu.WithRetryPolicy(mihu.RetryPolicy{MaxDelay: time.Millisecond}))
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.ends == callersTime {
		ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
	}
	server.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if s.ends == program {
			cancel()
		}
		return &s.fault
	})
	return s.call(ctx, client), nil
}
