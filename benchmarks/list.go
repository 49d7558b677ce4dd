package main

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/mihu-go/mihu"
)

// runList reads a complete list with a contender's page function, or with this package's iterator.
func runList(o order) (outcome, error) {
	read := iterate
	if !o.Iterate {
		read = pageByPage
	}
	runtime.GC()
	stop := watchHeap()
	cpu, start := cpuTime(), time.Now()
	numbers, err := read(context.Background(), o)
	got := outcome{Calls: o.Pages, Numbers: numbers, Seconds: time.Since(start).Seconds(), CPU: cpuTime() - cpu}
	got.HeapPeak = stop()
	return got, err
}

func pageByPage(ctx context.Context, o order) (numbers int, err error) {
	c, err := find(o.Contender)
	if err != nil {
		return 0, err
	}
	client, err := c.make(o.Place)
	if err != nil {
		return 0, err
	}
	defer client.close()
	for page := lastPage - o.Pages + 1; page <= lastPage; page++ {
		n, err := client.page(ctx, page)
		if err != nil {
			return numbers, err
		}
		numbers += n
	}
	return numbers, nil
}

func iterate(ctx context.Context, o order) (numbers int, err error) {
	client, err := mihu.New("", token, mihu.WithBaseURL(o.Place.URL+"/v1"))
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	for number, err := range client.Trunks.All(ctx, &mihu.AllOptions{Page: lastPage - o.Pages + 1, Prefetch: o.Ahead}) {
		if err != nil {
			return numbers, err
		}
		if number.Bindings.Call.AgentName == "" {
			return numbers, errResponse
		}
		numbers++
	}
	return numbers, nil
}

// watchHeap samples the bytes of all objects on the heap, including dead objects that are not swept
// yet, and returns the maximum.
func watchHeap() (stop func() float64) {
	done, most := make(chan struct{}), make(chan float64)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		peak := uint64(0)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-done:
				most <- float64(peak)
				return
			case <-tick.C:
			}
		}
	}()
	return func() float64 {
		close(done)
		return <-most
	}
}
