package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

// rows writes a file of trunks, each with an agent, a name and a password of its own.
func (f *fake) rows(n int) {
	var b strings.Builder
	b.WriteString("phone_number,channel,agent_uuid,name,sip_gateway,sip_password\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,call,%s,Desk %d,sip.example.com,%s-%d\n", number(i), uuidOf(i), i, secretPassword, i)
	}
	f.file("numbers.csv", b.String())
}

func uuidOf(i int) string { return fmt.Sprintf("c0000000-0000-4000-8000-%012d", i) }

// requireRows requires that the server has every row of the file.
func (f *fake) requireRows(n int) {
	f.t.Helper()
	for i := range n {
		trunk, ok := f.Trunk(mihu.TrunkID{PhoneNumber: number(i), Channel: mihu.ChannelCall})
		require.True(f.t, ok, "row %d", i)
		require.Equal(f.t, uuidOf(i), trunk.AgentUUID)
		require.Equal(f.t, fmt.Sprintf("Desk %d", i), trunk.Name)
		require.Equal(f.t, fmt.Sprintf("%s-%d", secretPassword, i), trunk.SIP.Password)
	}
	require.Len(f.t, f.Trunks(), n)
}

func anyAgent() mihutest.Option { return mihutest.WithRules(mihutest.Rules{AnyAgent: true}) }

// at calls then once, when the nth request from now arrives.
func (f *fake) at(n int, then func()) {
	var count atomic.Int64
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if count.Add(1) == int64(n) {
			then()
		}
		return nil
	})
}

// finishedLines returns the lines of the file that the journal records as done. It ignores a torn
// last line.
func (f *fake) finishedLines() map[int]bool {
	finished := map[int]bool{}
	for line := range strings.Lines(f.read("numbers.csv.journal")) {
		var entry struct {
			Line   int
			Action string
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Line > 0 && entry.Action != "failed" {
			finished[entry.Line] = true
		}
	}
	return finished
}

// TestKilled kills an import at random moments and resumes it each time: every row is applied once,
// and rows that were done before a kill are not sent again. It kills five times, or
// TRUNKCTL_TEST_KILLS times, 1 to 30.
func TestKilled(t *testing.T) {
	t.Parallel()
	const rows = 2000
	kills := 5
	if text := os.Getenv("TRUNKCTL_TEST_KILLS"); text != "" {
		var err error
		kills, err = strconv.Atoi(text)
		require.NoError(t, err)
		require.True(t, kills >= 1 && kills <= 30, "TRUNKCTL_TEST_KILLS=%d: want 1 to 30", kills)
	}
	f := newFake(t, anyAgent(), mihutest.WithRequestLimit(1_000_000))
	f.rows(rows)
	for kill := range kills {
		finished := map[int]bool{}
		if kill > 0 {
			finished = f.finishedLines()
		}
		before := len(f.Requests())
		cmd := f.process("import", "numbers.csv", "--yes", "--resume", "--workers", "16")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		reached := make(chan struct{})
		// A row takes one request at least, so that the last kill comes before the end.
		f.at(20+rand.IntN(rows/kills-40), func() { close(reached) })
		require.NoError(t, cmd.Start())
		<-reached
		require.NoError(t, cmd.Process.Kill())
		require.ErrorContains(t, cmd.Wait(), "killed", stderr.String())
		f.InjectFunc(nil)
		f.requireUntouched(finished, before)
	}
	finished, before := f.finishedLines(), len(f.Requests())
	require.NotEmpty(t, finished)
	out, err := f.process("import", "numbers.csv", "--yes", "--resume", "--workers", "16").CombinedOutput()
	require.NoError(t, err, string(out))
	f.requireUntouched(finished, before)
	f.requireRows(rows)
	created := 0
	for _, request := range f.Requests() {
		if request.Method == http.MethodPost && request.Changed {
			created++
		}
	}
	require.Equal(t, rows, created, "every trunk is created once")
	t.Logf("%d kills, %d rows finished before the last run, %d requests for %d rows", kills, len(finished), len(f.Requests()), rows)
	require.NoFileExists(t, filepath.Join(f.dir, "numbers.csv.journal"), "the journal is removed")
}

// requireUntouched requires that no request since the given one is about a line that was done
// before.
func (f *fake) requireUntouched(finished map[int]bool, from int) {
	f.t.Helper()
	for _, request := range f.Requests()[from:] {
		sent := request.Query.Get("number")
		if sent == "" {
			var body struct {
				PhoneNumber string `json:"phone_number"`
			}
			_ = json.Unmarshal(request.Body, &body)
			sent = body.PhoneNumber
		}
		if sent == "" {
			continue // a list
		}
		var n int
		_, err := fmt.Sscanf(sent, "+1202555%04d", &n)
		require.NoError(f.t, err)
		require.False(f.t, finished[n+2], "row %d was finished before the kill", n)
	}
}

// terminal is a process on a terminal of its own.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	pty  io.ReadWriteCloser
	mu   sync.Mutex
	text strings.Builder
	read sync.WaitGroup
}

