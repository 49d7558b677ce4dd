package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

const killItems = 2000

// TestMain runs the tests, or is the process that a test starts and kills.
func TestMain(m *testing.M) {
	if url := os.Getenv("PROVISION_TEST_URL"); url != "" {
		do, path := provisionMany, os.Getenv("PROVISION_TEST_JOURNAL")
		if passwords := os.Getenv("PROVISION_TEST_PASSWORDS"); passwords != "" {
			do, path = rotateMany, passwords
		}
		if os.Getenv("PROVISION_TEST_REPORT") != "" {
			do = provisionAndReport
		}
		if os.Getenv("PROVISION_TEST_STATE") != "" {
			do = provisionWithState
		}
		if err := do(url, path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func provisionMany(url, path string) error {
	client, err := mihu.New("", mihutest.DefaultToken, mihu.WithBaseURL(url))
	if err != nil {
		return err
	}
	journal, err := provision.OpenSwiftJournal(path, "many")
	if err != nil {
		return err
	}
	for result, err := range provision.Run(context.Background(), client, many(killItems), provision.Options{Workers: 16, Journal: journal}) {
		if err != nil {
			return err
		}
		if result.Err != nil {
			return result.Err
		}
	}
	return journal.Close()
}

// A run that is killed and started again, five times, does everything, and repeats nothing that it
// had recorded.
func TestKills(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	path := filepath.Join(t.TempDir(), "journal")
	var requests, killAt atomic.Int64
	kill := make(chan struct{}, 1)
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if requests.Add(1) == killAt.Load() {
			kill <- struct{}{}
		}
		return nil
	})
	type killed struct {
		finished map[string]bool // the numbers that the journal had
		requests int             // before it
	}
	var kills []killed
	for n := range 6 {
		killAt.Store(0)
		if n < 5 {
			killAt.Store(requests.Load() + 25 + rand.Int64N(325))
		}
		runProcess(t, kill, n < 5, "PROVISION_TEST_URL="+srv.URL(), "PROVISION_TEST_JOURNAL="+path)
		if n == 5 {
			break
		}
		finished := map[string]bool{}
		for _, line := range lines(t, path)[1:] {
			var entry struct{ Index int }
			if json.Unmarshal([]byte(line), &entry) == nil {
				finished[trunk(entry.Index).PhoneNumber] = true
			}
		}
		kills = append(kills, killed{finished, srv.RequestCount()})
	}

	held := srv.Trunks()
	require.Len(t, held, killItems)
	for _, is := range held {
		var n int
		_, err := fmt.Sscanf(is.ID.PhoneNumber, "+1234%d", &n)
		require.NoError(t, err)
		assert.Equal(t, agent(n), is.AgentUUID)
	}
	all := srv.Requests()
	for i, k := range kills {
		assert.NotEmpty(t, k.finished)
		for _, req := range all[k.requests:] {
			var body struct {
				PhoneNumber string `json:"phone_number"`
			}
			_ = json.Unmarshal(req.Body, &body)
			number := body.PhoneNumber + req.Query.Get("number")
			assert.False(t, k.finished[number], "done again after kill %d: %s %s", i, req, number)
		}
	}
	journal := open(t, path, "many")
	assert.Equal(t, killItems, journal.Finished())
}

// provisionAndReport writes a line for every result, and goes on whatever it is.
func provisionAndReport(url, path string) error {
	report, err := os.OpenFile(os.Getenv("PROVISION_TEST_REPORT"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	client, err := mihu.New("", mihutest.DefaultToken, mihu.WithBaseURL(url), mihu.WithRetryPolicy(mihu.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		return err
	}
	journal, err := provision.OpenSwiftJournal(path, "many")
	if err != nil {
		return err
	}
	for result, err := range provision.Run(context.Background(), client, many(outageItems), provision.Options{Workers: 16, Journal: journal}) {
		if err != nil {
			return err
		}
		became := "done"
		switch {
		case errors.Is(result.Err, mihu.ErrOutcomeUnknown):
			became = "unknown"
		case result.Err != nil:
			became = "refused"
		}
		if _, err := fmt.Fprintln(report, became, result.Item.Trunk.PhoneNumber); err != nil {
			return err
		}
	}
	return errors.Join(journal.Close(), report.Close())
}

const outageItems = 240

// outage begins after some creates: for a few more the responses are lost, and from then on nothing
// succeeds until it is over.
type outage struct {
	mu    sync.Mutex
	posts int // until it begins; negative: since
	over  bool
	fault mihutest.Fault
	done  int // requests that it was for
}

func (o *outage) choose(req mihutest.Request) *mihutest.Fault {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return nil
	}
	if req.Method == http.MethodPost {
		o.posts--
	}
	switch {
	case o.posts > 0:
		return nil
	case req.Method == http.MethodPost && o.posts > -12:
		return &mihutest.Fault{Drop: true, AfterChange: true}
	}
	o.done++
	return &o.fault
}

func (o *outage) requests() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.done
}

// A run in which outages begin while creates are under way, and which is killed in them, never
// reports a trunk as refused that was made, and none as done that was not. In the end everything is
// made.
func TestKillsInOutages(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	dir := t.TempDir()
	faults := []mihutest.Fault{
		{Status: http.StatusForbidden}, {Drop: true}, {Status: http.StatusUnprocessableEntity}, {Status: http.StatusServiceUnavailable}, {},
	}
	totals := map[string]int{}
	for round, fault := range faults {
		out := &outage{posts: 20 + rand.IntN(40), fault: fault, over: round == len(faults)-1}
		srv.InjectFunc(out.choose)
		report := filepath.Join(dir, fmt.Sprintf("report-%d", round))
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), "PROVISION_TEST_URL="+srv.URL(), "PROVISION_TEST_JOURNAL="+filepath.Join(dir, "journal"), "PROVISION_TEST_REPORT="+report)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		exited := make(chan error, 1)
		go func() { exited <- cmd.Wait() }()
		killAt := 20 + rand.IntN(100)
		if round%2 == 0 {
			killAt = 1 << 30 // never: the run ends by itself
		}
		for ended := false; !ended; {
			select {
			case err = <-exited:
				ended = true
			case <-time.After(5 * time.Millisecond):
				if out.requests() >= killAt {
					_ = cmd.Process.Kill()
				}
			}
		}
		if round == len(faults)-1 {
			require.NoError(t, err, stderr.String())
		}
		made := map[string]bool{}
		for _, held := range srv.Trunks() {
			made[held.ID.PhoneNumber] = true
		}
		for _, line := range lines(t, report) {
			became, number, whole := strings.Cut(strings.TrimSpace(line), " ")
			if !whole || len(number) != len("+12340000000") {
				continue // the kill has cut it
			}
			totals[became]++
			switch became {
			case "refused":
				assert.False(t, made[number], "round %d: %s", round, number)
			case "done":
				assert.True(t, made[number], "round %d: %s", round, number)
			}
		}
	}
	assert.Len(t, srv.Trunks(), outageItems)
	for _, became := range []string{"done", "unknown", "refused"} {
		assert.Positive(t, totals[became], became)
	}
	t.Log(totals)
}

// runProcess runs this test binary with env until it exits, or is killed because kill receives. It
// checks which of the two it was.
func runProcess(t *testing.T, kill <-chan struct{}, killed bool, env ...string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case <-kill:
		require.NoError(t, cmd.Process.Kill())
		err = <-exited
	case err = <-exited:
	}
	if !killed {
		require.NoError(t, err, stderr.String())
		return
	}
	require.Error(t, err, "the process was not killed")
	require.Empty(t, stderr.String())
}
