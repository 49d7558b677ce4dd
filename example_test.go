package mihu_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	dayAgent   = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	nightAgent = "8d1f5f0e-6f5c-4a53-9f0e-2b6f4f3c9a10"
)

var mainLine = mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall}

// startFake starts a fake server with two agents and one trunk, mainLine, which is on the day desk,
// and returns a client of it. A program would call mihu.New.
func startFake(opts ...mihu.Option) (*mihu.Client, *mihutest.Server) {
	server, err := mihutest.Start()
	if err != nil {
		panic(err)
	}
	client, clientErr := server.NewClient(opts...)
	err = errors.Join(
		clientErr,
		server.AddAgentWithUUID(dayAgent, "Day desk"),
		server.AddAgentWithUUID(nightAgent, "Night desk"),
		server.AddTrunk(mihutest.Trunk{
			ID:              mainLine,
			AgentUUID:       dayAgent,
			SIP:             mihu.SIPCredentials{Gateway: "sip1.example.net", Port: 5060, SecondaryGateway: "sip2.example.net"},
			PhoneNumberUUID: "5b0f2d5e-3c1a-4d8e-9a53-6f0c1b7d2e48",
		}),
	)
	if err != nil {
		panic(err)
	}
	return client, server
}

// injectFault injects faults into the next requests of a server.
func injectFault(server *mihutest.Server, faults ...mihutest.Fault) {
	if err := server.Inject(faults...); err != nil {
		panic(err)
	}
}

// The life of a trunk: it is created, changed, moved to another agent and deleted.
func Example() {
	server, err := mihutest.Start() // in place of your workspace
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	day, night := server.AddAgent("Day desk"), server.AddAgent("Night desk")

	ctx := context.Background()
	client, err := mihu.New("acme", server.Token(), mihu.WithBaseURL(server.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}
	id := mihu.TrunkID{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall}
	snap, err := client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID:   id,
		AgentUUID: day,
		SIP:       &mihu.SIPCredentials{Gateway: "sip.example.com", Username: "acme", Password: "first"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("registered:", snap.Binding(id.Channel).AgentName)

	_, err = client.Trunks.Update(ctx, id, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{Password: new("second")}, // everything else is unchanged
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	snap, err = client.Trunks.Assign(ctx, id, night)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("moved:", snap.Binding(id.Channel).AgentName)

	if err := client.Trunks.Delete(ctx, id); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("removed:", id)
	// Output:
	// registered: Day desk
	// moved: Night desk
	// removed: +1202•••0142/call
}

// register is the first example of the README.
func register(ctx context.Context, agent string) error {
	client, err := mihu.New("acme", os.Getenv("MIHU_API_TOKEN"))
	if err != nil {
		return err
	}
	id := mihu.TrunkID{PhoneNumber: "+12345678901", Channel: mihu.ChannelCall}
	snap, err := client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: agent})
	if err != nil {
		return err
	}
	fmt.Println(snap.Binding(mihu.ChannelCall).AgentName, "answers")
	return nil
}

// findAgent is the example of the README that looks up an agent.
func findAgent(ctx context.Context, client *mihu.Client) error {
	agent, err := client.Agents.Find(ctx, "Front desk")
	if err != nil {
		return err
	}
	fmt.Println(agent.UUID)
	return nil
}

// The UUID that identifies an agent is looked up by the agent's name.
func Example_agent() {
	server, err := mihutest.Start() // in place of your workspace
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	client, err := server.NewClient()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := server.AddAgentWithUUID("3c90c3cc-0d44-4b50-8888-8dd25736052a", "Front desk"); err != nil {
		fmt.Println(err)
		return
	}
	if err := findAgent(context.Background(), client); err != nil {
		fmt.Println(err)
	}
	// Output: 3c90c3cc-0d44-4b50-8888-8dd25736052a
}

// Invalid input, such as an empty token or an invalid agent, is rejected before anything is sent.
func Example_invalid() {
	err := register(context.Background(), "front desk")
	fmt.Println("invalid:", errors.Is(err, mihu.ErrInvalid))
	// Output: invalid: true
}

// Use errors.Is to distinguish failures. Check for an unknown outcome first, since such an error
// matches its causes too.
func Example_errors() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Assign(context.Background(), mihu.TrunkID{PhoneNumber: "+12025550199", Channel: mihu.ChannelCall}, nightAgent)
	switch {
	case err == nil:
		fmt.Println("moved")
	case errors.Is(err, mihu.ErrOutcomeUnknown):
		fmt.Println("perhaps moved: read the number's channels")
	case errors.Is(err, mihu.ErrNotFound):
		fmt.Println("there is no such trunk")
	case errors.Is(err, mihu.ErrConflict), errors.Is(err, mihu.ErrInvalid):
		fmt.Println("refused:", err)
	default:
		fmt.Println("try later:", err)
	}
	// Output: there is no such trunk
}

