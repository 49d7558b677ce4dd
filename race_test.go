//go:build race

package mihu_test

// raceEnabled reports whether the race detector runs. It allocates, so that allocations cannot be
// counted.
const raceEnabled = true
