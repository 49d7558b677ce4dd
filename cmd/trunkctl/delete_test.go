package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// signalOn is a standard error that sends signals when a text is written to it.
type signalOn struct {
	strings.Builder
	text    string
	signals chan<- os.Signal
}

func (w *signalOn) Write(p []byte) (int, error) {
	if w.signals != nil && strings.Contains(string(p), w.text) {
		// The second is received after the first has been handled.
		w.signals <- syscall.SIGTERM
		w.signals <- syscall.SIGTERM
		w.signals = nil
	}
	return w.Builder.Write(p)
}

// TestDeleteInterrupted: a signal between two trunks is not success, since the second still exists.
func TestDeleteInterrupted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.trunk(2)
	signals := make(chan os.Signal)
	stderr := &signalOn{text: "deleted", signals: signals}
	var stdout strings.Builder
	code := run(t.Context(), environment{
		args:      []string{"delete", number(1), number(2), "--yes"},
		stdin:     strings.NewReader(""),
		stdout:    &stdout,
		stderr:    stderr,
		getenv:    func(name string) string { return f.env()[name] },
		configDir: func() (string, error) { return f.dir, nil },
		stateDir:  func() (string, error) { return f.dir, nil },
		signals:   signals,
	})
	checkPrinted(t, "", stderr.String())
	require.Equal(t, exitInterrupted, code)
	require.Contains(t, stderr.String(), "interrupted after 1 of 2 trunks")
	require.Contains(t, stderr.String(), "run it again with the numbers that are not shown as deleted")
	require.Contains(t, stdout.String(), number(1))
	require.Len(t, f.Trunks(), 1)
}
