package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const spareNumber, otherSpareNumber = "+12025550180", "+12025550181"

// probeFake is a workspace with trunks 1 and 2 of other people, and spare agents 3 and 4.
func probeFake(t *testing.T, options ...mihutest.Option) *fake {
	t.Helper()
	f := newFake(t, options...)
	f.trunk(1)
	f.trunk(2)
	f.agent(3)
	f.agent(4)
	return f
}

const agent4 = "a0000000-0000-4000-8000-000000000004"

// probeArgs are the arguments of a probe with two numbers and two agents, without waits.
func probeArgs(more ...string) []string {
	return append([]string{
		"probe", "--number", spareNumber, "--number", otherSpareNumber, "--agent", agent3, "--agent", "Agent 4", "--rate", "100000/s",
	}, more...)
}

var confirmed = []string{"--confirm", otherSpareNumber, "--confirm", spareNumber}

// lateRead matches what is seen of reads on a busy machine, where even the first comes late.
var lateRead = regexp.MustCompile(`((?:read\.after_write[ ,]+nothing[ ,]+|"question": "read\.after_write",\n(?: .*\n){2} *"observed": "|at once *))within [0-9.]+m?s`)

// progressLine matches the lines of a progress, which depend on the time.
var progressLine = regexp.MustCompile(`(?m)^\d+/\d+ questions .*\n`)

// TestProbe compares a first use of the probe with a golden file.
func TestProbe(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	var session strings.Builder
	for _, args := range [][]string{
		{"probe"},
		{"probe", "--number", spareNumber},
		{"probe", "--number", "12025550180", "--agent", agent3},
		{"probe", "--number", spareNumber, "--number", spareNumber, "--agent", agent3},
		{"probe", "--number", spareNumber, "--agent", agent3, "--agent", "Agent 3", "--dry-run"},
		{"probe", "--number", spareNumber, "--agent", agent3, "--max-requests", "5"},
		{"probe", "--number", spareNumber, "--agent", agent3},
		{"probe", "--number", spareNumber, "--agent", agent3, "--confirm", number(1)},
		{"probe", "--number", spareNumber, "--agent", agent3, "--dry-run"},
		{"probe", "--number", spareNumber, "--agent", agent3, "--report", "DIR/none/report.json", "--confirm", spareNumber},
		{"probe", "--number", spareNumber, "--agent", agent3, "--diff", "DIR/none.json", "--confirm", spareNumber},
		{"probe", "--number", number(1), "--agent", agent3, "--confirm", number(1), "--rate", "100000/s", "--report", "DIR/report.json"},
		{"probe", "--number", spareNumber, "--agent", agent1, "--confirm", spareNumber, "--rate", "100000/s", "--report", "DIR/report.json"},
		probeArgs("--report", "DIR/report.json", confirmed[0], confirmed[1], confirmed[2], confirmed[3]),
		probeArgs("--report", "DIR/report.json", confirmed[0], confirmed[1], confirmed[2], confirmed[3]),
		{"probe", "--number", spareNumber, "--agent", agent3, "--confirm", spareNumber, "--rate", "100000/s", "--report", "DIR/second.json", "--diff", "DIR/report.json", "-o", "csv"},
		{"probe", "--diff", "DIR/report.json"},
		{"probe", "--diff", "DIR/report.json", "--report", "DIR/report.json", "-q"},
		{"probe", "--clean"},
		{"probe", "--clean", "--dry-run"},
	} {
		got := f.run(args...)
		got.stderr = progressLine.ReplaceAllString(got.stderr, "")
		got.stdout = lateRead.ReplaceAllString(got.stdout, "${1}at once")
		f.session(&session, args, got)
	}
	golden(t, "probe", session.String())
	require.Len(t, f.Trunks(), 2, "what was registered is deleted")
	f.requireNoJournal()
}

func (f *fake) requireNoJournal() {
	f.t.Helper()
	left, err := filepath.Glob(filepath.Join(f.dir, "state", "trunkctl", "probe", "*"))
	require.NoError(f.t, err)
	require.Empty(f.t, left)
}

