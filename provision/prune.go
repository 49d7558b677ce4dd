package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// ErrPlanStale means that a plan is not what would be done now. The error is a [*StalePlanError] if
// it is about a plan as a whole; that of an item is about its trunk.
var ErrPlanStale = errors.New("provision: plan is stale")

// syncing is what Reconcile adds to a run: which changes are approved, and which trunks are deleted.
// Its methods work on nil, which is a run without a plan.
type syncing struct {
	key     StateKey // of the digests
	scope   Scope
	prunes  bool
	changes []plannedChange // ascending by trunk; nil while the plan is made

	taken     map[agentKey]struct{} // agents that approved changes put trunks on; nil until it is needed
	deletions []*deletion
	managed   int
	drift     []Drift
}

// deletion is a trunk that the state manages and no row names.
type deletion struct {
	entry StateEntry
	key   trunkKey
	agent agentKey
	early bool // before the rows, since it frees an agent that an approved change wants
}

// candidates adds to what a run asks about the trunks that the state manages in the scope and no row
// names.
func (e *engine) candidates(asks *expectation) error {
	if e.sync == nil || e.opts.State == nil {
		return nil
	}
	rows := asks.trunks
	for entry, err := range e.opts.State.All(e.ctx) {
		if err != nil {
			return fmt.Errorf("provision: state: %w", err)
		}
		if entry.Managed {
			e.sync.managed++
		}
		key, ok := keyOf(entry.Trunk)
		if !ok || !e.sync.prunes || !entry.Managed || !e.sync.scope.Contains(entry.Trunk, entry.AgentUUID) {
			continue
		}
		if _, named := slices.BinarySearch(rows, key); named {
			continue
		}
		agent, _ := agentOf(entry.AgentUUID, entry.Trunk.Channel)
		e.sync.deletions = append(e.sync.deletions, &deletion{entry: entry, key: key, agent: agent, early: e.sync.frees(asks, agent)})
	}
	if len(e.sync.deletions) == 0 {
		return nil
	}
	all := slices.Clone(rows)
	for _, d := range e.sync.deletions {
		all = append(all, d.key)
	}
	slices.Sort(all)
	asks.trunks = all
	return nil
}

// frees reports whether a deletion comes before the rows: while a plan is made, if a row wants its
// agent, and while it is applied, if an approved change does. A row that cannot be done frees
// nothing, so that it deletes nothing early.
func (s *syncing) frees(asks *expectation, agent agentKey) bool {
	if s.changes == nil {
		_, wanted := slices.BinarySearch(asks.agents, hashAgent(asks.seed, agent))
		return wanted
	}
	if s.taken == nil {
		s.taken = map[agentKey]struct{}{}
		for i := range s.changes {
			c := &s.changes[i]
			if verb := c.verb(); verb == Create || verb == Assign {
				s.taken[agentKey{c.to, c.trunk.isWhatsApp()}] = struct{}{}
			}
		}
	}
	_, wanted := s.taken[agent]
	return wanted
}

// judge finds out which of the candidates are there as the state has them. Only these are deleted:
// what somebody else has moved or made again is his.
func (e *engine) judge() error {
	if e.sync == nil {
		return nil
	}
	var there []*deletion
	for _, d := range e.sync.deletions {
		if e.ended() {
			return nil
		}
		found, err := e.lookUp(d.key)
		if err != nil {
			return fmt.Errorf("provision: looking up %s, which no row names: %w", d.entry.Trunk, err)
		}
		if kind := driftOf(d.entry, found); kind != "" {
			e.sync.drift = append(e.sync.drift, Drift{Trunk: d.entry.Trunk, Kind: kind, AgentUUID: found.AgentUUID, WasAgentUUID: d.entry.AgentUUID})
			continue
		}
		there = append(there, d)
	}
	e.sync.deletions = there
	return nil
}

