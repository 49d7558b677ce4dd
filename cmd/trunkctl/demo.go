package main

import (
	"fmt"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// The demo's agents and trunks are always the same, so that the README's commands work. Its numbers
// are reserved for fiction.
const demoAgent = "a0000000-0000-4000-8000-00000000000%d"

var demoAgents = [...]string{"Front desk", "Sales", "Support", "Night line", "Spare"}

// openDemo starts the fake server of --demo. It accepts any well-formed agent UUID, so that a file
// written for a real workspace can be tried.
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
	if err := addDemoInventory(server); err != nil {
		return nil, err
	}
	client, err := server.NewClient(options...)
	if err != nil {
		return nil, err
	}
	a.note("demo: in-process fake server; changes are discarded at the end")
	return &workspace{&target{name: "demo", base: client.BaseURL(), source: "--demo"}, client, server.Token(), "the demo"}, nil
}

// addDemoInventory adds a purchased number without an agent, and rates. The prices are made up.
func addDemoInventory(server *mihutest.Server) error {
	if _, err := server.AddPurchasedNumber("+12025550150"); err != nil {
		return err
	}
	rate := func(code, country, prefix, amount, description string) mihu.Rate {
		return mihu.Rate{
			CountryCode: code, CountryName: country, DestinationPrefix: prefix, Origination: "any", Description: description,
			MinDurationSeconds: 60, BillingIncrementSeconds: 60, Price: mihu.Price{Amount: mihu.Decimal(amount), Currency: "USD"},
		}
	}
	return server.AddRates(
		rate("US", "United States", "1", "0.0100", "United States"),
		rate("GB", "United Kingdom", "44", "0.0150", "United Kingdom, landline"),
		rate("GB", "United Kingdom", "447", "0.0400", "United Kingdom, mobile"),
		rate("IT", "Italy", "39", "0.0200", "Italy"),
	)
}

func (a *app) closeDemo() {
	if a.demo != nil {
		a.demo.Close()
	}
}