// TestProbeFlags: what makes no sense is refused before anything is sent.
func TestProbeFlags(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	f.file("old.json", `{"format":1,"date":"2026-11-28","observations":[]}`)
	one := []string{"probe", "--number", spareNumber, "--agent", agent3, "--confirm", spareNumber}
	for message, args := range map[string][]string{
		"not E.164":                         {"probe", "--number", "+١٢٠٢٥٥٥٠١٨٠", "--agent", agent3},
		"E.164":                             {"probe", "--number", " " + spareNumber, "--agent", agent3},
		"want a UUID or a name":             {"probe", "--number", spareNumber, "--agent", ""},
		"the two agents are the":            {"probe", "--number", spareNumber, "--agent", agent3, "--agent", strings.ToUpper(agent3)},
		"not a UUID":                        {"probe", "--number", spareNumber, "--agent", "{" + agent3 + "}"},
		"want each number of --number once": append(slices.Clone(one), "--confirm", spareNumber),
		"want 20 or more":                   append(slices.Clone(one), "--max-requests", "-1"),
		"would take days":                   append(slices.Clone(one), "--rate", "1e-12/h"),
		"--rate: want requests":             append(slices.Clone(one), "--rate", "NaN/s"),
		"--timeout: want more":              append(slices.Clone(one), "--timeout", "-1s"),
		"--whatsapp: of no use":             {"probe", "--diff", "DIR/old.json", "--report", "DIR/old.json", "--whatsapp"},
		"--confirm: of no use":              {"probe", "--diff", "DIR/old.json", "--report", "DIR/old.json", "--confirm", "x"},
		"--clean: has no use for ":          {"probe", "--clean", "--diff", "DIR/old.json"},
	} {
		got := f.run(args...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.stderr)
		require.Contains(t, got.stderr, message)
		require.Empty(t, got.stdout)
	}
	require.Zero(t, f.RequestCount())

	got := f.run("probe", "--number", spareNumber, "--agent", agent3, "--dry-run")
	require.Contains(t, got.stderr, "nothing was sent")
	require.Zero(t, f.RequestCount())
	got = f.run("probe", "--number", spareNumber, "--agent", "Agent 3", "--dry-run")
	require.Contains(t, got.stderr, "only the names of agents were looked up")
	require.Equal(t, 1, f.RequestCount())
}

// TestProbeChanged: another API than that of the report of --diff has an exit code of its own.
func TestProbeChanged(t *testing.T) {
	t.Parallel()
	before, after := probeFake(t), probeFake(t, mihutest.WithRules(mihutest.Rules{DuplicateStatus: http.StatusUnprocessableEntity, DeleteStatus: http.StatusNoContent}))
	old, young := filepath.Join(before.dir, "old.json"), filepath.Join(after.dir, "young.json")
	require.Zero(t, before.run(probeArgs(append(confirmed, "--report", old)...)...).code)
	got := after.run(probeArgs(append(confirmed, "--report", young, "--diff", old, "-o", "json")...)...)
	require.Equal(t, exitChanged, got.code, got.stderr)
	for _, question := range []string{"create.duplicate", "delete.body", "delete.status", "duplicate.other"} {
		require.Contains(t, got.stderr, question)
	}
	var rows []observation
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &rows))
	changed := map[string][2]string{}
	for _, row := range rows {
		if row.Before != row.Observed {
			changed[row.Question] = [2]string{row.Before, row.Observed}
		}
	}
	require.Equal(t, [2]string{"refused 409", "refused 422"}, changed["create.duplicate"])
	require.Equal(t, [2]string{"accepted 200", "accepted 204"}, changed["delete.status"])

	offline := after.run("probe", "--diff", old, "--report", young, "-o", "json")
	require.Equal(t, exitChanged, offline.code)
	require.Equal(t, got.stdout, offline.stdout)

	// The old one is of a time long ago.
	text, err := os.ReadFile(old)
	require.NoError(t, err)
	stale := regexp.MustCompile(`"date": "[^"]*"`).ReplaceAll(text, []byte(`"date": "2026-01-02"`))
	require.NoError(t, os.WriteFile(old, stale, 0o600))
	got = after.run("probe", "--diff", old, "--report", young)
	require.Contains(t, got.stderr, "more than 180 days ago")

	for _, broken := range []string{"{}", "[]", `{"format":2}`, string(bytes.ReplaceAll(text, []byte("create.status"), []byte("create.\\u001bstatus")))} {
		require.NoError(t, os.WriteFile(old, []byte(broken), 0o600))
		got = after.run("probe", "--diff", old, "--report", young)
		require.Equal(t, exitUsage, got.code, broken)
	}
}

