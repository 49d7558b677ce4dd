package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mihu-go/mihu"
	"github.com/mihu-go/mihu/mihutest"
)

var (
	line       = mihu.TrunkID{PhoneNumber: "+15550000001", Channel: mihu.ChannelCall}
	old        = mihutest.Trunk{ID: line, AgentUUID: "3c90c3cc-0d44-4b50-8888-8dd25736052a", Name: "old", AdditionalSettings: map[string]any{"a": "b"}}
	errPlain   = errors.New("refused")
	errUnknown = &mihu.UnknownOutcomeError{Op: "trunks.create", Causes: []error{errPlain}, Advice: "look"}
)

// changed returns the old trunk with a change.
func changed(change func(*mihutest.Trunk)) *mihutest.Trunk {
	trunk := old
	trunk.AdditionalSettings = map[string]any{"a": "b"}
	change(&trunk)
	return &trunk
}

func snapshotOf(agent string) *mihu.ChannelSnapshot {
	snap := &mihu.ChannelSnapshot{Number: line.PhoneNumber}
	snap.Channels.Call.Bound, snap.Channels.Call.AgentUUID = true, agent
	return snap
}

// The judge detects false reports and accepts true ones.
func TestJudge(t *testing.T) {
	t.Parallel()
	other := changed(func(trunk *mihutest.Trunk) { trunk.AgentUUID = "9bcb8f00-c0c5-4ee1-9b75-ad1e87a2bd8b" })
	renamed := changed(func(trunk *mihutest.Trunk) { trunk.Name = "new" })
	capitals := changed(func(trunk *mihutest.Trunk) {
		trunk.AgentUUID, trunk.PhoneNumberUUID = strings.ToUpper(trunk.AgentUUID), "another"
	})
	create := entry{op: "create", id: line, after: &old}
	update := entry{op: "update", id: line, before: &old, after: renamed}
	remove := entry{op: "delete", id: line, before: &old}
	with := func(e entry, err error) entry { e.err = err; return e }
	shown := func(e entry, agent string) entry { e.snapshot = snapshotOf(agent); return e }
	doomed := func(e entry) entry { e.doomed = true; return e }
	proxyRetries := func(e entry) entry { e.proxyRetries = true; return e }
	lost, twice, misreported, speechless := []string{"lost"}, []string{"twice"}, []string{"misreported"}, []string{"speechless"}
	for name, c := range map[string]struct {
		entry   entry
		stored  *mihutest.Trunk
		created int
		want    []string
	}{
		"created":                                     {create, &old, 1, nil},
		"created, with the agent in capitals":         {create, capitals, 1, nil},
		"created, with a snapshot":                    {shown(create, old.AgentUUID), &old, 1, nil},
		"created, with a snapshot of another agent":   {shown(create, other.AgentUUID), &old, 1, misreported},
		"created, but missing":                        {create, nil, 0, []string{"lost", "misreported"}},
		"created, but removed since":                  {create, nil, 1, []string{"lost", "misreported"}},
		"created, but with another agent":             {create, other, 1, lost},
		"created, but with another name":              {create, renamed, 1, lost},
		"created, without a request":                  {create, &old, 0, misreported},
		"created twice":                               {create, &old, 2, twice},
		"not created":                                 {with(create, errPlain), nil, 0, nil},
		"not created, but exists":                     {with(create, errPlain), &old, 1, misreported},
		"not created, but exists with other values":   {with(create, errPlain), other, 1, misreported},
		"not created within the deadline, but exists": {with(create, context.DeadlineExceeded), &old, 1, misreported},
		"unknown, and exists":                         {with(create, errUnknown), &old, 1, nil},
		"unknown, and missing":                        {with(create, errUnknown), nil, 0, nil},
		"unknown, and exists with other values":       {with(create, errUnknown), other, 1, misreported},
		"unknown without advice":                      {with(create, &mihu.UnknownOutcomeError{Causes: []error{errPlain}}), nil, 0, speechless},
		"unknown without a cause":                     {with(create, &mihu.UnknownOutcomeError{Advice: "look"}), nil, 0, speechless},
		"unknown without cause and advice":            {with(create, mihu.ErrOutcomeUnknown), nil, 0, speechless},
		"refused, as required":                        {with(doomed(create), errPlain), nil, 0, nil},
		"created, but must be refused":                {doomed(create), nil, 0, misreported},
		"unknown, but created and must be refused":    {with(doomed(create), errUnknown), &old, 1, misreported},
		"updated":                         {update, renamed, 0, nil},
		"updated, but as before":          {update, &old, 0, []string{"lost", "misreported"}},
		"updated, but missing":            {update, nil, 0, lost},
		"updated in part":                 {update, changed(func(trunk *mihutest.Trunk) { trunk.Name = "half" }), 0, lost},
		"not updated":                     {with(update, errPlain), &old, 0, nil},
		"not updated, but changed":        {with(update, errPlain), renamed, 0, misreported},
		"update unknown, and changed":     {with(update, errUnknown), renamed, 0, nil},
		"update unknown, and as before":   {with(update, errUnknown), &old, 0, nil},
		"update unknown, but missing":     {with(update, errUnknown), nil, 0, misreported},
		"deleted":                         {remove, nil, 0, nil},
		"deleted, but exists":             {remove, &old, 0, []string{"lost", "misreported"}},
		"not deleted":                     {with(remove, errPlain), &old, 0, nil},
		"not deleted, but missing":        {with(remove, errPlain), nil, 0, misreported},
		"not found, and missing":          {with(remove, mihu.ErrNotFound), nil, 0, misreported},
		"retried, not found, and missing": {with(proxyRetries(remove), mihu.ErrNotFound), nil, 0, nil},
		"retried, not found, but exists":  {with(proxyRetries(remove), mihu.ErrNotFound), changed(func(trunk *mihutest.Trunk) { trunk.Name = "new" }), 0, misreported},
		"retried, refused, but missing":   {with(proxyRetries(remove), errPlain), nil, 0, misreported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := truth{trunks: map[mihu.TrunkID]mihutest.Trunk{}, registrations: map[mihu.TrunkID]int{line: c.created}}
			if c.stored != nil {
				facts.trunks[line] = *c.stored
			}
			v := judge([]entry{c.entry}, facts)
			var found []string
			for name, list := range map[string][]string{"lost": v.lost, "twice": v.twice, "misreported": v.misreported, "speechless": v.speechless} {
				for range list {
					found = append(found, name)
				}
			}
			assert.ElementsMatch(t, c.want, found)
			assert.Len(t, v.unknown, map[bool]int{true: 1}[c.entry.report() == unknown])
			l := new(lab)
			v.figures(l)
			assert.Equal(t, len(c.want), l.missed(), "every false report is a missed requirement")
		})
	}
}

