//go:build race

package provision_test

// raceEnabled: the race detector makes everything slow and large.
const raceEnabled = true