// TestProbeCalibrates: the report makes a fake server that behaves as the one that was probed.
func TestProbeCalibrates(t *testing.T) {
	t.Parallel()
	rules := mihutest.Rules{DuplicateStatus: http.StatusUnprocessableEntity, OnBusyAgent: mihutest.TakeBusyAgent, UnboundUnknown: true, ErrorShape: mihutest.ErrorFramework}
	f := probeFake(t, mihutest.WithRules(rules))
	path := filepath.Join(f.dir, "report.json")
	got := f.run(probeArgs(append(confirmed, "--report", path)...)...)
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stderr, "other than documented: agent.busy_assign, agent.busy")

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	read, _, err := mihutest.ReadRules(text)
	require.NoError(t, err)
	again := probeFake(t, mihutest.WithRules(read))
	second := filepath.Join(again.dir, "report.json")
	require.Zero(t, again.run(probeArgs(append(confirmed, "--report", second)...)...).code)
	secondText, err := os.ReadFile(second)
	require.NoError(t, err)
	require.Equal(t, lateRead.ReplaceAllString(string(text), "${1}at once"), lateRead.ReplaceAllString(string(secondText), "${1}at once"))
	for _, secret := range []string{spareNumber, "2025550180", agent3, agent4, "Agent 4", secretToken, f.URL()} {
		require.NotContains(t, string(text), secret)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestProbeConsent: on a terminal, the last digits of the number are typed, and the name of a production
// workspace.
func TestProbeConsent(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	term := f.terminalOf(pty.Winsize{Rows: 24, Cols: 100}, "probe", "--number", spareNumber, "--agent", agent3, "--rate", "100000/s")
	term.waitFor("Type the last 4 digits of " + spareNumber + " to continue:")
	require.Zero(t, f.RequestCount(), "nothing is sent before that")
	require.Contains(t, term.shown(), "For about a minute")
	term.send("y\r")
	require.Equal(t, exitUsage, term.end())
	require.Contains(t, term.shown(), "not confirmed; nothing was changed")
	require.Zero(t, f.RequestCount())

	term = f.terminalOf(pty.Winsize{Rows: 24, Cols: 100}, probeArgs("--rate", "6/m")...)
	term.waitFor("0180 to continue:")
	require.Contains(t, term.shown(), "For up to 14 minutes")
	term.send(ctrlC)
	require.Equal(t, exitInterrupted, term.end())

	term = f.terminalOf(pty.Winsize{Rows: 24, Cols: 100}, probeArgs()...)
	term.waitFor("0180 to continue:")
	shown := term.shown()
	for _, part := range []string{"at most 80 requests to " + f.URL(), spareNumber + " and " + otherSpareNumber + " are registered for", "Agent 4", "calls to them may ring there"} {
		require.Contains(t, shown, part)
	}
	term.send("0180\r")
	require.Zero(t, term.end(), term.shown())
	require.Contains(t, term.shown(), "wrote probe-report.json")
	require.Len(t, f.Trunks(), 2)
	f.requireNoJournal()
}

// TestProbeDebug: --debug logs each request, without numbers and secrets.
func TestProbeDebug(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	got := f.run("probe", "--number", spareNumber, "--agent", agent3, "--confirm", spareNumber, "--rate", "100000/s", "--report", "DIR/report.json", "--debug")
	require.Zero(t, got.code, got.stderr)
	require.Equal(t, f.RequestCount(), strings.Count(got.stderr, "msg=\"probe: request\""))
	require.Contains(t, got.stderr, "method=POST path=/api/v1/phone-numbers/trunks ")
	require.Contains(t, got.stderr, "status=409")
}

// TestProbeOfProduction: beside --confirm, a production workspace wants --workspace.
func TestProbeOfProduction(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	f.production()
	got := invocation{args: probeArgs(confirmed...), env: f.env(), config: f.dir}.run(t)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, "live is a production workspace, and --workspace does not name it; nothing was changed\n  add --workspace live\n")
	for _, request := range f.Requests() {
		require.Equal(t, "GET", request.Method, "nothing was changed")
	}
}

// TestProbeIsLogged: the log has every change of a probe.
func TestProbeIsLogged(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	got := f.persistent(probeArgs(append(confirmed, "--report", "DIR/report.json")...)...)
	require.Zero(t, got.code, got.stderr)
	var sent, logged []string
	for _, request := range f.Requests() {
		if request.Method != http.MethodGet && string(request.Body) != "{" {
			sent = append(sent, map[string]string{"POST": "create", "PATCH": "update", "PUT": "assign", "DELETE": "delete"}[request.Method])
		}
	}
	for _, record := range f.logged() {
		if record.Event == runlog.Change && record.PhoneNumber != "" {
			logged = append(logged, record.Action)
			require.Contains(t, []string{runlog.Applied, runlog.NotApplied}, record.Outcome)
		}
	}
	require.NotEmpty(t, sent)
	require.Equal(t, sent, logged)
}

