package rows

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The same two rows as CSV and as JSON lines. Cells have the places of their text.
func TestTableRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text   string
		format Format
		want   []Row
	}{
		"CSV": {
			"Phone Number;sip.port;channel;agent_uuid;x\r\n+1;5060;\"a\n\"\"b\";u;1\r\n;;;\r\n+2;;;u\r\n", CSV,
			[]Row{
				{Format: CSV, At: Place{Line: 2, Column: 1}, End: Place{Line: 3, Column: 9}, Cells: cells(map[int]Cell{
					0: at(2, 1, "+1"), 6: at(2, 4, "5060"), 1: at(2, 9, "a\n\"b"), 2: at(3, 6, "u"),
				})},
				{Format: CSV, At: Place{Line: 5, Column: 1}, End: Place{Line: 5, Column: 7}, Cells: cells(map[int]Cell{
					0: at(5, 1, "+2"), 6: at(5, 4, ""), 1: at(5, 5, ""), 2: at(5, 6, "u"),
				})},
			},
		},
		"JSON": {
			"{\"phone_number\":\"+1\", \"sip\":{\"port\":5060},\"x\":null}\n\n {\"channel\":\"\\u0061\",\"name\":7}\n", JSON,
			[]Row{
				{Format: JSON, At: Place{Line: 1, Column: 1}, End: Place{Line: 1, Column: 51}, Cells: cells(map[int]Cell{
					0: inJSON(1, 17, "+1", ""), 6: inJSON(1, 37, "5060", ""),
				})},
				{Format: JSON, At: Place{Line: 3, Column: 2}, End: Place{Line: 3, Column: 30}, Cells: cells(map[int]Cell{
					1: escaped(inJSON(3, 13, "a", "")), 3: inJSON(3, 29, "", "is a number; want a string, in quotes"),
				})},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := *trunks
			table.Ignore = []string{"x"}
			var got []Row
			format, err := table.Read(strings.NewReader(test.text), io.Discard, Auto, func(r *Row) bool {
				assert.NotContains(t, r.Missing, true)
				got = append(got, Row{Format: r.Format, At: r.At, End: r.End, Cells: append([]Cell(nil), r.Cells...), Violations: r.Violations})
				return true
			})
			require.NoError(t, err)
			assert.Equal(t, test.format, format)
			assert.Equal(t, test.want, got)
		})
	}
}

func cells(some map[int]Cell) []Cell {
	all := make([]Cell, len(trunks.Fields))
	for f, c := range some {
		all[f] = c
	}
	return all
}

func at(line, column int, text string) Cell {
	return Cell{At: Place{Line: line, Column: column}, Present: true, Text: text, Shown: text}
}

func escaped(c Cell) Cell {
	c.Shown = strings.Repeat("x", len(c.Text))
	return c
}

func inJSON(line, column int, text, problem string) Cell {
	c := at(line, column, text)
	c.Bad, c.Problem = c.At, problem
	return c
}

// Every row is yielded until each returns false, and a row without cells has a violation.
func TestTableReadStops(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\n", "phone_number\n\"", "phone_number,channel,agent_uuid\n1\n2\n", "[", "1\n2\n", "{}\n{}\n", "\xff\xfe"} {
		calls := 0
		_, err := trunks.Read(strings.NewReader(text), io.Discard, Auto, func(r *Row) bool {
			calls++
			assert.Equal(t, r.Unreadable, r.Cells == nil)
			assert.Equal(t, r.Unreadable, len(r.Violations) > 0)
			return false
		})
		require.NoError(t, err)
		assert.Equal(t, 1, calls, text)
	}
}

func TestDecodeObject(t *testing.T) {
	t.Parallel()
	object, _, problem := DecodeObject([]byte(`{"n":12345678901234567890,"a":[{"b":1},{"b":"\ud83d\ude00"}]}`))
	assert.Empty(t, problem)
	assert.Len(t, object, 2)
	for text, want := range map[string]struct {
		at      int
		problem string
	}{
		`{"a":1,"a":2}`:         {7, "duplicate key"},
		`{"a":[{"b":1,"b":1}]}`: {13, "duplicate key"},
		`{"a":"\ud83d"}`:        {6, surrogate},
		`{"a":"\\ud83d\udc00"}`: {13, surrogate},
		`{"a"`:                  {4, "not a JSON object"},
		`[]`:                    {0, "is an array; want a JSON object"},
	} {
		_, at, problem := DecodeObject([]byte(text))
		assert.Equal(t, want.problem, problem, text)
		assert.Equal(t, want.at, at, text)
	}
}

func TestSheet(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"+1": "'+1", "=a": "'=a", "'=a": "''=a", "a": "a", "'a": "'a", "": "", "'": "'"} {
		assert.Equal(t, want, ToSheet(text))
		back, marked := FromSheet(want)
		assert.Equal(t, text, back)
		assert.Equal(t, want != text, marked)
	}
}
