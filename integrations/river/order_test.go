package mihuriver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

func TestNewestWins(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
	p.enqueue("x", a, b, a)
	p.work(4, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Done: 1, Superseded: 2}, p.summary("x"))
	trunk, ok := p.mihu.Trunk(call(one))
	require.True(t, ok)
	assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)
	assert.Equal(t, 2, p.mihu.RequestCount(), "a read and a Create; superseded jobs send nothing")
}

func TestNewestWinsWhileAnotherIsWorkedOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
	held := newHolding(p.mihu)
	p.enqueue("x", a)
	p.work(4, mihuriver.WorkerOptions{})
	held.wait(t)
	p.enqueue("x", b)
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Unfinished: 1}, p.enqueue("x", b))
	p.enqueue("x", a)
	p.until(func(sum mihuriver.Summary) bool { return sum.Superseded == 1 })
	assert.Equal(t, 1, p.mihu.RequestCount(), "the newest waits for the one that runs")
	held.release()
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Done: 2, Superseded: 1}, p.summary("x"))
	trunk, _ := p.mihu.Trunk(call(one))
	assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)
}

// holding delays the first request of a server until it is released.
type holding struct {
	once             sync.Once
	arrived, goAhead chan struct{}
}

func newHolding(server *mihutest.Server) *holding {
	h := &holding{arrived: make(chan struct{}), goAhead: make(chan struct{})}
	server.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		h.once.Do(func() {
			close(h.arrived)
			<-h.goAhead
		})
		return nil
	})
	return h
}

func (h *holding) wait(t *testing.T) {
	t.Helper()
	select {
	case <-h.arrived:
	case <-time.After(patience):
		require.FailNow(t, "no request arrives")
	}
}

func (h *holding) release() { close(h.goAhead) }

func TestSupersededDoNotComeBack(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
	p.enqueue("x", a, b)
	// As after a failure with a long backoff, which would outlive the newer job and its retention.
	_, err := p.pool.Exec(t.Context(), "UPDATE river_job SET state = 'retryable', scheduled_at = now() + '1 hour' WHERE id = (SELECT min(id) FROM river_job)")
	require.NoError(t, err)
	p.work(2, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 2, Done: 1, Superseded: 1}, p.summary("x"))
	jobs := p.jobs()
	assert.Equal(t, rivertype.JobStateCancelled, jobs[0].State)
	var holds struct {
		Output struct {
			By int64 `json:"by"`
		} `json:"output"`
	}
	require.NoError(t, json.Unmarshal(jobs[0].Metadata, &holds))
	assert.Equal(t, jobs[1].ID, holds.Output.By, "it records the newer job")
}

func TestJobsOfAKilledWorker(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
	lost := item(two, p.mihu.AddAgent("C"))
	p.enqueue("x", a, lost)
	// The worker has begun both and was killed.
	_, err := p.pool.Exec(t.Context(), "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now()")
	require.NoError(t, err)
	p.enqueue("x", b)
	// A process that is not the leader rescues nothing.
	p.work(4, mihuriver.WorkerOptions{}, func(c *river.Config) { c.LeaderElectionDisabled = true })
	p.until(func(sum mihuriver.Summary) bool { return sum.Later+sum.Ready+sum.Running == 3 })
	assert.Zero(t, p.mihu.RequestCount(), "the running jobs may still run")
	// River looks for stuck jobs every 30 s, and as soon as there is a new leader.
	_, err = p.pool.Exec(t.Context(), "UPDATE river_job SET attempted_at = now() - interval '1 hour' WHERE state = 'running'")
	require.NoError(t, err)
	p.work(4, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Done: 2, Superseded: 1}, p.summary("x"))
	trunk, _ := p.mihu.Trunk(call(one))
	assert.Equal(t, b.Trunk.AgentUUID, trunk.AgentUUID)
	_, ok := p.mihu.Trunk(call(two))
	assert.True(t, ok)
}

