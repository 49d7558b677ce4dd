package provision

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/internal/redact"
	"github.com/mihu-go/mihu/internal/rows"
)

// What a column of a [ColumnMap] may hold besides a field.
const (
	// MapGatewayPort is a host and a port in one cell, such as sip.example.com:5061, for the fields
	// sip_gateway and sip_port. The port may be missing. An IPv6 address with a port must be in
	// brackets.
	MapGatewayPort = "sip_gateway:sip_port"
	// MapIgnore means that the column is not read.
	MapIgnore = "ignore"
)

// ColumnMap says which field each column of a file holds, by the name that the column has in the
// first row: {"Rufnummer": "phone_number"}. Fields are named as in CSV or JSON lines, sip_port or
// sip.port; [MapGatewayPort] and [MapIgnore] are possible too. Case does not matter in names, nor do
// the characters between their words.
//
// The map takes precedence over the names of the fields. Columns that it does not have are read by
// their own names. The file must have every column of the map. A map is for columns: JSON lines are
// refused.
type ColumnMap map[string]string

// ParseColumnMapping returns the two sides of a mapping such as "Rufnummer=phone_number": the name of
// a column, and the field that it holds. The name may contain equal signs. The error is a
// [*mihu.ValidationError].
func ParseColumnMapping(mapping string) (name, field string, err error) {
	name, field, problem := splitMapping(mapping)
	if problem != "" {
		return "", "", invalid("parse_column_mapping", mihu.FieldViolation{Field: "map", Value: redact.Text(redact.Clip(mapping)), Problem: problem})
	}
	return name, field, nil
}

const wantMapping = "; want COLUMN=FIELD such as Rufnummer=phone_number"

// splitMapping returns the sides of a mapping, or its problem.
func splitMapping(mapping string) (name, field, problem string) {
	i := strings.LastIndexByte(mapping, '=')
	if i < 0 {
		return "", "", "has no equal sign" + wantMapping
	}
	name, field = rows.Trim(mapping[:i]), rows.ColumnName(mapping[i+1:])
	if inner, quoted := strings.CutPrefix(name, `"`); quoted && inner != "" && strings.HasSuffix(inner, `"`) {
		name = strings.ReplaceAll(inner[:len(inner)-1], `""`, `"`)
	}
	switch {
	case rows.ColumnName(name) == "":
		return "", "", "has no name of a column" + wantMapping
	case held(field) == rows.Ignored && field != MapIgnore:
		return "", "", "has an unknown field; known are " + strings.Join(mappable(), ", ")
	}
	return name, field, ""
}

// mappable returns what a column may hold.
func mappable() []string { return append(trunkTable().Columns(), MapGatewayPort, MapIgnore) }

// held returns the index of a field by its name, and rows.Ignored for anything else.
func held(name string) int {
	name = rows.ColumnName(name)
	i := slices.IndexFunc(trunkFields(), func(f rows.Field) bool { return f.Column() == name })
	if i < 0 {
		return rows.Ignored
	}
	return i
}

// ReadColumnMap reads a file with a mapping a line, as people keep it beside the files of a carrier:
//
//	# DIDs of Example Telecom
//	Rufnummer = phone_number
//	"Gateway:Port" = sip_gateway:sip_port
//	Kunde = ignore
//
// A name may be in double quotes, and then has each of its own quotes twice. A line that begins with
// # is a comment, unless the name is in quotes.
//
// It reads all of r. name is the name of the file in an error; "" means "map". If anything is wrong,
// it returns no map, and an [*InputError] with every violation and its place.
func ReadColumnMap(r io.Reader, name string) (ColumnMap, error) {
	found := &InputError{Name: cmp.Or(name, "map")}
	file, err := readWhole(r, found.Name)
	if err != nil {
		return nil, err
	}
	text, violations := rows.Text(file)
	found.add(violations...)
	all := ColumnMap{}
	lines := map[string]int{} // of the names
	at := rows.Place{Column: 1}
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n") {
		at.Line++
		line = rows.Trim(line)
		if line == "" || line[0] == '#' {
			continue
		}
		column, field, problem := splitMapping(line)
		if before := lines[rows.ColumnName(column)]; problem == "" && before > 0 {
			problem = fmt.Sprintf("has the column of line %d again", before)
		}
		if problem != "" {
			found.add(at.Violation("", redact.Text(redact.Clip(line)), problem))
			continue
		}
		lines[rows.ColumnName(column)] = at.Line
		all[column] = field
	}
	switch {
	case len(found.Violations) > 0:
		return nil, found
	case len(all) == 0:
		found.add(beginning.Violation("", "", "has no columns"+wantMapping))
		return nil, found
	}
	return all, nil
}

// fields returns the map by the names of columns as rows.ColumnName writes them. ignore are the
// columns that are ignored by name.
func (m ColumnMap) fields(ignore []string) (map[string]int, error) {
	if len(m) == 0 {
		return nil, nil //nolint:nilnil // there is no map
	}
	fields := make(map[string]int, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		key := rows.ColumnName(name)
		problem := ""
		_, again := fields[key]
		switch {
		case key == "":
			problem = "has a column without a name, which cannot be mapped"
		case again:
			problem = "has this column twice: case and the characters between words do not matter"
		case slices.ContainsFunc(ignore, func(other string) bool { return rows.ColumnName(other) == key }):
			problem = "has a column that is ignored too; do one of the two"
		case held(m[name]) == rows.Ignored && rows.ColumnName(m[name]) != MapIgnore:
			problem = "has an unknown field; known are " + strings.Join(mappable(), ", ")
		}
		if problem != "" {
			return nil, invalid("read", mihu.FieldViolation{Field: "map", Value: redact.Text(redact.Clip(name)), Problem: problem})
		}
		fields[key] = held(m[name])
	}
	return fields, nil
}

// write writes what decides how a file is read.
func (m ColumnMap) write(w io.Writer) {
	lines := make([]string, 0, len(m))
	for name, field := range m {
		lines = append(lines, fmt.Sprintf("map %q %s\n", rows.ColumnName(name), rows.ColumnName(field)))
	}
	slices.Sort(lines)
	_, _ = io.WriteString(w, strings.Join(lines, ""))
}
