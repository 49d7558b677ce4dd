package mihuriver_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

func (p *place) cancel(batch string) mihuriver.Cancellation {
	p.t.Helper()
	done, err := p.queue.Cancel(p.t.Context(), batch)
	require.NoError(p.t, err)
	return done
}

func (p *place) exec(sql string, args ...any) {
	p.t.Helper()
	_, err := p.pool.Exec(p.t.Context(), sql, args...)
	require.NoError(p.t, err)
}

func TestCancelWaitingJobs(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	wrong, right := item(one, p.mihu.AddAgent("A")), item(two, p.mihu.AddAgent("B"))
	p.enqueue("x", wrong)
	p.enqueue("y", right)
	p.exec("UPDATE river_job SET state = 'scheduled', scheduled_at = now() + '1 hour' WHERE id = (SELECT min(id) FROM river_job)")
	_, err := p.queue.Enqueue(t.Context(), "x", numbered(0, 2500))
	require.NoError(t, err)

	assert.Equal(t, mihuriver.Cancellation{Canceled: 2501}, p.cancel("x"))
	assert.Equal(t, mihuriver.Cancellation{}, p.cancel("x"), "there is nothing left")
	assert.Equal(t, mihuriver.Summary{Wanted: 2501, Canceled: 2501}, p.summary("x"))
	assert.True(t, p.summary("x").Finished())
	assert.Empty(t, p.problems(), "canceled jobs are no problems")

	p.work(4, mihuriver.WorkerOptions{})
	require.Eventually(t, func() bool { return p.summary("y").Done == 1 }, patience, often)
	assert.Equal(t, 2, p.mihu.RequestCount(), "a read and a Create for the other batch")
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Inserted: 1}, p.enqueue("x", wrong), "it can be enqueued again")
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 2502, Done: 1, Canceled: 2501}, p.summary("x"))
	assert.Equal(t, mihuriver.Cancellation{}, p.cancel("x"), "completed jobs are not reverted")
	assert.Equal(t, 1, p.summary("x").Done)
}

func TestCancelMissingBatch(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	p.enqueue("x", item(one, nobody))
	assert.Equal(t, mihuriver.Cancellation{}, p.cancel("y"))
	for _, name := range []string{"", "a\nb"} {
		_, err := p.queue.Cancel(t.Context(), name)
		require.ErrorContains(t, err, "batch: want a name")
		_, err = p.queue.CancelTx(t.Context(), nil, name)
		require.ErrorContains(t, err, "batch: want a name")
	}
	_, err := new(mihuriver.Queue).Cancel(t.Context(), "x")
	require.ErrorContains(t, err, "that NewQueue has not created")
	assert.Equal(t, 1, p.summary("x").Waiting)
}

func TestCancelKeepsSharedJobs(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a := item(one, nobody)
	p.enqueue("x", a)
	assert.Equal(t, 1, p.enqueue("y", a).Unfinished)
	assert.Equal(t, mihuriver.Cancellation{Shared: 1}, p.cancel("x"))
	assert.Equal(t, mihuriver.Summary{}, p.summary("x"))
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Waiting: 1, Ready: 1}, p.summary("y"))
	assert.Equal(t, mihuriver.Cancellation{Canceled: 1}, p.cancel("y"), "no batch is left")
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Inserted: 1}, p.enqueue("y", a))
}

