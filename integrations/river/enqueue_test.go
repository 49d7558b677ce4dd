package mihuriver_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/provision"
)

func TestEnqueueManyItems(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	done, err := p.queue.Enqueue(t.Context(), "many", numbered(0, 2500))
	require.NoError(t, err)
	assert.Equal(t, mihuriver.Enqueued{Items: 2500, Inserted: 2500}, done)
	sum := p.summary("many")
	assert.Equal(t, mihuriver.Summary{Wanted: 2500, Waiting: 2500, Ready: 2500}, sum)
	jobs := p.jobs()
	require.Len(t, jobs, 2500)
	assert.Equal(t, mihuriver.QueueName, jobs[0].Queue)
	assert.Equal(t, mihuriver.JobKind, jobs[0].Kind)
	assert.Contains(t, string(jobs[0].EncodedArgs), `"+15550000000"`, "the number is whole, because the worker needs it")
}

// numbered yields the items of a range of numbers, each with an agent of its own.
func numbered(from, to int) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) {
		for n := from; n < to; n++ {
			if !yield(item(fmt.Sprintf("+1555%07d", n), fmt.Sprintf("3c90c3cc-0d44-4b50-8888-%012d", n)), nil) {
				return
			}
		}
	}
}

func TestEnqueueTheSameWhileItIsUnfinished(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, nobody), item(one, strings.Replace(nobody, "3c", "4c", 1))
	capitals := item(one, strings.ToUpper(nobody))
	elsewhere := a
	elsewhere.Line = 7

	assert.Equal(t, mihuriver.Enqueued{Items: 1, Inserted: 1}, p.enqueue("x", a))
	assert.Equal(t, mihuriver.Enqueued{Items: 3, Unfinished: 3}, p.enqueue("x", a, capitals, elsewhere), "neither the line nor upper case matters")
	assert.Equal(t, mihuriver.Enqueued{Items: 1, Unfinished: 1}, p.enqueue("y", a))
	assert.Equal(t, 1, p.summary("x").Wanted)
	assert.Equal(t, 1, p.summary("y").Wanted, "the unfinished job is part of this batch as well")
	assert.Equal(t, mihuriver.Enqueued{Items: 5, Inserted: 3, Unfinished: 2}, p.enqueue("z", a, b, b, a, b), "only the newest counts")
	assert.Equal(t, 4, p.summary("z").Wanted)
	assert.Len(t, p.jobs(), 4)
}

func TestEnqueueBackAndForth(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	a, b := item(one, nobody), item(one, strings.Replace(nobody, "3c", "4c", 1))
	for range 10 {
		assert.Equal(t, 1, p.enqueue("x", a).Inserted)
		assert.Equal(t, 1, p.enqueue("x", a).Unfinished)
		assert.Equal(t, 1, p.enqueue("x", b).Inserted)
		assert.Equal(t, 1, p.enqueue("x", b).Unfinished)
	}
}

func TestEnqueueWhileJobIsBeingCanceled(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	p.enqueue("x", item(one, nobody))
	// As River marks a running job that somebody cancels, until its worker has ended it.
	_, err := p.pool.Exec(t.Context(), `UPDATE river_job SET state = 'running', metadata = metadata || '{"cancel_attempted_at": "2026-11-22T05:00:00Z"}'`)
	require.NoError(t, err)
	assert.Equal(t, 1, p.enqueue("x", item(one, nobody)).Inserted)
}

func TestEnqueueChannelsOfANumber(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	whatsApp := item(one, nobody)
	whatsApp.Trunk.Channel = mihu.ChannelWhatsApp
	p.enqueue("x", item(one, p.mihu.AddAgent("A")), whatsApp)
	assert.Equal(t, 2, p.enqueue("x", item(one, nobody), whatsApp).Items)
	p.work(2, mihuriver.WorkerOptions{})
	sum := p.until(mihuriver.Summary.Finished)
	assert.Equal(t, mihuriver.Summary{Wanted: 3, Superseded: 1, Refused: 2}, sum, "each is a trunk of its own")
}

func TestEnqueueNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	assert.Equal(t, mihuriver.Enqueued{}, p.enqueue("x"))
	assert.Equal(t, mihuriver.Summary{}, p.summary("x"))
}