func ExampleNew() {
	_, err := mihu.New("acme", "1|the-token\n")
	fmt.Println(err) // does not contain the token

	client, err := mihu.New("acme", "1|the-token", mihu.WithUserAgent("acme-sync/1.4"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client)
	// Output:
	// mihu: new: not sent: token: has white space, a control character or one that is not ASCII, at position 12; was it read with its line end?
	// mihu.Client(https://acme.mihu.ai/api/v1)
}

// setEnv sets an environment variable and returns a function that restores it.
func setEnv(name, value string) (restore func()) {
	before, had := os.LookupEnv(name)
	err := os.Setenv(name, value)
	if err != nil {
		panic(err)
	}
	return func() {
		if had {
			_ = os.Setenv(name, before)
		} else {
			_ = os.Unsetenv(name)
		}
	}
}

// MIHU_BASE_URL can take the place of MIHU_TENANT.
func ExampleNewFromEnv() {
	defer setEnv(mihu.EnvTenant, "acme")()
	defer setEnv(mihu.EnvToken, "1|the-token-of-the-workspace")()
	defer setEnv(mihu.EnvBaseURL, "")()

	client, err := mihu.NewFromEnv()
	if err != nil {
		fmt.Println(err) // lists each missing variable
		return
	}
	fmt.Println(client.BaseURL())
	// Output: https://acme.mihu.ai/api/v1
}

// Do sends requests to endpoints that have no method. This one lists the whole inventory, including
// purchased numbers.
func ExampleClient_Do() {
	client, server := startFake()
	defer server.Close()
	if _, err := server.AddPurchasedNumber("+12025550100"); err != nil {
		fmt.Println(err)
		return
	}

	var page mihu.Page[mihu.PhoneNumber]
	err := client.Do(context.Background(), &mihu.Request{
		Method: http.MethodGet,
		Path:   "/phone-numbers",
		Query:  url.Values{"per_page": {"100"}},
	}, &page)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, number := range page.Items {
		fmt.Println(number.Number, number.Source)
	}
	// Output:
	// +12025550142 external
	// +12025550100 purchased
}

// A path argument is one whole segment of the path. One that would change the endpoint is rejected.
func ExampleClient_Do_pathArgs() {
	client, server := startFake()
	defer server.Close()

	for _, uuid := range []string{"5b0f2d5e-3c1a-4d8e-9a53-6f0c1b7d2e48", "../trunks"} {
		var snap mihu.ChannelSnapshot
		err := client.Do(context.Background(), &mihu.Request{
			Method:   http.MethodGet,
			Path:     "/phone-numbers/{uuid}/channels",
			PathArgs: map[string]string{"uuid": uuid},
		}, &snap)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(snap.Channels.Call.AgentName)
	}
	// Output:
	// Day desk
	// mihu: GET /phone-numbers/{uuid}/channels: not sent: path argument "uuid": has a slash, which would change the endpoint
}

// A program that continues without the client can close its idle connections.
func ExampleClient_CloseIdleConnections() {
	client, server := startFake()
	defer server.Close()
	defer client.CloseIdleConnections()

	page, err := client.Trunks.List(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(page.Items))
	// Output: 1
}

func ExampleClient_BaseURL() {
	client, err := mihu.New("acme", "1|the-token-of-the-workspace")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.BaseURL())
	// Output: https://acme.mihu.ai/api/v1
}

