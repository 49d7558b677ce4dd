package main

import (
	"context"
	"os"
	"sync"
)

// interrupts handles Ctrl-C, SIGTERM and SIGHUP: the first ends the command in good order, the
// second at once, the third ends the process.
type interrupts struct {
	ctx      context.Context // ends with a signal; for reads, whose interface has no context
	mu       sync.Mutex
	count    int
	graceful func()
	cancel   context.CancelCauseFunc
}

// catchInterrupts returns a context that ends with a signal. release stops watching.
func catchInterrupts(ctx context.Context, signals <-chan os.Signal, releaseSignals func()) (_ context.Context, _ *interrupts, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	i := &interrupts{ctx: ctx, cancel: cancel}
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-signals:
				if i.signal() > 1 && releaseSignals != nil {
					releaseSignals()
				}
			case <-done:
				return
			}
		}
	})
	return ctx, i, func() {
		close(done)
		watch.Wait()
		cancel(nil)
	}
}

// signal handles a signal and returns how many there were.
func (i *interrupts) signal() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
	if i.count == 1 && i.graceful != nil {
		i.graceful()
	} else {
		i.cancel(errInterrupted)
	}
	return i.count
}

// onFirst sets what the first signal calls instead of ending the context. It must not block.
func (i *interrupts) onFirst(graceful func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.graceful = graceful
	if i.count > 0 && graceful != nil {
		graceful()
	}
}

// interrupted reports whether there was a signal.
func (i *interrupts) interrupted() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count > 0
}
