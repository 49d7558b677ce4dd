package provision

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mihu-go/mihu"
)

const planIDSize = 12

// plannedChange is a change of a plan, without pointers.
type plannedChange struct {
	trunk         trunkKey
	from, to      [16]byte // agents; zero if there is none
	target        [16]byte // digest of what the row wants
	line          uint32
	why           reasons
	sends, clears fieldSet
	action        uint8 // index of plannedActions
}

func plannedActions() [4]Action { return [...]Action{Create, Assign, Update, Delete} }

func (c *plannedChange) verb() Action { return plannedActions()[c.action] }

func (c *plannedChange) exported() PlannedChange {
	id := c.trunk.id()
	return PlannedChange{
		Action: c.verb(), PhoneNumber: id.PhoneNumber, Channel: id.Channel,
		AgentUUID: uuidText(c.to), PreviousAgentUUID: uuidText(c.from), Sends: c.sends.names(), Clears: c.clears.names(),
		Reasons: c.why.texts(), Line: int(c.line),
	}
}

// reasons are why a trunk is changed.
type reasons uint16

const (
	whyNotThere reasons = 1 << iota
	whyMoved
	whyNeverSent
	whyDiffers
	whyInDoubt
	whyAgain
	whyResend
	whyEmpty
	whyNotNamed
	numReasons = iota
)

func (r reasons) texts() []string {
	var texts []string
	for i, text := range [numReasons]string{
		"not in the workspace", "on another agent", "not sent before, as far as the state knows", "differs from what was sent",
		"a request was begun, and its outcome is not known", "the number was removed and added again, so everything is sent",
		"sent again, as asked", "the cell is empty, and the field was set", "no row names it",
	} {
		if r&(1<<i) != 0 {
			texts = append(texts, text)
		}
	}
	return texts
}

// plannedRow is what a plan notes of a row.
type plannedRow struct {
	target [16]byte
	clears fieldSet
	why    reasons
	drift  *Drift
}

// notes returns what a plan notes of a row that is looked at.
func (s *syncing) notes(state *tracked, item *Item, req *mihu.TrunkCreateRequest, found Reading, send, clears fieldSet) *plannedRow {
	row := &plannedRow{target: s.target(req, item.blank), clears: clears}
	if state != nil && state.had && !state.before.Pending() {
		if kind := driftOf(state.before, found); kind != "" {
			row.drift = &Drift{Trunk: req.TrunkID, Kind: kind, AgentUUID: found.AgentUUID, WasAgentUUID: state.before.AgentUUID}
		}
	}
	switch {
	case !found.Exists:
		row.why = whyNotThere
		return row
	case !strings.EqualFold(found.AgentUUID, req.AgentUUID):
		row.why |= whyMoved
	}
	if clears != 0 {
		row.why |= whyEmpty
	}
	switch {
	case send == 0:
	case state == nil || !state.had:
		row.why |= whyNeverSent
	case !state.isOf(found.PhoneNumberUUID):
		row.why |= whyAgain
	default:
		for f := range send.all {
			switch state.before.Sent.digests[f] {
			case notSent:
				row.why |= whyNeverSent
			case inDoubt:
				row.why |= whyInDoubt
			case s.key.digest(req.TrunkID, f, f.valueOf(req)):
				row.why |= whyResend
			default:
				row.why |= whyDiffers
			}
		}
	}
	return row
}

// target returns a digest of everything that a row wants, secrets included.
func (s *syncing) target(req *mihu.TrunkCreateRequest, blank fieldSet) (digest [16]byte) {
	h := hmac.New(sha256.New, s.key.key[:])
	_, _ = io.WriteString(h, "target\x00")
	writeItem(h, &Item{Trunk: *req}, true)
	_, _ = h.Write([]byte{byte(blank)})
	copy(digest[:], h.Sum(nil))
	return digest
}

// deletionTarget returns a digest of the trunk that is deleted. One that was made again is another.
func (s *syncing) deletionTarget(entry *StateEntry) (digest [16]byte) {
	h := hmac.New(sha256.New, s.key.key[:])
	_, _ = fmt.Fprintf(h, "delete\x00%s\x00%s\x00%s\x00%s", entry.Trunk.PhoneNumber, entry.Trunk.Channel,
		strings.ToLower(entry.PhoneNumberUUID), strings.ToLower(entry.AgentUUID))
	copy(digest[:], h.Sum(nil))
	return digest
}

// find returns the approved change of a trunk, nil if the plan has none.
func (s *syncing) find(trunk trunkKey) *plannedChange {
	at, ok := slices.BinarySearchFunc(s.changes, trunk, func(c plannedChange, key trunkKey) int { return cmp.Compare(c.trunk, key) })
	if !ok {
		return nil
	}
	return &s.changes[at]
}

