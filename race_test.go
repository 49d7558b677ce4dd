//go:build race

package mihu_test

// raceEnabled: the race detector allocates on its own account.
const raceEnabled = true
