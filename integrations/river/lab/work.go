package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/mihu-go/mihu"
	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/mihutest"
)

// work runs a process of workers until it is stopped.
func work(ctx context.Context) error {
	ctx, cancel := withParent(ctx)
	defer cancel()
	workers, err := number(envWorkers)
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, os.Getenv(envDatabase)+"&pool_max_conns=8")
	if err != nil {
		return err
	}
	defer pool.Close()
	var limiter mihu.Limiter
	if address := os.Getenv(envRedis); address != "" {
		perSecond, err := number(envRate)
		if err != nil {
			return err
		}
		rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: address, ContextTimeoutEnabled: true})
		defer func() { _ = rdb.Close() }() // nothing is lost with it
		if limiter, err = mihuredis.New(rdb, "lab", perSecond, mihuredis.WithShare(1.0/3)); err != nil {
			return err
		}
	}
	client, err := mihu.New("", mihutest.DefaultToken, mihu.WithBaseURL(os.Getenv(envMihu)), mihu.WithLimiter(limiter))
	if err != nil {
		return err
	}
	set := river.NewWorkers()
	river.AddWorker(set, mihuriver.NewWorker(pool, client, mihuriver.WorkerOptions{Secrets: secrets}))
	config := &river.Config{Workers: set, Logger: slog.New(slog.DiscardHandler)}
	if os.Getenv(envQuick) != "" {
		config.JobTimeout, config.RescueStuckJobsAfter = 3*time.Second, 8*time.Second
	}
	if err := mihuriver.Configure(config, workers); err != nil {
		return err
	}
	started, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		return err
	}
	running := context.WithoutCancel(ctx)
	if err := started.Start(running); err != nil {
		return err
	}
	<-ctx.Done()
	ending, cancel := context.WithTimeout(running, 20*time.Second)
	defer cancel()
	return started.Stop(ending)
}
