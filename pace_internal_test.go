package mihu

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBudgetIsCapped(t *testing.T) {
	t.Parallel()
	var b budget
	b.init(2)
	b.earn()
	took := 0
	for b.take() {
		took++
	}
	assert.Equal(t, 2, took)
	b.earn()
	assert.False(t, b.take(), "one success earns half a retry")
	b.earn()
	assert.True(t, b.take())
}

// Closing a closed gate can extend the wait, never shorten it.
func TestGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var g gate
		require.NoError(t, g.wait(t.Context(), nil))
		assert.Zero(t, time.Since(start), "a new gate is open")

		g.closeFor(10*time.Second, 0)
		g.closeFor(time.Second, 0)
		time.AfterFunc(9*time.Second, func() { g.closeFor(10*time.Second, 0) })
		require.NoError(t, g.wait(t.Context(), nil))
		assert.GreaterOrEqual(t, time.Since(start), 19*time.Second)
		assert.LessOrEqual(t, time.Since(start), 21*time.Second)

		g.closeFor(10*time.Second, 0)
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		before := time.Now()
		require.ErrorIs(t, g.wait(soon, nil), ErrRateLimited)
		assert.Zero(t, time.Since(before), "a wait past the deadline fails at once")
	})
}
