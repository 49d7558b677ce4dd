package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stateKeyOfTests is the key of the states of tests.
var stateKeyOfTests = provision.NewStateKey().Encode()

// kept runs the program with a config and a state that stay.
func (f *fake) kept(args ...string) outcome { return f.keptWith(nil, args...) }

func (f *fake) keptWith(env map[string]string, args ...string) outcome {
	f.t.Helper()
	all := f.env("TRUNKCTL_STATE_KEY=" + stateKeyOfTests)
	maps.Copy(all, env)
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", f.dir)
	}
	return invocation{args: args, env: all, config: filepath.Join(f.dir, "config")}.run(f.t)
}

// lines writes numbers.csv with a row for each pair of a number and an agent, and the rest of the
// row.
func (f *fake) lines(header string, lines ...string) {
	f.t.Helper()
	f.file("numbers.csv", "phone_number,channel,agent_uuid"+header+"\n"+strings.Join(lines, "\n")+"\n")
}

func row(n int, agent, rest string) string { return number(n) + ",call," + agent + rest }

// planID returns the ID that a plan has printed.
func planID(t *testing.T, stderr string) string {
	t.Helper()
	found := regexp.MustCompile(`Plan ID: ([0-9a-f]{24})\.`).FindStringSubmatch(stderr)
	require.NotNil(t, found, stderr)
	return found[1]
}

// The life of a file, on screens.
func TestSync(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for n := 1; n <= 6; n++ {
		f.agent(n)
	}
	f.trunk(9)
	agent := func(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012d", n) }
	var session strings.Builder
	session.WriteString("# What trunkctl sync prints. Go's -update rewrites this file.\n\n")
	show := func(code int, args ...string) outcome {
		got := f.kept(args...)
		got.stdout = regexp.MustCompile(`[0-9a-f]{24}`).ReplaceAllString(got.stdout, "PLANID")
		shown := got
		shown.stderr = regexp.MustCompile(`[0-9a-f]{24}`).ReplaceAllString(got.stderr, "PLANID")
		shown.stderr = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(shown.stderr, "TIME")
		for i := range args {
			args[i] = regexp.MustCompile(`^[0-9a-f]{24}$`).ReplaceAllString(args[i], "PLANID")
		}
		f.session(&session, args, shown)
		require.Equal(t, code, got.code, got.stderr)
		return got
	}

	f.lines(",name,sip_gateway,sip_password", row(1, agent(1), ",Front desk,sip.example.com,"+secretPassword), row(2, agent(2), ",Sales,,"))
	show(0, "sync", "DIR/numbers.csv", "--dry-run")
	show(7, "sync", "DIR/numbers.csv", "--dry-run", "--detailed-exitcode", "-q")
	show(0, "sync", "DIR/numbers.csv", "--yes")
	show(0, "state", "show")
	before := f.RequestCount()
	show(0, "sync", "DIR/numbers.csv", "--dry-run", "--detailed-exitcode")
	require.Equal(t, before+1, f.RequestCount())

	f.lines(",name,sip_gateway,sip_password", row(1, agent(3), ",,sip.example.com,"+secretPassword), row(4, agent(4), ",Night line,,"))
	show(2, "sync", "DIR/numbers.csv", "--prune", "--dry-run")
	approved := show(0, "sync", "DIR/numbers.csv", "--prune", "--scope", "channel=call", "--dry-run", "--out", "DIR/plan.json")
	id := planID(t, approved.stderr)
	show(0, "sync", "DIR/numbers.csv", "--prune", "--scope", "channel=call", "--expect", id, "--yes", "--workers", "1")
	show(8, "sync", "DIR/numbers.csv", "--prune", "--scope", "channel=call", "--expect", id, "--yes")
	show(0, "log", "show", "last")
	var plan struct {
		Version int
		ID      string
		Summary provision.PlanSummary
	}
	require.NoError(t, json.Unmarshal([]byte(f.read("plan.json")), &plan))
	require.Equal(t, provision.PlanVersion, plan.Version)
	require.Equal(t, id, plan.ID)
	require.Equal(t, provision.PlanSummary{Create: 1, Assign: 1, Delete: 1, Clear: 1, Managed: 2}, plan.Summary)

	_, err := f.Client(t).Trunks.Assign(t.Context(), mihu.TrunkID{PhoneNumber: number(4), Channel: mihu.ChannelCall}, agent(5))
	require.NoError(t, err)
	show(0, "sync", "DIR/numbers.csv", "--dry-run")
	show(3, "sync", "DIR/numbers.csv", "--scope", "prefix=+44", "--dry-run")
	show(0, "state", "forget", number(4))
	show(0, "state", "show")
	golden(t, "sync", session.String())

	for _, path := range []string{"config/state/trunkctl", "plan.json"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(f.dir, path), func(path string, entry os.DirEntry, err error) error {
			require.NoError(t, err)
			if entry.IsDir() {
				return nil
			}
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, secret := range []string{secretPassword, "Front desk", stateKeyOfTests, secretToken} {
				assert.NotContains(t, string(content), secret, path)
			}
			info, err := entry.Info()
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), path)
			return nil
		}))
	}
}

