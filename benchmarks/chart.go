package main

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// panel is one group of bars.
type panel struct {
	title, note string
	table, key  string
	format      string
	scale       float64
	skip        []string
}

var panels = []panel{
	{
		title: "One call, no network", note: "time, NAIVE = 1; less is better",
		table: "call", key: "ratio", format: "%.2f", scale: 1,
	},
	{
		title: "64 at once, TLS", note: "calls a second, NAIVE = 1; more is better",
		table: "64-tls", key: "ratio", format: "%.1f", scale: 1, skip: []string{floor},
	},
	{
		title: "Importing it", note: "seconds of compile CPU beyond net/http; less is better",
		table: "import", key: "cpu beyond", format: "%.1f", scale: 1, skip: []string{floor},
	},
	{
		title: "A list of 100,000 numbers", note: "seconds, at 20 ms a page; less is better",
		table: "list", key: "seconds", format: "%.1f", scale: 1,
	},
}

const (
	chartWidth = 880
	panelWidth = 440
	barHeight  = 16
	barStep    = 22
	labelWidth = 150
	barSpace   = 200
	panelTop   = 58
)

// chart draws the most important figures. It has no background, and its colors are readable on light
// and dark backgrounds.
func chart(tables []table, e environment) string {
	var b strings.Builder
	top, tallest := 40, 0
	for i, p := range panels {
		if i%2 == 0 {
			top, tallest = top+tallest, 0
		}
		height := p.draw(&b, tables, i%2*panelWidth, top)
		tallest = max(tallest, height)
	}
	height := top + tallest + 10
	title := fmt.Sprintf("This package beside others: %s, %d cores", e.Go, e.Cores)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.head { font-weight: 600; font-size: 15px; }
.note { font-size: 12px; opacity: 0.75; }
.bar { fill: #8c959f; }
.ours { fill: #1a7f64; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .bar { fill: #6e7681; } .ours { fill: #3fb98f; } }
</style>
<text class="head" x="10" y="24">%s</text>
%s</svg>
`, chartWidth, height, chartWidth, height, html.EscapeString(title), html.EscapeString(title), b.String())
}

// draw returns the height of the panel.
func (p panel) draw(b *strings.Builder, tables []table, left, top int) int {
	type bar struct {
		name  string
		value float64
	}
	var bars []bar
	most := 0.0
	for _, t := range tables {
		for _, r := range t.Rows {
			s, ok := r.Figures[p.key]
			if t.Name == p.table && ok && !slices.Contains(p.skip, r.Contender) {
				bars = append(bars, bar{r.Contender, s.Median / p.scale})
				most = max(most, s.Median/p.scale)
			}
		}
	}
	if len(bars) == 0 {
		return 0
	}
	fmt.Fprintf(b, "<text class=\"head\" x=\"%d\" y=\"%d\">%s</text>\n", left+10, top+22, html.EscapeString(p.title))
	fmt.Fprintf(b, "<text class=\"note\" x=\"%d\" y=\"%d\">%s</text>\n", left+10, top+40, html.EscapeString(p.note))
	for i, bar := range bars {
		y := top + panelTop + i*barStep
		class := "bar"
		if strings.HasPrefix(bar.name, ours) {
			class = "bar ours"
		}
		width := max(bar.value, 0) / most * barSpace
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", left+labelWidth, y+barHeight-3, html.EscapeString(bar.name))
		fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>", class, left+labelWidth+8, y, width, barHeight)
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\">"+p.format+"</text>\n", float64(left+labelWidth+14)+width, y+barHeight-3, bar.value)
	}
	return panelTop + len(bars)*barStep + 10
}
