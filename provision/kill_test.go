package provision_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

const killItems = 2000

// TestMain runs the tests, or is the process that TestKills and TestRotateKills start and kill.
func TestMain(m *testing.M) {
	if url := os.Getenv("PROVISION_TEST_URL"); url != "" {
		do, path := provisionMany, os.Getenv("PROVISION_TEST_JOURNAL")
		if passwords := os.Getenv("PROVISION_TEST_PASSWORDS"); passwords != "" {
			do, path = rotateMany, passwords
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
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), "PROVISION_TEST_URL="+srv.URL(), "PROVISION_TEST_JOURNAL="+path)
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
		if n == 5 {
			require.NoError(t, err, stderr.String())
			break
		}
		require.Error(t, err, "the process was not killed")
		require.Empty(t, stderr.String())
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
