package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestDumbTerminal: a terminal that cannot redraw a line gets whole lines only.
func TestDumbTerminal(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent(), mihutest.WithLatency(20*time.Millisecond))
	f.rows(100)
	cmd := f.process("import", "numbers.csv", "--yes")
	cmd.Env = append(cmd.Env, "TERM=dumb")
	term := startTerminal(t, cmd, pty.Winsize{Rows: 24, Cols: 80})
	require.Zero(t, term.end(), term.shown())
	require.Contains(t, term.shown(), "100 of 100 rows")
	require.NotContains(t, term.shown(), "\x1b")
}

// TestTerminalWithoutSize: progress is shown on a terminal that does not report its width, as in
// some containers.
func TestTerminalWithoutSize(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent(), mihutest.WithLatency(20*time.Millisecond))
	f.rows(100)
	term := f.terminalOf(pty.Winsize{}, "import", "numbers.csv", "--yes")
	require.Zero(t, term.end(), term.shown())
	require.Contains(t, term.shown(), "/100  ")
}

// TestInterruptedPrompt: the message after Ctrl-C at a prompt begins on a line of its own.
func TestInterruptedPrompt(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.rows(1)
	for prompt, args := range map[string][]string{
		"[y/N] ":         {"import", "numbers.csv"},
		"SIP username: ": {"update", number(1), "--sip-prompt"},
	} {
		term := f.terminal(args...)
		term.waitFor(prompt)
		term.send(ctrlC)
		require.Equal(t, exitInterrupted, term.end(), term.shown())
		require.Contains(t, strings.ReplaceAll(term.shown(), "\x1b[1;31m", ""), "\ntrunkctl:")
	}
	require.Zero(t, f.RequestCount())
}

// neverRead is an input that never arrives. It calls waiting when it is read.
type neverRead struct {
	waiting func()
	end     chan struct{}
}

func (r *neverRead) Read([]byte) (int, error) {
	r.waiting()
	<-r.end
	return 0, io.EOF
}

// TestInterruptedInput: the first signal ends a wait for input that never arrives.
func TestInterruptedInput(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, args := range [][]string{
		{"import", "-", "--journal", "journal", "--yes"},
		{"list", "--token-file", "-"},
		{"update", number(1), "--settings-file", "-"},
	} {
		signals := make(chan os.Signal, 1)
		input := &neverRead{func() { signals <- os.Interrupt }, make(chan struct{})}
		var stderr bytes.Buffer
		code := run(t.Context(), environment{
			args: args, stdin: input, stdout: io.Discard, stderr: &stderr, signals: signals,
			getenv:    func(name string) string { return f.env()[name] },
			configDir: func() (string, error) { return f.dir, nil },
			stateDir:  func() (string, error) { return f.dir, nil },
		})
		close(input.end)
		require.Equal(t, exitInterrupted, code, "%v", args)
		require.Contains(t, stderr.String(), "interrupted")
	}
	require.Zero(t, f.RequestCount())
}

// TestProgressOrData: no status line is drawn between rows that are printed on the terminal.
func TestProgressOrData(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"import", "numbers.csv", "--yes", "-o", "json"},
		{"rotate", "--file", "passwords", "--all", "--yes", "-o", "csv"},
	} {
		f := newFake(t, anyAgent(), mihutest.WithLatency(10*time.Millisecond))
		f.rows(100)
		if args[0] == "rotate" {
			for n := range 100 {
				f.trunk(n)
			}
		}
		term := f.terminal(args...)
		require.NoError(t, term.cmd.Wait(), term.shown())
		term.read.Wait()
		require.Regexp(t, "created|updated", term.shown())
		require.NotContains(t, term.shown(), "\x1b")
	}
}
