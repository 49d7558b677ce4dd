package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// Advice for people names commands, and no methods of the library.
func TestAdviceNamesCommands(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	id, agent := f.trunk(1), f.agent(2)
	f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodGet {
			return &mihutest.Fault{Status: http.StatusForbidden}
		}
		return &mihutest.Fault{Status: http.StatusInternalServerError}
	})
	for _, args := range [][]string{
		{"create", number(3), "--agent", agent},
		{"assign", id.PhoneNumber, "--agent", agent},
		{"update", id.PhoneNumber, "--name", "x"},
		{"delete", id.PhoneNumber, "--yes"},
	} {
		got := f.run(args...)
		require.Equal(t, exitUnknown, got.code, got.stderr)
		require.Contains(t, got.stderr, "trunkctl channels NUMBER")
		for _, method := range []string{"GetByNumber", "call Ensure", "ErrNotFound", "it is idempotent, and the API"} {
			require.NotContains(t, got.stderr, method, "%v", args)
		}
	}
}

// A file that is read is not where the data goes.
func TestOutputIsTheInput(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.lines("", row(1, f.agent(1), ""))
	before := f.read("numbers.csv")
	for _, command := range []string{"import", "sync"} {
		out, err := os.OpenFile(filepath.Join(f.dir, "numbers.csv"), os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		cmd := f.process(command, "numbers.csv", "--yes", "-o", "csv")
		cmd.Stdout = out
		_ = cmd.Run() // the code says more
		require.NoError(t, out.Close())
		require.Equal(t, exitUsage, cmd.ProcessState.ExitCode())
		require.Equal(t, before, f.read("numbers.csv"))
	}
	require.Zero(t, f.RequestCount())
}
