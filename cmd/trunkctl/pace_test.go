package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"10/s": 10, "600/m": 10, "36000/h": 10, "0.5/s": 0.5, "7": 7} {
		limiter, err := parseRate(text)
		require.NoError(t, err, text)
		assert.InDelta(t, want, float64(limiter.Limit()), 1e-9, text)
		assert.Equal(t, 1, limiter.Burst())
	}
	for _, text := range []string{"0/s", "-1/s", "fast", "10/d", "/s", "NaN", "Inf/s", "1e9/s"} {
		_, err := parseRate(text)
		assert.Equal(t, exitUsage, exitCode(err, false), text)
	}
}
