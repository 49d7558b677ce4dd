package provision_test

import (
	"iter"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/provision"
)

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// forgetful returns a client of an API that stores nothing. The client does not remember its writes
// either, so that only the run's own memory is measured.
func forgetful(tb testing.TB) *mihu.Client {
	tb.Helper()
	api := newMemory()
	api.forgets = true
	return api.client(tb, mihu.WithMaxReadLag(-1))
}

// A run keeps a small key for every item, whatever the items hold, and that of a source less. It is
// measured with the last result, when no worker has work: what is
// allocated during a collection counts as in use. It is not parallel, since it looks at the memory
// of the whole process.
func TestMemory(t *testing.T) { //nolint:paralleltest // see above
	n := 40_000
	if raceEnabled {
		n = 10_000
	}
	client := forgetful(t)
	sources := map[int]*provision.Source{}
	for _, rowCount := range []int{n / 10, n} {
		source, err := spool(t, rows(rowCount), provision.ReadOptions{})
		require.NoError(t, err)
		sources[rowCount] = source
	}
	for _, test := range []struct {
		name  string
		bytes int // an item
		run   func(int, provision.Options) iter.Seq2[provision.Result, error]
	}{
		{"Run", 40, func(n int, opts provision.Options) iter.Seq2[provision.Result, error] {
			return provision.Run(t.Context(), client, many(n), opts)
		}},
		{"Source.Run", 22, func(n int, opts provision.Options) iter.Seq2[provision.Result, error] {
			return sources[n].Run(t.Context(), client, opts)
		}},
	} {
		t.Run(test.name, func(t *testing.T) { //nolint:paralleltest // as above
			held := func(n int) (bytes int64) {
				journal := open(t, filepath.Join(t.TempDir(), "journal"), "many")
				before, results := heap(), 0
				for result, err := range test.run(n, provision.Options{Workers: 64, Journal: journal}) {
					require.NoError(t, err)
					require.NoError(t, result.Err)
					if results++; results == n {
						bytes = heap() - before
					}
				}
				assert.Equal(t, n, results)
				return bytes
			}
			held(n / 10) // what is made once for all runs
			few, all := held(n/10), held(n)
			assert.Less(t, all-few, int64(64<<10+test.bytes*(n-n/10)), "bytes for %d more items", n-n/10)
			t.Logf("%d items: %d KiB, %d items: %d KiB", n/10, few>>10, n, all>>10)
		})
	}
}

// BenchmarkRun is the cost of a run of 1000 new trunks beside that of their requests, which take no
// time here.
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
