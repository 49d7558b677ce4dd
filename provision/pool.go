package provision

import "sync"

// pool is a number of workers that do tasks.
type pool struct {
	*stopper
	tasks    chan func()
	inFlight sync.WaitGroup // submitted tasks
	workers  sync.WaitGroup
}

// newPool starts the workers. They run until close.
func newPool(s *stopper, workers int) *pool {
	p := &pool{stopper: s, tasks: make(chan func())}
	for range workers {
		p.workers.Go(func() {
			for task := range p.tasks {
				task()
			}
		})
	}
	return p
}

// submit passes a task to a worker. It returns false if the run ends first.
func (p *pool) submit(task func()) bool {
	if p.ended() { // select would choose a free worker half of the time
		p.leaveUndone()
		return false
	}
	p.inFlight.Add(1)
	select {
	case p.tasks <- func() { defer p.inFlight.Done(); task() }:
		return true
	case <-p.over:
	case <-p.stop:
		p.end(ErrStopped)
	case <-p.ctx.Done():
		p.end(p.contextError())
	}
	p.inFlight.Done()
	p.leaveUndone()
	return false
}

// wait waits for the submitted tasks.
func (p *pool) wait() { p.inFlight.Wait() }

// close ends the workers after the submitted tasks.
func (p *pool) close() {
	close(p.tasks)
	p.workers.Wait()
}
