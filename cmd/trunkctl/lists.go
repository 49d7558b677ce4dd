package main

import (
	"iter"
	"slices"
	"strings"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/spf13/cobra"
)

// order is a field by which a list can be sorted.
type order[T any] struct {
	name string
	// key is what is compared, as text without case. compare compares what is no text; it is nil
	// otherwise.
	key     func(T) string
	compare func(a, b T) int
}

// orders are the values of --sort.
type orders[T any] []order[T]

func (o orders[T]) names() (names []string) {
	for _, each := range o {
		names = append(names, each.name)
	}
	return names
}

// find returns the comparison of --sort, or nil for "".
func (o orders[T]) find(name string) (func(a, b T) int, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // a list need not be sorted
	}
	for _, each := range o {
		if each.name == name && each.compare != nil {
			return each.compare, nil
		}
		if each.name == name {
			return func(a, b T) int {
				x, y := each.key(a), each.key(b)
				if folded := strings.Compare(strings.ToLower(x), strings.ToLower(y)); folded != 0 {
					return folded
				}
				return strings.Compare(x, y)
			}, nil
		}
	}
	return nil, usagef("--sort: want %s", alternatives(o.names()))
}

// alternatives returns "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func addSort[T any](cmd *cobra.Command, value *string, o orders[T]) {
	cmd.Flags().StringVar(value, "sort", "", "sort by `FIELD`: "+alternatives(o.names())+"; holds the whole list in memory")
	completeWords(cmd, "sort", o.names()...)
}

// listOf is a list to print.
type listOf[T term.Record] struct {
	rows iter.Seq2[T, error]
	// order sorts the rows. If it is nil, they are printed as they arrive, and the widths of a table
	// are those of its first rows.
	order func(a, b T) int
	// what is the word for a row, and filter the flags that select rows; "" selects all.
	what, filter string
	// counts reports whether a row counts; nil means that all do.
	counts func(T) bool
}

// sorted returns the rows in order.
func (l *listOf[T]) sorted() iter.Seq2[T, error] {
	if l.order == nil {
		return l.rows
	}
	return func(yield func(T, error) bool) {
		var all []T
		var zero T
		for row, err := range l.rows {
			if err != nil {
				yield(zero, err) // some of the rows, in order, would pass for all of them
				return
			}
			all = append(all, row)
		}
		slices.SortStableFunc(all, l.order)
		for _, row := range all {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// printList prints a list. A table comes between the name of the workspace and a count, which go to
// standard error.
func printList[T term.Record](a *app, w *workspace, columns []term.Column, list listOf[T]) error {
	out := a.records(columns)
	out.OmitEmptyTable()
	isTable := a.global.output == term.FormatTable
	if isTable {
		a.noteWorkspace(w)
	}
	count := 0
	for row, err := range list.sorted() {
		if err != nil {
			if out.Count() > 0 {
				_ = out.End() // shows the rows so far; the error says that there are more
			}
			return err
		}
		if err := out.Add(row); err != nil {
			return err
		}
		if list.counts == nil || list.counts(row) {
			count++
		}
	}
	if err := out.End(); err != nil || !isTable {
		return err
	}
	switch {
	case out.Count() > 0:
		a.note("%s", counted(count, list.what))
	case list.filter != "":
		a.note("no %ss match %s", list.what, list.filter)
	default:
		a.note("no %ss", list.what)
	}
	return nil
}

// noteWorkspace names the workspace that the data is of. The demo has a line of its own.
func (a *app) noteWorkspace(w *workspace) {
	switch {
	case a.global.demo:
	case w.production():
		a.note("workspace %s (production)", w.name)
	default:
		a.note("workspace %s", w.name)
	}
}