func TestCancelAndOrder(t *testing.T) {
	t.Parallel()
	t.Run("an older job of another batch continues", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, mihuriver.QueueOptions{})
		a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
		p.enqueue("y", a)
		p.enqueue("x", b)
		p.cancel("x")
		assert.Equal(t, mihuriver.Enqueued{Items: 1, Unfinished: 1}, p.enqueue("y", a), "it is the newest again")
		p.work(2, mihuriver.WorkerOptions{})
		require.Eventually(t, func() bool { return p.summary("y").Finished() }, patience, often)
		assert.Equal(t, mihuriver.Summary{Wanted: 1, Done: 1}, p.summary("y"))
		trunk, _ := p.mihu.Trunk(call(one))
		assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)
	})
	t.Run("a newer job of another batch continues", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, mihuriver.QueueOptions{})
		a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
		p.enqueue("x", a)
		p.enqueue("y", b)
		assert.Equal(t, mihuriver.Cancellation{Canceled: 1}, p.cancel("x"))
		p.work(2, mihuriver.WorkerOptions{})
		require.Eventually(t, func() bool { return p.summary("y").Finished() }, patience, often)
		assert.Equal(t, mihuriver.Summary{Wanted: 1, Done: 1}, p.summary("y"))
		assert.Equal(t, mihuriver.Summary{Wanted: 1, Canceled: 1}, p.summary("x"))
		trunk, _ := p.mihu.Trunk(call(one))
		assert.Equal(t, b.Trunk.AgentUUID, trunk.AgentUUID)
	})
	t.Run("a superseded job stays superseded", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, mihuriver.QueueOptions{})
		a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
		p.enqueue("y", a)
		p.enqueue("x", b)
		require.NoError(t, p.mihu.Inject(mihutest.Fault{Status: http.StatusBadGateway})) // for the first attempt of b
		p.work(2, mihuriver.WorkerOptions{}, func(c *river.Config) { c.RetryPolicy = never{} })
		require.Eventually(t, func() bool { return len(p.problems(mihuriver.Waiting)) == 1 }, patience, often)
		assert.Equal(t, mihuriver.Cancellation{Canceled: 1}, p.cancel("x"))
		assert.Equal(t, mihuriver.Summary{Wanted: 1, Superseded: 1}, p.summary("y"))
		assert.Equal(t, mihuriver.Summary{Wanted: 1, Unknown: 1}, p.summary("x"))
		assert.Equal(t, 1, p.enqueue("y", a).Inserted, "but it can be enqueued again")
		require.Eventually(t, func() bool { return p.summary("y").Done == 1 }, patience, often)
		trunk, _ := p.mihu.Trunk(call(one))
		assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)
	})
	t.Run("a canceled job that is retried has a place in the order", func(t *testing.T) {
		t.Parallel()
		p := newPlace(t, mihuriver.QueueOptions{})
		a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
		p.enqueue("y", a)
		p.enqueue("x", b)
		p.cancel("x")
		worker, err := river.NewClient(riverpgxv5.New(p.pool), &river.Config{})
		require.NoError(t, err)
		_, err = worker.JobRetry(t.Context(), p.jobs()[1].ID)
		require.NoError(t, err)
		p.work(2, mihuriver.WorkerOptions{})
		p.until(mihuriver.Summary.Finished)
		assert.Equal(t, mihuriver.Summary{Wanted: 1, Done: 1}, p.summary("x"))
		trunk, _ := p.mihu.Trunk(call(one))
		assert.Equal(t, b.Trunk.AgentUUID, trunk.AgentUUID)
	})
}

// A job that had an attempt may have changed its trunk, so its status is unknown.
func TestCancelAfterAnAttempt(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	_, err := p.queue.Enqueue(t.Context(), "x", numbered(0, 5))
	require.NoError(t, err)
	for i, set := range []string{
		`state = 'retryable', attempt = 1, metadata = metadata || '{"output": {"outcome": "waiting", "reason": "502"}}'`,
		`state = 'scheduled', attempt = 0, metadata = metadata || '{"output": {"outcome": "waiting", "reason": "429"}}'`, // snoozed
		`state = 'retryable', attempt = 1, errors = ARRAY['{"error": "stuck"}'::jsonb]`,                                  // its worker was killed
		`state = 'available', attempt = 0, metadata = metadata || '{"snoozes": 1}'`,                                      // it waited for its turn
		`state = 'retryable', attempt = 1, metadata = metadata || '{"output": {"outcome": "canceled"}}'`,                 // retried by hand after a Cancel
	} {
		p.exec("UPDATE river_job SET "+set+" WHERE id = $1", p.jobs()[i].ID)
	}
	assert.Equal(t, mihuriver.Cancellation{Canceled: 5}, p.cancel("x"))
	assert.Equal(t, mihuriver.Summary{Wanted: 5, Canceled: 1, Unknown: 4}, p.summary("x"))
	var lines []string
	for _, problem := range p.problems() {
		lines = append(lines, problem.String())
	}
	assert.Equal(t, []string{
		"+1555•••0000/call unknown: canceled by somebody; before that: 502",
		"+1555•••0001/call unknown: canceled by somebody; before that: 429",
		"+1555•••0002/call unknown: canceled by somebody; before that: stuck",
		"+1555•••0004/call unknown: canceled by somebody",
	}, lines)
}

