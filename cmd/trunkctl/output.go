package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

const (
	formatTable = "table"
	formatJSON  = "json"
	formatCSV   = "csv"
	formatYAML  = "yaml"
)

// formats are what --output takes.
var formats = []string{formatTable, formatJSON, formatCSV, formatYAML}

func isFormat(name string) bool { return slices.Contains(formats, name) }

// column is one of the columns of records, in the table and in CSV.
type column struct {
	name string
	// only is the format that alone has it, "" for both.
	only string
	// flexible columns are cut where a table does not fit the terminal.
	flexible bool
}

// record is one thing to print: as JSON and YAML it is its value, as a table and CSV its cells, one
// for every column.
type record interface{ cells() []string }

// records writes records, one after the other, in the format that was asked for.
type records struct {
	format  string
	columns []column
	// single is for a command whose data is one record: it is not put into a list.
	single bool
	// terminal says that a person looks at it.
	terminal bool
	out      *bufio.Writer
	csv      *csv.Writer
	table    *table
	count    int
}

// records begins the data of a command.
func (a *app) records(columns []column) *records {
	r := &records{format: a.global.output, columns: columns, terminal: isTerminal(a.stdout), out: bufio.NewWriter(a.stdout)}
	switch r.format {
	case formatTable:
		r.table = newTable(r.out, shownIn(columns, formatTable), terminalWidth(a.stdout), a.colors(a.stdout))
	case formatCSV:
		r.csv = csv.NewWriter(r.out)
	}
	return r
}

// printOne is the data of a command that has one record.
func (a *app) printOne(columns []column, one record) error {
	r := a.records(columns)
	r.single = true
	return firstError(r.add(one), r.end())
}

// shownIn are the columns that a format has.
func shownIn(columns []column, format string) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.only != "" && c.only != format })
}

// add writes a record.
func (r *records) add(one record) error {
	r.count++
	switch r.format {
	case formatJSON:
		return r.addJSON(one)
	case formatYAML:
		return r.addYAML(one)
	}
	cells := []string{}
	for i, cell := range one.cells() {
		if only := r.columns[i].only; only == "" || only == r.format {
			cells = append(cells, cell)
		}
	}
	if r.format == formatCSV {
		if r.count == 1 {
			r.csvHeader()
		}
		if r.terminal {
			for i := range cells {
				cells[i] = printable(cells[i])
			}
		}
		_ = r.csv.Write(cells) // its error stays, and is given by end
		return r.csv.Error()
	}
	return r.table.add(cells)
}

func (r *records) csvHeader() {
	names := []string{}
	for _, c := range shownIn(r.columns, formatCSV) {
		names = append(names, c.name)
	}
	_ = r.csv.Write(names) // its error stays, and is given by end
}

func (r *records) addJSON(one record) error {
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

// escaped writes the characters of a JSON or YAML text that these leave as they are, and that could do
// anything to a terminal, in their other way. The text means the same.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= 0x7f && unicode.IsControl(r) || isBidi(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// addYAML writes what JSON has, with its names and in its order.
func (r *records) addYAML(one record) error {
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
	if err := firstError(encoder.Encode(root), encoder.Close()); err != nil {
		return err
	}
	_, err = r.out.WriteString(escaped(out.String()))
	return err
}

// asYAML takes away the braces and those of the quotes that YAML can do without.
func asYAML(node *yaml.Node) {
	if len(node.Content) > 0 || node.Kind == yaml.ScalarNode {
		node.Style = 0
	}
	if strings.ContainsFunc(node.Value, isBidi) {
		node.Style = yaml.DoubleQuotedStyle // in which it can be escaped
	}
	for _, child := range node.Content {
		asYAML(child)
	}
}

// flush writes out what is buffered. A table keeps its first rows until it knows their widths.
func (r *records) flush() error {
	if r.csv != nil {
		r.csv.Flush()
	}
	return r.out.Flush()
}

// end writes what is left, and an empty list where there was no record.
func (r *records) end() error {
	var err error
	switch r.format {
	case formatJSON:
		text := "\n]\n"
		if r.single {
			text = "\n"
		} else if r.count == 0 {
			text = "[]\n"
		}
		_, err = r.out.WriteString(text)
	case formatYAML:
		if r.count == 0 {
			_, err = r.out.WriteString("[]\n")
		}
	case formatCSV:
		if r.count == 0 {
			r.csvHeader()
		}
		r.csv.Flush()
		err = r.csv.Error()
	default:
		err = r.table.end()
	}
	return firstError(err, r.out.Flush())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
