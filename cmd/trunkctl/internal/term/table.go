package term

import (
	"bufio"
	"slices"
	"strings"
)

// tableSample is the number of rows that a table holds to find its widths before it prints the
// first.
const tableSample = 200

// minFlexible is the width below which a flexible column is not cut, and minReadable the one below
// which it is not cut while a column can be left out instead.
const (
	minFlexible = 8
	minReadable = 20
)

// table prints rows in columns. If they do not fit the terminal, flexible columns are cut, and spare
// ones are left out. If that is not enough, every row is stacked: a few lines, one per cell.
type table struct {
	w       *bufio.Writer
	columns []Column
	width   int // of the terminal; 0 if there is none
	colors  bool
	widths  []int
	stacked bool
	omitted []bool // spare columns that do not fit; nil if there is no terminal
	sample  [][]string
	started bool
	// cutMark ends a text that was cut.
	cutMark string
	// omitEmpty leaves out the header if there is no row.
	omitEmpty bool
}

func newTable(w *bufio.Writer, columns []Column, width int, colors bool) *table {
	return &table{w: w, columns: columns, width: width, colors: colors, cutMark: "…"}
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

// fit cuts flexible columns, and leaves out spare ones, until the table fits the terminal.
func (t *table) fit() {
	if t.width == 0 {
		return
	}
	natural := slices.Clone(t.widths)
	t.omitted = make([]bool, len(t.columns))
	over := t.cut(minReadable)
	for i := len(t.columns) - 1; i >= 0 && over > 0; i-- {
		if t.columns[i].Spare {
			t.omitted[i] = true
			copy(t.widths, natural)
			over = t.cut(minReadable)
		}
	}
	t.stacked = over > 0 && t.cut(minFlexible) > 0
}

// cut cuts flexible columns, each to a minimum, until the table fits. It returns by how much it is
// still too wide.
func (t *table) cut(minimum int) int {
	over := -2 - t.width
	for i, width := range t.widths {
		if !t.omitted[i] {
			over += width + 2
		}
	}
	for i := len(t.columns) - 1; i >= 0 && over > 0; i-- {
		if t.columns[i].Flexible && t.widths[i] > minimum {
			cut := min(over, t.widths[i]-minimum)
			t.widths[i] -= cut
			over -= cut
		}
	}
	return over
}

// omits reports whether a column is left out.
func (t *table) omits(i int) bool { return i < len(t.omitted) && t.omitted[i] }

// last returns the index of the last column that is shown.
func (t *table) last() int {
	last := len(t.columns) - 1
	for last > 0 && t.omits(last) {
		last--
	}
	return last
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
	last := t.last()
	for i, cell := range cells {
		if t.omits(i) {
			continue
		}
		if t.width > 0 && t.columns[i].Flexible {
			cell = Cut(cell, t.widths[i], t.cutMark)
		}
		line.WriteString(cell)
		if i < last {
			line.WriteString(strings.Repeat(" ", max(0, t.widths[i]-TextWidth(cell))+2))
		}
	}
	_, err := t.w.WriteString(Paint(t.colors, s, strings.TrimRight(line.String(), " ")) + "\n")
	return err
}
