package main

import (
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// The demo's agents and trunks are the same every time, so that what the README says can be typed.
// Its numbers are those that are kept for fiction.
const demoAgent = "a0000000-0000-4000-8000-00000000000%d"

var demoAgents = [...]string{"Front desk", "Sales", "Support", "Night line", "Spare"}

// openDemo starts the server of --demo. Any well-formed agent UUID is one of an agent there, so that
// a file made for a real workspace can be tried.
func (a *app) openDemo(options []mihu.Option) (*workspace, error) {
	server, err := mihutest.Start(mihutest.WithRules(mihutest.Rules{AnyAgent: true}), mihutest.WithRequestLimit(0))
	if err != nil {
		return nil, err
	}
	a.demo = server
	for i, name := range demoAgents {
		if err := server.AddAgentWithUUID(fmt.Sprintf(demoAgent, i+1), name); err != nil {
			return nil, err
		}
	}
	for i, id := range []mihu.TrunkID{
		{PhoneNumber: "+12025550100", Channel: mihu.ChannelCall},
		{PhoneNumber: "+12025550101", Channel: mihu.ChannelCall},
		{PhoneNumber: "+442079460102", Channel: mihu.ChannelWhatsApp},
	} {
		err := server.AddTrunk(mihutest.Trunk{
			ID: id, AgentUUID: fmt.Sprintf(demoAgent, i+1), PhoneNumberUUID: fmt.Sprintf("b0000000-0000-4000-8000-00000000000%d", i+1),
		})
		if err != nil {
			return nil, err
		}
	}
	client, err := server.NewClient(options...)
	if err != nil {
		return nil, err
	}
	a.note("demo: a Mihu inside of this program; nothing leaves this machine, and all is forgotten at the end")
	return &workspace{client, "the demo"}, nil
}

func (a *app) closeDemo() {
	if a.demo != nil {
		a.demo.Close()
	}
}
