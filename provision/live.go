package provision

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// live is the mode of Run: it changes the workspace.
type live struct{ *engine }

func (*live) name() string { return "run" }

func (*live) begin() {}

func (*live) records() bool { return true }

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
	req, err := resolve(l.ctx, *item, l.opts.Secrets)
	if err != nil {
		return effect{err: err}
	}
	done := effect{ensured: new(mihu.EnsureResult)}
	var outcome unknownOutcome
	looks := l.world == nil
	done.err = l.retry(func() error {
		if !looks {
			looks = true
			if err := l.direct(req, &done); !errors.Is(err, errLook) {
				return outcome.keep(err, nil)
			}
		}
		did, err := l.client.Trunks.Ensure(l.ctx, req, l.call...)
		l.add(&done, did, req)
		return outcome.keep(err, func() bool { return l.shownUndone(did.Snapshot, req) })
	})
	return done
}

// errLook means that a trunk is not as the list, or an earlier read, has shown it.
var errLook = errors.New("provision: look")

// direct does what is left to do according to what is known of the trunk. It returns errLook if
// Ensure has to look.
func (l *live) direct(req *mihu.TrunkCreateRequest, done *effect) error {
	trunk, _ := keyOf(req.TrunkID)
	agent, _ := agentOf(req.AgentUUID, req.Channel)
	found, err := l.world.get(l.ctx, trunk)
	if err != nil {
		if isFatal(l.ctx, err) || mihu.IsRefusal(err) {
			return err
		}
		return errLook
	}
	needs := needOf(req, found)
	switch {
	case needs == needsLook:
		return errLook
	case needs == needsNothing:
		done.ensured.Action, done.known = mihu.ActionUnchanged, found.Known
		return nil
	case needs != needsUpdate && l.isHeld(trunk, agent):
		done.known = found.Known
		return errHeld
	case needs == needsTrunk:
		return l.create(req, done)
	case needs == needsAgent:
		snap, err := l.client.Trunks.Assign(l.ctx, req.TrunkID, req.AgentUUID, l.call...)
		if err != nil {
			return lookIfGone(err)
		}
		l.add(done, &mihu.EnsureResult{Snapshot: snap, Action: mihu.ActionAssigned, PreviousAgentUUID: found.AgentUUID}, req)
	}
	if !sendsMore(req) {
		return nil
	}
	return l.update(req, done)
}

// create creates a trunk that is not there as far as is known. If the API refuses it, it looks
// whether the trunk is there after all.
func (l *live) create(req *mihu.TrunkCreateRequest, done *effect) error {
	snap, err := l.client.Trunks.Create(l.ctx, req, l.call...)
	if err == nil {
		l.add(done, &mihu.EnsureResult{Snapshot: snap, Action: mihu.ActionCreated}, req)
		return nil
	}
	if errors.Is(err, mihu.ErrOutcomeUnknown) || !errors.Is(err, mihu.ErrConflict) && !errors.Is(err, mihu.ErrInvalid) {
		return err
	}
	found, readErr := l.client.Channels.GetByNumber(l.ctx, req.PhoneNumber, l.call...)
	if readErr == nil && found.Binding(req.Channel).Bound {
		return errLook
	}
	return err
}

// update sends what cannot be read back to an existing trunk. If the response shows another agent,
// somebody has moved the trunk.
func (l *live) update(req *mihu.TrunkCreateRequest, done *effect) error {
	snap, err := l.client.Trunks.Update(l.ctx, req.TrunkID, updateOf(req), l.call...)
	if err != nil {
		return lookIfGone(err)
	}
	if !strings.EqualFold(snap.Binding(req.Channel).AgentUUID, req.AgentUUID) {
		return errLook
	}
	l.add(done, &mihu.EnsureResult{Snapshot: snap, Action: mihu.ActionUpdated}, req)
	return nil
}

// lookIfGone returns errLook if the trunk is not there.
func lookIfGone(err error) error {
	if errors.Is(err, mihu.ErrNotFound) && !errors.Is(err, mihu.ErrMalformedResponse) && !errors.Is(err, mihu.ErrOutcomeUnknown) {
		return errLook
	}
	return err
}

// updateOf returns the update that sends what the request has beside its agent.
func updateOf(req *mihu.TrunkCreateRequest) *mihu.TrunkUpdateRequest {
	update := &mihu.TrunkUpdateRequest{AdditionalSettings: req.AdditionalSettings}
	set := func(field **string, value string) {
		if value != "" {
			*field = &value
		}
	}
	set(&update.Name, req.Name)
	if req.Direction != "" {
		update.Direction = new(req.Direction)
	}
	if sip := req.SIP; sip != nil {
		update.SIP = new(mihu.SIPUpdate)
		set(&update.SIP.Gateway, sip.Gateway)
		set(&update.SIP.Username, sip.Username)
		set(&update.SIP.Password, sip.Password)
		set(&update.SIP.SecondaryGateway, sip.SecondaryGateway)
		if sip.Port != 0 {
			update.SIP.Port = mihu.SetPort(sip.Port)
		}
	}
	return update
}

// holds reads a number that the list shows on an agent. If it cannot be read, the list counts.
func (l *live) holds(holder trunkKey, agent agentKey) bool {
	found, err := l.world.reader.read(l.ctx, holder)
	is, ok := agentOf(found.AgentUUID, holder.id().Channel)
	return err != nil || ok && is == agent
}

// assignSpare moves a trunk to the spare agent.
func (l *live) assignSpare(id mihu.TrunkID) error {
	var outcome unknownOutcome
	return l.retry(func() error {
		_, err := l.client.Trunks.Assign(l.ctx, id, l.opts.SpareAgent, l.call...)
		return outcome.keep(err, nil)
	})
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

// add adds what a request did to what those before it did.
func (l *live) add(done *effect, did *mihu.EnsureResult, req *mihu.TrunkCreateRequest) {
	all := done.ensured
	if did.Snapshot != nil {
		all.Snapshot = did.Snapshot
	}
	all.PreviousAgentUUID = cmp.Or(all.PreviousAgentUUID, did.PreviousAgentUUID)
	if rank(did.Action) > rank(all.Action) {
		all.Action = did.Action
	}
	switch did.Action {
	case mihu.ActionCreated, mihu.ActionAssigned:
		done.known = KnownWritten
		if l.world != nil {
			trunk, _ := keyOf(req.TrunkID)
			before, ok := agentOf(did.PreviousAgentUUID, req.Channel)
			if !ok {
				before = agentKey{}
			}
			agent, _ := agentOf(req.AgentUUID, req.Channel)
			l.world.moved(trunk, before, agent)
		}
	case mihu.ActionUpdated:
		done.known = KnownWritten
	case mihu.ActionUnchanged:
		done.known = cmp.Or(done.known, KnownRead)
	}
}

// rank orders actions. Of several attempts, the action that changed the most counts.
func rank(action mihu.Action) int {
	return slices.Index([]mihu.Action{mihu.ActionUnchanged, mihu.ActionUpdated, mihu.ActionAssigned, mihu.ActionCreated}, action)
}
