package main

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

// Goroutines and heap do not grow during a minute of mixed calls with faults.
func TestSoak(t *testing.T) {
	l := newLab(testing.Short(), 1, t.Name())
	srv := mihutest.NewServer(t, mihutest.WithRequestLimit(100), anyAgent)
	client := srv.Client(t, mihu.WithRetryPolicy(fastRetries), mihu.WithAttemptTimeout(attemptTimeout))
	ingredients := everything(false)
	for i, in := range ingredients {
		if in.kind == "applied late" { // a late create would undo a delete, which no client can prevent
			ingredients[i].part = 0
		}
	}
	lives := &chain{client: client, srv: srv}
	number := 0
	load := func(d time.Duration) {
		mixed := l.mix(ingredients)
		srv.InjectFunc(mixed.choose)
		end := time.Now().Add(d)
		lives.run(t.Context(), createWorkers, number, func(int) bool { return time.Now().After(end) })
		number += 1_000_000
		srv.InjectFunc(nil)
		for _, trunk := range srv.Trunks() { // left by unknown outcomes
			if err := client.Trunks.Delete(t.Context(), trunk.ID); !errors.Is(err, mihu.ErrNotFound) {
				require.NoError(t, err)
			}
		}
		lives.failed, lives.open, lives.over, lives.verdict.unknown = nil, nil, nil, nil
		client.CloseIdleConnections()
	}
	load(either(l, 5*time.Second, time.Second)) // fill pools and caches
	goroutines, heap := atRest(t, 0)
	load(either(l, time.Minute, 5*time.Second))
	after, heapAfter := atRest(t, goroutines)
	t.Logf("%d calls, %d goroutines and %d KiB before, %d and %d KiB after", lives.calls, goroutines, heap>>10, after, heapAfter>>10)
	assert.LessOrEqual(t, after, goroutines)
	const leeway = 1 << 20 // for the runtime
	assert.LessOrEqual(t, heapAfter, heap+leeway)
	assert.Empty(t, lives.verdict.lost)
	assert.Empty(t, lives.verdict.misreported)
	assert.Empty(t, lives.verdict.speechless)
}

// atRest waits until at most maximum goroutines are left, or until their number does not change. It
// returns that number and the size of the heap.
func atRest(t *testing.T, maximum int) (goroutines int, heap uint64) {
	t.Helper()
	last, since := 0, time.Now()
	require.Eventually(t, func() bool {
		now := runtime.NumGoroutine()
		if now != last {
			last, since = now, time.Now()
		}
		return now <= maximum || time.Since(since) > time.Second
	}, 30*time.Second, 10*time.Millisecond)
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return last, stats.HeapAlloc
}
