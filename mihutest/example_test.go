package mihutest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

func ExampleNewServer() {
	t := new(tb) // in a test, its *testing.T
	defer t.end()

	srv := mihutest.NewServer(t)
	client := srv.Client(t)

	snapshot, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: srv.AddAgent("Ada"),
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Println(snapshot.Channels.Call.AgentName, "answers calls")
	// Output:
	// Ada answers calls
}

func ExampleStart() {
	srv, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{AnyAgent: true, DeleteStatus: http.StatusNoContent}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	client, err := srv.NewClient()
	if err != nil {
		fmt.Println(err)
		return
	}

	id := mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelWhatsApp}
	if err := srv.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a"}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Trunks.Delete(context.Background(), id))
	err = client.Trunks.Delete(context.Background(), id)
	fmt.Println(errors.Is(err, mihu.ErrNotFound))
	// Output:
	// <nil>
	// true
}

// The connection is lost after the trunk was created. The client does not retry the POST: it reads
// the channels of the number to find out whether the trunk exists.
func ExampleServer_Inject() {
	t := new(tb) // in a test, its *testing.T
	defer t.end()

	srv := mihutest.NewServer(t)
	client := srv.Client(t)
	if err := srv.Inject(mihutest.Fault{On: mihutest.Match{Method: http.MethodPost}, Drop: true, AfterChange: true}); err != nil {
		t.Fatalf("%v", err)
	}

	_, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: srv.AddAgent("Ada"),
	})
	fmt.Println("error:", err)
	fmt.Println("trunks:", len(srv.Trunks()))
	for _, r := range srv.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, r.Changed)
	}
	// Output:
	// error: <nil>
	// trunks: 1
	// POST /phone-numbers/trunks 0 true
	// GET /phone-numbers/channels 200 false
}

// Every third request fails at a proxy.
func ExampleServer_InjectFunc() {
	t := new(tb) // in a test, its *testing.T
	defer t.end()

	srv := mihutest.NewServer(t)
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if srv.RequestCount()%3 != 0 {
			return nil
		}
		return new(mihutest.HTMLPage(http.StatusBadGateway))
	})

	client := srv.Client(t, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}))
	for range 3 {
		_, err := client.Trunks.List(context.Background(), nil)
		fmt.Println(errors.Is(err, mihu.ErrServer))
	}
	// Output:
	// false
	// false
	// true
}

// The API cannot read back a trunk's name, direction, SIP credentials and settings. The fake server
// can.
func ExampleServer_Trunk() {
	t := new(tb) // in a test, its *testing.T
	defer t.end()

	srv := mihutest.NewServer(t)
	client := srv.Client(t)
	id := mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall}
	err := srv.AddTrunk(mihutest.Trunk{
		ID:        id,
		AgentUUID: srv.AddAgent("Ada"),
		SIP:       mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060},
	})
	if err != nil {
		t.Fatalf("%v", err)
	}

	_, err = client.Trunks.Update(context.Background(), id, &mihu.TrunkUpdateRequest{
		Name: new("Front desk"),
		SIP:  &mihu.SIPUpdate{Port: mihu.ClearPort()},
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	trunk, ok := srv.Trunk(id)
	fmt.Println(ok, trunk.Name, trunk.Direction, trunk.SIP.Gateway, trunk.SIP.Port)
	// Output:
	// true Front desk both sip.example.com 0
}

func ExampleServer_Requests() {
	t := new(tb) // in a test, its *testing.T
	defer t.end()

	srv := mihutest.NewServer(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true}))
	client := srv.Client(t)
	_, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a",
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, r := range srv.Requests() {
		fmt.Println(r.Method, r.Path, r.Status, r.Changed)
		fmt.Println(r.Header.Get("Authorization"))
		fmt.Println(string(r.Body))
	}
	// Output:
	// POST /phone-numbers/trunks 201 true
	// Bearer [redacted]
	// {"phone_number":"+12345678901","channel":"call","agent_uuid":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}
}

// The report of "trunkctl probe" makes the server behave as the API that was probed.
func ExampleReadRules() {
	t := new(tb) // in a test, its *testing.T
	defer t.end()

	report, err := os.ReadFile("testdata/probe-report.json")
	if err != nil {
		t.Fatalf("%v", err)
	}
	rules, _, err := mihutest.ReadRules(report)
	if err != nil {
		t.Fatalf("%v", err) // a *mihutest.BeyondError names what no rule expresses
	}
	srv := mihutest.NewServer(t, mihutest.WithRules(rules))
	client := srv.Client(t)

	trunk := &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall},
		AgentUUID: srv.AddAgent("Ada"),
	}
	if _, err := client.Trunks.Create(context.Background(), trunk); err != nil {
		t.Fatalf("%v", err)
	}
	_, err = client.Trunks.Create(context.Background(), trunk)
	fmt.Println("a duplicate is refused as invalid:", errors.Is(err, mihu.ErrInvalid))
	// Output:
	// a duplicate is refused as invalid: true
}
