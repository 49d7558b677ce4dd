// Quickstart shows the life of one trunk. It creates a trunk with SIP credentials, changes the
// password, clears the secondary gateway, moves the trunk to another agent, lists it, reads its
// channels, shows two errors and deletes the trunk.
//
//	go run ./examples/quickstart
//
// This uses an in-process fake server. With MIHU_TENANT and MIHU_API_TOKEN set, the program uses
// that workspace, and changes it only with -yes:
//
//	go run ./examples/quickstart -number +12025550142 -agent UUID -to-agent UUID -yes
//
// The number must be new to the workspace, and the agents must not serve another number on the call
// channel. The program deletes the trunk that it created, even if a step fails or you press Ctrl-C.
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

// The number and the agents on the fake server. The number is reserved for fiction.
const (
	fakeNumber = "+12025550142"
	frontDesk  = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	nightDesk  = "8d1f5f0e-6f5c-4a53-9f0e-2b6f4f3c9a10"
)

func main() { example.Main("quickstart", run) }

func run(ctx context.Context, env example.Env) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	number := flags.String("number", "", "E.164 `number` of the trunk to create and delete; must be new to the workspace")
	agent := flags.String("agent", env.Getenv("MIHU_AGENT_ID"), "`UUID` of the trunk's first agent (default $MIHU_AGENT_ID)")
	toAgent := flags.String("to-agent", "", "`UUID` of the agent to move the trunk to")
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
		return errors.New("a real workspace requires -number, -agent and -to-agent, with two different agents")
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
		env.Printf("%v is free. With -yes, quickstart creates a trunk for agent %s,\n", t.id, t.agent)
		env.Printf("changes its SIP credentials, moves it to agent %s and deletes it.\n", t.toAgent)
		return example.ErrNotConfirmed
	}
	return t.run(ctx)
}

// checkFree returns an error if the number is in use, so that the program changes nothing of yours.
func (t *tour) checkFree(ctx context.Context) error {
	snap, err := t.client.Channels.GetByNumber(ctx, t.id.PhoneNumber)
	if errors.Is(err, mihu.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !snap.External() {
		return fmt.Errorf("%v is in the purchased inventory and cannot have trunks; use another -number", t.id)
	}
	for _, channel := range []mihu.Channel{mihu.ChannelCall, mihu.ChannelSMS, mihu.ChannelWhatsApp} {
		if binding := snap.Binding(channel); binding.Bound {
			return fmt.Errorf("%v is in use: %s answers on %s; use another -number", t.id, example.Who(binding), channel)
		}
	}
	return nil
}
