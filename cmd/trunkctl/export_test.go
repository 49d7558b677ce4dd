package main

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// TestExportKilled: what a killed export has left is removed by the next one.
func TestExportKilled(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	left := func() (names []string) {
		entries, err := os.ReadDir(f.dir)
		require.NoError(t, err)
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return names
	}
	cmd := f.process("export", "--file", "trunks.csv")
	arrived := make(chan struct{})
	var once sync.Once
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		once.Do(func() { close(arrived) })
		return &mihutest.Fault{Delay: time.Hour}
	})
	require.NoError(t, cmd.Start())
	<-arrived
	require.NoError(t, cmd.Process.Kill())
	require.ErrorContains(t, cmd.Wait(), "killed")
	require.Len(t, left(), 1)
	require.NotContains(t, left(), "trunks.csv")
	f.InjectFunc(nil)
	got := f.run("export", "--file", "DIR/trunks.csv")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, []string{"trunks.csv"}, left())
}