func ExampleTrunksService_Create() {
	client, server := startFake()
	defer server.Close()

	id := mihu.TrunkID{PhoneNumber: "+12025550143", Channel: mihu.ChannelCall}
	snap, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   id,
		AgentUUID: nightAgent,
		Name:      "Berlin, second line",
		Direction: mihu.DirectionInbound,
		SIP: &mihu.SIPCredentials{
			Gateway:  "sip.example.com",
			Port:     5061,
			Username: "acme",
			Password: "not printed",
		},
		AdditionalSettings: map[string]any{"ani_format": "e164"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(snap.Binding(id.Channel).AgentName)
	// Output: Night desk
}

// A WhatsApp trunk has neither direction nor SIP credentials. The same number can be on both
// channels, as two trunks.
func ExampleTrunksService_Create_whatsApp() {
	client, server := startFake()
	defer server.Close()

	snap, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: mainLine.PhoneNumber, Channel: mihu.ChannelWhatsApp},
		AgentUUID: nightAgent,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("calls:", snap.Channels.Call.AgentName)
	fmt.Println("WhatsApp:", snap.Channels.WhatsApp.AgentName)
	// Output:
	// calls: Day desk
	// WhatsApp: Night desk
}

// A nil field is unchanged, and a pointer to "" clears a credential.
func ExampleTrunksService_Update() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Update(context.Background(), mainLine, &mihu.TrunkUpdateRequest{
		Name: new("Main line"),
		SIP: &mihu.SIPUpdate{
			Password:         new("rotated"),
			SecondaryGateway: new(""),
		},
		AdditionalSettings: map[string]any{"ani_format": "e164"}, // replaces all stored settings
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	stored, _ := server.Trunk(mainLine) // the API itself never returns these
	fmt.Println("name:", stored.Name)
	fmt.Println("gateway:", stored.SIP.Gateway)
	fmt.Printf("secondary gateway: %q\n", stored.SIP.SecondaryGateway)
	// Output:
	// name: Main line
	// gateway: sip1.example.net
	// secondary gateway: ""
}

// An empty map clears the stored settings; nil would leave them unchanged.
func ExampleTrunksService_Update_clearSettings() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Update(context.Background(), mainLine, &mihu.TrunkUpdateRequest{
		AdditionalSettings: map[string]any{},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("cleared")
	// Output: cleared
}

// Assign keeps the credentials and settings of the trunk.
func ExampleTrunksService_Assign() {
	client, server := startFake()
	defer server.Close()

	snap, err := client.Trunks.Assign(context.Background(), mainLine, nightAgent)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("answered by", snap.Binding(mainLine.Channel).AgentName)
	// Output: answered by Night desk
}

// Delete of a trunk that does not exist is ErrNotFound, so that a mistyped number is noticed.
func ExampleTrunksService_Delete() {
	client, server := startFake()
	defer server.Close()

	for range 2 {
		err := client.Trunks.Delete(context.Background(), mainLine)
		switch {
		case errors.Is(err, mihu.ErrNotFound):
			fmt.Println("not found")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("removed")
		}
	}
	// Output:
	// removed
	// not found
}

func ExampleTrunksService_List() {
	client, server := startFake()
	defer server.Close()

	page, err := client.Trunks.List(context.Background(), &mihu.ListOptions{Page: 1, PerPage: 50})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, number := range page.Items {
		fmt.Println(number.Number)
	}
	if page.Pagination != nil { // the API does not document it for trunks
		fmt.Println("of", page.Pagination.Total)
	}
	// Output:
	// +12025550142
	// of 1
}

// All fetches the next page when the loop needs it. A break ends the iteration.
func ExampleTrunksService_All() {
	client, server := startFake()
	defer server.Close()

	for number, err := range client.Trunks.All(context.Background(), nil) {
		if err != nil {
			fmt.Println("the list is not complete:", err)
			break
		}
		fmt.Println(number.Number, number.Binding(mihu.ChannelCall).AgentName)
	}
	// Output: +12025550142 Day desk
}

// Every snapshot and every item of a list has the number's UUID.
func ExampleChannelsService_Get() {
	client, server := startFake()
	defer server.Close()

	snap, err := client.Channels.Get(context.Background(), "5b0f2d5e-3c1a-4d8e-9a53-6f0c1b7d2e48")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(snap.Number, snap.Source)
	// Output: +12025550142 external
}

func ExampleChannelsService_GetByNumber() {
	client, server := startFake()
	defer server.Close()

	snap, err := client.Channels.GetByNumber(context.Background(), "+12025550142")
	if errors.Is(err, mihu.ErrNotFound) {
		fmt.Println("the workspace does not have the number")
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	call := snap.Channels.Call
	fmt.Println("enabled:", call.Enabled)
	fmt.Println("answered by", call.AgentName)
	if call.ChannelLimit == nil {
		fmt.Println("no limit of simultaneous calls")
	}
	// Output:
	// enabled: true
	// answered by Day desk
	// no limit of simultaneous calls
}

// Binding returns the binding of any channel. The snapshot's own fields have different types.
func ExampleChannelSnapshot_Binding() {
	client, server := startFake()
	defer server.Close()

	snap, err := client.Channels.GetByNumber(context.Background(), "+12025550142")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp} {
		fmt.Println(channel, snap.Binding(channel).Bound)
	}
	// Output:
	// call true
	// sms false
	// whatsapp false
}

// One of the two marks of an external number is enough, since the API's own examples set only one.
func ExampleChannelSnapshot_External() {
	fmt.Println(mihu.ChannelSnapshot{IsExternal: true, Source: mihu.SourcePurchased}.External())
	fmt.Println(mihu.ChannelSnapshot{Source: mihu.SourceExternal}.External())
	fmt.Println(mihu.ChannelSnapshot{Source: mihu.SourcePurchased}.External())
	// Output:
	// true
	// true
	// false
}

func ExamplePhoneNumber_Binding() {
	client, server := startFake()
	defer server.Close()

	for number, err := range client.Trunks.All(context.Background(), nil) {
		if err != nil {
			fmt.Println(err)
			break
		}
		if !number.Binding(mihu.ChannelWhatsApp).Bound {
			fmt.Println(number.Number, "is not on WhatsApp")
		}
	}
	// Output: +12025550142 is not on WhatsApp
}

func ExamplePhoneNumber_External() {
	number := mihu.PhoneNumber{Number: "+12025550142", IsExternal: true}
	fmt.Println(number.External())
	// Output: true
}

func ExampleSetPort() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Update(context.Background(), mainLine, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{Port: mihu.SetPort(5061)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, _ := server.Trunk(mainLine)
	fmt.Println(stored.SIP.Port)
	// Output: 5061
}

func ExampleClearPort() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Update(context.Background(), mainLine, &mihu.TrunkUpdateRequest{
		SIP: &mihu.SIPUpdate{Port: mihu.ClearPort()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, _ := server.Trunk(mainLine)
	fmt.Println("set:", stored.SIP.Port != 0)
	// Output: set: false
}

// A port is sent as a number, and a cleared port as the empty string.
func ExamplePortUpdate_MarshalJSON() {
	for _, port := range []*mihu.PortUpdate{mihu.SetPort(5061), mihu.ClearPort()} {
		body, err := json.Marshal(port)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(body))
	}
	// Output:
	// 5061
	// ""
}

// A TrunkID prints with the number masked, and can be the key of a map.
func ExampleTrunkID() {
	owner := map[mihu.TrunkID]string{
		{PhoneNumber: "+12025550142", Channel: mihu.ChannelCall}: "sales",
	}
	for id, team := range owner {
		fmt.Println(id, "belongs to", team)
		fmt.Println("in full:", id.PhoneNumber)
	}
	// Output:
	// +1202•••0142/call belongs to sales
	// in full: +12025550142
}

// Requests print and log without secrets, under every verb and in slog.
func ExampleTrunkUpdateRequest() {
	req := mihu.TrunkUpdateRequest{
		Direction: new(mihu.DirectionInbound),
		SIP:       &mihu.SIPUpdate{Username: new("acme"), Password: new("secret"), SecondaryGateway: new("")},
	}
	fmt.Printf("%+v\n", req)
	// Output: TrunkUpdateRequest{direction:"inbound" sip:{username:"[redacted]" password:"[redacted]" secondary_gateway:""}}
}

// An invalid request is not sent, and the error lists every violation.
func ExampleValidationError() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "2025550142", Channel: mihu.ChannelCall},
		AgentUUID: "front desk",
		SIP:       &mihu.SIPCredentials{Gateway: "sip:sip.example.com", Port: 70000},
	})
	if invalid, ok := errors.AsType[*mihu.ValidationError](err); ok {
		for _, violation := range invalid.Violations {
			fmt.Println(violation.Field)
		}
	}
	fmt.Println("requests:", server.RequestCount())
	// Output:
	// phone_number
	// agent_uuid
	// sip.gateway
	// sip.port
	// requests: 0
}

