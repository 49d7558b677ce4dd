// Fleet provisions trunks from a file, with as many processes as you start:
//
//	fleet -enqueue trunks.csv -batch autumn   # enqueue the items of the file, then work
//	fleet -batch autumn                       # work, and print the progress of the batch
//	fleet -cancel -batch autumn               # cancel the unfinished jobs of the batch
//
// With -cancel and -enqueue the file replaces the unfinished jobs of the batch, and is worked on.
//
// A second process, on this machine or another, shares the work and the rate. Each ends when the batch is
// finished, with exit status 1 if a job was refused or is unknown. Ctrl-C ends a process after its running
// attempts; other processes continue, and the next start resumes.
//
//	DATABASE_URL      the PostgreSQL; its tables are migrated at the start
//	MIHU_TENANT       the workspace
//	MIHU_API_TOKEN    its token
//	MIHU_BASE_URL     overrides the API base URL
//	REDIS_URL         the Redis with the shared rate; without it each process has its own
//	MIHU_RATE         requests per second of all processes together; default 50
//	MIHU_SEAL_KEYS    keys for credentials in the file, "name:base64"; without them such a file is refused
//	MIHU_SECRETS_DIR  a directory with a file "username:password" for each secret name in the file
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/time/rate"

	"github.com/mihu-go/mihu"
	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/provision"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		_, _ = fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// fleet is the setup of one process.
type fleet struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx]
	queue *mihuriver.Queue
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	file := flags.String("enqueue", "", "CSV or JSON lines `file` of items to enqueue first")
	batch := flags.String("batch", "", "`name` of the batch")
	cancel := flags.Bool("cancel", false, "cancel the unfinished jobs of the batch first")
	workers := flags.Int("workers", 8, "`number` of items this process works on at once")
	every := flags.Duration("every", 5*time.Second, "`interval` between two lines of progress")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *batch == "" || flags.NArg() > 0 || *every <= 0 {
		return errors.New("want -batch NAME, -every above 0 and no arguments")
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	f, end, err := open(ctx, *workers, logger)
	if err != nil {
		return err
	}
	defer end()
	if *cancel {
		done, err := f.queue.Cancel(ctx, *batch)
		if _, printErr := fmt.Fprintf(out, "batch %s: %v\n", *batch, done); err != nil || printErr != nil || *file == "" {
			return errors.Join(err, printErr)
		}
	}
	if *file != "" {
		if err := f.enqueue(ctx, *file, *batch, out); err != nil {
			return err
		}
	}
	// The workers finish their attempts, also after ctx has ended.
	if err := f.river.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	sum, err := f.watch(ctx, *batch, *every, out)
	ending, giveUp := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer giveUp()
	if err = errors.Join(err, f.river.Stop(ending)); err != nil || !sum.Finished() {
		return err
	}
	return f.verdict(ctx, *batch, sum, out)
}

// open sets a process up; end releases what it holds.
func open(ctx context.Context, workers int, logger *slog.Logger) (f *fleet, end func(), err error) {
	url := os.Getenv("DATABASE_URL")
	if url == "" {
		return nil, nil, errors.New("DATABASE_URL is not set")
	}
	sealer, err := mihuriver.NewSealerFromEnv()
	if err != nil {
		return nil, nil, err
	}
	limiter, closeRedis, err := openLimiter(logger)
	if err != nil {
		return nil, nil, err
	}
	client, err := mihu.NewFromEnv(mihu.WithLimiter(limiter), mihu.WithUserAgent("mihu-fleet"))
	if err != nil {
		closeRedis()
		return nil, nil, err
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		closeRedis()
		return nil, nil, errors.New("DATABASE_URL is not a connection string of PostgreSQL") // it may hold a password
	}
	end = func() {
		pool.Close()
		closeRedis()
	}
	f = &fleet{pool: pool}
	if err := f.start(ctx, workers, client, sealer, logger); err != nil {
		end()
		return nil, nil, err
	}
	return f, end, nil
}