// TestProbeInterrupted: Ctrl-C ends the questions and deletes what was registered. A second one says what
// is left, and --clean deletes it.
func TestProbeInterrupted(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	term := f.terminal(probeArgs("--rate", "20/s", confirmed[0], confirmed[1], confirmed[2], confirmed[3])...)
	f.waitForTrunks(3)
	term.send(ctrlC)
	require.Equal(t, exitInterrupted, term.end(), term.shown())
	require.Contains(t, term.shown(), "stopping: deleting what was registered")
	require.Contains(t, term.shown(), "the other answers are in probe-report.json")
	require.Len(t, f.Trunks(), 2)
	f.requireNoJournal()

	f = probeFake(t)
	term = f.terminal(probeArgs("--rate", "4/s", confirmed[0], confirmed[1], confirmed[2], confirmed[3])...)
	f.waitForTrunks(3)
	term.send(ctrlC)
	term.waitFor("stopping")
	term.send(ctrlC)
	require.Equal(t, exitUnknown, term.end(), term.shown())
	require.Contains(t, term.shown(), "trunks of the probe may be left")
	require.Regexp(t, `\+1202555018\d on call: `, term.shown(), "a terminal shows the whole number")
	require.Contains(t, term.shown(), "trunkctl probe --clean")
	require.Len(t, f.Trunks(), 3)

	out, err := f.process(probeArgs(append(confirmed, "--report", "other.json")...)...).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "an earlier probe may have left trunks")
	require.Contains(t, string(out), "trunkctl probe --clean")

	out, err = f.process("probe", "--clean", "--rate", "1000/s").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "deleted 1 trunk; nothing is left")
	require.Len(t, f.Trunks(), 2)
	f.requireNoJournal()
}

func (f *fake) waitForTrunks(n int) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return len(f.Trunks()) >= n }, 20*time.Second, time.Millisecond)
}

// TestProbesDoNotMeet: two probes of a workspace, and a clean-up during a probe, are refused.
func TestProbesDoNotMeet(t *testing.T) {
	t.Parallel()
	f := probeFake(t)
	first := f.process(probeArgs(append(confirmed, "--rate", "10/s")...)...)
	var text bytes.Buffer
	first.Stdout, first.Stderr = &text, &text
	require.NoError(t, first.Start())
	f.waitForTrunks(3)
	for _, args := range [][]string{probeArgs(append(confirmed, "--report", "other.json")...), {"probe", "--clean"}} {
		out, err := f.process(args...).CombinedOutput()
		require.ErrorContains(t, err, fmt.Sprintf("exit status %d", exitLimit), string(out))
	}
	require.NoError(t, first.Process.Signal(os.Interrupt))
	_ = first.Wait()
	require.Equal(t, exitInterrupted, first.ProcessState.ExitCode(), text.String())
	require.Len(t, f.Trunks(), 2)
}

// TestProbeKilled kills the process at a request, before and after it was applied, or lets it be applied
// late. The clean-up then deletes all of the probe's trunks, and nothing else. TRUNKCTL_TEST_KILLS set to
// "all" tries every request.
func TestProbeKilled(t *testing.T) {
	t.Parallel()
	every := 9
	if os.Getenv("TRUNKCTL_TEST_KILLS") == "all" {
		every = 1
	}
	const requests, atOnce = 52, 40
	turns := make(chan struct{}, atOnce)
	var kills, waited sync.WaitGroup
	var killed atomic.Int64
	defer waited.Wait()
	for n := 1; n <= requests; n += every {
		for when, fault := range map[string]mihutest.Fault{
			"before": {Drop: true}, "after": {Drop: true, AfterChange: true}, "late": {Delay: 20 * time.Second, Detached: true},
		} {
			kills.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				if killProbe(t, n, when, fault) {
					killed.Add(1)
				}
			})
		}
	}
	kills.Wait()
	t.Logf("%d kills", killed.Load())
}

// killProbe kills a probe at its n-th request. It reports whether the probe had so many.
func killProbe(t *testing.T, n int, when string, fault mihutest.Fault) bool {
	t.Helper()
	f := probeFake(t)
	before := f.Trunks()
	cmd := f.process(probeArgs(confirmed...)...)
	started := make(chan struct{})
	var count atomic.Int64
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if int(count.Add(1)) != n {
			return nil
		}
		<-started
		_ = cmd.Process.Kill()
		return &fault
	})
	if !assert.NoError(t, cmd.Start()) {
		return false
	}
	close(started)
	err := cmd.Wait()
	if err == nil {
		return assert.Less(t, int(count.Load()), n) && false
	}
	if !assert.ErrorContains(t, err, "killed", "%s request %d", when, n) {
		return false
	}
	out, err := f.process("probe", "--clean", "--rate", "1000/s").CombinedOutput()
	if !assert.NoError(t, err, "%s request %d: %s", when, n, out) {
		return false
	}
	assert.Equal(t, before, f.Trunks(), "%s request %d", when, n)
	f.requireNoJournal()
	return true
}