// truthOf counts the creates that the server applied.
func TestTruthOfAServer(t *testing.T) {
	t.Parallel()
	srv := mihutest.NewServer(t)
	client := srv.Client(t)
	agent := srv.AddAgent("Ada")
	id := mihu.TrunkID{PhoneNumber: line.PhoneNumber, Channel: mihu.ChannelWhatsApp}
	for range 2 {
		_, err := client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: agent})
		require.NoError(t, err)
		_, err = client.Trunks.Create(t.Context(), &mihu.TrunkCreateRequest{TrunkID: id, AgentUUID: agent})
		require.ErrorIs(t, err, mihu.ErrConflict)
		require.NoError(t, client.Trunks.Delete(t.Context(), id))
	}
	facts := truthOf(srv)
	assert.Equal(t, 2, facts.registrations[id], "refused creates do not count")
	assert.Nil(t, facts.holds(id))
	assert.Len(t, judge(nil, facts).twice, 1)
}

// The same failures result in the same causes, so that they can be counted.
func TestCauses(t *testing.T) {
	t.Parallel()
	err := &mihu.UnknownOutcomeError{Op: "trunks.create", Causes: []error{
		&mihu.APIError{Op: "trunks.create", StatusCode: 503},
		&mihu.TransportError{Op: "trunks.create.read", Err: errors.New("read: connection reset by peer")},
		&mihu.APIError{Op: "trunks.create.update", StatusCode: 200},
		errPlain,
	}}
	line := causes(err)
	assert.Equal(t, "create 503 > read reset > update 200 unreadable > refused", line)
	assert.Equal(t, []string{"2 x a", "1 x b"}, tally([]string{"b", "a", "a"}))
}

func TestTable(t *testing.T) {
	t.Parallel()
	l := new(lab)
	l.none("lost", 0)
	l.atMost("unknown", 0.61, 0.5, percent)
	l.atLeast("hit", 30, 30, percent)
	l.show("requests", 7)
	l.note("seen %d times", 2)
	var out strings.Builder
	l.print(&out)
	assert.Equal(t, `  figure    measured  required    ok
  lost      0         0           yes
  unknown   0.61 %    <= 0.50 %   NO
  hit       30.00 %   >= 30.00 %  yes
  requests  7         -           -
  seen 2 times
`, out.String())
	assert.Equal(t, 1, l.missed())
}