// A plan that was approved does not outlive what it was approved with.
func TestSyncExpects(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *fake, agent string){
		"a password": func(f *fake, agent string) { f.lines(",sip_password", row(1, agent, ",other")) },
		"a row":      func(f *fake, agent string) { f.lines(",sip_password", row(2, agent, ","+secretPassword)) },
		"the world":  func(f *fake, _ string) { f.trunk(1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			agent := f.agent(7)
			f.lines(",sip_password", row(1, agent, ","+secretPassword))
			require.Zero(t, f.kept("sync", "DIR/numbers.csv", "--yes", "--resend").code)
			require.NoError(t, f.Client(t).Trunks.Delete(t.Context(), mihu.TrunkID{PhoneNumber: number(1), Channel: mihu.ChannelCall}))
			id := planID(t, f.kept("sync", "DIR/numbers.csv", "--dry-run").stderr)
			change(f, agent)
			trunks := len(f.Trunks())
			got := f.kept("sync", "DIR/numbers.csv", "--expect", id, "--yes")
			require.Equal(t, exitStale, got.code, got.stderr)
			require.Contains(t, got.stderr, "trunkctl sync ")
			require.Len(t, f.Trunks(), trunks)
			got = f.kept("sync", "DIR/numbers.csv", "--expect", "", "--yes")
			require.Equal(t, exitUsage, got.code, "an ID that a script has lost approves nothing")
			require.Len(t, f.Trunks(), trunks)
		})
	}
}

// One shifted column, an empty file and a wrong workspace change nothing, and the message says what to
// do.
func TestSyncLimits(t *testing.T) {
	t.Parallel()
	const rows = 2000
	f := newFake(t, anyAgent(), mihutest.WithRequestLimit(100_000))
	agent := func(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012d", n) }
	for n := range rows {
		require.NoError(t, f.AddTrunk(mihutest.Trunk{ID: mihu.TrunkID{PhoneNumber: number(n), Channel: mihu.ChannelCall}, AgentUUID: agent(n)}))
	}
	var same, shifted []string
	for n := range rows {
		same = append(same, row(n, agent(n), ""))
		shifted = append(shifted, row(n, agent((n+1)%rows), ""))
	}
	f.lines("", same...)
	require.Zero(t, f.kept("sync", "DIR/numbers.csv", "--yes").code)
	f.lines("", shifted...)
	before := f.changes()
	spare := []string{"--spare-agent", agent(9999)}
	for _, args := range [][]string{
		append([]string{"sync", "DIR/numbers.csv", "--yes"}, spare...),
		append([]string{"sync", "DIR/numbers.csv", "--dry-run"}, spare...),
		{"import", "DIR/numbers.csv", "--yes"},
	} {
		got := f.kept(args...)
		require.Equal(t, exitLimit, got.code, got.stderr)
		require.Contains(t, got.stderr, "nothing was changed")
		require.Contains(t, got.stderr, "--max-assign 2000")
	}
	f.lines("", same[:rows-11]...)
	got := f.kept("sync", "DIR/numbers.csv", "--prune", "--scope", "channel=call", "--yes")
	require.Equal(t, exitLimit, got.code, got.stderr)
	require.Contains(t, got.stderr, "--max-delete 11")
	f.file("numbers.csv", "phone_number,channel,agent_uuid\n")
	got = f.kept("sync", "DIR/numbers.csv", "--prune", "--scope", "channel=call", "--yes")
	require.Equal(t, exitInput, got.code)
	require.Contains(t, got.stderr, "has no rows")

	other := newFake(t, anyAgent())
	other.lines("", same[:1]...)
	path := strings.TrimSpace(f.kept("state", "path").stdout)
	got = other.kept("sync", "DIR/numbers.csv", "--yes", "--state", path)
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "belongs to")
	require.Zero(t, other.RequestCount())
	require.Equal(t, before, f.changes(), "nothing was sent")
}

