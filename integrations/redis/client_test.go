package mihuredis_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mihu-go/mihu"
	mihuredis "github.com/mihu-go/mihu/integrations/redis"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noted is a limiter that notes when requests took their places.
type noted struct {
	*mihuredis.Limiter
	mu  sync.Mutex
	all grants
}

func (n *noted) Wait(ctx context.Context) error {
	at, err := n.Grant(ctx)
	if err == nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.all = append(n.all, at)
	}
	return err
}

// Three clients with a limiter each, as in three replicas, stay below the rate. All of them obey a 429
// response to one of them, and all calls succeed.
func TestClientsShareRateAndPause(t *testing.T) {
	const replicas, perReplica, callers, refused = 3, 150, 8, 100
	s := startServer(t)
	api := mihutest.NewServer(t)
	var (
		mu      sync.Mutex
		arrived []time.Time
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
	limiters := make([]noted, replicas)
	for replica := range replicas {
		limiters[replica].Limiter = newLimiter(t, s, "acme", 200)
		client, err := api.NewClient(mihu.WithLimiter(&limiters[replica]))
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
	var granted grants
	for i := range limiters {
		granted = append(granted, limiters[i].all...)
	}
	slices.SortFunc(granted, time.Time.Compare)
	assert.Len(t, granted, len(arrived))
	assert.LessOrEqual(t, granted.busiest(time.Second), 210)
	for _, at := range arrived {
		if since := at.Sub(limited); since > 200*time.Millisecond {
			assert.GreaterOrEqual(t, since, time.Second)
		}
	}
}