func TestEnqueueStopsAtInvalidItem(t *testing.T) {
	t.Parallel()
	torn := errors.New("line 2 is torn")
	secret := item(two, nobody)
	secret.Line = 12
	secret.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Password: "swordfish"}
	hidden := item(two, nobody)
	hidden.Trunk.SIP = &mihu.SIPCredentials{Gateway: "user:swordfish@sip.example.com"}
	for _, c := range []struct {
		name  string
		items iter.Seq2[provision.Item, error]
		want  error
		says  string
	}{
		{"an error of the sequence", func(yield func(provision.Item, error) bool) { yield(provision.Item{Line: 2}, torn) }, torn, "item 1501 (line 2)"},
		{"an invalid number", stream(item("0800", nobody)), mihu.ErrInvalid, "E.164"},
		{"a password in clear", stream(secret), mihuriver.ErrPlainSecret, "item 1501 (line 12): the item has a SIP username or password"},
		{"a password in the wrong field", stream(hidden), mihu.ErrInvalid, "sip.gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, mihuriver.QueueOptions{})
			done, err := p.queue.Enqueue(t.Context(), "x", func(yield func(provision.Item, error) bool) {
				for item, err := range numbered(0, 1500) {
					if !yield(item, err) {
						return
					}
				}
				c.items(yield)
			})
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "the first 1000 items are enqueued, the rest is not")
			require.NotContains(t, err.Error(), "swordfish")
			failed, ok := errors.AsType[*mihuriver.EnqueueError](err)
			require.True(t, ok)
			assert.Equal(t, mihuriver.Enqueued{Items: 1000, Inserted: 1000}, failed.Enqueued)
			assert.Equal(t, failed.Enqueued, done)
			assert.Equal(t, 1500, failed.Index)
			assert.Len(t, p.jobs(), 1000)
		})
	}
}

func TestEnqueueNeedsABatch(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	for _, name := range []string{"", "a\nb", strings.Repeat("x", 101), "\xff"} {
		_, err := p.queue.Enqueue(t.Context(), name, stream(item(one, nobody)))
		require.ErrorContains(t, err, "batch: want a name")
		_, err = p.queue.Summary(t.Context(), name)
		require.Error(t, err)
	}
	assert.Empty(t, p.jobs())
}

func TestEnqueueTx(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	ctx := t.Context()

	tx, err := p.pool.Begin(ctx)
	require.NoError(t, err)
	done, err := p.queue.EnqueueTx(ctx, tx, "x", numbered(0, 1200))
	require.NoError(t, err)
	assert.Equal(t, mihuriver.Enqueued{Items: 1200, Inserted: 1200}, done)
	assert.Zero(t, p.summary("x").Wanted, "they are visible after the commit")
	require.NoError(t, tx.Rollback(ctx))
	assert.Zero(t, p.summary("x").Wanted)

	tx, err = p.pool.Begin(ctx)
	require.NoError(t, err)
	done, err = p.queue.EnqueueTx(ctx, tx, "x", stream(item(one, nobody)))
	require.NoError(t, err)
	assert.Equal(t, 1, done.Items)
	done, err = p.queue.EnqueueTx(ctx, tx, "x", func(yield func(provision.Item, error) bool) {
		numbered(0, 1200)(yield)
		yield(item("0800", nobody), nil)
	})
	require.ErrorIs(t, err, mihu.ErrInvalid)
	require.ErrorContains(t, err, "nothing is enqueued")
	assert.Equal(t, mihuriver.Enqueued{}, done)
	require.NoError(t, tx.Commit(ctx), "the transaction can continue")
	assert.Equal(t, 1, p.summary("x").Wanted)
}

func TestEnqueueRefusesAnOlderSnapshot(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	tx, err := p.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	_, err = p.queue.EnqueueTx(t.Context(), tx, "x", stream(item(one, nobody)))
	require.ErrorContains(t, err, "the transaction is repeatable read; want read committed")
	require.NoError(t, tx.Rollback(t.Context()))
}

func TestEnqueueTheSameConcurrently(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		sum mihuriver.Enqueued
	)
	for range 8 {
		wg.Go(func() {
			done, err := p.queue.Enqueue(t.Context(), "x", numbered(0, 1500))
			if !assert.NoError(t, err) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Items += done.Items
			sum.Inserted += done.Inserted
		})
	}
	wg.Wait()
	assert.Equal(t, mihuriver.Enqueued{Items: 8 * 1500, Inserted: 1500}, sum)
	assert.Len(t, p.jobs(), 1500)
}

func TestEnqueueFindsJobsByTheirIndex(t *testing.T) {
	t.Parallel()
	p := newPlace(t, mihuriver.QueueOptions{})
	_, err := p.queue.Enqueue(t.Context(), "x", numbered(0, 5000))
	require.NoError(t, err)
	for _, statistics := range []string{"SELECT 1", "ANALYZE river_job"} {
		_, err := p.pool.Exec(t.Context(), statistics)
		require.NoError(t, err)
		for name, query := range mihuriver.IndexedQueries() {
			rows, err := p.pool.Query(t.Context(), "EXPLAIN "+query)
			require.NoError(t, err)
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			text := strings.Join(plan, "\n")
			assert.Contains(t, text, "river_job_unique_idx", "%s after %s:\n%s", name, statistics, text)
			assert.NotContains(t, text, "Seq Scan on river_job", "%s after %s:\n%s", name, statistics, text)
		}
	}
}
