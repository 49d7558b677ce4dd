package provision

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/mihu-go/mihu"
)

// live is the mode of Run: it changes the workspace.
type live struct {
	workspace
	*stopper
	secrets Secrets
}

func (*live) name() string { return "run" }

func (*live) begin(*Options) error { return nil }

func (*live) records() bool { return true }

func (l *live) bindings() iter.Seq2[binding, error] { return l.workspace.bindings(l.ctx) }

// attempt creates the trunk of an item, or updates it to match, with retries.
func (l *live) attempt(item *Item) (*mihu.EnsureResult, error) {
	req, err := resolve(l.ctx, *item, l.secrets)
	if err != nil {
		return nil, err
	}
	done := new(mihu.EnsureResult)
	var outcome unknownOutcome
	err = l.retry(func() error {
		did, err := l.client.Trunks.Ensure(l.ctx, req, l.call...)
		addResult(done, did)
		return outcome.keep(err, func() bool { return l.shownUndone(did.Snapshot, req) })
	})
	return done, err
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

// addResult adds what an attempt did to what the attempts before it did.
func addResult(done, did *mihu.EnsureResult) {
	if did.Snapshot != nil {
		done.Snapshot = did.Snapshot
	}
	done.PreviousAgentUUID = cmp.Or(done.PreviousAgentUUID, did.PreviousAgentUUID)
	if rank(did.Action) > rank(done.Action) {
		done.Action = did.Action
	}
}

// rank orders actions. Of several attempts, the action that changed the most counts.
func rank(action mihu.Action) int {
	return slices.Index([]mihu.Action{mihu.ActionUnchanged, mihu.ActionUpdated, mihu.ActionAssigned, mihu.ActionCreated}, action)
}
