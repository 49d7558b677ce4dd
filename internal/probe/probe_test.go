package probe_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	numberOne, numberTwo = "+12025550181", "+12025550182"
	agentOne, agentTwo   = "3c90c3cc-0d44-4b50-8888-8dd25736052a", "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b"
)

// workspace is a fake server with trunks of other people, and two spare agents.
func workspace(t *testing.T, rules mihutest.Rules) *mihutest.Server {
	t.Helper()
	srv := mihutest.NewServer(t, mihutest.WithRules(rules), mihutest.WithInMemoryTransport())
	for i := range 3 {
		uuid := srv.AddAgent(fmt.Sprint("other ", i))
		require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1202555010%d", i), Channel: mihu.ChannelCall}, AgentUUID: uuid}))
	}
	_, err := srv.AddPurchasedNumber("+12025550150")
	require.NoError(t, err)
	require.NoError(t, srv.AddAgentWithUUID(agentOne, "Spare"))
	require.NoError(t, srv.AddAgentWithUUID(agentTwo, "Another spare"))
	time.Sleep(rules.ReadLag) // until reads show all of it
	return srv
}

func options(srv *mihutest.Server, journal probe.Journal) probe.Options {
	return probe.Options{
		BaseURL: srv.URL(), Token: srv.Token(), Transport: srv.HTTPClient().Transport,
		Numbers: []string{numberOne, numberTwo}, Agents: []string{agentOne, agentTwo},
		Interval: time.Second, Journal: journal, UserAgent: "probe",
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := workspace(t, mihutest.Rules{})
		result, err := probe.Run(t.Context(), options(srv, new(probe.Memory)))
		require.NoError(t, err)
		for _, o := range result.Report.Observations {
			fmt.Printf("%-24s %-28s %s\n", o.Question, o.Observed, o.Missing)
		}
		fmt.Println(result.Requests, result.Preflight, result.Left, result.Report.Stopped, result.Report.Contract)
		require.Len(t, srv.Trunks(), 3)
		_ = http.MethodGet
	})
}