func ExampleAPIError() {
	client, server := startFake()
	defer server.Close()
	injectFault(server, mihutest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "300"})

	_, err := client.Trunks.List(context.Background(), nil)
	if failure, ok := errors.AsType[*mihu.APIError](err); ok {
		fmt.Println("status:", failure.StatusCode)
		fmt.Println("code:", failure.Code)
		fmt.Println("request id:", failure.RequestID)
		fmt.Println("retry after", failure.RetryAfter)
	}
	fmt.Println("rate limited:", errors.Is(err, mihu.ErrRateLimited))
	// Output:
	// status: 429
	// code: TOO_MANY_REQUESTS
	// request id: mihutest-000001
	// retry after 5m0s
	// rate limited: true
}

// A 422 may list the errors of each field.
func ExampleAPIError_fieldErrors() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.Assign(context.Background(), mainLine, "ffffffff-0d44-4b50-8888-8dd25736052a")
	if failure, ok := errors.AsType[*mihu.APIError](err); ok {
		for field, messages := range failure.FieldErrors {
			fmt.Println(field, messages)
		}
	}
	fmt.Println("invalid:", errors.Is(err, mihu.ErrInvalid))
	// Output:
	// agent_uuid [There is no such agent]
	// invalid: true
}

// The HTML page of a proxy is an APIError too, with its status.
func ExampleAPIError_htmlPage() {
	client, server := startFake(mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}))
	defer server.Close()
	injectFault(server, mihutest.HTMLPage(http.StatusBadGateway))

	_, err := client.Trunks.List(context.Background(), nil)
	if failure, ok := errors.AsType[*mihu.APIError](err); ok {
		fmt.Println("status:", failure.StatusCode)
	}
	fmt.Println("server error:", errors.Is(err, mihu.ErrServer))
	fmt.Println("malformed:", errors.Is(err, mihu.ErrMalformedResponse))
	// Output:
	// status: 502
	// server error: true
	// malformed: true
}

