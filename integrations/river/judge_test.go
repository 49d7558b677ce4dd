package mihuriver_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
)

// TestFailures shows what happens to a job after its first attempt failed.
func TestFailures(t *testing.T) {
	t.Parallel()
	always := func(f mihutest.Fault) mihutest.Fault {
		f.On.Times = -1
		return f
	}
	const (
		trunks  = "/phone-numbers/trunks"
		snoozed = rivertype.JobStateScheduled
		retried = rivertype.JobStateRetryable
	)
	for _, c := range []struct {
		name  string
		fault mihutest.Fault
		// status, reason and state are those of the job after its first attempt.
		status mihuriver.Status
		reason string
		state  rivertype.JobState
		wait   time.Duration
	}{
		{
			"an unknown agent is refused at once",
			always(mihutest.Fault{On: mihutest.Match{Method: "POST", Path: trunks}, Status: 422, Code: "AGENT_NOT_FOUND", Message: "no such agent"}),
			mihuriver.Refused, "AGENT_NOT_FOUND: no such agent", rivertype.JobStateCancelled, 0,
		},
		{
			"so is a missing permission",
			always(mihutest.Fault{On: mihutest.Match{Method: "POST", Path: trunks}, Status: 403}),
			mihuriver.Refused, "403", rivertype.JobStateCancelled, 0,
		},
		{
			"but not by the page of a proxy",
			always(mihutest.HTMLPage(403)),
			mihuriver.Waiting, "403", retried, 0,
		},
		{
			"a 429 snoozes for Retry-After",
			always(mihutest.Fault{Status: 429, RetryAfter: "90"}),
			mihuriver.Waiting, "429", snoozed, 90 * time.Second,
		},
		{
			"which is bounded",
			always(mihutest.Fault{Status: 429, RetryAfter: "86400"}),
			mihuriver.Waiting, "429", snoozed, 5 * time.Minute,
		},
		{
			"a rejected token snoozes",
			always(mihutest.Fault{Status: 401, Code: "INVALID_AUTH_TOKEN"}),
			mihuriver.Waiting, "INVALID_AUTH_TOKEN", snoozed, 10 * time.Second,
		},
		{
			"a busy agent may become free",
			always(mihutest.Fault{On: mihutest.Match{Method: "POST", Path: trunks}, Status: 409, Code: "AGENT_BUSY"}),
			mihuriver.Waiting, "AGENT_BUSY", retried, 0,
		},
		{
			"an unknown outcome is retried",
			always(mihutest.Fault{On: mihutest.Match{Method: "POST", Path: trunks}, Drop: true}),
			mihuriver.Waiting, "outcome unknown", retried, 0,
		},
		{
			"anything else is retried",
			always(mihutest.Fault{Status: 500}),
			mihuriver.Waiting, "500", retried, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{})
			agent := p.mihu.AddAgent("A")
			require.NoError(t, p.mihu.Inject(c.fault))
			p.enqueue("x", item(one, agent))
			began := time.Now()
			// There is no second attempt within the test.
			p.work(1, mihuriver.WorkerOptions{MaxSnooze: 5 * time.Minute, TokenPause: 10 * time.Second},
				func(config *river.Config) { config.RetryPolicy = late{} })
			var found []mihuriver.Problem
			require.Eventually(t, func() bool {
				found = p.problems()
				return len(found) == 1 && p.jobs()[0].State != rivertype.JobStateRunning
			}, patience, often)
			assert.Equal(t, c.status, found[0].Status)
			assert.Contains(t, found[0].Reason, c.reason)
			job := p.jobs()[0]
			assert.Equal(t, c.state, job.State)
			if c.state == snoozed {
				assert.Zero(t, job.Attempt, "no attempt is used up")
				wait := job.ScheduledAt.Sub(began)
				assert.GreaterOrEqual(t, wait, c.wait)
				assert.Less(t, wait, c.wait*5/4+10*time.Second)
			}
		})
	}
}

// late is a backoff that outlives every test.
type late struct{}

func (late) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Hour) }

func TestFailuresThatPass(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mihutest.Fault{
		"lost after the Create":          {On: mihutest.Match{Method: "POST"}, Drop: true, AfterChange: true},
		"lost before it":                 {On: mihutest.Match{Method: "POST"}, Drop: true},
		"a server error after it":        {On: mihutest.Match{Method: "POST"}, Status: 500, AfterChange: true},
		"a response that cannot be read": {On: mihutest.Match{Method: "GET"}, Truncate: true},
		"too many requests":              {Status: 429, RetryAfter: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{})
			require.NoError(t, p.mihu.Inject(fault))
			p.enqueue("x", item(one, p.mihu.AddAgent("A")))
			p.work(2, mihuriver.WorkerOptions{})
			sum := p.until(mihuriver.Summary.Finished)
			assert.Equal(t, 1, sum.Done)
			for _, request := range p.mihu.Requests() {
				assert.NotEqual(t, http.StatusConflict, request.Status, "nothing is created twice")
			}
		})
	}
}

func TestTokenThatIsRotated(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	p.enqueue("x", item(one, p.mihu.AddAgent("A")))
	old := p.mihu.Token()
	p.work(1, mihuriver.WorkerOptions{TokenPause: 100 * time.Millisecond})
	p.mihu.SetToken("another")
	p.enqueue("x", item(two, p.mihu.AddAgent("B")))
	p.until(func(mihuriver.Summary) bool { return len(p.problems(mihuriver.Waiting)) > 0 })
	p.mihu.SetToken(old)
	sum := p.until(mihuriver.Summary.Finished)
	assert.Equal(t, 2, sum.Done)
}