// deletions deletes trunks: early before the rows, and others after all of them, if nothing failed.
func (e *engine) deletions(early bool) {
	if e.sync == nil {
		return
	}
	if !early && e.failed() > 0 {
		e.leaveUndone()
		return
	}
	for _, d := range e.sync.deletions {
		if d.early != early {
			continue
		}
		if !e.pool.submit(func() { e.remove(d) }) {
			break
		}
	}
	e.pool.wait()
}

// remove deletes a trunk, or notes that it would be deleted.
func (e *engine) remove(d *deletion) {
	audit, err := e.mode.remove(d)
	result := Result{
		Item:    Item{Trunk: mihu.TrunkCreateRequest{TrunkID: d.entry.Trunk}},
		Index:   -1,
		Action:  e.mode.action(Deleted),
		Ensured: &mihu.EnsureResult{PreviousAgentUUID: d.entry.AgentUUID},
		Known:   KnownWritten,
		planned: &plannedRow{target: e.sync.deletionTarget(&d.entry)},
	}
	switch {
	case err != nil:
		result.Action, result.Err, result.Known = Failed, err, ""
		e.fail(err, audit != nil)
	default:
		e.world.hold(d.agent, 0)
	}
	e.events <- &outcome{Result: result, audit: audit}
}

// remove of a plan only counts.
func (*plan) remove(*deletion) (*AuditRecord, error) { return nil, nil } //nolint:nilnil // nothing was tried

// remove reads the number once more, and deletes the trunk if it is as the plan has it.
func (l *live) remove(d *deletion) (*AuditRecord, error) {
	id := d.entry.Trunk
	if err := l.sync.approvesDeletion(d); err != nil {
		return nil, err
	}
	var there Reading
	err := l.retry(func() (err error) { there, err = l.world.reader.read(l.ctx, d.key); return err })
	switch kind := driftOf(d.entry, there); {
	case err != nil:
		return nil, fmt.Errorf("provision: %s: not deleted: %w", id, err)
	case kind == DriftDeleted:
		_, err := l.opts.State.Track(l.ctx, StateChange{Trunk: id, Delete: true}, alreadyDeleted)
		return nil, err
	case kind != "":
		return nil, fmt.Errorf("%w: %s: not deleted: it was %s since", ErrPlanStale, id, kind)
	}
	change := AuditRecord{
		Op: Delete, PhoneNumber: id.PhoneNumber, Channel: id.Channel, Before: boundTo(d.entry.AgentUUID), After: new(AuditBinding),
	}
	var response mihu.Response
	_, err = l.opts.State.Track(l.ctx, StateChange{Trunk: id, Delete: true}, func(ctx context.Context) (*mihu.ChannelSnapshot, error) {
		var outcome unknownOutcome
		return nil, l.retry(func() error {
			err := l.client.Trunks.Delete(ctx, id, l.calls(&response)...)
			if isGone(err) {
				err = nil // an earlier attempt, or somebody else, has deleted it
			}
			return outcome.keep(err, nil)
		})
	})
	change.RequestID = response.RequestID
	if err != nil {
		err = fmt.Errorf("provision: %s: %w", id, err)
	}
	return change.as(err, false), err
}

// alreadyDeleted is the change of a trunk that is gone: only the state forgets it.
func alreadyDeleted(context.Context) (*mihu.ChannelSnapshot, error) {
	return nil, nil //nolint:nilnil // a deletion has no snapshot
}

// driftOf returns how a trunk differs from what the state has of it; "" if it does not, or if the
// state has a change in doubt.
func driftOf(entry StateEntry, found Reading) DriftKind {
	switch {
	case !found.Exists:
		return DriftDeleted
	case entry.PhoneNumberUUID == "" || !strings.EqualFold(entry.PhoneNumberUUID, found.PhoneNumberUUID):
		return DriftRecreated
	case entry.AgentUUID == "" || !strings.EqualFold(entry.AgentUUID, found.AgentUUID):
		return DriftMoved
	}
	return ""
}