// If there is no response, the error has the cause.
func ExampleTransportError() {
	client, server := startFake()
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	server.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		cancel() // the caller gives up while the server has the request
		return &mihutest.Fault{Delay: time.Hour}
	})

	_, err := client.Trunks.List(ctx, nil)
	if lost, ok := errors.AsType[*mihu.TransportError](err); ok {
		fmt.Println(lost.Op, "had no response, attempts:", lost.Attempts)
		fmt.Println("timed out:", lost.Timeout())
	}
	fmt.Println("canceled:", errors.Is(err, context.Canceled))
	// Output:
	// trunks.list had no response, attempts: 1
	// timed out: false
	// canceled: true
}

// If a change may have been applied, the error has advice on how to find out.
func ExampleUnknownOutcomeError() {
	client, server := startFake()
	defer server.Close()
	injectFault(server, mihutest.Fault{On: mihutest.Match{Method: http.MethodPut}, Status: http.StatusInternalServerError, AfterChange: true})

	ctx := context.Background()
	_, err := client.Trunks.Assign(ctx, mainLine, nightAgent)
	if unknown, ok := errors.AsType[*mihu.UnknownOutcomeError](err); ok {
		fmt.Println(unknown.Advice)
		snap, err := client.Channels.GetByNumber(ctx, mainLine.PhoneNumber)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("answered by", snap.Binding(mainLine.Channel).AgentName)
	}
	// Output:
	// read the number's channels with Channels.GetByNumber to find out which agent it is on
	// answered by Night desk
}