func (f *fake) terminal(args ...string) *terminal {
	return f.terminalOf(pty.Winsize{Rows: 24, Cols: 80}, args...)
}

// terminalOf sets the size of the terminal.
func (f *fake) terminalOf(size pty.Winsize, args ...string) *terminal {
	return startTerminal(f.t, f.process(args...), size)
}

func startTerminal(t *testing.T, cmd *exec.Cmd, size pty.Winsize) *terminal {
	t.Helper()
	file, err := pty.StartWithSize(cmd, &size)
	require.NoError(t, err)
	term := &terminal{t: t, cmd: cmd, pty: file}
	term.read.Go(func() {
		chunk := make([]byte, 4096)
		for {
			n, err := file.Read(chunk)
			term.mu.Lock()
			term.text.Write(chunk[:n])
			term.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	return term
}

func (t *terminal) shown() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

func (t *terminal) waitFor(text string) {
	t.t.Helper()
	require.Eventually(t.t, func() bool { return strings.Contains(t.shown(), text) }, 20*time.Second, time.Millisecond, "%s", text)
}

func (t *terminal) send(keys string) {
	_, err := io.WriteString(t.pty, keys)
	require.NoError(t.t, err)
}

// prompts matches the questions whose numbers are whole, since the user has typed them, and the failed
// rows of a file and what a probe has left, which the user has to correct.
var prompts = regexp.MustCompile(`(?m)^(Delete|Create|Update|Assign) .* in \S+( to another agent)?\? ?|^  \S+:\d+: \+\d+ \w+: .*(\n    .*)*|^The probe reads (.*\n)*Type the last .*|^  \+\d+ on \w+: .*`)

// end waits for the process and returns its exit code.
func (t *terminal) end() int {
	t.t.Helper()
	err := t.cmd.Wait()
	t.read.Wait()
	_ = t.pty.Close()
	checkPrinted(t.t, "", prompts.ReplaceAllString(strings.ReplaceAll(t.shown(), "\r", ""), ""))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	require.NoError(t.t, err)
	return 0
}

const ctrlC = "\x03"

// TestInterrupted: Ctrl-C finishes the requests in flight, writes the journal and prints the
// command that resumes, which then works.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const rows = 300
	f := newFake(t, anyAgent(), mihutest.WithLatency(2*time.Millisecond), mihutest.WithRequestLimit(1_000_000))
	f.rows(rows)
	term := f.terminal("import", "numbers.csv")
	term.waitFor("Import 300 rows into " + f.URL() + "? [y/N]")
	require.Zero(t, f.RequestCount(), "nothing is sent before the reply")
	f.at(100, func() { term.send(ctrlC) })
	term.send("yes\r")
	require.Equal(t, exitInterrupted, term.end())
	shown := term.shown()
	require.Contains(t, shown, "stopping: finishing the requests in flight")
	require.Contains(t, shown, "interrupted after ")
	require.Contains(t, shown, "resume with: trunkctl import numbers.csv --resume")
	finished := f.finishedLines()
	require.Less(t, len(finished), rows)
	for _, request := range f.Requests() {
		require.NotZero(t, request.Status, "%v was not finished", request)
		if request.Changed {
			n := 0
			var body struct {
				PhoneNumber string `json:"phone_number"`
			}
			require.NoError(t, json.Unmarshal(request.Body, &body))
			_, err := fmt.Sscanf(body.PhoneNumber, "+1202555%04d", &n)
			require.NoError(t, err)
			require.True(t, finished[n+2], "row %d was done and is not in the journal", n)
		}
	}
	f.InjectFunc(nil)
	out, err := f.process("import", "numbers.csv", "--resume", "--yes").CombinedOutput()
	require.NoError(t, err, string(out))
	f.requireRows(rows)
}

// TestHungUp: SIGHUP, as of a terminal that is closed, ends an import in good order, and nohup
// keeps it running. Both set what SIGHUP does in the process, since the tests may run under nohup
// themselves.
func TestHungUp(t *testing.T) {
	t.Parallel()
	const rows = 100
	for name, nohup := range map[string]bool{"closed": false, "nohup": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent(), mihutest.WithLatency(2*time.Millisecond))
			f.rows(rows)
			cmd := f.process("import", "numbers.csv", "--yes")
			if nohup {
				args := append([]string{"-c", `trap "" HUP; exec "$0" "$@"`}, cmd.Args...)
				env := cmd.Env
				cmd = exec.CommandContext(t.Context(), "/bin/sh", args...)
				cmd.Dir, cmd.Env = f.dir, env
			} else {
				// A signal that this process catches has its default action in a new process; one
				// that it ignores stays ignored.
				caught := make(chan os.Signal, 1)
				signal.Notify(caught, syscall.SIGHUP)
				defer signal.Stop(caught)
			}
			reached := make(chan struct{})
			f.at(50, func() { close(reached) })
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			<-reached
			require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
			err := cmd.Wait()
			if nohup {
				require.NoError(t, err, stderr.String())
				f.requireRows(rows)
				return
			}
			exit, ok := errors.AsType[*exec.ExitError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, exitInterrupted, exit.ExitCode(), stderr.String())
			require.Contains(t, stderr.String(), "resume with: trunkctl import numbers.csv --yes --resume")
		})
	}
}