func TestCancelLetsARunningJobFinish(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(two, p.mihu.AddAgent("B"))
	held := newHolding(p.mihu)
	p.enqueue("x", a)
	canceled := newNotified()
	p.work(1, mihuriver.WorkerOptions{}, canceled.listen)
	held.wait(t)
	p.enqueue("x", b)
	assert.Equal(t, mihuriver.Cancellation{Canceled: 1, Running: 1}, p.cancel("x"))
	canceled.wait(t)
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Inserted: 1}, p.enqueue("x", a), "a job that is being canceled does not count")
	assert.Equal(t, mihuriver.Cancellation{Canceled: 1}, p.cancel("x"), "a running job is not counted twice")
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Canceled: 2, Waiting: 1, Running: 1}, p.summary("x"))
	held.release()
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Done: 1, Canceled: 2}, p.summary("x"))
	trunk, ok := p.mihu.Trunk(call(one))
	require.True(t, ok, "the attempt was not interrupted")
	assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)
}

func TestCanceledRunningJobIsNotRetried(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	arrived, goAhead := make(chan struct{}), make(chan struct{})
	p.mihu.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		close(arrived) // a second request panics
		<-goAhead
		return &mihutest.Fault{Status: http.StatusBadGateway}
	})
	p.enqueue("x", item(one, p.mihu.AddAgent("A")))
	canceled := newNotified()
	p.work(1, mihuriver.WorkerOptions{}, canceled.listen)
	<-arrived
	assert.Equal(t, mihuriver.Cancellation{Running: 1}, p.cancel("x"))
	canceled.wait(t)
	close(goAhead)
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Unknown: 1}, p.summary("x"))
	problems := p.problems()
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].Reason, "canceled by somebody; before that: ")
	assert.Contains(t, problems[0].Reason, "502")
	assert.Equal(t, 1, p.mihu.RequestCount())
}

// StopAndCancel still ends running jobs.
func TestStopEndsARunningJob(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	held := newHolding(p.mihu)
	p.enqueue("x", item(one, p.mihu.AddAgent("A")))
	worker := p.work(1, mihuriver.WorkerOptions{})
	held.wait(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, worker.StopAndCancel(ctx))
	held.release()
	assert.Equal(t, 1, p.summary("x").Waiting)
}

func TestCancelTx(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	ctx := t.Context()
	wrong, right := item(one, nobody), item(one, p.mihu.AddAgent("A"))
	p.enqueue("x", wrong)
	replace := func() pgx.Tx {
		tx, err := p.pool.Begin(ctx)
		require.NoError(t, err)
		done, err := p.queue.CancelTx(ctx, tx, "x")
		require.NoError(t, err)
		assert.Equal(t, mihuriver.Cancellation{Canceled: 1}, done)
		added, err := p.queue.EnqueueTx(ctx, tx, "x", stream(right))
		require.NoError(t, err)
		assert.Equal(t, mihuriver.Enqueued{Items: 1, Inserted: 1}, added)
		return tx
	}
	require.NoError(t, replace().Rollback(ctx))
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Waiting: 1, Ready: 1}, p.summary("x"))
	require.NoError(t, replace().Commit(ctx))
	assert.Equal(t, mihuriver.Summary{Wanted: 2, Canceled: 1, Waiting: 1, Ready: 1}, p.summary("x"))
	p.work(2, mihuriver.WorkerOptions{})
	p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 2, Canceled: 1, Done: 1}, p.summary("x"))

	_, err := p.queue.CancelTx(ctx, nil, "x")
	require.ErrorContains(t, err, "no transaction; nothing is canceled")
	tx, err := p.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	require.NoError(t, err)
	_, err = p.queue.CancelTx(ctx, tx, "x")
	require.ErrorContains(t, err, "the transaction is serializable; want read committed")
	require.NoError(t, tx.Rollback(ctx))
}