// TestOrderOfManyChanges has three processes work on a continuous stream of changes of a few trunks, with
// faults. No two jobs of a trunk run at once, and each trunk ends as it was wanted last.
func TestOrderOfManyChanges(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	const trunks, changes = 6, 240
	watch := newWatch()
	p.mihu.InjectFunc(watch.request)
	for range 3 {
		p.work(6, mihuriver.WorkerOptions{ContendedAttempts: 1000})
	}
	agents := make([][3]string, trunks)
	for i := range agents {
		for k := range agents[i] {
			agents[i][k] = p.mihu.AddAgent(fmt.Sprint(i, k))
		}
	}
	last := make([]provision.Item, trunks)
	var wg sync.WaitGroup
	for i := range trunks {
		wg.Go(func() { // one goroutine for each trunk, so that the last change is known
			for range changes / trunks {
				last[i] = item(fmt.Sprintf("+1202555010%d", i), agents[i][rand.N(3)])
				if rand.N(2) == 0 {
					last[i].Trunk.Name = fmt.Sprint("name ", rand.N(3))
				}
				if _, err := p.queue.Enqueue(context.WithoutCancel(t.Context()), "x", stream(last[i])); !assert.NoError(t, err) {
					return
				}
				time.Sleep(rand.N(20 * time.Millisecond)) // of any length
			}
		})
	}
	wg.Wait()
	sum := p.until(mihuriver.Summary.Finished)
	assert.Empty(t, p.problems(mihuriver.Refused, mihuriver.Unknown))
	assert.Positive(t, sum.Superseded)
	for i := range trunks {
		trunk, ok := p.mihu.Trunk(last[i].Trunk.TrunkID)
		require.True(t, ok)
		assert.Equal(t, last[i].Trunk.AgentUUID, trunk.AgentUUID)
		if last[i].Trunk.Name != "" {
			assert.Equal(t, last[i].Trunk.Name, trunk.Name)
		}
	}
	watch.mu.Lock()
	defer watch.mu.Unlock()
	assert.Empty(t, watch.together)
}

// watch detects two jobs of a trunk that run at once, by changing requests that overlap.
type watch struct {
	mu       sync.Mutex
	active   map[string]int
	together []string
}

func newWatch() *watch { return &watch{active: map[string]int{}} }

func (w *watch) request(req mihutest.Request) *mihutest.Fault {
	if req.Method == http.MethodGet {
		if rand.N(50) == 0 {
			return &mihutest.Fault{Status: http.StatusBadGateway}
		}
		return nil
	}
	var body struct {
		Number string `json:"phone_number"`
	}
	_ = json.Unmarshal(req.Body, &body)
	w.mu.Lock()
	w.active[body.Number]++
	if w.active[body.Number] > 1 {
		w.together = append(w.together, body.Number)
	}
	w.mu.Unlock()
	time.Sleep(rand.N(10 * time.Millisecond)) // the work of a server
	w.mu.Lock()
	w.active[body.Number]--
	w.mu.Unlock()
	switch rand.N(20) {
	case 0:
		return &mihutest.Fault{Drop: true, AfterChange: true}
	case 1:
		return &mihutest.Fault{Drop: true}
	}
	return nil
}

// A job that another program inserts has its place in the order.
func TestJobInsertedWithRiver(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	p.enqueue("x", item(one, p.mihu.AddAgent("A")))
	other, err := river.NewClient(riverpgxv5.New(p.pool), &river.Config{})
	require.NoError(t, err)
	b := p.mihu.AddAgent("B")
	_, err = other.Insert(t.Context(), &mihuriver.Args{Trunk: mihu.TrunkCreateRequest{TrunkID: call(one), AgentUUID: b}}, nil)
	require.NoError(t, err)
	p.work(2, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, 1, p.summary("x").Superseded)
	require.Eventually(t, func() bool {
		trunk, ok := p.mihu.Trunk(call(one))
		return ok && trunk.AgentUUID == b
	}, patience, often)
}