// If the response to a Create is lost and the trunk turns out to be on another agent, the error is
// a ConflictError.
func ExampleConflictError() {
	client, server := startFake()
	defer server.Close()
	injectFault(server, mihutest.Fault{On: mihutest.Match{Method: http.MethodPost}, Drop: true})

	_, err := client.Trunks.Create(context.Background(), &mihu.TrunkCreateRequest{TrunkID: mainLine, AgentUUID: nightAgent})
	if conflict, ok := errors.AsType[*mihu.ConflictError](err); ok {
		fmt.Println(conflict.Trunk, "is on the day desk:", conflict.AgentUUID == dayAgent)
	}
	fmt.Println("a conflict:", errors.Is(err, mihu.ErrConflict))
	// Output:
	// +1202•••0142/call is on the day desk: true
	// a conflict: true
}

func ExampleWithResponse() {
	client, server := startFake()
	defer server.Close()

	var resp mihu.Response
	_, err := client.Trunks.List(context.Background(), nil, mihu.WithResponse(&resp))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, resp.RequestID, resp.Attempts)
	fmt.Println(resp.Header.Get("Content-Type"))
	// Output:
	// 200 mihutest-000001 1
	// application/json
}

func ExampleWithHeader() {
	client, server := startFake()
	defer server.Close()

	_, err := client.Trunks.List(context.Background(), nil, mihu.WithHeader("Accept-Language", "de"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(server.Requests()[0].Header.Get("Accept-Language"))
	// Output: de
}

// Without reconciliation, a Create whose response is lost returns at once, and the program has to
// find out whether the trunk exists.
func ExampleWithoutReconciliation() {
	client, server := startFake()
	defer server.Close()
	injectFault(server, mihutest.Fault{On: mihutest.Match{Method: http.MethodPost}, Drop: true, AfterChange: true})

	req := &mihu.TrunkCreateRequest{
		TrunkID:   mihu.TrunkID{PhoneNumber: "+12025550143", Channel: mihu.ChannelCall},
		AgentUUID: nightAgent,
	}
	_, err := client.Trunks.Create(context.Background(), req, mihu.WithoutReconciliation())
	fmt.Println("outcome unknown:", errors.Is(err, mihu.ErrOutcomeUnknown))
	fmt.Println("requests:", server.RequestCount())
	// Output:
	// outcome unknown: true
	// requests: 1
}

func ExampleWithBaseURL() {
	client, err := mihu.New("", "1|the-token-of-the-workspace", mihu.WithBaseURL("https://acme.mindhunters.ai/api/v1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.BaseURL())
	// Output: https://acme.mindhunters.ai/api/v1
}

// Use the http.Client's transport to set a proxy, a client certificate or tracing. Here it trusts
// the fake server's certificate and connects to it under the workspace's host name.
func ExampleWithHTTPClient() {
	server, err := mihutest.Start(mihutest.WithTLS())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	client, err := mihu.New("acme", server.Token(), mihu.WithHTTPClient(server.HTTPClient()))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.Trunks.List(context.Background(), nil); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(server.Requests()[0].Host)
	// Output: acme.mihu.ai
}

// Fewer and earlier retries than by default suit an interactive program.
func ExampleWithRetryPolicy() {
	client, server := startFake(mihu.WithRetryPolicy(mihu.RetryPolicy{
		MaxAttempts: 2,
		BaseDelay:   10 * time.Millisecond,
	}))
	defer server.Close()
	injectFault(server, mihutest.Fault{On: mihutest.Match{Times: -1}, Status: http.StatusServiceUnavailable})

	_, err := client.Trunks.List(context.Background(), nil)
	if failure, ok := errors.AsType[*mihu.APIError](err); ok {
		fmt.Println(failure.StatusCode, "after", failure.Attempts, "attempts")
	}
	// Output: 503 after 2 attempts
}

// The timeout bounds each attempt; the context bounds the whole call.
func ExampleWithAttemptTimeout() {
	client, server := startFake(
		mihu.WithAttemptTimeout(20*time.Millisecond),
		mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}),
	)
	defer server.Close()
	injectFault(server, mihutest.Fault{Delay: time.Hour})

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := client.Trunks.List(ctx, nil)
	fmt.Println(err)
	fmt.Println("the context's deadline passed:", errors.Is(err, context.DeadlineExceeded))
	// Output:
	// mihu: trunks.list: no response within the attempt timeout of 20ms
	// the context's deadline passed: false
}

// Attempts are logged at Debug and retries at Warn, without bodies, secrets and whole numbers.
func ExampleWithLogger() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			switch attr.Key {
			case slog.TimeKey, "duration", "wait": // differ from run to run
				return slog.Attr{}
			}
			return attr
		},
	}))
	client, server := startFake(mihu.WithLogger(logger), mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond}))
	defer server.Close()
	injectFault(server, mihutest.Fault{Status: http.StatusServiceUnavailable})

	if _, err := client.Trunks.List(context.Background(), nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// level=DEBUG msg="mihu: attempt" op=trunks.list method=GET attempt=1 status=503 request_id=mihutest-000001 error="mihu: trunks.list: 503 SERVICE_UNAVAILABLE: Service Unavailable: Injected fault (request mihutest-000001)"
	// level=WARN msg="mihu: retrying" op=trunks.list method=GET attempt=1 error="mihu: trunks.list: 503 SERVICE_UNAVAILABLE: Service Unavailable: Injected fault (request mihutest-000001)"
	// level=DEBUG msg="mihu: attempt" op=trunks.list method=GET attempt=2 status=200 request_id=mihutest-000002
}

