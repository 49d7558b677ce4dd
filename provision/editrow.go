package provision

import (
	"slices"

	"github.com/mihu-go/mihu/internal/redact"
	"github.com/mihu-go/mihu/internal/rows"
)

// Row is a row of a file, for [ReadOptions.EditRow]. It may be used during the call only, and its zero
// value must not be used. Names of columns and fields are matched as in a [ColumnMap].
type Row struct{ row *itemRow }

// Line returns the line on which the row begins, or the number that a [RowReader] gave it.
func (r *Row) Line() int { return r.row.At.Line }

// Column returns the text of a column by its name in the first row, whatever the column holds, and
// whether it is ignored or not. It is "" if the row has no such column. A row of JSON lines has none.
func (r *Row) Column(name string) string {
	if c := r.cell(name); c != nil {
		return c.Text
	}
	return ""
}

func (r *Row) cell(name string) *rows.Cell {
	if i := slices.Index(r.row.Names, rows.ColumnName(name)); i >= 0 && i < len(r.row.Raw) {
		return &r.row.Raw[i]
	}
	return nil
}

// Field returns the text of a field as it stands in the file; "" if the row does not have it, or if
// there is no such field. Objects of JSON lines are JSON.
func (r *Row) Field(name string) string {
	if f := held(name); f >= 0 {
		return r.row.Cells[f].Text
	}
	return ""
}

// SetField sets the text of a field, as if it stood in the file; "" makes the field empty, like an
// empty cell. A field that is not known is a violation of the row.
func (r *Row) SetField(name, text string) {
	f := held(name)
	if f < 0 {
		r.row.Violations = append(r.row.Violations, r.row.At.Violation("", "", "the program sets a field that is not known"))
		return
	}
	c := &r.row.Cells[f]
	if !c.Present {
		c.At = r.row.At
	}
	c.Present, c.Text, c.Shown, c.Problem = true, text, text, ""
}

// Refuse adds a violation to the row: a problem of a field, or of a column by its name in the first
// row, with the place of its cell. Any other name, such as "", is a problem of the row itself. The
// value is not shown. The problem is one line that says what is wrong and what to do.
func (r *Row) Refuse(name, problem string) {
	problem = redact.Text(redact.OneLine(problem, 256))
	if f := held(name); f >= 0 {
		r.row.violate(field(f), "", problem)
		return
	}
	at := r.row.At
	if c := r.cell(name); c != nil {
		at = c.At
	}
	r.row.Violations = append(r.row.Violations, at.Violation("", "", problem))
}
