package mihuriver_test

import (
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	mihuriver "github.com/mihu-go/mihu/integrations/river"
)

func TestConfigure(t *testing.T) {
	t.Parallel()
	var config river.Config
	require.NoError(t, mihuriver.Configure(&config, 16))
	week := 7 * 24 * time.Hour
	assert.Equal(t, river.Config{
		JobTimeout: 2 * time.Minute, RescueStuckJobsAfter: 3 * time.Minute,
		CompletedJobRetentionPeriod: week, CancelledJobRetentionPeriod: week, DiscardedJobRetentionPeriod: week,
		Queues: map[string]river.QueueConfig{mihuriver.QueueName: {MaxWorkers: 16}},
	}, config)

	config = river.Config{
		JobTimeout: time.Minute, RescueStuckJobsAfter: time.Hour, CompletedJobRetentionPeriod: -1,
		Queues: map[string]river.QueueConfig{"other": {MaxWorkers: 3}, mihuriver.QueueName: {FetchCooldown: time.Second}},
	}
	require.NoError(t, mihuriver.Configure(&config, 2))
	assert.Equal(t, time.Minute, config.JobTimeout, "fields that are set stay")
	assert.Equal(t, time.Hour, config.RescueStuckJobsAfter)
	assert.EqualValues(t, -1, config.CompletedJobRetentionPeriod)
	assert.Equal(t, map[string]river.QueueConfig{"other": {MaxWorkers: 3}, mihuriver.QueueName: {MaxWorkers: 2, FetchCooldown: time.Second}}, config.Queues)
}

func TestConfigureRefuses(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, mihuriver.Configure(nil, 1), "no configuration")
	require.ErrorContains(t, mihuriver.Configure(&river.Config{}, 0), "0 workers; want 1 to")
	require.ErrorContains(t, mihuriver.Configure(&river.Config{JobTimeout: -1}, 1), "JobTimeout without end")
	require.ErrorContains(t, mihuriver.Configure(&river.Config{JobTimeout: time.Minute, RescueStuckJobsAfter: time.Minute}, 1),
		"RescueStuckJobsAfter 1m0s: want at least 1m5s")
}

func TestNewQueueRefuses(t *testing.T) {
	t.Parallel()
	_, err := mihuriver.NewQueue(nil, nil, mihuriver.QueueOptions{})
	require.ErrorContains(t, err, "no River client")
	p := newPlace(t, mihuriver.QueueOptions{})
	client := p.work(1, mihuriver.WorkerOptions{})
	_, err = mihuriver.NewQueue(client, nil, mihuriver.QueueOptions{})
	require.ErrorContains(t, err, "no pool")
	_, err = mihuriver.NewQueue(client, p.pool, mihuriver.QueueOptions{Priority: 5})
	require.ErrorContains(t, err, "Priority 5")
}

// Nil values and zero values return errors and do not panic.
func TestZeroQueue(t *testing.T) {
	t.Parallel()
	const uncreated = "NewQueue has not created"
	for _, q := range []*mihuriver.Queue{nil, {}} {
		_, err := q.Enqueue(t.Context(), batch, stream())
		require.ErrorContains(t, err, uncreated)
		_, err = q.EnqueueTx(t.Context(), nil, batch, stream())
		require.ErrorContains(t, err, uncreated)
		_, err = q.Summary(t.Context(), batch)
		require.ErrorContains(t, err, uncreated)
		for _, err := range q.Problems(t.Context(), batch) {
			require.ErrorContains(t, err, uncreated)
		}
	}
	p := newPlace(t, mihuriver.QueueOptions{})
	_, err := p.queue.Enqueue(t.Context(), batch, nil)
	require.ErrorContains(t, err, "no items: the sequence is nil; nothing is enqueued")
	_, err = p.queue.EnqueueTx(t.Context(), nil, batch, stream())
	require.ErrorContains(t, err, "no transaction; nothing is enqueued")
}
