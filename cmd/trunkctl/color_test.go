package main

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var colorCode = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestStyles has bold and bold red be all that is ever used, and the text be the same without them.
func TestStyles(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.agent(3)
	f.file("numbers.csv", "phone_number,channel,agent_uuid\n"+
		number(1)+",call,"+agent3+"\n"+number(2)+",call,"+agent1+"\n"+number(3)+",call,"+agent9+"\n")
	used := map[string]bool{}
	for _, args := range [][]string{
		{"list"},
		{"channels", number(1)},
		{"import", "DIR/numbers.csv", "--dry-run", "--workers", "1"},
		{"delete", number(1), "--dry-run"},
		{"update", number(1), "--name", "x", "--dry-run"},
		{"rotate", "--all", "--dry-run", "--file", "DIR/p"},
		{"doctor", "--base-url", "http://127.0.0.1:1"},
		{"lst"},
	} {
		with, without := f.run(append(args, "--color", "always")...), f.run(append(args, "--color", "never")...)
		for _, code := range colorCode.FindAllString(with.stdout+with.stderr, -1) {
			used[code] = true
		}
		require.Equal(t, f.anywhere(without.stdout), f.anywhere(colorCode.ReplaceAllString(with.stdout, "")), "%v", args)
		require.Equal(t, f.anywhere(without.stderr), f.anywhere(colorCode.ReplaceAllString(with.stderr, "")), "%v", args)
		require.NotRegexp(t, "\x1b", without.stdout+without.stderr)
	}
	require.Equal(t, map[string]bool{"\x1b[1m": true, "\x1b[1;31m": true, "\x1b[0m": true}, used)
}

// TestAlarmCanBeRead holds bold red against the backgrounds that terminals have as they come: it has the 3:1
// that WCAG asks of large text, or misses it by a hair. The others do not: on white xterm's green has 2.2:1 and its
// yellow 1.7, on black the blue of macOS has 1.6 and the magenta of Windows 2.4.
func TestAlarmCanBeRead(t *testing.T) {
	t.Parallel()
	for terminal, c := range map[string]struct {
		red         string // of bold text: most terminals take the bright one
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

// contrast is that of WCAG 2, 1 to 21.
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
