package probetest

import (
	"fmt"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

// A workspace of Workspace.
const (
	// NumberOne and NumberTwo are numbers that nobody uses.
	NumberOne = "+12025550181"
	NumberTwo = "+12025550182"
	// AgentOne and AgentTwo are agents that serve no number.
	AgentOne = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
	AgentTwo = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
	// Purchased is a number of the inventory.
	Purchased = "+12025550150"
)

// Workspace returns a fake server without a network, with trunks of other people and the two spare
// agents. It waits until reads show all of it.
func Workspace(tb mihutest.TB, rules mihutest.Rules) *mihutest.Server {
	tb.Helper()
	srv := mihutest.NewServer(tb, mihutest.WithRules(rules), mihutest.WithInMemoryTransport())
	for i := range 3 {
		id := mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1202555010%d", i), Channel: mihu.ChannelCall}
		check(tb, srv.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: srv.AddAgent(fmt.Sprint("other ", i))}))
	}
	_, err := srv.AddPurchasedNumber(Purchased)
	check(tb, err)
	check(tb, srv.AddAgentWithUUID(AgentOne, "Spare"))
	check(tb, srv.AddAgentWithUUID(AgentTwo, "Another spare"))
	time.Sleep(rules.ReadLag)
	return srv
}

func check(tb mihutest.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("%v", err)
	}
}

// Options returns the options of a probe of a server with both numbers and both agents.
func Options(srv *mihutest.Server, journal probe.Journal) probe.Options {
	return probe.Options{
		BaseURL: srv.URL(), Token: srv.Token(), Transport: srv.HTTPClient().Transport,
		Numbers: []string{NumberOne, NumberTwo}, Agents: []string{AgentOne, AgentTwo},
		Interval: time.Second, Journal: journal, UserAgent: "probe",
	}
}