// approves returns an error if a plan does not have a change that is about to be sent.
func (s *syncing) approves(item *Item, req *mihu.TrunkCreateRequest) error {
	if s == nil {
		return nil
	}
	trunk, _ := keyOf(req.TrunkID)
	change := s.find(trunk)
	switch {
	case change == nil:
		return fmt.Errorf("%w: %s: not sent: it was changed since, or is done already; make the plan again", ErrPlanStale, req.TrunkID)
	case change.target != s.target(req, item.blank):
		return fmt.Errorf("%w: %s: not sent: its row or its credentials have changed since; make the plan again", ErrPlanStale, req.TrunkID)
	}
	return nil
}

// approvesMove returns an error if a plan does not move a trunk away from an agent.
func (s *syncing) approvesMove(id mihu.TrunkID, from agentKey) error {
	if s == nil {
		return nil
	}
	trunk, _ := keyOf(id)
	if change := s.find(trunk); change == nil || change.verb() != Assign || change.from != from.agent {
		return fmt.Errorf("%w: %s: not moved: the plan does not move it from there; make the plan again", ErrPlanStale, id)
	}
	return nil
}

// approvesDeletion returns an error if a plan does not delete a trunk.
func (s *syncing) approvesDeletion(d *deletion) error {
	if change := s.find(d.key); change == nil || change.verb() != Delete || change.target != s.deletionTarget(&d.entry) {
		return fmt.Errorf("%w: %s: not deleted: the plan does not delete it; make the plan again", ErrPlanStale, d.entry.Trunk)
	}
	return nil
}

// digestKey returns the key of digests that are kept; without a state they are only compared within
// the process.
func (s *State) digestKey() StateKey {
	if s == nil {
		return StateKey{}
	}
	return s.key
}

// plan makes the plan.
func (r *Reconciliation) plan(ctx context.Context) error {
	e := newEngine(ctx, r.client, r.source.itemsAndBlanks(r.valued), r.opts.Options, r.source.repeats).from(r.source)
	e.opts.Progress, e.opts.Audit, e.opts.Stop = nil, nil, nil
	e.mode = &plan{engine: e}
	e.sync = &syncing{key: r.key, scope: r.opts.Scope, prunes: r.opts.Prune}
	var failed error
	e.run(func(result Result, err error) bool {
		if err != nil {
			failed = err
			return false
		}
		r.take(result)
		return true
	})
	if failed != nil {
		return failed
	}
	slices.SortFunc(r.changes, func(a, b plannedChange) int { return cmp.Compare(a.trunk, b.trunk) })
	r.drift = append(r.drift, e.sync.drift...)
	r.summary.Managed, r.summary.Drift = e.sync.managed, len(r.drift)
	r.world, r.made = e.world.again(), time.Now()
	r.identify()
	return nil
}

// take adds the result of a row, or of a trunk that no row names.
func (r *Reconciliation) take(result Result) {
	row := result.planned
	if row != nil && row.drift != nil {
		r.drift = append(r.drift, *row.drift)
	}
	counts := map[Action]*int{Create: &r.summary.Create, Assign: &r.summary.Assign, Update: &r.summary.Update, Delete: &r.summary.Delete, Unchanged: &r.summary.Unchanged}
	switch count := counts[result.Action]; {
	case result.Action == Failed:
		r.summary.Failed++
		r.failures = append(r.failures, result)
		return
	case count == nil: // a duplicate
		return
	default:
		*count++
	}
	if result.Action == Unchanged {
		return
	}
	change := r.changeOf(result, row)
	if change.clears != 0 {
		r.summary.Clear++
	}
	r.changes = append(r.changes, change)
}

func (r *Reconciliation) changeOf(result Result, row *plannedRow) plannedChange {
	id := result.Item.Trunk.TrunkID
	all := plannedActions()
	change := plannedChange{
		from: uuidOf(result.Ensured.PreviousAgentUUID), to: uuidOf(result.Item.Trunk.AgentUUID), line: short(result.Item.Line),
		action: uint8(slices.Index(all[:], result.Action)), //nolint:gosec // one of four
	}
	change.trunk, _ = keyOf(id)
	switch {
	case row == nil:
	case result.Action == Delete:
		change.why, change.target = whyNotNamed, row.target
	default:
		change.why, change.target, change.clears = row.why, row.target, row.clears
		change.sends = result.sent &^ row.clears
		if result.Action == Update {
			change.from = change.to
		}
	}
	return change
}

// identify computes the ID of the plan.
func (r *Reconciliation) identify() {
	h := hmac.New(sha256.New, r.key.key[:])
	_, _ = fmt.Fprintf(h, "plan\x00%s\x00%t\x00%s\x00%s\x00%t\x00%d\x00", r.client.BaseURL(), r.opts.Prune, r.opts.Scope,
		strings.ToLower(r.opts.SpareAgent), r.opts.AllowSharedAgents, len(r.changes))
	var b [8]byte
	for i := range r.changes {
		c := &r.changes[i]
		binary.BigEndian.PutUint64(b[:], uint64(c.trunk))
		_, _ = h.Write(b[:])
		_, _ = h.Write([]byte{c.action, byte(c.sends), byte(c.clears)})
		_, _ = h.Write(c.from[:])
		_, _ = h.Write(c.to[:])
		_, _ = h.Write(c.target[:])
	}
	copy(r.sum[:], h.Sum(nil))
}