func TestCancelResumesAfterInterruption(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	_, err := p.queue.Enqueue(t.Context(), "x", numbered(0, 2500))
	require.NoError(t, err)
	blocker, err := p.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = blocker.Exec(t.Context(), "SELECT 1 FROM river_job WHERE id = $1 FOR UPDATE", p.jobs()[1500].ID)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		done, err := p.queue.Cancel(ctx, "x")
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorContains(t, err, "canceled 1000, running 0, shared 0; it is safe to cancel the rest again")
		assert.Equal(t, mihuriver.Cancellation{Canceled: 1000}, done)
	})
	p.until(func(sum mihuriver.Summary) bool { return sum.Canceled == 1000 })
	// Cancel knows of them once it waits for the row of the next page.
	require.Eventually(t, func() bool {
		waiting := 0
		err := p.pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))", blocker.Conn().PgConn().PID()).Scan(&waiting)
		return err == nil && waiting > 0
	}, time.Minute, time.Millisecond)
	cancel()
	wg.Wait() // although the row is still locked

	inside, err := p.pool.Begin(t.Context())
	require.NoError(t, err)
	short, cancelShort := context.WithCancel(t.Context())
	cancelShort()
	_, err = p.queue.CancelTx(short, inside, "x")
	require.ErrorIs(t, err, context.Canceled)
	_ = inside.Rollback(t.Context()) // its connection may be closed

	require.NoError(t, blocker.Rollback(t.Context()))
	assert.Equal(t, mihuriver.Cancellation{Canceled: 1500}, p.cancel("x"))
	assert.Equal(t, mihuriver.Summary{Wanted: 2500, Canceled: 2500}, p.summary("x"))
}

// TestCancelOfManyPages has more jobs than are read at once, of every kind.
func TestCancelOfManyPages(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	p.enqueue("x", item(one, nobody))
	p.exec(`INSERT INTO river_job (state, finalized_at, attempt, max_attempts, args, kind, queue, metadata, unique_key, unique_states)
		SELECT (CASE WHEN n % 100 = 0 THEN 'completed' WHEN n % 5000 = 1 THEN 'running' ELSE 'available' END)::river_job_state,
			CASE WHEN n % 100 = 0 THEN now() END, (n % 100 <= 1)::int, max_attempts, args, kind, queue,
			CASE WHEN n % 100 = 2 THEN '{"mihu_batches": ["y", "x"]}' WHEN n % 100 = 3 THEN '{"mihu_batches": ["y"]}' ELSE metadata END,
			unique_key || int4send(n), unique_states
		FROM river_job, generate_series(1, 49999) n`)
	// Of each hundred one is finished, one has had an attempt, one is shared and one is of another batch.
	assert.Equal(t, mihuriver.Cancellation{Canceled: 48_491, Running: 10, Shared: 500}, p.cancel("x"))
	assert.Equal(t, mihuriver.Summary{Wanted: 49_000, Canceled: 48_001, Unknown: 490 + 499, Waiting: 10, Running: 10}, p.summary("x"))
	assert.Equal(t, mihuriver.Summary{Wanted: 1000, Waiting: 1000, Ready: 1000}, p.summary("y"))
}

func TestCancelFindsJobsByAnIndex(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	_, err := p.queue.Enqueue(t.Context(), "others", numbered(0, 5000))
	require.NoError(t, err)
	_, err = p.queue.Enqueue(t.Context(), "x", numbered(5000, 5020))
	require.NoError(t, err)
	for _, statistics := range []string{"SELECT 1", "ANALYZE river_job"} {
		p.exec(statistics)
		for query, index := range mihuriver.CancelQueries("x") {
			rows, err := p.pool.Query(t.Context(), "EXPLAIN "+query)
			require.NoError(t, err)
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			text := strings.Join(plan, "\n")
			if statistics != "SELECT 1" { // without statistics PostgreSQL assumes a small table
				assert.Contains(t, text, index, "%s after %s:\n%s", query, statistics, text)
			}
			assert.NotContains(t, text, "Seq Scan on river_job", "%s after %s:\n%s", query, statistics, text)
		}
	}
}

