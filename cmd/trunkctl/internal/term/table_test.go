package term

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func printTable(width int, rows ...[]string) string {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	table := newTable(w, []Column{{Name: "number"}, {Name: "agent", Flexible: true}, {Name: "state"}}, width, false)
	for _, row := range rows {
		_ = table.add(row)
	}
	_ = table.end()
	_ = w.Flush()
	return out.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := func() [][]string {
		return [][]string{{"+1", "総合受付 the front desk", "on"}, {"+12345", "Zoë\x1b[2J\u202e", "off"}}
	}
	for name, c := range map[string]struct {
		terminal int
		want     string
	}{
		"a pipe": {0, "NUMBER  AGENT                    STATE\n+1      総合受付 the front desk  on\n+12345  Zoë [2J                  off\n"},
		"wide":   {80, "NUMBER  AGENT                    STATE\n+1      総合受付 the front desk  on\n+12345  Zoë [2J                  off\n"},
		"cut":    {26, "NUMBER  AGENT        STATE\n+1      総合受付 t…  on\n+12345  Zoë [2J      off\n"},
		"narrow": {12, "+1\n  agent: 総合受付 the front desk\n  state: on\n+12345\n  agent: Zoë [2J \n  state: off\n"},
	} {
		got := printTable(c.terminal, rows()...)
		assert.Equal(t, c.want, got, name)
	}
}

// TestTableStreams: a table holds its first rows only.
func TestTableStreams(t *testing.T) {
	t.Parallel()
	w := bufio.NewWriterSize(io.Discard, 16)
	table := newTable(w, []Column{{Name: "number"}}, 0, false)
	for range 10_000 {
		require.NoError(t, table.add([]string{"+1"}))
		require.Less(t, len(table.sample), tableSample)
	}
}
