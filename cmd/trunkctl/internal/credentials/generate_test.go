package credentials

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewPassword(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	counts := map[rune]int{}
	for range 2000 {
		password := NewPassword(24)
		require.Len(t, password, 24)
		require.False(t, seen[password])
		seen[password] = true
		for _, r := range password {
			counts[r]++
		}
	}
	require.Len(t, counts, len(passwordAlphabet))
	expected := 2000 * 24 / len(passwordAlphabet)
	for r, n := range counts {
		require.InDelta(t, expected, n, float64(expected)/4, "%c", r)
	}
	require.NotContains(t, passwordAlphabet, "0")
}
