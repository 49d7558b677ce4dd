package main

import (
	"fmt"
	"slices"
)

// stat summarizes a figure over all rounds.
type stat struct {
	Median float64 `json:"median"`
	// Low and High are the quartiles.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

func statOf(samples []float64) stat {
	sorted := slices.Sorted(slices.Values(samples))
	at := func(part float64) float64 {
		i := part * float64(len(sorted)-1)
		below := int(i)
		above := min(below+1, len(sorted)-1)
		return sorted[below] + (i-float64(below))*(sorted[above]-sorted[below])
	}
	return stat{at(0.5), at(0.25), at(0.75)}
}

// column is a figure in a table.
type column struct {
	Key    string  `json:"key"`
	Title  string  `json:"title"`
	Format string  `json:"-"`
	Scale  float64 `json:"-"` // what it is divided by to be shown; 0 is 1
	Spread bool    `json:"-"` // shown with its quartiles
}

func (c column) text(s stat) string {
	scale := c.Scale
	if scale == 0 {
		scale = 1
	}
	text := fmt.Sprintf(c.Format, s.Median/scale)
	if c.Spread {
		text += fmt.Sprintf(" ("+c.Format+"–"+c.Format+")", s.Low/scale, s.High/scale)
	}
	return text
}

// table is one measurement.
type table struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Rounds  int      `json:"rounds"`
	Columns []column `json:"columns"`
	Rows    []row    `json:"rows"`
}

type row struct {
	Contender string          `json:"contender"`
	Figures   map[string]stat `json:"figures"`
}

// sheet collects the samples of a measurement: one per contender, figure and round.
type sheet struct {
	names   []string
	samples map[string]map[string][]float64
}

func newSheet() *sheet { return &sheet{samples: map[string]map[string][]float64{}} }

func (s *sheet) add(contender, key string, value float64) {
	if s.samples[contender] == nil {
		s.samples[contender] = map[string][]float64{}
		s.names = append(s.names, contender)
	}
	s.samples[contender][key] = append(s.samples[contender][key], value)
}

// ratio adds a figure: the ratio of another figure to that of a base in the same round. This removes
// the influence of anything that slows down a complete round.
func (s *sheet) ratio(key, of string, base []float64) {
	for _, name := range s.names {
		for i, value := range s.samples[name][of] {
			if i < len(base) && base[i] != 0 {
				s.add(name, key, value/base[i])
			}
		}
	}
}

// table returns the contenders in their usual order.
func (s *sheet) table(t table) table {
	for _, name := range s.names {
		r := row{Contender: name, Figures: map[string]stat{}}
		for key, samples := range s.samples[name] {
			r.Figures[key] = statOf(samples)
			t.Rounds = max(t.Rounds, len(samples))
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

// rotated returns the contenders, starting with a different one in each round.
func rotated[T any](list []T, round int) []T {
	at := round % len(list)
	return append(slices.Clone(list[at:]), list[:at]...)
}