// These hooks count calls by operation and status, and requests.
func ExampleWithHooks() {
	var mu sync.Mutex
	calls, requests := map[string]int{}, 0
	hooks := mihu.Hooks{
		AttemptEnd: func(context.Context, mihu.AttemptInfo, mihu.AttemptResult) {
			mu.Lock()
			defer mu.Unlock()
			requests++
		},
		CallEnd: func(_ context.Context, call mihu.CallInfo, result mihu.CallResult) {
			mu.Lock()
			defer mu.Unlock()
			calls[fmt.Sprint(call.Op, " ", result.StatusCode)]++
		},
	}
	client, server := startFake(mihu.WithHooks(hooks), mihu.WithRetryPolicy(mihu.RetryPolicy{BaseDelay: time.Millisecond}))
	defer server.Close()
	injectFault(server, mihutest.Fault{Status: http.StatusServiceUnavailable})

	ctx := context.Background()
	_, listErr := client.Trunks.List(ctx, nil) // retried once
	_, assignErr := client.Trunks.Assign(ctx, mainLine, nightAgent)
	missing := client.Trunks.Delete(ctx, mihu.TrunkID{PhoneNumber: "+12025550199", Channel: mihu.ChannelCall})
	fmt.Println(listErr, assignErr, errors.Is(missing, mihu.ErrNotFound))

	for _, name := range slices.Sorted(maps.Keys(calls)) {
		fmt.Println(name, calls[name])
	}
	fmt.Println("requests", requests)
	// Output:
	// <nil> <nil> true
	// trunks.assign 200 1
	// trunks.delete 404 1
	// trunks.list 200 1
	// requests 4
}

