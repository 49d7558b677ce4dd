//go:build !race

package mihu_test

const raceEnabled = false
