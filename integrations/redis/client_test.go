package mihuredis_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Three clients with a limiter each, as in three replicas, stay below the rate at the server. All of them
// obey a 429 response to one of them, and all calls succeed.
func TestClientsShareRateAndPause(t *testing.T) {
	const replicas, perReplica, callers, refused = 3, 150, 8, 100
	s := startServer(t)
	api := mihutest.NewServer(t)
	var (
		mu      sync.Mutex
		arrived grants
		limited time.Time
	)
	api.InjectFunc(func(mihutest.Request) *mihutest.Fault {
		mu.Lock()
		defer mu.Unlock()
		arrived = append(arrived, time.Now())
		if len(arrived) == refused {
			limited = time.Now()
			return &mihutest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}
		}
		return nil
	})

	var group sync.WaitGroup
	for replica := range replicas {
		client, err := api.NewClient(mihu.WithLimiter(newLimiter(t, s, "acme", 200)))
		require.NoError(t, err)
		work := make(chan int, perReplica)
		for i := range perReplica {
			work <- replica*perReplica + i
		}
		close(work)
		for range callers {
			group.Go(func() {
				for i := range work {
					agent := api.AddAgent(fmt.Sprint("agent ", i))
					_, err := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{
						TrunkID:   mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1234%07d", i), Channel: mihu.ChannelCall},
						AgentUUID: agent,
						SIP:       &mihu.SIPCredentials{Gateway: "sip.example.com", Username: "user", Password: "password"},
					})
					assert.NoError(t, err)
				}
			})
		}
	}
	group.Wait()
	assert.Len(t, api.Trunks(), replicas*perReplica)
	assert.Len(t, arrived, replicas*perReplica+1, "only the refused request is sent twice")
	// A busy machine holds requests back, which then arrive with those after them.
	assert.LessOrEqual(t, arrived.busiest(time.Second), 260)
	slices.SortFunc(arrived, time.Time.Compare)
	for _, at := range arrived {
		if since := at.Sub(limited); since > 200*time.Millisecond {
			assert.GreaterOrEqual(t, since, time.Second)
		}
	}
}