func ExampleWithUserAgent() {
	client, server := startFake(mihu.WithUserAgent("acme-sync/1.4"))
	defer server.Close()

	if _, err := client.Trunks.List(context.Background(), nil); err != nil {
		fmt.Println(err)
		return
	}
	agent := server.Requests()[0].Header.Get("User-Agent")
	fmt.Println(strings.HasPrefix(agent, "mihu-go/"), strings.HasSuffix(agent, " acme-sync/1.4"))
	// Output: true true
}

// tickLimiter is a Limiter that lets one request pass per tick. *rate.Limiter of golang.org/x/time
// is a Limiter too.
type tickLimiter <-chan time.Time

func (t tickLimiter) Wait(ctx context.Context) error {
	select {
	case <-t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func ExampleWithLimiter() {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	client, server := startFake(mihu.WithLimiter(tickLimiter(ticker.C)))
	defer server.Close()

	begin := time.Now()
	for range 4 {
		if _, err := client.Trunks.List(context.Background(), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("held back:", time.Since(begin) > 5*time.Millisecond)
	// Output: held back: true
}

// The token is read from a file before every attempt, so that a new token needs no restart.
func ExampleWithTokenSource() {
	secrets := fstest.MapFS{"mihu": {Data: []byte(mihutest.DefaultToken + "\n")}} // such as os.DirFS("/run/secrets")
	source := mihu.TokenFunc(func(context.Context) (string, error) {
		token, err := fs.ReadFile(secrets, "mihu")
		return strings.TrimSpace(string(token)), err
	})
	client, server := startFake(mihu.WithTokenSource(source))
	defer server.Close()

	page, err := client.Trunks.List(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(page.Items))
	// Output: 1
}

// cachedToken keeps a token until the API rejects it.
type cachedToken struct {
	fetch func(context.Context) (string, error)

	mu    sync.Mutex
	token string
}

func (c *cachedToken) Token(ctx context.Context) (string, error) { return c.Refresh(ctx, "") }

func (c *cachedToken) Refresh(ctx context.Context, rejected string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// If many calls are rejected at once, only the first still finds its token here.
	if c.token != "" && c.token != rejected {
		return c.token, nil
	}
	token, err := c.fetch(ctx)
	if err == nil {
		c.token = token
	}
	return token, err
}

// A source that caches its token fetches another when the API rejects it, and the call continues.
func ExampleTokenRefresher() {
	server, err := mihutest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	source := &cachedToken{fetch: func(context.Context) (string, error) {
		fmt.Println("fetching a token")
		return server.Token(), nil // a program asks its vault
	}}
	client, err := mihu.New("", "", mihu.WithBaseURL(server.URL()), mihu.WithTokenSource(source))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, token := range []string{"first", "first", "second"} {
		server.SetToken(token)
		if _, err := client.Trunks.List(context.Background(), nil); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("listed with the", token, "token")
	}
	// Output:
	// fetching a token
	// listed with the first token
	// listed with the first token
	// fetching a token
	// listed with the second token
}
