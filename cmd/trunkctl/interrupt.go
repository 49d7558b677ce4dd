package main

import (
	"context"
	"os"
	"sync"
)

// interrupts is what Ctrl-C, SIGTERM and SIGHUP do: the first ends the command in good order, the second at
// once, the third ends the process.
type interrupts struct {
	ctx      context.Context // what the signals end, for reads of which the interface has none
	mu       sync.Mutex
	count    int
	graceful func()
	cancel   context.CancelCauseFunc
}

// catchInterrupts gives the context that a signal ends; release ends the watch.
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

// signal counts a signal and does what it asks for.
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

// onFirst has the first signal do this, in place of ending the context. It must not block.
func (i *interrupts) onFirst(graceful func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.graceful = graceful
	if i.count > 0 && graceful != nil {
		graceful()
	}
}

// interrupted says that there was a signal.
func (i *interrupts) interrupted() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count > 0
}
