package provision_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// forgetful is an API that remembers nothing, so that what is measured is the run's own.
func forgetful(tb testing.TB) *mihu.Client {
	tb.Helper()
	api := newMemory()
	api.forgets = true
	return api.client(tb)
}

// A run keeps a small key for every item, whatever the items hold. It is not parallel, since it looks at the
// memory of the whole process.
func TestMemory(t *testing.T) { //nolint:paralleltest // see above
	n := 100_000
	if raceEnabled {
		n = 10_000
	}
	client := forgetful(t)
	journal := open(t, filepath.Join(t.TempDir(), "journal"), "many")
	before, most, results := heap(), int64(0), 0
	for result, err := range provision.Run(t.Context(), client, many(n), provision.Options{Workers: 64, Journal: journal}) {
		require.NoError(t, err)
		require.NoError(t, result.Err)
		if results++; results%(n/10) == 0 {
			most = max(most, heap()-before)
		}
	}
	assert.Equal(t, n, results)
	assert.Less(t, most, int64(2<<20+100*n), "bytes for %d items", n)
	t.Logf("%d items: %d KiB at most", n, most>>10)
}

// BenchmarkRun is the cost of a run of 1000 new trunks beside that of their requests, which take no time here.
func BenchmarkRun(b *testing.B) {
	client := forgetful(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range provision.Run(b.Context(), client, many(1000), provision.Options{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