// TestChain has a trunk that waits for the agent of a second one, which waits for the agent of a third.
func TestChain(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b, c, free := p.mihu.AddAgent("A"), p.mihu.AddAgent("B"), p.mihu.AddAgent("C"), p.mihu.AddAgent("free")
	const three = "+12025550103"
	for number, agent := range map[string]string{one: a, two: b, three: c} {
		require.NoError(t, p.mihu.AddTrunk(mihutest.Trunk{ID: call(number), AgentUUID: agent}))
	}
	p.enqueue("x", item(one, b), item(two, c), item(three, free))
	p.work(1, mihuriver.WorkerOptions{})
	sum := p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Done: 3}, sum)
	for number, agent := range map[string]string{one: b, two: c, three: free} {
		trunk, _ := p.mihu.Trunk(call(number))
		assert.Equal(t, agent, trunk.AgentUUID)
	}
}

func TestAgentThatStaysBusy(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{}, mihutest.WithRules(mihutest.Rules{AgentBusyStatus: 422}))
	a := p.mihu.AddAgent("A")
	require.NoError(t, p.mihu.AddTrunk(mihutest.Trunk{ID: call(one), AgentUUID: a}))
	p.enqueue("x", item(two, a))
	calls := 0
	p.work(1, mihuriver.WorkerOptions{ContendedAttempts: 3, Contended: func(err error) bool {
		calls++
		return errors.Is(err, mihu.ErrInvalid)
	}})
	sum := p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Refused: 1}, sum)
	assert.Equal(t, 3, calls)
	found := p.problems(mihuriver.Refused)
	require.Len(t, found, 1)
	assert.Equal(t, call(two), found[0].Trunk)
	assert.Equal(t, 3, found[0].Attempts)
	assert.Contains(t, found[0].Reason, "AGENT_BUSY")
}

func TestAttemptsThatAreUsedUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	require.NoError(t, p.mihu.Inject(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: 503}))
	p.enqueue("x", item(one, nobody))
	_, err := p.pool.Exec(t.Context(), "UPDATE river_job SET max_attempts = 2")
	require.NoError(t, err)
	p.work(1, mihuriver.WorkerOptions{})
	sum := p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Unknown: 1}, sum, "no attempt found out")
	found := p.problems()
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Reason, "503")

	p.mihu.InjectFunc(nil)
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Inserted: 1}, p.enqueue("x", item(one, nobody)), "it can be enqueued again")
}

func TestWorkerThatIsStopped(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	held := newHolding(p.mihu)
	p.enqueue("x", item(one, p.mihu.AddAgent("A")))
	first := p.work(1, mihuriver.WorkerOptions{})
	held.wait(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, first.StopAndCancel(ctx))
	held.release()
	jobs := p.jobs()
	assert.Equal(t, rivertype.JobStateAvailable, jobs[0].State, "another worker can work on it at once")
	assert.Zero(t, jobs[0].Attempt)
	p.work(1, mihuriver.WorkerOptions{})
	assert.Equal(t, 1, p.until(mihuriver.Summary.Finished).Done)
}

func TestWorkerWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	named := item(one, p.mihu.AddAgent("A"))
	named.SecretName = "front desk"
	p.enqueue("x", named)
	p.work(1, mihuriver.WorkerOptions{}, func(config *river.Config) { config.RetryPolicy = late{} })
	require.Eventually(t, func() bool { return len(p.problems(mihuriver.Waiting)) == 1 }, patience, often,
		"a misconfigured worker must not end jobs that another worker can complete")
	assert.Contains(t, p.problems()[0].Reason, "Secrets")
}

// Negative times mean the defaults, as 0 does.
func TestWorkerWithNegativeTimes(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTooManyRequests, http.StatusUnauthorized} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{})
			require.NoError(t, p.mihu.Inject(mihutest.Fault{On: mihutest.Match{Times: -1}, Status: status, RetryAfter: "90"}))
			p.enqueue("x", item(one, nobody))
			p.work(1, mihuriver.WorkerOptions{MaxSnooze: -time.Hour, TokenPause: -time.Hour})
			p.until(func(sum mihuriver.Summary) bool { return sum.Later == 1 })
			require.Len(t, p.problems(), 1)
			assert.Contains(t, p.problems()[0].Reason, strconv.Itoa(status))
			assert.Zero(t, p.problems()[0].Attempts)
		})
	}
}

func TestSecretsAreLookedUpInTheWorker(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	named := item(one, p.mihu.AddAgent("A"))
	named.SecretName = "front desk"
	named.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com"}
	p.enqueue("x", named)
	p.work(1, mihuriver.WorkerOptions{Secrets: func(_ context.Context, name string) (mihu.SIPCredentials, error) {
		return mihu.SIPCredentials{Username: name, Password: "swordfish"}, nil
	}})
	p.until(mihuriver.Summary.Finished)
	trunk, _ := p.mihu.Trunk(call(one))
	assert.Equal(t, mihu.SIPCredentials{Gateway: "sip.example.com", Username: "front desk", Password: "swordfish"}, trunk.SIP)
}
