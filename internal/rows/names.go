package rows

import (
	"slices"
	"strings"
)

// What a column is, if it is no field. A Map may have Ignored.
const (
	unread  = -1 - iota // a name of Table.Unread
	Ignored             // a name of Table.Ignore
	unnamed
	unknown
)

// column returns the index of the field that a column holds, or what else the column is.
func (t *Table) column(name string) int {
	name = ColumnName(name)
	if held, ok := t.Map[name]; ok && name != "" {
		return held
	}
	same := func(other string) bool { return ColumnName(other) == name }
	switch {
	case slices.ContainsFunc(t.Ignore, same):
		return Ignored
	case name == "":
		return unnamed
	case slices.Contains(t.Unread, name):
		return unread
	}
	for i, f := range t.Fields {
		if f.Column() == name {
			return i
		}
	}
	return unknown
}

// Knows reports whether a column has the name of a field, or a name of Unread.
func (t *Table) Knows(name string) bool { return t.column(name) >= unread }

// ColumnName returns the name of a column in lower case, with one underscore between its words.
func ColumnName(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r == '_' || r == '.' || r == '-' || IsInvisible(r)
	}), "_")
}

// Columns returns the names of all columns, without those that are ColumnOnly.
func (t *Table) Columns() []string {
	var names []string
	for _, f := range t.Fields {
		if !f.ColumnOnly {
			names = append(names, f.Column())
		}
	}
	return names
}

// keys returns all keys, those of objects included.
func (t *Table) keys() []string {
	var names []string
	for _, f := range t.Fields {
		if !f.ColumnOnly {
			names = append(names, f.Key)
		}
	}
	return append(names, t.objects()...)
}

// objects returns the keys of the objects that hold fields, such as "sip" for "sip.port".
func (t *Table) objects() []string {
	var names []string
	for _, f := range t.Fields {
		if object, _, found := strings.Cut(f.Key, "."); found && !slices.Contains(names, object) {
			names = append(names, object)
		}
	}
	return names
}

// synonym returns the field that a column with this name usually holds, "" if that is not known.
func (t *Table) synonym(name string) string {
	if t.Synonym == nil {
		return ""
	}
	return t.Synonym(ColumnName(name))
}

// didYouMean ends a problem with the name that was probably meant.
func (t *Table) didYouMean(written string, known []string) string {
	others, otherwise := "; ignore any other by name", " If not, ignore it by name"
	if t.Closed {
		others, otherwise = "", ""
	}
	best, least := "", 4
	for _, candidate := range known {
		if d := Distance(written, candidate); d < least && d < len(candidate)/2 {
			best, least = candidate, d
		}
	}
	for _, candidate := range known {
		if best == "" && len(written) > 2 && strings.Contains(candidate, written) {
			best = candidate
		}
	}
	if best == "" {
		return "; known are " + strings.Join(known, ", ") + others
	}
	return "; did you mean " + best + "?" + otherwise
}

// Distance counts the letters to change, insert or delete to get from one word to the other. A long
// word is far from every other.
func Distance(a, b string) int {
	const long = 40
	if len(a) > long || len(b) > long {
		return long
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
