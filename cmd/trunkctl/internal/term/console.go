package term

import (
	"io"
	"os"
	"sync"

	xterm "golang.org/x/term"
)

// usualWidth is used if a terminal does not report its width.
const usualWidth = 80

// Console is standard error. On a terminal it can keep a status line below the text that is
// written. It is safe for concurrent use.
type Console struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	ascii    bool
	line     string
}

// ASCII makes the console print the characters of this program's own in ASCII.
func (c *Console) ASCII() { c.ascii = true }

// NewConsole returns the console of a stream. A dumb terminal gets no status line, since it cannot
// redraw one.
func NewConsole(w io.Writer, dumb bool) *Console {
	return &Console{w: w, terminal: !dumb && IsTerminal(w)}
}

// Terminal reports whether the console can redraw a line.
func (c *Console) Terminal() bool { return c.terminal }

// Width returns the console's width in columns.
func (c *Console) Width() int {
	if width := Width(c.w); width > 0 {
		return width
	}
	return usualWidth
}

// cutMark ends a line that was cut.
func (c *Console) cutMark() string {
	if c.ascii {
		return "..."
	}
	return "…"
}

// Write writes whole lines above the status line.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := p
	if c.ascii {
		text = []byte(ASCII(string(p)))
	}
	if c.line != "" {
		_, _ = io.WriteString(c.w, eraseLine)
	}
	_, err := c.w.Write(text)
	if c.line != "" {
		_, _ = io.WriteString(c.w, c.line)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

const eraseLine = "\r\x1b[K"

// Redraw replaces the status line; "" removes it. It does nothing if the console is not a terminal.
func (c *Console) Redraw(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal || line == c.line {
		return
	}
	if c.ascii {
		line = ASCII(line)
	}
	c.line = line
	_, _ = io.WriteString(c.w, eraseLine+line)
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && xterm.IsTerminal(int(file.Fd()))
}

// Width returns the number of columns of a terminal, or 0 if the stream is not one.
func Width(stream any) int {
	file, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := xterm.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
