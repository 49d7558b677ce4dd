package provision_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu/provision"
)

func heapNow() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The rows of a file are never kept: neither an open source nor reading it takes memory that grows
// with the file. The test runs alone, because the heap is shared.
func TestManyRows(t *testing.T) {
	const megabyte = 1 << 20
	n := 100_000
	if raceEnabled {
		n = 20_000
	}
	path := filepath.Join(t.TempDir(), "numbers.csv")
	require.NoError(t, os.WriteFile(path, []byte(rows(n)), 0o600))
	before := heapNow()
	source, err := provision.Open(path, provision.ReadOptions{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, source.Close()) }()
	require.Equal(t, n, source.Len())
	assert.Less(t, heapNow()-before, int64(megabyte), "after opening")

	count, highest := 0, int64(0)
	for _, err := range source.Items() {
		require.NoError(t, err)
		if count++; count%(n/5) == 0 {
			highest = max(highest, heapNow()-before)
		}
	}
	assert.Equal(t, n, count)
	assert.Less(t, highest, int64(2*megabyte), "while reading")
}
