package term

import (
	"bufio"
	"strings"
)

// tableSample is the number of rows that a table holds to find its widths before it prints the
// first.
const tableSample = 200

// minFlexible is the width below which a flexible column is not cut.
const minFlexible = 8

// table prints rows in columns. If they do not fit the terminal, flexible columns are cut. If that
// is not enough, every row is stacked: a few lines, one per cell.
type table struct {
	w       *bufio.Writer
	columns []Column
	width   int // of the terminal; 0 if there is none
	colors  bool
	widths  []int
	stacked bool
	sample  [][]string
	started bool
	// omitEmpty leaves out the header if there is no row.
	omitEmpty bool
}

func newTable(w *bufio.Writer, columns []Column, width int, colors bool) *table {
	return &table{w: w, columns: columns, width: width, colors: colors}
}

func (t *table) add(cells []string) error {
	for i := range cells {
		cells[i] = Printable(cells[i])
	}
	if t.started {
		return t.print(cells)
	}
	t.sample = append(t.sample, cells)
	if len(t.sample) < tableSample {
		return nil
	}
	return t.start()
}

func (t *table) end() error {
	if t.started || t.omitEmpty && len(t.sample) == 0 {
		return nil
	}
	return t.start()
}

// start fixes the widths and prints the header and the rows so far.
func (t *table) start() error {
	t.started = true
	titles := make([]string, len(t.columns))
	t.widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		titles[i] = strings.ToUpper(strings.ReplaceAll(c.Name, "_", " "))
		t.widths[i] = TextWidth(titles[i])
		for _, row := range t.sample {
			t.widths[i] = max(t.widths[i], TextWidth(row[i]))
		}
	}
	t.fit()
	if !t.stacked {
		if err := t.line(titles, Strong); err != nil {
			return err
		}
	}
	for _, row := range t.sample {
		if err := t.print(row); err != nil {
			return err
		}
	}
	t.sample = nil
	return nil
}

// fit cuts flexible columns until the table fits the terminal.
func (t *table) fit() {
	if t.width == 0 {
		return
	}
	total := 2 * (len(t.widths) - 1)
	for _, width := range t.widths {
		total += width
	}
	for i := len(t.columns) - 1; i >= 0 && total > t.width; i-- {
		if t.columns[i].Flexible && t.widths[i] > minFlexible {
			cut := min(total-t.width, t.widths[i]-minFlexible)
			t.widths[i] -= cut
			total -= cut
		}
	}
	t.stacked = total > t.width
}

func (t *table) print(cells []string) error {
	if !t.stacked {
		return t.line(cells, Plain)
	}
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		name := strings.ReplaceAll(t.columns[i].Name, "_", " ") + ": "
		line := "  " + name + cell
		if i == 0 {
			line = Paint(t.colors, Strong, cell)
		}
		if _, err := t.w.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) line(cells []string, s Style) error {
	var line strings.Builder
	for i, cell := range cells {
		if t.width > 0 && t.columns[i].Flexible {
			cell = Cut(cell, t.widths[i])
		}
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", max(0, t.widths[i]-TextWidth(cell))+2))
		}
	}
	_, err := t.w.WriteString(Paint(t.colors, s, strings.TrimRight(line.String(), " ")) + "\n")
	return err
}
