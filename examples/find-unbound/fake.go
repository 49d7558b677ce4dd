package main

import (
	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/examples/internal/example"
	"github.com/mihu-go/mihu/mihutest"
)

// populate adds a number of each kind to the fake server, and differences to the plan.
func populate(workspace *example.Workspace, plan map[string]string) error {
	if err := workspace.Populate(5); err != nil {
		return err
	}
	plan["+12025550101"] = workspace.Fake.AddAgent("Night desk")
	plan["+12025550199"] = plan["+12025550101"]
	return workspace.Fake.AddTrunk(mihutest.Trunk{
		ID:        mihu.TrunkID{PhoneNumber: "+12025550150", Channel: mihu.ChannelWhatsApp},
		AgentUUID: workspace.Fake.AddAgent("Chat desk"),
	})
}
