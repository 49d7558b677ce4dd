package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mihu-go/mihu/cmd/trunkctl/internal/runlog"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/require"
)

var runID = regexp.MustCompile(`\d{8}-\d{6}-[0-9a-f]{4}`)

// logged returns the records of the fake workspace's log.
func (f *fake) logged() (records []runlog.Record) {
	log := runlog.Log{Dir: func() (string, error) { return filepath.Join(f.dir, "state"), nil }, Address: f.URL()}
	found, err := log.Records()
	require.NoError(f.t, err)
	for r := range found {
		records = append(records, r)
	}
	return records
}

// persistent runs the program with the test's directory as that of config and log.
func (f *fake) persistent(args ...string) outcome {
	f.t.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", f.dir)
	}
	env := f.env("SIP_USER="+secretUsername, "SIP_PASSWORD="+secretPassword)
	return invocation{args: args, env: env, config: f.dir}.run(f.t)
}

// TestLog compares what the log records of every command with a golden file: bindings before and
// after, names of fields, outcomes and request IDs, and nothing of dry runs.
func TestLog(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.trunk(2)
	f.agent(3)
	f.agent(4)
	f.file("numbers.csv", "phone_number,channel,agent_uuid,name,sip_password\n"+
		number(1)+",call,"+agent1+",,\n"+number(4)+",call,"+agent9+",,"+secretPassword+"\n"+number(2)+",call,"+uuid4+",Desk,\n")
	var got strings.Builder
	run := func(line string) {
		args := strings.Fields(line)
		out := f.persistent(args...)
		out.stdout, out.stderr = runID.ReplaceAllString(out.stdout, "RUN"), runID.ReplaceAllString(out.stderr, "RUN")
		f.session(&got, args, out)
	}
	for _, line := range []string{
		"log",
		"log show last",
		"create +12025550003 --agent " + agent3 + " --name Desk --sip-username-env SIP_USER --sip-password-env SIP_PASSWORD --quiet",
		"create +12025550003 --agent " + agent3 + " --quiet",
		"update +12025550003 --sip-password-env SIP_PASSWORD --settings {\"secret\":\"" + secretPassword + "\"} --quiet",
		"assign +12025550001 --agent " + uuid4 + " --quiet",
		"ensure +12025550001 --agent " + agent1 + " --quiet",
		"ensure +12025550001 --agent " + agent1 + " --quiet",
		"import DIR/numbers.csv --yes --quiet --workers 1",
		"rotate --file DIR/passwords --yes --quiet +12025550001",
		"delete +12025550003 +12025550009 --yes --quiet",
		"delete +12025550001 --dry-run --quiet",
		"list --quiet",
	} {
		run(line)
	}
	got.Reset()
	for _, line := range []string{
		"log", "log --limit 1", "log --limit -1", "log show last", "log show last -o csv", "log show nosuch", "log --demo", "log --limit 2 -o json",
	} {
		run(line)
	}
	got.WriteString("The file:\n")
	for _, r := range f.logged() {
		line, err := json.Marshal(r)
		require.NoError(t, err)
		got.WriteString(f.anywhere(runID.ReplaceAllString(string(line), "RUN")) + "\n")
	}
	text := regexp.MustCompile(`"time": ?"[^"]*"`).ReplaceAllString(got.String(), `"time":"TIME"`)
	text = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(text, "TIME")
	golden(t, "log", text)
}

const uuid4 = "a0000000-0000-4000-8000-000000000004"

// TestLogOutcomes: a change whose outcome is unknown is recorded as such, without an agent.
func TestLogOutcomes(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	require.NoError(t, f.Inject(mihutest.Fault{Status: http.StatusInternalServerError, AfterChange: true}))
	require.Equal(t, exitUnknown, f.persistent("update", number(1), "--name", "x").code)
	records := f.logged()
	require.Len(t, records, 3)
	require.Equal(t, runlog.Unknown, records[1].Outcome)
	require.NotEmpty(t, records[1].RequestID)
	require.Nil(t, records[1].Before, "no response shows the agent")
	require.Equal(t, exitUnknown, *records[2].ExitCode)
}

// TestLogCannotBeWritten: a change is made, and a warning says that it is not recorded.
func TestLogCannotBeWritten(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.file("state", "not a directory")
	got := f.persistent("delete", number(1), "--yes", "--quiet")
	require.Equal(t, exitDone, got.code)
	require.Equal(t, 1, strings.Count(got.stderr, "warning: changes are not recorded in the log: "), got.stderr)
	require.Empty(t, f.Trunks())
}

// TestLogDays: TRUNKCTL_LOG_DAYS is checked before anything is sent.
func TestLogDays(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, days := range []string{"-1", "x", "1.5"} {
		got := invocation{args: []string{"list"}, env: f.env("TRUNKCTL_LOG_DAYS=" + days)}.run(t)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.stderr, "TRUNKCTL_LOG_DAYS: want a number of days")
	}
	require.Zero(t, f.RequestCount())
}

// TestLogOfProcesses: of the changes that several processes make at once, none is missing.
func TestLogOfProcesses(t *testing.T) {
	t.Parallel()
	f := newFake(t, anyAgent())
	const processes, perProcess = 4, 50
	var running sync.WaitGroup
	for p := range processes {
		var rows strings.Builder
		rows.WriteString("phone_number,channel,agent_uuid\n")
		for i := range perProcess {
			n := p*perProcess + i
			fmt.Fprintf(&rows, "%s,call,%s\n", number(n), uuidOf(n))
		}
		name := fmt.Sprintf("rows-%d.csv", p)
		f.file(name, rows.String())
		cmd := f.process("import", name, "--yes", "--quiet")
		require.NoError(t, cmd.Start())
		running.Go(func() { _ = cmd.Wait() })
	}
	running.Wait()
	require.Len(t, f.Trunks(), processes*perProcess)
	seen, ends := map[string]bool{}, 0
	for _, r := range f.logged() {
		switch r.Event {
		case runlog.Change:
			require.Equal(t, runlog.Applied, r.Outcome)
			seen[r.PhoneNumber] = true
		case runlog.End:
			ends++
		}
	}
	require.Len(t, seen, processes*perProcess)
	require.Equal(t, processes, ends)
}

// TestNoSecretsOnDisk: no secret that was planted is in a file of this program's own, apart from
// the files of tokens and passwords.
func TestNoSecretsOnDisk(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.trunk(1)
	f.agent(3)
	f.InjectFunc(func(request mihutest.Request) *mihutest.Fault {
		if request.Method == http.MethodPatch {
			return &mihutest.Fault{Status: http.StatusUnprocessableEntity, Code: "INVALID", Message: "the password " + secretPassword + " is weak"}
		}
		return nil
	})
	secret := " --sip-username-env SIP_USER --sip-password-env SIP_PASSWORD"
	for _, line := range []string{
		"create +12025550003 --agent " + agent3 + secret,
		"update +12025550001" + secret,
		"ensure +12025550003 --agent " + agent3 + secret,
		"log", "log show last", "completion cache", "man DIR", "workspace add " + secretPassword + "/", "workspace show",
	} {
		f.persistent(strings.Fields(line)...)
	}
	require.NotEmpty(t, f.logged())
	err := filepath.WalkDir(f.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, secret := range []string{secretToken, secretUsername, secretPassword} {
			require.NotContains(t, string(content), secret, path)
		}
		return err
	})
	require.NoError(t, err)
}
