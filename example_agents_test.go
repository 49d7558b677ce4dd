package mihu_test

import (
	"context"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// connect connects a phone number to the agent with that name.
func connect(ctx context.Context, workspace, token, number, agentName string, opts ...mihu.Option) (*mihu.ChannelSnapshot, error) {
	client, err := mihu.New(workspace, token, opts...)
	if err != nil {
		return nil, err
	}
	agent, err := client.Agents.Find(ctx, agentName)
	if err != nil {
		return nil, err
	}
	return client.Trunks.Create(ctx, &mihu.TrunkCreateRequest{
		TrunkID: mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}, AgentUUID: agent.UUID,
	})
}

// From a token to the first trunk: no UUID is copied from a web page. A name that does not fit is an
// error that suggests agents.
func ExampleAgentsService_Find() {
	server, err := mihutest.Start() // in place of your workspace
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	if err := server.AddAgentWithUUID("3c90c3cc-0d44-4b50-8888-8dd25736052a", "Front desk"); err != nil {
		fmt.Println(err)
		return
	}

	ctx, api := context.Background(), mihu.WithBaseURL(server.URL())
	_, err = connect(ctx, "acme", server.Token(), "+12025550142", "Front dsk", api)
	fmt.Println(err)
	snap, err := connect(ctx, "acme", server.Token(), "+12025550142", "Front desk", api)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("answered by:", snap.Binding(mihu.ChannelCall).AgentName)
	// Output:
	// mihu: agents.find: not found: no agent has the name or UUID "Front dsk"; did you mean "Front desk" (3c90c3cc-0d44-4b50-8888-8dd25736052a)?
	// answered by: Front desk
}
