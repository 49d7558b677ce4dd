package provision_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// passwordTable stands for a table of a database: the password of each trunk, and whether the trunk
// is known to have it.
type passwordTable struct {
	mu   sync.Mutex
	rows map[mihu.TrunkID]passwordRow
}

type passwordRow struct {
	password  string
	confirmed bool
}

// Prepare inserts a new password, or returns the one that an earlier rotation has inserted.
func (t *passwordTable) Prepare(_ context.Context, id mihu.TrunkID) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row, ok := t.rows[id]
	switch {
	case row.confirmed:
		return "", provision.ErrAlreadyRotated
	case !ok:
		row.password = rand.Text()
		t.rows[id] = row // INSERT, and COMMIT before the password is sent
	}
	return row.password, nil
}

// Confirm records that the trunk has the password.
func (t *passwordTable) Confirm(_ context.Context, id mihu.TrunkID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	row := t.rows[id]
	row.confirmed = true
	t.rows[id] = row
	return nil
}

// A rotation that fails for one trunk is completed by the next. Nothing is sent twice but the
// password whose outcome is not known.
func ExampleRotate() {
	client, server := fake()
	defer server.Close()
	for i := range 3 {
		err := server.AddTrunk(mihutest.Trunk{
			ID:        mihu.TrunkID{PhoneNumber: fmt.Sprintf("+1234000000%d", i), Channel: mihu.ChannelCall},
			AgentUUID: fmt.Sprintf("3c90c3cc-0d44-4b50-8888-00000000000%d", i),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	trunks := func(yield func(mihu.TrunkID, error) bool) {
		for number, err := range client.Trunks.All(context.Background(), nil) {
			if err != nil {
				yield(mihu.TrunkID{}, err)
				return
			}
			for id := range number.Trunks() {
				if id.Channel == mihu.ChannelCall && !yield(id, nil) {
					return
				}
			}
		}
	}
	if err := server.Inject(mihutest.Fault{On: mihutest.Match{Method: "PATCH"}, Status: 403}); err != nil {
		fmt.Println(err)
		return
	}
	store := &passwordTable{rows: map[mihu.TrunkID]passwordRow{}}
	for range 2 {
		count := map[provision.Action]int{}
		for result, err := range provision.Rotate(context.Background(), client, trunks, store, provision.RotateOptions{}) {
			if err != nil {
				fmt.Println(err) // of the rotation; call Rotate again to resume it
				return
			}
			count[result.Action]++
		}
		fmt.Println(count)
	}
	// Output:
	// map[failed:1 updated:2]
	// map[resumed:2 updated:1]
}
