// The quickstart takes one trunk through its life: it registers a number with SIP credentials,
// rotates the password, clears the secondary gateway, moves the trunk to another agent, lists it,
// reads its channels, is refused twice, and removes it.
//
//	go run ./examples/quickstart
//
// runs against a fake server in the process. With MIHU_TENANT and MIHU_API_TOKEN set, it runs
// against that workspace, and changes it only with -yes:
//
//	go run ./examples/quickstart -number +12025550142 -agent UUID -to-agent UUID -yes
//
// The number must be one that the workspace does not have yet, and the agents must not serve
// another number on the call channel. What it registers is removed again, also where a step fails
// or Ctrl-C is pressed.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
)

// The number and the agents of the fake server; the number is from the range kept for fiction.
const (
	fakeNumber = "+12025550142"
	frontDesk  = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	nightDesk  = "8d1f5f0e-6f5c-4a53-9f0e-2b6f4f3c9a10"
)

func main() { example.Main("quickstart", run) }

func run(ctx context.Context, env example.Env) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	number := flags.String("number", "", "the `number` to register and remove again, in E.164, which the workspace does not have yet")
	agent := flags.String("agent", env.Getenv("MIHU_AGENT_ID"), "`UUID` of the agent that is to answer first (default $MIHU_AGENT_ID)")
	toAgent := flags.String("to-agent", "", "`UUID` of the agent that the trunk is moved to")
	yes := flags.Bool("yes", false, "change a real workspace")
	if err := env.Parse(flags); err != nil {
		return err
	}
	workspace, err := example.Open(env)
	if err != nil {
		return err
	}
	defer workspace.Close()
	if fake := workspace.Fake; fake != nil {
		*number, *agent, *toAgent = cmp.Or(*number, fakeNumber), cmp.Or(*agent, frontDesk), cmp.Or(*toAgent, nightDesk)
		err := errors.Join(fake.AddAgentWithUUID(*agent, "Front desk"), fake.AddAgentWithUUID(*toAgent, "Night desk"))
		if err != nil {
			return err
		}
	}
	if *number == "" || *agent == "" || *toAgent == "" || *agent == *toAgent {
		return errors.New("a real workspace needs -number, -agent and -to-agent, and two different agents")
	}
	t := &tour{
		env:     env,
		client:  workspace.Client,
		fake:    workspace.Fake,
		id:      mihu.TrunkID{PhoneNumber: *number, Channel: mihu.ChannelCall},
		agent:   *agent,
		toAgent: *toAgent,
	}
	if err := t.checkFree(ctx); err != nil {
		return err
	}
	if !workspace.MayWrite(*yes) {
		env.Printf("%v is free. With -yes, the quickstart registers it for agent %s,\n", t.id, t.agent)
		env.Printf("changes its SIP credentials, moves it to agent %s and removes it again.\n", t.toAgent)
		return example.ErrNotConfirmed
	}
	return t.run(ctx)
}

// checkFree makes sure that nothing of the number's would be touched that was there before.
func (t *tour) checkFree(ctx context.Context) error {
	snap, err := t.client.Channels.GetByNumber(ctx, t.id.PhoneNumber)
	if errors.Is(err, mihu.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !snap.External() {
		return fmt.Errorf("%v is in the purchased inventory, which cannot have trunks; give another -number", t.id)
	}
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp} {
		if binding := snap.Binding(channel); binding.Bound {
			return fmt.Errorf("%v is in use: %s answers on %s; give another -number", t.id, example.Who(binding), channel)
		}
	}
	return nil
}
