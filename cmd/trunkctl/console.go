package main

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// console is the standard error. On a terminal it can hold a line at its end that is redrawn, and
// that what is written goes before.
type console struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	line     string
}

// newConsole is that of a stream; a terminal that is dumb cannot redraw a line.
func newConsole(w io.Writer, dumb bool) *console {
	return &console{w: w, terminal: !dumb && isTerminal(w)}
}

// Write writes whole lines.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line == "" {
		return c.w.Write(p)
	}
	_, _ = io.WriteString(c.w, eraseLine)
	n, err := c.w.Write(p)
	_, _ = io.WriteString(c.w, c.line)
	return n, err
}

const eraseLine = "\r\x1b[K"

// redraw replaces the line at the end; "" removes it.
func (c *console) redraw(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.terminal || line == c.line {
		return
	}
	c.line = line
	_, _ = io.WriteString(c.w, eraseLine+line)
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth is the number of columns of a terminal, 0 for what is none.
func terminalWidth(stream any) int {
	file, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
