package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	redrawEvery = 100 * time.Millisecond
	lineEvery   = 5 * time.Second
	usualWidth  = 80 // of a terminal that does not say how wide it is
)

// progress shows how far a run is: a line that is redrawn on a terminal, and otherwise a new line
// every few seconds.
type progress struct {
	app   *app
	total int
	began time.Time
	every time.Duration
	stop  chan struct{}
	work  sync.WaitGroup

	mu           sync.Mutex
	done, failed int
	skipped      int // of done: those that cost no request, and say nothing of the rate
	waiting      int
	stopping     bool
}

// progress starts to show a run over a number of items; end has to be called. Data that is printed on
// the terminal shows how far the run is, and no line is drawn into it.
func (a *app) progress(total int, data *records) *progress {
	p := &progress{app: a, total: total, began: time.Now(), every: lineEvery, stop: make(chan struct{})}
	if a.global.quiet || data != nil && data.terminal {
		return p
	}
	if a.console.terminal {
		p.every = redrawEvery
	}
	p.work.Go(p.show)
	return p
}

func (p *progress) show() {
	ticker := time.NewTicker(p.every)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		if p.app.console.terminal {
			width := terminalWidth(p.app.stderr)
			if width == 0 {
				width = usualWidth
			}
			p.app.console.redraw(cut(p.line(time.Now(), width), width-1))
		} else {
			p.app.note("%s", p.line(time.Now(), 0))
		}
	}
}

// end stops showing, and removes the line.
func (p *progress) end() {
	close(p.stop)
	p.work.Wait()
	p.app.console.redraw("")
}

// step counts an item.
func (p *progress) step(failed, skipped bool) {
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

func (p *progress) setWaiting(waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = waiting
}

func (p *progress) setStopping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopping = true
}

// line is the text of the progress, without its last parts where they do not fit.
func (p *progress) line(now time.Time, width int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := []string{fmt.Sprintf("%d/%d done", p.done, p.total)}
	if p.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", p.failed))
	}
	elapsed := now.Sub(p.began).Seconds()
	if worked := p.done - p.skipped; worked > 0 && elapsed > 0 {
		rate := float64(worked) / elapsed
		parts = append(parts, fmt.Sprintf("%.1f/s", rate))
		if left := p.total - p.done; left > 0 && !p.stopping {
			parts = append(parts, duration(time.Duration(float64(left)/rate*float64(time.Second)))+" left")
		}
	}
	if p.waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting for an agent", p.waiting))
	}
	if p.stopping {
		parts = append(parts, "stopping")
	}
	for width > 0 && len(parts) > 1 && textWidth(strings.Join(parts, ", ")) >= width {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, ", ")
}

// duration is a time for people: 8s, 3m10s, 2h05m.
func duration(d time.Duration) string {
	d = max(d.Round(time.Second), time.Second)
	if d < time.Hour {
		return d.String()
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
