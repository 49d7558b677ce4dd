package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// fleet compares the rate of one process with that of three.
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
	required := 2.5
	if l.short {
		required = 2 // a short time, perhaps on a busy machine
	}
	if three < required*one {
		return fmt.Errorf("less than %g times", required)
	}
	return nil
}

// worked has processes work on items, and returns their rate.
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
			return 0, fmt.Errorf("a worker failed: %w", err)
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
	l.peak, err = exact(server, count)
	return perSecond, err
}

// limit has three processes share a rate.
func limit(ctx context.Context, l *lab) error {
	const perSecond, maximum = 200, 210
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
	if l.peak > maximum {
		return fmt.Errorf("%d requests in a second, more than %d", l.peak, maximum)
	}
	return nil
}

// mihu starts the fake server.
func (l *lab) mihu(ctx context.Context) (*process, string, error) {
	server, err := l.start(ctx, "serve")
	if err != nil {
		return nil, "", err
	}
	var r report
	err = server.receive(&r)
	return server, r.URL, err
}

// exact returns an error unless every trunk is as wanted and none was created twice. It also returns the most
// requests within a second.
func exact(server *process, count int) (peak int, err error) {
	var r report
	if err := server.request(strconv.Itoa(count), &r); err != nil {
		return 0, err
	}
	fmt.Printf("   the server received %d requests, at most %[3]d in a second, and injected %[2]d faults; %[4]d trunks created, %[5]d twice, %[6]d missing, %[7]d wrong, %[8]d too many\n",
		r.Requests, r.Faults, r.Peak, r.Registered, r.Again, r.Missing, r.Wrong, r.Extra)
	if r.Registered != count || r.Again+r.Missing+r.Wrong+r.Extra != 0 {
		return r.Peak, errors.New("not all trunks are as wanted")
	}
	return r.Peak, nil
}

// kill has three processes work, kills one every few seconds, and restarts PostgreSQL and Redis once. Every
// tenth trunk also has an outdated item.
func kill(ctx context.Context, l *lab) error {
	// The short form stops killing early, because the jobs of the last kill wait until River rescues them.
	count, every, restart, maxKills := 20_000, 5*time.Second, 30*time.Second, 1_000
	if l.short {
		count, every, restart, maxKills = 1_500, 4*time.Second, 6*time.Second, 3
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
		kills, err = l.disturb(stop, url, rdb, every, restart, maxKills)
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

// disturb keeps three processes running, kills one after another, and restarts PostgreSQL and Redis once.
func (l *lab) disturb(ctx context.Context, url string, rdb *redisServer, every, restart time.Duration, maxKills int) (kills int, err error) {
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
			if kills++; kills == maxKills {
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
