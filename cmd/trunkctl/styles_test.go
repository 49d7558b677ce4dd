package main

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var colorCode = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestStyles: only bold and bold red are used, and the text is the same without them.
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
