package main

import (
	"bufio"
	"strings"
	"unicode"
)

// tableSample is how many rows a table looks at for its widths before it prints the first: it never
// holds more.
const tableSample = 200

// minFlexible is how far a column is cut before the table gives up being one.
const minFlexible = 8

// table prints rows in columns. Where they do not fit the terminal, flexible columns are cut; where
// that is not enough, every row becomes a few lines.
type table struct {
	w        *bufio.Writer
	columns  []column
	terminal int // its width, 0 for none
	colors   bool
	widths   []int
	stacked  bool
	sample   [][]string
	begun    bool
}

func newTable(w *bufio.Writer, columns []column, terminal int, colors bool) *table {
	return &table{w: w, columns: columns, terminal: terminal, colors: colors}
}

func (t *table) add(cells []string) error {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	if t.begun {
		return t.print(cells)
	}
	t.sample = append(t.sample, cells)
	if len(t.sample) < tableSample {
		return nil
	}
	return t.begin()
}

func (t *table) end() error {
	if t.begun {
		return nil
	}
	return t.begin()
}

// begin decides on the widths and prints the rows so far.
func (t *table) begin() error {
	t.begun = true
	titles := make([]string, len(t.columns))
	t.widths = make([]int, len(t.columns))
	for i, c := range t.columns {
		titles[i] = strings.ToUpper(strings.ReplaceAll(c.name, "_", " "))
		t.widths[i] = textWidth(titles[i])
		for _, row := range t.sample {
			t.widths[i] = max(t.widths[i], textWidth(row[i]))
		}
	}
	t.fit()
	if !t.stacked {
		if err := t.line(titles, strong); err != nil {
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

// fit makes the table as wide as the terminal at most.
func (t *table) fit() {
	if t.terminal == 0 {
		return
	}
	total := 2 * (len(t.widths) - 1)
	for _, width := range t.widths {
		total += width
	}
	for i := len(t.columns) - 1; i >= 0 && total > t.terminal; i-- {
		if t.columns[i].flexible && t.widths[i] > minFlexible {
			cut := min(total-t.terminal, t.widths[i]-minFlexible)
			t.widths[i] -= cut
			total -= cut
		}
	}
	t.stacked = total > t.terminal
}

func (t *table) print(cells []string) error {
	if !t.stacked {
		return t.line(cells, plain)
	}
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		name := strings.ReplaceAll(t.columns[i].name, "_", " ") + ": "
		line := "  " + name + cell
		if i == 0 {
			line = paint(t.colors, strong, cell)
		}
		if _, err := t.w.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) line(cells []string, s style) error {
	var line strings.Builder
	for i, cell := range cells {
		if t.terminal > 0 && t.columns[i].flexible {
			cell = cut(cell, t.widths[i])
		}
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", max(0, t.widths[i]-textWidth(cell))+2))
		}
	}
	_, err := t.w.WriteString(paint(t.colors, s, strings.TrimRight(line.String(), " ")) + "\n")
	return err
}

// printable takes the control characters out of what others have written, which could do anything to
// a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || isBidi(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// printableLines leaves the line ends in.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// isBidi says that a character changes the direction of the text around it.
func isBidi(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// cut shortens a text to a number of columns.
func cut(s string, width int) string {
	if textWidth(s) <= width {
		return s
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		w := runeWidth(r)
		if used+w > width-1 {
			break
		}
		used += w
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// textWidth is the number of columns that a text takes on a terminal.
func textWidth(s string) (width int) {
	for _, r := range s {
		width += runeWidth(r)
	}
	return width
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide are the characters that take two columns: those of East Asia and pictures.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1},
		{Lo: 0x231a, Hi: 0x231b, Stride: 1},
		{Lo: 0x23e9, Hi: 0x23ec, Stride: 1},
		{Lo: 0x2614, Hi: 0x2615, Stride: 1},
		{Lo: 0x26a1, Hi: 0x26a1, Stride: 1},
		{Lo: 0x2705, Hi: 0x2705, Stride: 1},
		{Lo: 0x270a, Hi: 0x270b, Stride: 1},
		{Lo: 0x2728, Hi: 0x2728, Stride: 1},
		{Lo: 0x274c, Hi: 0x274c, Stride: 1},
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97c, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff00, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18aff, Stride: 1},
		{Lo: 0x1b000, Hi: 0x1b2ff, Stride: 1},
		{Lo: 0x1f004, Hi: 0x1f004, Stride: 1},
		{Lo: 0x1f18e, Hi: 0x1f18e, Stride: 1},
		{Lo: 0x1f191, Hi: 0x1f19a, Stride: 1},
		{Lo: 0x1f200, Hi: 0x1f64f, Stride: 1},
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f7e0, Hi: 0x1f7eb, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1faff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}
