package mihuriver_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
)

// An outcome that is unknown stays unknown until an attempt finds it out: a refusal of a later attempt does not
// show what became of an earlier one.
func TestUnknownOutcomeStaysUnknown(t *testing.T) {
	t.Parallel()
	applied, notApplied := mihutest.Fault{Drop: true, AfterChange: true}, mihutest.Fault{Drop: true}
	for _, c := range []struct {
		name   string
		first  *mihutest.Fault // of the Create of the first attempt; nil means that its first read fails
		killed bool            // instead, the worker of the first attempt was killed
		second mihutest.Fault  // of the second attempt
		want   mihuriver.Status
		says   string
	}{
		{"then a read is forbidden", &applied, false, mihutest.Fault{Status: 403, Code: "FORBIDDEN"}, mihuriver.Unknown, "FORBIDDEN"},
		{"then a read is invalid", &applied, false, mihutest.Fault{Status: 422, Code: "INVALID"}, mihuriver.Unknown, "INVALID"},
		{"then an update is refused", &applied, false, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: 422, Code: "INVALID"}, mihuriver.Unknown, "INVALID"},
		{"then conflicts are exhausted", &applied, false, mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: 409, Code: "BUSY"}, mihuriver.Unknown, "BUSY"},
		{
			"not applied, then a Create is refused",
			&notApplied, false,
			mihutest.Fault{On: mihutest.Match{Method: "POST"}, Status: 422, Code: "INVALID"},
			mihuriver.Refused, "INVALID",
		},
		{"of a killed worker, then a read is forbidden", nil, true, mihutest.Fault{Status: 403, Code: "FORBIDDEN"}, mihuriver.Unknown, "FORBIDDEN"},
		{
			"of a failed read is not one",
			nil, false,
			mihutest.Fault{Status: 403, Code: "FORBIDDEN"},
			mihuriver.Refused, "FORBIDDEN",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{})
			wanted := item(one, p.mihu.AddAgent("A"))
			wanted.Trunk.Name = "desk"
			p.enqueue("x", wanted)
			if c.killed {
				p.exec("UPDATE river_job SET attempt = 1, state = 'retryable'")
			} else {
				p.mihu.InjectFunc(firstAttempt(c.first))
			}
			second := c.second
			second.On.Times = -1
			if c.killed {
				require.NoError(t, p.mihu.Inject(second))
			}
			options := mihuriver.WorkerOptions{ContendedAttempts: 2}
			if !c.killed {
				worker := p.work(1, options, func(config *river.Config) { config.RetryPolicy = late{} })
				p.until(func(sum mihuriver.Summary) bool { return sum.Later == 1 })
				require.NoError(t, worker.Stop(t.Context()))
				p.mihu.InjectFunc(nil)
				require.NoError(t, p.mihu.Inject(second))
				p.exec("UPDATE river_job SET state = 'available', scheduled_at = now()")
			}
			p.work(1, options)
			p.until(mihuriver.Summary.Finished)
			found := p.problems()
			require.Len(t, found, 1)
			assert.Equal(t, c.want, found[0].Status, found[0].Reason)
			assert.Contains(t, found[0].Reason, c.says)
			if c.want == mihuriver.Unknown {
				assert.Contains(t, found[0].Reason, "an earlier attempt may have changed the trunk")
			}
			// Somebody makes it work, and enqueues the item again.
			p.mihu.ClearFaults()
			assert.Equal(t, 1, p.enqueue("x", wanted).Inserted)
			require.Equal(t, 1, p.until(mihuriver.Summary.Finished).Done)
		})
	}
}

// firstAttempt loses the response to a Create and to the reads that reconcile it, or to the first read.
func firstAttempt(create *mihutest.Fault) func(mihutest.Request) *mihutest.Fault {
	var lost atomic.Bool
	lost.Store(create == nil)
	return func(r mihutest.Request) *mihutest.Fault {
		switch {
		case lost.Load():
			return &mihutest.Fault{Status: http.StatusBadGateway}
		case r.Method == http.MethodPost:
			lost.Store(true)
			return create
		}
		return nil
	}
}

// If a trunk was moved before its update was refused, the reason says so.
func TestRefusalAfterAChange(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	require.NoError(t, p.mihu.AddTrunk(mihutest.Trunk{ID: call(one), AgentUUID: p.mihu.AddAgent("A")}))
	require.NoError(t, p.mihu.Inject(mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: http.StatusUnprocessableEntity}))
	wanted := item(one, p.mihu.AddAgent("B"))
	wanted.Trunk.Name = "desk"
	p.enqueue("x", wanted)
	p.work(1, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	found := p.problems(mihuriver.Refused)
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Reason, "before that the trunk was assigned")
}
