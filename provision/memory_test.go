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

// forgetful returns a client of an API that stores nothing, so that only the run's own memory is
// measured.
func forgetful(tb testing.TB) *mihu.Client {
	tb.Helper()
	api := newMemory()
	api.forgets = true
	return api.client(tb)
}

// A run keeps a small key for every item, whatever the items hold, and that of a source less: what
// the journal has of it. It is not parallel, since it looks at the memory of the whole process.
func TestMemory(t *testing.T) { //nolint:paralleltest // see above
	n := 40_000
	if raceEnabled {
		n = 10_000
	}
	client := forgetful(t)
	source, err := spool(t, rows(n), provision.ReadOptions{})
	require.NoError(t, err)
	for _, test := range []struct {
		name  string
		bytes int // an item
		run   func(provision.Options) iter.Seq2[provision.Result, error]
	}{
		{"Run", 36, func(opts provision.Options) iter.Seq2[provision.Result, error] {
			return provision.Run(t.Context(), client, many(n), opts)
		}},
		{"Source.Run", 8, func(opts provision.Options) iter.Seq2[provision.Result, error] {
			return source.Run(t.Context(), client, opts)
		}},
	} {
		t.Run(test.name, func(t *testing.T) { //nolint:paralleltest // as above
			journal := open(t, filepath.Join(t.TempDir(), "journal"), "many")
			before, first, last, results := heap(), int64(0), int64(0), 0
			for result, err := range test.run(provision.Options{Workers: 64, Journal: journal}) {
				require.NoError(t, err)
				require.NoError(t, result.Err)
				switch results++; results {
				case n / 10:
					first = heap() - before
				case n:
					last = heap() - before
				}
			}
			assert.Equal(t, n, results)
			assert.Less(t, last-first, int64(512<<10+test.bytes*n), "bytes for %d items", n)
			t.Logf("%d items: from %d to %d KiB", n, first>>10, last>>10)
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
