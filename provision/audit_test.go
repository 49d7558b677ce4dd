package provision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
	"github.com/mihu-go/mihu/provision"
)

// Every change that was tried has one record, which comes before its result. What changed nothing has
// none.
func TestAudit(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	add(t, srv, [2]int{1, 1}, [2]int{2, 20}, [2]int{3, 3}, [2]int{4, 40}, [2]int{5, 50}, [2]int{7, 9}, [2]int{9, 7})
	client := srv.Client(t, onceOnly)
	named := func(item provision.Item) provision.Item {
		item.Trunk.Name = "planted name"
		item.Trunk.SIP = &mihu.SIPCredentials{Password: "planted"}
		return item
	}
	srv.InjectFunc(func(req mihutest.Request) *mihutest.Fault {
		switch number := string(req.Body); {
		case req.Method == http.MethodPatch && strings.Contains(number, trunk(4).PhoneNumber):
			return &mihutest.Fault{Status: http.StatusForbidden}
		case req.Method == http.MethodPut && strings.Contains(number, trunk(5).PhoneNumber):
			return &mihutest.Fault{Drop: true}
		case req.Method == http.MethodPost && strings.Contains(number, trunk(6).PhoneNumber):
			return &mihutest.Fault{Status: http.StatusForbidden}
		}
		return nil
	})
	items := []provision.Item{
		want(1, 1),        // unchanged
		named(want(0, 0)), // created
		named(want(2, 2)), // assigned, and fields
		named(want(3, 3)), // updated
		named(want(4, 4)), // assigned, and fields refused
		want(5, 5),        // assigned, outcome unknown
		want(6, 6),        // refused
		want(7, 7),        // a swap, with the spare agent
		want(9, 9),
		want(1, 1), // duplicate
		{},         // invalid
	}
	seen := map[mihu.TrunkID][]provision.AuditRecord{}
	results := 0
	opts := provision.Options{SpareAgent: agent(99), Audit: func(r provision.AuditRecord) {
		id := mihu.TrunkID{PhoneNumber: r.PhoneNumber, Channel: r.Channel}
		seen[id] = append(seen[id], r)
	}}
	for result, err := range provision.Run(t.Context(), client, stream(nil, items...), opts) {
		require.NoError(t, err)
		results++
		changed := result.Action != provision.Unchanged && result.Action != provision.Duplicate && result.Item.Line != 0
		assert.Equal(t, changed, len(seen[result.Item.Trunk.TrunkID]) > 0, "%v", result)
	}
	assert.Equal(t, len(items), results)
	bound := func(i int) *provision.AuditBinding {
		return &provision.AuditBinding{Bound: true, AgentUUID: agent(i)}
	}
	fields := []string{"name", "sip.password"}
	for i, wanted := range map[int][]provision.AuditRecord{
		0: {{Op: provision.Create, Before: new(provision.AuditBinding), After: bound(0), Fields: fields, Line: 2, Outcome: provision.AuditApplied}},
		2: {{Op: provision.Assign, Before: bound(20), After: bound(2), Fields: fields, Line: 4, Outcome: provision.AuditApplied}},
		3: {{Op: provision.Update, Before: bound(3), After: bound(3), Fields: fields, Line: 5, Outcome: provision.AuditApplied}},
		4: {{Op: provision.Assign, Before: bound(40), After: bound(4), Fields: fields, Line: 6, Outcome: provision.AuditPartlyApplied}},
		5: {{Op: provision.Assign, Before: bound(50), Line: 7, Outcome: provision.AuditUnknown}},
		6: {{Op: provision.Create, Before: new(provision.AuditBinding), Line: 8, Outcome: provision.AuditNotApplied}},
		7: {
			{Op: provision.Assign, Before: bound(9), After: bound(99), Outcome: provision.AuditApplied},
			{Op: provision.Assign, Before: bound(9), After: bound(7), Line: 9, Outcome: provision.AuditApplied},
		},
		9: {{Op: provision.Assign, Before: bound(7), After: bound(9), Line: 11, Outcome: provision.AuditApplied}},
	} {
		got := seen[trunk(i)]
		require.Len(t, got, len(wanted), "trunk %d", i)
		for j, r := range got {
			assert.NotZero(t, r.Time)
			if r.After != nil && r.Line != 0 { // a response has shown the name
				assert.NotEmpty(t, r.After.AgentName)
				r.After.AgentName = ""
			}
			assert.Equal(t, wanted[j].Outcome != provision.AuditApplied, r.Error != "", "trunk %d", i)
			assert.Equal(t, wanted[j].Outcome != provision.AuditUnknown, r.RequestID != "", "trunk %d", i)
			wanted[j].Time, wanted[j].RequestID, wanted[j].Error = r.Time, r.RequestID, r.Error
			wanted[j].PhoneNumber, wanted[j].Channel = trunk(i).PhoneNumber, mihu.ChannelCall
			assert.Equal(t, wanted[j], r, "trunk %d", i)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", r, r, r), trunk(i).PhoneNumber)
			text, err := json.Marshal(r)
			require.NoError(t, err)
			assert.NotContains(t, string(text), "planted")
			assert.Contains(t, string(text), trunk(i).PhoneNumber)
		}
	}
	assert.NotContains(t, seen, trunk(1))

	clear(seen)
	_, err := collect(t, provision.Plan(t.Context(), client, stream(nil, items...), opts))
	require.NoError(t, err)
	assert.Empty(t, seen, "a plan changes nothing")
}

// A loop that is left early still has a record for every change.
func TestAuditOfALoopThatIsLeft(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	var records int
	for _, err := range provision.Run(t.Context(), srv.Client(t), many(100), provision.Options{Audit: func(provision.AuditRecord) { records++ }}) {
		require.NoError(t, err)
		break
	}
	assert.Equal(t, len(srv.Trunks()), records)
	assert.Positive(t, records)
}

// Records are JSON lines, until a write fails.
func TestAuditWriter(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w := provision.NewAuditWriter(&b)
	w.Write(provision.AuditRecord{Op: provision.Delete, PhoneNumber: "+12345678901", Channel: mihu.ChannelCall, Outcome: provision.AuditApplied})
	require.NoError(t, w.Err())
	assert.JSONEq(t, `{"time":"0001-01-01T00:00:00Z","op":"delete","phone_number":"+12345678901","channel":"call","outcome":"applied"}`, b.String())
	assert.True(t, strings.HasSuffix(b.String(), "}\n"))

	full := errors.New("disk full")
	w = provision.NewAuditWriter(writerFunc(func([]byte) (int, error) { return 0, full }))
	w.Write(provision.AuditRecord{})
	w.Write(provision.AuditRecord{})
	require.ErrorIs(t, w.Err(), full)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
