package mihuredis

import (
	"context"
	"sync"
	"time"
)

// pauseMargin is added to a pause where Redis is told of it, so that the many 429 of one moment need
// not each be told for the few milliseconds that they add.
const pauseMargin = 50 * time.Millisecond

// Pause holds back all who share the rate: those of this limiter at once, the others within a tenth
// of a second, and all for [WithMaxPause] at most. A [mihu.Client] calls it after a 429. A shorter
// pause does not end a longer one. While Redis is away the pause holds for this limiter alone, and
// the others learn of what is left of it when Redis is back.
func (l *Limiter) Pause(ctx context.Context, d time.Duration) {
	if l == nil || l.turn == nil || d <= 0 {
		return
	}
	l.pause.extend(min(d, l.maxPause))
	if !l.pause.isAlone() {
		// Where it fails, the next request that waits tells Redis, and finds out what is wrong with it.
		_ = l.tellPause(ctx)
	}
}

// tellPause tells Redis of a pause that it does not know of.
func (l *Limiter) tellPause(ctx context.Context) error {
	left := l.pause.claim()
	if left <= 0 {
		return nil
	}
	err := l.store.writePause(ctx, left)
	if err != nil {
		l.pause.forget()
	}
	return err
}

// pause is until when nothing is to be sent, and up to when Redis was told so.
type pause struct {
	mu    sync.Mutex
	until time.Time
	told  time.Time
	alone bool // Redis is away
}

func (p *pause) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

func (p *pause) extend(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = latest(p.until, time.Now().Add(d))
}

// learn takes over what Redis says, which need not be told to it again.
func (p *pause) learn(d time.Duration) {
	if d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(d)
	p.until, p.told = latest(p.until, until), latest(p.told, until)
}

// untold says that there is a pause that Redis does not know of.
func (p *pause) untold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until.After(p.told)
}

// claim is what Redis is to be told, by one of those who could tell it; 0 is nothing.
func (p *pause) claim() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.until.After(p.told) {
		return 0
	}
	p.told = p.until.Add(pauseMargin)
	return time.Until(p.told)
}

// forget is for a Redis that could not be told.
func (p *pause) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = time.Time{}
}

func (p *pause) isAlone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alone
}

func (p *pause) setAlone(alone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alone = alone
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