// start migrates River's tables, and creates its client and the queue.
func (f *fleet) start(ctx context.Context, workers int, client *mihu.Client, sealer *mihuriver.Sealer, logger *slog.Logger) error {
	driver := riverpgxv5.New(f.pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return err
	}
	if err := migrate(ctx, f.pool, migrator); err != nil {
		return err
	}
	set := river.NewWorkers()
	river.AddWorker(set, mihuriver.NewWorker(f.pool, client, mihuriver.WorkerOptions{Secrets: lookUp, Sealer: sealer}))
	config := &river.Config{Workers: set, Logger: logger}
	if err := mihuriver.Configure(config, workers); err != nil {
		return err
	}
	if f.river, err = river.NewClient(driver, config); err != nil {
		return err
	}
	f.queue, err = mihuriver.NewQueue(f.river, f.pool, mihuriver.QueueOptions{Sealer: sealer})
	return err
}

// migrate makes processes that start at the same time migrate one after another.
func migrate(ctx context.Context, pool *pgxpool.Pool, migrator *rivermigrate.Migrator[pgx.Tx]) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(7205759403792793600)"); err != nil { // any number, the same everywhere
			return err
		}
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
}

// openLimiter returns the shared rate, or a rate of this process if there is no Redis.
func openLimiter(logger *slog.Logger) (mihu.Limiter, func(), error) {
	perSecond := 50
	if text := os.Getenv("MIHU_RATE"); text != "" {
		var err error
		if perSecond, err = strconv.Atoi(text); err != nil || perSecond < 1 {
			return nil, nil, fmt.Errorf("MIHU_RATE %q is not a positive integer", text)
		}
	}
	url := os.Getenv("REDIS_URL")
	if url == "" {
		return rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/20)), func() {}, nil
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, errors.New("REDIS_URL is not a URL of Redis") // it may hold a password
	}
	options.ContextTimeoutEnabled = true
	rdb := redis.NewClient(options)
	end := func() { _ = rdb.Close() } // nothing is lost with it
	limiter, err := mihuredis.New(rdb, os.Getenv(mihu.EnvTenant)+os.Getenv(mihu.EnvBaseURL), perSecond, mihuredis.WithLogger(logger))
	if err != nil {
		end()
		return nil, nil, err
	}
	return limiter, end, nil
}

// lookUp reads credentials from the file with the name of the secret.
func lookUp(_ context.Context, name string) (mihu.SIPCredentials, error) {
	dir := os.Getenv("MIHU_SECRETS_DIR")
	if dir == "" {
		return mihu.SIPCredentials{}, errors.New("MIHU_SECRETS_DIR is not set")
	}
	if !filepath.IsLocal(name) {
		return mihu.SIPCredentials{}, errors.New("not a file name")
	}
	text, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // within the directory
	if err != nil {
		return mihu.SIPCredentials{}, err
	}
	username, password, ok := strings.Cut(strings.TrimRight(string(text), "\r\n"), ":")
	if !ok {
		return mihu.SIPCredentials{}, errors.New("the file is not of the form username:password")
	}
	return mihu.SIPCredentials{Username: username, Password: password}, nil
}

func (f *fleet) enqueue(ctx context.Context, file, batch string, out io.Writer) error {
	source, err := provision.Open(file, provision.ReadOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // it was only read
	done, err := f.queue.Enqueue(ctx, batch, source.Items())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d items of %s: %d enqueued, %d were already in the queue\n", done.Items, file, done.Inserted, done.Unfinished)
	return err
}

// watch prints the progress until the batch is finished or the context ends.
func (f *fleet) watch(ctx context.Context, batch string, every time.Duration, out io.Writer) (mihuriver.Summary, error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var sum mihuriver.Summary
	for {
		now, err := f.queue.Summary(ctx, batch)
		if err == nil {
			sum = now
			_, err = fmt.Fprintln(out, sum)
		}
		switch {
		case ctx.Err() != nil:
			return sum, nil // the next start resumes
		case err != nil:
			// The database may be unavailable for a while; the workers wait for it too.
			_, _ = fmt.Fprintln(out, "progress:", err)
		case sum.Finished():
			return sum, nil
		}
		select {
		case <-ctx.Done():
			return sum, nil
		case <-ticker.C:
		}
	}
}

// verdict prints the problems.
func (f *fleet) verdict(ctx context.Context, batch string, sum mihuriver.Summary, out io.Writer) error {
	if sum.Refused+sum.Unknown == 0 {
		return nil
	}
	const maxLines = 20
	n := 0
	for problem, err := range f.queue.Problems(ctx, batch, mihuriver.Refused, mihuriver.Unknown) {
		if err != nil {
			return err
		}
		if n++; n > maxLines {
			break
		}
		if _, err := fmt.Fprintln(out, problem); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d refused, %d unknown", sum.Refused, sum.Unknown)
}