// TestInterruptedTwice: the second Ctrl-C cancels the requests in flight.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	f.rows(20)
	arrived := make(chan struct{})
	var once sync.Once
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		once.Do(func() { close(arrived) })
		return &mihutest.Fault{Delay: time.Hour}
	})
	term := f.terminal("import", "numbers.csv", "--yes")
	<-arrived
	term.send(ctrlC)
	term.waitFor("press Ctrl-C again to stop at once")
	term.send(ctrlC)
	require.Equal(t, exitInterrupted, term.end())
	require.Contains(t, term.shown(), "--resume")
}

// TestUnknownBeforeInterrupted: a second Ctrl-C with changes in flight exits with the code of an
// unknown outcome.
func TestUnknownBeforeInterrupted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"import", "numbers.csv", "--yes"},
		{"rotate", "--file", "passwords", "--all", "--yes"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			f := newFake(t, anyAgent())
			f.rows(20)
			if args[0] == "rotate" {
				for n := range 20 {
					f.trunk(n)
				}
			}
			arrived := make(chan struct{})
			var once sync.Once
			f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
				if request.Method == http.MethodGet {
					return nil
				}
				once.Do(func() { close(arrived) })
				return &mihutest.Fault{Delay: time.Hour}
			})
			term := f.terminal(args...)
			<-arrived
			term.send(ctrlC)
			term.waitFor("press Ctrl-C again to stop at once")
			term.send(ctrlC)
			require.Equal(t, exitUnknown, term.end(), term.shown())
			require.Regexp(t, `(interrupted|stopped) after \d+ of 20 (row|trunk)s; outcome unknown for [1-8]\b`, term.shown())
			require.NotContains(t, term.shown(), "context canceled", "it was interrupted")
		})
	}
}

// TestPrompts: typed secrets are not shown, and Ctrl-C at a prompt restores the terminal.
func TestPrompts(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	login := f.process("login")
	for i, variable := range login.Env {
		if strings.HasPrefix(variable, mihu.EnvToken) {
			login.Env[i] = "NOTHING=1"
		}
	}
	term := startTerminal(t, login, pty.Winsize{Rows: 24, Cols: 80})
	term.waitFor("API token: ")
	term.send(secretToken + "\r")
	require.Zero(t, term.end())
	require.Contains(t, term.shown(), "stored the token for "+f.URL()+" in "+f.dir)

	term = f.terminal("update", number(1), "--sip-prompt")
	term.waitFor("SIP username: ")
	term.send(secretUsername + "\r")
	term.waitFor("SIP password: ")
	term.send(secretPassword + "\r")
	require.NoError(t, term.cmd.Wait())
	trunk, _ := f.Trunk(mihu.TrunkID{PhoneNumber: number(1), Channel: mihu.ChannelCall})
	require.Equal(t, mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: secretUsername, Password: secretPassword}, trunk.SIP)
	require.NotContains(t, term.shown(), secretPassword)

	term = f.terminal("update", number(1), "--sip-prompt")
	term.waitFor("SIP username: ")
	term.send(ctrlC)
	require.Equal(t, exitInterrupted, term.end())

	term = f.terminal("delete", number(1))
	term.waitFor("Delete trunk " + number(1) + " (call) in 127.0.0.1-")
	term.waitFor("? [y/N]")
	require.Contains(t, term.shown(), "SIP credentials, name and settings are lost")
	term.send("\r")
	require.Equal(t, exitUsage, term.end())
	require.Contains(t, term.shown(), "not confirmed; nothing was sent")
	require.Len(t, f.Trunks(), 1)
}

