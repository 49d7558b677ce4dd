package term

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	redrawInterval = 100 * time.Millisecond
	lineInterval   = 5 * time.Second
)

// Progress shows how far a run is: a status line on a terminal, otherwise a new line every few
// seconds. It is safe for concurrent use.
type Progress struct {
	console  *Console
	total    int
	started  time.Time
	interval time.Duration
	stop     chan struct{}
	work     sync.WaitGroup

	mu           sync.Mutex
	done, failed int
	skipped      int // included in done; they cost no request, so the rate leaves them out
	waiting      int
	stopping     bool
}

// StartProgress shows a run over total items until End is called. If hidden is set, it only counts.
func StartProgress(console *Console, total int, hidden bool) *Progress {
	p := &Progress{console: console, total: total, started: time.Now(), interval: lineInterval, stop: make(chan struct{})}
	if hidden {
		return p
	}
	if console.Terminal() {
		p.interval = redrawInterval
	}
	p.work.Go(p.show)
	return p
}

func (p *Progress) show() {
	ticker := time.NewTicker(p.interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		if p.console.Terminal() {
			width := p.console.Width()
			p.console.Redraw(Cut(p.line(time.Now(), width), width-1, p.console.cutMark()))
		} else {
			_, _ = fmt.Fprintln(p.console, p.line(time.Now(), 0))
		}
	}
}

// End stops showing and removes the status line.
func (p *Progress) End() {
	close(p.stop)
	p.work.Wait()
	p.console.Redraw("")
}

// Step counts an item. A skipped one is done and did not need a request.
func (p *Progress) Step(failed, skipped bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if failed {
		p.failed++
	}
	if skipped {
		p.skipped++
	}
}

// SetWaiting sets how many items wait for an agent that serves another number.
func (p *Progress) SetWaiting(waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = waiting
}

// SetStopping shows that the run is ending early.
func (p *Progress) SetStopping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
}

// line returns the text of the progress, without its last parts if they do not fit the width.
func (p *Progress) line(now time.Time, width int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := []string{fmt.Sprintf("%d/%d done", p.done, p.total)}
	if p.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", p.failed))
	}
	elapsed := now.Sub(p.started).Seconds()
	if worked := p.done - p.skipped; worked > 0 && elapsed > 0 {
		rate := float64(worked) / elapsed
		parts = append(parts, fmt.Sprintf("%.1f/s", rate))
		if left := p.total - p.done; left > 0 && !p.stopping {
			parts = append(parts, Duration(time.Duration(float64(left)/rate*float64(time.Second)))+" left")
		}
	}
	if p.waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting for an agent", p.waiting))
	}
	if p.stopping {
		parts = append(parts, "stopping")
	}
	for width > 0 && len(parts) > 1 && TextWidth(strings.Join(parts, ", ")) >= width {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, ", ")
}

// Duration formats a time for people: 8s, 3m10s, 2h05m.
func Duration(d time.Duration) string {
	d = max(d.Round(time.Second), time.Second)
	if d < time.Hour {
		return d.String()
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
