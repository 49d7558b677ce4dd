package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/integrations/river/internal/postgres"
)

// lab is the environment of a scenario: a PostgreSQL with River's tables, and processes.
type lab struct {
	short bool
	sql   *postgres.Server
	url   string
	pool  *pgxpool.Pool
	queue *mihuriver.Queue
	procs []*process
	redis *redisServer // nil if the scenario has none
	peak  int          // the most requests that the fake server received in a second
}

const database = "lab"

// inLab runs a scenario in a new lab and removes the lab.
func inLab(ctx context.Context, short bool, run func(context.Context, *lab) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	server, err := postgres.Start(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	l := &lab{short: short, sql: server, url: server.URL(database)}
	defer func() {
		for _, p := range l.procs {
			p.kill()
		}
		if l.redis != nil {
			l.redis.close()
		}
	}()
	if err := server.Create(ctx, database, ""); err != nil {
		return err
	}
	if l.pool, err = pgxpool.New(ctx, l.url); err != nil {
		return err
	}
	defer l.pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(l.pool), nil)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	client, err := river.NewClient(riverpgxv5.New(l.pool), &river.Config{})
	if err != nil {
		return err
	}
	if l.queue, err = mihuriver.NewQueue(client, l.pool, mihuriver.QueueOptions{}); err != nil {
		return err
	}
	return run(ctx, l)
}

// finished waits until a batch is finished.
func (l *lab) finished(ctx context.Context, batch string) (mihuriver.Summary, error) {
	var failures int
	var last mihuriver.Summary
	reported := time.Now()
	for {
		sum, err := l.queue.Summary(ctx, batch)
		if err == nil {
			last = sum
		}
		if time.Since(reported) > 15*time.Second {
			reported = time.Now()
			fmt.Printf("   … %v\n", last)
		}
		switch {
		case err == nil && sum.Finished():
			return sum, nil
		case ctx.Err() != nil:
			return sum, fmt.Errorf("the batch does not finish: %w; %v", ctx.Err(), last)
		case err != nil: // while PostgreSQL is restarted
			if failures++; failures > 100 {
				return sum, err
			}
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// rate returns the items per second from the first attempt until 95 % were finished, without those that wait
// for their next attempt at the end.
func (l *lab) rate(ctx context.Context) (perSecond float64, err error) {
	err = l.pool.QueryRow(ctx, `SELECT 0.95 * count(*) / extract(epoch FROM percentile_disc(0.95) WITHIN GROUP (ORDER BY finalized_at) - min(attempted_at))
		FROM river_job`).Scan(&perSecond)
	return perSecond, err
}

// size returns the size of the database on disk.
func (l *lab) size(ctx context.Context) (bytes int64, err error) {
	err = l.pool.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&bytes)
	return bytes, err
}
