package term

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	redrawInterval = 100 * time.Millisecond
	// pollInterval is how often it is looked whether a line is due.
	pollInterval = time.Second
	// lineInterval is the longest time without a line, if there is no terminal.
	lineInterval = time.Minute
	// linesOfRun is how many lines a run has at most, if it takes less than that time for each.
	linesOfRun = 10
	barWidth   = 16
)

// Progress shows how far a run is: a status line with a bar on a terminal, otherwise a new line for
// each tenth of the run, or each minute. It is safe for concurrent use.
type Progress struct {
	console         *Console
	total           int
	unit, workspace string
	started         time.Time
	stop            chan struct{}
	work            sync.WaitGroup

	mu           sync.Mutex
	done, failed int
	skipped      int // included in done; they cost no request, so the rate leaves them out
	waiting      int
	stopping     bool
}

// StartProgress shows a run over total items of a workspace until End is called. unit is what the
// items are called, such as "rows". If hidden is set, it only counts.
func StartProgress(console *Console, total int, unit, workspace string, hidden bool) *Progress {
	p := &Progress{console: console, total: total, unit: unit, workspace: Printable(workspace), started: time.Now(), stop: make(chan struct{})}
	switch {
	case hidden:
	case console.Terminal():
		p.work.Go(func() { p.every(redrawInterval, p.redraw) })
	default:
		lines := &progressLines{Progress: p, last: p.started}
		p.work.Go(func() { p.every(pollInterval, lines.print) })
	}
	return p
}

// every calls show until End is called.
func (p *Progress) every(interval time.Duration, show func(now time.Time)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-ticker.C:
			show(now)
		}
	}
}

func (p *Progress) redraw(now time.Time) {
	width := p.console.Width()
	p.console.Redraw(Cut(p.line(now, width), width-1, p.console.cutMark()))
}

// progressLines decides when a line is due.
type progressLines struct {
	*Progress
	tenth int
	last  time.Time
}

func (l *progressLines) print(now time.Time) {
	l.mu.Lock()
	tenth := l.done * linesOfRun / max(l.total, 1)
	l.mu.Unlock()
	if tenth >= linesOfRun || tenth == l.tenth && now.Sub(l.last) < lineInterval {
		return
	}
	l.tenth, l.last = tenth, now
	_, _ = fmt.Fprintln(l.console, l.line(now, 0))
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

// progressPart is a part of the line. The least important ones are left out first if the line is too
// long; 0 always stays.
type progressPart struct {
	text   string
	unless int
}

// line returns the text of the progress. width is that of the terminal; 0 is for a line of a file,
// which has no bar.
func (p *Progress) line(now time.Time, width int) string {
	parts := p.parts(now, width > 0)
	for least := 9; least > 0 && width > 0 && TextWidth(joinParts(parts)) >= width; least-- {
		parts = slices.DeleteFunc(parts, func(part progressPart) bool { return part.unless == least })
	}
	return joinParts(parts)
}

func joinParts(parts []progressPart) string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.text
	}
	return strings.Join(texts, "  ")
}

// parts returns all parts of the line, in order.
func (p *Progress) parts(now time.Time, bar bool) (parts []progressPart) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add := func(unless int, format string, args ...any) {
		parts = append(parts, progressPart{fmt.Sprintf(format, args...), unless})
	}
	count := fmt.Sprintf("%d/%d", p.done, p.total)
	share := float64(p.done) / float64(max(p.total, 1))
	if bar {
		full := min(int(share*barWidth), barWidth)
		add(6, "[%s%s]", strings.Repeat("#", full), strings.Repeat(".", barWidth-full))
	} else {
		count += " " + p.unit
	}
	add(0, "%s", count)
	add(7, "%d%%", int(100*share))
	elapsed := now.Sub(p.started).Seconds()
	if worked := p.done - p.skipped; worked > 0 && elapsed > 0 {
		rate := float64(worked) / elapsed
		add(5, "%s", rateText(rate, p.unit))
		if left := p.total - p.done; left > 0 && !p.stopping {
			add(3, "%s left", Duration(time.Duration(float64(left)/rate*float64(time.Second))))
		}
	}
	if p.failed > 0 {
		add(1, "%d failed", p.failed)
	}
	if p.waiting > 0 {
		add(8, "%d waiting for an agent", p.waiting)
	}
	if p.stopping {
		add(2, "stopping")
	}
	add(4, "%s", p.workspace)
	return parts
}

// rateText shows a rate in whole numbers: of a second, or if it is low, of a minute.
func rateText(rate float64, unit string) string {
	const low = 3
	if rate < low {
		return fmt.Sprintf("%.0f %s/min", rate*time.Minute.Seconds(), unit)
	}
	return fmt.Sprintf("%.0f %s/s", rate, unit)
}

// Duration formats a time for people: 8s, 3m10s, 2h05m.
func Duration(d time.Duration) string {
	d = max(d.Round(time.Second), time.Second)
	if d < time.Hour {
		return d.String()
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
