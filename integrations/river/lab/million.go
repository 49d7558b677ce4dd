package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	mihuriver "github.com/mihu-go/mihu/integrations/river"
	"github.com/mihu-go/mihu/provision"
)

// enqueued is the report of the process that enqueues.
type enqueued struct {
	Enqueued      mihuriver.Enqueued
	Seconds       float64
	Early, Late   uint64 // the largest heap in the first and the last quarter of the items
	HighWaterMark string // of the process's memory, by the kernel
}

// enqueue enqueues items and measures its memory.
func enqueue(ctx context.Context) error {
	count, err := number(envItems)
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, os.Getenv(envDatabase))
	if err != nil {
		return err
	}
	defer pool.Close()
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return err
	}
	queue, err := mihuriver.NewQueue(client, pool, mihuriver.QueueOptions{})
	if err != nil {
		return err
	}
	var r enqueued
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	began, n := time.Now(), 0
	r.Enqueued, err = queue.Enqueue(ctx, "million", func(yield func(provision.Item, error) bool) {
		for item, err := range items(count, 1, false) {
			if n++; n%500 == 0 {
				metrics.Read(sample)
				if heap := sample[0].Value.Uint64(); n < count/4 {
					r.Early = max(r.Early, heap)
				} else if n > count*3/4 {
					r.Late = max(r.Late, heap)
				}
			}
			if !yield(item, err) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		r.HighWaterMark = "not known"
	}
	for line := range strings.Lines(string(status)) {
		if mark, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			r.HighWaterMark = strings.TrimSpace(mark)
		}
	}
	return send(r)
}

// million enqueues a million items in one process, and some of them again.
func million(ctx context.Context, l *lab) error {
	count := 1_000_000
	if l.short {
		count = 40_000
	}
	p, err := l.start(ctx, "enqueue", fmt.Sprint(envItems, "=", count))
	if err != nil {
		return err
	}
	var r enqueued
	if err := p.receive(&r); err != nil {
		return err
	}
	size, err := l.size(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("   %d items in %.1f s, %.0f a second; heap %d MB in the first quarter, %d MB in the last, process %s; database %d MB\n",
		r.Enqueued.Inserted, r.Seconds, float64(count)/r.Seconds, r.Early>>20, r.Late>>20, r.HighWaterMark, size>>20)
	began := time.Now()
	again, err := l.queue.Enqueue(ctx, "million", items(min(count, 50_000), 1, false))
	if err != nil {
		return err
	}
	fmt.Printf("   %d of them again: %d inserted, in %.1f s\n", again.Items, again.Inserted, time.Since(began).Seconds())
	began = time.Now()
	sum, err := l.queue.Summary(ctx, "million")
	if err != nil {
		return err
	}
	fmt.Printf("   the summary took %.2f s: %v\n", time.Since(began).Seconds(), sum)
	switch {
	case r.Enqueued.Inserted != count || sum.Wanted != count || again.Inserted != 0:
		return errors.New("not all are enqueued once")
	case r.Late > 2*r.Early+16<<20:
		return errors.New("memory grows with the items")
	}
	return nil
}
