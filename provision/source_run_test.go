package provision_test

import (
	"iter"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

const repeating = header +
	"+12345678901,call," + agent1 + "\n" +
	"+12345678902,call," + agent2 + "\n\n" +
	"+1 234 567-8901,call," + agent1 + "\n" +
	"+12345678903,call," + agent3 + "\n" + // which serves another number
	"+12345678902,call," + agent2 + "\n" +
	"+12345678902,call," + agent2 + "\n"

const (
	agent1 = "3c90c3cc-0d44-4b50-8888-000000000001"
	agent2 = "3c90c3cc-0d44-4b50-8888-000000000002"
	agent3 = "3c90c3cc-0d44-4b50-8888-000000000003"
)

// Run and Plan of a source yield what Run and Plan of its items yield, with a journal too.
func TestSourceRun(t *testing.T) {
	t.Parallel()
	source, err := spool(t, repeating, provision.ReadOptions{})
	require.NoError(t, err)
	type results = iter.Seq2[provision.Result, error]
	type run func(*mihu.Client, provision.Options) results
	runs := map[string]run{
		"Run": func(c *mihu.Client, o provision.Options) results {
			return provision.Run(t.Context(), c, source.Items(), o)
		},
		"Source.Run": func(c *mihu.Client, o provision.Options) results { return source.Run(t.Context(), c, o) },
		"Plan": func(c *mihu.Client, o provision.Options) results {
			return provision.Plan(t.Context(), c, source.Items(), o)
		},
		"Source.Plan": func(c *mihu.Client, o provision.Options) results { return source.Plan(t.Context(), c, o) },
	}
	outcome := func(t *testing.T, run run, client *mihu.Client, journal *provision.Journal) map[int]provision.Action {
		t.Helper()
		results, err := collect(t, run(client, provision.Options{Workers: 1, Journal: journal}))
		require.NoError(t, err)
		actions := map[int]provision.Action{}
		for _, result := range results {
			actions[result.Item.Line] = result.Action
		}
		return actions
	}
	for name, run := range runs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal")
			srv := newServer(t)
			require.NoError(t, srv.AddTrunk(mihutest.Trunk{ID: trunk(9), AgentUUID: agent3}))
			client := srv.Client(t)
			journal := open(t, path, source.Fingerprint())
			plans := name == "Plan" || name == "Source.Plan"
			created := provision.Created
			if plans {
				created = provision.Create
			}
			assert.Equal(t, map[int]provision.Action{
				2: created, 3: created, 5: provision.Duplicate, 6: provision.Failed, 7: provision.Duplicate, 8: provision.Duplicate,
			}, outcome(t, run, client, journal))
			if plans {
				return
			}
			assert.Equal(t, map[int]provision.Action{
				2: provision.Resumed, 3: provision.Resumed, 5: provision.Duplicate, 6: provision.Failed, 7: provision.Duplicate, 8: provision.Duplicate,
			}, outcome(t, run, client, journal))
		})
	}
}
