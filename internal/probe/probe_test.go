package probe_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/internal/probe"
	"github.com/mihu-go/mihu/internal/probe/probetest"
	"github.com/mihu-go/mihu/mihutest"
)

const (
	numberOne, numberTwo = probetest.NumberOne, probetest.NumberTwo
	agentOne, agentTwo   = probetest.AgentOne, probetest.AgentTwo
)

func workspace(t *testing.T, rules mihutest.Rules) *mihutest.Server {
	t.Helper()
	return probetest.Workspace(t, rules)
}

func options(srv *mihutest.Server, journal probe.Journal) probe.Options {
	return probetest.Options(srv, journal)
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
