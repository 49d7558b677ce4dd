package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/term"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/require"
)

// One failure is printed once, where it is in the file; one that many rows have, once for all of them.
func TestFailuresAreToldOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	agent := f.agent(1)
	var b strings.Builder
	b.WriteString("phone_number,channel,agent_uuid\n" + row(1, agent, "") + "\n")
	for n := 2; n < 60; n++ {
		b.WriteString(row(n, fmt.Sprintf("d0000000-0000-4000-8000-%012d", n), "") + "\n")
	}
	f.file("numbers.csv", b.String())
	got := f.run("import", "DIR/numbers.csv", "--yes", "--workers", "1")
	require.Equal(t, exitPartial, got.code)
	require.Equal(t, []string{
		"http://SERVER: 59 of 59 rows in TIME: 1 created, 58 failed",
		"  DIR/numbers.csv:3: +1202•••0002/call: trunks.create: 422 AGENT_NOT_FOUND: There is no such agent; agent_uuid: There is no such agent (request ID)",
		"    the same on lines 4-10 and 50 more",
		"Correct DIR/numbers.csv.failed.csv, then run: trunkctl import DIR/numbers.csv.failed.csv --workers 1 --yes",
	}, strings.Split(strings.TrimSpace(requestOf.ReplaceAllString(f.anywhere(got.stderr), " (request ID)")), "\n"))

	quiet := f.run("import", "DIR/numbers.csv.failed.csv", "--yes", "--quiet")
	require.Equal(t, exitPartial, quiet.code)
	require.Contains(t, quiet.stderr, "trunkctl: 58 items failed")
}

// A mistake that many rows have is one error with its lines.
func TestViolationsAreGrouped(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var b strings.Builder
	b.WriteString("phone_number,channel,agent_uuid\n")
	for n := range 100 {
		b.WriteString(strings.TrimPrefix(row(n, "d0000000-0000-4000-8000-000000000000", ""), "+") + "\n")
	}
	f.file("numbers.csv", b.String())
	got := f.run("import", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitInput, got.code)
	require.Equal(t, 3, strings.Count(got.stderr, "\n"), got.stderr)
	require.Contains(t, got.stderr, "the same on lines 3-10 and 91 more")
	require.Contains(t, got.stderr, "100 errors in ")
}

func TestSameOn(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]int{
		"the same on line 4":           {4},
		"the same on lines 4, 5":       {5, 4},
		"the same on lines 4-6, 9, 11": {4, 5, 6, 9, 11},
	} {
		require.Equal(t, want, sameOn(lines, len(lines)))
	}
	require.Equal(t, "the same on lines 4-6 and 1000 more", sameOn([]int{4, 5, 6}, 1003))
}

// Rows that are sent at the same time fail in any order; they are printed in the order of the file.
func TestFailuresInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	var failures failureGroups
	for _, line := range []int{7, 5, 9, 3, 2} {
		reason := errors.New("one reason")
		if line == 2 {
			reason = errors.New("another")
		}
		failures.add(provision.Result{
			Action: provision.Failed, Err: reason,
			Item: provision.Item{Line: line, Trunk: mihu.TrunkCreateRequest{TrunkID: mihu.TrunkID{PhoneNumber: number(line), Channel: mihu.ChannelCall}}},
		}, false)
	}
	var printed bytes.Buffer
	failures.print(&app{console: term.NewConsole(&printed, false)}, "numbers.csv", "")
	require.Equal(t, "  numbers.csv:2: +1202•••0002/call: another\n  numbers.csv:3: +1202•••0003/call: one reason\n    the same on lines 5, 7, 9\n", printed.String())
}
