package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// live is the mode of Run: it changes the workspace.
type live struct{ *engine }

func (*live) name() string { return "run" }

func (*live) begin() {}

func (*live) records() bool { return true }

func (*live) action(done Action) Action { return done }

// expect lists the workspace or reads the rows before anything is sent, whichever is cheaper. An
// error is that of a row, when it is attempted.
func (l *live) expect(asks *expectation) error {
	switch {
	case l.opts.Lookup == LookupEach:
	case l.opts.Lookup == LookupList:
		_ = l.world.reader.complete(l.ctx)
	case asks != nil:
		l.readAll(asks.trunks)
	}
	return nil
}

// readAll looks up trunks. If the list is fetched for the first, the rest costs nothing.
func (l *live) readAll(trunks []trunkKey) {
	for _, trunk := range trunks {
		if l.world.reader.isWhole() || l.ended() {
			break
		}
		if !l.pool.submit(func() { _, _ = l.world.get(l.ctx, trunk) }) {
			break
		}
	}
	l.pool.wait()
}

// attempt creates the trunk of an item, or updates it to match, with retries.
func (l *live) attempt(item *Item) effect {
	a := &attempt{live: l, item: item, done: effect{ensured: new(mihu.EnsureResult)}}
	free, err := a.prepare()
	if err != nil {
		return effect{err: err}
	}
	defer free()
	looks := l.world == nil
	a.done.err = l.retry(func() error {
		if !looks {
			err := a.direct()
			looks = l.sync == nil || a.done.tried
			switch {
			case !errors.Is(err, errLook):
				return a.outcome.keep(err, nil)
			case l.sync != nil:
				return a.outcome.keep(fmt.Errorf("%w: %s is not as the plan found it", ErrPlanStale, a.req.TrunkID), nil)
			}
		}
		did, err := a.ensure()
		return a.outcome.keep(err, func() bool { return l.shownUndone(did.Snapshot, a.req) })
	})
	a.remember()
	return a.done
}

// holds reads a number that the list shows on an agent. If it cannot be read, the list counts.
func (l *live) holds(holder trunkKey, agent agentKey) bool {
	found, err := l.world.reader.read(l.ctx, holder)
	is, ok := agentOf(found.AgentUUID, holder.id().Channel)
	return err != nil || ok && is == agent
}

// assignSpare moves a trunk to the spare agent.
func (l *live) assignSpare(id mihu.TrunkID, from agentKey) error {
	if err := l.sync.approvesMove(id, from); err != nil {
		return err
	}
	var response mihu.Response
	_, err := l.opts.State.Track(l.ctx, StateChange{Trunk: id, AgentUUID: l.opts.SpareAgent}, func(ctx context.Context) (snap *mihu.ChannelSnapshot, err error) {
		var outcome unknownOutcome
		err = l.retry(func() error {
			snap, err = l.client.Trunks.Assign(ctx, id, l.opts.SpareAgent, l.calls(&response)...)
			return outcome.keep(err, nil)
		})
		return snap, err
	})
	change := AuditRecord{
		Op: Assign, PhoneNumber: id.PhoneNumber, Channel: id.Channel, Before: boundTo(from.uuid()), After: boundTo(l.opts.SpareAgent), RequestID: response.RequestID,
	}
	l.audit(change.as(err, false))
	return err
}

// calls returns the options of a call, with one that fills in response.
func (l *live) calls(response *mihu.Response) []mihu.CallOption {
	return append(slices.Clip(l.call), mihu.WithResponse(response))
}

// shownUndone reports whether the API shows that a trunk is not on the agent of a request, so that
// no earlier attempt has put it there. The snapshot is what the last attempt has read. If that is
// nil, the attempt may not have read at all, and the channels are read again.
func (l *live) shownUndone(snapshot *mihu.ChannelSnapshot, req *mihu.TrunkCreateRequest) bool {
	if snapshot == nil {
		found, err := l.client.Channels.GetByNumber(l.ctx, req.PhoneNumber, l.call...)
		if err != nil {
			return errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse)
		}
		snapshot = found
	}
	binding := snapshot.Binding(req.Channel)
	return !binding.Bound || !strings.EqualFold(binding.AgentUUID, req.AgentUUID)
}

// rank orders actions. Of several attempts, the action that changed the most counts.
func rank(action mihu.Action) int {
	return slices.Index([]mihu.Action{mihu.ActionUnchanged, mihu.ActionUpdated, mihu.ActionAssigned, mihu.ActionCreated}, action)
}
