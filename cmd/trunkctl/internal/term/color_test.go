package term

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAlarmCanBeRead: on the default backgrounds of terminals, bold red has the contrast of 3:1
// that WCAG wants for large text, or nearly. Other colors do not: on white, green has 2.2:1 in
// xterm and yellow 1.7; on black, blue has 1.6 in macOS and magenta 2.4 in Windows.
func TestAlarmCanBeRead(t *testing.T) {
	t.Parallel()
	for terminal, c := range map[string]struct {
		red         string // of bold text, which most terminals brighten
		backgrounds []string
	}{
		"xterm":            {"ff0000", []string{"ffffff", "000000"}},
		"VS Code dark":     {"f14c4c", []string{"1e1e1e"}},
		"VS Code light":    {"cd3131", []string{"ffffff"}},
		"Solarized":        {"cb4b16", []string{"fdf6e3", "002b36"}},
		"GNOME":            {"c01c28", []string{"ffffff", "171421"}}, // not brightened
		"Ubuntu":           {"cc0000", []string{"ffffff", "300a24"}}, // not brightened
		"macOS Basic":      {"e50000", []string{"ffffff", "000000"}},
		"Windows Terminal": {"e74856", []string{"0c0c0c"}},
	} {
		for _, background := range c.backgrounds {
			assert.GreaterOrEqual(t, contrast(t, c.red, background), 2.9, "%s on %s", terminal, background)
		}
	}
}

// contrast returns the contrast ratio of WCAG 2, 1 to 21.
func contrast(t *testing.T, one, other string) float64 {
	t.Helper()
	luminance := func(color string) (sum float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			part, err := strconv.ParseUint(color[2*i:2*i+2], 16, 8)
			require.NoError(t, err)
			value := float64(part) / 255
			if value <= 0.03928 {
				sum += weight * value / 12.92
			} else {
				sum += weight * math.Pow((value+0.055)/1.055, 2.4)
			}
		}
		return sum
	}
	both := []float64{luminance(one), luminance(other)}
	return (slices.Max(both) + 0.05) / (slices.Min(both) + 0.05)
}
