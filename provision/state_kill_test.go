package provision_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

const stateItems = 600

// stateRound yields the items of a round. From one to the next, a third of the passwords changes, and
// all names do.
func stateRound(round int) iter.Seq2[provision.Item, error] {
	return func(yield func(provision.Item, error) bool) {
		for i := range stateItems {
			item := want(i, i)
			item.Trunk.Name = fmt.Sprintf("Desk %d of round %d", i, round)
			item.Trunk.SIP = &mihu.SIPCredentials{Gateway: "sip.example.com", Port: 5060, Username: "u", Password: fmt.Sprintf("p-%d-%d", i, (round+i%3)/3)}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// provisionWithState is the process that is killed.
func provisionWithState(url, path string) (err error) {
	client, err := mihu.New("", mihutest.DefaultToken, mihu.WithBaseURL(url))
	if err != nil {
		return err
	}
	round, err := strconv.Atoi(os.Getenv("PROVISION_TEST_ROUND"))
	if err != nil {
		return err
	}
	key, err := provision.ParseStateKey(os.Getenv("PROVISION_TEST_KEY"))
	if err != nil {
		return err
	}
	file, err := provision.OpenStateFile(os.Getenv("PROVISION_TEST_STATE"), provision.StateFileOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	ctx := context.Background()
	state, err := provision.OpenState(ctx, file, key, client.BaseURL())
	if err != nil {
		return err
	}
	opts := provision.Options{Workers: 16, State: state}
	if path != "" {
		if opts.Journal, err = provision.OpenSwiftJournal(path, strconv.Itoa(round)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, opts.Journal.Close()) }()
	}
	for result, err := range provision.Run(ctx, client, stateRound(round), opts) {
		if err := errors.Join(err, result.Err); err != nil && !errors.Is(err, mihu.ErrOutcomeUnknown) {
			return err
		}
	}
	return nil
}

// requestOf returns the request that makes a trunk as it is.
func requestOf(is mihutest.Trunk) *mihu.TrunkCreateRequest {
	return &mihu.TrunkCreateRequest{TrunkID: is.ID, AgentUUID: is.AgentUUID, Name: is.Name, Direction: is.Direction, SIP: &is.SIP}
}

// However often a run is killed, the state never has something as sent that the trunk does not have,
// and what the journal has as finished, the state has too. In the end everything is as the items want
// it, and nothing is sent again.
func TestStateKills(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	client := srv.Client(t)
	dir, key := t.TempDir(), provision.NewStateKey()
	path := filepath.Join(dir, "state.jsonl")
	var requests, killAt atomic.Int64
	kill := make(chan struct{}, 1)
	srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		if requests.Add(1) == killAt.Load() {
			kill <- struct{}{}
		}
		if req.Method != http.MethodGet && rand.IntN(100) == 0 {
			return &mihutest.Fault{Drop: true, AfterChange: rand.IntN(2) == 0}
		}
		return nil
	})
	const kills = 8
	claimed := 0
	for n := range kills + 1 {
		round := n / 2
		journal := filepath.Join(dir, fmt.Sprintf("journal-%d", round))
		killAt.Store(requests.Load() + 20 + rand.Int64N(stateItems/4))
		if n == kills {
			killAt.Store(0)
		}
		runProcess(t, kill, n < kills, "PROVISION_TEST_URL="+srv.URL(), "PROVISION_TEST_STATE="+path, "PROVISION_TEST_KEY="+key.Encode(),
			"PROVISION_TEST_ROUND="+strconv.Itoa(round), "PROVISION_TEST_JOURNAL="+journal)
		finished := map[mihu.TrunkID]bool{}
		for _, line := range lines(t, journal)[1:] {
			var entry struct {
				Index  int
				Action provision.Action
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Action != provision.Failed {
				finished[trunk(entry.Index)] = true
			}
		}
		state, closeFile := openState(t, client, path, key)
		for entry, err := range state.All(t.Context()) {
			require.NoError(t, err)
			is, there := srv.Trunk(entry.Trunk)
			if !there {
				assert.False(t, entry.Managed)
				assert.True(t, entry.Pending())
				continue
			}
			same, other := provision.Claims(key, entry, requestOf(is))
			require.Empty(t, other, "after kill %d the state has as sent what %v does not have", n, entry)
			claimed += len(same)
			if finished[entry.Trunk] {
				assert.False(t, entry.Pending())
				delete(finished, entry.Trunk)
			}
		}
		assert.Empty(t, finished, "in the journal and not in the state")
		closeFile()
	}
	assert.Positive(t, claimed)

	srv.InjectFunc(nil)
	for n := range 2 { // the first sends what has failed in the last run
		srv.ResetRequests()
		state, closeFile := openState(t, client, path, key)
		results, err := collect(t, provision.Run(t.Context(), client, stateRound(kills/2), provision.Options{State: state}))
		require.NoError(t, err)
		require.Len(t, results, stateItems)
		closeFile()
		if n == 1 {
			assert.LessOrEqual(t, srv.RequestCount(), 2*3-1, "of three pages")
			assert.Len(t, lines(t, path), 1+stateItems)
		}
	}
	for item, err := range stateRound(kills / 2) {
		require.NoError(t, err)
		is, _ := srv.Trunk(item.Trunk.TrunkID)
		assert.Equal(t, item.Trunk.Name, is.Name)
		assert.Equal(t, *item.Trunk.SIP, is.SIP)
	}
}

// While a process has the state open, another is refused.
func TestStateOfTwoProcesses(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	dir, key := t.TempDir(), provision.NewStateKey()
	path := filepath.Join(dir, "state.jsonl")
	began, goOn := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	srv.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		if first.CompareAndSwap(false, true) {
			close(began)
			<-goOn
		}
		return nil
	})
	ended := make(chan struct{})
	var opened error
	go func() {
		defer close(ended)
		<-began
		_, opened = provision.OpenStateFile(path, provision.StateFileOptions{})
		close(goOn)
	}()
	runProcess(t, nil, false, "PROVISION_TEST_URL="+srv.URL(), "PROVISION_TEST_STATE="+path, "PROVISION_TEST_KEY="+key.Encode(), "PROVISION_TEST_ROUND=0")
	<-ended
	require.ErrorIs(t, opened, provision.ErrStateInUse)
	state, _ := openState(t, srv.Client(t), path, key)
	n := 0
	for _, err := range state.All(t.Context()) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, stateItems, n)
}