// A column that has lost its values changes nothing, unless a flag allows it.
func TestSyncMaxClear(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	var named, cleared []string
	for n := range 7 {
		named = append(named, row(n, uuidOf(n), ",Desk"))
		cleared = append(cleared, row(n, uuidOf(n), ","))
	}
	cleared[6] = named[6] // a column without any value is not managed
	f.lines(",name", named...)
	require.Zero(t, f.kept("sync", "DIR/numbers.csv", "--yes").code)
	f.lines(",name", cleared...)
	before := f.changes()
	got := f.kept("sync", "DIR/numbers.csv", "--yes")
	require.Equal(t, exitLimit, got.code, got.stderr)
	require.Contains(t, got.stderr, "this would clear fields of 6 trunks, and the limit is 5")
	require.Contains(t, got.stderr, "add --max-clear 6")
	require.Equal(t, before, f.changes())
	require.Zero(t, f.kept("sync", "DIR/numbers.csv", "--yes", "--max-clear", "6").code)
	require.Equal(t, before+6, f.changes())
}

// changes counts the requests that change something.
func (f *fake) changes() int {
	n := 0
	for _, request := range f.Requests() {
		if request.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// Every command that changes a trunk keeps the state.
func TestCommandsKeepTheState(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	agents := []string{f.agent(1), f.agent(2), f.agent(3)}
	f.lines(",name,sip_gateway,sip_password", row(1, agents[0], ",Desk,sip.example.com,first"))
	require.Zero(t, f.kept("sync", "DIR/numbers.csv", "--yes").code)
	pending := func() string {
		t.Helper()
		got := f.kept("sync", "DIR/numbers.csv", "--dry-run")
		require.Zero(t, got.code, got.stderr)
		return strings.TrimSpace(strings.ReplaceAll(got.stdout, number(1), "NUMBER"))
	}
	require.Empty(t, pending())
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"update", number(1), "--name", "Other"}, "~ update"},
		{[]string{"update", number(1), "--name", "Desk"}, ""},
		{[]string{"assign", number(1), "--agent", agents[1]}, "~ assign"},
		{[]string{"ensure", number(1), "--agent", agents[0], "--name", "Third"}, "~ update"},
		{[]string{"ensure", number(1), "--agent", agents[0], "--name", "Desk"}, "sip.gateway"}, // it may have made another trunk
		{[]string{"sync", "DIR/numbers.csv", "--yes"}, ""},
		{[]string{"rotate", number(1), "--file", "DIR/passwords.csv", "--yes"}, ""}, // the file's old password is not sent back
		{[]string{"sync", "DIR/numbers.csv", "--yes"}, ""},
		{[]string{"update", number(1), "--sip-password-env", "OTHER"}, "sip.password"},
		{[]string{"sync", "DIR/numbers.csv", "--yes"}, ""},
		{[]string{"delete", number(1), "--yes"}, "+ create"},
		{[]string{"create", number(1), "--agent", agents[0], "--name", "Desk"}, "sip.gateway"},
		{[]string{"import", "DIR/numbers.csv", "--yes"}, ""},
	} {
		got := f.keptWith(map[string]string{"OTHER": "another"}, test.args...)
		require.Zero(t, got.code, "%v: %s", test.args, got.stderr)
		if test.want == "" {
			require.Empty(t, pending(), "%v", test.args)
		} else {
			require.Contains(t, pending(), test.want, "%v", test.args)
		}
	}
	got := f.keptWith(map[string]string{"TRUNKCTL_STATE_KEY": ""}, "update", number(1), "--name", "x")
	require.Equal(t, exitUsage, got.code, "a state without its key is not made wrong")
	require.Contains(t, got.stderr, "its key is missing")
}

// A workspace can have its state before the first sync: what an import sends is known then.
func TestStateInit(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.lines(",name", row(1, f.agent(1), ",Desk"))
	require.Contains(t, f.kept("state", "show").stderr, "state init")
	require.Contains(t, f.kept("state", "init").stderr, "created the state of")
	require.Contains(t, f.kept("state", "init").stderr, "has a state already")
	require.Zero(t, f.RequestCount())
	require.Zero(t, f.kept("import", "DIR/numbers.csv", "--yes").code)
	require.Contains(t, f.kept("state", "show").stdout, "yes      name")
	got := f.kept("sync", "DIR/numbers.csv", "--dry-run", "--detailed-exitcode")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, exitUsage, f.run("--demo", "state", "init").code)
}

