package mihuredis

import (
	"context"
	"sync"
	"time"
)

// pauseMargin is added to a pause that is written to Redis, so that many 429 responses of one moment
// need not each be written for the few milliseconds that they add.
const pauseMargin = 50 * time.Millisecond

// Pause holds back all limiters of the key: this one at once, the others within 100 ms, for d or
// [WithMaxPause], whichever is shorter. A [mihu.Client] calls it after a 429 response. A shorter pause
// does not end a longer one. While Redis is unavailable, the pause holds for this limiter only; the
// others join in what is left of it when Redis is available again. 0 or less does nothing.
func (l *Limiter) Pause(ctx context.Context, d time.Duration) {
	if l == nil || l.turn == nil || d <= 0 {
		return
	}
	l.pause.extend(min(d, l.maxPause))
	if !l.pause.isLocal() {
		// If this fails, the next request that waits writes it, and finds out what is wrong with Redis.
		_ = l.writePause(ctx)
	}
}

// writePause writes a pause to Redis that is not there yet.
func (l *Limiter) writePause(ctx context.Context) error {
	left := l.pause.claim()
	if left <= 0 {
		return nil
	}
	err := l.store.writePause(ctx, left)
	if err != nil {
		l.pause.unclaim()
	}
	return err
}

// pause is until when nothing may be sent, and which part of that Redis has.
type pause struct {
	mu     sync.Mutex
	until  time.Time
	shared time.Time // Redis has the pause until then
	local  bool      // Redis is unavailable
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

// learn takes over a pause from Redis.
func (p *pause) learn(d time.Duration) {
	if d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(d)
	p.until, p.shared = latest(p.until, until), latest(p.shared, until)
}

// unshared reports whether there is a pause that Redis does not have.
func (p *pause) unshared() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until.After(p.shared)
}

// claim returns the pause that the caller must write to Redis, or 0 if there is none to write.
func (p *pause) claim() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.until.After(p.shared) {
		return 0
	}
	p.shared = p.until.Add(pauseMargin)
	return time.Until(p.shared)
}

// unclaim notes that the pause could not be written.
func (p *pause) unclaim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shared = time.Time{}
}

func (p *pause) isLocal() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local
}

func (p *pause) setLocal(local bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.local = local
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