// TestRate: no second at the server, the first included, has more requests than the rate and a
// tenth, and an import that gets 429 slows down and completes. It runs alone, since on a busy
// machine requests arrive together that were sent apart.
func TestRate(t *testing.T) { //nolint:paralleltest // see above
	const rows, maximum = 90, 55
	f := newFake(t, anyAgent())
	f.rows(rows)
	require.NoError(t, f.Inject(mihutest.Fault{On: mihutest.Match{Skip: 60, Times: 3}, Status: http.StatusTooManyRequests, RetryAfter: "1"}))
	var mu sync.Mutex
	var times []time.Time
	f.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		mu.Lock()
		defer mu.Unlock()
		times = append(times, time.Now())
		return nil
	})
	got := f.run("import", "DIR/numbers.csv", "--yes", "--rate", "50/s", "--workers", "32")
	require.Equal(t, exitDone, got.code, got.stderr)
	f.requireRows(rows)
	require.Zero(t, f.FaultsLeft(), "it got every 429")
	for i := range times {
		n := 0
		for _, at := range times[i:] {
			if at.Sub(times[i]) < time.Second {
				n++
			}
		}
		require.LessOrEqual(t, n, maximum, "in the second after request %d", i)
	}
}

// TestViolations: 40 errors in a file of 10,000 rows are 40 reports with line and column, and no
// request.
func TestViolations(t *testing.T) {
	t.Parallel()
	columns := []string{"phone_number", "channel", "agent_uuid", "name", "direction", "sip_gateway", "sip_port", "additional_settings"}
	planted := []struct {
		column int
		value  string
	}{
		{0, ""},
		{0, "12345678901"},
		{0, "+0123456"},
		{0, "0049301234567"},
		{0, "+49(0)301234567"},
		{0, "1.23E+10"},
		{0, "+1234567890123456"},
		{0, "+1202555O100"},
		{0, "+12025550100 ext 5"},
		{0, "+12025550100/+12025550101"},
		{0, "+١٢٣٤٥٦٧٨"},
		{0, "12025550100.0"},
		{0, "+"},
		{1, ""},
		{1, "sms"},
		{1, "fax"},
		{1, "voice"},
		{1, "call,"},
		{2, ""},
		{2, "reception"},
		{2, "3c90c3cc-0d44-4b50-8888-8dd25736052"},
		{2, "3c90c3cc-0d44-4b50-8888-8dd25736052g"},
		{2, "{3c90c3cc-0d44-4b50-8888-8dd25736052a}"},
		{4, "up"},
		{4, "in"},
		{4, "inbound/outbound"},
		{5, "sip:sip.example.com"},
		{5, "sip.example.com:5060"},
		{5, "sip example com"},
		{5, "user@sip.example.com"},
		{5, "-sip.example.com"},
		{5, "1.2.3"},
		{6, "0"},
		{6, "65536"},
		{6, "sip"},
		{6, "-1"},
		{6, "5060.0"},
		{7, "[1]"},
		{7, "{"},
		{7, "null"},
	}
	require.Len(t, planted, 40)
	const rows = 10_000
	f := newFake(t)
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	require.NoError(t, out.Write(columns))
	want := []string{}
	for i := range rows {
		row := []string{"+12025" + fmt.Sprintf("%06d", i), "call", uuidOf(i), "Büro", "both", "sip.example.com", "5060", ""}
		if every := rows / len(planted); i%every == 7 {
			violation := planted[i/every]
			row[violation.column] = violation.value
			column := 1
			for _, cell := range row[:violation.column] {
				column += len([]rune(cell)) + 1
			}
			want = append(want, fmt.Sprintf("DIR/numbers.csv:%d:%d: %s", i+2, column, columns[violation.column]))
		}
		require.NoError(t, out.Write(row))
	}
	out.Flush()
	f.file("numbers.csv", text.String())
	got := f.run("import", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitInput, got.code)
	require.Zero(t, f.RequestCount(), "not one request")
	lines := strings.Split(strings.TrimSpace(f.anywhere(got.stderr)), "\n")
	require.Len(t, lines, 41)
	for i, line := range lines[:40] {
		require.True(t, strings.HasPrefix(line, want[i]), "%q: want %q", line, want[i])
	}
	require.Equal(t, "trunkctl: 40 errors in DIR/numbers.csv; nothing was sent", lines[40])
}