// TestSyncKilled kills a sync with prune at random moments, with faults: the end is exact, the plan is
// resumed by its ID, and the state never has more as sent than was sent. It kills three times, or
// TRUNKCTL_TEST_KILLS times.
func TestSyncKilled(t *testing.T) {
	t.Parallel()
	const rows, gone = 600, 100
	kills := 3
	if text := os.Getenv("TRUNKCTL_TEST_KILLS"); text != "" {
		var err error
		kills, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	f := newFake(t, anyAgent(), mihutest.WithRequestLimit(1_000_000))
	agent := func(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012d", n) }
	lines := func(from, to int, version string) (lines []string) {
		for n := from; n < to; n++ {
			lines = append(lines, row(n, agent(n), fmt.Sprintf(",Desk %s,sip.example.com,password-%d-%s", version, n, version)))
		}
		return lines
	}
	const header = ",name,sip_gateway,sip_password"
	env := "TRUNKCTL_STATE_KEY=" + stateKeyOfTests
	sync := func(args ...string) (*strings.Builder, func() error, func() error) {
		cmd := f.process(append([]string{"sync", "numbers.csv", "--workers", "16", "--state", "state.jsonl"}, args...)...)
		cmd.Env = append(cmd.Env, env)
		out := new(strings.Builder)
		cmd.Stdout, cmd.Stderr = out, out
		require.NoError(t, cmd.Start())
		return out, cmd.Wait, cmd.Process.Kill
	}
	f.lines(header, lines(0, rows, "a")...)
	statePath := filepath.Join(f.dir, "state.jsonl")
	out, wait, _ := sync("--yes")
	require.NoError(t, wait(), out.String())

	// The first trunks are gone from the file, the others have other values, and some are new.
	f.lines(header, lines(gone, rows+gone, "b")...)
	prune := []string{"--prune", "--scope", "channel=call", "--max-delete", strconv.Itoa(gone)}
	out, wait, _ = sync(append(prune, "--dry-run", "-o", "json")...)
	require.NoError(t, wait(), out.String())
	id := planID(t, out.String())
	run := append(slices.Clone(prune), "--expect", id, "--yes")
	for range kills {
		reached := make(chan struct{}, 1)
		var left atomic.Int64
		left.Store(int64(5 + rand.IntN((rows+gone)/kills/2)))
		f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
			if request.Method == http.MethodGet {
				return nil
			}
			if left.Add(-1) == 0 {
				reached <- struct{}{}
			}
			switch rand.IntN(40) {
			case 0:
				return &mihutest.Fault{Status: http.StatusServiceUnavailable}
			case 1:
				return &mihutest.Fault{Drop: true, AfterChange: true}
			}
			return nil
		})
		out, wait, kill := sync(run...)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = wait() // killed, or a plan with failures
		}()
		select {
		case <-reached:
			require.NoError(t, kill())
			<-ended
		case <-ended:
			t.Logf("ended before the kill: %s", out)
		}
		f.InjectFunc(nil)
		f.requirePlanned(gone, rows+gone, append(prune, "--state", statePath)...)
	}
	for try := 0; ; try++ {
		out, wait, _ = sync(run...)
		if err := wait(); err == nil {
			break
		}
		require.Less(t, try, 3, out.String())
	}
	require.Len(t, f.Trunks(), rows)
	for n := gone; n < rows+gone; n++ {
		trunk, there := f.Trunk(mihu.TrunkID{PhoneNumber: number(n), Channel: mihu.ChannelCall})
		require.True(t, there, "row %d", n)
		require.Equal(t, fmt.Sprintf("password-%d-b", n), trunk.SIP.Password)
		require.Equal(t, "Desk b", trunk.Name)
		require.Equal(t, agent(n), trunk.AgentUUID)
	}
	out, wait, _ = sync(append(prune, "--dry-run", "--detailed-exitcode")...)
	require.NoError(t, wait(), "nothing is left: %s", out)
	out, wait, _ = sync(run...)
	require.ErrorContains(t, wait(), "exit status 8", out.String())
}

// requirePlanned requires that a plan has every row of TestSyncKilled whose trunk is not as the row
// says: otherwise the state has as sent what was not. No trunk that a row names may be gone.
func (f *fake) requirePlanned(from, to int, args ...string) {
	f.t.Helper()
	got := f.kept(append([]string{"sync", "DIR/numbers.csv", "--dry-run", "-o", "json"}, args...)...)
	require.Equal(f.t, exitDone, got.code, got.stderr)
	var plan struct {
		Changes []struct {
			PhoneNumber string `json:"phone_number"`
		}
	}
	require.NoError(f.t, json.Unmarshal([]byte(got.stdout), &plan))
	planned := map[string]bool{}
	for _, change := range plan.Changes {
		planned[change.PhoneNumber] = true
	}
	for n := range to {
		trunk, there := f.Trunk(mihu.TrunkID{PhoneNumber: number(n), Channel: mihu.ChannelCall})
		asTheFile := there && n >= from && trunk.Name == "Desk b" && trunk.SIP.Password == fmt.Sprintf("password-%d-b", n)
		asTheFile = asTheFile || !there && n < from
		require.True(f.t, asTheFile || planned[number(n)], "row %d is not as the file says, and the plan does not have it", n)
		require.True(f.t, there || n < from || n >= to-from, "row %d was deleted", n)
	}
}
