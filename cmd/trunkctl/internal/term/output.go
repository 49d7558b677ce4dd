package term

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// The formats of data.
const (
	FormatTable = "table"
	FormatJSON  = "json"
	FormatCSV   = "csv"
	FormatYAML  = "yaml"
)

// Formats lists what --output accepts.
var Formats = []string{FormatTable, FormatJSON, FormatCSV, FormatYAML}

// Column is a column of records, in a table and in CSV.
type Column struct {
	Name string
	// Only is the one format that has the column; "" means both.
	Only string
	// Flexible columns are cut if a table does not fit the terminal.
	Flexible bool
	// Spare columns are left out of a table that would not fit the terminal otherwise.
	Spare bool
}

// Record is a thing to print. JSON and YAML print its value, tables and CSV its cells, one per
// column.
type Record interface{ Cells() []string }

// Records writes records as they are added, in one format.
type Records struct {
	format   string
	columns  []Column
	single   bool // one record that is not put into a list
	terminal bool
	out      *bufio.Writer
	csv      *csv.Writer
	table    *table
	count    int
}

// NewRecords returns a writer of records in one of [Formats]. colors applies to tables only.
func NewRecords(w io.Writer, format string, colors bool, columns []Column) *Records {
	r := &Records{format: format, columns: columns, terminal: IsTerminal(w), out: bufio.NewWriter(w)}
	switch r.format {
	case FormatTable:
		r.table = newTable(r.out, shownIn(columns, FormatTable), Width(w), colors)
	case FormatCSV:
		r.csv = csv.NewWriter(r.out)
	}
	return r
}

// Single makes the one record that will be added the whole document, instead of a list of one.
func (r *Records) Single() { r.single = true }

// OmitEmptyTable leaves out the header of a table without records. The caller says instead that
// there are none.
func (r *Records) OmitEmptyTable() {
	if r.table != nil {
		r.table.omitEmpty = true
	}
}

// ASCII makes a table mark in ASCII what it cuts.
func (r *Records) ASCII() {
	if r.table != nil {
		r.table.cutMark = "..."
	}
}

// Count returns the number of records added so far.
func (r *Records) Count() int { return r.count }

// OnTerminal reports whether the records are printed on a terminal.
func (r *Records) OnTerminal() bool { return r.terminal }

// shownIn returns the columns that a format has.
func shownIn(columns []Column, format string) []Column {
	return slices.DeleteFunc(slices.Clone(columns), func(c Column) bool { return c.Only != "" && c.Only != format })
}

// Add writes a record.
func (r *Records) Add(one Record) error {
	r.count++
	switch r.format {
	case FormatJSON:
		return r.addJSON(one)
	case FormatYAML:
		return r.addYAML(one)
	}
	cells := []string{}
	for i, cell := range one.Cells() {
		if only := r.columns[i].Only; only == "" || only == r.format {
			cells = append(cells, cell)
		}
	}
	if r.format == FormatCSV {
		if r.count == 1 {
			r.csvHeader()
		}
		if r.terminal {
			for i := range cells {
				cells[i] = Printable(cells[i])
			}
		}
		_ = r.csv.Write(cells) // the error is kept for End
		return r.csv.Error()
	}
	return r.table.add(cells)
}

func (r *Records) csvHeader() {
	names := []string{}
	for _, c := range shownIn(r.columns, FormatCSV) {
		names = append(names, c.Name)
	}
	_ = r.csv.Write(names) // the error is kept for End
}

func (r *Records) addJSON(one Record) error {
	before, indent := "[\n  ", "  "
	if r.count > 1 {
		before = ",\n  "
	}
	if r.single {
		before, indent = "", ""
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent(indent, "  ")
	if err := encoder.Encode(one); err != nil {
		return err
	}
	_, err := r.out.WriteString(before + escaped(strings.TrimRight(text.String(), "\n")))
	return err
}

// escaped escapes the characters of a JSON or YAML text that are valid there and could do anything
// to a terminal. The text means the same.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= 0x7f && unicode.IsControl(r) || IsBidi(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// addYAML writes the same names and values as JSON, in the same order.
func (r *Records) addYAML(one Record) error {
	text, err := json.Marshal(one)
	if err != nil {
		return err
	}
	var tree yaml.Node
	if err := yaml.Unmarshal([]byte(escaped(string(text))), &tree); err != nil {
		return err
	}
	root := tree.Content[0]
	asYAML(root)
	if !r.single {
		root = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{root}}
	}
	var out strings.Builder
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := cmp.Or(encoder.Encode(root), encoder.Close()); err != nil {
		return err
	}
	_, err = r.out.WriteString(escaped(out.String()))
	return err
}

// asYAML drops the braces and quotes that YAML does not need.
func asYAML(node *yaml.Node) {
	if len(node.Content) > 0 || node.Kind == yaml.ScalarNode {
		node.Style = 0
	}
	if strings.ContainsFunc(node.Value, IsBidi) {
		node.Style = yaml.DoubleQuotedStyle // the style that has escapes
	}
	for _, child := range node.Content {
		asYAML(child)
	}
}

// Flush writes what is buffered. A table keeps its first rows until it knows their widths.
func (r *Records) Flush() error {
	if r.csv != nil {
		r.csv.Flush()
	}
	return r.out.Flush()
}

// End writes the rest, or an empty list if there was no record.
func (r *Records) End() error {
	var err error
	switch r.format {
	case FormatJSON:
		text := "\n]\n"
		if r.single {
			text = "\n"
		} else if r.count == 0 {
			text = "[]\n"
		}
		_, err = r.out.WriteString(text)
	case FormatYAML:
		if r.count == 0 {
			_, err = r.out.WriteString("[]\n")
		}
	case FormatCSV:
		if r.count == 0 {
			r.csvHeader()
		}
		r.csv.Flush()
		err = r.csv.Error()
	default:
		err = r.table.end()
	}
	return cmp.Or(err, r.out.Flush())
}
