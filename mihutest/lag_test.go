package mihutest_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

func TestReadLag(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		t := w.t
		const url = "/phone-numbers/channels?number=%2B12345678901"
		w.create(n1, "call", ada)
		w.must(http.StatusConflict, "POST", trunk, with("")) // a write sees the current state
		assert.Contains(t, w.must(http.StatusOK, "GET", trunk, ""), `"items":[]`)
		w.must(http.StatusNotFound, "GET", url, "")
		time.Sleep(5*time.Second - time.Nanosecond)
		w.must(http.StatusNotFound, "GET", url, "")
		time.Sleep(time.Nanosecond)
		assert.Contains(t, w.must(http.StatusOK, "GET", url, ""), callAda)

		// A fault replaces the lag of the rules.
		w.must(http.StatusOK, "PUT", trunk+"/assign", `{"phone_number":"+12345678901","channel":"call","agent_uuid":"`+bob+`"}`)
		time.Sleep(2 * time.Second)
		require.NoError(t, w.Inject(mihutest.Fault{ReadLag: time.Second}))
		assert.Contains(t, w.must(http.StatusOK, "GET", url, ""), bob)
		assert.Contains(t, w.must(http.StatusOK, "GET", url, ""), ada)
		assert.Equal(t, bob, w.held(n1, "call").AgentUUID, "the methods of the server see the current state")
	}, mihutest.WithRules(mihutest.Rules{ReadLag: 5 * time.Second}))
}

// A read that lags is the same as the read at that time: lists, snapshots and errors.
func TestReadLagReturnsThePast(t *testing.T) {
	t.Parallel()
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, seed))
	inBubble(t, func(w *world) {
		t := w.t
		numbers := []string{n1, n2, n3, own}
		uuids := map[string]bool{}
		reads := func() (paths []string) {
			paths = []string{trunk + "?per_page=2", trunk + "?per_page=2&page=2", "/phone-numbers", "/phone-numbers?per_page=1&page=3"}
			for _, number := range numbers {
				paths = append(paths, "/phone-numbers/channels?number=%2B"+number[1:])
			}
			for uuid := range uuids {
				paths = append(paths, "/phone-numbers/"+uuid+"/channels")
			}
			return paths
		}
		write := func(i int) {
			if i == 100 {
				_, err := w.AddPurchasedNumber(own)
				require.NoError(t, err)
			}
			number := numbers[rng.IntN(min(3+i/100, len(numbers)))] // own is purchased from 100 on
			channel := []string{"call", "whatsapp"}[rng.IntN(2)]
			agent := fmt.Sprintf("00000000-0000-4000-8000-%012d", rng.IntN(20))
			id := fmt.Sprintf(`"phone_number":%q,"channel":%q`, number, channel)
			switch rng.IntN(4) {
			case 0, 1:
				w.send("POST", trunk, `{`+id+`,"agent_uuid":"`+agent+`"}`)
			case 2:
				w.send("PUT", trunk+"/assign", `{`+id+`,"agent_uuid":"`+agent+`"}`)
			case 3:
				w.send("DELETE", trunk+"?channel="+channel+"&phone_number="+number[1:], "")
			}
			for _, held := range w.Trunks() {
				uuids[held.PhoneNumberUUID] = true
			}
		}
		type past struct {
			at   time.Time
			path string
			body string
		}
		var history []past
		for i := range 200 {
			write(i)
			for _, path := range reads() {
				history = append(history, past{time.Now(), path, w.send("GET", path, "").body})
			}
			for range 5 {
				then := history[rng.IntN(len(history))]
				lag := time.Since(then.at)
				if lag > time.Minute || lag == 0 {
					continue
				}
				require.NoError(t, w.Inject(mihutest.Fault{ReadLag: lag}))
				got := w.send("GET", then.path, "").body
				require.Equal(t, then.body, got, "%s, %v ago, seed %d", then.path, lag, seed)
			}
			time.Sleep(time.Duration(1+rng.IntN(5000)) * time.Millisecond)
		}
		var found, missing int
		for _, p := range history {
			if strings.Contains(p.body, "PHONE_NUMBER_NOT_FOUND") {
				missing++
			} else {
				found++
			}
		}
		assert.Positive(t, found)
		assert.Positive(t, missing)
	}, mihutest.WithRules(mihutest.Rules{AnyAgent: true, MaxReadLag: time.Minute}))
}

func TestReadLagWithConcurrentWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mihutest.WithRules(mihutest.Rules{AnyAgent: true, ReadLag: 5 * time.Millisecond}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 300 {
			id := mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1999%07d", i), Channel: mihu.ChannelCall}
			assert.NoError(t, w.AddTrunk(mihutest.Trunk{ID: id, AgentUUID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}))
		}
	}()
	for range 50 {
		w.must(http.StatusOK, "GET", trunk, "")
	}
	<-done
	require.Eventually(t, func() bool { return strings.Contains(w.must(http.StatusOK, "GET", trunk, ""), `"total":300`) }, 10*time.Second, time.Millisecond)
}
