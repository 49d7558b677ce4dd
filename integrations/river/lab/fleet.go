package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// fleet has one process work, and then three, and compares.
func fleet(ctx context.Context, l *lab) error {
	alone, together := 4_000, 20_000
	if l.short {
		alone, together = 600, 1_800
	}
	one, err := l.worked(ctx, 1, alone)
	if err != nil {
		return err
	}
	if _, err := l.pool.Exec(ctx, "TRUNCATE river_job"); err != nil {
		return err
	}
	three, err := l.worked(ctx, 3, together)
	if err != nil {
		return err
	}
	fmt.Printf("   three processes are %.2f times as fast as one\n", three/one)
	least := 2.5
	if l.short {
		least = 2 // a short time, perhaps on a busy machine
	}
	if three < least*one {
		return fmt.Errorf("less than %g times", least)
	}
	return nil
}

// worked has processes work on items, and gives their rate.
func (l *lab) worked(ctx context.Context, processes, count int, env ...string) (float64, error) {
	server, url, err := l.mihu(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := l.queue.Enqueue(ctx, "fleet", items(count, 1, false)); err != nil {
		return 0, err
	}
	workers := make([]*process, processes)
	for i := range workers {
		if workers[i], err = l.start(ctx, "work", append(env, envMihu+"="+url, envWorkers+"=8")...); err != nil {
			return 0, err
		}
	}
	sum, err := l.finished(ctx, "fleet")
	if err != nil {
		return 0, err
	}
	for _, w := range workers {
		if err := w.stop(); err != nil {
			return 0, fmt.Errorf("a worker ends: %w", err)
		}
	}
	perSecond, err := l.rate(ctx)
	if err != nil {
		return 0, err
	}
	fmt.Printf("   %d processes with 8 workers: %d items, %.0f a second; %v\n", processes, count, perSecond, sum)
	if sum.Done != count {
		return 0, errors.New("not all are done")
	}
	l.most, err = exact(server, count)
	return perSecond, err
}

// limit has three processes share a rate.
func limit(ctx context.Context, l *lab) error {
	const perSecond, most = 200, 210
	count := 20_000
	if l.short {
		count = 1_200
	}
	rdb, err := l.startRedis(ctx)
	if err != nil {
		return err
	}
	if _, err := l.worked(ctx, 3, count, envRedis+"="+rdb.socket(), fmt.Sprint(envRate, "=", perSecond)); err != nil {
		return err
	}
	if l.most > most {
		return fmt.Errorf("%d requests in a second, more than %d", l.most, most)
	}
	return nil
}

// mihu starts the fake one.
func (l *lab) mihu(ctx context.Context) (*process, string, error) {
	server, err := l.start(ctx, "serve")
	if err != nil {
		return nil, "", err
	}
	var r report
	err = server.answer(&r)
	return server, r.URL, err
}

// exact says that every trunk is as wanted, and none was registered a second time. It gives the most
// requests of a second.
func exact(server *process, count int) (most int, err error) {
	var r report
	if err := server.ask(strconv.Itoa(count), &r); err != nil {
		return 0, err
	}
	fmt.Printf("   the server saw %d requests, %d faults, at most %d in a second; %d trunks registered, %d again, %d missing, %d wrong, %d too many\n",
		r.Requests, r.Faults, r.MostInASecond, r.Registered, r.Again, r.Missing, r.Wrong, r.Extra)
	if r.Registered != count || r.Again+r.Missing+r.Wrong+r.Extra != 0 {
		return r.MostInASecond, errors.New("the end is not as wanted")
	}
	return r.MostInASecond, nil
}

// kill has three processes work, of which one is killed every few seconds, and restarts PostgreSQL and Redis once.
// Every tenth trunk was wanted otherwise before.
func kill(ctx context.Context, l *lab) error {
	// The short form ends its kills soon, for the jobs of the last one wait until River looks for them.
	count, every, restart, most := 20_000, 5*time.Second, 30*time.Second, 1_000
	if l.short {
		count, every, restart, most = 1_500, 4*time.Second, 6*time.Second, 3
	}
	server, url, err := l.mihu(ctx)
	if err != nil {
		return err
	}
	rdb, err := l.startRedis(ctx)
	if err != nil {
		return err
	}
	if _, err := l.queue.Enqueue(ctx, "kill", items(count, 10, true)); err != nil {
		return err
	}
	if _, err := l.queue.Enqueue(ctx, "kill", items(count, 1, false)); err != nil {
		return err
	}
	stop, stopped := context.WithCancel(ctx)
	defer stopped()
	ended := make(chan error, 1)
	var kills int
	go func() {
		var err error
		kills, err = l.disturb(stop, url, rdb, every, restart, most)
		ended <- err
	}()
	sum, err := l.finished(ctx, "kill")
	stopped()
	err = errors.Join(err, <-ended)
	if err != nil {
		return err
	}
	fmt.Printf("   %d kills and a restart of PostgreSQL and Redis; %v\n", kills, sum)
	if sum.Done+sum.Superseded != sum.Wanted || sum.Wanted != count+count/10 {
		return errors.New("not all are done or superseded")
	}
	_, err = exact(server, count)
	return err
}

// disturb keeps three processes running, kills one after the other, and restarts PostgreSQL and Redis once.
func (l *lab) disturb(ctx context.Context, url string, rdb *redisServer, every, restart time.Duration, most int) (kills int, err error) {
	begin := func() (*process, error) {
		return l.start(context.WithoutCancel(ctx), "work", envMihu+"="+url, envWorkers+"=8", envQuick+"=1",
			envRedis+"="+rdb.socket(), envRate+"=1000")
	}
	var workers [3]*process
	for i := range workers {
		if workers[i], err = begin(); err != nil {
			return 0, err
		}
	}
	killing, restarting := time.NewTicker(every), time.NewTimer(restart)
	defer killing.Stop()
	defer restarting.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, w := range workers {
				err = errors.Join(err, w.stop())
			}
			return kills, err
		case <-killing.C:
			i := kills % len(workers)
			workers[i].kill()
			if kills++; kills == most {
				killing.Stop()
			}
			if workers[i], err = begin(); err != nil {
				return kills, err
			}
		case <-restarting.C:
			if err := l.sql.Stop(); err != nil {
				return kills, err
			}
			if err := l.sql.Restart(context.WithoutCancel(ctx)); err != nil {
				return kills, err
			}
			rdb.stop()
			if err := rdb.start(ctx); err != nil {
				return kills, err
			}
		}
	}
}
