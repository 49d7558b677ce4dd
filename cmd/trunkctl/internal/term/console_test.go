package term

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConsole: lines are written above the status line, which is drawn again after them.
func TestConsole(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &Console{w: &out, terminal: true}
	c.Redraw("1/2")
	c.Redraw("1/2")
	_, _ = io.WriteString(c, "a note\n")
	c.Redraw("")
	_, _ = io.WriteString(c, "the end\n")
	require.Equal(t, "\r\x1b[K1/2"+"\r\x1b[Ka note\n1/2"+"\r\x1b[K"+"the end\n", out.String())
	out.Reset()
	c.terminal = false
	c.Redraw("1/2")
	require.Empty(t, out.String(), "nothing is redrawn if it is not a terminal")
}
