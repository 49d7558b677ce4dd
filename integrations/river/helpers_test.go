package mihuriver_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/integrations/river/internal/postgres"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// server is the PostgreSQL of all tests; each has a database of its own there.
var (
	server    *postgres.Server
	databases atomic.Int64
)

const template = "migrated"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	ctx := context.Background()
	started, err := postgres.Start(ctx, false)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	defer func() {
		if err := started.Close(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "FAIL:", err)
			code = 1
		}
	}()
	server = started
	if err := migrate(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "FAIL:", err)
		return 1
	}
	return m.Run()
}

// migrate creates the database that all others are copies of.
func migrate(ctx context.Context) error {
	if err := server.Create(ctx, template, ""); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, server.URL(template))
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// place is a database of River, a fake server, and a queue.
type place struct {
	t     *testing.T
	pool  *pgxpool.Pool
	mihu  *mihutest.Server
	queue *mihuriver.Queue
}

func newPlace(t *testing.T, options mihuriver.QueueOptions, serverOptions ...mihutest.Option) *place {
	t.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	require.NoError(t, server.Create(t.Context(), name, template))
	config, err := pgxpool.ParseConfig(server.URL(name))
	require.NoError(t, err)
	config.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	inserter, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	require.NoError(t, err)
	queue, err := mihuriver.NewQueue(inserter, pool, options)
	require.NoError(t, err)
	return &place{t, pool, mihutest.NewServer(t, serverOptions...), queue}
}

// soon is a short backoff.
type soon struct{}

func (soon) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(20 * time.Millisecond) }

// work starts workers, as another process would, and stops them with the test.
func (p *place) work(workers int, options mihuriver.WorkerOptions, change ...func(*river.Config)) *river.Client[pgx.Tx] {
	p.t.Helper()
	set := river.NewWorkers()
	client := p.mihu.Client(p.t, mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}))
	river.AddWorker(set, mihuriver.NewWorker(p.pool, client, options))
	config := &river.Config{
		Workers: set, TestOnly: true, Logger: slog.New(slog.DiscardHandler), RetryPolicy: soon{},
		FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond,
	}
	for _, c := range change {
		c(config)
	}
	require.NoError(p.t, mihuriver.Configure(config, workers))
	started, err := river.NewClient(riverpgxv5.New(p.pool), config)
	require.NoError(p.t, err)
	require.NoError(p.t, started.Start(p.t.Context()))
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(p.t, started.StopAndCancel(ctx))
	})
	return started
}

func (p *place) enqueue(batch string, items ...provision.Item) mihuriver.Enqueued {
	p.t.Helper()
	done, err := p.queue.Enqueue(p.t.Context(), batch, stream(items...))
	require.NoError(p.t, err)
	return done
}

func (p *place) summary(batch string) mihuriver.Summary {
	p.t.Helper()
	sum, err := p.queue.Summary(p.t.Context(), batch)
	require.NoError(p.t, err)
	return sum
}

func (p *place) problems(statuses ...mihuriver.Status) (found []mihuriver.Problem) {
	p.t.Helper()
	for problem, err := range p.queue.Problems(p.t.Context(), batch, statuses...) {
		require.NoError(p.t, err)
		found = append(found, problem)
	}
	return found
}

const (
	patience = 30 * time.Second
	often    = 20 * time.Millisecond
)

// until waits until the batch meets the condition.
func (p *place) until(is func(mihuriver.Summary) bool) mihuriver.Summary {
	p.t.Helper()
	var sum mihuriver.Summary
	require.Eventually(p.t, func() bool {
		sum = p.summary(batch)
		return is(sum)
	}, patience, often, "the batch does not meet the condition")
	return sum
}

func (p *place) jobs() (rows []*rivertype.JobRow) {
	p.t.Helper()
	lister, err := river.NewClient(riverpgxv5.New(p.pool), &river.Config{})
	require.NoError(p.t, err)
	list, err := lister.JobList(p.t.Context(), river.NewJobListParams().First(10_000).OrderBy(river.JobListOrderByID, river.SortOrderAsc))
	require.NoError(p.t, err)
	return list.Jobs
}

func stream(items ...provision.Item) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

func call(number string) mihu.TrunkID {
	return mihu.TrunkID{PhoneNumber: number, Channel: mihu.ChannelCall}
}

func item(number, agent string) provision.Item {
	return provision.Item{Trunk: mihu.TrunkCreateRequest{TrunkID: call(number), AgentUUID: agent}}
}

const (
	// batch is the default batch of a test.
	batch = "x"

	one = "+12025550101"
	two = "+12025550102"
	// nobody is an agent that does not exist.
	nobody = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
)