// TestCancelWhileManyWork cancels a batch twice at once while workers work on it and another batch enqueues
// some of the same items. Nothing was sent for canceled jobs, and the other batch is done.
func TestCancelWhileManyWork(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	const trunks = 600
	agents := make([]string, trunks)
	for i := range agents {
		agents[i] = p.mihu.AddAgent("A")
	}
	one := func(i int) provision.Item { return item(fmt.Sprintf("+1555%07d", i), agents[i]) }
	p.mihu.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		time.Sleep(rand.N(4 * time.Millisecond)) // the work of a server
		switch rand.N(40) {
		case 0:
			return &mihutest.Fault{Drop: true, AfterChange: true}
		case 1:
			return &mihutest.Fault{Status: http.StatusBadGateway}
		}
		return nil
	})
	for i := range trunks {
		p.enqueue("x", one(i))
	}
	for range 3 {
		p.work(6, mihuriver.WorkerOptions{ContendedAttempts: 1000})
	}
	p.until(func(sum mihuriver.Summary) bool { return sum.Done > 50 })
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			_, err := p.queue.Cancel(t.Context(), "x")
			assert.NoError(t, err)
		})
	}
	var also []int // of the other batch: a third of the trunks
	for i := range trunks {
		if i%3 == 0 {
			also = append(also, i)
		}
	}
	rand.Shuffle(len(also), func(i, k int) { also[i], also[k] = also[k], also[i] })
	for part := range 4 {
		wg.Go(func() {
			for _, i := range also[part*50 : (part+1)*50] {
				_, err := p.queue.Enqueue(t.Context(), "y", stream(one(i)))
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	sum := p.until(mihuriver.Summary.Finished)
	require.Eventually(t, func() bool { return p.summary("y").Finished() }, patience, often)
	t.Log("x:", sum, "y:", p.summary("y"))
	assert.Equal(t, mihuriver.Summary{Wanted: len(also), Done: len(also)}, p.summary("y"))
	assert.Positive(t, sum.Canceled)
	assert.Zero(t, sum.Refused+sum.Superseded)
	canceled := 0
	for problem, err := range p.queue.Problems(t.Context(), "x", mihuriver.Canceled) {
		require.NoError(t, err)
		canceled++
		var i int
		_, err := fmt.Sscanf(problem.Trunk.PhoneNumber, "+1555%07d", &i)
		require.NoError(t, err)
		_, there := p.mihu.Trunk(problem.Trunk)
		assert.Equal(t, i%3 == 0, there, "trunk %d: only the other batch has created it", i)
	}
	assert.Equal(t, sum.Canceled, canceled)
}

// never is a backoff that outlives the test.
type never struct{}

func (never) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Hour) }

// notified reports that River has notified a worker that its job was canceled.
type notified struct{ done chan struct{} }

func newNotified() *notified { return &notified{make(chan struct{}, 1)} }

func (h *notified) listen(c *river.Config) {
	c.Logger = slog.New(h)
}

func (h *notified) Enabled(context.Context, slog.Level) bool { return true }

func (h *notified) Handle(_ context.Context, r slog.Record) error {
	if strings.HasSuffix(r.Message, "remotely") {
		select {
		case h.done <- struct{}{}:
		default:
		}
	}
	return nil
}

func (h *notified) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *notified) WithGroup(string) slog.Handler { return h }

func (h *notified) wait(t *testing.T) {
	t.Helper()
	select {
	case <-h.done:
	case <-time.After(patience):
		require.FailNow(t, "River does not notify the worker")
	}
}

// A job that River's JobCancel ended before it began is canceled as by Queue.Cancel: it has no place in the order.
func TestJobCancelBeforeItBegan(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, p.mihu.AddAgent("A")), item(one, p.mihu.AddAgent("B"))
	p.enqueue("y", a)
	p.enqueue("x", b)
	client, err := river.NewClient(riverpgxv5.New(p.pool), &river.Config{})
	require.NoError(t, err)
	_, err = client.JobCancel(t.Context(), p.jobs()[1].ID)
	require.NoError(t, err)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Canceled: 1}, p.summary("x"))
	assert.Empty(t, p.problems())
	canceled := p.problems(mihuriver.Canceled)
	require.Len(t, canceled, 1)
	assert.Equal(t, "canceled by JobCancel", canceled[0].Reason)
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Unfinished: 1}, p.enqueue("y", a), "it is the newest again")
	p.work(2, mihuriver.WorkerOptions{})
	require.Eventually(t, func() bool { return p.summary("y").Finished() }, patience, often)
	assert.Equal(t, mihuriver.Summary{Wanted: 1, Done: 1}, p.summary("y"))
	trunk, _ := p.mihu.Trunk(call(one))
	assert.Equal(t, a.Trunk.AgentUUID, trunk.AgentUUID)

	// A job that River's JobCancel ended after an attempt keeps its place and is unknown.
	p.enqueue("x", item(two, nobody))
	p.exec(`UPDATE river_job SET attempt = 1, state = 'retryable', scheduled_at = now() + '1 hour' WHERE args->'trunk'->>'phone_number' = $1`, two)
	_, err = client.JobCancel(t.Context(), p.jobs()[2].ID)
	require.NoError(t, err)
	assert.Equal(t, 1, p.summary("x").Unknown)
}
